//! Reads what [`super::init_segment`] and [`super::fragment`] write, and refuses all else. The bytes come out of a sealed clip,
//! but a camera once had its hands on them.

use hausrecht_model::Codec;

use super::{Format, JPEG_ESDS};

/// Why bytes are not a clip.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// A box that must be there is not.
    #[error("the box {0} is missing")]
    Missing(&'static str),
    /// A box is shorter than its fields, or longer than what holds it.
    #[error("a box has a wrong length")]
    Length,
    /// The track's codec is not one of ours.
    #[error("the clip's codec is not known")]
    Codec,
}

/// Kind and size of a box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Its four letters.
    pub kind: [u8; 4],
    /// Its size, these 8 bytes included.
    pub size_bytes: u64,
}

impl Header {
    /// Reads the header at the beginning of `bytes`; `None` if it is cut short or not a size we write.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let size_bytes = u64::from(be32(bytes, 0)?);
        let kind = bytes.get(4..8)?.try_into().ok()?;
        (size_bytes >= 8).then_some(Self { kind, size_bytes })
    }
}

/// A picture's place in a clip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Where it begins, from the `moof` on.
    pub offset: u64,
    /// Its size.
    pub size_bytes: u32,
    /// When it is shown, from the clip's first picture.
    pub pts_us: u64,
    /// How long it is shown.
    pub duration_us: u32,
    /// Whether decoding can begin here.
    pub key: bool,
}

/// The contents of the first box of `kind` directly inside `bytes`.
pub fn find_box<'a>(mut bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    loop {
        let header = Header::parse(bytes)?;
        let size = usize::try_from(header.size_bytes).ok()?;
        let whole = bytes.get(..size)?;
        if header.kind == *kind {
            return whole.get(8..);
        }
        bytes = bytes.get(size..)?;
    }
}

/// Reads the contents of a `moov`.
pub fn parse_init(moov: &[u8]) -> Result<Format, ParseError> {
    let mut inner = moov;
    for (kind, name) in
        [(b"trak", "trak"), (b"mdia", "mdia"), (b"minf", "minf"), (b"stbl", "stbl"), (b"stsd", "stsd")]
    {
        inner = find_box(inner, kind).ok_or(ParseError::Missing(name))?;
    }
    let entries = inner.get(8..).ok_or(ParseError::Length)?;
    let header = Header::parse(entries).ok_or(ParseError::Length)?;
    let (codec, config) = match &header.kind {
        b"avc1" => (Codec::H264, b"avcC"),
        b"hvc1" => (Codec::H265, b"hvcC"),
        b"mp4v" => (Codec::Mjpeg, b"esds"),
        _ => return Err(ParseError::Codec),
    };
    let entry = find_box(entries, &header.kind).ok_or(ParseError::Length)?;
    let width = be16(entry, 24).ok_or(ParseError::Length)?;
    let height = be16(entry, 26).ok_or(ParseError::Length)?;
    let inside = entry.get(78..).ok_or(ParseError::Length)?;
    let config = find_box(inside, config).ok_or(ParseError::Missing("avcC"))?;
    let codec_data = match codec {
        Codec::H264 | Codec::H265 => config.to_vec(),
        Codec::Mjpeg if config == JPEG_ESDS => Vec::new(),
        Codec::Mjpeg => return Err(ParseError::Codec),
    };
    Ok(Format { codec, width: u32::from(width), height: u32::from(height), codec_data })
}

/// Reads the contents of a `moof`.
pub fn parse_moof(moof: &[u8]) -> Result<Vec<Sample>, ParseError> {
    let traf = find_box(moof, b"traf").ok_or(ParseError::Missing("traf"))?;
    let tfdt = find_box(traf, b"tfdt").ok_or(ParseError::Missing("tfdt"))?;
    let trun = find_box(traf, b"trun").ok_or(ParseError::Missing("trun"))?;
    let mut decode_us = be64(tfdt, 4).ok_or(ParseError::Length)?;
    if be32(trun, 0) != Some(0x0100_0f01) {
        return Err(ParseError::Missing("trun of version 1"));
    }
    let count = be32(trun, 4).ok_or(ParseError::Length)? as usize;
    let mut offset = u64::from(be32(trun, 8).ok_or(ParseError::Length)?);
    let table = trun.get(12..).ok_or(ParseError::Length)?;
    if count.checked_mul(16) != Some(table.len()) {
        return Err(ParseError::Length);
    }
    let mut samples = Vec::with_capacity(count);
    for row in table.chunks_exact(16) {
        let field = |at| be32(row, at).ok_or(ParseError::Length);
        let (duration_us, size_bytes, flags) = (field(0)?, field(4)?, field(8)?);
        let composition_us = i64::from(field(12)?.cast_signed());
        let pts_us = decode_us.saturating_add_signed(composition_us);
        samples.push(Sample { offset, size_bytes, pts_us, duration_us, key: flags & 0x0001_0000 == 0 });
        offset = offset.saturating_add(u64::from(size_bytes));
        decode_us = decode_us.saturating_add(u64::from(duration_us));
    }
    Ok(samples)
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
