//! What all parts of the engine share, and the snapshots that go to the window.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use hausrecht_media::Launcher;
use hausrecht_model::{CameraId, ClipId, PersonId, Right, UnixMicros};
use hausrecht_store::{CameraRow, GrantRow, PersonRow, ScopeRow};
use tokio::sync::broadcast;

use crate::{
    Options, Result,
    camera::CameraTask,
    card_player::CardPlayer,
    db::Db,
    grants::{in_force, is_in_force},
    handle::Talk,
    logbook::{Logbook, Note},
    player::{FOR_ANYBODY, Player},
    session::{SessionState, SignedIn},
    together::Together,
    wire::{self, Error, Event, NoticeKind},
};

/// Shared by every part of the engine.
pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) db: Db,
    pub(crate) logbook: Logbook,
    pub(crate) launcher: Launcher,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) session: Mutex<SessionState>,
    /// Held while a passphrase is tried.
    pub(crate) trying: tokio::sync::Mutex<()>,
    pub(crate) settings: Mutex<wire::Settings>,
    pub(crate) cameras: Mutex<BTreeMap<CameraId, Arc<CameraTask>>>,
    /// Every camera that ever was, for names in the log.
    pub(crate) camera_rows: Mutex<BTreeMap<CameraId, CameraRow>>,
    pub(crate) people: Mutex<Vec<PersonRow>>,
    pub(crate) grants: Mutex<Vec<GrantRow>>,
    pub(crate) discovery: Mutex<crate::handle::Search>,
    pub(crate) player: Mutex<Option<Arc<Player>>>,
    /// The package that is open at the window.
    pub(crate) package: Mutex<Option<Arc<crate::package::OpenPackage>>>,
    pub(crate) player_port: Arc<crate::viewport::Viewport>,
    /// The cameras that are played together.
    pub(crate) together: Mutex<Option<Arc<Together>>>,
    /// The card that is watched.
    pub(crate) card_player: Mutex<Option<Arc<CardPlayer>>>,
    pub(crate) card_port: Arc<crate::viewport::Viewport>,
    pub(crate) card_jobs: crate::camera::card::Jobs,
    pub(crate) exports: crate::export::Exports,
    /// Files that are looked at and imported.
    pub(crate) footage: crate::footage::Files,
    pub(crate) verify: Mutex<Option<wire::VerifyState>>,
    /// What the owner has said of topics.
    pub(crate) said: Mutex<crate::camera::Said>,
    pub(crate) notify_rules: Mutex<wire::NotifyRules>,
    pub(crate) sightings: crate::sightings::Sightings,
    /// What the owner is to be told with the next sign-in.
    pub(crate) kept_notices: Mutex<Vec<wire::Notice>>,
    /// The talk that goes on, if one does.
    pub(crate) talk: Mutex<Talk>,
    /// Held for writing while a clip's file takes the place of another; for reading by whoever needs file and wraps of one time.
    pub(crate) files: tokio::sync::RwLock<()>,
    /// How far the wraps of grants that look back were taken away.
    pub(crate) looked_back: Mutex<BTreeMap<hausrecht_model::GrantId, UnixMicros>>,
    pub(crate) clips_changed: AtomicBool,
    /// Wraps are being made for grants that were given.
    pub(crate) is_wrapping: tokio::sync::watch::Sender<bool>,
    pub(crate) keep_limits: Mutex<wire::KeepLimits>,
    /// The disk runs low, and only what is held is left.
    pub(crate) only_held_left: AtomicBool,
    pub(crate) recovery_made: AtomicBool,
    /// Who chose to be unlocked by the desktop's keyring.
    pub(crate) kept: Mutex<BTreeSet<PersonId>>,
    pub(crate) tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
    pub(crate) stopping: tokio::sync::watch::Sender<bool>,
}

