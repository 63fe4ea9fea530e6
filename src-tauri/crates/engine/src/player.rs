//! Plays one clip: a player worker asks for bytes, this side decrypts just those. The key never leaves this process.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    thread,
};

use hausrecht_media::{
    AnswerWriter, Event as WorkerEvent, FootageOpen, FootageTask, Order, PlayerOpen, Sender, Worker,
    WorkerProcess,
};
use hausrecht_model::{ClipId, Codec, GrantId, UnixMicros};
use hausrecht_store::ClipRow;
use hausrecht_vault::{ClipReader, OpenError};
use tokio::sync::mpsc;

use crate::{
    Result,
    footage::Bytes,
    inner::{Inner, lock},
    package::PackedFilm,
    snapshots::{Answer, Snapshots},
    viewport::Viewport,
    wire::Event,
    wire::{Adjust, Error, ErrorCode, PlayerOrder, PlayerState},
};

/// Where the bytes come from.
pub(crate) enum Reel {
    /// A clip of the vault, decrypted as it is read.
    Clip(Box<ClipReader>),
    /// A file that is watched as it is.
    File(Bytes),
    /// A film of a package, decrypted as it is read.
    Packed(PackedFilm),
}

/// Instead of the number of a sign-in: a package is open to whoever sits here.
pub(crate) const FOR_ANYBODY: u64 = u64::MAX;

/// Where a player's pictures are shown, and who is told of them.
pub(crate) enum Place {
    /// The player of the window.
    Window,
    /// One of several that are shown together.
    Seat {
        /// Which player: a seat has another one for each clip.
        number: u64,
        port: Arc<Viewport>,
        news: mpsc::UnboundedSender<(u64, News)>,
    },
}

/// What a player in a seat tells.
#[derive(Debug)]
pub(crate) enum News {
    /// It shows something else, or is in trouble.
    Shows(PlayerState),
    /// It has ended by itself.
    Gone,
}

/// A clip that is open.
pub(crate) struct Player {
    /// Number of the sign-in that opened it: nobody else sees it.
    pub(crate) opened_by: u64,
    /// The grant that it was opened through; `None`: as owner.
    pub(crate) grant: Option<GrantId>,
    /// Single pictures of it.
    pub(crate) snapshots: Snapshots,
    place: Place,
    /// Time of the clip's first picture.
    first_us: AtomicI64,
    orders: Sender<Order>,
    state: Mutex<PlayerState>,
    process: Mutex<Option<WorkerProcess>>,
}

impl Player {
    /// Starts the worker. The log entry is durable and the key released before this is called. In the window it plays at once, in
    /// a seat it waits to be told.
    pub(crate) fn open(
        inner: &Arc<Inner>,
        row: &ClipRow,
        reader: ClipReader,
        opened_by: u64,
        grant: Option<GrantId>,
        place: Place,
    ) -> Result<Arc<Self>> {
        let codec = match row.codec.as_str() {
            "h265" => Codec::H265,
            "mjpeg" => Codec::Mjpeg,
            _ => Codec::H264,
        };
        let open = PlayerOpen { size_bytes: reader.len(), codec, autoplay: matches!(place, Place::Window) };
        let about = (row.id, row.start_us, row.duration_us);
        Self::start(
            inner,
            &Order::PlayerOpen(open),
            about,
            Reel::Clip(Box::new(reader)),
            opened_by,
            grant,
            place,
        )
    }

    /// Starts a worker that shows a file of which nothing is kept. The log entry is durable before this is called.
    pub(crate) fn open_file(inner: &Arc<Inner>, bytes: Bytes, opened_by: u64) -> Result<Arc<Self>> {
        let task = FootageTask::Watch { autoplay: true };
        let open = Order::FootageOpen(FootageOpen { size_bytes: bytes.size_bytes, task });
        // No clip has this id; the window tells by it what it shows.
        let about = (ClipId::random(&mut rand::rng()), UnixMicros(0), 0);
        Self::start(inner, &open, about, Reel::File(bytes), opened_by, None, Place::Window)
    }

    /// Starts a worker that shows a film of a package. There is nothing of the vault in it.
    pub(crate) fn open_packed(
        inner: &Arc<Inner>,
        film: PackedFilm,
        start_us: UnixMicros,
    ) -> Result<Arc<Self>> {
        let task = FootageTask::Watch { autoplay: true };
        let open = Order::FootageOpen(FootageOpen { size_bytes: film.size_bytes(), task });
        let about = (ClipId::random(&mut rand::rng()), start_us, 0);
        Self::start(inner, &open, about, Reel::Packed(film), FOR_ANYBODY, None, Place::Window)
    }

