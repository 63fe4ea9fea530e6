//! Exports: spans of recordings as MP4 files outside the vault. They run one after the other, beside everything else, for as
//! long as whoever ordered them is signed in. What a worker makes of the clips is written here; a file has no name
//! before it is whole, and an export that does not come to its end takes back what it has named.

mod pack;
mod plan;
mod scratch;
pub(crate) mod target;
mod work;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use hausrecht_ledger::Kind;
use hausrecht_media::WorkerProcess;
use hausrecht_model::UnixMicros;
use hausrecht_vault::{Recipient, SealFor, passphrase};
use secrecy::SecretString;

use self::plan::Planned;
use crate::{
    Handle, Result,
    inner::{Inner, lock},
    logbook::Note,
    session::SignedIn,
    wire::{Error, Event, ExportOrder, ExportPlan, ExportState, ExportView, ExportedFile, PackageSeal},
};

/// How many that have ended are still shown.
const ENDED_SHOWN: usize = 20;
/// How many may wait.
const WAITING_MAX: usize = 20;
/// How well a package's passphrase must rate, of 4.
const PASSPHRASE_SCORE: u8 = 3;
/// Where the last folder is kept.
const FOLDER_KEY: &str = "export_folder";
/// Where the names of unfinished files are kept, for file systems that know no nameless ones.
const PARTS_KEY: &str = "export_parts";

/// An export of this run.
pub(crate) struct Job {
    id: u32,
    person: SignedIn,
    begun: Mutex<Option<Duration>>,
    view: Mutex<ExportView>,
    stopped: AtomicBool,
    /// Set when the owner signs out.
    locked: AtomicBool,
    /// Who can open the package.
    seal: Option<SealFor>,
    /// What runs now; taking it away ends it.
    process: Mutex<Option<WorkerProcess>>,
    /// Wakes it while it waits for its turn.
    woken: tokio::sync::Notify,
}

impl Job {
    /// Why it is to end, if it is.
    fn ended(&self) -> Option<Error> {
        if self.locked.load(Ordering::SeqCst) {
            let text = "the vault was locked before the export was done, and nothing of it was kept: sign in and begin it again";
            return Some(Error { message: text.to_owned(), ..Error::locked() });
        }
        self.stopped
            .load(Ordering::SeqCst)
            .then(|| Error::invalid("the export was stopped; nothing of it was kept"))
    }

    fn is_open(&self) -> bool {
        matches!(lock(&self.view).state, ExportState::Waiting | ExportState::Running)
    }

    fn end_with(&self, reason: &AtomicBool) {
        reason.store(true, Ordering::SeqCst);
        drop(lock(&self.process).take());
        // One that does not wait yet finds it when it begins to.
        self.woken.notify_one();
    }
}

/// All exports of this run.
#[derive(Default)]
pub(crate) struct Exports {
    jobs: Mutex<Vec<Arc<Job>>>,
    /// Held by the one that runs.
    turn: tokio::sync::Mutex<()>,
}

impl Exports {
    /// Ends those that somebody else ordered than sign-in `number`.
    pub(crate) fn keep_only(&self, number: Option<u64>) {
        for job in lock(&self.jobs).iter().filter(|job| Some(job.person.number) != number && job.is_open()) {
            job.end_with(&job.locked);
        }
    }

    /// Whether one runs or waits.
    pub(crate) fn is_any_open(&self) -> bool {
        lock(&self.jobs).iter().any(|job| job.is_open())
    }

    /// Those that `person` ordered; an owner sees every owner's.
    fn views(&self, person: &SignedIn) -> Vec<ExportView> {
        let theirs = |job: &&Arc<Job>| {
            job.person.id == person.id || (job.person.owner().is_some() && person.owner().is_some())
        };
        lock(&self.jobs).iter().filter(theirs).map(|job| lock(&job.view).clone()).collect()
    }

    fn add(&self, job: &Arc<Job>) {
        let mut jobs = lock(&self.jobs);
        jobs.push(Arc::clone(job));
        let mut surplus = jobs.iter().filter(|job| !job.is_open()).count().saturating_sub(ENDED_SHOWN);
        jobs.retain(|job| {
            let goes = surplus > 0 && !job.is_open();
            surplus -= usize::from(goes);
            !goes
        });
    }
}

impl Inner {
    fn tell_exports(&self) {
        if let Ok(person) = self.signed_in() {
            self.tell(Event::Exports(self.exports.views(&person)));
        }
    }

    /// Changes what is shown of `job`, and tells the window.
    fn change_export(&self, job: &Job, change: impl FnOnce(&mut ExportView)) {
        change(&mut lock(&job.view));
        self.tell_exports();
    }

