//! When a Matroska file was recorded: `DateUTC` of its `Info` (RFC 9559, 5.1.2.11).

use super::{Created, ReadAt};

const HEADER: u64 = 0x1a45_dfa3;
const SEGMENT: u64 = 0x1853_8067;
const INFO: u64 = 0x1549_a966;
const CLUSTER: u64 = 0x1f43_b675;
const DATE: u64 = 0x4461;
/// Nanoseconds of `DateUTC` are counted from the beginning of 2001.
const YEAR_2001_US: i64 = 978_307_200_000_000;
/// More elements are not looked at.
const MAX_ELEMENTS: usize = 4096;

pub(super) fn created(file: &mut impl ReadAt) -> Option<Created> {
    let header = element(file, 0)?;
    if header.id != HEADER {
        return None;
    }
    let segment = element(file, header.to)?;
    let info = inside(file, segment).into_iter().find(|found| found.id == INFO)?;
    let date = inside(file, info).into_iter().find(|found| found.id == DATE)?;
    let bytes: [u8; 8] = file.read_at(date.from, 8).try_into().ok()?;
    let unix_us = YEAR_2001_US.checked_add(i64::from_be_bytes(bytes) / 1_000)?;
    (segment.id == SEGMENT).then_some(Created::Utc { unix_us })
}

#[derive(Clone, Copy)]
struct Element {
    id: u64,
    from: u64,
    to: u64,
}

/// The elements in `outer` up to its first pictures.
fn inside(file: &mut impl ReadAt, outer: Element) -> Vec<Element> {
    let mut found: Vec<Element> = Vec::new();
    let mut at = outer.from;
    while at < outer.to && found.len() < MAX_ELEMENTS {
        let Some(next) = element(file, at) else { break };
        // One that goes back, or whose length is not known, has no next one.
        if next.id == CLUSTER || next.to <= at {
            break;
        }
        at = next.to;
        found.push(Element { to: next.to.min(outer.to), ..next });
    }
    found
}

fn element(file: &mut impl ReadAt, at: u64) -> Option<Element> {
    let bytes = file.read_at(at, 12);
    let id_bytes = bytes.first()?.leading_zeros() as usize + 1;
    if id_bytes > 4 {
        return None;
    }
    let id = number(bytes.get(..id_bytes)?);
    let size_bytes = bytes.get(id_bytes)?.leading_zeros() as usize + 1;
    let raw = number(bytes.get(id_bytes..id_bytes + size_bytes)?);
    let bits = 7 * u32::try_from(size_bytes).ok()?;
    let mask = 1_u64.checked_shl(bits)? - 1;
    let from = at.checked_add((id_bytes + size_bytes) as u64)?;
    let to = if raw & mask == mask { u64::MAX } else { from.checked_add(raw & mask)? };
    Some(Element { id, from, to })
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
