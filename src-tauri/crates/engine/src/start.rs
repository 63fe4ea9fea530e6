//! Opens a data folder: lock, keys, database, recovery, then cameras. And closes it in order.

use std::{
    fs::{self, File},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use hausrecht_ledger::{Kind, origin_of};
use hausrecht_media::Launcher;
use hausrecht_model::UnixMicros;
use hausrecht_store::{Store, StoreError, Tables};
use hausrecht_vault::{DeviceKeys, DeviceKeysError};
use rustix::fs::FlockOperation;
use tokio::sync::{broadcast, watch};

use crate::{
    Handle, Options,
    camera::{CameraTask, card::Jobs},
    db::Db,
    handle::{KEYRING_KEY, said},
    inner::{Inner, lock},
    logbook::{Logbook, Note},
    recorder, restore, retention,
    sightings::{self, Sightings},
    viewport::Viewport,
    wire, witness,
};

/// Why a data folder could not be opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another Hausrecht has it open.
    #[error("{} is in use by Hausrecht, process {pid}: use that one, or end it first", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it; 0 if it does not say.
        pid: u32,
    },
    /// The folder cannot be made, read or written.
    #[error("{} cannot be used ({source}): check that it exists and is yours, or choose another with --data-dir", folder.display())]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error("{}: {source}", folder.display())]
    Store {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// This computer's keys cannot be read.
    #[error(transparent)]
    Keys(#[from] DeviceKeysError),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<wire::Error> for StartError {
    fn from(error: wire::Error) -> Self {
        Self::Other(error.message)
    }
}

/// The engine of one data folder.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Opens the data folder and begins to record. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Handle, StartError> {
        let folder = options.data_folder.clone();
        let unusable = |source| StartError::Folder { folder: folder.clone(), source };
        make_private(&folder).map_err(unusable)?;
        let lock_file = take_lock(&folder)?;
        restore::take_staged(&folder).map_err(unusable)?;
        let in_store = |source| StartError::Store { folder: folder.clone(), source };
        let mut store = Store::open(&folder.join("hausrecht.db")).map_err(in_store)?;
        let device = DeviceKeys::load_or_create(&folder, &mut rand::rng())?;
        let (
            settings,
            recovery,
            owner,
            rows,
            people,
            grants,
            last,
            running,
            topic_map,
            notify_rules,
            limits,
            earlier,
            kept,
        ) = store
            .read(|tables| {
                let last =
                    tables.log_size()?.checked_sub(1).map(|index| tables.entry(index)).transpose()?.flatten();
                Ok::<_, StoreError>((
                    tables.meta("settings")?,
                    tables.meta("recovery_made")?,
                    tables.meta("owner_recipient")?,
                    tables.cameras()?,
                    tables.people()?,
                    tables.grants()?,
                    last,
                    tables.meta("running")?,
                    tables.topic_map()?,
                    tables.meta("notify_rules")?,
                    tables.meta("keep_limits")?,
                    tables.meta(restore::EARLIER_KEYS)?,
                    tables.meta(KEYRING_KEY)?,
                ))
            })
            .map_err(in_store)?;
        let settings = settings
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_else(wire::Settings::default);
        let origin = origin_of(&device.log_signing().verifying_key());
        let owner = owner.and_then(|text| text.parse().ok());
        let earlier: Vec<String> =
            earlier.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let earlier = earlier.iter().filter_map(|key| key.parse().ok()).collect();
        let logbook = Logbook::new(device, Arc::clone(&options.clock), origin, owner, earlier);
        let launcher = Launcher::new(&options.worker).map_err(unusable)?;
        let player_port = Viewport::new(Arc::clone(&options.clock));
        let card_port = Viewport::new(Arc::clone(&options.clock));
        let inner = Arc::new(Inner {
            db: Db::start(store).map_err(unusable)?,
            logbook,
            launcher,
            events: broadcast::channel(256).0,
            session: Mutex::default(),
            trying: tokio::sync::Mutex::default(),
            settings: Mutex::new(settings),
            cameras: Mutex::default(),
            camera_rows: Mutex::new(rows.into_iter().map(|row| (row.id, row)).collect()),
            people: Mutex::new(people),
            grants: Mutex::new(grants),
            discovery: Mutex::default(),
            player: Mutex::default(),
            package: Mutex::default(),
            player_port,
            together: Mutex::default(),
            card_player: Mutex::default(),
            card_port,
            card_jobs: Jobs::default(),
            exports: crate::export::Exports::default(),
            footage: crate::footage::Files::default(),
            verify: Mutex::default(),
            said: Mutex::new(said(topic_map)),
            notify_rules: Mutex::new(
                notify_rules.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            ),
            sightings: Sightings::default(),
            kept_notices: Mutex::default(),
            talk: Mutex::default(),
            files: tokio::sync::RwLock::default(),
            looked_back: Mutex::default(),
            clips_changed: AtomicBool::new(false),
            is_wrapping: tokio::sync::watch::Sender::new(false),
            keep_limits: Mutex::new(
                limits.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            ),
            only_held_left: AtomicBool::new(false),
            recovery_made: AtomicBool::new(recovery.is_some()),
            kept: Mutex::new(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()),
            tasks: Mutex::default(),
            stopping: watch::channel(false).0,
            options,
        });
        begin(&inner, last.map(|entry| entry.at_us), running.as_deref() == Some("1")).await?;
        Ok(Handle::new(inner, lock_file))
    }
}

