//! Measures seeks and steps of a player worker: `play WORKER CLIP.mp4 SEEKS`. The clip is one that `record` wrote.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use hausrecht_media::{Event, Launcher, Order, PlayerOpen, Ring, Stream, Worker};
use hausrecht_model::Codec;

struct Session {
    worker: Worker,
    clip: Vec<u8>,
    read_bytes: u64,
}

impl Session {
    /// Serves the player until `until` says yes; how long that took.
    fn until(
        &mut self,
        mut until: impl FnMut(&Event) -> bool,
    ) -> Result<Duration, Box<dyn std::error::Error>> {
        let began = Instant::now();
        loop {
            let event = self.worker.events.recv()?;
            if let Event::Read { id, offset, len } = event {
                let start = usize::try_from(offset)?.min(self.clip.len());
                let end = (start + len as usize).min(self.clip.len());
                self.read_bytes += (end - start) as u64;
                self.worker.answers.answer(id, &self.clip[start..end])?;
            } else if matches!(event, Event::Fault { .. }) {
                return Err(format!("{event:?}").into());
            } else if until(&event) {
                return Ok(began.elapsed());
            }
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let arguments: Vec<String> = std::env::args().collect();
    let [_, worker, clip, seeks] = &arguments[..] else { return Err("play WORKER CLIP.mp4 SEEKS".into()) };
    let launched = Instant::now();
    let worker = Launcher::new(Path::new(worker))?.launch("play")?;
    let clip = fs::read(clip)?;
    let size_bytes = clip.len() as u64;
    let mut session = Session { worker, clip, read_bytes: 0 };
    session.worker.orders.send(&Order::PlayerOpen(PlayerOpen {
        size_bytes,
        codec: Codec::H264,
        autoplay: false,
    }))?;
    session.until(|event| matches!(event, Event::Ready { .. }))?;
    println!("ready after {:?}", launched.elapsed());
    let mut length_us = 0;
    let opening = session.until(|event| {
        println!("{event:?}");
        if let Event::Opened { duration_us, .. } = event {
            length_us = *duration_us;
        }
        matches!(event, Event::Opened { .. })
    })?;
    println!("opened after {opening:?}, {} bytes read of {size_bytes}", session.read_bytes);
    let ring = Ring::create(1, 1280, 720)?;
    session
        .worker
        .orders
        .send_with(&Order::View { view: 1, stream: Stream::Main, ring: ring.shape() }, &[ring.as_fd()])?;
    println!("first picture {:?}", session.until(|event| matches!(event, Event::Position { .. }))?);
    for accurate in [true, false] {
        let mut taken = Vec::new();
        for n in 0..seeks.parse::<u64>()? {
            let to_us = n * 7_919_333 % length_us;
            session.worker.orders.send(&Order::Seek { to_us, accurate })?;
            let mut shown_us = 0;
            taken.push(session.until(
                |event| matches!(event, Event::Position { pts_us, .. } if { shown_us = *pts_us; true }),
            )?);
            if accurate && to_us.abs_diff(shown_us) > 45_000 {
                println!("asked for {to_us} µs, got {shown_us} µs");
            }
        }
        report(if accurate { "accurate seek" } else { "key seek" }, taken);
    }
    for frames in [1, -1] {
        session.worker.orders.send(&Order::Seek { to_us: length_us / 2, accurate: true })?;
        session.until(|event| matches!(event, Event::Position { .. }))?;
        let mut taken = Vec::new();
        for _ in 0..40 {
            session.worker.orders.send(&Order::Step { frames })?;
            taken.push(session.until(|event| matches!(event, Event::Position { .. }))?);
        }
        report(if frames > 0 { "step on" } else { "step back" }, taken);
    }
    for factor in [16.0, 2.0, 1.0] {
        session.worker.orders.send(&Order::Seek { to_us: 0, accurate: true })?;
        session.until(|event| matches!(event, Event::Position { pts_us: 0, .. }))?;
        session.worker.orders.send(&Order::Speed { factor })?;
        session.worker.orders.send(&Order::Play)?;
        let mut shown = 0;
        let taken = session.until(|event| {
            shown += u32::from(matches!(event, Event::Frame { .. }));
            matches!(event, Event::Position { ended: true, .. })
        })?;
        println!("played {length_us} µs at {factor} in {taken:?}, {shown} pictures");
    }
    Ok(())
}

fn report(what: &str, mut taken: Vec<Duration>) {
    taken.sort_unstable();
    let at = |percent: usize| {
        taken.get((taken.len() * percent / 100).min(taken.len() - 1)).copied().unwrap_or_default()
    };
    println!("{what}: p50 {:?} p95 {:?} max {:?} of {}", at(50), at(95), at(100), taken.len());
}
