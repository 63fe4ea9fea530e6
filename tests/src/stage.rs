//! What most tests need: an engine over an empty data folder, simulated cameras, an owner who is signed in.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::{
    camera::{PASSWORD, SimCam, USER},
    network::{self, Place},
    programs,
    until::until,
};
use hausrecht_engine::{
    Disk, Engine, Handle, Options, Space, StartError, SystemDisk,
    wire::{
        ClipQuery, ClipView, ConnectCameras, ConnectOutcome, CreateOwner, Event, FoundCamera, PlayerState,
        Session, TileSource,
    },
};
use hausrecht_media::TalkSound;
use hausrecht_model::{CameraId, Clock, StreamRole, UnixMicros, clock::SystemClock};
use tokio::sync::broadcast;
use tracing_subscriber::EnvFilter;

/// The owner's name in all tests.
pub const OWNER: &str = "Alex";
/// The owner's passphrase in all tests.
pub const OWNER_PASSPHRASE: &str = "barley tunnel orbit kettle sixty fern";
/// How long something may take that takes a second on an idle machine.
pub const SOON: Duration = Duration::from_secs(30);
/// How long something may take that a camera or a clip has to come for.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Clips are short here, so that several of them come within a test.
pub const CLIP_LENGTH: Duration = Duration::from_secs(6);

/// Moves the running test into a network of its own; the caller returns at once if this gives false, since it has run.
///
/// Without a namespace the test goes on in the computer's own network: it only ever uses the loopback there.
pub fn alone(test: &str) -> bool {
    match network::own_namespace(test) {
        Place::Inside => true,
        Place::RanInside(status) => {
            assert!(status.success(), "{test} failed in its own network: {status}");
            false
        }
        Place::Impossible(why) => {
            println!("{test}: in the computer's own network, since it gives no other: {why}");
            true
        }
    }
}

/// The same for a program that is not a test.
pub fn alone_program() -> bool {
    match network::own_namespace_for_program() {
        Place::Inside => true,
        Place::RanInside(status) => std::process::exit(status.code().unwrap_or(1)),
        Place::Impossible(why) => {
            println!("In the computer's own network, since it gives no other: {why}");
            true
        }
    }
}

/// The computer's clock, moved by hand.
#[derive(Clone, Debug, Default)]
pub struct MovedClock {
    system: Arc<SystemClock>,
    moved_us: Arc<AtomicI64>,
    passed_us: Arc<AtomicI64>,
}

