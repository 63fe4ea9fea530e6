//! What is read of foreign files beside their pictures: which container it is, when it says it was recorded, and what its name
//! says. Pure functions over bytes and text. What is inside of a file is read by the worker alone; a name the engine reads.

mod date;
mod ebml;
pub mod fuzz;
mod mp4;
mod name;
mod riff;
mod track;

use serde::{Deserialize, Serialize};

pub use self::{
    name::{Named, View, name_says},
    track::{Fix, MAX_TRACK_BYTES, TRACK_ENDINGS, belongs_to, track},
};

/// What holds the pictures of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// MP4 and QuickTime (ISO/IEC 14496-12).
    Mp4,
    /// Matroska and WebM (RFC 9559).
    Matroska,
    /// AVI.
    Avi,
    /// MPEG transport stream (ISO/IEC 13818-1).
    Ts,
}

/// A time that a file tells, and how much of one it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "time", rename_all = "snake_case")]
pub enum Created {
    /// With its zone: nothing is left to ask.
    Zoned {
        /// Microseconds since 1970.
        unix_us: i64,
    },
    /// In UTC as the format asks for. Many cameras write their local time there.
    Utc {
        /// Microseconds since 1970.
        unix_us: i64,
    },
    /// By the camera's own clock; of what zone is not said.
    Local {
        /// Microseconds since 1970 if the zone were UTC.
        local_us: i64,
    },
}

/// Reads ranges of a file.
pub trait ReadAt {
    /// The bytes at `offset`: fewer than `len` at the file's end, none where they cannot be read.
    fn read_at(&mut self, offset: u64, len: usize) -> Vec<u8>;
}

impl ReadAt for &[u8] {
    fn read_at(&mut self, offset: u64, len: usize) -> Vec<u8> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        self[start..start.saturating_add(len).min(self.len())].to_vec()
    }
}

/// How much of a file's beginning [`Container::of`] looks at.
pub const HEAD_BYTES: usize = 1024;

impl Container {
    /// Which container begins with `head`; `None` for what is none that is known here.
    pub fn of(head: &[u8]) -> Option<Self> {
        let has = |at: usize, magic: &[u8]| head.get(at..at + magic.len()) == Some(magic);
        let boxes: [&[u8; 4]; 8] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"];
        if boxes.iter().any(|kind| has(4, *kind)) {
            return Some(Self::Mp4);
        }
        if has(0, &[0x1a, 0x45, 0xdf, 0xa3]) {
            return Some(Self::Matroska);
        }
        if has(0, b"RIFF") && has(8, b"AVI ") {
            return Some(Self::Avi);
        }
        // Packets of 188 bytes, on Blu-ray and in some cameras with four bytes before each.
        let packets = |first: usize, each: usize| {
            (0..4).all(|n| head.get(first + n * each).is_none_or(|byte| *byte == 0x47))
                && head.get(first) == Some(&0x47)
                && head.len() > first + each
        };
        (packets(0, 188) || packets(4, 192)).then_some(Self::Ts)
    }
}

/// When the file says that it was recorded, if it says anything that can be true. `now_us` is the time now: what lies more than a
/// day after it, or before 1990, was never set.
pub fn created(container: Container, file: &mut impl ReadAt, now_us: i64) -> Option<Created> {
    let told = match container {
        Container::Mp4 => mp4::created(file),
        Container::Matroska => ebml::created(file),
        Container::Avi => riff::created(file),
        Container::Ts => None,
    }?;
    let us = match told {
        Created::Zoned { unix_us } | Created::Utc { unix_us } => unix_us,
        Created::Local { local_us } => local_us,
    };
    is_believable(us, now_us).then_some(told)
}

/// Whether a recording can be from `us`: not from before there were such files, nor from after tomorrow.
pub fn is_believable(us: i64, now_us: i64) -> bool {
    const YEAR_1990_US: i64 = 631_152_000_000_000;
    const DAY_US: i64 = 86_400_000_000;
    us >= YEAR_1990_US && us <= now_us.saturating_add(DAY_US)
}

#[cfg(test)]
mod tests;
