//! Which decoder: hardware where the machine offers some that works, by GStreamer's rank, and software that is known else.

use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use hausrecht_model::Codec;

/// Hardware decoders that could be opened, before the sandbox was closed.
static HARDWARE: OnceLock<Vec<(Codec, gst::ElementFactory)>> = OnceLock::new();
/// Hardware failed while it decoded, or may not be reached: this process goes on in software.
static SOFTWARE_ONLY: AtomicBool = AtomicBool::new(false);

/// What decodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Decoder {
    /// GStreamer's name of it.
    pub(crate) name: String,
    /// Whether it is hardware.
    pub(crate) hardware: bool,
}

/// Looks for hardware, opens each decoder once, and loads what that needs. Called before the sandbox closes.
pub(crate) fn try_hardware() {
    HARDWARE.get_or_init(|| {
        let codecs = [Codec::H264, Codec::H265, Codec::Mjpeg];
        codecs.into_iter().filter_map(|codec| Some((codec, best_hardware(codec)?))).collect()
    });
}

/// Files that the hardware is reached by; none where there is no decoder for it.
pub(crate) fn hardware_devices() -> Vec<PathBuf> {
    if HARDWARE.get().is_none_or(Vec::is_empty) {
        return Vec::new();
    }
    let in_folder = |folder: &str, start: &'static str| {
        let entries = std::fs::read_dir(Path::new(folder)).into_iter().flatten().flatten();
        entries
            .filter(move |entry| entry.file_name().to_string_lossy().starts_with(start))
            .map(|entry| entry.path())
    };
    in_folder("/dev/dri", "renderD")
        .chain(in_folder("/dev", "video"))
        .chain(in_folder("/dev", "media"))
        .collect()
}

/// This process decodes in software from now on.
pub(crate) fn use_software() {
    SOFTWARE_ONLY.store(true, Ordering::Relaxed);
}

/// Makes the decoder for `codec`.
pub(super) fn make(codec: Codec) -> anyhow::Result<(gst::Element, Decoder)> {
    if !SOFTWARE_ONLY.load(Ordering::Relaxed)
        && let Some((_, factory)) = HARDWARE.get().and_then(|found| found.iter().find(|(of, _)| *of == codec))
        && let Ok(element) = factory.create().build()
    {
        return Ok((element, Decoder { name: factory.name().into(), hardware: true }));
    }
    let name = software(codec);
    let element = gst::ElementFactory::make(name).build().with_context(|| format!("making {name}"))?;
    Ok((element, Decoder { name: name.into(), hardware: false }))
}

fn software(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "avdec_h264",
        Codec::H265 => "avdec_h265",
        Codec::Mjpeg => "jpegdec",
    }
}

/// The hardware decoder of the highest rank that can be opened, unless software ranks higher.
fn best_hardware(codec: Codec) -> Option<gst::ElementFactory> {
    let media = match codec {
        Codec::H264 => "video/x-h264",
        Codec::H265 => "video/x-h265",
        Codec::Mjpeg => "image/jpeg",
    };
    let caps = gst::Caps::builder(media).build();
    let kinds = gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_VIDEO;
    let factories = gst::ElementFactory::factories_with_type(kinds, gst::Rank::MARGINAL);
    let able = factories.into_iter().filter(|factory| factory.can_sink_any_caps(&caps));
    let ranked = able.map(|factory| Offer {
        hardware: factory.has_type(gst::ElementFactoryType::HARDWARE),
        rank: factory.rank().into(),
        known: factory.name() == software(codec),
        what: factory,
    });
    in_order(ranked.collect()).into_iter().find(opens)
}

/// A decoder on offer.
struct Offer<T> {
    hardware: bool,
    rank: i32,
    /// It is the software that is used else.
    known: bool,
    what: T,
}

/// Hardware that ranks above the software that is used else, best first.
fn in_order<T>(mut offers: Vec<Offer<T>>) -> Vec<T> {
    let least = offers.iter().find(|offer| offer.known).map_or(0, |offer| offer.rank);
    offers.retain(|offer| offer.hardware && offer.rank > least);
    offers.sort_by_key(|offer| std::cmp::Reverse(offer.rank));
    offers.into_iter().map(|offer| offer.what).collect()
}

/// Whether the hardware answers.
fn opens(factory: &gst::ElementFactory) -> bool {
    let Ok(element) = factory.create().build() else { return false };
    let opened = element.set_state(gst::State::Ready).is_ok();
    // One that does not close again is not used either.
    opened && element.set_state(gst::State::Null).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_is_taken_by_rank_and_only_above_software() {
        let offer = |hardware, rank, what| Offer { hardware, rank, known: what == "avdec_h264", what };
        let offers = || {
            vec![
                offer(false, 256, "avdec_h264"),
                offer(true, 257, "vah264dec"),
                offer(true, 266, "v4l2slh264dec"),
                offer(true, 128, "omxh264dec"),
                offer(false, 300, "openh264dec"),
            ]
        };
        assert_eq!(in_order(offers()), ["v4l2slh264dec", "vah264dec"]);
        assert!(in_order(vec![offer(false, 256, "avdec_h264"), offer(true, 256, "vah264dec")]).is_empty());
    }

    #[test]
    fn every_codec_has_a_decoder() {
        gst::init().unwrap();
        try_hardware();
        for codec in [Codec::H264, Codec::H265, Codec::Mjpeg] {
            let (_, decoder) = make(codec).unwrap();
            assert!(decoder.hardware || decoder.name == software(codec), "{decoder:?}");
        }
        use_software();
        assert_eq!(make(Codec::H264).unwrap().1, Decoder { name: "avdec_h264".into(), hardware: false });
    }
}
