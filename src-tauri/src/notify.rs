//! Notifications of the desktop: what a camera reports reaches a person while the window is hidden or locked. The engine
//! decides who may know and see what; this decides when and in which words. Nothing of it is kept on disk.

mod desktop;
mod groups;
mod rules;
mod words;

use std::{collections::HashMap, time::Duration};

use hausrecht_engine::{
    Handle, SmallPicture,
    wire::{Event, Happening, Session},
};
use hausrecht_model::{CameraId, EventKind, UnixMicros};
use notify_rust::{NotificationHandle, NotificationResponse};
use tauri::AppHandle;
use tauri_specta::Event as _;
use tokio::{
    sync::{broadcast::error::RecvError, mpsc, watch},
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

/// One notification for each camera, and another one when somebody rings there.
type Key = (CameraId, bool);

/// What comes back from the tasks that wait.
enum Word {
    /// The picture for the `number`th notification came, or none.
    Picture { key: Key, number: u64, picture: Option<SmallPicture> },
    /// A notification was clicked.
    Clicked { camera: CameraId, at: UnixMicros },
}

/// What is on the screen.
struct Shown {
    id: u32,
    waiting: AbortHandle,
}

struct Notifier {
    app: AppHandle,
    engine: Handle,
    groups: Groups<Key>,
    /// The newest happening of each group, and how many came before it.
    latest: HashMap<Key, Latest>,
    shown: HashMap<Key, Shown>,
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
        shown: HashMap::new(),
        count: 0,
        words,
        locked: watch::channel(()).0,
        had_server: true,
    };
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(Event::Happened(happening)) => notifier.happened(happening).await,
                Ok(Event::Session(Session::Empty | Session::Locked { .. })) => {
                    notifier.locked.send_replace(());
                }
                Ok(_) => {}
                Err(RecvError::Lagged(skipped)) => tracing::warn!(skipped, "notifications are slow"),
                Err(RecvError::Closed) => return,
            },
            Some(word) = coming.recv() => match word {
                Word::Picture { key, number, picture } => notifier.show(key, number, picture).await,
                Word::Clicked { camera, at } => notifier.clicked(camera, at).await,
            },
        }
    }
}

impl Notifier {
    async fn happened(&mut self, happening: Happening) {
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
        let is_open = matches!(self.engine.session(), Session::Open { .. });
        let with_picture = rules.pictures && is_open;
        // Whoever rings waits for no picture; it comes into the same notification.
        if is_doorbell || !with_picture {
            self.show(key, number, None).await;
        }
        if with_picture {
            let (engine, words) = (self.engine.clone(), self.words.clone());
            let patience = if is_doorbell { BELL_PICTURE_WITHIN } else { PICTURE_WITHIN };
            tokio::spawn(async move {
                let asked = tokio::time::timeout(patience, engine.event_picture(key.0)).await;
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
    async fn show(&mut self, key: Key, number: u64, picture: Option<SmallPicture>) {
        let Some(latest) = self.latest.get(&key).filter(|latest| latest.number == number) else { return };
        let is_open = matches!(self.engine.session(), Session::Open { .. });
        let picture = picture.filter(|_| is_open);
        let words = Words::of(self.engine.settings().language);
        let happening = &latest.happening;
        let before = self.shown.remove(&key);
        // A doorbell's picture comes into the notification that has rung already.
        let rings = key.1 && self.engine.notify_rules_in_force().bell_sound && picture.is_none();
        let continues = latest.is_update || picture.is_some() && key.1;
        let card = Card {
            summary: format!("{}: {}", happening.camera_name, words.kind(happening.kind)),
            body: words.body(&local_time(happening.at_us), latest.more),
            open: words.open(),
            is_doorbell: key.1,
            rings,
            replaces: before.as_ref().filter(|_| continues).map(|shown| shown.id),
        };
        let (camera, at) = (happening.camera, happening.at_us);
        let has_picture = picture.is_some();
        match tokio::time::timeout(ANSWER_WITHIN, desktop::show(&card, picture)).await {
            Ok(Ok(handle)) => {
                self.had_server = true;
                let id = handle.id();
                if let Some(before) = before.filter(|before| before.id == id) {
                    before.waiting.abort();
                }
                let locked = has_picture.then(|| self.locked.subscribe());
                let waiting = tokio::spawn(wait(handle, camera, at, self.words.clone(), locked));
                self.shown.insert(key, Shown { id, waiting: waiting.abort_handle() });
                // Somebody may have locked while the daemon answered.
                if has_picture && !matches!(self.engine.session(), Session::Open { .. }) {
                    self.locked.send_replace(());
                }
            }
            Ok(Err(error)) => self.note_no_server(&error.to_string()),
            Err(_) => self.note_no_server("no answer"),
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
        let route = match self.engine.clip_at(camera, at).await {
            Ok(Some(clip)) => format!("#/clip/{clip}?at={}", at.0),
            // The clip is being recorded still: what happens now is nearer to it than anything else.
            Ok(None) => "#/live".to_owned(),
            Err(error) => {
                tracing::warn!(%error, "the clip of a notification is not found");
                "#/clips".to_owned()
            }
        };
        if let Err(error) = OpenRouteEvent(route).emit(&self.app) {
            tracing::warn!(%error, "the window was not told where to go");
        }
    }
}

/// Waits until a notification is clicked or goes. One with a picture goes when nobody is signed in any more.
async fn wait(
    handle: NotificationHandle,
    camera: CameraId,
    at: UnixMicros,
    words: mpsc::Sender<Word>,
    locked: Option<watch::Receiver<()>>,
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
    tokio::select! {
        () = answered => {}
        () = lock => handle.close_async().await,
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
