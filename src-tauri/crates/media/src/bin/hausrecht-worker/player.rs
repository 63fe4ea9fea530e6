//! The player worker: reads a clip through the engine, decodes it, and shows it in the ring at the asked time and pace. It
//! feeds the decoder itself, so that a seek costs the pictures from the key frame on and nothing else. No network at all.

mod backwards;
mod decoder;
mod following;
mod looping;
mod reel;
mod sight;
mod still;
mod timeline;

use std::{
    collections::VecDeque,
    os::fd::OwnedFd,
    process,
    sync::{Arc, mpsc},
    time::Duration,
};

use gstreamer as gst;
use hausrecht_media::{
    Adjust, Event, FaultCode, Order, PlayerOpen, Region, Sender, Stream, answer::AnswerReader,
};
use hausrecht_model::{Clock, clock::SystemClock};

use self::{
    backwards::Backwards,
    decoder::{Decoder, Ticket},
    looping::Loop,
    reel::Reel,
    timeline::Timeline,
};
use crate::{
    channel::{Channel, follow_orders, tell_fault},
    clip_reader::{ClipReader, EngineBytes},
    sandbox::{self, Needs},
    view::Screen,
};

/// How long to wait for a picture before the decoder is given one more access unit to let it go.
const NUDGE_AFTER: Duration = Duration::from_millis(15);
const IDLE: Duration = Duration::from_millis(500);
/// How many pictures are decoded ahead while playing.
const AHEAD: usize = 3;
/// The most access units that a decoder holds back.
const MAX_INSIDE: usize = 32;
/// From this speed on only key frames are shown.
const KEYS_ONLY_SPEED: f64 = 4.0;
/// So late, and pictures are skipped up to the next key frame.
const TOO_LATE_US: u64 = 500_000;
/// What the pace may be, either way.
const SLOWEST: f64 = 0.125;
const FASTEST: f64 = 64.0;
const POSITION_EVERY: Duration = Duration::from_millis(33);
/// How often a picture of the old size is decoded again after a resize.
const MAX_RESIZE_TRIES: u32 = 5;

/// What reaches the owning thread.
enum Input {
    Order(Order, Vec<OwnedFd>),
    /// The decoder is done with one access unit.
    Decoded,
    Picture(Ticket, gst::Sample),
    DecoderFailed(String),
}

struct Player {
    events: Sender<Event>,
    clip: Reel,
    timeline: Timeline,
    inputs: mpsc::Sender<Input>,
    clock: SystemClock,
    decoder: Option<Decoder>,
    screen: Option<Screen>,
    epoch: u32,
    /// Index of the next picture for the decoder.
    next: usize,
    inside: usize,
    depth: usize,
    /// When the decoder last took or gave something.
    progress: Duration,
    drained: u32,
    ready: VecDeque<(u64, gst::Sample)>,
    /// The picture that is waited for, to be shown at once.
    wanted_us: Option<u64>,
    shown_us: Option<u64>,
    playing: bool,
    ended: bool,
    /// Clip time for wall time; below zero it goes backwards.
    speed: f64,
    /// What is being decoded to be shown backwards.
    backwards: Option<Backwards>,
    looping: Option<Loop>,
    adjust: Adjust,
    /// The view that is shown, and the part of the picture that it shows.
    view: u32,
    region: Region,
    /// Pictures that were decoded already show another part: one of them must not stay.
    other_part: bool,
    /// Wall and clip time from which the pace is counted.
    anchor: (Duration, u64),
    /// The pace is the engine's.
    following: bool,
    position_told: Duration,
    resize_tries: u32,
}

/// Runs the player worker until the engine orders its end.
pub(crate) fn run(channel: Channel, answers: AnswerReader, open: PlayerOpen) -> anyhow::Result<()> {
    let events = channel.events.clone();
    let sandbox = sandbox::restrict(&Needs::default());
    events.send(&Event::Ready { sandbox })?;
    match ClipReader::open(EngineBytes::new(events.clone(), answers), open.size_bytes) {
        Ok(clip) => show(channel, clip.into(), open.autoplay),
        Err(error) => {
            tell_fault(&events, Stream::Main, FaultCode::Internal, &format!("{error:#}"));
            Err(error)
        }
    }
}

