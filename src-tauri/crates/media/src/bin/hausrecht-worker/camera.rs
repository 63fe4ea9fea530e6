//! The camera worker: fetches the main stream, records it, and decodes what is looked at. One thread owns all state; orders,
//! access units and failures reach it through one channel.

mod delay;
mod keeping;
mod motion;
mod rate;
mod steady;
mod still;
mod views;
mod ways;

use std::{
    collections::VecDeque,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process,
    sync::{Arc, mpsc},
    time::Duration,
};

use hausrecht_media::{CameraOpen, Event, FaultCode, Order, Sender, Stream, Transport, bulk::BulkFrame};
use hausrecht_model::{Clock, clock::SystemClock};

use self::{
    delay::Delay, keeping::Keeping, motion::Measuring, rate::Rate, steady::Steady, still::Still,
    views::Looking,
};
use crate::{
    channel::{Channel, begin_bulk, follow_orders, tell_fault},
    fmp4::Format,
    ingest::{Incoming, Ingest, Reader},
    recorder::{AccessUnit, Recorder},
    sandbox::{self, Needs},
    snapshot,
    source::{self, Address},
};

/// How much of the current group of pictures is kept, to begin a view with.
const GROUP_MAX_BYTES: usize = 16 * 1024 * 1024;
const GROUP_MAX_UNITS: usize = 600;
const STATE_EVERY: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(250);
const STALLED_AFTER: Duration = Duration::from_secs(3);
const LOST_AFTER: Duration = Duration::from_secs(10);
/// How long a connected camera may take to its first picture, and to its first key frame after that.
const FIRST_PICTURE_LIMIT: Duration = Duration::from_secs(15);
const KEY_FRAME_LIMIT: Duration = Duration::from_secs(10);

/// What reaches the owning thread.
enum Input {
    Order(Order, Vec<OwnedFd>),
    Stream { stream: Stream, attempt: u32, what: Incoming },
}

/// One of the camera's streams.
struct Source {
    stream: Stream,
    /// As it was given.
    address: Address,
    /// Where the stream is fetched now; another port than that of `address` if it is fetched through HTTP.
    here: Address,
    /// Ways through HTTP that are still to be tried, and why the usual ones failed.
    tunnels: Vec<Address>,
    failed_before: Option<(FaultCode, String)>,
    transport: Transport,
    /// The transport to begin with: the first, or the one that has worked.
    begins_with: Transport,
    /// Set once the camera has shown that it does not get along with the first one.
    reader: Option<Reader>,
    attempt: u32,
    ingest: Option<Ingest>,
    started: Duration,
    first_unit: Option<Duration>,
    last_unit: Duration,
    stall_told: bool,
    key_seen: bool,
    rate: Rate,
    delay: Delay,
    still: Still,
    steady: Steady,
    state_told: Duration,
    told_format: Option<Arc<Format>>,
    group: VecDeque<AccessUnit>,
    group_bytes: usize,
    format: Option<Arc<Format>>,
}

impl Source {
    fn new(stream: Stream, address: Address) -> Self {
        Self {
            stream,
            here: address.clone(),
            address,
            tunnels: Vec::new(),
            failed_before: None,
            transport: Transport::Tcp,
            begins_with: Transport::Tcp,
            reader: None,
            attempt: 0,
            ingest: None,
            started: Duration::ZERO,
            first_unit: None,
            last_unit: Duration::ZERO,
            stall_told: false,
            key_seen: false,
            rate: Rate::default(),
            delay: Delay::default(),
            still: Still::default(),
            steady: Steady::default(),
            state_told: Duration::ZERO,
            told_format: None,
            group: VecDeque::new(),
            group_bytes: 0,
            format: None,
        }
    }

    fn stop(&mut self) {
        self.ingest = None;
        self.attempt += 1;
        self.first_unit = None;
        self.key_seen = false;
        self.group.clear();
        self.group_bytes = 0;
        self.format = None;
        self.told_format = None;
    }

