//! Watching a file as it is: the list of its pictures is made once, their bytes are fetched as the player asks for them. Nothing of
//! it stays anywhere.

use std::collections::HashMap;

use anyhow::{Context, bail};
use hausrecht_media::{FaultCode, footage::Container};

use super::{
    Failure,
    demux::{Demux, Unit},
    source::Source,
};
use crate::{clip_reader::Picture, fmp4::Format};

/// More pictures than a day has at 24 a second.
const MAX_PICTURES: usize = 2_100_000;

/// A file that is watched.
pub(crate) struct Watched {
    pub(super) demux: Demux,
    /// Where seeking finds each picture, and its time in the file, in decode order.
    places: Vec<(u64, u64)>,
    /// Which picture has which time in the file.
    by_time: HashMap<u64, usize>,
    /// The next picture that the file gives.
    next: Option<usize>,
    pub(crate) format: Format,
    pub(crate) pictures: Vec<Picture>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("pictures", &self.pictures.len()).finish_non_exhaustive()
    }
}

impl Watched {
    /// Goes through the whole file once. Pictures of another format than the first are left out.
    pub(super) fn open(source: Source, container: Container) -> Result<Self, Failure> {
        let mut demux = Demux::open(source, container)?;
        let mut units: Vec<(u64, u64, bool, u32)> = Vec::new();
        let mut format: Option<std::sync::Arc<Format>> = None;
        while let Some(unit) = demux.next()? {
            if format.is_none() && !unit.key {
                continue;
            }
            if *format.get_or_insert_with(|| unit.format.clone()) != unit.format {
                break;
            }
            let size_bytes = u32::try_from(unit.data.len()).unwrap_or(u32::MAX);
            units.push((unit.pts_us, unit.place_us, unit.key, size_bytes));
            if units.len() > MAX_PICTURES {
                return Err((FaultCode::Refused, "the file has more pictures than can be listed".into()));
            }
        }
        let Some(format) = format else { return Err(demux.nothing()) };
        let zero_us = units.first().map_or(0, |unit| unit.0);
        // What is shown before the first key frame needs what the file does not have.
        units.retain(|unit| unit.2 || unit.0 >= zero_us);
        let mut times: Vec<u64> = units.iter().map(|unit| unit.0).collect();
        times.sort_unstable();
        times.dedup();
        let pictures = units.iter().enumerate().map(|(index, (pts_us, _, key, size_bytes))| {
            let after = times.partition_point(|time| time <= pts_us);
            let lasts = times.get(after).map_or(40_000, |next| next - pts_us);
            Picture {
                offset: index as u64,
                size_bytes: *size_bytes,
                pts_us: pts_us.saturating_sub(zero_us),
                duration_us: u32::try_from(lasts).unwrap_or(u32::MAX),
                key: *key,
            }
        });
        let pictures = pictures.collect();
        // Where pictures bear the same time, the first is what a seek leads to.
        let by_time = units.iter().enumerate().rev().map(|(index, unit)| (unit.0, index)).collect();
        let places = units.iter().map(|unit| (unit.1, unit.0)).collect();
        Ok(Self { demux, places, by_time, next: None, format: (*format).clone(), pictures })
    }

    /// The bytes of a picture.
    pub(crate) fn picture(&mut self, picture: &Picture) -> anyhow::Result<Vec<u8>> {
        let wanted = usize::try_from(picture.offset)?;
        let group = self.group_of(wanted);
        let is_ahead = self.next.is_some_and(|next| next <= wanted && next >= group);
        if !is_ahead {
            let (place_us, _) = self.places.get(group).copied().context("a picture that is not listed")?;
            self.demux.seek(place_us).map_err(|(_, text)| anyhow::anyhow!(text))?;
            self.next = None;
        }
        while let Some(unit) = self.pull()? {
            let Some(index) = self.index_of(&unit) else { continue };
            self.next = Some(index + 1);
            if index == wanted {
                return Ok(unit.data.to_vec());
            }
            if index > wanted {
                bail!("the file gives its pictures in another order than before");
            }
        }
        self.next = None;
        bail!("the file ends before a picture that it had")
    }

    fn pull(&mut self) -> anyhow::Result<Option<Unit>> {
        self.demux.next().map_err(|(_, text)| anyhow::anyhow!(text))
    }

    /// Which picture this is: the one that is next if its time says so, since times may come twice.
    fn index_of(&self, unit: &Unit) -> Option<usize> {
        let is_next = |next: &usize| self.places.get(*next).is_some_and(|(_, pts_us)| *pts_us == unit.pts_us);
        if let Some(next) = self.next.filter(is_next) {
            return Some(next);
        }
        self.by_time.get(&unit.pts_us).copied()
    }

    /// The key frame from which `index` is reached.
    fn group_of(&self, index: usize) -> usize {
        self.pictures.get(..=index).and_then(|before| before.iter().rposition(|one| one.key)).unwrap_or(0)
    }
}
