//! Does an export: a worker a camera is given the clips one after the other, and what it makes of them is written to files.
//! The entry of each clip is durable before its key is used.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use hausrecht_ledger::Kind;
use hausrecht_media::{
    AnswerWriter, BulkError, BulkFrame, BulkReader, Event as WorkerEvent, ExportClip, ExportOpen, Order,
    Receiver, Sender, Worker,
};
use hausrecht_model::{CameraId, UnixMicros};
use hausrecht_vault::ClipReader;

use super::{
    Job, file_view, named,
    pack::{self, Waiting},
    plan::{Part, Planned, ROOM_FACTOR, Reel},
    progress,
    scratch::Scratch,
    target::{Published, Target},
};
use crate::{
    Handle, Result,
    inner::lock,
    logbook::Note,
    package::FILMS_MAX,
    wire::{Error, ExportedFile},
};

/// What a worker may write beyond [`ROOM_FACTOR`] times what it was given, for what is encoded anew and for tables.
const SURPLUS_BYTES: u64 = 256 << 20;
/// The most files of one camera; each is a stretch without a gap.
const FILES_MAX: usize = 10_000;

/// Files that have their names. They are taken back unless all of them came.
#[derive(Default)]
struct Kept {
    files: Vec<(Published, ExportedFile)>,
    /// Films that wait for their package.
    waiting: Vec<Waiting>,
    whole: bool,
}

/// What has come of an export.
#[derive(Default)]
pub(super) struct Made {
    pub(super) files: Vec<ExportedFile>,
    /// Name of the package that they are in.
    pub(super) package: Option<String>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.whole {
            self.files.iter().for_each(|(published, _)| published.take_back());
        }
    }
}

/// Exports everything that was planned, and gives the files.
pub(super) async fn all(handle: &Handle, job: &Arc<Job>, planned: &Planned, entry: u64) -> Result<Made> {
    let (handle, job, planned) = (handle.clone(), Arc::clone(job), planned.clone());
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let total_us = planned.view.recorded_us;
        let kept = Arc::new(Mutex::new(Kept::default()));
        let mut done_us = 0;
        for reel in &planned.reels {
            let mut work = Work {
                handle: &handle,
                runtime: &runtime,
                job: &job,
                planned: &planned,
                reel,
                entry,
                done_us,
                total_us,
            };
            work.reel(&kept)?;
            done_us = work.done_us;
        }
        if let Some(error) = job.ended() {
            return Err(error);
        }
        let waiting = std::mem::take(&mut lock(&kept).waiting);
        if let Some(seal) = &job.seal {
            return pack::pack(&handle, &runtime, &job, &planned, (entry, seal), waiting);
        }
        let mut kept = lock(&kept);
        kept.whole = true;
        Ok(Made { files: kept.files.iter().map(|(_, file)| file.clone()).collect(), package: None })
    })
    .await
    .map_err(Error::internal)?
}

struct Work<'a> {
    handle: &'a Handle,
    runtime: &'a tokio::runtime::Handle,
    job: &'a Arc<Job>,
    planned: &'a Planned,
    reel: &'a Reel,
    entry: u64,
    done_us: i64,
    total_us: i64,
}

