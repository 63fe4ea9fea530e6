//! Groups of pictures: from one key frame to the next, which of their pictures are wanted, and which of them cannot do without
//! the group before.

use std::ops::Range;

use hausrecht_model::Codec;

use crate::clip_reader::Picture;

/// What becomes of a group of pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// All up to this many are copied; the rest is not wanted.
    Copied(usize),
    /// Some are not wanted, and others cannot be decoded without these.
    Cut,
    /// Nothing of it is wanted.
    Left,
}

/// Where the group that begins at `at` lies in `pictures`.
pub(super) fn group_at(pictures: &[Picture], at: usize) -> Range<usize> {
    let rest = pictures.get(at + 1..).unwrap_or_default();
    let end = rest.iter().position(|picture| picture.key).map_or(pictures.len(), |len| at + 1 + len);
    at..end
}

/// What is done with `group`.
pub(super) fn fate(group: &[Picture], wanted: &impl Fn(&Picture) -> bool) -> Fate {
    let Some(last) = group.iter().rposition(wanted) else { return Fate::Left };
    if group[..=last].iter().all(wanted) { Fate::Copied(last + 1) } else { Fate::Cut }
}

/// Pictures that are shown before the key frame although they come behind it: they refer to the group before.
pub(super) fn leading(group: &[Picture]) -> impl Iterator<Item = &Picture> {
    let key_us = group.first().map_or(0, |key| key.pts_us);
    group.iter().filter(move |picture| picture.pts_us < key_us)
}

/// `pictures` as they can be decoded without what comes before: less the leading ones of their first group.
pub(super) fn alone(pictures: &[Picture]) -> Vec<Picture> {
    let first = group_at(pictures, 0).end;
    let key_us = pictures.first().map_or(0, |key| key.pts_us);
    let kept = |(at, picture): &(usize, &Picture)| *at >= first || picture.pts_us >= key_us;
    pictures.iter().enumerate().filter(kept).map(|(_, picture)| *picture).collect()
}

/// Whether decoding begins anew with this access unit, in length-prefixed form: parameter sets may change there. Only H.264 is
/// asked, since nothing else is put beside what was encoded anew.
pub(super) fn begins_anew(codec: Codec, unit: &[u8]) -> bool {
    match codec {
        Codec::H264 => nal_units(unit).any(|nal| nal.first().is_some_and(|head| head & 0x1f == 5)),
        Codec::H265 | Codec::Mjpeg => true,
    }
}

fn nal_units(mut unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = unit.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let nal = rest.get(..length)?;
        unit = rest.get(length..)?;
        Some(nal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An open group: key frame of 3, leading 1 and 2, then 4; then a closed one.
    fn pictures() -> Vec<Picture> {
        [(0, true), (3, true), (1, false), (2, false), (4, false), (5, true), (6, false)]
            .map(|(at, key)| Picture { offset: 0, size_bytes: 1, pts_us: at, duration_us: 1, key })
            .to_vec()
    }

    #[test]
    fn groups_go_from_key_to_key_and_know_what_leads() {
        let all = pictures();
        assert_eq!((group_at(&all, 0), group_at(&all, 1), group_at(&all, 5)), (0..1, 1..5, 5..7));
        assert_eq!(leading(&all[1..5]).map(|p| p.pts_us).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(leading(&all[5..7]).count(), 0);
        assert_eq!(alone(&all[1..7]).iter().map(|p| p.pts_us).collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(alone(&all).len(), all.len());
        assert!(alone(&[]).is_empty());
    }

    #[test]
    fn a_group_is_copied_left_or_cut() {
        let all = pictures();
        let of = |range: Range<u64>| fate(&all[1..5], &|p: &Picture| range.contains(&p.pts_us));
        assert_eq!(of(0..9), Fate::Copied(4));
        assert_eq!(of(1..4), Fate::Copied(3));
        assert_eq!(of(2..9), Fate::Cut);
        assert_eq!(of(3..9), Fate::Cut);
        assert_eq!(of(5..9), Fate::Left);
    }

    #[test]
    fn only_an_idr_picture_begins_anew() {
        let unit = |kinds: &[u8]| {
            kinds.iter().flat_map(|kind| [0, 0, 0, 2, 0x60 | *kind, 0x88]).collect::<Vec<u8>>()
        };
        assert!(begins_anew(Codec::H264, &unit(&[7, 8, 5])));
        assert!(!begins_anew(Codec::H264, &unit(&[7, 8, 6, 1])));
        assert!(!begins_anew(Codec::H264, &[0, 0, 0, 9, 0x65]));
        assert!(begins_anew(Codec::Mjpeg, &[0xff, 0xd8]));
    }
}