    /// Takes away what an earlier run left unfinished where files must have names from the beginning.
    pub(crate) async fn clear_export_parts(&self) -> Result<()> {
        let Some(text) = self.db.read(|tables| Ok(tables.meta(PARTS_KEY)?)).await? else { return Ok(()) };
        let mut parts: Vec<PathBuf> = serde_json::from_str(&text).unwrap_or_default();
        // A stick that is not there now may come back.
        parts.retain(|part| {
            let _ = std::fs::remove_file(part);
            part.exists() || !part.parent().is_some_and(Path::is_dir)
        });
        let left = serde_json::to_string(&parts)?;
        self.db
            .write(move |tables| {
                if parts.is_empty() {
                    Ok(tables.delete_meta(PARTS_KEY)?)
                } else {
                    Ok(tables.set_meta(PARTS_KEY, &left)?)
                }
            })
            .await
    }

    /// Keeps in mind that there is an unfinished file, before there is.
    fn remember_part(&self, part: &Path) -> Result<()> {
        let part = part.to_owned();
        self.db.write_blocking(move |tables| {
            let known = tables.meta(PARTS_KEY)?;
            let mut parts: Vec<PathBuf> =
                known.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            parts.retain(|part| part.exists() || !part.parent().is_some_and(Path::is_dir));
            parts.push(part);
            Ok(tables.set_meta(PARTS_KEY, &serde_json::to_string(&parts)?)?)
        })
    }
}

impl Handle {
    /// What an export would be: how large, how long, how many files. Nothing is opened for it.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; the order makes no sense.
    pub async fn plan_export(&self, order: ExportOrder) -> Result<ExportPlan> {
        let person = self.inner.signed_in()?;
        Ok(plan::plan(&self.inner, &person, &order).await?.view)
    }

    /// Begins an export; it waits for the one before it. How far it is comes as an event. `seal` says who can open the package, if
    /// it is to be one.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; nothing is recorded of that span; the folder cannot be written to or has too little room; the log
    /// cannot be written.
    pub async fn start_export(&self, mut order: ExportOrder, seal: Option<PackageSeal>) -> Result<u32> {
        let person = self.inner.signed_in()?;
        let keys = person.owner().cloned();
        order.recipient = order.recipient.trim().to_owned();
        order.purpose = order.purpose.trim().to_owned();
        let planned = plan::plan(&self.inner, &person, &order).await?;
        let seal = self.seal_for(&order, seal)?;
        planned.check_target()?;
        // A folder that takes no file is said now, not after the entry.
        drop(target::Target::begin(&planned.folder, |part| self.inner.remember_part(part))?);
        if lock(&self.inner.exports.jobs).iter().filter(|job| job.is_open()).count() >= WAITING_MAX {
            return Err(Error::invalid("many exports wait already: let some of them finish first"));
        }
        let note = note(&order, &planned).by(person.id);
        let (writer, folder) = (Arc::clone(&self.inner), order.folder.clone());
        let entry = self
            .inner
            .db
            .write(move |tables| {
                if keys.is_some() {
                    tables.set_meta(FOLDER_KEY, &folder)?;
                }
                writer.logbook.append(tables, &note, keys.as_deref())
            })
            .await
            .map_err(Error::order_unwritable)?;
        self.inner.tell(Event::LogGrew(entry + 1));
        self.inner.still(&person)?;
        // An entry has its number for good, and so has the export that it is of.
        let id = u32::try_from(entry).map_err(Error::internal)?;
        let job = Arc::new(Job {
            id,
            person,
            begun: Mutex::default(),
            view: Mutex::new(ExportView {
                id,
                camera_names: planned.reels.iter().map(|reel| reel.camera_name.clone()).collect(),
                order,
                state: ExportState::Waiting,
                done_permille: 0,
                left_s: Some(planned.view.seconds),
                files: Vec::new(),
                package: None,
                error: None,
            }),
            seal,
            stopped: AtomicBool::new(false),
            locked: AtomicBool::new(false),
            process: Mutex::default(),
            woken: tokio::sync::Notify::new(),
        });
        self.inner.exports.add(&job);
        self.inner.tell_exports();
        let handle = self.clone();
        let running = Arc::clone(&job);
        if !self.inner.begin(async move { run(&handle, &running, planned, entry).await }) {
            return Err(Error::internal("the engine is being stopped"));
        }
        // Whoever signed out in between would not be seen by those that end exports.
        if self.inner.still(&job.person).is_err() {
            job.end_with(&job.locked);
        }
        Ok(id)
    }

    /// Who can open the package of `order`.
    fn seal_for(&self, order: &ExportOrder, seal: Option<PackageSeal>) -> Result<Option<SealFor>> {
        match (order.packed, seal) {
            (false, None) => Ok(None),
            (true, None) => Err(Error::invalid("say who can open the package: an age key or a passphrase")),
            (false, Some(_)) => Err(Error::invalid("films that lie open have no key: order a package")),
            (true, Some(PackageSeal::Key { recipient })) => {
                let recipient: Recipient = recipient.trim().parse().map_err(|error| {
                    Error::invalid(format!(
                        "the recipient's key is {error}: ask them for what `age-keygen` calls the public key"
                    ))
                })?;
                Ok(Some(SealFor::Recipient(recipient)))
            }
            (true, Some(PackageSeal::Passphrase { passphrase: text })) => {
                if passphrase::rate(&text, &[&order.recipient]).score < PASSPHRASE_SCORE {
                    return Err(Error::invalid(
                        "this passphrase is guessed too easily, and a package can be tried without end: take the words that are offered",
                    ));
                }
                let log_n = self.inner.options.log_n;
                Ok(Some(SealFor::Passphrase { passphrase: SecretString::from(text), log_n }))
            }
        }
    }

