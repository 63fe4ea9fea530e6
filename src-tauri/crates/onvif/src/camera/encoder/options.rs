//! What an encoder configuration may be changed to, in the two shapes of the two media services.

use hausrecht_model::Codec;

use crate::{
    camera::{
        media::codec,
        read::{Range, count, flag_attribute, listed, words},
    },
    xml::Element,
};

/// What a camera can do in one codec.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct EncoderOptions {
    /// The codec.
    pub codec: Codec,
    /// Sizes in pixels, width and height, as the camera lists them.
    pub resolutions: Vec<(u32, u32)>,
    /// The scale of the quality.
    pub quality: Option<Range>,
    /// The frame rates, or the smallest and the largest if the camera gives a range.
    pub fps: Vec<f32>,
    /// Whether `fps` is a range of two ends.
    pub is_fps_range: bool,
    /// The bit rates in kbit/s.
    pub bitrate_kbps: Option<Range>,
    /// Frames from one key frame to the next.
    pub gov_length: Option<Range>,
    /// `Baseline`, `Main`, `High`...
    pub profiles: Vec<String>,
    /// Whether the bit rate can be held constant.
    pub has_constant_bitrate: bool,
}

/// Reads the options of Media2: one element a codec, lists in attributes.
pub(super) fn read_media2(body: &Element) -> Vec<EncoderOptions> {
    let all = listed(body, &["Options", "Option"]).filter_map(|options| {
        let numbers = |name| -> Vec<f32> {
            let list =
                options.attribute(name).map(str::to_owned).unwrap_or_else(|| words(options, name).join(" "));
            list.split_whitespace().filter_map(|number| number.parse().ok()).collect()
        };
        let gov = numbers("GovLengthRange");
        let profiles = match options.attribute("ProfilesSupported") {
            Some(list) => list.split_whitespace().map(str::to_owned).collect(),
            None => words(options, "ProfilesSupported"),
        };
        let mut fps = numbers("FrameRatesSupported");
        fps.retain(|fps| fps.is_finite() && *fps > 0.0);
        Some(EncoderOptions {
            codec: options.text_at(&["Encoding"]).and_then(codec)?,
            resolutions: sizes(options),
            quality: Range::read(options.child("QualityRange")),
            fps,
            is_fps_range: false,
            bitrate_kbps: Range::read(options.child("BitrateRange")),
            gov_length: match gov[..] {
                [min, max, ..] if min <= max => Some(Range { min, max }),
                [..] => None,
            },
            profiles,
            has_constant_bitrate: flag_attribute(options, "ConstantBitRateSupported").unwrap_or(false),
        })
    });
    all.collect()
}

/// Reads the options of Media: one element a codec, and the bit rate in an extension beside it.
pub(super) fn read_media(body: &Element) -> Vec<EncoderOptions> {
    let Some(options) = body.child("Options") else { return Vec::new() };
    let quality = Range::read(options.child("QualityRange"));
    let kinds = [("JPEG", Codec::Mjpeg), ("H264", Codec::H264), ("H265", Codec::H265)];
    let all = kinds.into_iter().filter_map(|(name, codec)| {
        let extended = options.at(&["Extension", name]);
        let element = options.child(name).or(extended)?;
        let range = |name| Range::read(element.child(name));
        let resolutions = sizes(element);
        let fps = range("FrameRateRange").map(|range| vec![range.min.max(1.0), range.max]);
        if resolutions.is_empty() {
            return None;
        }
        Some(EncoderOptions {
            codec,
            resolutions,
            quality,
            is_fps_range: fps.is_some(),
            fps: fps.unwrap_or_default(),
            bitrate_kbps: extended.and_then(|element| Range::read(element.child("BitrateRange"))),
            gov_length: range("GovLengthRange"),
            profiles: words(element, "H264ProfilesSupported"),
            has_constant_bitrate: false,
        })
    });
    all.collect()
}

fn sizes(element: &Element) -> Vec<(u32, u32)> {
    let all = listed(element, &["ResolutionsAvailable"]).filter_map(|size| {
        Some((count(size, &["Width"])?, count(size, &["Height"])?))
            .filter(|(width, height)| *width > 0 && *height > 0)
    });
    all.collect()
}
