//! The export worker: clips in, files for other programs out. Pictures are copied as the camera sent them; where a span begins
//! between key frames, only the group of pictures there is encoded anew. It has no key and writes no file: bytes come and go
//! through the engine.

mod file;
mod groups;
mod recode;
mod sets;

use std::{
    os::unix::net::UnixStream,
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use gstreamer as gst;
use gstreamer::prelude::*;
use hausrecht_media::{
    Event, ExportClip, ExportOpen, FaultCode, Order, Sender, Stream, answer::AnswerReader, bulk::BulkFrame,
};
use hausrecht_model::{Clock, Codec, clock::SystemClock};

use self::{
    file::File,
    groups::{Fate, alone, begins_anew, fate, group_at, leading},
    recode::{Encoded, Recoder, Style},
    sets::Sets,
};
use crate::{
    channel::{Channel, begin_bulk, follow_orders, tell_fault},
    clip_reader::{ClipReader, EngineBytes, Picture},
    decode,
    fmp4::Format,
    sandbox::{self, Needs},
};

const POSITION_EVERY: Duration = Duration::from_millis(250);
/// Where two clips overlap by a trifle, since their clocks are drawn together, time goes on by this much.
const AT_LEAST_US: u64 = 1_000;
/// A group of pictures that is longer is not encoded anew, for all of it would be decoded.
const GROUP_MAX_PICTURES: usize = 3_000;
/// It is held in memory, too.
const GROUP_MAX_BYTES: u64 = 96 << 20;

/// Runs the export worker until all clips are done, or the engine orders its end.
pub(crate) fn run(
    channel: Channel,
    bulk: UnixStream,
    answers: AnswerReader,
    open: ExportOpen,
) -> anyhow::Result<()> {
    let Channel { events, orders } = channel;
    for name in recode::ELEMENTS {
        // What is missing is told where it is needed.
        let _ = gst::ElementFactory::find(name).map(|factory| factory.load());
    }
    // What is cut is compared with what the camera sent, picture by picture; software gives out each, in ordinary memory.
    decode::use_software();
    let sandbox = sandbox::restrict(&Needs { fonts: open.caption.is_some(), ..Needs::default() });
    events.send(&Event::Ready { sandbox })?;
    let (ordered, incoming) = mpsc::channel();
    follow_orders(orders, move |order, _| ordered.send(order).is_ok())?;
    let (out, writing) = begin_bulk(bulk)?;
    let mut export = Export {
        bytes: EngineBytes::new(events.clone(), answers),
        events: events.clone(),
        out,
        caption: open.caption.map(|text| text.chars().take(ExportOpen::MAX_CAPTION_CHARS).collect()),
        file: None,
        all: None,
        clock: SystemClock::new(),
        told: Duration::ZERO,
    };
    let outcome = export.work(&incoming);
    drop(export);
    if let Err(error) = outcome {
        tell_fault(&events, Stream::Main, FaultCode::Internal, &format!("{error:#}"));
        process::exit(1);
    }
    let _ = writing.join();
    process::exit(0)
}

/// The encoder of everything, and up to where pictures are wanted.
struct Everything {
    recoder: Recoder,
    /// As the clips were.
    source: Format,
    wanted: Arc<[AtomicU64; 2]>,
}

struct Export {
    bytes: EngineBytes,
    events: Sender<Event>,
    out: mpsc::SyncSender<BulkFrame>,
    caption: Option<String>,
    file: Option<File>,
    all: Option<Everything>,
    clock: SystemClock,
    told: Duration,
}

impl Export {
    fn work(&mut self, orders: &mpsc::Receiver<Order>) -> anyhow::Result<()> {
        loop {
            match orders.recv() {
                Ok(Order::ExportClip(clip)) => {
                    self.clip(&clip)?;
                    self.events.send(&Event::Exported { number: clip.number })?;
                }
                Ok(Order::ExportEnd) => return self.finish_file(),
                Ok(Order::Shutdown) | Err(mpsc::RecvError) => process::exit(0),
                Ok(other) => tracing::warn!("not an order for an export: {other:?}"),
            }
        }
    }

    fn clip(&mut self, clip: &ExportClip) -> anyhow::Result<()> {
        let Self { bytes, .. } = self;
        // The reader asks through a handle of its own, so that the rest of the export stays free to write.
        let mut reader = ClipReader::open(bytes.share(), clip.size_bytes)?;
        let pictures = std::mem::take(&mut reader.pictures);
        let start_us = u64::try_from(clip.start_unix_us).context("a clip from before 1970")?;
        let (from_us, until_us) = (start_us + clip.from_us, start_us.saturating_add(clip.until_us));
        let zero_us = pictures.iter().map(|picture| picture.pts_us).min().unwrap_or(0);
        let mut base_us = start_us;
        let goes_on = clip.joins && self.file.as_ref().is_some_and(|file| self.is_same(&reader.format, file));
        if goes_on {
            let newest = self.file.as_ref().map_or(0, File::newest_us);
            base_us = base_us.max((newest + AT_LEAST_US).saturating_sub(zero_us));
        } else {
            self.finish_file()?;
        }
        let wanted = |picture: &Picture| (from_us..until_us).contains(&(start_us + picture.pts_us));
        let Some(first_us) = pictures.iter().filter(|picture| wanted(picture)).map(|p| p.pts_us).min() else {
            return Ok(());
        };
        let length_us = pictures.last().map_or(0, |last| last.pts_us).saturating_sub(zero_us).max(1);
        let expected = (pictures.len() as u64).saturating_mul(clip.run_us.max(1)) / length_us + 64;
        let job = Job { base_us, first_us: base_us + first_us, expected };
        // Whether what comes before lies in the file as the camera sent it.
        let mut follows = goes_on && self.file.as_ref().is_some_and(|file| !file.ends_encoded());
        let mut range = 0..0;
        while range.end < pictures.len() {
            let before = range.start;
            range = group_at(&pictures, range.end);
            let group = &pictures[range.clone()];
            let fate = fate(group, &wanted);
            // A picture that is wanted may refer to a group of which nothing is.
            let reaches_back = !follows && range.start > 0 && leading(group).any(wanted);
            let with_before = &pictures[before..range.end];
            if self.caption.is_some() {
                if fate != Fate::Left {
                    let group = if reaches_back && self.all.is_none() { with_before } else { group };
                    self.caption_group(&mut reader, group, &job, &wanted)?;
                }
                continue;
            }
            match fate {
                Fate::Left => follows = false,
                Fate::Copied(_) | Fate::Cut if reaches_back => {
                    self.hide(&mut reader, with_before, &job, &wanted, false)?;
                    follows = true;
                }
                Fate::Copied(count) => {
                    self.copy_group(&mut reader, &group[..count], &job, follows)?;
                    follows = true;
                }
                Fate::Cut => {
                    let next = pictures.get(range.end);
                    let next = next.filter(|_| pictures[group_at(&pictures, range.end)].iter().any(wanted));
                    let cut = leading(group).next().is_none()
                        && self.is_clean_after(&mut reader, &pictures, range.end, next)?
                        && self.cut(&mut reader, group, &job, &wanted)?;
                    if !cut {
                        self.hide(&mut reader, group, &job, &wanted, follows)?;
                    }
                    follows = !cut && self.file.is_some();
                }
            }
        }
        Ok(())
    }

    /// Whether the group at `at`, which `next` begins if anything of it is wanted, can follow what was encoded anew: it refers to
    /// nothing before itself, and its parameter sets may take over.
    fn is_clean_after(
        &self,
        reader: &mut ClipReader<EngineBytes>,
        pictures: &[Picture],
        at: usize,
        next: Option<&Picture>,
    ) -> anyhow::Result<bool> {
        let Some(next) = next else { return Ok(true) };
        let is_closed = leading(&pictures[group_at(pictures, at)]).next().is_none();
        Ok(is_closed && begins_anew(reader.format.codec, &reader.picture(next)?))
    }

    /// Copies a group. Without what comes before, the pictures that refer to it are left out, as every player leaves them out;
    /// and behind what was encoded anew goes only what can stand there.
    fn copy_group(
        &mut self,
        reader: &mut ClipReader<EngineBytes>,
        group: &[Picture],
        job: &Job,
        follows: bool,
    ) -> anyhow::Result<()> {
        if follows {
            return self.copy(reader, group, job);
        }
        let kept = alone(group);
        if kept.len() < group.len() {
            tracing::warn!("{} pictures refer to what is not there", group.len() - kept.len());
        }
        if self.file.as_ref().is_some_and(File::ends_encoded)
            && let Some(key) = kept.first()
            && !begins_anew(reader.format.codec, &reader.picture(key)?)
        {
            self.finish_file()?;
        }
        let first_us = kept.iter().map(|picture| job.base_us + picture.pts_us).min().unwrap_or(job.first_us);
        self.copy(reader, &kept, &Job { first_us, ..*job })
    }

    /// Whether pictures of `format` can go on in `file`.
    fn is_same(&self, format: &Format, file: &File) -> bool {
        match &self.all {
            Some(all) => all.source == *format,
            None => {
                let own = match (Sets::parse(&format.codec_data), Sets::parse(&file.format.codec_data)) {
                    (Ok(new), Ok(there)) => there.begins_with(&new),
                    _ => format.codec_data == file.format.codec_data,
                };
                own && (format.codec, format.width, format.height)
                    == (file.format.codec, file.format.width, file.format.height)
            }
        }
    }

    fn file(&mut self, format: &Format, play_from_us: u64, expected: u64) -> anyhow::Result<&mut File> {
        if self.file.is_none() {
            self.file = Some(File::begin(self.out.clone(), format.clone(), play_from_us, expected)?);
        }
        self.file.as_mut().context("a file that was begun")
    }

    fn copy(
        &mut self,
        reader: &mut ClipReader<EngineBytes>,
        group: &[Picture],
        job: &Job,
    ) -> anyhow::Result<()> {
        for picture in group {
            let data = reader.picture(picture)?;
            let pts_us = job.base_us + picture.pts_us;
            let file = self.file(&reader.format, job.first_us, job.expected)?;
            file.add(&data, pts_us, u64::from(picture.duration_us), picture.key, false)?;
            self.tell_position(pts_us);
        }
        Ok(())
    }

    /// Encodes the wanted pictures of a group anew, and says whether that could be. If not, nothing was written.
    fn cut(
        &mut self,
        reader: &mut ClipReader<EngineBytes>,
        group: &[Picture],
        job: &Job,
        wanted: &impl Fn(&Picture) -> bool,
    ) -> anyhow::Result<bool> {
        let sets = match reader.format.codec {
            Codec::H264 if recode::can_encode() && is_small(group) => {
                let known =
                    self.file.as_ref().map_or(&reader.format.codec_data, |file| &file.format.codec_data);
                Sets::parse(known).ok().filter(|sets| {
                    matches!(sets.profile(), 66 | 77 | 88 | 100) && sets.free_number().is_some()
                })
            }
            Codec::H264 | Codec::H265 | Codec::Mjpeg => None,
        };
        let Some(mut sets) = sets else { return Ok(false) };
        let mut units = Vec::with_capacity(group.len());
        for picture in group {
            units.push((reader.picture(picture)?, *picture));
            self.tell_position(job.base_us + picture.pts_us);
        }
        let (encoded, own) = match encode(&reader.format, &sets, units, job.base_us, wanted) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::warn!("a group is copied whole, since it cannot be encoded anew: {error:#}");
                return Ok(false);
            }
        };
        sets.join(&own);
        let file = self.file(&reader.format, job.first_us, job.expected)?;
        file.format.codec_data = sets.bytes();
        let durations: Vec<(u64, u64)> =
            group.iter().map(|p| (job.base_us + p.pts_us, u64::from(p.duration_us))).collect();
        for Encoded { data, pts_us, key } in encoded {
            let duration_us = durations.iter().find(|(at, _)| *at == pts_us).map_or(0, |(_, for_us)| *for_us);
            file.add(&data, pts_us, duration_us, key, true)?;
        }
        Ok(true)
    }

    /// Copies groups of which not all is wanted, and hides from playing what is not. `follows` says whether what comes before lies
    /// in the file.
    fn hide(
        &mut self,
        reader: &mut ClipReader<EngineBytes>,
        group: &[Picture],
        job: &Job,
        wanted: &impl Fn(&Picture) -> bool,
        follows: bool,
    ) -> anyhow::Result<()> {
        let group = &if follows { group.to_vec() } else { alone(group) }[..];
        let first = group.iter().filter(|p| wanted(p)).map(|p| p.pts_us).min().unwrap_or(0);
        let last = group.iter().filter(|p| wanted(p)).max_by_key(|p| p.pts_us);
        let early = group.iter().any(|picture| picture.pts_us < first);
        if early || self.file.as_ref().is_some_and(File::ends_encoded) {
            // What is hidden can only lie at a file's edges, and what was not looked at does not follow what was encoded anew.
            self.finish_file()?;
        }
        let count = group.iter().rposition(wanted).map_or(0, |at| at + 1);
        let until_us = last.map_or(0, |p| job.base_us + p.pts_us + u64::from(p.duration_us));
        let group = group.get(..count).unwrap_or_default();
        let late = group.iter().any(|picture| job.base_us + picture.pts_us >= until_us);
        self.copy(reader, group, &Job { first_us: job.base_us + first, ..*job })?;
        if let Some(file) = self.file.as_mut().filter(|_| late) {
            file.hide_from(until_us);
            self.finish_file()?;
        }
        Ok(())
    }

    fn caption_group(
        &mut self,
        reader: &mut ClipReader<EngineBytes>,
        group: &[Picture],
        job: &Job,
        wanted: &impl Fn(&Picture) -> bool,
    ) -> anyhow::Result<()> {
        let bounds = || group.iter().filter(|p| wanted(p)).map(|p| job.base_us + p.pts_us);
        let (from, until) = (bounds().min().unwrap_or(0), bounds().max().unwrap_or(0));
        if group.iter().any(|picture| job.base_us + picture.pts_us < from) {
            self.finish_file()?;
        }
        let mut all = match self.all.take() {
            Some(all) => all,
            None => {
                let text = self.caption.clone().unwrap_or_default();
                let limits = Arc::new([AtomicU64::new(from), AtomicU64::new(until)]);
                let within = Arc::clone(&limits);
                let recoder = Recoder::start(&reader.format, &Style::Captioned(text), move |pts_us| {
                    pts_us >= within[0].load(Ordering::Relaxed) && pts_us <= within[1].load(Ordering::Relaxed)
                })?;
                let coded = Format { codec: Codec::H264, codec_data: Vec::new(), ..reader.format.clone() };
                self.file(&coded, from, job.expected)?;
                Everything { recoder, source: reader.format.clone(), wanted: limits }
            }
        };
        // What is decoded later belongs to a later group, and only the first and the last group have what is not wanted.
        all.wanted[1].store(until, Ordering::Relaxed);
        for picture in group {
            let data = reader.picture(picture)?;
            let pts_us = job.base_us + picture.pts_us;
            let encoded = all.recoder.push(data, pts_us, picture.key)?;
            self.take_encoded(encoded, u64::from(picture.duration_us))?;
            self.tell_position(pts_us);
        }
        self.all = Some(all);
        Ok(())
    }

    fn take_encoded(&mut self, encoded: Vec<Encoded>, duration_us: u64) -> anyhow::Result<()> {
        let file = self.file.as_mut().context("a file that was begun")?;
        for Encoded { data, pts_us, key } in encoded {
            file.add(&data, pts_us, duration_us, key, true)?;
        }
        Ok(())
    }

    fn finish_file(&mut self) -> anyhow::Result<()> {
        if let Some(all) = self.all.take() {
            let (encoded, codec_data) = all.recoder.finish()?;
            self.take_encoded(encoded, 40_000)?;
            if let Some(file) = &mut self.file {
                file.format.codec_data = codec_data;
            }
        }
        self.file.take().map_or(Ok(()), File::finish)
    }

    fn tell_position(&mut self, unix_us: u64) {
        let now = self.clock.monotonic();
        if now.saturating_sub(self.told) >= POSITION_EVERY {
            self.told = now;
            // The next one follows soon.
            let unix_us = i64::try_from(unix_us).unwrap_or(i64::MAX);
            let _ = self.events.try_send(&Event::ExportPosition { unix_us });
        }
    }
}