impl Work<'_> {
    fn reel(&mut self, kept: &Arc<Mutex<Kept>>) -> Result<()> {
        let inner = &self.handle.inner;
        let Worker { orders, events, bulk, answers, process } =
            inner.launcher.launch("export").map_err(Error::internal)?;
        *lock(&self.job.process) = Some(process);
        if let Some(error) = self.job.ended() {
            drop(lock(&self.job.process).take());
            return Err(error);
        }
        let caption = self.planned.view.caption.clone();
        orders.send(&Order::ExportOpen(ExportOpen { caption })).map_err(Error::internal)?;
        let writing = {
            let mut writer = FileWriter {
                handle: self.handle.clone(),
                job: Arc::clone(self.job),
                folder: self.planned.folder.clone(),
                camera: self.reel.camera,
                camera_name: self.reel.camera_name.clone(),
                limit_bytes: self.reel.plain_bytes.saturating_mul(ROOM_FACTOR).saturating_add(SURPLUS_BYTES),
                earliest_us: self.reel.parts.first().map_or(UnixMicros(0), |part| part.start_us),
                kept: Arc::clone(kept),
                current: None,
            };
            thread::Builder::new().name("export-files".into()).spawn(move || {
                let outcome = writer.all(bulk);
                if outcome.is_err() {
                    // The worker has nothing more to do.
                    drop(lock(&writer.job.process).take());
                }
                outcome
            })?
        };
        let fed = self.feed(&orders, events, answers);
        if fed.is_err() {
            drop(lock(&self.job.process).take());
        }
        let written = writing.join().map_err(|_| Error::internal("writing the files ended by a defect"))?;
        drop(lock(&self.job.process).take());
        why_it_ended(fed, written)
    }

    /// Gives the worker its clips, and waits until it has ended.
    fn feed(
        &mut self,
        orders: &Sender<Order>,
        mut events: Receiver<WorkerEvent>,
        mut answers: AnswerWriter,
    ) -> Result<()> {
        for (number, part) in (0..).zip(&self.reel.parts) {
            let mut reader = self.release(part)?;
            let micros = |us: i64| u64::try_from(us).unwrap_or(0);
            let order = ExportClip {
                number,
                size_bytes: reader.len(),
                start_unix_us: part.start_us.0,
                from_us: micros(part.from_us),
                until_us: micros(part.until_us),
                joins: part.joins,
                run_us: micros(part.run_us),
            };
            orders.send(&Order::ExportClip(order)).map_err(Error::internal)?;
            let before_us = self.done_us;
            while !self.serve(&mut events, &mut answers, Some(&mut reader), part, before_us)? {}
            let length_us = reel_length(part, self.reel, number as usize);
            self.tell(before_us + length_us);
            self.done_us = before_us + length_us;
        }
        orders.send(&Order::ExportEnd).map_err(Error::internal)?;
        while let Ok(event) = events.recv() {
            if let WorkerEvent::Fault { text, .. } = event {
                return Err(failed(text));
            }
        }
        Ok(())
    }

    /// Log first, key second.
    fn release(&self, part: &Part) -> Result<ClipReader> {
        if let Some(error) = self.job.ended() {
            return Err(error);
        }
        let order = lock(&self.job.view).order.clone();
        let mut note = named(Note::new(Kind::CopyMade), &order);
        note.refers_to = Some(self.entry);
        let released = self.handle.release_with(&self.job.person, part.clip, note);
        let (_, reader, _) = self.runtime.block_on(released)?;
        Ok(reader)
    }

    /// Answers one thing that the worker says; true once the clip is done.
    fn serve(
        &mut self,
        events: &mut Receiver<WorkerEvent>,
        answers: &mut AnswerWriter,
        reader: Option<&mut ClipReader>,
        part: &Part,
        before_us: i64,
    ) -> Result<bool> {
        let event = events.recv().map_err(|_| Error::internal("the export's worker ended by itself"))?;
        if let Some(error) = self.job.ended() {
            return Err(error);
        }
        match event {
            WorkerEvent::Read { id, offset, len } => {
                self.handle.inner.still(&self.job.person)?;
                let reader =
                    reader.ok_or_else(|| Error::internal("the worker asks for a clip that is closed"))?;
                let bytes = read(reader, offset, len).inspect_err(|_| drop(answers.fail(id)))?;
                answers.answer(id, &bytes)?;
            }
            WorkerEvent::Exported { .. } => return Ok(true),
            WorkerEvent::ExportPosition { unix_us } => {
                let passed = unix_us.saturating_sub(part.start_us.0 + part.from_us);
                self.tell(before_us + passed.clamp(0, part.run_us.max(0)));
            }
            WorkerEvent::Fault { text, .. } => return Err(failed(text)),
            WorkerEvent::Ready { .. }
            | WorkerEvent::State(_)
            | WorkerEvent::Frame { .. }
            | WorkerEvent::Stalled { .. }
            | WorkerEvent::Decoding { .. }
            | WorkerEvent::Snapshot { .. }
            | WorkerEvent::Motion { .. }
            | WorkerEvent::Talking { .. }
            | WorkerEvent::Opened { .. }
            | WorkerEvent::Position { .. }
            | WorkerEvent::CardPosition { .. }
            | WorkerEvent::CardEnded
            | WorkerEvent::Footage(_)
            | WorkerEvent::FootagePosition { .. }
            | WorkerEvent::FootageEnded { .. } => {}
        }
        Ok(false)
    }

    fn tell(&self, done_us: i64) {
        let inner = &self.handle.inner;
        let now = inner.options.clock.monotonic();
        let (permille, left_s) = progress(self.job, now, done_us, self.total_us);
        inner.change_export(self.job, |view| {
            view.done_permille = view.done_permille.max(permille.min(999));
            view.left_s = left_s.or(view.left_s);
        });
    }
}

