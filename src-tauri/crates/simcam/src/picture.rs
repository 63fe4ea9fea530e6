//! Settings of streams and pictures: kept and given back. The footage was encoded beforehand, so nothing that is seen changes.

use std::collections::BTreeMap;

use crate::footage::{Footage, Stream, Track};

/// Texts that fit over the picture, and areas that fit on it.
pub const MOST_OVERLAYS: usize = 4;
/// Corners of an area.
pub const CORNERS: std::ops::RangeInclusive<usize> = 3..=10;

/// All of these settings.
#[derive(Debug)]
pub struct Picture {
    /// One an encoder, in the order of the streams.
    pub encoders: Vec<(Stream, Encoder)>,
    /// Texts over the picture, by token.
    pub osds: BTreeMap<String, Osd>,
    /// Areas that are made black, by token.
    pub masks: BTreeMap<String, Mask>,
    /// Brightness and the like.
    pub imaging: Imaging,
    /// Loudness of the loudspeaker, 0 to 100.
    pub output_level: i32,
    next_token: u32,
}

/// Settings of an encoder.
#[derive(Clone, PartialEq, Debug)]
pub struct Encoder {
    /// What a person calls it.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pictures a second.
    pub rate: u32,
    /// In kbit/s.
    pub limit_kbps: u32,
    /// 1 to 10.
    pub quality: f64,
    /// Pictures from one key frame to the next.
    pub gov_length: u32,
    /// Profile of the codec, empty for JPEG.
    pub profile: String,
}

/// One text over the picture.
#[derive(Clone, PartialEq, Debug)]
pub struct Osd {
    /// `UpperLeft`, `UpperRight`, `LowerLeft`, `LowerRight` or `Custom`.
    pub corner: String,
    /// Where a `Custom` one is, from -1.0 to 1.0.
    pub at: Option<(f64, f64)>,
    /// `Plain`, `Date`, `Time` or `DateAndTime`.
    pub kind: String,
    /// The text of a `Plain` one.
    pub text: String,
    /// In points.
    pub font_size: Option<i32>,
    /// Form of the date, for those with one.
    pub date_format: Option<String>,
    /// Form of the time, for those with one.
    pub time_format: Option<String>,
}

/// One area.
#[derive(Clone, PartialEq, Debug)]
pub struct Mask {
    /// Its corners, from -1.0 to 1.0.
    pub corners: Vec<(f64, f64)>,
    /// `Color`, `Pixelized` or `Blurred`.
    pub kind: String,
    /// Y, Cb and Cr of a `Color` one.
    pub color: Option<(f64, f64, f64)>,
    /// Whether it hides anything.
    pub enabled: bool,
}

/// Brightness and the like; levels go from 0 to 100.
#[derive(Clone, PartialEq, Debug)]
pub struct Imaging {
    /// Whether light from behind is made up for, and how much.
    pub backlight: (bool, f64),
    /// Level.
    pub brightness: f64,
    /// Level.
    pub saturation: f64,
    /// Level.
    pub contrast: f64,
    /// Level.
    pub sharpness: f64,
    /// `AUTO` or `MANUAL`.
    pub exposure: String,
    /// In microseconds, when manual.
    pub exposure_time_us: f64,
    /// In dB, when manual.
    pub gain: f64,
    /// `ON`, `OFF` or `AUTO`.
    pub ir_cut: String,
    /// Whether bright and dark parts are brought together, and how much.
    pub wide_dynamic_range: (bool, f64),
    /// `AUTO` or `MANUAL`.
    pub white_balance: String,
}

impl Picture {
    /// As the footage is.
    pub fn new(footage: &Footage) -> Self {
        Self {
            encoders: footage
                .tracks
                .iter()
                .map(|(stream, track)| (*stream, Encoder::new(*stream, track)))
                .collect(),
            osds: BTreeMap::new(),
            masks: BTreeMap::new(),
            imaging: Imaging {
                backlight: (false, 50.0),
                brightness: 50.0,
                saturation: 50.0,
                contrast: 50.0,
                sharpness: 50.0,
                exposure: "AUTO".to_owned(),
                exposure_time_us: 10_000.0,
                gain: 0.0,
                ir_cut: "AUTO".to_owned(),
                wide_dynamic_range: (false, 50.0),
                white_balance: "AUTO".to_owned(),
            },
            output_level: 50,
            next_token: 1,
        }
    }

    /// A token for something new.
    pub fn new_token(&mut self, kind: &str) -> String {
        let token = format!("{kind}{}", self.next_token);
        self.next_token += 1;
        token
    }

    /// The encoder of `stream`.
    pub fn encoder(&self, stream: Stream) -> &Encoder {
        &self.encoders.iter().find(|(known, _)| *known == stream).expect("every stream has an encoder").1
    }

    /// The encoder of `stream`, to change.
    pub fn encoder_mut(&mut self, stream: Stream) -> &mut Encoder {
        let found = self.encoders.iter_mut().find(|(known, _)| *known == stream);
        &mut found.expect("every stream has an encoder").1
    }
}

impl Encoder {
    fn new(stream: Stream, track: &Track) -> Self {
        Self {
            name: stream.token().to_owned(),
            width: track.width,
            height: track.height,
            rate: track.rate,
            limit_kbps: limit_kbps(track),
            quality: 5.0,
            gov_length: if stream == Stream::Mjpeg { 1 } else { track.rate },
            profile: match stream {
                Stream::Main => "High",
                Stream::Sub | Stream::H265 => "Main",
                Stream::Mjpeg => "",
            }
            .to_owned(),
        }
    }
}

/// What the padded or bare stream needs at most, in kbit/s.
fn limit_kbps(track: &Track) -> u32 {
    let bytes: u64 = track.units.iter().map(|unit| unit.bytes.len() as u64).sum();
    let mean = bytes * 8 * u64::from(track.rate) / track.units.len() as u64 / 1000;
    u32::try_from((mean * 5 / 4).max(64)).unwrap_or(u32::MAX)
}
