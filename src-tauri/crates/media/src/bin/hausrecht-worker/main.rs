//! The worker: one process a camera, a player, a talk, a card, an export or a file, and the only program that parses what a camera sends. It has no key, no
//! database, no file to write and no network but its camera. What it says to the engine stands in `PROTOCOL.md`.

mod camera;
mod card;
mod channel;
mod clip_reader;
mod decode;
mod export;
mod footage;
mod ingest;
mod lock;
mod motion;
mod player;
mod pre_roll;
mod recorder;
mod sandbox;
mod snapshot;
mod source;
mod talk;
mod thumbnail;
mod view;

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::ExitCode,
};

use anyhow::{Context, bail};
use hausrecht_media::{Event, Order, answer::AnswerReader, control, fmp4, message::PROTOCOL_VERSION};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use self::channel::Channel;

fn main() -> ExitCode {
    let level = std::env::var("HAUSRECHT_WORKER_LOG").unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .without_time()
        .with_ansi(false)
        .init();
    let asked = std::env::args().nth(1);
    let result = match asked.as_deref() {
        None => work(),
        Some("check-sandbox") => sandbox::check(),
        Some(other) => Err(anyhow::anyhow!("“{other}” is not known; this program is started by Hausrecht")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> anyhow::Result<()> {
    harden()?;
    let socket = io::stdin().as_fd().try_clone_to_owned().context("taking the control socket")?;
    let (events, mut orders) = control::split::<Event, Order>(socket);
    let (hello, descriptors) = orders.recv_with().context("this program is started by Hausrecht")?;
    if !matches!(hello, Order::Hello { version: PROTOCOL_VERSION }) {
        bail!("the engine speaks another version of the protocol");
    }
    let [bulk, answers] = <[OwnedFd; 2]>::try_from(descriptors)
        .map_err(|_| anyhow::anyhow!("two streams must come with hello"))?;
    gstreamer::init().context("starting GStreamer")?;
    source::load_elements();
    let channel = Channel { events, orders };
    wait_for_open(channel, UnixStream::from(bulk), AnswerReader::new(UnixStream::from(answers)))
}

/// Ends with the engine, and leaves no core dump with pictures in it.
fn harden() -> anyhow::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).context("PR_SET_PDEATHSIG")?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).context("RLIMIT_CORE")?;
    Ok(())
}

/// The first order says what this worker is; until then, and until the sandbox is closed, no thread is started.
fn wait_for_open(mut channel: Channel, bulk: UnixStream, answers: AnswerReader) -> anyhow::Result<()> {
    match channel.orders.recv().context("waiting for the first order")? {
        Order::Open(open) => camera::run(channel, bulk, open),
        Order::PlayerOpen(open) => player::run(channel, answers, open),
        Order::TalkOpen(open) => talk::run(channel, open),
        Order::CardOpen(open) => card::run(channel, bulk, open),
        Order::ExportOpen(open) => export::run(channel, bulk, answers, open),
        Order::FootageOpen(open) => footage::run(channel, bulk, answers, open),
        Order::Shutdown => Ok(()),
        Order::Hello { .. }
        | Order::Motion { .. }
        | Order::Record { .. }
        | Order::View { .. }
        | Order::NoView { .. }
        | Order::Region { .. }
        | Order::Snapshot { .. }
        | Order::Cut
        | Order::Play
        | Order::Pause
        | Order::CardSeek { .. }
        | Order::ExportClip(_)
        | Order::ExportEnd
        | Order::Seek { .. }
        | Order::Step { .. }
        | Order::Loop { .. }
        | Order::Follow { .. }
        | Order::Adjust { .. }
        | Order::Speed { .. } => {
            bail!("the first order must open a camera, a clip, a talk, a card, an export or a file")
        }
    }
}
