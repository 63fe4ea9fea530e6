//! The microphone, or a tone in tests: mono, 8 kHz, ITU-T G.711, in RTP packets of 20 ms.

use std::{env, path::Path, sync::Arc};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use hausrecht_media::TalkSound;

use super::{
    FromSound,
    channel::{Law, Offer},
};

const PACKET_NS: i64 = 20_000_000;
/// A little sound is held between the sound server and the camera; more would be heard late.
const HELD_NS: u64 = 200_000_000;

/// Where the sound server listens, as it may stand in the environment: a Unix socket, which libpulse could not find by itself
/// once the sandbox is closed.
pub(super) fn server() -> Option<String> {
    if let Ok(server) = env::var("PULSE_SERVER") {
        return Some(server);
    }
    let socket = Path::new(&env::var_os("XDG_RUNTIME_DIR")?).join("pulse/native");
    Some(format!("unix:{}", socket.to_str()?))
}

/// Loads what a talk needs beside what every worker has.
pub(super) fn load_elements(sound: TalkSound) {
    let source = source_name(sound);
    for name in [
        source,
        "audioconvert",
        "audioresample",
        "mulawenc",
        "alawenc",
        "rtppcmupay",
        "rtppcmapay",
        "fakesink",
    ] {
        if gst::ElementFactory::find(name).and_then(|factory| factory.load().ok()).is_none() {
            tracing::warn!("GStreamer has no {name}");
        }
    }
}

fn source_name(sound: TalkSound) -> &'static str {
    match sound {
        TalkSound::Microphone => "pulsesrc",
        TalkSound::Tone { .. } => "audiotestsrc",
    }
}

/// An open microphone; closed when dropped.
#[derive(Debug)]
pub(super) struct Sound {
    pipeline: gst::Pipeline,
}

impl Sound {
    /// Opens it; `tell` is called on its thread.
    pub(super) fn start(
        sound: TalkSound,
        server: Option<&str>,
        offer: &Offer,
        tell: impl Fn(FromSound) + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let make = |name| gst::ElementFactory::make(name);
        let source = match sound {
            TalkSound::Microphone => {
                let source = make(source_name(sound)).property("client-name", "Hausrecht").build();
                let source = source.context("GStreamer has no pulsesrc; install its PulseAudio plugin")?;
                source.set_property("server", server.context("this session has no sound server")?);
                source
            }
            TalkSound::Tone { hz } => make(source_name(sound))
                .property("is-live", true)
                .property("freq", f64::from(hz.clamp(50, 3_400)))
                .build()
                .context("making audiotestsrc")?,
        };
        let queue = make("queue").property_from_str("leaky", "downstream");
        let queue = queue.property("max-size-time", HELD_NS).build().context("making queue")?;
        let convert = make("audioconvert").build().context("making audioconvert")?;
        let resample = make("audioresample").build().context("making audioresample")?;
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", "S16LE")
            .field("rate", 8_000_i32)
            .field("channels", 1_i32)
            .build();
        let format = make("capsfilter").property("caps", caps).build().context("making capsfilter")?;
        let (encode, pay) = match offer.law {
            Law::Mu => ("mulawenc", "rtppcmupay"),
            Law::A => ("alawenc", "rtppcmapay"),
        };
        let encode = make(encode).build().context("making an encoder")?;
        let pay = make(pay)
            .property("pt", offer.payload)
            .property("min-ptime", PACKET_NS)
            .property("max-ptime", PACKET_NS)
            .build()
            .context("making a payloader")?;
        let sink = gst_app::AppSink::builder().sync(false).max_buffers(50).drop(true).build();
        let tell = Arc::new(tell);
        let loudest = measure(&format)?;
        {
            let tell = Arc::clone(&tell);
            let take = move |sink: &gst_app::AppSink| {
                let packet = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                tell(FromSound::Packet(packet, loudest.swap(0, std::sync::atomic::Ordering::Relaxed)));
                Ok(gst::FlowSuccess::Ok)
            };
            sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
        }
        let pipeline = gst::Pipeline::new();
        let elements = [&source, &queue, &convert, &resample, &format, &encode, &pay, sink.upcast_ref()];
        pipeline.add_many(elements)?;
        gst::Element::link_many(elements)?;
        let bus = pipeline.bus().context("a pipeline without a bus")?;
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                tell(FromSound::Failed(format!("{}: {}", error.error(), error.debug().unwrap_or_default())));
            }
            gst::BusSyncReply::Drop
        });
        let sound = Self { pipeline };
        // A failure is told on the bus, with its reason.
        let _ = sound.pipeline.set_state(gst::State::Playing);
        Ok(sound)
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        // Nothing is left to do with a pipeline that does not stop.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Notes the loudest sample that comes out of `element`.
fn measure(element: &gst::Element) -> anyhow::Result<Arc<std::sync::atomic::AtomicU16>> {
    let loudest = Arc::new(std::sync::atomic::AtomicU16::new(0));
    let noted = Arc::clone(&loudest);
    let out = element.static_pad("src").context("a capsfilter without a source")?;
    out.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(samples) = info.buffer().and_then(|buffer| buffer.map_readable().ok()) {
            let loud =
                samples.chunks_exact(2).filter_map(|pair| Some(i16::from_le_bytes(pair.try_into().ok()?)));
            let loud = loud.map(i16::unsigned_abs).max().unwrap_or(0).min(i16::MAX.unsigned_abs());
            noted.fetch_max(loud, std::sync::atomic::Ordering::Relaxed);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(loudest)
}
