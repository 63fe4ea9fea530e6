//! A whole MP4 file, as every other program reads it: one table of all pictures, its times in UTC, and an edit list where
//! not all of it is to be played. Fragments are for clips that grow; what leaves the vault is finished.

use super::{Format, JPEG_ESDS, MATRIX, boxed, full, visual_entry, word, words};
use hausrecht_model::Codec;

/// Ticks a second, of the file and of its track.
const TIMESCALE: u32 = 90_000;
/// Pictures that are listed together.
const CHUNK_PICTURES: usize = 32;
/// From 1904, where MP4 counts from, to 1970.
const MP4_EPOCH_S: i64 = 2_082_844_800;

/// A picture in the file, in decode order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its size.
    pub size_bytes: u32,
    /// When it was taken, in microseconds since 1970.
    pub pts_us: u64,
    /// Whether decoding can begin here.
    pub key: bool,
}

/// What is said of the file as a whole. Times are in microseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole {
    /// Where the first picture's bytes begin; the others follow.
    pub data_at: u64,
    /// The first picture that is played; those before it are only there for it to be decoded.
    pub play_from_us: u64,
    /// Where playing ends.
    pub play_until_us: u64,
}

/// The file's first bytes, with `room_bytes` kept free for what [`tail`] gives; at least 8.
pub fn head(room_bytes: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + room_bytes as usize);
    boxed(&mut out, b"ftyp", |b| {
        b.extend(b"isom");
        word(b, 0x200);
        b.extend(b"isomiso2mp41");
    });
    free(&mut out, room_bytes);
    out
}

/// A box that says nothing, `size_bytes` long.
pub fn free(out: &mut Vec<u8>, size_bytes: u32) {
    boxed(out, b"free", |b| b.resize(b.len() + (size_bytes as usize).saturating_sub(8), 0));
}

/// The head of `mdat` with its 64-bit size, for `payload_bytes`.
pub fn mdat_head(payload_bytes: u64) -> [u8; 16] {
    let mut head = [0; 16];
    head[3] = 1;
    head[4..8].copy_from_slice(b"mdat");
    head[8..].copy_from_slice(&(payload_bytes + 16).to_be_bytes());
    head
}

/// What is known of each picture's times, in ticks.
struct Times {
    durations: Vec<u32>,
    /// Presentation less decode time; empty if they are all the same.
    compositions: Vec<u32>,
    total: u64,
    play_from: u64,
    play_for: u64,
}

fn ticks(us: u64) -> u64 {
    (us * 9 + 50) / 100
}

/// Decode times are the presentation times in order. Where pictures are reordered, all presentation is later by what that
/// takes, and the edit list takes it back, so that no offset is negative: old programs read those wrongly.
fn times(rows: &[Row], whole: &Whole) -> Times {
    let mut ordered: Vec<u64> = rows.iter().map(|row| row.pts_us).collect();
    ordered.sort_unstable();
    let zero = ordered.first().copied().unwrap_or(0);
    let since = |us: u64| ticks(us.saturating_sub(zero));
    let mut decode: Vec<u64> = Vec::with_capacity(rows.len() + 1);
    for us in &ordered {
        let earliest = decode.last().map_or(0, |last| last + 1);
        decode.push(since(*us).max(earliest));
    }
    let end = since(whole.play_until_us).max(decode.last().map_or(0, |last| last + 1));
    let shown = || rows.iter().zip(&decode).map(|(row, decode)| (since(row.pts_us), *decode));
    let reordered = shown().any(|(pts, decode)| pts + 1 < decode || pts > decode + 1);
    let late = if reordered { shown().map(|(pts, at)| at.saturating_sub(pts)).max().unwrap_or(0) } else { 0 };
    let compositions = if reordered {
        shown().map(|(pts, at)| u32::try_from(pts + late - at).unwrap_or(u32::MAX)).collect()
    } else {
        Vec::new()
    };
    decode.push(end);
    let durations =
        decode.windows(2).map(|pair| u32::try_from(pair[1] - pair[0]).unwrap_or(u32::MAX)).collect();
    let play_from = since(whole.play_from_us) + late;
    let play_for = since(whole.play_until_us).saturating_sub(since(whole.play_from_us)).max(1);
    Times { durations, compositions, total: end, play_from, play_for }
}

