//! Replay of the card: the main stream from any time of the last day, by `Range: clock=`. ONVIF Streaming Specification, 6.
//! Every packet carries the replay extension with its time. A replay begins with the first key frame at or after the time that is
//! asked for. At a gap it ends if the camera keeps the pace, and goes on behind the gap with `Rate-Control: no`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use gstreamer::{
    BufferFlags, ClockTime, EventType, EventView, PadProbeData, PadProbeReturn, PadProbeType, prelude::*,
};
use gstreamer_app::{AppSrc, AppSrcCallbacks};
use gstreamer_rtsp_server as server;
use hausrecht_model::UnixMicros;
use server::prelude::*;

use super::Buffers;
use crate::{
    camera::Camera,
    card,
    footage::{Stream, Track},
};

/// The path of the replay address.
pub const MOUNT: &str = "/replay";
/// From 1900, where NTP and GStreamer's UTC ranges begin, to 1970, in seconds.
const NTP_TO_UNIX_SECONDS: u64 = 2_208_988_800;

/// The factory of replays: each connection has a pipeline and a place on the card of its own.
pub(super) fn factory(camera: &Arc<Camera>) -> CardFactory {
    let factory: CardFactory = gstreamer::glib::Object::new();
    factory.set_media_gtype(server::RTSPOnvifMedia::static_type());
    factory.set_replay_support(true);
    let camera = camera.clone();
    factory.connect_media_configure(move |_, media| {
        let Ok(bin) = media.element().downcast::<gstreamer::Bin>() else { return };
        let source = bin.by_name("card").and_then(|element| element.downcast::<AppSrc>().ok());
        let Some(source) = source else { return };
        source.set_caps(Some(&super::caps(Stream::Main, camera.footage.track(Stream::Main))));
        let oldest = card::spans(camera.loop_clock.camera_time()).first().map(|span| span.from);
        let reader = Arc::new(Reader {
            camera: camera.clone(),
            media: media.downgrade(),
            next: Mutex::new(oldest.unwrap_or(UnixMicros(0))),
            sought: Mutex::new(oldest.unwrap_or(UnixMicros(0))),
        });
        begin_with_the_oldest(&source, reader.clone());
        if let Some(pad) = media.stream(0).and_then(|stream| stream.srcpad()) {
            keep_a_segment(&pad);
        }
        let seeking = reader.clone();
        source.set_callbacks(
            AppSrcCallbacks::builder()
                .need_data(move |source, _| reader.give(source))
                .seek_data(move |_, at_ns| {
                    seeking.seek(at_ns);
                    true
                })
                .build(),
        );
    });
    factory
}

gstreamer::glib::wrapper! {
    /// Makes the pipelines of replays: the server looks for the payloader in a bin of its own when something comes after it.
    pub struct CardFactory(ObjectSubclass<imp::CardFactory>) @extends server::RTSPOnvifMediaFactory, server::RTSPMediaFactory;
}

mod imp {
    use gstreamer::{glib, prelude::*};
    use gstreamer_rtsp_server as server;
    use server::subclass::prelude::*;

    #[derive(Default)]
    pub struct CardFactory;

    #[glib::object_subclass]
    impl ObjectSubclass for CardFactory {
        const NAME: &'static str = "HausrechtSimcamCardFactory";
        type Type = super::CardFactory;
        type ParentType = server::RTSPOnvifMediaFactory;
    }

    impl ObjectImpl for CardFactory {}

    impl RTSPMediaFactoryImpl for CardFactory {
        fn create_element(&self, _url: &server::gst_rtsp::RTSPUrl) -> Option<gstreamer::Element> {
            let source = "appsrc name=card format=time stream-type=seekable block=false max-bytes=1000000";
            let bin = gstreamer::parse::bin_from_description(source, true).ok()?;
            let pay = "rtph264pay pt=96 config-interval=-1 ! rtponviftimestamp ntp-offset=0 drop-out-of-segment=false";
            let pay = gstreamer::parse::bin_from_description_with_name(pay, true, "pay0").ok()?;
            let source = bin.by_name("card")?;
            let ghost = bin.static_pad("src")?;
            bin.remove_pad(&ghost).ok()?;
            bin.add(&pay).ok()?;
            source.link(&pay).ok()?;
            Some(bin.upcast())
        }
    }

    impl RTSPOnvifMediaFactoryImpl for CardFactory {}
}

/// One connection's place on the card.
#[derive(Debug)]
struct Reader {
    camera: Arc<Camera>,
    media: gstreamer::glib::WeakRef<server::RTSPMedia>,
    /// No picture before this one is given.
    next: Mutex<UnixMicros>,
    /// The first picture after the last seek.
    sought: Mutex<UnixMicros>,
}