/// Writes what this start has to say into the log, takes up what the last run left, and starts the cameras.
async fn begin(inner: &Arc<Inner>, last_us: Option<UnixMicros>, crashed: bool) -> Result<(), StartError> {
    inner.finish_key_files();
    if inner.options.record {
        if let Some(at_us) = last_us {
            if inner.now() < at_us {
                let step_us = inner.now().0 - at_us.0;
                inner.log(Note::new(Kind::ClockStep).fact("step_us", step_us)).await?;
            }
            if crashed {
                inner.log(Note::new(Kind::Crashed).fact("last_entry_us", at_us.0)).await?;
            }
        }
        inner.db.write(|tables| Ok(tables.set_meta("running", "1")?)).await?;
        inner.log(Note::new(Kind::Started).fact("version", env!("CARGO_PKG_VERSION"))).await?;
        let now = inner.now();
        inner.db.write(move |tables| retention::gaps::note_start(tables, last_us, now)).await?;
        let recovering = Arc::clone(inner);
        let recovered = tokio::task::spawn_blocking(move || recorder::recover_parts(&recovering))
            .await
            .map_err(|error| StartError::Other(error.to_string()))?;
        // What cannot be tidied now, on a full disk for example, is tried again; it must not keep the owner out.
        let tidied = async {
            recovered?;
            inner.db.write(|tables| Ok(tables.close_open_events()?)).await?;
            inner.db.write(forget_removed).await?;
            inner.clear_export_parts().await?;
            crate::footage::undo_unfinished(inner).await?;
            retention::finish_erasing(inner).await?;
            inner.finish_rekeying().await?;
            retention::erase_old(inner).await
        };
        if let Err(error) = tidied.await {
            tracing::error!("not tidied up at the start: {error}");
        }
    }
    let rows: Vec<_> = lock(&inner.camera_rows)
        .values()
        .filter(|row| row.removed_us.is_none() && !row.imported)
        .cloned()
        .collect();
    let intended = inner.db.read(|tables| Ok(tables.intended_sign_ins()?)).await?;
    for row in rows {
        let task = CameraTask::new(inner, row);
        task.set_intended(intended.iter().find(|intended| intended.camera == task.id).cloned());
        lock(&inner.cameras).insert(task.id, Arc::clone(&task));
        if inner.options.record {
            task.spawn(inner);
        }
    }
    if inner.options.record && inner.options.watch {
        let watching = tokio::spawn(sightings::watch(Arc::clone(inner)));
        lock(&inner.tasks).push(watching);
    }
    if inner.options.record {
        let following = tokio::spawn(witness::follow(Arc::clone(inner)));
        lock(&inner.tasks).push(following);
    }
    let tending = tokio::spawn(retention::tend(Arc::clone(inner)));
    lock(&inner.tasks).push(tending);
    Ok(())
}

/// Forgets what an earlier version kept of cameras that were removed.
fn forget_removed(tables: &Tables<'_>) -> crate::Result<()> {
    for mut row in tables.cameras()? {
        if row.removed_us.is_some() && !row.sign_in.is_empty() {
            row.sign_in.clear();
            tables.put_camera(&row)?;
            tables.forget_camera(row.id)?;
        }
    }
    Ok(())
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder.join("people"))?;
    fs::create_dir_all(folder.join("clips"))?;
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// One engine a data folder. The lock goes with the process, however it ends.
fn take_lock(folder: &Path) -> Result<File, StartError> {
    let unusable = |source| StartError::Folder { folder: folder.to_owned(), source };
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join("lock"))
        .map_err(unusable)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            let pid = std::process::id().to_string();
            file.set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(pid.as_bytes()))
                .map_err(unusable)?;
            Ok(file)
        }
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            Err(StartError::InUse { folder: folder.to_owned(), pid: text.trim().parse().unwrap_or(0) })
        }
        Err(error) => Err(unusable(error.into())),
    }
}

/// Ends everything in order: cameras, recorders, sealed clips, checkpoint, log, store.
pub(crate) async fn stop(inner: &Arc<Inner>) {
    inner.lock_session("stopped").await;
    inner.stopping.send_replace(true);
    let tasks: Vec<_> = lock(&inner.cameras).values().cloned().collect();
    for task in &tasks {
        task.stop();
    }
    let running = std::mem::take(&mut *lock(&inner.tasks));
    for task in running {
        if let Err(error) = task.await {
            tracing::error!("a task ended by a defect: {error}");
        }
    }
    if inner.options.record {
        inner.log_or_tell(Note::new(Kind::Stopped)).await;
        if let Err(error) = inner.db.write(|tables| Ok(tables.set_meta("running", "0")?)).await {
            tracing::error!("the next start will take this one for a crash: {error}");
        }
    }
    let writer = Arc::clone(inner);
    if let Err(error) = inner.db.write(move |tables| writer.logbook.checkpoint(tables)).await {
        tracing::error!("no checkpoint at the end: {error}");
    }
}
