//! Reads a clip from ranges of its plaintext, and keeps a list of all its pictures. A clip that ends anywhere is read to its last
//! whole fragment.

use anyhow::{Context, bail, ensure};

use crate::{
    answer::MAX_ANSWER_BYTES,
    fmp4::{self, Format, Header},
};

/// How much is asked for at once when looking for the next fragment: its `moof` with room to spare.
const LOOK_BYTES: u64 = 4096;
/// The longest head of a box: its name and a size of 64 bits.
const HEADER_BYTES: usize = 16;
const MAX_HEADER_BOX_BYTES: u64 = 1024 * 1024;
const MAX_PICTURES: usize = 2_000_000;
/// What is read ahead when pictures are fetched.
const BLOCK_BYTES: u64 = MAX_ANSWER_BYTES as u64;

/// A picture of the clip, in decode order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Picture {
    /// Where it begins in the clip.
    pub offset: u64,
    /// Its size.
    pub size_bytes: u32,
    /// When it is shown.
    pub pts_us: u64,
    /// How long it is shown.
    pub duration_us: u32,
    /// Whether decoding can begin here.
    pub key: bool,
}

/// Reads ranges of bytes.
pub trait Bytes {
    /// The bytes at `offset`, fewer than `len` only at the clip's end.
    ///
    /// # Errors
    /// They cannot be read.
    fn range(&mut self, offset: u64, len: u32) -> anyhow::Result<Vec<u8>>;
}

/// An open clip.
#[derive(Debug)]
pub struct ClipReader<B> {
    bytes: B,
    size_bytes: u64,
    block: (u64, Vec<u8>),
    /// What a decoder needs first.
    pub format: Format,
    /// All pictures, in decode order.
    pub pictures: Vec<Picture>,
}

impl<B: Bytes> ClipReader<B> {
    /// Reads the clip's beginning and the heads of all its fragments.
    ///
    /// # Errors
    /// It cannot be read, or is no clip.
    pub fn open(mut bytes: B, size_bytes: u64) -> anyhow::Result<Self> {
        let mut format = None;
        let mut pictures = Vec::new();
        let mut at = 0;
        let mut pending: Option<Vec<Picture>> = None;
        // A look mostly shows the head of the box behind a fragment's own head, too.
        let mut look = (0, Vec::new());
        while at + 8 <= size_bytes {
            let skip = usize::try_from(at - look.0).unwrap_or(usize::MAX);
            if look.1.get(skip..).is_none_or(|rest| rest.len() < HEADER_BYTES) {
                look = (at, bytes.range(at, clamp_len(LOOK_BYTES, size_bytes - at))?);
            }
            let seen = look.1.get(usize::try_from(at - look.0)?..).unwrap_or_default();
            let Some(header) = Header::parse(seen) else { break };
            if at.saturating_add(header.size_bytes) > size_bytes {
                break;
            }
            match &header.kind {
                b"moov" => {
                    let whole = whole_box(&mut bytes, at, header, seen.to_vec())?;
                    format = Some(fmp4::parse_init(whole.get(8..).unwrap_or_default())?);
                }
                b"moof" => {
                    let whole = whole_box(&mut bytes, at, header, seen.to_vec())?;
                    let samples = fmp4::parse_moof(whole.get(8..).unwrap_or_default())?;
                    let place = |sample: fmp4::Sample| Picture {
                        offset: at.saturating_add(sample.offset),
                        size_bytes: sample.size_bytes,
                        pts_us: sample.pts_us,
                        duration_us: sample.duration_us,
                        key: sample.key,
                    };
                    pending = Some(samples.into_iter().map(place).collect());
                }
                // Only with its `mdat` is a fragment whole.
                b"mdat" => {
                    let end = at + header.size_bytes;
                    let inside = |picture: &Picture| {
                        picture.offset >= at + 8
                            && picture.offset.saturating_add(u64::from(picture.size_bytes)) <= end
                    };
                    pictures.extend(pending.take().into_iter().flatten().filter(inside));
                    ensure!(pictures.len() <= MAX_PICTURES, "more pictures than a clip can have");
                }
                _ => {}
            }
            at += header.size_bytes;
        }
        let format = format.context("the clip has no beginning")?;
        let first_key =
            pictures.iter().position(|picture| picture.key).context("the clip has no key frame")?;
        pictures.drain(..first_key);
        Ok(Self { bytes, size_bytes, block: (0, Vec::new()), format, pictures })
    }