    /// Keeps the pictures since the last key frame, as long as they are few enough.
    fn keep_group(&mut self, unit: &AccessUnit) {
        if unit.key {
            self.group.clear();
            self.group_bytes = 0;
        } else if self.group.is_empty() {
            return;
        }
        self.group_bytes += unit.data.len();
        self.group.push_back(unit.clone());
        if self.group_bytes > GROUP_MAX_BYTES || self.group.len() > GROUP_MAX_UNITS {
            self.group.clear();
            self.group_bytes = 0;
        }
    }
}

struct Camera {
    open: CameraOpen,
    events: Sender<Event>,
    inputs: mpsc::Sender<Input>,
    clock: SystemClock,
    main: Source,
    sub: Option<Source>,
    recorder: Recorder,
    keeping: Keeping,
    bulk: mpsc::SyncSender<BulkFrame>,
    /// When the engine last heard that no stream is fetched.
    idle_told: Duration,
    looking: Vec<Looking>,
    measuring: Option<Measuring>,
}

/// How the camera worker ends.
enum End {
    Orderly,
    Fault(FaultCode, String),
}

/// Runs the camera worker until the engine orders its end, or its main stream fails.
pub(crate) fn run(channel: Channel, bulk: UnixStream, open: CameraOpen) -> anyhow::Result<()> {
    let Channel { events, orders } = channel;
    let Some(main) = Address::parse(&open.main_uri) else {
        return refuse(&events, Stream::Main, "the main stream's address is not an RTSP address");
    };
    let sub = match open.sub_uri.as_deref().map(Address::parse) {
        Some(None) => return refuse(&events, Stream::Sub, "the substream's address is not an RTSP address"),
        Some(Some(address)) => Some(address),
        None => None,
    };
    let addresses = || sub.iter().chain([&main]);
    let tunnels = matches!(open.transport, Transport::Auto | Transport::Http);
    let tunnels = tunnels && addresses().any(|address| !address.tls);
    let sandbox = sandbox::restrict(&Needs {
        connect_ports: addresses()
            .map(|address| address.port)
            .chain(tunnels.then_some(source::HTTP_PORT))
            .collect(),
        names: addresses().any(|address| address.named),
        tls: addresses().any(|address| address.tls),
        udp: matches!(open.transport, Transport::Auto | Transport::Udp),
        unix_sockets: false,
        fonts: false,
    });
    events.send(&Event::Ready { sandbox })?;

    let (inputs, incoming) = mpsc::channel();
    let to_camera = inputs.clone();
    follow_orders(orders, move |order, descriptors| {
        to_camera.send(Input::Order(order, descriptors)).is_ok()
    })?;
    let (bulk_in, writing) = begin_bulk(bulk)?;

    let target_us = u64::from(open.clip_target_ms.clamp(1_000, 3_600_000)) * 1_000;
    let mut camera = Camera {
        recorder: Recorder::new(bulk_in.clone(), target_us),
        keeping: Keeping::new(open.record),
        bulk: bulk_in,
        idle_told: Duration::ZERO,
        main: Source::new(Stream::Main, main),
        sub: sub.map(|address| Source::new(Stream::Sub, address)),
        events,
        inputs,
        clock: SystemClock::new(),
        looking: Vec::new(),
        measuring: None,
        open,
    };
    let end = camera.work(&incoming);
    camera.recorder.finish();
    let events = camera.events.clone();
    // The streams stop on threads of their own; the process ends before they can wait for a camera that is gone.
    drop(camera);
    let _ = writing.join();
    if let End::Fault(code, text) = end {
        tell_fault(&events, Stream::Main, code, &text);
        process::exit(1);
    }
    process::exit(0)
}

fn refuse(events: &Sender<Event>, stream: Stream, text: &str) -> anyhow::Result<()> {
    tell_fault(events, stream, FaultCode::NotFound, text);
    anyhow::bail!("{text}")
}

