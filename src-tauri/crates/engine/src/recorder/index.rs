//! A clip's index of its fragments: times and offsets, which are metadata and stand in plain.
//!
//! While recording it is a file beside the part, `CLIP.age.index`, so that a crash does not lose it; then a column.
//! Header, 24 bytes little-endian: magic `HRIX`, codec u32 (264, 265, 0 for Motion JPEG), width u32, height u32, eight
//! zero bytes. Then 24 bytes a fragment: start_us u64, offset u64, len u32, flags u32 (bit 0: begins with a key frame,
//! the rest: number of pictures).

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use hausrecht_media::bulk::ClipStart;
use hausrecht_model::Codec;

use crate::Result;

const MAGIC: &[u8; 4] = b"HRIX";
const HEADER_BYTES: usize = 24;
const FRAGMENT_BYTES: usize = 24;

/// Where a fragment lies in the plain bytes of its clip, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fragment {
    pub(crate) start_us: u64,
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) frames: u32,
    pub(crate) key: bool,
}

impl Fragment {
    fn to_bytes(self) -> [u8; FRAGMENT_BYTES] {
        let mut bytes = [0; FRAGMENT_BYTES];
        bytes[..8].copy_from_slice(&self.start_us.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.len.to_le_bytes());
        bytes[20..].copy_from_slice(&(self.frames << 1 | u32::from(self.key)).to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; FRAGMENT_BYTES]) -> Self {
        let number = |from: usize| u64::from_le_bytes(array(&bytes[from..from + 8]));
        let small = |from: usize| u32::from_le_bytes(array(&bytes[from..from + 4]));
        let flags = small(20);
        Self {
            start_us: number(0),
            offset: number(8),
            len: small(16),
            frames: flags >> 1,
            key: flags & 1 == 1,
        }
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the slice was cut to this length")
}

/// The index of a clip that is being written.
pub(crate) struct IndexFile {
    path: PathBuf,
    file: File,
    bytes: Vec<u8>,
}

/// What an index file left by a crash says.
pub(crate) struct Found {
    pub(crate) codec: Codec,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fragments: Vec<Fragment>,
}

pub(crate) fn index_path(clip: &Path) -> PathBuf {
    let mut name = clip.as_os_str().to_owned();
    name.push(".index");
    PathBuf::from(name)
}

impl IndexFile {
    pub(crate) fn create(clip: &Path, start: &ClipStart) -> Result<Self> {
        let path = index_path(clip);
        let mut file = File::create(&path)?;
        let codec: u32 = match start.codec {
            Codec::H264 => 264,
            Codec::H265 => 265,
            Codec::Mjpeg => 0,
        };
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        for value in [codec, start.width, start.height, 0, 0] {
            header.extend_from_slice(&value.to_le_bytes());
        }
        file.write_all(&header)?;
        Ok(Self { path, file, bytes: Vec::new() })
    }

    pub(crate) fn push(&mut self, fragment: Fragment) -> Result<()> {
        let bytes = fragment.to_bytes();
        self.file.write_all(&bytes)?;
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    /// The fragments as the database keeps them.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The clip is in the database. A file that cannot be removed is removed at the next start.
    pub(crate) fn remove(self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("{}: {error}", self.path.display());
        }
    }
}

/// Reads an index file that a crash left; `None` if it does not even have a header.
pub(crate) fn read(clip: &Path) -> Option<Found> {
    let bytes = std::fs::read(index_path(clip)).ok()?;
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
    if &header[..4] != MAGIC {
        return None;
    }
    let small = |from: usize| u32::from_le_bytes(array(&header[from..from + 4]));
    let codec = match small(4) {
        264 => Codec::H264,
        265 => Codec::H265,
        _ => Codec::Mjpeg,
    };
    Some(Found { codec, width: small(8), height: small(12), fragments: parse(rest) })
}

/// Reads the fragments as the database keeps them; an incomplete last one is left out.
pub(crate) fn parse(bytes: &[u8]) -> Vec<Fragment> {
    bytes.chunks_exact(FRAGMENT_BYTES).map(|chunk| Fragment::from_bytes(&array(chunk))).collect()
}

pub(crate) fn write(fragments: &[Fragment]) -> Vec<u8> {
    fragments.iter().flat_map(|fragment| fragment.to_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_survives_its_bytes() {
        let fragment = Fragment { start_us: 1_000_000, offset: 70_000, len: 65_536, frames: 25, key: true };
        assert_eq!(parse(&write(&[fragment])), [fragment]);
        assert!(parse(&write(&[fragment])[..23]).is_empty());
    }
}