impl Reader {
    /// Goes to a time in nanoseconds since 1900; into the first recording behind it if there is none.
    fn seek(&self, at_ns: u64) {
        let unix_us = (at_ns / 1000).saturating_sub(NTP_TO_UNIX_SECONDS * 1_000_000);
        let at = UnixMicros(i64::try_from(unix_us).unwrap_or(0));
        let spans = card::spans(self.camera.loop_clock.camera_time());
        let place = spans.iter().find(|span| at < span.until).map_or(at, |span| at.max(span.from));
        let first = key_frame_from(self.camera.footage.track(Stream::Main), place);
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = first;
        *self.sought.lock().unwrap_or_else(PoisonError::into_inner) = first;
    }

    /// Gives the next picture, or the end.
    fn give(&self, source: &AppSrc) {
        let track = self.camera.footage.track(Stream::Main);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = card::spans(self.camera.loop_clock.camera_time());
        let here = spans.iter().find(|span| span.from <= *next && *next < span.until);
        let mut jumped = false;
        if here.is_none() {
            let paced = self.media.upgrade().is_none_or(|media| media.is_rate_control());
            let Some(later) = spans.iter().find(|span| span.from > *next).filter(|_| !paced) else {
                drop(next);
                let _ = source.end_of_stream();
                return;
            };
            *next = key_frame_from(track, later.from);
            jumped = true;
        }
        let number = number_at(track, *next);
        let at = time_of(track, number);
        *next = time_of(track, number + 1);
        drop(next);
        let mut buffer = track.buffers.get_or_init(|| Buffers::new(track)).whole(number);
        let about = buffer.get_mut().expect("a fresh copy has one owner");
        about.set_pts(ntp(at));
        about.set_duration(ClockTime::from_nseconds(1_000_000_000 / u64::from(track.rate)));
        if jumped {
            about.set_flags(BufferFlags::DISCONT);
        }
        if !track.unit(number).is_key() {
            about.set_flags(BufferFlags::DELTA_UNIT);
        }
        // A source that is being closed takes nothing more.
        let _ = source.push_buffer(buffer);
    }
}

/// Lets a client that asks for no time, or for `npt=0`, have the oldest picture at once: 1900 is when the server thinks that it begins.
fn begin_with_the_oldest(source: &AppSrc, reader: Arc<Reader>) {
    let Some(pad) = source.static_pad("src") else { return };
    pad.add_probe(PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let Some(PadProbeData::Event(event)) = &info.data else { return PadProbeReturn::Ok };
        let EventView::Segment(segment) = event.view() else { return PadProbeReturn::Ok };
        let Some(times) = segment.segment().downcast_ref::<ClockTime>() else { return PadProbeReturn::Ok };
        if times.start() != Some(ClockTime::ZERO) {
            return PadProbeReturn::Ok;
        }
        let from = ntp(*reader.sought.lock().unwrap_or_else(PoisonError::into_inner));
        let mut times = times.clone();
        times.set_start(from);
        times.set_time(from);
        times.set_position(from);
        let changed = gstreamer::event::Segment::builder(&times).seqnum(event.seqnum()).build();
        info.data = Some(PadProbeData::Event(changed));
        PadProbeReturn::Ok
    });
}

/// Leaves the last segment on the pad through a flush, until the next one comes.
///
/// When PLAY seeks, gst-rtsp-server (1.22) waits for any preroll message. One of before the seek can answer; the server then asks the
/// pad for its rates, and aborts the process in `gst_rtsp_media_get_rates` if the new segment is not there yet.
fn keep_a_segment(pad: &gstreamer::Pad) {
    let last = Mutex::new(None);
    pad.add_probe(PadProbeType::EVENT_DOWNSTREAM | PadProbeType::EVENT_FLUSH, move |pad, info| {
        let Some(PadProbeData::Event(event)) = &info.data else { return PadProbeReturn::Ok };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if event.type_() == EventType::Segment {
            *last = Some(event.clone());
        } else if event.type_() == EventType::FlushStop
            && let Some(segment) = &*last
        {
            // A pad that is being closed keeps nothing.
            let _ = pad.store_sticky_event(segment);
        }
        PadProbeReturn::Ok
    });
}

/// When the first key frame at `at` or later was taken.
fn key_frame_from(track: &Track, at: UnixMicros) -> UnixMicros {
    let first = number_at(track, at);
    let count = track.units.len() as u64;
    time_of(track, (first..first + count).find(|&number| track.unit(number).is_key()).unwrap_or(first))
}

/// The first picture at `at` or later, counted from 1970.
fn number_at(track: &Track, at: UnixMicros) -> u64 {
    let since = Duration::from_micros(u64::try_from(at.0).unwrap_or(0));
    track.number_at(since)
}

/// When picture `number`, counted from 1970, was taken; rounded up, so that `number_at` finds it again.
fn time_of(track: &Track, number: u64) -> UnixMicros {
    let micros = (u128::from(number) * 1_000_000).div_ceil(u128::from(track.rate));
    UnixMicros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// A time in nanoseconds since 1900.
fn ntp(at: UnixMicros) -> ClockTime {
    let since = Duration::from_micros(u64::try_from(at.0).unwrap_or(0));
    ClockTime::from_seconds(NTP_TO_UNIX_SECONDS)
        + ClockTime::from_nseconds(u64::try_from(since.as_nanos()).unwrap_or(0))
}
