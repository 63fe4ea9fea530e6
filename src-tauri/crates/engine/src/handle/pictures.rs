//! What a live picture says of itself, and single pictures, live and recorded, that somebody keeps outside the vault.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use hausrecht_ledger::Kind;
use hausrecht_media::{StreamState, Transport};
use hausrecht_model::{CameraId, Right, StreamRole, UnixMicros};
use hausrecht_store::GrantRow;
use hausrecht_vault::OwnerKeys;
use sha2::{Digest, Sha256};

use super::{
    Handle,
    session::{blocking, write_new},
};
use crate::{
    Result,
    grants::in_force,
    inner::lock,
    logbook::Note,
    snapshots::Encoded,
    wire::{
        BranchDetails, Error, ErrorCode, Event, KeptPicture, PictureFormat, StreamDetails, TileDetails,
        TransportKind,
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
    /// Only the owner, and whoever was given the right; the camera gives no picture; the log or the file cannot be written.
    pub async fn keep_live_picture(
        &self,
        camera: CameraId,
        format: PictureFormat,
        folder: PathBuf,
    ) -> Result<KeptPicture> {
        let person = self.inner.signed_in()?;
        if !self.inner.may(&person, camera, Right::Snapshot) || !self.inner.may_watch(&person, camera) {
            return Err(Error::owner_only());
        }
        let task = lock(&self.inner.cameras).get(&camera).cloned();
        let task = task.ok_or_else(|| Error::not_found("this camera"))?;
        let through = self.inner.grant_for(&person, camera, Right::Snapshot);
        let at = self.inner.now();
        let none = || Error::new(ErrorCode::CameraUnreachable, "the camera gives no picture now");
        let picture = task.snapshots.take(StreamRole::Main, format.into()).await?.ok_or_else(none)?;
        // Whoever was signed out meanwhile keeps nothing.
        self.inner.still(&person)?;
        let mut note = Note::new(Kind::CopyMade).by(person.id).camera(camera).fact("what", "live_picture");
        note.grant = through.as_ref().map(|grant| grant.id);
        note.refers_to = through.as_ref().map(|grant| grant.entry);
        self.keep_picture(person.owner().cloned(), note, picture, stem(&task.row().name, at), format, folder)
            .await
    }

    /// Keeps the picture of the open clip that stands as a file in `folder`, as it was recorded and at its full size. That it
    /// is done stands in the log before the file does.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; no clip is open, or it has no picture yet; the log or the file cannot be written.
    pub async fn keep_player_picture(&self, format: PictureFormat, folder: PathBuf) -> Result<KeptPicture> {
        let person = self.inner.signed_in()?;
        let player = lock(&self.inner.player).clone().filter(|player| player.opened_by == person.number);
        let player = player.ok_or_else(|| Error::not_found("an open clip"))?;
        let clip = player.state().clip;
        let row = self.inner.db.read(move |tables| Ok(tables.clip(clip)?)).await?;
        let row = row.ok_or_else(|| Error::not_found("this clip"))?;
        let through =
            player.grant.and_then(|id| lock(&self.inner.grants).iter().find(|grant| grant.id == id).cloned());
        let may = |grant: &GrantRow| grant.rights.has(Right::Snapshot) && in_force(grant, self.inner.now());
        if person.owner().is_none() && !through.as_ref().is_some_and(may) {
            return Err(Error::owner_only());
        }
        let none = || Error::new(ErrorCode::NotFound, "the clip shows no picture yet: wait until it does");
        let picture = player.snapshots.take(StreamRole::Main, format.into()).await?.ok_or_else(none)?;
        // Whoever was signed out meanwhile keeps nothing.
        self.inner.still(&person)?;
        let at = UnixMicros(row.start_us.0 + i64::try_from(picture.shown_us).unwrap_or(0));
        let name = lock(&self.inner.camera_rows).get(&row.camera).map(|row| row.name.clone());
        let mut note = Note::new(Kind::CopyMade)
            .by(person.id)
            .camera(row.camera)
            .clip(clip)
            .fact("what", "recorded_picture")
            .fact("shown_us", picture.shown_us);
        note.grant = through.as_ref().map(|grant| grant.id);
        note.refers_to = through.as_ref().map(|grant| grant.entry);
        self.keep_picture(
            person.owner().cloned(),
            note,
            picture,
            stem(&name.unwrap_or_default(), at),
            format,
            folder,
        )
        .await
    }

    async fn keep_picture(
        &self,
        keys: Option<Arc<OwnerKeys>>,
        note: Note,
        picture: Encoded,
        stem: String,
        format: PictureFormat,
        folder: PathBuf,
    ) -> Result<KeptPicture> {
        let ending = match format {
            PictureFormat::Jpeg => "jpg",
            PictureFormat::Png => "png",
        };
        let path = free_path(&folder, &stem, ending)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let note = note
            .fact("width", picture.width)
            .fact("height", picture.height)
            .fact("sha256", hex::encode(Sha256::digest(&picture.bytes)))
            .personal("file", name);
        let inner = Arc::clone(&self.inner);
        let index = self
            .inner
            .db
            .write(move |tables| inner.logbook.append(tables, &note, keys.as_deref()))
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

/// The name of a file of this camera and time, without its ending.
fn stem(camera_name: &str, at: UnixMicros) -> String {
    format!("{} {}", file_name_of(camera_name), time_in_name(at.0))
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