/// A lock that a panicking holder does not take away from everybody else.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub(crate) fn now(&self) -> UnixMicros {
        self.options.clock.now()
    }

    pub(crate) fn signed_in(&self) -> Result<SignedIn> {
        lock(&self.session).signed_in.clone().ok_or_else(Error::locked)
    }

    /// Whether `person` is still signed in, by this very sign-in.
    pub(crate) fn still(&self, person: &SignedIn) -> Result<()> {
        match &lock(&self.session).signed_in {
            Some(now) if now.number == person.number => Ok(()),
            Some(_) | None => Err(Error::locked()),
        }
    }

    pub(crate) fn is_owner_signed_in(&self) -> bool {
        self.signed_in().is_ok_and(|person| person.owner().is_some())
    }

    /// Closes the package at the window, and the film of it that is played.
    pub(crate) fn close_package(&self) {
        drop(lock(&self.package).take());
        let player = lock(&self.player).take_if(|player| player.opened_by == FOR_ANYBODY);
        if let Some(player) = player {
            player.close();
            self.player_port.worker_gone();
            self.player_port.revoke();
        }
    }

    /// Takes away every picture that whoever is signed in now may not see: live views, and the open clip.
    pub(crate) fn revoke_views(&self) {
        let who = self.signed_in().ok();
        let tasks: Vec<_> = lock(&self.cameras).values().cloned().collect();
        for task in tasks {
            if who.as_ref().is_none_or(|person| !self.may_watch(person, task.id)) {
                task.port.revoke();
            }
        }
        let player = lock(&self.player).clone();
        let now = self.now();
        let allowed = match (&who, &player) {
            (_, Some(player)) if player.opened_by == FOR_ANYBODY => true,
            (None, _) => false,
            (Some(_), None) => true,
            (Some(person), Some(player)) => {
                player.opened_by == person.number
                    && (person.owner().is_some()
                        || player.grant.is_some_and(|id| is_in_force(&lock(&self.grants), id, now)))
            }
        };
        if !allowed {
            if let Some(player) = lock(&self.player).take() {
                player.close();
            }
            self.player_port.worker_gone();
            self.player_port.revoke();
        }
        match &who {
            Some(person)
                if lock(&self.together).as_ref().is_some_and(|one| one.opened_by == person.number) =>
            {
                let together = lock(&self.together).clone().filter(|_| person.owner().is_none());
                if let Some(together) = together {
                    together.keep_granted(&lock(&self.grants), now);
                }
            }
            Some(_) | None => {
                let together = lock(&self.together).take();
                if let Some(together) = together {
                    together.close();
                }
            }
        }
        // Only the owner watches cards.
        let owner = who.as_ref().filter(|person| person.owner().is_some()).map(|person| person.number);
        self.exports.keep_only(who.as_ref().map(|person| person.number));
        let others = |player: &Arc<CardPlayer>| Some(player.opened_by) != owner;
        let card = lock(&self.card_player).take_if(|player| others(player));
        if card.is_some() || owner.is_none() {
            self.end_card(card);
        }
    }

    pub(crate) fn clip_path(&self, camera: CameraId, clip: ClipId) -> PathBuf {
        self.clips_folder(camera).join(format!("{clip}.age"))
    }

    pub(crate) fn clips_folder(&self, camera: CameraId) -> PathBuf {
        self.options.data_folder.join("clips").join(camera.to_string())
    }

    /// Runs `work` beside everything else; whoever stops the engine waits for it. An engine that stops begins nothing any
    /// more: says whether it was begun.
    pub(crate) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut tasks = lock(&self.tasks);
        if *self.stopping.borrow() {
            return false;
        }
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::spawn(work));
        true
    }

    /// Nobody may be listening, which is no fault.
    pub(crate) fn tell(&self, event: Event) {
        // What only the owner may know does not leave the engine for anybody else.
        let private = matches!(
            event,
            Event::Discovery(_)
                | Event::Verify(_)
                | Event::Notice(_)
                | Event::CardJobs(_)
                | Event::CardPlayer(_)
                | Event::Footage(_)
                | Event::Wrapping(_)
        );
        if private && !self.is_owner_signed_in() {
            return;
        }
        let _ = self.events.send(event);
    }

    pub(crate) fn notice(&self, kind: NoticeKind, camera: Option<CameraId>, detail: impl Into<String>) {
        let detail = detail.into();
        tracing::warn!(?kind, "{detail}");
        let notice = wire::Notice { kind, camera, detail };
        let is_kept = matches!(kind, NoticeKind::EventFlood | NoticeKind::EventsRefused);
        if is_kept && !self.is_owner_signed_in() {
            // The newest of each camera waits for the owner.
            self.forget_notice(kind, camera);
            lock(&self.kept_notices).push(notice);
        } else {
            self.tell(Event::Notice(notice));
        }
    }

    /// Forgets what the owner was to be told, since it is over.
    pub(crate) fn forget_notice(&self, kind: NoticeKind, camera: Option<CameraId>) {
        lock(&self.kept_notices).retain(|kept| kept.kind != kind || kept.camera != camera);
    }

    /// Tells the owner, who has just signed in, what happened while nobody was.
    pub(crate) fn tell_kept_notices(&self) {
        if self.is_owner_signed_in() {
            for notice in std::mem::take(&mut *lock(&self.kept_notices)) {
                self.tell(Event::Notice(notice));
            }
        }
    }

    pub(crate) fn clips_changed(&self) {
        self.clips_changed.store(true, Ordering::Relaxed);
    }

    /// Appends an entry of its own, signed by this computer.
    pub(crate) async fn log(self: &Arc<Self>, note: Note) -> Result<u64> {
        let inner = Arc::clone(self);
        let index = self.db.write(move |tables| inner.logbook.append(tables, &note, None)).await?;
        self.tell(Event::LogGrew(index + 1));
        Ok(index)
    }

    /// The same where a failure cannot stop what happened already: the person is told.
    pub(crate) async fn log_or_tell(self: &Arc<Self>, note: Note) {
        if let Err(error) = self.log(note).await {
            self.notice(NoticeKind::LogUnwritable, None, error.message);
        }
    }

    /// Cameras that `person` may watch live.
    pub(crate) fn may_watch(&self, person: &SignedIn, camera: CameraId) -> bool {
        self.may(person, camera, Right::Live)
    }

    /// The face of a person as `viewer` may see it: members see no other member's name.
    pub(crate) fn face(&self, row: &PersonRow, viewer: &SignedIn) -> wire::Face {
        let name = if row.id == viewer.id {
            viewer.name.clone()
        } else if let Some(owner) = viewer.owner() {
            hausrecht_vault::open_with(owner.identity(), &row.name_owner)
                .ok()
                .and_then(|name| String::from_utf8(name.to_vec()).ok())
                .unwrap_or_default()
        } else {
            String::new()
        };
        wire::Face { id: row.id, name, owner: row.owner, color: row.color }
    }

    pub(crate) fn face_of(&self, id: hausrecht_model::PersonId, viewer: &SignedIn) -> Option<wire::Face> {
        lock(&self.people).iter().find(|row| row.id == id).map(|row| self.face(row, viewer))
    }

    pub(crate) fn session_view(&self) -> wire::Session {
        let recording = lock(&self.cameras).values().filter(|task| task.is_recording()).count();
        let owner_exists = lock(&self.people).iter().any(|person| person.owner);
        let settings = lock(&self.settings).clone();
        let session = lock(&self.session);
        let monotonic = self.options.clock.monotonic();
        match &session.signed_in {
            Some(person) => {
                let idle_limit = std::time::Duration::from_secs(u64::from(settings.lock_after_minutes) * 60);
                let left = (session.touched + idle_limit).saturating_sub(monotonic);
                wire::Session::Open {
                    me: wire::Me {
                        id: person.id,
                        name: person.name.clone(),
                        owner: person.owner().is_some(),
                        color: person.color,
                        recovery_made: self.recovery_made.load(Ordering::Relaxed),
                    },
                    locks_at_us: self.now().plus(left),
                }
            }
            None if owner_exists => wire::Session::Locked {
                recording,
                wait_ms: u64::try_from(session.next_try.saturating_sub(monotonic).as_millis()).unwrap_or(0),
                by_keyring: !lock(&self.kept).is_empty(),
            },
            None => wire::Session::Empty,
        }
    }

    pub(crate) fn cameras_view(&self) -> Vec<wire::CameraView> {
        let Ok(person) = self.signed_in() else { return Vec::new() };
        let now = self.now();
        let tasks: Vec<_> = lock(&self.cameras).values().cloned().collect();
        let mut views: Vec<_> = tasks
            .iter()
            .filter(|task| self.may_watch(&person, task.id))
            .map(|task| {
                let row = task.row();
                let grants = lock(&self.grants).clone();
                let viewers = lock(&self.people)
                    .iter()
                    .filter(|row| {
                        row.owner
                            || grants.iter().any(|grant| {
                                grant.person == row.id
                                    && grant.camera == task.id
                                    && grant.scope == ScopeRow::Camera
                                    && grant.rights.has(Right::Live)
                                    && in_force(grant, now)
                            })
                    })
                    .map(|row| self.face(row, &person))
                    .collect();
                (row.added_us, task.view(&row, viewers, self.rights(&person, task.id)))
            })
            .collect();
        views.sort_by_key(|(added_us, view)| (*added_us, view.id));
        views.into_iter().map(|(_, view)| view).collect()
    }

    pub(crate) fn tiles_view(&self) -> Vec<wire::TileState> {
        let Ok(person) = self.signed_in() else { return Vec::new() };
        let tasks: Vec<_> = lock(&self.cameras).values().cloned().collect();
        tasks.iter().filter(|task| self.may_watch(&person, task.id)).map(|task| task.tile()).collect()
    }
}
