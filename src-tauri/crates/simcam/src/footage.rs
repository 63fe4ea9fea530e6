//! The footage in `assets/footage`: pictures encoded once, cut here into the access units that the streams send.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::Deserialize;

use crate::{
    feature::Feature,
    transcode::{TranscodeError, transcode},
};

/// Which scene a camera looks at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, clap::ValueEnum)]
pub enum Scene {
    /// A front door; somebody walks up, rings, and leaves.
    Front,
    /// A garage; a car leaves and comes back.
    Garage,
    /// A shop counter; a customer is served.
    Shop,
}

impl Scene {
    /// Every scene, in the order in which a row of demo cameras takes them.
    pub const ALL: [Self; 3] = [Self::Front, Self::Garage, Self::Shop];

    /// The name that a camera has when it is given none.
    pub fn default_name(self) -> &'static str {
        match self {
            Self::Front => "Front door",
            Self::Garage => "Garage",
            Self::Shop => "Shop counter",
        }
    }
}

/// One of the streams that a camera may have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stream {
    /// The full picture, in H.264.
    Main,
    /// The small picture, in H.264.
    Sub,
    /// The small picture, in JPEG.
    Mjpeg,
    /// The small picture, in H.265.
    H265,
}

impl Stream {
    /// The token of its profile and of its encoder.
    pub fn token(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Sub => "sub",
            Self::Mjpeg => "mjpeg",
            Self::H265 => "h265",
        }
    }

    /// The path of its address.
    pub fn mount(self) -> &'static str {
        match self {
            Self::Main => "/main",
            Self::Sub => "/sub",
            Self::Mjpeg => "/mjpeg",
            Self::H265 => "/h265",
        }
    }

    /// The feature without which a camera does not have it.
    pub fn feature(self) -> Option<Feature> {
        match self {
            Self::Main | Self::Sub => None,
            Self::Mjpeg => Some(Feature::Mjpeg),
            Self::H265 => Some(Feature::H265),
        }
    }
}