fn is_small(group: &[Picture]) -> bool {
    let bytes: u64 = group.iter().map(|picture| u64::from(picture.size_bytes)).sum();
    group.len() <= GROUP_MAX_PICTURES && bytes <= GROUP_MAX_BYTES
}

/// The wanted ones of `units`, encoded anew so that they can lie beside the camera's own, and their parameter sets.
fn encode(
    format: &Format,
    sets: &Sets,
    units: Vec<(Vec<u8>, Picture)>,
    base_us: u64,
    wanted: &impl Fn(&Picture) -> bool,
) -> anyhow::Result<(Vec<Encoded>, Sets)> {
    let keep: Vec<u64> =
        units.iter().filter(|(_, picture)| wanted(picture)).map(|(_, p)| base_us + p.pts_us).collect();
    let count = keep.len();
    let style = Style::Beside(sets.clone());
    let mut recoder = Recoder::start(format, &style, move |pts_us| keep.contains(&pts_us))?;
    let mut encoded = Vec::with_capacity(count);
    for (data, picture) in units {
        encoded.extend(recoder.push(data, base_us + picture.pts_us, picture.key)?);
    }
    let (rest, codec_data) = recoder.finish()?;
    encoded.extend(rest);
    ensure!(encoded.len() == count, "{} of {count} pictures could be decoded", encoded.len());
    let own = Sets::parse(&codec_data).context("what was encoded has no parameter sets")?;
    Ok((encoded, own))
}

/// What holds for all groups of a clip.
#[derive(Clone, Copy)]
struct Job {
    /// What is added to a picture's time in the clip.
    base_us: u64,
    /// The first picture that is wanted.
    first_us: u64,
    /// How many pictures the file will have, about.
    expected: u64,
}