    /// The bytes of a picture.
    ///
    /// # Errors
    /// They cannot be read, or the clip ends inside of it.
    pub fn picture(&mut self, picture: &Picture) -> anyhow::Result<Vec<u8>> {
        let len = usize::try_from(picture.size_bytes)?;
        let mut collected = Vec::with_capacity(len.min(16 * 1024 * 1024));
        while collected.len() < len {
            let at = picture.offset + collected.len() as u64;
            let (start, block) = &self.block;
            let inside = at.checked_sub(*start).and_then(|skip| block.get(usize::try_from(skip).ok()?..));
            match inside.filter(|rest| !rest.is_empty()) {
                Some(rest) => {
                    let wanted = rest.len().min(len - collected.len());
                    collected.extend_from_slice(&rest[..wanted]);
                }
                None => {
                    let asked = clamp_len(BLOCK_BYTES, self.size_bytes.saturating_sub(at));
                    let block = self.bytes.range(at, asked)?;
                    if block.is_empty() {
                        bail!("the clip ends at {at}, inside a picture");
                    }
                    self.block = (at, block);
                }
            }
        }
        Ok(collected)
    }
}

fn clamp_len(len: u64, left: u64) -> u32 {
    u32::try_from(len.min(left)).unwrap_or(u32::MAX)
}

/// All of a box, of which `look` is the beginning.
fn whole_box(bytes: &mut impl Bytes, at: u64, header: Header, mut look: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    ensure!(header.size_bytes <= MAX_HEADER_BOX_BYTES, "a head of {} bytes", header.size_bytes);
    let size = usize::try_from(header.size_bytes)?;
    while look.len() < size {
        let asked = clamp_len(BLOCK_BYTES, (size - look.len()) as u64);
        let more = bytes.range(at + look.len() as u64, asked)?;
        if more.is_empty() {
            bail!("the clip ends inside a head");
        }
        look.extend(more);
    }
    look.truncate(size);
    Ok(look)
}

#[cfg(test)]
mod tests {
    use hausrecht_model::Codec;

    use super::*;
    use crate::fmp4::SampleEntry;

    impl Bytes for Vec<u8> {
        fn range(&mut self, offset: u64, len: u32) -> anyhow::Result<Vec<u8>> {
            let start = usize::try_from(offset)?.min(self.len());
            let end = (start + len as usize).min(self.len());
            Ok(self[start..end].to_vec())
        }
    }

    fn clip(picture_bytes: u32) -> (Vec<u8>, usize) {
        let format = Format { codec: Codec::H264, width: 640, height: 360, codec_data: vec![1, 2, 3] };
        let mut bytes = fmp4::init_segment(&format).unwrap();
        let init = bytes.len();
        for number in 0..3_u8 {
            let entry =
                |key| SampleEntry { duration_us: 500_000, size_bytes: picture_bytes, key, composition_us: 0 };
            let payload = vec![number; picture_bytes as usize];
            let decode_us = u64::from(number) * 1_000_000;
            bytes.extend(fmp4::fragment(
                1,
                decode_us,
                &[entry(true), entry(false)],
                [&payload[..]; 2].into_iter(),
            ));
        }
        (bytes, init)
    }

    #[test]
    fn all_pictures_are_found_and_read() {
        let (bytes, _) = clip(300_000);
        let size = bytes.len() as u64;
        let mut reader = ClipReader::open(bytes, size).unwrap();
        assert_eq!(reader.pictures.len(), 6);
        let pictures = reader.pictures.clone();
        for (index, picture) in pictures.iter().enumerate() {
            assert_eq!(picture.pts_us, index as u64 * 500_000);
            assert_eq!(reader.picture(picture).unwrap(), vec![(index / 2) as u8; 300_000]);
        }
    }

    #[test]
    fn a_clip_cut_anywhere_is_read_to_its_last_whole_fragment() {
        let (bytes, init) = clip(300_000);
        let fragment = (bytes.len() - init) / 3;
        for cut in
            (init..bytes.len()).step_by(7919).chain([bytes.len() - 1, init + fragment, init + fragment + 9])
        {
            let reader = ClipReader::open(bytes[..cut].to_vec(), cut as u64);
            match (cut - init) / fragment {
                0 => assert!(reader.is_err(), "{cut}"),
                whole => assert_eq!(reader.unwrap().pictures.len(), whole * 2, "{cut}"),
            }
        }
    }

    #[test]
    fn damaged_heads_are_refused_without_a_panic() {
        let (bytes, init) = clip(100);
        for at in 0..init + 250 {
            for value in [0, 1, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let size = damaged.len() as u64;
                if let Ok(mut reader) = ClipReader::open(damaged, size) {
                    for picture in reader.pictures.clone().iter().take(2) {
                        let _ = reader.picture(picture);
                    }
                }
            }
        }
    }
}