impl MovedClock {
    /// Lets `span` pass at once.
    pub fn advance(&self, span: Duration) {
        self.moved_us.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Lets time pass: the wall clock and the monotonic one go forward by as much.
    pub fn pass(&self, span: Duration) {
        self.advance(span);
        self.passed_us.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Sets the wall clock back; the monotonic one goes on.
    pub fn set_back(&self, span: Duration) {
        self.moved_us.fetch_sub(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> UnixMicros {
        UnixMicros(self.system.now().0 + self.moved_us.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        let passed_us = self.passed_us.load(Ordering::SeqCst);
        self.system.monotonic() + Duration::from_micros(passed_us.unsigned_abs())
    }
}

/// The computer's own disk, taken for a small one: of that little stays free, so that on a computer with little room left a
/// test finds what it has recorded.
#[derive(Debug)]
struct OwnDisk;

impl Disk for OwnDisk {
    fn space(&self, folder: &Path) -> std::io::Result<Space> {
        let space = SystemDisk.space(folder)?;
        Ok(Space { total_bytes: space.total_bytes.min(1 << 30), ..space })
    }
}

/// An engine over a data folder that goes with it.
pub struct Stage {
    /// The data folder.
    pub folder: tempfile::TempDir,
    /// The engine's clock.
    pub clock: MovedClock,
    /// The engine.
    pub engine: Handle,
}

impl Stage {
    /// An engine over an empty folder.
    pub async fn empty() -> Self {
        Self::empty_with_clips_of(CLIP_LENGTH).await
    }

    /// An engine whose owner is set up and signed in.
    pub async fn owned() -> Self {
        Self::owned_with_clips_of(CLIP_LENGTH).await
    }

    async fn empty_with_clips_of(clip_length: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = MovedClock::default();
        let engine = start_with(folder.path(), &clock, clip_length).await.unwrap();
        Self { folder, clock, engine }
    }

    /// The same as [`Stage::owned`] with options of its own.
    pub async fn owned_with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = MovedClock::default();
        let engine = start_changed(folder.path(), &clock, change).await.unwrap();
        let stage = Self { folder, clock, engine };
        stage.set_up_owner().await;
        stage
    }

    /// The same as [`Stage::owned`] with its folder below `parent`.
    pub async fn owned_at(parent: &Path, clip_length: Duration) -> Self {
        let folder = tempfile::tempdir_in(parent).unwrap();
        let clock = MovedClock::default();
        let engine = start_with(folder.path(), &clock, clip_length).await.unwrap();
        let stage = Self { folder, clock, engine };
        stage.set_up_owner().await;
        stage
    }

    /// Starts an engine over a folder that is there already.
    pub async fn over(folder: tempfile::TempDir, clock: MovedClock) -> Self {
        let engine = start(folder.path(), &clock).await.unwrap();
        Self { folder, clock, engine }
    }

    async fn set_up_owner(&self) {
        let owner =
            CreateOwner { name: OWNER.into(), passphrase: OWNER_PASSPHRASE.into(), accept_weak: false };
        self.engine.create_owner(owner).await.unwrap();
    }

    /// The same as [`Stage::owned`] with another length of clips.
    pub async fn owned_with_clips_of(clip_length: Duration) -> Self {
        let stage = Self::empty_with_clips_of(clip_length).await;
        stage.set_up_owner().await;
        stage
    }

    /// Stops the engine and starts another over the same folder.
    pub async fn restart(self) -> Self {
        let (folder, clock) = self.close().await;
        Self::over(folder, clock).await
    }

    /// Stops the engine and gives its folder, which nobody holds any more.
    pub async fn close(self) -> (tempfile::TempDir, MovedClock) {
        let Self { folder, clock, engine } = self;
        engine.stop().await;
        drop(engine);
        // The database's own thread ends when the last handle is gone, a moment later.
        until("the database to be closed", SOON, async || {
            let open = folder.path().join("hausrecht.db-wal").exists();
            if open { Err("still open") } else { Ok(()) }
        })
        .await;
        (folder, clock)
    }

    /// Signs the owner in.
    pub async fn sign_in_owner(&self) {
        self.sign_in(OWNER, OWNER_PASSPHRASE).await;
    }

    /// Signs somebody in, whoever was before.
    pub async fn sign_in(&self, name: &str, passphrase: &str) {
        self.engine.lock().await;
        let session = self.engine.unlock(name, passphrase.into()).await.unwrap();
        assert!(matches!(session, Session::Open { me, .. } if me.name == name));
    }

    /// Searches until the camera at `address` has answered.
    pub async fn find(&self, address: &str) -> FoundCamera {
        self.engine.discover().unwrap();
        until(&format!("{address} to be found"), PATIENCE, async || {
            let seen = self.engine.discovery();
            if let Some(camera) = seen.cameras.iter().find(|camera| camera.address == address) {
                return Ok(camera.clone());
            }
            if !seen.searching {
                // Multicast may lose a packet; a person would search again too.
                self.engine.discover().unwrap();
            }
            Err(seen)
        })
        .await
    }

    /// Finds `camera` and connects it with the right password.
    pub async fn connect(&self, camera: &SimCam) -> CameraId {
        let found = self.find(&camera.address()).await;
        let outcome = self.connect_with(&found.key, USER, PASSWORD).await;
        outcome.camera.unwrap_or_else(|| panic!("{outcome:?}"))
    }

    /// Connects one camera that was found.
    pub async fn connect_with(&self, key: &str, user: &str, password: &str) -> ConnectOutcome {
        let wish = ConnectCameras { keys: vec![key.into()], user: user.into(), password: password.into() };
        let mut outcomes = self.engine.connect_cameras(wish).await.unwrap();
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }

    /// Clips of `camera` that the signed-in person sees, oldest first.
    pub async fn clips(&self, camera: CameraId) -> Vec<ClipView> {
        let query = ClipQuery {
            cameras: vec![camera],
            from_us: UnixMicros(0),
            to_us: UnixMicros(i64::MAX),
            events: Vec::new(),
            limit: 500,
        };
        let mut clips = self.engine.clips(query).await.unwrap();
        clips.sort_by_key(|clip| clip.start_us);
        clips
    }

    /// Waits until `camera` has `count` finished clips, and gives them.
    pub async fn wait_for_clips(&self, camera: CameraId, count: usize) -> Vec<ClipView> {
        until(&format!("{count} clips"), PATIENCE, async || {
            let clips = self.clips(camera).await;
            if clips.len() >= count { Ok(clips) } else { Err((clips.len(), self.engine.tiles().unwrap())) }
        })
        .await
    }

    /// Waits until the player reports a state that fits. Subscribe before the order that leads to it.
    pub async fn player_says(
        &self,
        events: &mut broadcast::Receiver<Event>,
        what: &str,
        fits: impl Fn(&PlayerState) -> bool,
    ) -> PlayerState {
        let mut last = None;
        let waited = tokio::time::timeout(SOON, async {
            loop {
                match events.recv().await {
                    Ok(Event::Player(state)) if fits(&state) => return state,
                    Ok(Event::Player(state)) => last = Some(state),
                    // Snapshots replace each other, so a skipped one is made good by the next.
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => panic!("the engine is gone"),
                }
            }
        });
        match waited.await {
            Ok(state) => state,
            Err(_) => panic!("waited in vain for {what}; last: {last:?}"),
        }
    }

    /// Looks at `camera` until its picture has changed `count` times, and asserts that something moves in it.
    pub async fn watch(&self, camera: CameraId, stream: StreamRole, count: usize) {
        let source = TileSource::Live { camera, stream };
        let view = self.engine.view(&source, 480, 270).unwrap();
        let mut pictures: Vec<Vec<u8>> = Vec::new();
        let mut last = 0;
        until("pictures to come", PATIENCE, async || {
            let taken = view.newest(|picture| {
                view.drawn(picture.meta);
                (picture.meta.sequence, picture.bgrx.to_vec())
            });
            if let Some((sequence, pixels)) = taken
                && sequence != last
            {
                last = sequence;
                pictures.push(pixels);
            }
            if pictures.len() >= count { Ok(()) } else { Err(pictures.len()) }
        })
        .await;
        let changed = pictures.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changed > 0, "{count} pictures, all the same");
    }
}

/// Starts an engine as the tests want it: short clips, cheap passphrases.
pub async fn start(folder: &Path, clock: &MovedClock) -> Result<Handle, StartError> {
    start_with(folder, clock, CLIP_LENGTH).await
}

/// The same with another length of clips.
pub async fn start_with(
    folder: &Path,
    clock: &MovedClock,
    clip_length: Duration,
) -> Result<Handle, StartError> {
    start_changed(folder, clock, |options| options.clip_length = clip_length).await
}

async fn start_changed(
    folder: &Path,
    clock: &MovedClock,
    change: impl FnOnce(&mut Options),
) -> Result<Handle, StartError> {
    // What engine and workers have to say belongs beside the failure; a second start in one test finds it set up.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    let mut options = Options::new(folder, programs::worker());
    options.clock = Arc::new(clock.clone());
    options.clip_length = CLIP_LENGTH;
    options.log_n = 10;
    options.disk = Arc::new(OwnDisk);
    // No test opens a microphone.
    options.talk_sound = TalkSound::Tone { hz: 440 };
    change(&mut options);
    Engine::start(options).await
}
