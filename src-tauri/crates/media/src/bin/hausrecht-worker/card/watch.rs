//! Watching: the pictures of the card at their own pace, or faster or slower. No more is read than is shown soon.

use std::{
    collections::VecDeque,
    os::fd::OwnedFd,
    sync::{Arc, mpsc},
    time::Duration,
};

use hausrecht_media::{CardOpen, Event, FaultCode, Order, RingShape, Sender};
use hausrecht_model::{Clock, UnixMicros, clock::SystemClock};

use super::{Failure, Input, POSITION_EVERY, TICK, feed::Feed, reader::Picture};
use crate::{
    recorder::AccessUnit,
    view::{Screen, View},
};

/// So much before the wanted picture is asked for: many cameras begin with the key frame after the time that is asked for.
const LEAD_US: i64 = 2_000_000;
/// From this speed on only key frames are shown.
const KEYS_ONLY_SPEED: f64 = 4.0;
/// Pictures that come so much too late make the pace wait for them.
const TOO_LATE: Duration = Duration::from_millis(500);
/// A pause of this length gives the session back.
const LONG_PAUSE: Duration = Duration::from_secs(20);
/// So many pictures are looked at to find the one that is shown first; cameras send them in the order of decoding.
const REORDERED: usize = 8;
/// How many more pictures push a wanted one out of the decoder, where they come out of order.
const PUSHED_OUT_BY: usize = 3;
/// How much of the current group of pictures is kept, to show the current one again in another size.
const GROUP_MAX_BYTES: usize = 16 * 1024 * 1024;
const GROUP_MAX_UNITS: usize = 600;

/// What was read and is not shown yet.
#[derive(Debug)]
struct Waiting {
    picture: Picture,
    after_gap: bool,
}

/// A card that is watched. Times are by the camera's clock, but for those that are told.
#[derive(Debug)]
pub(super) struct Watch {
    events: Sender<Event>,
    feed: Feed,
    clock: SystemClock,
    from_us: i64,
    until_us: i64,
    offset_us: i64,
    /// Waits here until the format is known.
    screen: Option<Screen>,
    view: Option<View>,
    waiting: VecDeque<Waiting>,
    /// The pictures since the last key frame, as far as they have been decoded.
    group: Vec<Picture>,
    group_bytes: usize,
    reorders: bool,
    /// The first picture from here on is shown at once.
    wanted_us: Option<i64>,
    shown_us: Option<i64>,
    /// How many more pictures are decoded while holding.
    push_out: usize,
    playing: bool,
    ended: bool,
    paused_at: Duration,
    speed: f64,
    /// Wall and card time from which the pace is counted.
    anchor: (Duration, i64),
    /// Whether pictures have been left out, so that decoding can only go on at a key frame.
    broken: bool,
    position_told: Duration,
    jump_to_us: Option<i64>,
}

impl Watch {
    /// Prepares to watch what `feed` gives.
    pub(super) fn new(events: Sender<Event>, feed: Feed, open: &CardOpen) -> Self {
        Self {
            events,
            feed,
            clock: SystemClock::new(),
            from_us: open.from_unix_us,
            until_us: open.until_unix_us,
            offset_us: open.offset_us,
            screen: None,
            view: None,
            waiting: VecDeque::new(),
            group: Vec::new(),
            group_bytes: 0,
            reorders: false,
            wanted_us: None,
            shown_us: None,
            push_out: 0,
            playing: true,
            ended: false,
            paused_at: Duration::ZERO,
            speed: 1.0,
            anchor: (Duration::ZERO, 0),
            broken: false,
            position_told: Duration::ZERO,
            jump_to_us: None,
        }
    }

    /// Shows until the engine orders its end.
    pub(super) fn work(mut self, incoming: &mpsc::Receiver<Input>) -> Result<(), Failure> {
        let watched = self.watch(incoming);
        self.feed.suspend();
        watched
    }