    /// Stops an export: nothing of it is kept.
    ///
    /// # Errors
    /// There is no such export of whoever is signed in, or it has ended.
    pub fn stop_export(&self, id: u32) -> Result<()> {
        let number = self.inner.signed_in()?.number;
        let jobs = lock(&self.inner.exports.jobs);
        let job = jobs.iter().find(|job| job.id == id && job.person.number == number && job.is_open());
        let job = job.ok_or_else(|| Error::not_found("an export that runs"))?;
        job.end_with(&job.stopped);
        Ok(())
    }

    /// One's own exports of this run, oldest first.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub fn exports(&self) -> Result<Vec<ExportView>> {
        let person = self.inner.signed_in()?;
        Ok(self.inner.exports.views(&person))
    }

    /// The folder of the owner's last export; empty if there was none, and for everybody else.
    ///
    /// # Errors
    /// Nobody is signed in; a failure of the database.
    pub async fn export_folder(&self) -> Result<String> {
        if self.inner.signed_in()?.owner().is_none() {
            return Ok(String::new());
        }
        Ok(self.inner.db.read(|tables| Ok(tables.meta(FOLDER_KEY)?)).await?.unwrap_or_default())
    }
}

/// What the log says of an export before any key is used. The recipient and the purpose are sealed to the owner.
fn note(order: &ExportOrder, planned: &Planned) -> Note {
    let cameras: Vec<String> = planned.reels.iter().map(|reel| reel.camera.to_string()).collect();
    let mut note = Note::new(Kind::CopyMade)
        .fact("from_us", order.from_us.0)
        .fact("to_us", order.to_us.0)
        .fact("clips", planned.view.clips)
        .fact("name_on_picture", order.on_picture);
    if let [reel] = &planned.reels[..] {
        note = note.camera(reel.camera);
    } else {
        note = note.fact("cameras", cameras);
    }
    named(note, order)
}

/// Adds who is given the copy and what for.
fn named(mut note: Note, order: &ExportOrder) -> Note {
    for (name, value) in [("recipient", &order.recipient), ("reason", &order.purpose)] {
        if !value.is_empty() {
            note = note.personal(name, value.as_str());
        }
    }
    note
}

async fn run(handle: &Handle, job: &Arc<Job>, planned: Planned, entry: u64) {
    let inner = &handle.inner;
    // Whoever is stopped while waiting ends at once, and does not keep the keys until its turn.
    let turn = tokio::select! {
        biased;
        () = job.woken.notified() => None,
        turn = inner.exports.turn.lock() => Some(turn),
    };
    *lock(&job.begun) = Some(inner.options.clock.monotonic());
    let outcome = match job.ended() {
        Some(error) => Err(error),
        None => {
            inner.change_export(job, |view| view.state = ExportState::Running);
            work::all(handle, job, &planned, entry).await
        }
    };
    drop(turn);
    // Whatever broke because it was to end did not fail.
    let outcome = outcome.map_err(|error| job.ended().unwrap_or(error));
    inner.change_export(job, |view| {
        view.left_s = None;
        match outcome {
            Ok(made) => {
                (view.state, view.done_permille) = (ExportState::Done, 1000);
                (view.files, view.package) = (made.files, made.package);
            }
            Err(error) => {
                let stopped = job.stopped.load(Ordering::SeqCst) && !job.locked.load(Ordering::SeqCst);
                view.files.clear();
                view.state = if stopped { ExportState::Stopped } else { ExportState::Failed };
                view.error = Some(error).filter(|_| !stopped);
            }
        }
    });
}

/// Part of an export that is done, and how long the rest takes if it goes on like that.
fn progress(job: &Job, now: Duration, done_us: i64, total_us: i64) -> (u32, Option<u32>) {
    let total_us = total_us.max(1);
    let permille = u32::try_from((done_us.clamp(0, total_us) * 1000) / total_us).unwrap_or(0);
    let begun = lock(&job.begun).unwrap_or(now);
    let passed_s = now.saturating_sub(begun).as_secs_f64();
    let left = (permille >= 20).then(|| passed_s * f64::from(1000 - permille) / f64::from(permille));
    (permille, left.map(|left| left.ceil().min(1e9) as u32))
}

fn file_view(
    name: String,
    size_bytes: u64,
    camera_name: &str,
    from_us: UnixMicros,
    end: &hausrecht_media::bulk::FileEnd,
) -> ExportedFile {
    ExportedFile {
        name,
        camera_name: camera_name.to_owned(),
        from_us,
        duration_us: i64::try_from(end.duration_us).unwrap_or(i64::MAX),
        size_bytes,
        pictures: end.pictures,
        encoded: end.encoded,
        hidden_us: i64::try_from(end.hidden_us).unwrap_or(i64::MAX),
    }
}
