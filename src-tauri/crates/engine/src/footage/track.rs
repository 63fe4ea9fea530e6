//! Where a dashcam was: the file that it writes beside a film. It is read here, sealed with the import, and shown to the owner alone.

use std::{io::Read, path::Path};

use hausrecht_media::footage::{Fix, MAX_TRACK_BYTES, belongs_to, track};
use hausrecht_model::UnixMicros;
use hausrecht_vault::{Identity, Recipient, open_with, seal_to};
use sha2::{Digest, Sha256};

use crate::{Result, wire::TrackPoint};

/// How much of a clip's surroundings is shown with it: a place stands until the next one.
const AROUND_US: i64 = 2_000_000;

/// What stood beside a film.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) name: String,
    pub(super) sha256: [u8; 32],
    pub(super) fixes: Vec<Fix>,
}

impl Track {
    /// Looks for it beside `film`. None, if there is none or nothing in it can be read; a film does not need it.
    pub(super) fn beside(film: &Path, now: UnixMicros) -> Option<Self> {
        let film_name = film.file_name()?.to_string_lossy().into_owned();
        let entries = std::fs::read_dir(film.parent()?).ok()?;
        let mut names: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| entry.path())
            .filter(|path| {
                path.file_name().is_some_and(|name| belongs_to(&name.to_string_lossy(), &film_name))
            })
            .collect();
        names.sort();
        names.into_iter().find_map(|path| Self::read(&path, now))
    }

    fn read(path: &Path, now: UnixMicros) -> Option<Self> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).ok()?;
        file.take(MAX_TRACK_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
        let fixes = track(&bytes, now.0);
        if bytes.len() > MAX_TRACK_BYTES || fixes.is_empty() {
            return None;
        }
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some(Self { name, sha256: Sha256::digest(&bytes).into(), fixes })
    }

    /// When the satellites were found.
    pub(super) fn first_us(&self) -> Option<UnixMicros> {
        self.fixes.first().map(|fix| UnixMicros(fix.unix_us))
    }

    /// All places, sealed.
    pub(super) fn sealed(&self, owner: &Recipient) -> Result<Vec<u8>> {
        let points: Vec<_> = self
            .fixes
            .iter()
            .map(|fix| TrackPoint {
                at_us: UnixMicros(fix.unix_us),
                latitude: fix.latitude,
                longitude: fix.longitude,
                speed_kmh: fix.speed.map(|speed| (speed * 3.6) as f32),
            })
            .collect();
        Ok(seal_to(std::slice::from_ref(owner), &serde_json::to_vec(&points)?)?)
    }
}

/// The places of a span. What does not open any more is not shown; the clip is.
pub(crate) fn open_track(
    sealed: &[u8],
    identity: &Identity,
    (from_us, to_us): (UnixMicros, UnixMicros),
) -> Vec<TrackPoint> {
    let points = open_with(identity, sealed)
        .ok()
        .and_then(|plain| serde_json::from_slice::<Vec<TrackPoint>>(&plain).ok())
        .unwrap_or_else(|| {
            tracing::warn!("the places of an imported film cannot be read any more");
            Vec::new()
        });
    points
        .into_iter()
        .filter(|point| (from_us.0 - AROUND_US..=to_us.0 + AROUND_US).contains(&point.at_us.0))
        .collect()
}
