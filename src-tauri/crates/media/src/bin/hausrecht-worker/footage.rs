//! The footage worker: a file that something else has recorded, which may be anything. Its bytes come from the engine as they are
//! asked for; what is in it is told, taken over as clips without touching its pictures, or shown.

mod demux;
mod import;
mod source;
mod watch;

use std::{os::unix::net::UnixStream, process};

use hausrecht_media::{
    Event, FaultCode, FootageInfo, FootageOpen, FootageTask, Stream,
    answer::AnswerReader,
    footage::{self, Container, HEAD_BYTES, ReadAt},
};
use hausrecht_model::{Clock, clock::SystemClock};

pub(crate) use self::watch::Watched;
use self::{demux::Demux, source::Source};
use crate::{
    channel::{Channel, tell_fault},
    clip_reader::EngineBytes,
    player,
    sandbox::{self, Needs},
};

/// What the engine branches on, and what stands in the log.
type Failure = (FaultCode, String);

/// Runs the footage worker until it is done with the file.
pub(crate) fn run(
    channel: Channel,
    bulk: UnixStream,
    answers: AnswerReader,
    open: FootageOpen,
) -> anyhow::Result<()> {
    demux::load_elements();
    let sandbox = sandbox::restrict(&Needs::default());
    let events = channel.events.clone();
    events.send(&Event::Ready { sandbox })?;
    let mut source = Source::new(EngineBytes::new(events.clone(), answers), open.size_bytes);
    let done = match open.task {
        FootageTask::Look => look(&mut source).and_then(|info| tell(&events, Event::Footage(info))),
        FootageTask::Import { start_unix_us, clip_target_ms } => {
            import::run(&events, source, bulk, start_unix_us, clip_target_ms)
                .and_then(|ended| tell(&events, ended))
        }
        FootageTask::Watch { autoplay } => {
            match container(&mut source).and_then(|it| Watched::open(source, it)) {
                Ok(watched) => return player::show(channel, watched.into(), autoplay),
                Err(failure) => Err(failure),
            }
        }
    };
    match done {
        Ok(()) => process::exit(0),
        Err((code, text)) => {
            tell_fault(&events, Stream::Main, code, &text);
            process::exit(1)
        }
    }
}

fn tell(events: &hausrecht_media::Sender<Event>, event: Event) -> Result<(), Failure> {
    events.send(&event).map_err(|error| (FaultCode::Internal, error.to_string()))
}

fn container(source: &mut Source) -> Result<Container, Failure> {
    if source.size_bytes() == 0 {
        return Err((FaultCode::Refused, "the file is empty".into()));
    }
    let head = source.read_at(0, HEAD_BYTES);
    if head.is_empty() {
        return Err((FaultCode::Internal, "the file cannot be read".into()));
    }
    Container::of(&head).ok_or_else(|| {
        (FaultCode::Refused, "this is not MP4, MOV, MKV, AVI or TS, whatever its name says".into())
    })
}

fn look(source: &mut Source) -> Result<FootageInfo, Failure> {
    let container = container(source)?;
    let created = footage::created(container, source, SystemClock::new().now().0);
    let mut demux = Demux::open(source.again(), container)?;
    let first = loop {
        match demux.next()? {
            Some(unit) if unit.key => break unit,
            Some(_) => {}
            None => return Err(demux.nothing()),
        }
    };
    Ok(FootageInfo {
        container,
        codec: first.format.codec,
        width: first.format.width,
        height: first.format.height,
        duration_us: demux.duration_us(),
        created,
    })
}
