//! A clip's index of its fragments: times and offsets, which are metadata and stand in plain.
//!
//! Header, 24 bytes little-endian: magic `HRIX`, codec u32 (264, 265, 0 for Motion JPEG), width u32, height u32, eight
//! zero bytes. Then 24 bytes a fragment: start_us u64, offset u64, len u32, flags u32 (bit 0: begins with a key frame,
//! the rest: number of pictures).

use hausrecht_model::Codec;

const MAGIC: &[u8; 4] = b"HRIX";
const HEADER_BYTES: usize = 24;
const FRAGMENT_BYTES: usize = 24;

/// Where a fragment lies in the plain bytes of its clip, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// When its first picture is shown, from the clip's first.
    pub start_us: u64,
    /// Where it begins.
    pub offset: u64,
    /// Its length. Bytes.
    pub len: u32,
    /// How many pictures it has; less than 2^31.
    pub frames: u32,
    /// Whether it begins with a key frame.
    pub key: bool,
}

impl Fragment {
    /// As it is stored.
    pub fn to_bytes(self) -> [u8; FRAGMENT_BYTES] {
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

/// What an index file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClipIndex {
    /// Codec of the pictures.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What was written of the clip.
    pub fragments: Vec<Fragment>,
}

impl ClipIndex {
    /// The beginning of an index file; its fragments follow.
    pub fn header(codec: Codec, width: u32, height: u32) -> [u8; HEADER_BYTES] {
        let codec: u32 = match codec {
            Codec::H264 => 264,
            Codec::H265 => 265,
            Codec::Mjpeg => 0,
        };
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(MAGIC);
        for (place, value) in bytes[4..16].chunks_exact_mut(4).zip([codec, width, height]) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    /// Reads an index file, which may end anywhere; `None` if it does not even have a header.
    pub fn read(bytes: &[u8]) -> Option<Self> {
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
        Some(Self { codec, width: small(8), height: small(12), fragments: fragments(rest) })
    }
}

/// Reads fragments as the database keeps them; an incomplete last one is left out.
pub fn fragments(bytes: &[u8]) -> Vec<Fragment> {
    bytes.chunks_exact(FRAGMENT_BYTES).map(|chunk| Fragment::from_bytes(&array(chunk))).collect()
}

/// Fragments as the database keeps them.
pub fn to_bytes(fragments: &[Fragment]) -> Vec<u8> {
    fragments.iter().flat_map(|fragment| fragment.to_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_survives_its_bytes_and_its_end() {
        let fragment = Fragment { start_us: 1_000_000, offset: 70_000, len: 65_536, frames: 25, key: true };
        assert_eq!(fragments(&to_bytes(&[fragment])), [fragment]);
        assert!(fragments(&to_bytes(&[fragment])[..23]).is_empty());
        let mut bytes = ClipIndex::header(Codec::H265, 1920, 1080).to_vec();
        assert_eq!(ClipIndex::read(&bytes[..23]), None);
        bytes.extend(fragment.to_bytes());
        bytes.extend([1, 2, 3]);
        let index = ClipIndex { codec: Codec::H265, width: 1920, height: 1080, fragments: vec![fragment] };
        assert_eq!(ClipIndex::read(&bytes), Some(index));
    }
}
