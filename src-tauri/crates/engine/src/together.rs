//! Plays several cameras in step. One clock says which moment is shown; each camera has a seat with a player for each of its clips,
//! and every player follows the clock. The next clip is opened shortly before its turn. Opening is as it always is: the entry first,
//! then the key.

mod pace;
mod seat;

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use hausrecht_ledger::Kind;
use hausrecht_model::{CameraId, Clock, UnixMicros, clock::SystemClock};
use hausrecht_store::{ClipSpan, GrantRow};
use tokio::{sync::mpsc, time::Instant};

use self::{
    pace::Pace,
    seat::{Need, Opening, Reel, Seat, Way, covers},
};
use crate::{
    Handle, Result,
    grants::is_in_force,
    handle::blocking,
    inner::{Inner, lock},
    player::{News, Place, Player},
    session::SignedIn,
    viewport::Viewport,
    wire::{Error, Event, TOGETHER_FASTEST, TogetherOrder, TogetherState},
};

/// How often the clock is looked at while it runs, and what is shown told.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// So long all wait for one that has no picture yet.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// What is recorded is asked for again after this, where nothing came next.
const FRESH: Duration = Duration::from_secs(2);
/// The clock starts a little later than it is told to, so that the order reaches every player before.
const HEAD_START: Duration = Duration::from_millis(40);
/// How far a step leads where the camera whose pictures are counted shows none.
const BLIND_STEP_US: i64 = 40_000;

/// Cameras that are played together.
pub(crate) struct Together {
    /// Number of the sign-in that opened them: nobody else sees them.
    pub(crate) opened_by: u64,
    pub(crate) ports: Vec<Arc<Viewport>>,
    state: Mutex<TogetherState>,
    /// What is open now; whoever closes all takes them from here.
    players: Mutex<Vec<Arc<Player>>>,
    closed: AtomicBool,
    orders: mpsc::UnboundedSender<TogetherOrder>,
}

impl Together {
    /// Begins to play `cameras` from a moment on.
    pub(crate) fn open(
        handle: &Handle,
        person: SignedIn,
        cameras: Vec<(CameraId, String)>,
        at_us: UnixMicros,
    ) -> Arc<Self> {
        let inner = &handle.inner;
        let (orders, incoming) = mpsc::unbounded_channel();
        let seats: Vec<_> = cameras
            .into_iter()
            .map(|(camera, name)| Seat::new(camera, name, Viewport::new(Arc::clone(&inner.options.clock))))
            .collect();
        let mut state = TogetherState {
            seats: Vec::new(),
            at_us,
            playing: true,
            waiting: true,
            speed: 1.0,
            next_us: None,
        };
        state.seats = seats.iter().map(|seat| seat.view(at_us)).collect();
        let together = Arc::new(Self {
            opened_by: person.number,
            ports: seats.iter().map(|seat| Arc::clone(&seat.port)).collect(),
            state: Mutex::new(state),
            players: Mutex::default(),
            closed: AtomicBool::new(false),
            orders,
        });
        let (done, finished) = mpsc::unbounded_channel();
        let (tell, news) = mpsc::unbounded_channel();
        let conductor = Conductor {
            handle: handle.clone(),
            person,
            shared: Arc::clone(&together),
            boot: SystemClock::since_boot(),
            pace: Pace::new(at_us),
            playing: true,
            waiting_since: Some(Instant::now()),
            stepping: None,
            seats,
            numbers: 0,
            done,
            tell,
        };
        inner.begin(conductor.run(incoming, finished, news));
        together
    }

    pub(crate) fn state(&self) -> TogetherState {
        lock(&self.state).clone()
    }

    /// Tells all of them what to do.
    pub(crate) fn order(&self, order: TogetherOrder) -> Result<()> {
        if let TogetherOrder::Speed { speed } = order
            && !(0.125..=TOGETHER_FASTEST).contains(&speed.abs())
        {
            return Err(Error::invalid(format!(
                "a speed of {speed} is not between 1/8 and {TOGETHER_FASTEST}"
            )));
        }
        self.orders.send(order).map_err(|_| Error::not_found("cameras that are played together"))
    }

