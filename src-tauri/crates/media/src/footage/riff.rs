//! When an AVI file was recorded: `IDIT` in its header or `ICRD` in its list of information, by the camera's own clock.

use super::{Created, ReadAt, date};

/// More chunks are not looked at.
const MAX_CHUNKS: usize = 4096;
/// The longest text that is read.
const MAX_TEXT_BYTES: usize = 128;
/// How deep lists lie in each other at most.
const MAX_DEPTH: u32 = 4;

pub(super) fn created(file: &mut impl ReadAt) -> Option<Created> {
    let mut left = MAX_CHUNKS;
    walk(file, 12, u64::MAX, 0, &mut left)
}

fn walk(file: &mut impl ReadAt, from: u64, to: u64, depth: u32, left: &mut usize) -> Option<Created> {
    let mut at = from;
    while at < to && *left > 0 {
        *left -= 1;
        let head = file.read_at(at, 12);
        let kind = head.get(..4)?;
        let size = u64::from(u32::from_le_bytes(head.get(4..8)?.try_into().ok()?));
        let end = at + 8 + size;
        if kind == b"LIST" && depth < MAX_DEPTH && head.get(8..12).is_some_and(|name| name != b"movi") {
            if let Some(found) = walk(file, at + 12, end.min(to), depth + 1, left) {
                return Some(found);
            }
        } else if kind == b"IDIT" || kind == b"ICRD" {
            let length = usize::try_from(size).unwrap_or(usize::MAX).min(MAX_TEXT_BYTES);
            let text = String::from_utf8_lossy(&file.read_at(at + 8, length)).into_owned();
            if let Some(found) = date::parse(&text) {
                return Some(found);
            }
        }
        // Chunks begin at even places.
        at = end + size % 2;
    }
    None
}