    fn start(
        inner: &Arc<Inner>,
        open: &Order,
        (clip, start_us, duration_us): (ClipId, UnixMicros, i64),
        reel: Reel,
        opened_by: u64,
        grant: Option<GrantId>,
        place: Place,
    ) -> Result<Arc<Self>> {
        let Worker { orders, mut events, bulk: _bulk, answers, process } =
            inner.launcher.launch("player").map_err(Error::internal)?;
        orders.send(open).map_err(Error::internal)?;
        let player = Arc::new(Self {
            opened_by,
            grant,
            snapshots: Snapshots::default(),
            place,
            first_us: AtomicI64::new(0),
            orders,
            state: Mutex::new(PlayerState {
                clip,
                start_us,
                duration_us,
                position_us: 0,
                playing: matches!(
                    open,
                    Order::PlayerOpen(PlayerOpen { autoplay: true, .. }) | Order::FootageOpen(_)
                ),
                ended: false,
                speed: 1.0,
                repeated: None,
                adjust: Adjust::default(),
                has_picture: false,
                error: None,
            }),
            process: Mutex::new(Some(process)),
        });
        player.snapshots.worker_came(player.orders.clone());
        let serving = Arc::clone(&player);
        let shared = Arc::clone(inner);
        thread::Builder::new().name("player".into()).spawn(move || {
            let mut serve = Serve { player: serving, inner: shared, reel, answers };
            while let Ok(event) = events.recv() {
                serve.on_event(event);
            }
            serve.ended();
        })?;
        Ok(player)
    }

    /// Puts this player's pictures where the window looks, once it is the player there.
    pub(crate) fn take_port(&self, inner: &Inner) {
        self.port(inner).worker_came(self.orders.clone());
    }

    fn port<'a>(&'a self, inner: &'a Inner) -> &'a Viewport {
        match &self.place {
            Place::Window => &inner.player_port,
            Place::Seat { port, .. } => port,
        }
    }

    /// Time of the clip's first picture, once the worker has found it.
    pub(crate) fn first_us(&self) -> i64 {
        self.first_us.load(Ordering::Relaxed)
    }

    /// Gives the worker an order as it is.
    pub(crate) fn tell_worker(&self, order: &Order) -> Result<()> {
        self.orders.try_send(order).map_err(Error::internal)
    }

    pub(crate) fn state(&self) -> PlayerState {
        lock(&self.state).clone()
    }

    pub(crate) fn order(&self, order: &PlayerOrder) -> Result<()> {
        let order = match *order {
            PlayerOrder::Play => Order::Play,
            PlayerOrder::Pause => Order::Pause,
            PlayerOrder::Seek { to_us } => {
                Order::Seek { to_us: u64::try_from(to_us.max(0)).unwrap_or(0), accurate: true }
            }
            PlayerOrder::Step { frames } => Order::Step { frames },
            PlayerOrder::Speed { speed } => {
                if !(0.125..=64.0).contains(&speed.abs()) {
                    return Err(Error::invalid(format!("a speed of {speed} is not between 1/8 and 64")));
                }
                lock(&self.state).speed = speed;
                Order::Speed { factor: f64::from(speed) }
            }
            PlayerOrder::Repeat { span } => {
                lock(&self.state).repeated = span;
                let us = |us: i64| u64::try_from(us).unwrap_or(0);
                Order::Loop { span_us: span.map(|span| (us(span.from_us), us(span.to_us))) }
            }
            PlayerOrder::Adjust { adjust } => {
                lock(&self.state).adjust = adjust;
                Order::Adjust {
                    adjust: hausrecht_media::Adjust {
                        brightness: f64::from(adjust.brightness),
                        contrast: f64::from(adjust.contrast),
                        saturation: f64::from(adjust.saturation),
                        gamma: f64::from(adjust.gamma),
                    },
                }
            }
        };
        self.tell_worker(&order)
    }

    pub(crate) fn close(&self) {
        // The worker may be gone already.
        let _ = self.orders.try_send(&Order::Shutdown);
        drop(lock(&self.process).take());
    }
}

/// The player's own thread: answers what the worker asks.
struct Serve {
    player: Arc<Player>,
    inner: Arc<Inner>,
    reel: Reel,
    answers: AnswerWriter,
}