/// What went wrong first. A disk that takes no more ends the worker, and a worker that ends cuts off what is written: neither
/// of these ends is what is wrong.
fn why_it_ended(fed: Result<()>, written: std::result::Result<(), Unwritten>) -> Result<()> {
    match (fed, written) {
        (_, Err(Unwritten::Refused(error))) | (Err(error), _) => Err(error),
        (Ok(()), Err(Unwritten::CutOff(error))) => Err(error),
        (Ok(()), Ok(())) => Ok(()),
    }
}

/// How much of a clip is exported.
fn reel_length(part: &Part, reel: &Reel, index: usize) -> i64 {
    let next = reel.parts.get(index + 1).filter(|next| next.joins).map_or(0, |next| next.run_us);
    (part.run_us - next).min(part.until_us).saturating_sub(part.from_us).max(0)
}

fn failed(text: String) -> Error {
    Error::internal(format!("the pictures could not be exported: {text}"))
}

fn read(reader: &mut ClipReader, offset: u64, len: u32) -> Result<Vec<u8>> {
    let mut bytes = vec![0; (len as usize).min(hausrecht_media::answer::MAX_ANSWER_BYTES)];
    let mut filled = 0;
    while filled < bytes.len() {
        match reader.read_at(offset.saturating_add(filled as u64), &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Why files are not written to their end.
#[derive(Debug)]
enum Unwritten {
    /// The folder did not take them, or the worker sent what may not be.
    Refused(Error),
    /// The worker's end came before theirs.
    CutOff(Error),
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Writes what the worker makes. It is believed in nothing: neither how much it is nor when it was.
struct FileWriter {
    handle: Handle,
    job: Arc<Job>,
    folder: PathBuf,
    camera: CameraId,
    camera_name: String,
    limit_bytes: u64,
    earliest_us: UnixMicros,
    kept: Arc<Mutex<Kept>>,
    current: Option<(Sink, UnixMicros)>,
}

/// Where a film is written.
enum Sink {
    /// A file of its own.
    Open(Target),
    /// To wait for its package.
    Sealed(Box<Scratch>),
}

impl Sink {
    fn size_bytes(&self) -> u64 {
        match self {
            Self::Open(target) => target.size_bytes(),
            Self::Sealed(scratch) => scratch.size_bytes(),
        }
    }

    fn write(&mut self, offset: u64, bytes: &[u8], folder: &Path) -> Result<()> {
        match self {
            Self::Open(target) => target.write(offset, bytes),
            Self::Sealed(scratch) => scratch.write(offset, bytes, folder),
        }
    }
}

impl FileWriter {
    fn all(
        &mut self,
        mut bulk: BulkReader<std::os::unix::net::UnixStream>,
    ) -> std::result::Result<(), Unwritten> {
        let mut files = 0;
        let cut_off = |error: BulkError| Unwritten::CutOff(Error::internal(error));
        while let Some(frame) = bulk.next_frame().map_err(cut_off)? {
            match frame {
                BulkFrame::FileStart(start) if self.current.is_none() && files < FILES_MAX => {
                    files += 1;
                    let inner = &self.handle.inner;
                    let target = Target::begin(&self.folder, |part| inner.remember_part(part))?;
                    let sink = if self.job.seal.is_none() {
                        Sink::Open(target)
                    } else if lock(&self.kept).waiting.len() < FILMS_MAX {
                        Sink::Sealed(Box::new(Scratch::begin(target)?))
                    } else {
                        let text =
                            "there are too many gaps in this span for one package: choose a shorter one";
                        return Err(Error::invalid(text).into());
                    };
                    self.current = Some((sink, start.start_unix_us.max(self.earliest_us)));
                }
                BulkFrame::FileWrite { offset, bytes } => {
                    let (sink, _) = self.current.as_mut().ok_or_else(out_of_order)?;
                    let end = offset.saturating_add(bytes.len() as u64);
                    let grown = end.saturating_sub(sink.size_bytes());
                    self.limit_bytes = self.limit_bytes.checked_sub(grown).ok_or_else(out_of_order)?;
                    sink.write(offset, &bytes, &self.folder)?;
                }
                BulkFrame::FileEnd(end) => {
                    let (sink, start_us) = self.current.take().ok_or_else(out_of_order)?;
                    if let Some(error) = self.job.ended() {
                        return Err(error.into());
                    }
                    match sink {
                        Sink::Open(target) => {
                            let published = target.publish(&stem(&self.camera_name, start_us), "mp4")?;
                            let name = published.name();
                            let view =
                                file_view(name, published.size_bytes, &self.camera_name, start_us, &end);
                            lock(&self.kept).files.push((published, view));
                        }
                        Sink::Sealed(scratch) => {
                            let film = scratch.finish(&self.folder)?;
                            let (camera, camera_name) = (self.camera, self.camera_name.clone());
                            let waiting = Waiting { film, camera, camera_name, from_us: start_us, end };
                            lock(&self.kept).waiting.push(waiting);
                        }
                    }
                }
                BulkFrame::FileStart(_)
                | BulkFrame::ClipStart(_)
                | BulkFrame::Init { .. }
                | BulkFrame::Fragment { .. }
                | BulkFrame::ClipEnd(_)
                | BulkFrame::Thumbnail { .. } => return Err(out_of_order().into()),
            }
        }
        if self.current.is_some() {
            let text = "the export's worker ended in the middle of a file";
            return Err(Unwritten::CutOff(Error::internal(text)));
        }
        Ok(())
    }
}

fn out_of_order() -> Error {
    Error::internal("the export's worker sends what was not asked for")
}

/// The most bytes of a camera's name in a file's: with time, number and ending, file systems take 255.
const NAME_MAX_BYTES: usize = 180;

/// What a file is called: its camera, and when it begins, in UTC so that no two hours of a year have the same name.
pub(super) fn stem(camera_name: &str, start_us: UnixMicros) -> String {
    let name: String = camera_name
        .chars()
        .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '-' } else { c })
        .collect();
    let name = name.trim().trim_start_matches('.');
    let name = name[..name.floor_char_boundary(NAME_MAX_BYTES)].trim_end();
    let name = if name.is_empty() { "Hausrecht" } else { name };
    let time = jiff::Timestamp::from_microsecond(start_us.0)
        .map_or_else(|_| start_us.0.to_string(), |time| time.strftime("%Y-%m-%d %H-%M-%S").to_string());
    format!("{name} {time} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_every_file_system_takes() {
        assert_eq!(stem("../a:b", UnixMicros(1_795_349_980_000_000)), "-a-b 2026-11-22 12-19-40 UTC");
        assert_eq!(stem(" ", UnixMicros(0)), "Hausrecht 1970-01-01 00-00-00 UTC");
    }

    #[test]
    fn a_long_name_is_shortened_between_two_characters() {
        for (letter, kept) in [("a", 180), ("ü", 90), ("門", 60), ("🚪", 45)] {
            let stem = stem(&format!("x{}", letter.repeat(300)), UnixMicros(0));
            let name = stem.strip_suffix(" 1970-01-01 00-00-00 UTC").unwrap();
            assert!((kept - 1..=kept).contains(&name.chars().count()), "{name}");
            assert!(stem.len() + " (1000).mp4".len() <= 255, "{stem}");
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(format!("{stem} (1000).mp4")), b"").unwrap();
        }
    }

    #[test]
    fn what_is_told_is_what_went_wrong_first() {
        let error = |text: &str| Error::invalid(text.to_owned());
        let told = |fed: Result<()>, written| why_it_ended(fed, written).unwrap_err().message;
        let gone = || Err(error("the worker is gone"));
        assert_eq!(told(gone(), Err(Unwritten::Refused(error("too large")))), "too large");
        assert_eq!(told(Ok(()), Err(Unwritten::Refused(error("too large")))), "too large");
        assert_eq!(
            told(Err(error("a damaged clip")), Err(Unwritten::CutOff(error("cut off")))),
            "a damaged clip"
        );
        assert_eq!(told(Ok(()), Err(Unwritten::CutOff(error("cut off")))), "cut off");
        assert_eq!(told(gone(), Ok(())), "the worker is gone");
        assert!(why_it_ended(Ok(()), Ok(())).is_ok());
    }
}