    /// Nobody sees any of it from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for player in std::mem::take(&mut *lock(&self.players)) {
            player.close();
        }
        for port in &self.ports {
            port.worker_gone();
            port.revoke();
        }
    }

    /// Ends what was opened through a grant that does not hold any more.
    pub(crate) fn keep_granted(&self, grants: &[GrantRow], now: UnixMicros) {
        let holds = |player: &Arc<Player>| player.grant.is_some_and(|id| is_in_force(grants, id, now));
        let ended: Vec<_> = {
            let mut players = lock(&self.players);
            let (kept, ended) = std::mem::take(&mut *players).into_iter().partition(holds);
            *players = kept;
            ended
        };
        for player in ended {
            player.close();
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Counts a player among those that are open, unless all were closed meanwhile.
    fn admit(&self, player: &Arc<Player>) -> bool {
        let mut players = lock(&self.players);
        if self.is_closed() {
            return false;
        }
        players.push(Arc::clone(player));
        true
    }

    fn dismiss(&self, player: &Arc<Player>) {
        lock(&self.players).retain(|other| !Arc::ptr_eq(other, player));
        player.close();
    }
}

/// What was done beside the clock.
enum Done {
    Asked(usize, Way),
    Opened(usize, Opening, Result<Arc<Player>>),
    /// The database did not answer.
    Failed(usize, Error),
}

/// Keeps all seats in step.
struct Conductor {
    handle: Handle,
    person: SignedIn,
    shared: Arc<Together>,
    boot: SystemClock,
    pace: Pace,
    /// What was ordered; the clock may still stand until all have their pictures.
    playing: bool,
    waiting_since: Option<Instant>,
    /// The seat whose next picture decides the moment, where it stood, and which way.
    stepping: Option<(usize, Option<UnixMicros>, i32)>,
    seats: Vec<Seat>,
    numbers: u64,
    done: mpsc::UnboundedSender<Done>,
    tell: mpsc::UnboundedSender<(u64, News)>,
}

impl Conductor {
    async fn run(
        mut self,
        mut orders: mpsc::UnboundedReceiver<TogetherOrder>,
        mut finished: mpsc::UnboundedReceiver<Done>,
        mut news: mpsc::UnboundedReceiver<(u64, News)>,
    ) {
        let mut stopping = self.handle.inner.stopping.subscribe();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        while !self.shared.is_closed() {
            self.look();
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(&order),
                    None => break,
                },
                Some(done) = finished.recv() => self.on_done(done),
                Some((number, news)) = news.recv() => self.on_news(number, news),
                _ = looks.tick() => self.tell_state(),
                _ = stopping.wait_for(|stops| *stops) => break,
            }
        }
        self.shared.close();
    }

    fn now(&self) -> Duration {
        self.boot.monotonic()
    }

    /// Brings every seat to where the clock is.
    fn look(&mut self) {
        let boot = self.now();
        let at_us = self.pace.shown(boot);
        for index in 0..self.seats.len() {
            let seat = &mut self.seats[index];
            let (closed, turned) = seat.turn(at_us, !self.pace.is_reversed());
            if let Some(shown) = seat.shown.as_mut().filter(|_| turned) {
                shown.player.take_port(&self.handle.inner);
            } else if seat.shown.is_none() && !closed.is_empty() {
                seat.port.worker_gone();
            }
            for reel in closed {
                self.shared.dismiss(&reel.player);
            }
            match seat.need(&self.pace, boot, FRESH) {
                Need::Nothing => {}
                Need::Way(from_us) => {
                    seat.asking = true;
                    let camera = seat.camera;
                    self.ask(index, camera, from_us);
                }
                Need::Open(span) => {
                    self.numbers += 1;
                    let opening = Opening { number: self.numbers, span };
                    seat.opening = Some(opening);
                    let port = Arc::clone(&seat.port);
                    self.open(index, opening, port);
                }
            }
        }
        self.go_if_ready(boot, at_us);
        self.stop_at_end(boot, at_us);
    }

    /// Starts the clock once everybody has a picture, or has waited for long enough.
    fn go_if_ready(&mut self, boot: Duration, at_us: UnixMicros) {
        let Some(since) = self.waiting_since else { return };
        if self.seats.iter().all(|seat| seat.is_ready(at_us)) || since.elapsed() >= PATIENCE {
            self.waiting_since = None;
            if self.playing {
                self.pace.run(boot + HEAD_START);
                self.direct_all();
            }
            self.tell_state();
        }
    }

    /// Where nothing comes any more, the clock stands.
    fn stop_at_end(&mut self, boot: Duration, at_us: UnixMicros) {
        let is_over = |seat: &Seat| {
            let knows =
                seat.way.is_some_and(|way| way.next.is_none() && way.forward != self.pace.is_reversed());
            seat.shown.is_none() && seat.ahead.is_none() && seat.opening.is_none() && !seat.asking && knows
        };
        let is_live = at_us >= self.handle.inner.now();
        if self.pace.is_running() && (is_live || self.seats.iter().all(is_over)) {
            self.pace.hold(boot);
            self.playing = false;
            self.direct_all();
            self.tell_state();
        }
    }

    fn ask(&self, index: usize, camera: CameraId, from_us: UnixMicros) {
        let (handle, person, done) = (self.handle.clone(), self.person.clone(), self.done.clone());
        let (forward, asked) = (!self.pace.is_reversed(), self.now());
        self.handle.inner.begin(async move {
            let answer = handle.clip_beside(&person, camera, from_us, forward).await;
            // Whoever asked may be gone.
            let _ = done.send(match answer {
                Ok(next) => Done::Asked(index, Way { from_us, forward, asked, next }),
                Err(error) => Done::Failed(index, error),
            });
        });
    }

    fn open(&self, index: usize, opening: Opening, port: Arc<Viewport>) {
        let (handle, person, done, news) =
            (self.handle.clone(), self.person.clone(), self.done.clone(), self.tell.clone());
        let shared = Arc::clone(&self.shared);
        self.handle.inner.begin(async move {
            let opened = async {
                let (row, reader, grant) = handle.release(&person, opening.span.id, Kind::Opened).await?;
                let (inner, opened_by) = (Arc::clone(&handle.inner), person.number);
                let place = Place::Seat { number: opening.number, port, news };
                let player =
                    blocking(move || Player::open(&inner, &row, reader, opened_by, grant, place)).await?;
                if shared.admit(&player) {
                    return Ok(player);
                }
                player.close();
                Err(Error::locked())
            };
            // Whoever asked may be gone; all that is open was closed then.
            let _ = done.send(Done::Opened(index, opening, opened.await));
        });
    }

    fn on_done(&mut self, done: Done) {
        match done {
            Done::Asked(index, way) => {
                let seat = &mut self.seats[index];
                (seat.asking, seat.way) = (false, Some(way));
            }
            Done::Failed(index, error) => {
                let seat = &mut self.seats[index];
                tracing::warn!(camera = %seat.camera, "what was recorded could not be looked up: {}", error.message);
                // Nothing comes next as far as is known; it is asked again.
                let (boot, forward) = (self.boot.monotonic(), !self.pace.is_reversed());
                let from_us = self.pace.shown(boot);
                seat.asking = false;
                seat.way = Some(Way { from_us, forward, asked: boot, next: None });
            }
            Done::Opened(index, opening, Ok(player)) => self.seat_player(index, opening, player),
            Done::Opened(index, opening, Err(error)) => {
                let seat = &mut self.seats[index];
                seat.opening = None;
                seat.failed = Some((opening.span.id, error));
                self.tell_state();
            }
        }
    }

    fn seat_player(&mut self, index: usize, opening: Opening, player: Arc<Player>) {
        let boot = self.now();
        let at_us = self.pace.shown(boot);
        let Opening { number, span } = opening;
        let mut reel = Reel { number, span, player, shown_us: None, sought_us: None };
        reel.direct(&self.pace, boot);
        let seat = &mut self.seats[index];
        seat.opening = None;
        seat.failed = None;
        let left = if covers(&span, at_us) {
            reel.player.take_port(&self.handle.inner);
            seat.shown.replace(reel)
        } else {
            seat.ahead.replace(reel)
        };
        if let Some(left) = left {
            self.shared.dismiss(&left.player);
        }
        self.tell_state();
    }

    fn on_news(&mut self, number: u64, news: News) {
        let Some((index, reel)) =
            self.seats.iter_mut().enumerate().find_map(|(index, seat)| Some((index, seat.reel(number)?)))
        else {
            return;
        };
        let clip = reel.span.id;
        match news {
            News::Shows(state) => {
                if let Some(error) = state.error {
                    self.lose(index, number, error);
                } else if state.has_picture {
                    let was_us = reel.shown_us;
                    reel.shows(state.position_us);
                    if was_us.is_none() {
                        tracing::debug!(%clip, "the first picture");
                    }
                    self.stepped(index, state.ended);
                }
            }
            News::Gone => {
                self.lose(index, number, Error::internal("the player ended by itself: open the clip again"));
            }
        }
    }

    /// A clip cannot be shown: it is closed, and why is told in its place.
    fn lose(&mut self, index: usize, number: u64, error: Error) {
        let seat = &mut self.seats[index];
        for place in [&mut seat.shown, &mut seat.ahead] {
            if let Some(reel) = place.take_if(|reel| reel.number == number) {
                seat.failed = Some((reel.span.id, error));
                // It may be theirs to view no longer, or erased.
                seat.way = None;
                seat.port.worker_gone();
                self.shared.dismiss(&reel.player);
                break;
            }
        }
        self.tell_state();
    }

    fn obey(&mut self, order: &TogetherOrder) {
        let boot = self.now();
        self.stepping = None;
        match *order {
            TogetherOrder::Play => {
                // Who stands at the end of all begins where they stand; there is no other beginning.
                self.playing = true;
                self.wait_at(self.pace.shown(boot));
            }
            TogetherOrder::Pause => {
                self.pace.hold(boot);
                (self.playing, self.waiting_since) = (false, None);
                self.direct_all();
            }
            TogetherOrder::Seek { to_us } => {
                self.wait_at(to_us.clamp(UnixMicros(0), self.handle.inner.now()))
            }
            TogetherOrder::Speed { speed } => {
                let turned = (speed < 0.0) != self.pace.is_reversed();
                self.pace.set_speed(boot, f64::from(speed));
                if turned {
                    self.forget_ahead();
                }
                if self.pace.is_running() {
                    self.direct_all();
                }
            }
            TogetherOrder::Step { frames, camera } => self.step(boot, frames, camera),
        }
        self.tell_state();
    }

    /// Shows a moment, and goes on from there once everybody has its picture.
    fn wait_at(&mut self, at_us: UnixMicros) {
        self.pace.jump(at_us);
        self.waiting_since = Some(Instant::now());
        for seat in &mut self.seats {
            // Whoever comes back tries again what failed.
            seat.failed = None;
        }
        self.forget_ahead();
        self.direct_all();
    }

    /// What was opened ahead does not come next any more.
    fn forget_ahead(&mut self) {
        let at_us = self.pace.shown(self.now());
        for seat in &mut self.seats {
            seat.way = None;
            if let Some(reel) = seat.ahead.take_if(|reel| !covers(&reel.span, at_us)) {
                self.shared.dismiss(&reel.player);
            }
        }
    }

    fn direct_all(&mut self) {
        let boot = self.now();
        let reels = self.seats.iter_mut().flat_map(|seat| [&mut seat.shown, &mut seat.ahead]).flatten();
        for reel in reels {
            reel.direct(&self.pace, boot);
        }
    }

    fn step(&mut self, boot: Duration, frames: i32, camera: CameraId) {
        self.pace.hold(boot);
        (self.playing, self.waiting_since) = (false, None);
        let at_us = self.pace.shown(boot);
        let index = self.seats.iter().position(|seat| seat.camera == camera).unwrap_or(0);
        let forward = frames > 0;
        let seat = &mut self.seats[index];
        let Some(reel) = &mut seat.shown else {
            let next_us = seat.next_us(at_us).filter(|next_us| (*next_us > at_us) == forward);
            let to_us = next_us.unwrap_or(UnixMicros(at_us.0 + i64::from(frames.signum()) * BLIND_STEP_US));
            self.pace.jump(to_us.clamp(UnixMicros(0), self.handle.inner.now()));
            self.direct_all();
            return;
        };
        self.stepping = Some((index, reel.shown_us, frames));
        for order in [hausrecht_media::Order::Pause, hausrecht_media::Order::Step { frames }] {
            if let Err(error) = reel.player.tell_worker(&order) {
                tracing::debug!("a player took no step: {}", error.message);
            }
        }
    }

    /// The picture to which a step led says which moment is shown.
    fn stepped(&mut self, index: usize, ended: bool) {
        let Some((stepping, from_us, frames)) = self.stepping else { return };
        let Some(reel) = self.seats[index].shown.as_ref().filter(|_| stepping == index) else { return };
        let Some(shown_us) = reel.shown_us else { return };
        let is_first = shown_us.0 - reel.span.start_us.0 <= reel.player.first_us();
        let to_us = if Some(shown_us) != from_us {
            shown_us
        } else if frames > 0 && ended {
            reel.span.end_us
        } else if frames < 0 && is_first {
            UnixMicros(reel.span.start_us.0 - 1)
        } else {
            // The answer to an order before.
            return;
        };
        self.stepping = None;
        self.pace.jump(to_us);
        let boot = self.now();
        let others = self.seats.iter_mut().enumerate().filter(|(other, _)| *other != index);
        for reel in others.filter_map(|(_, seat)| seat.shown.as_mut()) {
            reel.direct(&self.pace, boot);
        }
        self.tell_state();
    }

    fn tell_state(&self) {
        let boot = self.now();
        let at_us = self.pace.shown(boot);
        let seats: Vec<_> = self.seats.iter().map(|seat| seat.view(at_us)).collect();
        let nothing_shown = self.seats.iter().all(|seat| seat.shown.is_none() && seat.opening.is_none());
        let nexts = self.seats.iter().filter_map(|seat| seat.next_us(at_us));
        let next_us = if self.pace.is_reversed() { nexts.max() } else { nexts.min() };
        let state = TogetherState {
            seats,
            at_us,
            playing: self.playing,
            waiting: self.playing && self.waiting_since.is_some(),
            speed: self.pace.speed() as f32,
            next_us: next_us.filter(|_| nothing_shown),
        };
        let changed = std::mem::replace(&mut *lock(&self.shared.state), state.clone()) != state;
        if changed && !self.shared.is_closed() {
            self.handle.inner.tell(Event::Together(state));
        }
    }
}

