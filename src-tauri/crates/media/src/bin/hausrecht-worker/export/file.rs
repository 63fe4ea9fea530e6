//! One file of an export: pictures go to the engine as they come, the table of them at the end into the room that was left
//! for it at the beginning, so that other programs can play the file while they still fetch it.

use std::sync::mpsc::SyncSender;

use anyhow::Context;
use hausrecht_media::bulk::{BulkFrame, FileEnd, FileStart, MAX_WRITE_BYTES};
use hausrecht_model::UnixMicros;

use crate::fmp4::{self, Format, Row, Whole};

/// Room for a picture in the table: size, time, and where pictures are reordered the offset.
const ROOM_PICTURE_BYTES: u64 = 22;
const ROOM_BASE_BYTES: u64 = 4096;
const ROOM_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// As long as the head is, before the room.
const FTYP_BYTES: u64 = 28;

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct File {
    out: SyncSender<BulkFrame>,
    /// What the pictures are; its codec data may grow by sets for re-encoded ones.
    pub(crate) format: Format,
    rows: Vec<Row>,
    room_bytes: u32,
    at: u64,
    waiting: Vec<u8>,
    encoded: u64,
    ends_encoded: bool,
    play_from_us: u64,
    /// Where the last picture ends.
    end_us: u64,
    /// Pictures from this on are in the file, but not played.
    play_until_us: Option<u64>,
}

impl File {
    /// Begins a file whose first played picture is of `play_from_us`; about `expected` pictures will come.
    pub(crate) fn begin(
        out: SyncSender<BulkFrame>,
        format: Format,
        play_from_us: u64,
        expected: u64,
    ) -> anyhow::Result<Self> {
        let room = (ROOM_BASE_BYTES + expected.saturating_mul(ROOM_PICTURE_BYTES)).min(ROOM_MAX_BYTES);
        let room_bytes = u32::try_from(room)?;
        let start_unix_us = UnixMicros(i64::try_from(play_from_us)?);
        out.send(BulkFrame::FileStart(FileStart { start_unix_us })).context("the engine is gone")?;
        let mut file = Self {
            out,
            format,
            rows: Vec::new(),
            room_bytes,
            at: 0,
            waiting: Vec::new(),
            encoded: 0,
            ends_encoded: false,
            play_from_us,
            end_us: play_from_us,
            play_until_us: None,
        };
        file.append(&fmp4::head(room_bytes))?;
        file.append(&fmp4::mdat_head(0))?;
        Ok(file)
    }

    /// Adds a picture of `pts_us`, in decode order.
    pub(crate) fn add(
        &mut self,
        data: &[u8],
        pts_us: u64,
        duration_us: u64,
        key: bool,
        encoded: bool,
    ) -> anyhow::Result<()> {
        self.rows.push(Row { size_bytes: u32::try_from(data.len())?, pts_us, key });
        self.encoded += u64::from(encoded);
        self.ends_encoded = encoded;
        self.end_us = self.end_us.max(pts_us + duration_us);
        self.append(data)
    }

    /// When the latest picture so far was taken.
    pub(crate) fn newest_us(&self) -> u64 {
        // Pictures are reordered within a group only, and groups are short.
        self.rows.iter().rev().take(64).map(|row| row.pts_us).max().unwrap_or(0)
    }

    /// Whether the picture that was added last was encoded anew.
    pub(crate) fn ends_encoded(&self) -> bool {
        self.ends_encoded
    }

    /// Plays nothing from `until_us` on.
    pub(crate) fn hide_from(&mut self, until_us: u64) {
        self.play_until_us = Some(until_us);
    }

    /// Writes what a file needs to be whole.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let head_bytes = FTYP_BYTES + u64::from(self.room_bytes);
        let data_at = head_bytes + 16;
        let play_until_us = self.play_until_us.unwrap_or(self.end_us).min(self.end_us);
        let whole = Whole { data_at, play_from_us: self.play_from_us, play_until_us };
        let moov =
            fmp4::tail(&self.format, &self.rows, &whole).context("the picture is too large for MP4")?;
        let payload_bytes = self.at + self.waiting.len() as u64 - data_at;
        let room = self.room_bytes as usize;
        if moov.len() == room || moov.len() + 8 <= room {
            self.flush()?;
            let mut head = moov;
            if head.len() < room {
                let rest = u32::try_from(room - head.len())?;
                fmp4::free(&mut head, rest);
            }
            self.put(FTYP_BYTES, &head)?;
        } else {
            self.append(&moov)?;
            self.flush()?;
        }
        self.put(head_bytes, &fmp4::mdat_head(payload_bytes))?;
        let played = |row: &&Row| (self.play_from_us..play_until_us).contains(&row.pts_us);
        let first_us = self.rows.iter().map(|row| row.pts_us).min().unwrap_or(self.play_from_us);
        let end = FileEnd {
            duration_us: play_until_us.saturating_sub(self.play_from_us),
            pictures: self.rows.iter().filter(played).count() as u64,
            encoded: self.encoded,
            hidden_us: self.play_from_us.saturating_sub(first_us) + self.end_us.saturating_sub(play_until_us),
        };
        self.out.send(BulkFrame::FileEnd(end)).context("the engine is gone")
    }

    fn append(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= MAX_WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let bytes = std::mem::take(&mut self.waiting);
        let at = self.at;
        self.at += bytes.len() as u64;
        self.put(at, &bytes)
    }

    fn put(&self, mut offset: u64, bytes: &[u8]) -> anyhow::Result<()> {
        for part in bytes.chunks(MAX_WRITE_BYTES) {
            let frame = BulkFrame::FileWrite { offset, bytes: part.to_vec() };
            self.out.send(frame).context("the engine is gone")?;
            offset += part.len() as u64;
        }
        Ok(())
    }
}
