//! The camera's back channel, by GStreamer's `rtspsrc`: `DESCRIBE` with `Require: www.onvif.org/ver20/backchannel`, and the
//! stream of the answer that is marked `sendonly`.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use hausrecht_media::{FaultCode, TalkOpen, Transport};

use super::FromCamera;
use crate::{
    ingest::{Account, certificate, classify, guard},
    lock::lock,
    source::Address,
};

const CONNECT_LIMIT_US: u64 = 5_000_000;

/// Which streams are set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Streams {
    /// The back channel alone.
    BackChannel,
    /// Video and sound of the camera too, for a camera that refuses the back channel alone; nothing of them is looked at.
    All,
}

/// How the camera encodes what it hears.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Law {
    /// ITU-T G.711 mu-law.
    Mu,
    /// ITU-T G.711 A-law.
    A,
}

/// What the camera takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Offer {
    stream: u32,
    /// Its encoding.
    pub(super) law: Law,
    /// Its RTP payload type.
    pub(super) payload: u32,
}

/// An open back channel; closed when dropped.
#[derive(Debug)]
pub(super) struct BackChannel {
    pipeline: gst::Pipeline,
    source: gst::Element,
}

impl BackChannel {
    /// Asks the camera; `tell` is called on GStreamer's threads.
    pub(super) fn open(
        address: &Address,
        open: &TalkOpen,
        transport: Transport,
        streams: Streams,
        tell: impl Fn(FromCamera) + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let protocols = if transport == Transport::Udp { "udp" } else { "tcp" };
        let source = gst::ElementFactory::make("rtspsrc")
            .property("location", &address.uri)
            .property_from_str("protocols", protocols)
            .property_from_str("backchannel", "onvif")
            .property("latency", 0_u32)
            .property("tcp-timeout", CONNECT_LIMIT_US)
            // A camera that only listens sends nothing by UDP: its silence is no failure.
            .property("timeout", 0_u64)
            .property("teardown-timeout", 200_000_000_u64)
            .build()
            .context("making rtspsrc")?;
        certificate::keep_to(&source, open.certificate);
        let tell = Arc::new(tell);
        let elsewhere = Arc::clone(&tell);
        let account = Account { user: open.user.clone(), password: open.password.clone() };
        guard(
            &source,
            address,
            false,
            account,
            || {},
            move |code, text| {
                elsewhere(FromCamera::Failed { code, text });
            },
        );
        let offer = Arc::new(Mutex::new(None::<Offer>));
        choose(&source, streams, &offer);
        let pipeline = gst::Pipeline::new();
        pipeline.add(&source)?;
        let weak = pipeline.downgrade();
        source.connect_pad_added(move |_, pad| {
            if let Some(pipeline) = weak.upgrade()
                && let Err(error) = throw_away(&pipeline, pad)
            {
                tracing::warn!("a stream that nobody wants: {error:#}");
            }
        });
        watch(&pipeline, offer, tell)?;
        let channel = Self { pipeline, source };
        // A failure is told on the bus, with its reason.
        let _ = channel.pipeline.set_state(gst::State::Playing);
        Ok(channel)
    }

    /// Gives the camera a packet; false if it takes no more.
    pub(super) fn give(&self, offer: &Offer, packet: &gst::Sample) -> bool {
        // In GStreamer 1.22 the action takes away a reference that is not its own, and with it memory that is in use. It gets
        // one more to take; where it does not, the packet (about 200 bytes) stays until the talk ends and the process with it.
        std::mem::forget(packet.clone());
        let flow = self.source.emit_by_name_with_values(
            "push-backchannel-sample",
            &[offer.stream.to_value(), packet.to_value()],
        );
        flow.and_then(|flow| flow.get::<gst::FlowReturn>().ok())
            .is_some_and(|flow| flow.into_result().is_ok())
    }
}

impl Drop for BackChannel {
    fn drop(&mut self) {
        // Nothing is left to do with a pipeline that does not stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Sets up the first back channel whose encoding is known.
fn choose(source: &gst::Element, streams: Streams, offer: &Arc<Mutex<Option<Offer>>>) {
    let offer = Arc::clone(offer);
    source.connect("select-stream", false, move |arguments| {
        let stream = arguments.get(1).and_then(|value| value.get::<u32>().ok());
        let caps = arguments.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let found = stream.zip(caps).and_then(|(stream, caps)| Some((stream, caps.structure(0)?.to_owned())));
        let Some((stream, structure)) = found else { return Some(false.to_value()) };
        if !structure.has_field("a-sendonly") {
            return Some((streams == Streams::All).to_value());
        }
        let law = match structure.get::<String>("encoding-name").as_deref() {
            Ok("PCMU") => Some(Law::Mu),
            Ok("PCMA") => Some(Law::A),
            Ok(_) | Err(_) => None,
        };
        let usual_rate = structure.get::<i32>("clock-rate").is_ok_and(|rate| rate == 8_000);
        let payload = structure.get::<i32>("payload").ok().and_then(|payload| u32::try_from(payload).ok());
        let mut offer = lock(&offer);
        let taken = match (law.filter(|_| usual_rate), payload, *offer) {
            (_, _, Some(chosen)) => chosen.stream == stream,
            (Some(law), Some(payload), None) => {
                *offer = Some(Offer { stream, law, payload });
                true
            }
            (_, _, None) => false,
        };
        Some(taken.to_value())
    });
}

fn throw_away(pipeline: &gst::Pipeline, pad: &gst::Pad) -> anyhow::Result<()> {
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .property("async", false)
        .build()
        .context("making fakesink")?;
    pipeline.add(&sink)?;
    sink.sync_state_with_parent()?;
    pad.link(&sink.static_pad("sink").context("a fakesink without a sink")?)?;
    Ok(())
}

fn watch(
    pipeline: &gst::Pipeline,
    offer: Arc<Mutex<Option<Offer>>>,
    tell: Arc<impl Fn(FromCamera) + Send + Sync + 'static>,
) -> anyhow::Result<()> {
    let bus = pipeline.bus().context("a pipeline without a bus")?;
    let agreed = AtomicBool::new(false);
    bus.set_sync_handler(move |_, message| {
        let offered = || *lock(&offer);
        if let gst::MessageView::Error(error) = message.view() {
            let (code, text) = classify(&error.error(), &error.debug().unwrap_or_default());
            let explained =
                [FaultCode::NotAuthorized, FaultCode::NotFound, FaultCode::Timeout, FaultCode::Refused];
            // A camera that answers 551 is asked once more without the requirement; its answer then has no back channel.
            let code = if offered().is_none() && !explained.contains(&code) {
                FaultCode::NoBackChannel
            } else {
                code
            };
            tell(FromCamera::Failed { code, text });
        } else if let gst::MessageView::Progress(progress) = message.view() {
            let (kind, code, _) = progress.get();
            if kind == gst::ProgressType::Complete
                && code == "request"
                && !agreed.swap(true, Ordering::Relaxed)
            {
                tell(match offered() {
                    Some(offer) => FromCamera::Agreed(offer),
                    None => FromCamera::Failed {
                        code: FaultCode::NoBackChannel,
                        text: "the camera has no back channel of a known kind".into(),
                    },
                });
            }
        } else if message.type_() == gst::MessageType::Eos {
            let text = "the camera ended the talk".into();
            tell(FromCamera::Failed { code: FaultCode::Lost, text });
        }
        gst::BusSyncReply::Drop
    });
    Ok(())
}
