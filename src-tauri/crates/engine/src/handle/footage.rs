//! Saved footage: looking at files, importing them, and the sources under which they stand.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use hausrecht_ledger::Kind;
use hausrecht_model::{CameraId, ClipId};
use hausrecht_store::CameraRow;

use super::{
    Handle,
    session::{blocking, checked_name},
};
use crate::{
    Result,
    footage::{ERASED_AT_ONCE, gather, import_all, look_at_all},
    inner::{Inner, lock},
    logbook::Note,
    player::Player,
    retention,
    wire::{Error, ErrorCode, Event, Footage, ImportFootage, PlayerState, SourceView},
};

impl Handle {
    /// Lists files, and those in folders, and begins to look at them; how they stand comes as an event.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn look_at_footage(&self, paths: Vec<PathBuf>) -> Result<Footage> {
        self.inner.signed_in()?.owner_keys()?;
        let (found, left_out) = blocking(move || Ok(gather(&paths))).await?;
        if self.inner.footage.add(found, left_out) {
            self.inner.begin(look_at_all(Arc::clone(&self.inner)));
        }
        self.inner.tell_footage();
        Ok(self.inner.footage.view())
    }

    /// The files that are listed.
    ///
    /// # Errors
    /// Only the owner.
    pub fn footage(&self) -> Result<Footage> {
        self.inner.signed_in()?.owner_keys()?;
        Ok(self.inner.footage.view())
    }

    /// Says in which zone the recorders' clocks were; the files' times are read anew.
    ///
    /// # Errors
    /// Only the owner; no such zone.
    pub fn set_footage_zone(&self, zone: &str) -> Result<Footage> {
        self.inner.signed_in()?.owner_keys()?;
        self.inner.footage.set_zone(zone, self.inner.now())?;
        self.inner.tell_footage();
        Ok(self.inner.footage.view())
    }

    /// Takes a file off the list.
    ///
    /// # Errors
    /// Only the owner.
    pub fn drop_footage(&self, id: u32) -> Result<Footage> {
        self.inner.signed_in()?.owner_keys()?;
        self.inner.footage.remove(id);
        Ok(self.inner.footage.view())
    }

    /// Empties the list, unless something of it is being imported.
    ///
    /// # Errors
    /// Only the owner.
    pub fn close_footage(&self) -> Result<()> {
        self.inner.signed_in()?.owner_keys()?;
        self.inner.footage.clear();
        Ok(())
    }

    /// Imports files from the list, one after the other; how far it is comes as an event.
    ///
    /// # Errors
    /// Only the owner; a name or a time that cannot be.
    pub fn import_footage(&self, mut wanted: Vec<ImportFootage>) -> Result<Footage> {
        let person = self.inner.signed_in()?;
        person.owner_keys()?;
        let now = self.inner.now();
        for one in &mut wanted {
            one.source = checked_name(&one.source)?;
            if self.is_camera_name(&one.source) {
                return Err(Error::invalid(format!(
                    "a camera is called {}: choose another name for what is imported",
                    one.source
                )));
            }
            if !hausrecht_media::footage::is_believable(one.start_us.0, now.0) {
                return Err(Error::invalid("footage begins between 1990 and now"));
            }
        }
        if self.inner.footage.queue(wanted) {
            self.inner.begin(import_all(Arc::clone(&self.inner), person.id));
        }
        self.inner.tell_footage();
        self.touch();
        Ok(self.inner.footage.view())
    }

    /// Ends the import: files that are whole stay, of the one that is being read nothing does.
    ///
    /// # Errors
    /// Only the owner.
    pub fn stop_footage(&self) -> Result<()> {
        self.inner.signed_in()?.owner_keys()?;
        self.inner.footage.stop.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Shows a file of the list as it is. Nothing of it is kept, and the log says only that a file was watched, before there is a
    /// picture.
    ///
    /// # Errors
    /// Only the owner; no such file; the log cannot be written.
    pub async fn watch_footage(&self, id: u32) -> Result<PlayerState> {
        let person = self.inner.signed_in()?;
        person.owner_keys()?;
        let opening = Arc::clone(&self.inner);
        let bytes = blocking(move || opening.footage.open(id)).await?;
        self.inner.log(Note::new(Kind::FileWatched).by(person.id)).await.map_err(Error::log_unwritable)?;
        self.inner.still(&person)?;
        let (inner, number) = (Arc::clone(&self.inner), person.number);
        let player = blocking(move || Player::open_file(&inner, bytes, number)).await?;
        self.put_player(&person, player)
    }

    /// The clip that a sealed file is, which may lie anywhere: the vault's own file is what is opened.
    ///
    /// # Errors
    /// Nobody is signed in; the file is none of this vault's, or not for this person.
    pub async fn sealed_clip(&self, path: &Path) -> Result<ClipId> {
        let person = self.inner.signed_in()?;
        let foreign = || {
            Error::new(
                ErrorCode::NotFound,
                "this sealed file is no clip of this vault, or not open to you: open it with the vault it was made with, or \
                 with the program age and its key",
            )
        };
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let id: ClipId = stem.parse().map_err(|_| foreign())?;
        self.visible_clip(&person, id).await.map_err(|_| foreign())?;
        Ok(id)
    }

    /// The sources of imported clips, by name.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn sources(&self) -> Result<Vec<SourceView>> {
        self.inner.signed_in()?.owner_keys()?;
        let sums = self.inner.db.read(|tables| Ok(tables.source_sums()?)).await?;
        let rows = lock(&self.inner.camera_rows).clone();
        let mut views: Vec<_> = rows
            .values()
            .filter(|row| row.imported && row.removed_us.is_none())
            .map(|row| {
                let sum = sums.iter().find(|sum| sum.source == row.id);
                SourceView {
                    id: row.id,
                    name: row.name.clone(),
                    clips: sum.map_or(0, |sum| sum.clips),
                    size_bytes: sum.map_or(0, |sum| sum.size_bytes),
                    from_us: sum.map(|sum| sum.from_us),
                    to_us: sum.map(|sum| sum.to_us),
                }
            })
            .collect();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(views)
    }

    /// Gives a source another name.
    ///
    /// # Errors
    /// Only the owner; the name is empty or taken.
    pub async fn rename_source(&self, id: CameraId, name: &str) -> Result<Vec<SourceView>> {
        let name = checked_name(name)?;
        let row = self.source_row(id)?;
        if row.name != name {
            let is_taken = lock(&self.inner.camera_rows)
                .values()
                .any(|other| other.id != id && other.removed_us.is_none() && other.name == name);
            if is_taken {
                return Err(Error::invalid(format!("{name} exists already")));
            }
            let person = self.inner.signed_in()?;
            let note = Note::new(Kind::CameraChanged)
                .by(person.id)
                .camera(id)
                .fact("name", name.clone())
                .fact("from", row.name.clone());
            self.put_source(CameraRow { name, ..row }, note).await?;
            self.inner.clips_changed();
        }
        self.sources().await
    }

    /// Removes a source and erases all its clips.
    ///
    /// # Errors
    /// Only the owner; something is being imported; the log cannot be written.
    pub async fn remove_source(&self, id: CameraId) -> Result<Vec<SourceView>> {
        let row = self.source_row(id)?;
        let person = self.inner.signed_in()?;
        if self.inner.footage.view().importing {
            return Err(Error::invalid("something is being imported: stop that first"));
        }
        let removed_us = Some(self.inner.now());
        let note = Note::new(Kind::CameraRemoved).by(person.id).camera(id).fact("source", true);
        self.put_source(CameraRow { removed_us, ..row }, note).await?;
        loop {
            let writer = Arc::clone(&self.inner);
            let by = person.id;
            let erased = self
                .inner
                .db
                .write(move |tables| {
                    let clips: Vec<_> =
                        tables.clips_entered_after(id, 0)?.into_iter().take(ERASED_AT_ONCE).collect();
                    if clips.is_empty() {
                        tables.delete_imports_of(id)?;
                        return Ok(0);
                    }
                    let tags: Vec<_> =
                        clips.iter().map(|clip| writer.logbook.clip_tag(*clip).to_string()).collect();
                    let note = Note::new(Kind::Erased)
                        .by(by)
                        .camera(id)
                        .fact("clips", clips.len())
                        .fact("why", "source_removed")
                        .fact("tags", tags);
                    for clip in &clips {
                        tables.begin_erasing(*clip)?;
                    }
                    writer.logbook.append(tables, &note, None)?;
                    Ok(clips.len())
                })
                .await
                .map_err(Error::log_unwritable)?;
            if erased == 0 {
                break;
            }
            retention::finish_erasing(&self.inner).await?;
        }
        self.inner.db.run(|store| Ok(store.truncate_wal()?)).await?;
        let size = self.inner.db.read(|tables| Ok(tables.log_size()?)).await?;
        self.inner.tell(Event::LogGrew(size));
        self.inner.clips_changed();
        self.sources().await
    }

    fn source_row(&self, id: CameraId) -> Result<CameraRow> {
        self.inner.signed_in()?.owner_keys()?;
        lock(&self.inner.camera_rows)
            .get(&id)
            .filter(|row| row.imported && row.removed_us.is_none())
            .cloned()
            .ok_or_else(|| Error::not_found("this source"))
    }

    fn is_camera_name(&self, name: &str) -> bool {
        lock(&self.inner.camera_rows)
            .values()
            .any(|row| !row.imported && row.removed_us.is_none() && row.name == name)
    }

    async fn put_source(&self, row: CameraRow, note: Note) -> Result<()> {
        let inner: &Arc<Inner> = &self.inner;
        let keys = inner.signed_in()?.owner_keys()?;
        let (writer, stored) = (Arc::clone(inner), row.clone());
        let index = inner
            .db
            .write(move |tables| {
                tables.put_camera(&stored)?;
                writer.logbook.append(tables, &note, Some(&keys))
            })
            .await
            .map_err(Error::log_unwritable)?;
        lock(&inner.camera_rows).insert(row.id, row);
        inner.tell(Event::LogGrew(index + 1));
        Ok(())
    }
}
