//! Hands a worker the bytes of a file, and hears what it says of it.

use std::{fs::File, io, os::unix::fs::FileExt, time::Duration};

use hausrecht_media::{
    AnswerWriter, BulkReader, ControlError, Event as WorkerEvent, FaultCode, FootageOpen, FootageTask, Order,
    Worker, answer::MAX_ANSWER_BYTES,
};

use crate::{
    Result,
    inner::Inner,
    wire::{Error, FootageRefusal},
};

/// How often it is looked whether to end.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A worker that neither asks nor tells for this long hangs.
const HUNG_AFTER: Duration = Duration::from_secs(90);

/// A file whose bytes are handed out.
#[derive(Debug)]
pub(crate) struct Bytes {
    pub(crate) file: File,
    pub(crate) size_bytes: u64,
}

impl Bytes {
    /// Answers one question of a worker.
    pub(crate) fn answer(
        &self,
        answers: &mut AnswerWriter,
        id: u32,
        offset: u64,
        len: u32,
    ) -> io::Result<()> {
        let mut bytes = vec![0; (len as usize).min(MAX_ANSWER_BYTES)];
        let mut filled = 0;
        while filled < bytes.len() && offset.saturating_add(filled as u64) < self.size_bytes {
            match self.file.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!("a file that is imported: {error}");
                    return answers.fail(id);
                }
            }
        }
        answers.answer(id, &bytes[..filled])
    }
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The worker has said all that it had to.
    Well,
    /// It said why not.
    Refused(FootageRefusal, String),
    /// It ended by itself, or had to be ended.
    Died(String),
    /// Somebody wanted it to end.
    Stopped,
}

/// Lets a worker do `task` with a file. `stop` is asked now and then, `told` is given what it says; what comes over bulk is for
/// `record`, on a thread of its own.
pub(super) fn serve<T: Send>(
    inner: &Inner,
    bytes: &Bytes,
    task: FootageTask,
    stop: impl Fn() -> bool,
    mut told: impl FnMut(WorkerEvent),
    record: impl FnOnce(BulkReader<std::os::unix::net::UnixStream>) -> T + Send,
) -> Result<(Ended, T)> {
    let launched = inner.launcher.launch("footage").map_err(Error::internal)?;
    let Worker { orders, mut events, bulk, mut answers, process } = launched;
    let open = FootageOpen { size_bytes: bytes.size_bytes, task };
    orders.send(&Order::FootageOpen(open)).map_err(Error::internal)?;
    std::thread::scope(|scope| {
        let recording = scope.spawn(move || record(bulk));
        let clock = &inner.options.clock;
        let mut last_word = clock.monotonic();
        let mut ended = None;
        let end = loop {
            if stop() {
                break Ended::Stopped;
            }
            let event = match events.recv_timeout(LOOK_EVERY) {
                Ok(Some(event)) => event,
                Ok(None) if clock.monotonic().saturating_sub(last_word) > HUNG_AFTER => {
                    break Ended::Died("the worker that reads the file says nothing any more".into());
                }
                Ok(None) => continue,
                Err(ControlError::Closed) => {
                    let why = || Ended::Died("the worker that reads the file ended by itself".into());
                    break ended.take().unwrap_or_else(why);
                }
                Err(error) => break Ended::Died(error.to_string()),
            };
            last_word = clock.monotonic();
            if let WorkerEvent::Read { id, offset, len } = event {
                if let Err(error) = bytes.answer(&mut answers, id, offset, len) {
                    tracing::debug!("the worker took no answer: {error}");
                }
            } else if let WorkerEvent::Fault { code, text, .. } = event {
                ended = Some(Ended::Refused(refusal(code, bytes), text));
            } else {
                if matches!(event, WorkerEvent::Footage(_) | WorkerEvent::FootageEnded { .. }) {
                    ended = Some(Ended::Well);
                }
                told(event);
            }
        };
        // Killing it ends its pipe, and with that the recorder.
        drop(process);
        let recorded = recording.join().map_err(|_| Error::internal("the recorder ended by a defect"))?;
        Ok((end, recorded))
    })
}

fn refusal(code: FaultCode, bytes: &Bytes) -> FootageRefusal {
    match code {
        FaultCode::Refused if bytes.size_bytes == 0 => FootageRefusal::Empty,
        FaultCode::Refused => FootageRefusal::NotAFilm,
        FaultCode::NotFound => FootageRefusal::NoVideo,
        FaultCode::UnsupportedCodec => FootageRefusal::Codec,
        FaultCode::NotAuthorized => FootageRefusal::Protected,
        FaultCode::Lost | FaultCode::NoKeyFrame => FootageRefusal::Damaged,
        FaultCode::PasswordUnprotected
        | FaultCode::Timeout
        | FaultCode::NoBackChannel
        | FaultCode::NoMicrophone
        | FaultCode::Internal => FootageRefusal::Unreadable,
    }
}
