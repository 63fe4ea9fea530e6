//! Notifications of the desktop: what a camera reports reaches a person while the window is hidden or locked. The engine
//! decides who may know and see what; this decides when and in which words. Nothing of it is kept on disk.

mod desktop;
mod groups;
mod rules;
mod words;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use hausrecht_engine::{
    Handle, SmallPicture,
    wire::{Event, Happening, Session},
};
use hausrecht_model::{CameraId, ClipId, EventKind, UnixMicros};
use notify_rust::{NotificationHandle, NotificationResponse};
use tauri::AppHandle;
use tauri_specta::Event as _;
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError, mpsc, oneshot, watch},
    task::AbortHandle,
    time::Instant,
};

pub(crate) use self::desktop::{NotificationServer, server};
use self::{desktop::Card, groups::Groups, words::Words};
use crate::events::OpenRouteEvent;

/// How long a notification that does not ring waits for its picture.
const PICTURE_WITHIN: Duration = Duration::from_millis(1500);
/// How long the one that rings may still get its picture.
const BELL_PICTURE_WITHIN: Duration = Duration::from_secs(5);
/// How long a notification daemon may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Notifications that wait for a click; of more, the oldest goes. As many wait for their picture.
const WAITING_MAX: usize = 32;
/// How long after a click the clip may take to be finished in which it happened.
const CLIP_WITHIN: Duration = Duration::from_secs(180);

/// One notification for each camera, and another one when somebody rings there.
type Key = (CameraId, bool);

/// What comes back from the tasks that wait.
enum Word {
    /// The picture for the `number`th notification came, or none.
    Picture { key: Key, number: u64, picture: Option<SmallPicture> },
    /// The daemon has taken a notification, or not.
    Shown {
        key: Key,
        happening: Happening,
        has_picture: bool,
        outcome: anyhow::Result<Box<NotificationHandle>>,
    },
    /// A notification was clicked.
    Clicked { camera: CameraId, at: UnixMicros },
}

/// A notification on the screen.
struct Waiting {
    id: u32,
    task: AbortHandle,
    close: oneshot::Sender<()>,
}

/// What is to be shown as soon as the daemon has answered.
type Next = Option<(u64, Option<SmallPicture>)>;

struct Notifier {
    app: AppHandle,
    engine: Handle,
    groups: Groups<Key>,
    /// The newest happening of each group, and how many came before it.
    latest: HashMap<Key, Latest>,
    /// The daemon's number of the last notification of each group.
    ids: HashMap<Key, u32>,
    /// Groups of which the daemon is being told, each by a task of its own: a slow daemon keeps nobody from hearing the bell.
    telling: HashMap<Key, Next>,
    /// The notification of each group that has rung.
    rung: HashMap<Key, u64>,
    waiting: VecDeque<Waiting>,
    pictures: Arc<Semaphore>,
    /// What was clicked while its clip was being recorded, and until when the clip is waited for.
    awaited: Option<(CameraId, UnixMicros, Instant)>,
    count: u64,
    words: mpsc::Sender<Word>,
    /// Changes when nobody is signed in any more: what shows a picture goes.
    locked: watch::Sender<()>,
    had_server: bool,
}

struct Latest {
    number: u64,
    happening: Happening,
    more: u32,
    is_update: bool,
}

/// Notifies until the engine is gone.
pub(crate) async fn run(app: AppHandle, engine: Handle) {
    let mut events = engine.subscribe();
    let (words, mut coming) = mpsc::channel(64);
    let mut notifier = Notifier {
        app,
        engine,
        groups: Groups::default(),
        latest: HashMap::new(),
        ids: HashMap::new(),
        telling: HashMap::new(),
        rung: HashMap::new(),
        waiting: VecDeque::new(),
        pictures: Arc::new(Semaphore::new(WAITING_MAX)),
        awaited: None,
        count: 0,
        words,
        locked: watch::channel(()).0,
        had_server: true,
    };
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(Event::Happened(happening)) => notifier.happened(happening),
                Ok(Event::Session(Session::Empty | Session::Locked { .. })) => {
                    notifier.locked.send_replace(());
                }
                Ok(Event::ClipsChanged) => notifier.open_awaited().await,
                Ok(_) => {}
                Err(RecvError::Lagged(skipped)) => {
                    tracing::warn!(skipped, "notifications are slow");
                    // That somebody signed out may be among what was skipped.
                    if !notifier.is_open() {
                        notifier.locked.send_replace(());
                    }
                }
                Err(RecvError::Closed) => return,
            },
            Some(word) = coming.recv() => match word {
                Word::Picture { key, number, picture } => notifier.show(key, number, picture),
                Word::Shown { key, happening, has_picture, outcome } => {
                    notifier.shown(key, &happening, has_picture, outcome);
                }
                Word::Clicked { camera, at } => notifier.clicked(camera, at).await,
            },
        }
    }
}