/// Shows what is open until the engine orders the end.
pub(crate) fn show(channel: Channel, clip: Reel, autoplay: bool) -> anyhow::Result<()> {
    let Channel { events, orders } = channel;
    let timeline = Timeline::new(&clip.pictures);
    events.send(&Event::Opened {
        duration_us: timeline.duration_us(),
        frames: clip.pictures.len() as u64,
        first_us: timeline.first_us(),
        width: clip.format.width,
        height: clip.format.height,
    })?;
    let (inputs, incoming) = mpsc::channel();
    let to_player = inputs.clone();
    follow_orders(orders, move |order, descriptors| {
        to_player.send(Input::Order(order, descriptors)).is_ok()
    })?;
    let mut player = Player {
        events,
        clip,
        timeline,
        inputs,
        // The engine says when by the same reading.
        clock: SystemClock::since_boot(),
        decoder: None,
        screen: None,
        epoch: 0,
        next: 0,
        inside: 0,
        depth: 4,
        progress: Duration::ZERO,
        drained: 0,
        ready: VecDeque::new(),
        wanted_us: None,
        shown_us: None,
        playing: autoplay,
        ended: false,
        speed: 1.0,
        backwards: None,
        looping: None,
        adjust: Adjust::default(),
        view: 0,
        region: Region::WHOLE,
        other_part: false,
        anchor: (Duration::ZERO, 0),
        following: false,
        position_told: Duration::ZERO,
        resize_tries: 0,
    };
    match player.work(&incoming) {
        Ok(()) => process::exit(0),
        Err(error) => {
            tell_fault(&player.events, Stream::Main, FaultCode::Internal, &format!("{error:#}"));
            process::exit(1)
        }
    }
}