    fn watch(&mut self, incoming: &mpsc::Receiver<Input>) -> Result<(), Failure> {
        self.jump_to_us = Some(self.from_us);
        loop {
            self.advance()?;
            let input = match incoming.try_recv() {
                Ok(input) => Ok(input),
                Err(_) => {
                    // Of many jumps that came meanwhile, as when somebody drags, only the last one counts.
                    if let Some(to_us) = self.jump_to_us.take() {
                        self.go(to_us)?;
                    }
                    incoming.recv_timeout(self.patience())
                }
            };
            match input {
                Ok(Input::Order(Order::Shutdown, _)) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Ok(());
                }
                Ok(Input::Order(order, descriptors)) => self.obey(order, &descriptors)?,
                Ok(Input::Card { attempt, what }) => {
                    let now = self.clock.monotonic();
                    if let Some((picture, after_gap)) = self.feed.take(attempt, what, now)? {
                        self.reorders |=
                            self.waiting.back().is_some_and(|before| before.picture.at_us > picture.at_us);
                        self.waiting.push_back(Waiting { picture, after_gap });
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            let now = self.clock.monotonic();
            if !self.is_idle() {
                self.feed.tick(now)?;
            } else if now.saturating_sub(self.paused_at) > LONG_PAUSE {
                self.feed.suspend();
            }
        }
    }

    /// Whether nobody waits for a picture. A session that is lost meanwhile is not missed.
    fn is_idle(&self) -> bool {
        !self.playing && self.wanted_us.is_none()
    }

    /// How long nothing needs to be done unless something comes in.
    fn patience(&self) -> Duration {
        let now = self.clock.monotonic();
        let next = self.playing.then(|| self.due()).flatten().map(|due_us| self.due_at(due_us));
        let reopening = self.feed.due().filter(|_| !self.is_idle());
        let soonest = next.into_iter().chain(reopening).min();
        soonest.map_or(TICK, |due| TICK.min(due.saturating_sub(now)))
    }

    /// When the next picture is to be decoded, by its time: that of the earliest one that is not shown yet.
    fn due(&self) -> Option<i64> {
        self.waiting.iter().take(REORDERED).map(|waiting| waiting.picture.at_us).min()
    }

    fn due_at(&self, at_us: i64) -> Duration {
        let ahead_us = at_us.saturating_sub(self.anchor.1).max(0) as f64 / self.speed;
        self.anchor.0 + Duration::from_micros(ahead_us as u64)
    }

    fn here_us(&self) -> i64 {
        self.wanted_us.or(self.shown_us).unwrap_or(self.from_us)
    }

    /// Decodes what is due, unless what waits is about to be left behind.
    fn advance(&mut self) -> Result<(), Failure> {
        while (self.screen.is_some() || self.view.is_some()) && self.jump_to_us.is_none() {
            let Some(due_us) = self.due() else {
                if self.feed.ended() && (self.playing || self.wanted_us.is_some()) {
                    self.reach_end()?;
                }
                return Ok(());
            };
            let now = self.clock.monotonic();
            let Some(next) = self.waiting.front() else { return Ok(()) };
            let (at_us, after_gap) = (next.picture.at_us, next.after_gap);
            let leads_up = self.wanted_us.is_some_and(|wanted| at_us < wanted);
            if leads_up || self.wanted_us.is_some() {
                // Without delay: it, or what it needs to be decoded.
            } else if self.push_out > 0 {
                self.push_out -= 1;
            } else if !self.playing {
                return Ok(());
            } else if after_gap || now.saturating_sub(self.due_at(due_us)) > TOO_LATE {
                self.anchor = (now, due_us);
            } else if self.due_at(due_us) > now {
                return Ok(());
            }
            let Some(Waiting { picture, .. }) = self.waiting.pop_front() else { return Ok(()) };
            self.feed.done(picture.weight());
            self.show(picture, leads_up, now)?;
        }
        Ok(())
    }

    fn show(&mut self, picture: Picture, leads_up: bool, now: Duration) -> Result<(), Failure> {
        let at_us = picture.at_us;
        let keys_only = self.speed >= KEYS_ONLY_SPEED && self.playing && self.wanted_us.is_none();
        if !picture.key && (keys_only || self.broken) {
            self.broken = true;
            return Ok(());
        }
        self.broken = false;
        self.decode(&picture)?;
        self.keep(picture);
        if leads_up {
            return Ok(());
        }
        let arrived = self.wanted_us.take().is_some();
        if arrived {
            self.anchor = (now, at_us);
            self.push_out = if self.reorders && !self.playing { PUSHED_OUT_BY } else { 0 };
        }
        if arrived || self.playing {
            self.shown_us = Some(at_us);
            self.tell_position(arrived)?;
        }
        Ok(())
    }

    fn decode(&mut self, picture: &Picture) -> Result<(), Failure> {
        if self.view.is_none() {
            let Some(screen) = self.screen.take() else { return Ok(()) };
            let view =
                View::start(Arc::clone(&picture.format), screen, self.told(self.here_us()).unsigned_abs());
            self.view = Some(view.map_err(|error| (FaultCode::UnsupportedCodec, format!("{error:#}")))?);
        }
        let Ok(pts_us) = u64::try_from(self.told(picture.at_us)) else { return Ok(()) };
        let unit = AccessUnit {
            pts_us,
            arrived: UnixMicros(0),
            late: Duration::ZERO,
            key: picture.key,
            data: Arc::clone(&picture.data),
        };
        let taken = self.view.as_mut().is_none_or(|view| view.push(&unit, &picture.format));
        if taken { Ok(()) } else { Err((FaultCode::Internal, "decoding has ended".into())) }
    }

    fn keep(&mut self, picture: Picture) {
        if picture.key {
            self.group.clear();
            self.group_bytes = 0;
        } else if self.group.is_empty() {
            return;
        }
        self.group_bytes += picture.data.len();
        self.group.push(picture);
        if self.group_bytes > GROUP_MAX_BYTES || self.group.len() > GROUP_MAX_UNITS {
            self.group.clear();
            self.group_bytes = 0;
        }
    }

    /// A time of the camera by this computer's clock.
    fn told(&self, at_us: i64) -> i64 {
        at_us.saturating_add(self.offset_us)
    }

    fn tell_position(&mut self, always: bool) -> Result<(), Failure> {
        let now = self.clock.monotonic();
        if always || now.saturating_sub(self.position_told) >= POSITION_EVERY {
            self.position_told = now;
            let unix_us = self.told(self.here_us());
            let event = Event::CardPosition { unix_us, playing: self.playing, ended: self.ended };
            self.events.send(&event).map_err(|error| (FaultCode::Internal, error.to_string()))?;
        }
        Ok(())
    }

    fn reach_end(&mut self) -> Result<(), Failure> {
        if let Some(wanted_us) = self.wanted_us.take() {
            self.shown_us = Some(wanted_us);
        }
        self.ended = true;
        self.hold();
        self.tell_position(true)
    }

    fn hold(&mut self) {
        self.playing = false;
        self.paused_at = self.clock.monotonic();
    }

    fn obey(&mut self, order: Order, descriptors: &[OwnedFd]) -> Result<(), Failure> {
        match order {
            Order::View { ring, .. } => self.look(ring, descriptors),
            Order::NoView { .. } => {
                (self.screen, self.view) = (None, None);
                self.hold();
                self.tell_position(true)
            }
            Order::Play => self.play(),
            Order::Pause => {
                self.hold();
                self.tell_position(true)
            }
            Order::CardSeek { to_unix_us } => {
                self.jump_to_us = Some(to_unix_us.saturating_sub(self.offset_us));
                Ok(())
            }
            Order::Speed { factor } => {
                self.anchor = (self.clock.monotonic(), self.here_us());
                self.speed = if factor.is_finite() { factor.clamp(0.25, 16.0) } else { 1.0 };
                Ok(())
            }
            other @ (Order::Hello { .. }
            | Order::Open(_)
            | Order::PlayerOpen(_)
            | Order::TalkOpen(_)
            | Order::CardOpen(_)
            | Order::ExportOpen(_)
            | Order::ExportClip(_)
            | Order::ExportEnd
            | Order::FootageOpen(_)
            | Order::Motion { .. }
            | Order::Record { .. }
            | Order::Region { .. }
            | Order::Snapshot { .. }
            | Order::Cut
            | Order::Seek { .. }
            | Order::Step { .. }
            | Order::Loop { .. }
            | Order::Follow { .. }
            | Order::Adjust { .. }
            | Order::Shutdown) => {
                tracing::warn!("not an order for a card that is watched: {other:?}");
                Ok(())
            }
        }
    }

    fn play(&mut self) -> Result<(), Failure> {
        if self.ended {
            self.jump_to_us.get_or_insert(self.from_us);
        }
        self.playing = true;
        self.anchor = (self.clock.monotonic(), self.here_us());
        if !self.ended {
            self.feed.resume()?;
            self.tell_position(true)?;
        }
        Ok(())
    }

    fn look(&mut self, ring: RingShape, descriptors: &[OwnedFd]) -> Result<(), Failure> {
        let opened = descriptors.first().map(|memfd| Screen::open(memfd, ring, self.events.clone()));
        let screen = match opened {
            Some(Ok(screen)) => screen,
            Some(Err(error)) => {
                tracing::warn!("a ring was refused: {error:#}");
                return Ok(());
            }
            None => {
                tracing::warn!("no memory came with the order");
                return Ok(());
            }
        };
        if self.playing
            && let Some(view) = &mut self.view
        {
            view.resize(screen);
            return Ok(());
        }
        // Nothing more comes by itself: what stands there is shown again.
        self.view = None;
        self.screen = Some(screen);
        if self.wanted_us.is_none() && self.shown_us.is_some() {
            if self.group.is_empty() {
                self.jump_to_us.get_or_insert(self.here_us());
            }
            for picture in std::mem::take(&mut self.group) {
                self.decode(&picture)?;
                self.group.push(picture);
            }
        }
        Ok(())
    }

    /// Shows the picture of this time, or the first after it, as soon as it is there.
    fn go(&mut self, to_us: i64) -> Result<(), Failure> {
        let to_us = to_us.min(self.until_us);
        self.waiting.clear();
        self.group.clear();
        self.group_bytes = 0;
        self.ended = false;
        self.push_out = 0;
        self.broken = true;
        self.wanted_us = Some(to_us);
        let not_before_us = self.told(to_us).unsigned_abs();
        if let Some(view) = &mut self.view {
            view.jump(not_before_us);
        }
        self.feed.go(to_us.saturating_sub(LEAD_US), i64::MIN)
    }
}