impl Notifier {
    fn is_open(&self) -> bool {
        matches!(self.engine.session(), Session::Open { .. })
    }

    fn happened(&mut self, happening: Happening) {
        let rules = self.engine.notify_rules_in_force();
        if !rules::wanted(&rules, happening.camera, happening.kind, local_minute(self.engine.now())) {
            return;
        }
        let is_doorbell = happening.kind == EventKind::Doorbell;
        let key = (happening.camera, is_doorbell);
        let (is_update, more) = self.groups.note(key, Instant::now().into_std());
        self.count += 1;
        let number = self.count;
        self.latest.insert(key, Latest { number, happening, more, is_update });
        let wants_picture = rules.pictures && self.is_open();
        let place = wants_picture.then(|| Arc::clone(&self.pictures).try_acquire_owned().ok()).flatten();
        // Whoever rings waits for no picture; it comes into the same notification.
        if is_doorbell || place.is_none() {
            self.show(key, number, None);
        }
        if let Some(place) = place {
            let (engine, words) = (self.engine.clone(), self.words.clone());
            let patience = if is_doorbell { BELL_PICTURE_WITHIN } else { PICTURE_WITHIN };
            tokio::spawn(async move {
                let asked = tokio::time::timeout(patience, engine.event_picture(key.0)).await;
                drop(place);
                let picture = match asked {
                    Ok(Ok(picture)) => picture,
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "a notification without a picture");
                        None
                    }
                    Err(_) => None,
                };
                if !is_doorbell || picture.is_some() {
                    // The program may be ending.
                    let _ = words.send(Word::Picture { key, number, picture }).await;
                }
            });
        }
    }

    /// Shows the newest of a group, in place of what it shows.
    fn show(&mut self, key: Key, number: u64, picture: Option<SmallPicture>) {
        let Some(latest) = self.latest.get(&key).filter(|latest| latest.number == number) else { return };
        if let Some(next) = self.telling.get_mut(&key) {
            *next = Some((number, picture));
            return;
        }
        let picture = picture.filter(|_| self.is_open());
        let words = Words::of(self.engine.settings().language);
        let happening = latest.happening.clone();
        // A doorbell's picture comes into the notification that has rung already.
        let has_rung = key.1 && self.rung.insert(key, number) == Some(number);
        let continues = latest.is_update || has_rung;
        let card = Card {
            summary: format!("{}: {}", happening.camera_name, words.kind(happening.kind)),
            body: words.body(&local_time(happening.at_us), latest.more),
            open: words.open(),
            is_doorbell: key.1,
            rings: key.1 && !has_rung && self.engine.notify_rules_in_force().bell_sound,
            replaces: self.ids.get(&key).copied().filter(|_| continues),
        };
        self.telling.insert(key, None);
        let (has_picture, told) = (picture.is_some(), self.words.clone());
        tokio::spawn(async move {
            let outcome = match tokio::time::timeout(ANSWER_WITHIN, desktop::show(&card, picture)).await {
                Ok(outcome) => outcome.map(Box::new),
                Err(_) => Err(anyhow::anyhow!("no answer")),
            };
            // The program may be ending.
            let _ = told.send(Word::Shown { key, happening, has_picture, outcome }).await;
        });
    }

    /// Waits for what becomes of a notification that the daemon has taken, and shows what has come meanwhile.
    fn shown(
        &mut self,
        key: Key,
        happening: &Happening,
        has_picture: bool,
        outcome: anyhow::Result<Box<NotificationHandle>>,
    ) {
        match outcome {
            Ok(handle) => {
                self.had_server = true;
                let id = handle.id();
                self.waiting.retain(|waiting| {
                    if waiting.id == id {
                        waiting.task.abort();
                    }
                    waiting.id != id && !waiting.task.is_finished()
                });
                let locked = has_picture.then(|| self.locked.subscribe());
                let (close, closed) = oneshot::channel();
                let (camera, at) = (happening.camera, happening.at_us);
                let task = tokio::spawn(wait(*handle, camera, at, self.words.clone(), locked, closed));
                self.waiting.push_back(Waiting { id, task: task.abort_handle(), close });
                self.ids.insert(key, id);
                if self.waiting.len() > WAITING_MAX
                    && let Some(oldest) = self.waiting.pop_front()
                {
                    // It may have gone by itself.
                    let _ = oldest.close.send(());
                }
                // Somebody may have locked while the daemon answered.
                if has_picture && !self.is_open() {
                    self.locked.send_replace(());
                }
            }
            Err(error) => self.note_no_server(&error.to_string()),
        }
        if let Some((number, picture)) = self.telling.remove(&key).flatten() {
            self.show(key, number, picture);
        }
    }

    /// Said once; the next notification is a new try.
    fn note_no_server(&mut self, why: &str) {
        if std::mem::take(&mut self.had_server) {
            tracing::info!("the desktop shows no notifications: {why}");
        }
    }

    async fn clicked(&mut self, camera: CameraId, at: UnixMicros) {
        crate::window::show(&self.app);
        self.awaited = None;
        let route = match self.engine.clip_at(camera, at).await {
            Ok(Some(clip)) => clip_route(clip, at),
            // The clip is being recorded still: what happens now is nearest to it until the clip is there.
            Ok(None) => {
                self.awaited = Some((camera, at, Instant::now() + CLIP_WITHIN));
                "#/live".to_owned()
            }
            Err(error) => {
                tracing::warn!(%error, "the clip of a notification is not found");
                "#/clips".to_owned()
            }
        };
        self.open(route);
    }

    /// Opens the clip of what was clicked, once it is finished.
    async fn open_awaited(&mut self) {
        let Some((camera, at, until)) = self.awaited else { return };
        match self.engine.clip_at(camera, at).await {
            Ok(Some(clip)) => {
                self.awaited = None;
                self.open(clip_route(clip, at));
            }
            Ok(None) if Instant::now() < until => {}
            Ok(None) | Err(_) => self.awaited = None,
        }
    }

    fn open(&self, route: String) {
        if let Err(error) = OpenRouteEvent(route).emit(&self.app) {
            tracing::warn!(%error, "the window was not told where to go");
        }
    }
}