impl Player {
    fn work(&mut self, incoming: &mpsc::Receiver<Input>) -> anyhow::Result<()> {
        loop {
            self.feed()?;
            match incoming.recv_timeout(self.patience()) {
                Ok(Input::Order(Order::Shutdown, _)) => return Ok(()),
                Ok(Input::Order(order, descriptors)) => self.obey(order, descriptors)?,
                Ok(Input::Decoded) => {
                    self.inside = self.inside.saturating_sub(1);
                    self.progress = self.clock.monotonic();
                }
                Ok(Input::Picture(ticket, sample)) => self.picture_came(ticket, sample)?,
                Ok(Input::DecoderFailed(text)) => anyhow::bail!("decoding failed: {text}"),
                Err(mpsc::RecvTimeoutError::Timeout) => self.nudge()?,
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.show_due()?;
        }
    }

    /// How long nothing needs to be done unless something comes in.
    fn patience(&self) -> Duration {
        if self.decoder.is_none() {
            return IDLE;
        }
        let wait = if self.hungry() { NUDGE_AFTER } else { IDLE };
        match self.ready.front() {
            Some((pts_us, _)) if self.playing && self.wanted_us.is_none() => {
                wait.min(self.due_at(*pts_us).saturating_sub(self.clock.monotonic()))
            }
            Some(_) | None => wait,
        }
    }

    /// Whether more decoded pictures are needed. Without a view there is no decoder, and nothing to feed.
    fn hungry(&self) -> bool {
        if self.decoder.is_none() {
            return false;
        }
        if self.wanted_us.is_some() {
            return true;
        }
        if self.is_reversed() {
            return self.playing && self.backwards.as_ref().is_some_and(|part| !part.is_whole());
        }
        let end_known = self.shown_us.is_some_and(|shown| shown >= self.timeline.last_us());
        self.playing && !end_known && self.ready.len() < AHEAD
    }

    fn is_reversed(&self) -> bool {
        self.speed < 0.0
    }

    fn due_at(&self, pts_us: u64) -> Duration {
        let (later, earlier) =
            if self.is_reversed() { (self.anchor.1, pts_us) } else { (pts_us, self.anchor.1) };
        let ahead_us = later.saturating_sub(earlier) as f64 / self.speed.abs();
        self.anchor.0 + Duration::from_micros(ahead_us as u64)
    }

    /// The clip time that the pace asks for now.
    fn ideal_us(&self) -> u64 {
        let passed = self.clock.monotonic().saturating_sub(self.anchor.0).as_micros() as f64;
        self.anchor.1.saturating_add_signed((passed * self.speed) as i64)
    }

    fn feed(&mut self) -> anyhow::Result<()> {
        while self.hungry() && self.inside < self.depth && self.next < self.clip.pictures.len() {
            self.feed_one()?;
        }
        Ok(())
    }

    fn feed_one(&mut self) -> anyhow::Result<()> {
        if self.playing && self.wanted_us.is_none() && !self.is_reversed() {
            let late = self.ideal_us().saturating_sub(self.shown_us.unwrap_or(0)) > TOO_LATE_US;
            if self.speed >= KEYS_ONLY_SPEED || late {
                let from = if late { self.ideal_us() } else { 0 };
                if let Some(key) = self.timeline.next_key(self.next, from) {
                    self.next = key;
                } else if self.speed >= KEYS_ONLY_SPEED {
                    self.next = self.timeline.last_group().max(self.next);
                }
            }
        }
        let Some(picture) = self.clip.pictures.get(self.next).copied() else { return Ok(()) };
        let data: Arc<[u8]> = Arc::from(self.clip.picture(&picture)?);
        let Some(decoder) = &self.decoder else { return Ok(()) };
        decoder.push(Ticket { epoch: self.epoch, pts_us: picture.pts_us }, &data, picture.key);
        self.inside += 1;
        self.next += 1;
        self.progress = self.clock.monotonic();
        Ok(())
    }

    /// The decoder holds pictures back: it gets one more access unit, or at the clip's end its last key frame again, which
    /// pushes the rest out.
    fn nudge(&mut self) -> anyhow::Result<()> {
        let waited = self.clock.monotonic().saturating_sub(self.progress);
        if waited < NUDGE_AFTER
            || !self.hungry()
            || self.inside == 0
            || self.inside >= MAX_INSIDE
            || self.decoder.is_none()
        {
            return Ok(());
        }
        if self.next < self.clip.pictures.len() {
            self.depth = (self.inside + 1).min(MAX_INSIDE);
            return self.feed_one();
        }
        self.drained += 1;
        if self.drained > 32 {
            // These pictures cannot be decoded, so what is shown now is the end.
            self.inside = 0;
            self.wanted_us = None;
            return if self.is_reversed() { self.go_on_backwards() } else { self.reach_end() };
        }
        let key = self.timeline.last_group();
        let Some(picture) = self.clip.pictures.get(key).copied() else { return Ok(()) };
        let data: Arc<[u8]> = Arc::from(self.clip.picture(&picture)?);
        if let Some(decoder) = &self.decoder {
            // A ticket of the coming epoch: its picture is not shown, and seeking begins anew after it.
            decoder.push(Ticket { epoch: self.epoch + 1, pts_us: 0 }, &data, true);
            self.inside += 1;
            self.progress = self.clock.monotonic();
        }
        Ok(())
    }

    fn picture_came(&mut self, ticket: Ticket, sample: gst::Sample) -> anyhow::Result<()> {
        if ticket.epoch != self.epoch {
            return Ok(());
        }
        if let Some(wanted_us) = self.wanted_us {
            if ticket.pts_us < wanted_us {
                return Ok(());
            }
            self.wanted_us = None;
            self.pace_from(ticket.pts_us);
            self.show(ticket.pts_us, &sample, true)?;
            if std::mem::take(&mut self.other_part) && !self.playing {
                return self.restart_at(ticket.pts_us);
            }
            if self.is_reversed() {
                self.decode_before(ticket.pts_us);
            }
            return Ok(());
        }
        match &mut self.backwards {
            Some(part) => {
                part.take(ticket.pts_us, sample);
                self.go_on_backwards()
            }
            None => {
                self.ready.push_back((ticket.pts_us, sample));
                Ok(())
            }
        }
    }

    /// Begins to decode what is shown before `before_us`.
    fn decode_before(&mut self, before_us: u64) {
        let (width, height) =
            self.screen.as_ref().map_or((1, 1), |screen| (screen.shape().width, screen.shape().height));
        let late = self.shown_us.is_some_and(|shown| shown.saturating_sub(self.ideal_us()) > TOO_LATE_US);
        self.backwards = if self.speed.abs() >= KEYS_ONLY_SPEED || late {
            Backwards::key_before(&self.timeline, before_us, self.ideal_us())
        } else {
            Backwards::before(&self.timeline, before_us, backwards::kept(width, height))
        };
        if let Some(part) = &self.backwards {
            let first_us = part.first_us();
            self.begin_decoding_at(first_us);
        }
    }

    /// Once what was being decoded is whole and what was shown before it is gone, it is shown, and the part before it decoded.
    fn go_on_backwards(&mut self) -> anyhow::Result<()> {
        let drained = self.drained > 32;
        if !self.ready.is_empty() || !self.backwards.as_ref().is_none_or(|part| part.is_whole() || drained) {
            return Ok(());
        }
        match self.backwards.take() {
            Some(part) => {
                let before_us = part.first_us();
                self.ready.extend(part.into_shown());
                self.decode_before(before_us);
                Ok(())
            }
            None if self.playing => self.reach_end(),
            None => Ok(()),
        }
    }

    fn show_due(&mut self) -> anyhow::Result<()> {
        while self.playing && self.wanted_us.is_none() {
            let Some((pts_us, _)) = self.ready.front() else { return Ok(()) };
            if self.due_at(*pts_us) > self.clock.monotonic() {
                return Ok(());
            }
            if let Some(to_us) =
                self.looping.as_ref().and_then(|span| span.back_to(*pts_us, self.is_reversed()))
            {
                return self.go_to(self.timeline.at(to_us));
            }
            if let Some((pts_us, sample)) = self.ready.pop_front() {
                self.show(pts_us, &sample, false)?;
            }
            if self.is_reversed() && self.playing {
                self.go_on_backwards()?;
            }
        }
        Ok(())
    }

    fn show(&mut self, pts_us: u64, sample: &gst::Sample, tell: bool) -> anyhow::Result<()> {
        let shown = self.screen.as_mut().is_some_and(|screen| screen.show(sample, pts_us, 0));
        if !shown && self.screen.is_some() && self.resize_tries < MAX_RESIZE_TRIES {
            self.resize_tries += 1;
            return self.restart_at(pts_us);
        }
        self.resize_tries = 0;
        self.shown_us = Some(pts_us);
        let at_end = if self.is_reversed() {
            pts_us <= self.timeline.first_us()
        } else {
            pts_us >= self.timeline.last_us()
        };
        if at_end && self.playing {
            return self.reach_end();
        }
        self.ended = at_end;
        self.tell_position(tell)
    }

    fn reach_end(&mut self) -> anyhow::Result<()> {
        if let Some(span) = &self.looping {
            let to_us = span.start(self.is_reversed());
            return self.go_to(self.timeline.at(to_us));
        }
        self.playing = false;
        self.ended = true;
        self.tell_position(true)
    }

    fn tell_position(&mut self, always: bool) -> anyhow::Result<()> {
        let now = self.clock.monotonic();
        if always || now.saturating_sub(self.position_told) >= POSITION_EVERY {
            self.position_told = now;
            let pts_us = self.shown_us.unwrap_or(0);
            self.events.send(&Event::Position { pts_us, playing: self.playing, ended: self.ended })?;
        }
        Ok(())
    }

    fn obey(&mut self, order: Order, descriptors: Vec<OwnedFd>) -> anyhow::Result<()> {
        match order {
            Order::View { view, ring, .. } => self.look(view, ring, &descriptors),
            Order::Region { region, .. } => self.show_region(region),
            Order::NoView { .. } => {
                self.screen = None;
                self.hold()
            }
            Order::Follow { at_boot_us, clip_us, factor } => self.follow(at_boot_us, clip_us, factor),
            Order::Play => {
                self.following = false;
                if self.ended {
                    self.ended = false;
                    self.go_to(if self.is_reversed() { self.timeline.last_us() } else { 0 })?;
                }
                self.playing = true;
                self.pace_from(self.shown_us.unwrap_or(0));
                self.tell_position(true)
            }
            Order::Pause => self.pause(),
            Order::Seek { to_us, accurate } => {
                self.following = false;
                let exact = self.timeline.at(to_us);
                let key = self.timeline.group_of(exact);
                let key_us = self.clip.pictures.get(key).map_or(exact, |picture| picture.pts_us);
                self.go_to(if accurate { exact } else { key_us })
            }
            Order::Step { frames } => {
                (self.playing, self.following) = (false, false);
                let from = self.wanted_us.or(self.shown_us).unwrap_or(0);
                let target = self.timeline.step(from, frames);
                self.go_to(target)
            }
            Order::Speed { factor } => self.set_speed(factor),
            Order::Loop { span_us } => {
                self.looping = span_us.map(|(first_us, last_us)| Loop::new(first_us, last_us));
                self.tell_position(true)
            }
            Order::Adjust { adjust } => {
                self.adjust = adjust.within();
                if let Some(decoder) = &self.decoder {
                    decoder.adjust(self.adjust);
                }
                // A picture that stands is shown anew; one that runs is followed by the next anyway.
                if self.playing { Ok(()) } else { self.restart_at(self.standing_us()) }
            }
            Order::Snapshot { id, format, .. } => self.give_still(id, format, descriptors),
            other @ (Order::Hello { .. }
            | Order::Open(_)
            | Order::PlayerOpen(_)
            | Order::TalkOpen(_)
            | Order::CardOpen(_)
            | Order::FootageOpen(_)
            | Order::CardSeek { .. }
            | Order::ExportOpen(_)
            | Order::ExportClip(_)
            | Order::ExportEnd
            | Order::Motion { .. }
            | Order::Record { .. }
            | Order::Cut
            | Order::Shutdown) => {
                tracing::warn!("not an order for a running player: {other:?}");
                Ok(())
            }
        }
    }

    fn set_speed(&mut self, factor: f64) -> anyhow::Result<()> {
        self.following = false;
        let other_pictures = self.change_speed(factor);
        self.pace_from(self.shown_us.unwrap_or(0));
        if other_pictures {
            self.ended = false;
            self.restart_at(self.standing_us())?;
        }
        self.tell_position(true)
    }

    /// Whether what is decoded already is not what this speed shows.
    fn change_speed(&mut self, factor: f64) -> bool {
        let speed = if factor.is_finite() && factor != 0.0 { factor } else { 1.0 };
        let turned = (speed < 0.0) != self.is_reversed();
        let keys_only = |speed: f64| speed.abs() >= KEYS_ONLY_SPEED;
        let other_pictures = turned || (self.is_reversed() && keys_only(speed) != keys_only(self.speed));
        self.speed = speed.signum() * speed.abs().clamp(SLOWEST, FASTEST);
        other_pictures
    }

    /// Counts the pace from now and this picture on, unless the engine counts it.
    fn pace_from(&mut self, clip_us: u64) {
        if !self.following {
            self.anchor = (self.clock.monotonic(), clip_us);
        }
    }

    /// Time of the picture that is shown, or soon will be.
    fn standing_us(&self) -> u64 {
        self.wanted_us.or(self.shown_us).unwrap_or_else(|| self.timeline.first_us())
    }

    fn pause(&mut self) -> anyhow::Result<()> {
        self.following = false;
        self.hold()
    }

    /// Stands still; who follows goes on with the next view.
    fn hold(&mut self) -> anyhow::Result<()> {
        self.playing = false;
        if std::mem::take(&mut self.other_part) {
            self.restart_at(self.standing_us())?;
        }
        self.tell_position(true)
    }

    /// Shows the picture at `target_us` as soon as it is decoded.
    fn go_to(&mut self, target_us: u64) -> anyhow::Result<()> {
        self.ended = false;
        if self.is_reversed() || self.other_part {
            return self.restart_at(target_us);
        }
        while self.ready.front().is_some_and(|(pts_us, _)| *pts_us < target_us) {
            self.ready.pop_front();
        }
        let ahead = self.shown_us.is_some_and(|shown| target_us > shown) && self.wanted_us.is_none();
        if ahead && let Some((pts_us, sample)) = self.ready.pop_front_if(|(pts_us, _)| *pts_us == target_us) {
            self.pace_from(pts_us);
            return self.show(pts_us, &sample, true);
        }
        let group = self.timeline.group_of(target_us);
        if ahead && self.drained == 0 && group < self.next && self.decoder.is_some() && self.ready.is_empty()
        {
            // Already on the way there.
            self.wanted_us = Some(target_us);
            if let Some(decoder) = &self.decoder {
                decoder.drop_before(Ticket { epoch: self.epoch, pts_us: target_us });
            }
            return Ok(());
        }
        self.restart_at(target_us)
    }

    /// Begins anew at the key frame before `target_us`.
    fn restart_at(&mut self, target_us: u64) -> anyhow::Result<()> {
        self.ready.clear();
        self.backwards = None;
        self.wanted_us = Some(target_us);
        self.begin_decoding_at(target_us);
        Ok(())
    }

    /// Gives the decoder the pictures from the key frame before `target_us` on.
    fn begin_decoding_at(&mut self, target_us: u64) {
        self.epoch += 2;
        self.drained = 0;
        self.next = self.timeline.group_of(target_us);
        if let Some(decoder) = &self.decoder {
            decoder.drop_before(Ticket { epoch: self.epoch, pts_us: target_us });
        }
    }
}