impl Handle {
    /// The clip of a camera at a moment, else the next one in a direction, of those that `person` may see.
    async fn clip_beside(
        &self,
        person: &SignedIn,
        camera: CameraId,
        at_us: UnixMicros,
        forward: bool,
    ) -> Result<Option<ClipSpan>> {
        let inner: &Inner = &self.inner;
        let grants = crate::handle::visible_grants(inner, person);
        inner
            .db
            .read(move |tables| {
                let here = tables.clip_from(camera, at_us, true, grants.as_deref())?;
                if forward || here.is_some_and(|clip| covers(&clip, at_us)) {
                    return Ok(here);
                }
                Ok(tables.clip_from(camera, at_us, false, grants.as_deref())?)
            })
            .await
    }

    /// Plays cameras in step from a moment on, instead of those before.
    pub(crate) async fn begin_together(
        &self,
        person: SignedIn,
        cameras: Vec<CameraId>,
        at_us: UnixMicros,
    ) -> Result<TogetherState> {
        let mut named = Vec::new();
        for camera in cameras {
            let row = lock(&self.inner.camera_rows).get(&camera).cloned();
            let row = row.ok_or_else(|| Error::not_found("this camera"))?;
            // For a member nothing exists outside of what was granted.
            if person.owner().is_none()
                && !self.inner.may_watch(&person, camera)
                && self.clip_beside(&person, camera, UnixMicros(0), true).await?.is_none()
            {
                return Err(Error::not_found("this camera"));
            }
            named.push((camera, row.name));
        }
        let at_us = at_us.clamp(UnixMicros(0), self.inner.now());
        let old = {
            let mut slot = lock(&self.inner.together);
            self.inner.still(&person)?;
            slot.replace(Together::open(self, person, named, at_us))
        };
        if let Some(old) = old {
            old.close();
        }
        let together = lock(&self.inner.together).clone();
        Ok(together.ok_or_else(Error::locked)?.state())
    }
}