fn clip_route(clip: ClipId, at: UnixMicros) -> String {
    format!("#/clip/{clip}?at={}", at.0)
}

/// Waits until a notification is clicked or goes. One with a picture goes when nobody is signed in any more.
async fn wait(
    handle: NotificationHandle,
    camera: CameraId,
    at: UnixMicros,
    words: mpsc::Sender<Word>,
    locked: Option<watch::Receiver<()>>,
    closed: oneshot::Receiver<()>,
) {
    let mut is_clicked = false;
    let answered = handle.wait_for_action_async(|response: &NotificationResponse| {
        is_clicked = matches!(response, NotificationResponse::Default | NotificationResponse::Action(_));
    });
    let lock = async {
        match locked {
            Some(mut locked) => {
                // The sender lives as long as notifications do.
                let _ = locked.changed().await;
            }
            None => std::future::pending().await,
        }
    };
    // The sender may be gone with the notifier.
    let close = async {
        if closed.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = answered => {}
        () = lock => handle.close_async().await,
        () = close => handle.close_async().await,
    }
    if is_clicked {
        // The program may be ending.
        let _ = words.send(Word::Clicked { camera, at }).await;
    }
}

/// Minutes since midnight in this computer's own time.
fn local_minute(at: UnixMicros) -> u16 {
    let time = local(at);
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

fn local_time(at: UnixMicros) -> String {
    let time = local(at);
    format!("{:02}:{:02}", time.hour(), time.minute())
}

fn local(at: UnixMicros) -> jiff::Zoned {
    let time = jiff::Timestamp::from_microsecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(jiff::tz::TimeZone::system())
}

/// Begins to notify, for as long as the engine runs.
pub(crate) fn begin(app: &AppHandle, engine: &Handle) {
    tauri::async_runtime::spawn(run(app.clone(), engine.clone()));
}
