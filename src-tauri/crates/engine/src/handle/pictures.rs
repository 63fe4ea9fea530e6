//! What a live picture says of itself, and single pictures that the owner keeps outside the vault.

use std::path::{Path, PathBuf};

use hausrecht_ledger::Kind;
use hausrecht_media::{StreamState, Transport};
use hausrecht_model::{CameraId, StreamRole};
use sha2::{Digest, Sha256};

use super::{
    Handle,
    session::{blocking, write_new},
};
use crate::{
    Result,
    inner::lock,
    logbook::Note,
    wire::{
        BranchDetails, Error, Event, KeptPicture, PictureFormat, StreamDetails, TileDetails, TransportKind,
    },
};

/// How often a name is tried that another file has already.
const NAMES_TRIED: u32 = 1000;

impl Handle {
    /// What a tile's details say.
    ///
    /// # Errors
    /// Nobody is signed in, or the camera is not theirs to watch.
    pub fn tile_details(&self, camera: CameraId) -> Result<TileDetails> {
        let person = self.inner.signed_in()?;
        let task = lock(&self.inner.cameras).get(&camera).cloned();
        let task = task
            .filter(|_| self.inner.may_watch(&person, camera))
            .ok_or_else(|| Error::not_found("this camera"))?;
        let decoded = task.port.branches().into_iter().map(|branch| BranchDetails {
            stream: branch.stream,
            decoder: branch.decoder,
            hardware: branch.hardware,
        });
        Ok(TileDetails { streams: task.streams().iter().map(details).collect(), decoded: decoded.collect() })
    }

    /// Keeps what `camera` shows now as a file in `folder`, at its full size. That it is done stands in the log before the
    /// file does.
    ///
    /// # Errors
    /// Only the owner; the camera gives no picture; the log or the file cannot be written.
    pub async fn keep_live_picture(
        &self,
        camera: CameraId,
        format: PictureFormat,
        folder: PathBuf,
    ) -> Result<KeptPicture> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let task = self.camera_task(camera)?;
        let at = self.inner.now();
        let picture = task.snapshots.take(StreamRole::Main, format.into()).await?;
        // Whoever was signed out meanwhile keeps nothing.
        self.inner.still(&person)?;
        let ending = match format {
            PictureFormat::Jpeg => "jpg",
            PictureFormat::Png => "png",
        };
        let stem = format!("{} {}", file_name_of(&task.row().name), time_in_name(at.0));
        let path = free_path(&folder, &stem, ending)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let note = Note::new(Kind::CopyMade)
            .by(person.id)
            .camera(camera)
            .fact("what", "live_picture")
            .fact("width", picture.width)
            .fact("height", picture.height)
            .fact("sha256", hex::encode(Sha256::digest(&picture.bytes)))
            .personal("file", name);
        let inner = std::sync::Arc::clone(&self.inner);
        let index = self
            .inner
            .db
            .write(move |tables| inner.logbook.append(tables, &note, Some(&keys)))
            .await
            .map_err(Error::log_unwritable)?;
        self.inner.tell(Event::LogGrew(index + 1));
        let (width, height) = (picture.width, picture.height);
        let written = path.clone();
        blocking(move || {
            std::fs::create_dir_all(&folder)?;
            write_new(&written, &picture.bytes)
        })
        .await?;
        Ok(KeptPicture { path: path.to_string_lossy().into_owned(), width, height })
    }
}

fn details(state: &StreamState) -> StreamDetails {
    StreamDetails {
        stream: state.stream,
        codec: state.codec,
        width: state.width,
        height: state.height,
        fps: state.fps,
        bits_per_second: state.bits_per_second,
        transport: match state.transport {
            Transport::Auto => TransportKind::Auto,
            Transport::Tcp => TransportKind::Tcp,
            Transport::Udp => TransportKind::Udp,
            Transport::Http => TransportKind::Http,
        },
    }
}

/// A camera's name as part of a file's.
fn file_name_of(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_alphanumeric() || " -_".contains(letter) { letter } else { '-' })
        .collect();
    plain.trim().chars().take(60).collect()
}

/// The time in this computer's zone, as it stands in a file's name.
fn time_in_name(unix_us: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(unix_us).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H.%M.%S").to_string()
}

/// A path in `folder` that no file has yet.
fn free_path(folder: &Path, stem: &str, ending: &str) -> Result<PathBuf> {
    let names = std::iter::once(format!("{stem}.{ending}"))
        .chain((2..NAMES_TRIED).map(|number| format!("{stem} ({number}).{ending}")));
    names
        .map(|name| folder.join(name))
        .find(|path| !path.exists())
        .ok_or_else(|| Error::invalid("the folder has too many pictures of this second"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_name_that_leads_nowhere_else() {
        assert_eq!(file_name_of("../../etc: Haustür / 1 "), "------etc- Haustür - 1");
        let folder = tempfile::tempdir().unwrap();
        let first = free_path(folder.path(), "Yard", "jpg").unwrap();
        std::fs::write(&first, b"").unwrap();
        assert_eq!(free_path(folder.path(), "Yard", "jpg").unwrap(), folder.path().join("Yard (2).jpg"));
    }
}
