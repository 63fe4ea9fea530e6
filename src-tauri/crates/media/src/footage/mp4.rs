//! When an MP4 or QuickTime file was recorded: `com.apple.quicktime.creationdate` or `©day` with a zone, else `mvhd`.

use super::{Created, ReadAt, date};

/// Seconds from 1904, where the format begins to count, to 1970.
const FROM_1904_S: i64 = 2_082_844_800;
/// More boxes beside each other are not looked at.
const MAX_BOXES: usize = 4096;
/// The longest text that is read.
const MAX_TEXT_BYTES: u64 = 256;

#[derive(Clone, Copy)]
struct Found {
    kind: [u8; 4],
    /// Where its contents begin and end.
    from: u64,
    to: u64,
}

pub(super) fn created(file: &mut impl ReadAt) -> Option<Created> {
    let moov = children(file, 0, u64::MAX).into_iter().find(|found| &found.kind == b"moov")?;
    let inside = children(file, moov.from, moov.to);
    let zoned = inside
        .iter()
        .filter(|found| [*b"meta", *b"udta"].contains(&found.kind))
        .find_map(|found| if &found.kind == b"meta" { by_keys(file, *found) } else { by_day(file, *found) });
    zoned.or_else(|| by_header(file, *inside.iter().find(|found| &found.kind == b"mvhd")?))
}

fn by_header(file: &mut impl ReadAt, mvhd: Found) -> Option<Created> {
    let bytes = file.read_at(mvhd.from, 12);
    let seconds = match bytes.first()? {
        0 => i64::from(be32(&bytes, 4)?),
        1 => i64::try_from(u64::from_be_bytes(bytes.get(4..12)?.try_into().ok()?)).ok()?,
        _ => return None,
    };
    // Zero says that nobody set it. Some writers count from 1970 against the format, which gives a time before that.
    let since_1970 = if seconds >= FROM_1904_S { seconds - FROM_1904_S } else { seconds };
    Some(Created::Utc { unix_us: since_1970.checked_mul(1_000_000).filter(|us| *us > 0)? })
}

/// The list of keys and the list of values of QuickTime's metadata.
fn by_keys(file: &mut impl ReadAt, meta: Found) -> Option<Created> {
    // In MP4 the box has a version of four bytes, in QuickTime it has none.
    let skip = if file.read_at(meta.from + 4, 4) == b"hdlr" { 0 } else { 4 };
    let inside = children(file, meta.from + skip, meta.to);
    let keys = inside.iter().find(|found| &found.kind == b"keys")?;
    let values = *inside.iter().find(|found| &found.kind == b"ilst")?;
    let listed = children(file, keys.from + 8, keys.to);
    let place = listed.iter().position(|key| {
        let length = key.to.saturating_sub(key.from).min(MAX_TEXT_BYTES);
        file.read_at(key.from, usize::try_from(length).unwrap_or(0)) == b"com.apple.quicktime.creationdate"
    })?;
    let number = u32::try_from(place + 1).ok()?.to_be_bytes();
    let value = children(file, values.from, values.to).into_iter().find(|found| found.kind == number)?;
    let data = children(file, value.from, value.to).into_iter().find(|found| &found.kind == b"data")?;
    text(file, data.from + 8, data.to)
}

fn by_day(file: &mut impl ReadAt, udta: Found) -> Option<Created> {
    let day = children(file, udta.from, udta.to)
        .into_iter()
        .find(|found| found.kind == [0xa9, b'd', b'a', b'y'])?;
    // Two bytes of length and two of language come first.
    text(file, day.from + 4, day.to)
}

fn text(file: &mut impl ReadAt, from: u64, to: u64) -> Option<Created> {
    let length = to.checked_sub(from)?.min(MAX_TEXT_BYTES);
    let bytes = file.read_at(from, usize::try_from(length).ok()?);
    // A date without a zone is worth no more than `mvhd`.
    match date::parse(std::str::from_utf8(&bytes).ok()?)? {
        zoned @ Created::Zoned { .. } => Some(zoned),
        Created::Utc { .. } | Created::Local { .. } => None,
    }
}

/// The boxes from `from` to `to`, at most [`MAX_BOXES`].
fn children(file: &mut impl ReadAt, from: u64, to: u64) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = from;
    while at < to && found.len() < MAX_BOXES {
        let head = file.read_at(at, 16);
        let (Some(short), Some(kind)) = (be32(&head, 0), head.get(4..8)) else { break };
        let (header, size) = match short {
            0 => (8, to.saturating_sub(at)),
            1 => match head.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes) {
                Some(size) => (16, size),
                None => break,
            },
            size => (8, u64::from(size)),
        };
        let end = at.saturating_add(size).min(to);
        if size < header {
            break;
        }
        found.push(Found {
            kind: kind.try_into().unwrap_or_default(),
            from: (at + header).min(end),
            to: end,
        });
        at = end;
    }
    found
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