impl Serve {
    fn on_event(&mut self, event: WorkerEvent) {
        match event {
            WorkerEvent::Read { id, offset, len } => self.answer(id, offset, len),
            WorkerEvent::Frame { generation, sequence, .. } => {
                self.player.port(&self.inner).picture_came(generation, sequence);
                let first = !std::mem::replace(&mut lock(&self.player.state).has_picture, true);
                if first {
                    self.tell();
                }
            }
            WorkerEvent::Position { pts_us, playing, ended } => {
                {
                    let mut state = lock(&self.player.state);
                    state.position_us = i64::try_from(pts_us).unwrap_or(i64::MAX).min(state.duration_us);
                    state.playing = playing;
                    state.ended = ended;
                }
                self.tell();
            }
            WorkerEvent::Opened { duration_us, first_us, .. } => {
                self.player.first_us.store(i64::try_from(first_us).unwrap_or(0), Ordering::Relaxed);
                let duration_us = i64::try_from(duration_us).unwrap_or(0);
                if duration_us > 0 {
                    lock(&self.player.state).duration_us = duration_us;
                }
                self.tell();
            }
            WorkerEvent::Fault { text, .. } => self.fail(Error::internal(text)),
            WorkerEvent::Snapshot { id, len, width, height, shown_us } => {
                self.player.snapshots.answered(id, Answer { len, width, height, shown_us });
            }
            WorkerEvent::Ready { .. }
            | WorkerEvent::State(_)
            | WorkerEvent::Stalled { .. }
            | WorkerEvent::Decoding { .. }
            | WorkerEvent::CardPosition { .. }
            | WorkerEvent::CardEnded
            | WorkerEvent::Footage(_)
            | WorkerEvent::FootagePosition { .. }
            | WorkerEvent::FootageEnded { .. }
            | WorkerEvent::Motion { .. }
            | WorkerEvent::Exported { .. }
            | WorkerEvent::ExportPosition { .. }
            | WorkerEvent::Talking { .. } => {}
        }
    }

    fn answer(&mut self, id: u32, offset: u64, len: u32) {
        let reader = match &mut self.reel {
            Reel::Clip(reader) => reader,
            Reel::File(bytes) => {
                if let Err(error) = bytes.answer(&mut self.answers, id, offset, len) {
                    tracing::debug!("the player took no answer: {error}");
                }
                return;
            }
            Reel::Packed(film) => {
                if let Err(error) = film.answer(&mut self.answers, id, offset, len) {
                    tracing::debug!("the player took no answer: {error}");
                }
                return;
            }
        };
        let wanted = (len as usize).min(hausrecht_media::answer::MAX_ANSWER_BYTES);
        let mut bytes = vec![0; wanted];
        let mut filled = 0;
        let outcome = loop {
            match reader.read_at(offset + filled as u64, &mut bytes[filled..]) {
                Ok(0) => break Ok(()),
                Ok(read) => filled += read,
                Err(error) => break Err(error),
            }
            if filled == wanted {
                break Ok(());
            }
        };
        let sent = match outcome {
            Ok(()) => self.answers.answer(id, &bytes[..filled]),
            Err(error) => {
                self.read_failed(error);
                self.answers.fail(id)
            }
        };
        if let Err(error) = sent {
            tracing::debug!("the player took no answer: {error}");
        }
    }

    fn read_failed(&self, error: OpenError) {
        self.fail(error.into());
    }

    fn fail(&self, error: Error) {
        {
            let mut state = lock(&self.player.state);
            // The first cause is the one that says what is wrong.
            if state.error.is_none()
                || state.error.as_ref().is_some_and(|known| known.code == ErrorCode::Internal)
            {
                state.error = Some(error);
            }
            state.playing = false;
        }
        self.tell();
    }

    fn ended(&self) {
        self.player.snapshots.worker_gone();
        if let Place::Seat { number, news, .. } = &self.player.place {
            // Nobody sits there any more.
            let _ = news.send((*number, News::Gone));
            return;
        }
        let current =
            lock(&self.inner.player).as_ref().is_some_and(|player| Arc::ptr_eq(player, &self.player));
        if current {
            self.inner.player_port.worker_gone();
            if lock(&self.player.process).is_some() {
                self.fail(Error::internal("the player ended by itself: open the clip again"));
            }
        }
    }

    fn tell(&self) {
        let state = self.player.state();
        match &self.player.place {
            Place::Window => self.inner.tell(Event::Player(state)),
            Place::Seat { number, news, .. } => {
                // Nobody sits there any more.
                let _ = news.send((*number, News::Shows(state)));
            }
        }
    }
}