/// Writes `moov`; `None` for a picture too large for it.
pub fn tail(format: &Format, rows: &[Row], whole: &Whole) -> Option<Vec<u8>> {
    let (width, height) = (u16::try_from(format.width).ok()?, u16::try_from(format.height).ok()?);
    let times = times(rows, whole);
    let edited = times.play_from > 0 || times.play_for < times.total;
    let created = u64::try_from(i64::try_from(whole.play_from_us / 1_000_000).ok()? + MP4_EPOCH_S).ok()?;
    let wide = created.max(times.total) > u64::from(u32::MAX);
    let time = |b: &mut Vec<u8>, value: u64| match u32::try_from(value) {
        Ok(value) if !wide => word(b, value),
        _ => b.extend(value.to_be_bytes()),
    };
    let version = u8::from(wide);
    let mut out = Vec::with_capacity(1024 + rows.len() * 16);
    boxed(&mut out, b"moov", |moov| {
        full(moov, b"mvhd", version, 0, |b| {
            time(b, created);
            time(b, created);
            word(b, TIMESCALE);
            time(b, times.play_for);
            words(b, &[0x10000, 0x0100_0000, 0, 0]);
            words(b, &MATRIX);
            words(b, &[0, 0, 0, 0, 0, 0, 2]);
        });
        boxed(moov, b"trak", |trak| {
            full(trak, b"tkhd", version, 3, |b| {
                time(b, created);
                time(b, created);
                words(b, &[1, 0]);
                time(b, times.play_for);
                words(b, &[0, 0, 0, 0]);
                words(b, &MATRIX);
                words(b, &[u32::from(width) << 16, u32::from(height) << 16]);
            });
            if edited {
                boxed(trak, b"edts", |edts| {
                    full(edts, b"elst", 1, 0, |b| {
                        word(b, 1);
                        b.extend(times.play_for.to_be_bytes());
                        b.extend(times.play_from.to_be_bytes());
                        word(b, 0x1_0000);
                    });
                });
            }
            boxed(trak, b"mdia", |mdia| {
                full(mdia, b"mdhd", version, 0, |b| {
                    time(b, created);
                    time(b, created);
                    word(b, TIMESCALE);
                    time(b, times.total);
                    word(b, 0x55c4_0000);
                });
                full(mdia, b"hdlr", 0, 0, |b| {
                    word(b, 0);
                    b.extend(b"vide");
                    words(b, &[0, 0, 0]);
                    b.extend(b"video\0");
                });
                boxed(mdia, b"minf", |minf| {
                    full(minf, b"vmhd", 0, 1, |b| words(b, &[0, 0]));
                    boxed(minf, b"dinf", |dinf| {
                        full(dinf, b"dref", 0, 0, |b| {
                            word(b, 1);
                            full(b, b"url ", 0, 1, |_| {});
                        });
                    });
                    boxed(minf, b"stbl", |stbl| {
                        tables(stbl, format, (width, height), rows, &times, whole.data_at);
                    });
                });
            });
        });
    });
    Some(out)
}

fn tables(
    stbl: &mut Vec<u8>,
    format: &Format,
    (width, height): (u16, u16),
    rows: &[Row],
    times: &Times,
    data_at: u64,
) {
    let (entry, config, codec_data) = match format.codec {
        Codec::H264 => (b"avc1", b"avcC", &format.codec_data[..]),
        Codec::H265 => (b"hvc1", b"hvcC", &format.codec_data[..]),
        Codec::Mjpeg => (b"mp4v", b"esds", &JPEG_ESDS[..]),
    };
    let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    full(stbl, b"stsd", 0, 0, |b| {
        word(b, 1);
        boxed(b, entry, |b| visual_entry(b, width, height, config, codec_data));
    });
    runs(stbl, b"stts", &times.durations);
    if !times.compositions.is_empty() {
        runs(stbl, b"ctts", &times.compositions);
    }
    if !rows.iter().all(|row| row.key) {
        let keys: Vec<u32> =
            rows.iter().zip(1..).filter(|(row, _)| row.key).map(|(_, number)| number).collect();
        full(stbl, b"stss", 0, 0, |b| {
            word(b, count(keys.len()));
            words(b, &keys);
        });
    }
    full(stbl, b"stsc", 0, 0, |b| {
        let (whole, rest) = (rows.len() / CHUNK_PICTURES, rows.len() % CHUNK_PICTURES);
        let entries: Vec<[u32; 3]> = [(1, CHUNK_PICTURES, whole > 0), (whole + 1, rest, rest > 0)]
            .into_iter()
            .filter(|(_, _, there)| *there)
            .map(|(first, pictures, _)| [count(first), count(pictures), 1])
            .collect();
        word(b, count(entries.len()));
        words(b, &entries.concat());
    });
    full(stbl, b"stsz", 0, 0, |b| {
        words(b, &[0, count(rows.len())]);
        rows.iter().for_each(|row| word(b, row.size_bytes));
    });
    let mut at = data_at;
    let mut chunks = Vec::with_capacity(rows.len() / CHUNK_PICTURES + 1);
    for chunk in rows.chunks(CHUNK_PICTURES) {
        chunks.push(at);
        at += chunk.iter().map(|row| u64::from(row.size_bytes)).sum::<u64>();
    }
    let narrow = at <= u64::from(u32::MAX);
    full(stbl, if narrow { b"stco" } else { b"co64" }, 0, 0, |b| {
        word(b, count(chunks.len()));
        for at in &chunks {
            match u32::try_from(*at) {
                Ok(at) if narrow => word(b, at),
                _ => b.extend(at.to_be_bytes()),
            }
        }
    });
}

/// A table of values, each with how often it comes in a row.
fn runs(out: &mut Vec<u8>, kind: &[u8; 4], values: &[u32]) {
    let mut table: Vec<[u32; 2]> = Vec::new();
    for value in values {
        match table.last_mut() {
            Some([times, last]) if last == value => *times += 1,
            Some(_) | None => table.push([1, *value]),
        }
    }
    full(out, kind, 0, 0, |b| {
        word(b, u32::try_from(table.len()).unwrap_or(u32::MAX));
        words(b, &table.concat());
    });
}