/// Footage that cannot be used; the files were not made by `assets/footage/make.py`.
#[derive(Debug, thiserror::Error)]
pub enum FootageError {
    /// The description of a scene is not what `make.py` writes.
    #[error("the description of the footage is unreadable: {0}")]
    Description(#[from] serde_json::Error),
    /// A stream does not have as many pictures as its description says.
    #[error("the footage has {found} pictures where {expected} are expected")]
    PictureCount {
        /// Pictures in the file.
        found: usize,
        /// Length times rate.
        expected: usize,
    },
    /// A stream begins with a picture that needs an earlier one.
    #[error("the footage does not begin with a key frame")]
    NoKeyFrame,
    /// Another codec cannot be made of it.
    #[error(transparent)]
    Transcode(#[from] TranscodeError),
}

/// One scene's pictures, and when something moves in them.
#[derive(Debug)]
pub struct Footage {
    /// Its streams, the main one first.
    pub tracks: Vec<(Stream, Track)>,
    /// One picture as JPEG.
    pub snapshot_jpeg: &'static [u8],
    /// How long it is before it starts again.
    pub length: Duration,
    /// Spans in which something moves, in order.
    pub moving: Vec<Moving>,
    /// Things that happen at one time, in order.
    pub moments: Vec<Moment>,
}

/// A span in which something moves.
#[derive(Clone, Debug, Deserialize)]
pub struct Moving {
    /// Seconds into the footage.
    pub from_seconds: f64,
    /// Seconds into the footage.
    pub to_seconds: f64,
}

/// Something that happens at one time.
#[derive(Clone, Debug, Deserialize)]
pub struct Moment {
    /// Seconds into the footage.
    pub at_seconds: f64,
    /// `doorbell`.
    pub kind: String,
}

/// One encoded stream.
#[derive(Debug)]
pub struct Track {
    /// Picture width in pixels.
    pub width: u32,
    /// Picture height in pixels.
    pub height: u32,
    /// Pictures a second.
    pub rate: u32,
    /// One a picture, in order.
    pub units: Vec<AccessUnit>,
    /// The pictures as buffers, once somebody watches.
    pub(crate) buffers: OnceLock<crate::rtsp::Buffers>,
}

/// One encoded picture as an H.264 byte stream, with its delimiter and parameter sets.
#[derive(Debug)]
pub struct AccessUnit {
    /// The bytes, start codes included; shared by every buffer that is sent.
    pub bytes: Arc<[u8]>,
    /// For a key frame, how many of the first bytes are delimiter and parameter sets; none for other pictures.
    pub key_header_bytes: Option<usize>,
}

#[derive(Deserialize)]
struct Description {
    length_seconds: u32,
    main: TrackDescription,
    sub: TrackDescription,
    moving: Vec<Moving>,
    moments: Vec<Moment>,
}

#[derive(Deserialize)]
struct TrackDescription {
    width: u32,
    height: u32,
    frames_per_second: u32,
}

macro_rules! footage_file {
    ($name:literal) => {
        include_bytes!(concat!("../../../../assets/footage/", $name))
    };
}

impl Footage {
    /// Cuts the built-in footage of `scene`, and makes those further streams of it that are among `features`. The main and the small stream are padded to `main_kbps` and a tenth of it if that is not zero.
    ///
    /// # Errors
    /// When the files in `assets/footage` do not belong together, or an encoder is missing.
    pub fn load(scene: Scene, features: &BTreeSet<Feature>, main_kbps: u32) -> Result<Self, FootageError> {
        let (description, main, sub, snapshot): (&[u8], &[u8], &[u8], &'static [u8]) = match scene {
            Scene::Front => (
                footage_file!("front.json"),
                footage_file!("front.main.h264"),
                footage_file!("front.sub.h264"),
                footage_file!("front.jpg"),
            ),
            Scene::Garage => (
                footage_file!("garage.json"),
                footage_file!("garage.main.h264"),
                footage_file!("garage.sub.h264"),
                footage_file!("garage.jpg"),
            ),
            Scene::Shop => (
                footage_file!("shop.json"),
                footage_file!("shop.main.h264"),
                footage_file!("shop.sub.h264"),
                footage_file!("shop.jpg"),
            ),
        };
        let description: Description = serde_json::from_slice(description)?;
        let seconds = description.length_seconds;
        let bare = Track::cut(sub, &description.sub, seconds, 0)?;
        let mut further = Vec::new();
        for stream in [Stream::Mjpeg, Stream::H265] {
            if stream.feature().is_some_and(|feature| features.contains(&feature)) {
                further.push((stream, transcode(&bare, stream)?));
            }
        }
        let mut tracks = vec![
            (Stream::Main, Track::cut(main, &description.main, seconds, main_kbps)?),
            (Stream::Sub, Track::cut(sub, &description.sub, seconds, main_kbps / 10)?),
        ];
        tracks.append(&mut further);
        Ok(Self {
            tracks,
            snapshot_jpeg: snapshot,
            length: Duration::from_secs(u64::from(seconds)),
            moving: description.moving,
            moments: description.moments,
        })
    }

    /// One of its streams.
    ///
    /// # Panics
    /// When the footage was loaded without it.
    pub fn track(&self, stream: Stream) -> &Track {
        &self.tracks.iter().find(|(known, _)| *known == stream).expect("a stream that was loaded").1
    }
}

impl Track {
    fn cut(stream: &[u8], about: &TrackDescription, seconds: u32, kbps: u32) -> Result<Self, FootageError> {
        let aim_bytes = (kbps * 125 / about.frames_per_second) as usize;
        let mut starts: Vec<(usize, Option<usize>)> = Vec::new();
        for (kind, at) in nal_units(stream) {
            if kind == NAL_DELIMITER || starts.is_empty() {
                starts.push((at, None));
            }
            let (start, key) = starts.last_mut().expect("one was pushed for the first NAL unit");
            if kind == NAL_KEY_SLICE && key.is_none() {
                *key = Some(at - *start);
            }
        }
        let ends = starts.iter().skip(1).map(|&(start, _)| start).chain([stream.len()]);
        let units: Vec<_> = starts
            .iter()
            .zip(ends)
            .map(|(&(start, key_header_bytes), end)| AccessUnit {
                bytes: padded(&stream[start..end], aim_bytes),
                key_header_bytes,
            })
            .collect();
        let expected = (about.frames_per_second * seconds) as usize;
        if units.len() != expected {
            return Err(FootageError::PictureCount { found: units.len(), expected });
        }
        if units[0].key_header_bytes.is_none() {
            return Err(FootageError::NoKeyFrame);
        }
        Ok(Self {
            width: about.width,
            height: about.height,
            rate: about.frames_per_second,
            units,
            buffers: OnceLock::new(),
        })
    }

    /// When picture `number`, counted from the camera's start, is due.
    pub fn due(&self, number: u64) -> Duration {
        Duration::from_nanos(number * 1_000_000_000 / u64::from(self.rate))
    }

    /// The first picture that is due at `elapsed` since the camera's start, or later.
    pub fn number_at(&self, elapsed: Duration) -> u64 {
        let nanos = elapsed.as_nanos() * u128::from(self.rate);
        u64::try_from(nanos.div_ceil(1_000_000_000)).unwrap_or(u64::MAX)
    }

    /// Picture `number`, counted from the camera's start.
    pub fn unit(&self, number: u64) -> &AccessUnit {
        let count = self.units.len() as u64;
        &self.units[usize::try_from(number % count).expect("less than the number of pictures")]
    }
}

impl AccessUnit {
    /// Whether decoding can begin here.
    pub fn is_key(&self) -> bool {
        self.key_header_bytes.is_some()
    }
}

/// `unit` with one NAL unit of filler data after it (ITU-T H.264, 7.3.2.7), so that drawn scenes load a network like real ones.
fn padded(unit: &[u8], aim_bytes: usize) -> Arc<[u8]> {
    const FRAME: usize = 6;
    let mut bytes = Vec::with_capacity(aim_bytes.max(unit.len()));
    bytes.extend_from_slice(unit);
    if aim_bytes > unit.len() + FRAME {
        let filler_bytes = aim_bytes - unit.len() - FRAME;
        bytes.extend_from_slice(&[0, 0, 0, 1, NAL_FILLER]);
        bytes.extend_from_slice(&vec![0xff; filler_bytes]);
        bytes.push(0x80);
    }
    bytes.into()
}

const NAL_KEY_SLICE: u8 = 5;
const NAL_DELIMITER: u8 = 9;
const NAL_FILLER: u8 = 12;

/// The types of the NAL units in a byte stream, and where their start codes begin.
fn nal_units(stream: &[u8]) -> Vec<(u8, usize)> {
    let mut units = Vec::new();
    let mut from = 0;
    while let Some(found) = stream[from..].iter().position(|&byte| byte == 1) {
        let one = from + found;
        if one >= 2 && stream[one - 2..one] == [0, 0] && one + 1 < stream.len() {
            let start = if one >= 3 && stream[one - 3] == 0 { one - 3 } else { one - 2 };
            units.push((stream[one + 1] & 0x1f, start));
        }
        from = one + 1;
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_is_cut_into_its_pictures() {
        for scene in Scene::ALL {
            let footage = Footage::load(scene, &BTreeSet::new(), 0).unwrap();
            let (main, sub) = (footage.track(Stream::Main), footage.track(Stream::Sub));
            assert_eq!((main.width, main.height, main.rate), (1920, 1080, 25));
            assert_eq!((sub.width, sub.height, sub.rate), (640, 360, 15));
            for track in [main, sub] {
                let keys: Vec<_> =
                    (0..).zip(&track.units).filter(|(_, unit)| unit.is_key()).map(|(n, _)| n).collect();
                assert!(keys.windows(2).all(|pair| pair[1] - pair[0] == track.rate), "a key frame a second");
            }
            assert!(footage.moving.windows(2).all(|pair| pair[0].to_seconds < pair[1].from_seconds));
        }
    }

    #[test]
    fn padding_reaches_the_bit_rate_and_keeps_the_picture() {
        let bare = Footage::load(Scene::Garage, &BTreeSet::new(), 0).unwrap();
        let padded = Footage::load(Scene::Garage, &BTreeSet::new(), 4000).unwrap();
        let bytes: usize = padded.track(Stream::Main).units.iter().map(|unit| unit.bytes.len()).sum();
        assert!((11_900_000..12_800_000).contains(&bytes), "24 s at 4000 kbit/s, got {bytes}");
        assert!(
            padded.track(Stream::Main).units[7].bytes.starts_with(&bare.track(Stream::Main).units[7].bytes)
        );
    }

    #[test]
    fn pictures_are_due_on_the_loop_clock() {
        let footage = Footage::load(Scene::Shop, &BTreeSet::new(), 0).unwrap();
        assert_eq!(footage.track(Stream::Main).due(25), Duration::from_secs(1));
        assert_eq!(footage.track(Stream::Main).number_at(Duration::from_millis(1000)), 25);
        assert_eq!(footage.track(Stream::Main).number_at(Duration::from_millis(1001)), 26);
        assert!(footage.track(Stream::Main).unit(600).is_key(), "the second round begins like the first");
    }
}