impl Camera {
    fn work(&mut self, incoming: &mpsc::Receiver<Input>) -> End {
        if self.main_wanted()
            && let Err(end) = self.connect_again(Stream::Main)
        {
            return end;
        }
        loop {
            let step = match incoming.recv_timeout(TICK) {
                Ok(Input::Order(Order::Shutdown, _)) => return End::Orderly,
                Ok(Input::Order(order, descriptors)) => self.obey(order, descriptors),
                Ok(Input::Stream { stream, attempt, what }) => self.take(stream, attempt, what),
                Err(mpsc::RecvTimeoutError::Timeout) => Ok(()),
                Err(mpsc::RecvTimeoutError::Disconnected) => return End::Orderly,
            };
            if let Err(end) = step.and_then(|()| self.watch()) {
                return end;
            }
        }
    }

    fn main_wanted(&self) -> bool {
        self.keeping.wants_pictures()
            || self.is_looked_at(Stream::Main)
            || self.measured_stream() == Some(Stream::Main)
    }

    fn source(&mut self, stream: Stream) -> Option<&mut Source> {
        match stream {
            Stream::Main => Some(&mut self.main),
            Stream::Sub => self.sub.as_mut(),
        }
    }

    fn obey(&mut self, order: Order, descriptors: Vec<OwnedFd>) -> Result<(), End> {
        match order {
            Order::View { view, stream, ring } => {
                let looked = self.look(view, stream, ring, &descriptors);
                self.tell_watched();
                looked
            }
            Order::NoView { view } => {
                self.look_away(view);
                self.tell_watched();
                Ok(())
            }
            Order::Region { view, region } => {
                self.show_region(view, region);
                Ok(())
            }
            Order::Snapshot { id, stream, format } => {
                let source = match stream {
                    Stream::Sub => self.sub.as_ref().unwrap_or(&self.main),
                    Stream::Main => &self.main,
                };
                let units: Vec<_> =
                    source.group.iter().map(|unit| (unit.pts_us, unit.key, Arc::clone(&unit.data))).collect();
                let newest_us = units.iter().map(|(pts_us, ..)| *pts_us).max();
                let group = newest_us.map(|shown_us| snapshot::Group { shown_us, units });
                snapshot::make(id, format, group, source.format.clone(), descriptors, self.events.clone());
                Ok(())
            }
            Order::Motion { settings } => self.measure_motion(settings),
            Order::Record { keep } => self.keep(keep),
            Order::Cut => {
                self.recorder.cut_at_next_key();
                Ok(())
            }
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
            | Order::Play
            | Order::Pause
            | Order::Seek { .. }
            | Order::Step { .. }
            | Order::Loop { .. }
            | Order::Follow { .. }
            | Order::Adjust { .. }
            | Order::Speed { .. }
            | Order::Shutdown) => {
                tracing::warn!("not an order for a running camera: {other:?}");
                Ok(())
            }
        }
    }

    fn take(&mut self, stream: Stream, attempt: u32, what: Incoming) -> Result<(), End> {
        let now = self.clock.monotonic();
        let Some(source) =
            self.source(stream).filter(|source| source.attempt == attempt && source.ingest.is_some())
        else {
            return Ok(());
        };
        let (mut unit, format) = match what {
            Incoming::Unit(unit, format) => (unit, format),
            Incoming::Failed(code, text) => return self.failed(stream, code, text),
            Incoming::Unreachable(code, text) => return self.unreachable(stream, code, text),
            Incoming::Silent(text) => return self.silent(stream, FaultCode::Timeout, text),
            Incoming::NotUnderstood(text) => return self.read_otherwise(stream, &text),
        };
        source.begins_with = source.transport;
        source.failed_before = None;
        source.last_unit = now;
        unit.pts_us = source.steady.time(unit.pts_us, now);
        source.first_unit.get_or_insert(now);
        source.key_seen |= unit.key;
        source.stall_told = false;
        source.rate.add(now, unit.data.len());
        source.delay.add(now, unit.late);
        source.still.add(now, &unit);
        let turned = source.delay.has_turned();
        source.format = Some(Arc::clone(&format));
        source.keep_group(&unit);
        let fresh_state = source.told_format.as_ref().is_none_or(|told| !Arc::ptr_eq(told, &format));
        self.push_views(stream, &unit, &format);
        self.push_motion(stream, &unit, &format);
        if fresh_state || turned {
            self.tell_state(stream, now);
        }
        if stream == Stream::Main { self.record(unit, &format) } else { Ok(()) }
    }

    fn tell_state(&mut self, stream: Stream, now: Duration) {
        let Some(source) = self.source(stream) else { return };
        source.state_told = now;
        source.told_format.clone_from(&source.format);
        let state = hausrecht_media::StreamState {
            stream,
            streaming: source.first_unit.is_some(),
            codec: source.format.as_ref().map(|format| format.codec),
            width: source.format.as_ref().map_or(0, |format| format.width),
            height: source.format.as_ref().map_or(0, |format| format.height),
            fps: source.rate.fps(now),
            bits_per_second: source.rate.bits_per_second(now),
            transport: source.transport,
            lag_ms: source.delay.ms(),
            frozen_ms: source.still.ms(now),
        };
        // The next one follows in two seconds.
        let _ = self.events.try_send(&Event::State(state));
        if stream == Stream::Main && !self.looking.is_empty() {
            self.tell_branches();
        }
    }

    /// Without its main stream the worker ends; without its substream it goes on.
    fn fail(&mut self, stream: Stream, code: FaultCode, text: String) -> Result<(), End> {
        match stream {
            Stream::Main => Err(End::Fault(code, text)),
            Stream::Sub => {
                tell_fault(&self.events, stream, code, &text);
                self.look_elsewhere()?;
                let measured = self.measure_motion_elsewhere();
                self.stop_unwatched();
                self.tell_watched();
                measured
            }
        }
    }

    /// Tells states, and notices silence.
    fn watch(&mut self) -> Result<(), End> {
        let now = self.clock.monotonic();
        for stream in [Stream::Main, Stream::Sub] {
            let events = self.events.clone();
            let Some(source) = self.source(stream).filter(|source| source.ingest.is_some()) else { continue };
            let silent = now.saturating_sub(source.last_unit);
            let fault = match source.first_unit {
                None if now.saturating_sub(source.started) > FIRST_PICTURE_LIMIT => {
                    let text = "connected, but no picture came".into();
                    self.silent(stream, FaultCode::Timeout, text)?;
                    continue;
                }
                Some(_) if silent > LOST_AFTER => Some((FaultCode::Lost, "no data for ten seconds")),
                Some(first) if !source.key_seen && now.saturating_sub(first) > KEY_FRAME_LIMIT => {
                    Some((FaultCode::NoKeyFrame, "no key frame in ten seconds"))
                }
                Some(_) | None => None,
            };
            if source.first_unit.is_some() && silent > STALLED_AFTER && !source.stall_told {
                source.stall_told = true;
                let silent_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
                // The engine watches for pictures itself as well.
                let _ = events.try_send(&Event::Stalled { stream: source.stream, silent_ms });
            }
            let due = now.saturating_sub(source.state_told) > STATE_EVERY;
            if fault.is_none() && source.delay.must_be_renewed(now) {
                tracing::warn!(
                    "{stream:?} has come more than five seconds late for some time and is fetched anew"
                );
                self.fetch_anew(stream)?;
                continue;
            }
            if let Some((code, text)) = fault {
                self.fail(stream, code, text.into())?;
            } else if due {
                self.tell_state(stream, now);
            }
        }
        self.tell_idle(now);
        Ok(())
    }

    /// Without a stream there is no state to tell, and a worker that says nothing is taken for one that hangs.
    fn tell_idle(&mut self, now: Duration) {
        let is_idle = self.main.ingest.is_none() && self.sub.as_ref().is_none_or(|sub| sub.ingest.is_none());
        if is_idle && now.saturating_sub(self.idle_told) > STATE_EVERY {
            self.idle_told = now;
            self.tell_state(Stream::Main, now);
        }
    }
}
