//! Files that something else recorded: looked at one by one, and taken over into clips like any others. What is in a file only a
//! worker reads; this side hands it the bytes, and never writes to the file or beside it.

mod files;
mod look;
mod serve;
mod take;
mod times;
mod track;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use hausrecht_media::{FootageInfo, footage::Named};
use hausrecht_model::UnixMicros;
use jiff::tz::TimeZone;

pub(crate) use self::{
    files::gather,
    look::look_at_all,
    serve::Bytes,
    take::{import_all, undo_unfinished},
    track::open_track,
};
use crate::{
    Result,
    inner::{Inner, lock},
    wire::{Error, Event, Footage, FootageFile, FootageRefusal, FootageState, ImportFootage},
};

/// How many erased clips one entry names: it has room for the tags of some hundreds.
pub(crate) const ERASED_AT_ONCE: usize = 200;

/// The files as the engine holds them.
#[derive(Debug, Default)]
pub(crate) struct Files {
    shelf: Mutex<Shelf>,
    /// The import is to end.
    pub(crate) stop: AtomicBool,
}

#[derive(Debug)]
struct Shelf {
    files: Vec<File>,
    zone: TimeZone,
    left_out: u32,
    looking: bool,
    importing: bool,
    next_id: u32,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            zone: TimeZone::system(),
            left_out: 0,
            looking: false,
            importing: false,
            next_id: 1,
        }
    }
}

/// One of them.
#[derive(Clone, Debug)]
struct File {
    path: PathBuf,
    info: Option<FootageInfo>,
    named: Option<Named>,
    /// Where its camera was, and the hash of the file that says so.
    track: Option<track::Track>,
    /// Known only where it was needed.
    sha256: Option<[u8; 32]>,
    wanted: Option<ImportFootage>,
    view: FootageFile,
}

impl Files {
    /// How they stand.
    pub(crate) fn view(&self) -> Footage {
        let shelf = lock(&self.shelf);
        Footage {
            files: shelf.files.iter().map(|file| file.view.clone()).collect(),
            zone: shelf.zone.iana_name().unwrap_or("UTC").to_owned(),
            left_out: shelf.left_out,
            looking: shelf.looking,
            importing: shelf.importing,
        }
    }

    /// Adds files; says whether somebody has to begin looking at them.
    pub(crate) fn add(&self, paths: Vec<(PathBuf, u64)>, left_out: u32) -> bool {
        let mut shelf = lock(&self.shelf);
        shelf.left_out += left_out;
        for (path, size_bytes) in paths {
            if shelf.files.iter().any(|file| file.path == path) {
                continue;
            }
            let id = shelf.next_id;
            shelf.next_id += 1;
            let file = File::new(id, path, size_bytes);
            shelf.files.push(file);
        }
        !std::mem::replace(&mut shelf.looking, true)
    }

    /// Takes a file off the list; one that is being imported stays.
    pub(crate) fn remove(&self, id: u32) {
        lock(&self.shelf).files.retain(|file| file.view.id != id || file.is_busy());
    }

    /// Empties the list, unless something of it is being imported.
    pub(crate) fn clear(&self) {
        let mut shelf = lock(&self.shelf);
        if !shelf.importing {
            shelf.files.clear();
            shelf.left_out = 0;
        }
    }

    /// Opens a file of the list to read it.
    pub(crate) fn open(&self, id: u32) -> Result<Bytes> {
        let found = lock(&self.shelf).files.iter().find(|file| file.view.id == id).cloned();
        look::open(&found.ok_or_else(|| Error::not_found("this file"))?)
    }

    /// Reads the times of all files anew, by clocks of another zone.
    pub(crate) fn set_zone(&self, zone: &str, now: UnixMicros) -> Result<()> {
        let zone = TimeZone::get(zone).map_err(|_| {
            Error::invalid(format!("“{zone}” is no time zone: write one like Europe/Berlin or UTC"))
        })?;
        let mut shelf = lock(&self.shelf);
        for file in &mut shelf.files {
            file.tell_time(&zone, now);
        }
        shelf.zone = zone;
        Ok(())
    }

    /// Notes what is to be imported; says whether somebody has to begin.
    pub(crate) fn queue(&self, wanted: Vec<ImportFootage>) -> bool {
        let mut shelf = lock(&self.shelf);
        for one in wanted {
            if let Some(file) =
                shelf.files.iter_mut().find(|file| file.view.id == one.id && file.may_be_imported())
            {
                file.view.state = FootageState::Queued;
                file.wanted = Some(one);
            }
        }
        self.stop.store(false, Ordering::Relaxed);
        let is_any = shelf.files.iter().any(|file| file.view.state == FootageState::Queued);
        is_any && !std::mem::replace(&mut shelf.importing, true)
    }

    /// The next file in `state`; where there is none, `done` is called under the same lock.
    fn next(&self, state: FootageState, done: fn(&mut Shelf)) -> Option<File> {
        let mut shelf = lock(&self.shelf);
        let found = shelf.files.iter().find(|file| file.view.state == state).cloned();
        if found.is_none() {
            done(&mut shelf);
        }
        found
    }

    fn change(&self, id: u32, change: impl FnOnce(&mut File, &TimeZone)) {
        let shelf = &mut *lock(&self.shelf);
        if let Some(file) = shelf.files.iter_mut().find(|file| file.view.id == id) {
            change(file, &shelf.zone);
        }
    }
}

impl File {
    fn new(id: u32, path: PathBuf, size_bytes: u64) -> Self {
        let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let name = text(path.file_name());
        let folder = text(path.parent().and_then(|parent| parent.file_name()));
        let named = hausrecht_media::footage::name_says(&name);
        let view = FootageFile {
            id,
            name,
            folder,
            size_bytes,
            state: FootageState::Waiting,
            codec: String::new(),
            width: 0,
            height: 0,
            duration_us: 0,
            start_us: None,
            time_from: crate::wire::TimeFrom::Nowhere,
            other_us: None,
            view: named.and_then(|named| named.view),
            track: String::new(),
            known_in: None,
            done_us: 0,
            clips: 0,
            pictures: 0,
            left_out: 0,
            cut_short: false,
            refusal: None,
            detail: String::new(),
        };
        Self { path, info: None, named, track: None, sha256: None, wanted: None, view }
    }

    fn is_busy(&self) -> bool {
        matches!(self.view.state, FootageState::Queued | FootageState::Importing)
    }

    fn may_be_imported(&self) -> bool {
        matches!(self.view.state, FootageState::Ready | FootageState::Failed | FootageState::Stopped)
            && self.info.is_some()
    }

    fn refuse(&mut self, state: FootageState, refusal: FootageRefusal, detail: impl Into<String>) {
        self.view.state = state;
        self.view.refusal = Some(refusal);
        self.view.detail = detail.into();
    }

    fn tell_time(&mut self, zone: &TimeZone, now: UnixMicros) {
        let created = self.info.as_ref().and_then(|info| info.created);
        let fixed = self.track.as_ref().and_then(track::Track::first_us);
        let told = times::tell((created, self.named, fixed), zone, self.view.duration_us, now);
        self.view.start_us = told.start_us;
        self.view.time_from = told.from;
        self.view.other_us = told.other_us;
    }
}

impl Inner {
    /// Tells the owner's window how the files stand.
    pub(crate) fn tell_footage(&self) {
        self.tell(Event::Footage(self.footage.view()));
    }

    fn change_footage(self: &Arc<Self>, id: u32, change: impl FnOnce(&mut File, &TimeZone)) {
        self.footage.change(id, change);
        self.tell_footage();
    }

    /// Whether what runs in the background has to end.
    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}
