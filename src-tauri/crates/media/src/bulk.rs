//! The bulk stream, worker to engine: recorded fragments and thumbnails, framed and bounded. `PROTOCOL.md` has the bytes.

use std::io::{self, Read, Write};

use hausrecht_model::{Codec, UnixMicros};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The longest fragment.
pub const MAX_FRAGMENT_BYTES: usize = 32 * 1024 * 1024;
/// After this many microseconds a fragment ends even without a key frame. A crash can lose one that the worker is filling and one that
/// waits for its chunk in the engine: a second together.
pub const FRAGMENT_MAX_US: u64 = 500_000;
/// The longest initialisation segment.
pub const MAX_INIT_BYTES: usize = 64 * 1024;
/// The longest thumbnail.
pub const MAX_THUMBNAIL_BYTES: usize = 1024 * 1024;
/// The most bytes that are written into an exported file at once.
pub const MAX_WRITE_BYTES: usize = 1024 * 1024;
/// The longest header of a frame.
pub const MAX_HEADER_BYTES: usize = 4096;

const KIND_CLIP_START: u8 = 1;
const KIND_INIT: u8 = 2;
const KIND_FRAGMENT: u8 = 3;
const KIND_CLIP_END: u8 = 4;
const KIND_THUMBNAIL: u8 = 5;
const KIND_FILE_START: u8 = 6;
const KIND_FILE_WRITE: u8 = 7;
const KIND_FILE_END: u8 = 8;

/// Why the bulk stream ended or is not to be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// The stream ended inside a frame.
    #[error("the worker's stream ends inside a frame")]
    CutShort,
    /// No frame has this kind.
    #[error("the worker sent a frame of unknown kind {0}")]
    UnknownKind(u8),
    /// A frame's header or payload is longer than its kind may be.
    #[error("the worker sent a frame of kind {kind} with {len_bytes} bytes, over the limit")]
    TooLong {
        /// The frame's kind.
        kind: u8,
        /// The length it claims.
        len_bytes: usize,
    },
    /// A frame's header is not what its kind needs.
    #[error("the worker sent a frame with a bad header: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The pipe failed.
    #[error("the worker's stream: {0}")]
    Pipe(#[from] io::Error),
}

/// A new clip begins; its init segment follows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClipStart {
    /// Counts the worker's clips from 0.
    pub clip_seq: u64,
    /// Wall time at which the first picture's data arrived.
    pub start_unix_us: UnixMicros,
    /// Codec of all pictures in it.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// What is said of a fragment; its bytes (one `moof` and one `mdat`) come with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FragmentMeta {
    /// The clip it belongs to.
    pub clip_seq: u64,
    /// Time of its first picture from the clip's first.
    pub start_us: u64,
    /// How long it lasts.
    pub duration_us: u64,
    /// Whether it begins with a key frame.
    pub key: bool,
    /// How many pictures it holds.
    pub frames: u32,
}

/// A clip is whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClipEnd {
    /// The clip.
    pub clip_seq: u64,
    /// Its length.
    pub duration_us: u64,
    /// How many pictures it holds.
    pub frames: u64,
}

/// An exported file begins; there is one at a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileStart {
    /// When its first picture was taken.
    pub start_unix_us: UnixMicros,
}

/// An exported file is whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileEnd {
    /// Its length as it is played.
    pub duration_us: u64,
    /// How many pictures are played.
    pub pictures: u64,
    /// How many of them were encoded anew.
    pub encoded: u64,
    /// How much lies before the first picture that is played and behind the last: an edit list leaves it out, but it is in
    /// the file.
    pub hidden_us: u64,
}

#[derive(Serialize, Deserialize)]
struct Place {
    offset: u64,
}

#[derive(Serialize, Deserialize)]
struct Belongs {
    clip_seq: u64,
}

/// One frame of the bulk stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BulkFrame {
    /// A clip begins.
    ClipStart(ClipStart),
    /// The clip's first bytes: `ftyp` and `moov`.
    Init {
        /// The clip.
        clip_seq: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The clip's next bytes.
    Fragment {
        /// What is said of it.
        meta: FragmentMeta,
        /// `moof` and `mdat`.
        bytes: Vec<u8>,
    },
    /// The clip is whole. A worker that died sends none.
    ClipEnd(ClipEnd),
    /// A small picture of the clip's first key frame; comes some time after the clip's start, maybe never.
    Thumbnail {
        /// The clip.
        clip_seq: u64,
        /// A JPEG, 320 pixels wide.
        jpeg: Vec<u8>,
    },
    /// An exported file begins.
    FileStart(FileStart),
    /// Bytes of the exported file.
    FileWrite {
        /// Where they go: nowhere behind the file's end, so that there is never a hole.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The exported file is whole.
    FileEnd(FileEnd),
}

/// Reads frames from a worker; nothing it can send makes this panic or take more than the limits.
#[derive(Debug)]
pub struct BulkReader<R> {
    source: R,
}

impl<R: Read> BulkReader<R> {
    /// Reads from `source`.
    pub fn new(source: R) -> Self {
        Self { source }
    }

    /// The source, to poll or to shut down.
    pub fn get_ref(&self) -> &R {
        &self.source
    }

    /// Waits for the next frame; `None` at the orderly end.
    ///
    /// # Errors
    /// After any error the stream cannot be read further.
    pub fn next_frame(&mut self) -> Result<Option<BulkFrame>, BulkError> {
        let mut prefix = [0; 7];
        if !self.fill_or_end(&mut prefix)? {
            return Ok(None);
        }
        let [kind, h0, h1, p0, p1, p2, p3] = prefix;
        let header_len = usize::from(u16::from_le_bytes([h0, h1]));
        let payload_len = usize::try_from(u32::from_le_bytes([p0, p1, p2, p3])).unwrap_or(usize::MAX);
        let max_payload = match kind {
            KIND_CLIP_START | KIND_CLIP_END | KIND_FILE_START | KIND_FILE_END => 0,
            KIND_FILE_WRITE => MAX_WRITE_BYTES,
            KIND_INIT => MAX_INIT_BYTES,
            KIND_FRAGMENT => MAX_FRAGMENT_BYTES,
            KIND_THUMBNAIL => MAX_THUMBNAIL_BYTES,
            other => return Err(BulkError::UnknownKind(other)),
        };
        if header_len > MAX_HEADER_BYTES {
            return Err(BulkError::TooLong { kind, len_bytes: header_len });
        }
        if payload_len > max_payload {
            return Err(BulkError::TooLong { kind, len_bytes: payload_len });
        }
        let header = self.take(header_len)?;
        let frame = match kind {
            KIND_CLIP_START => BulkFrame::ClipStart(serde_json::from_slice(&header)?),
            KIND_CLIP_END => BulkFrame::ClipEnd(serde_json::from_slice(&header)?),
            KIND_INIT => BulkFrame::Init { clip_seq: clip_seq(&header)?, bytes: self.take(payload_len)? },
            KIND_FRAGMENT => BulkFrame::Fragment { meta: parse(&header)?, bytes: self.take(payload_len)? },
            KIND_FILE_START => BulkFrame::FileStart(parse(&header)?),
            KIND_FILE_WRITE => {
                let offset = parse::<Place>(&header)?.offset;
                BulkFrame::FileWrite { offset, bytes: self.take(payload_len)? }
            }
            KIND_FILE_END => BulkFrame::FileEnd(parse(&header)?),
            _ => BulkFrame::Thumbnail { clip_seq: clip_seq(&header)?, jpeg: self.take(payload_len)? },
        };
        Ok(Some(frame))
    }

    /// Fills `target`; false if the stream ended before its first byte.
    fn fill_or_end(&mut self, target: &mut [u8]) -> Result<bool, BulkError> {
        let mut filled = 0;
        while let Some(rest) = target.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(BulkError::CutShort),
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(BulkError::CutShort);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Takes exactly `len` bytes, growing as they come so that a lie about the length costs no memory.
    fn take(&mut self, len: usize) -> Result<Vec<u8>, BulkError> {
        let mut bytes = Vec::with_capacity(len.min(1024 * 1024));
        let limit = u64::try_from(len).unwrap_or(u64::MAX);
        let taken = self.source.by_ref().take(limit).read_to_end(&mut bytes)?;
        if taken == len { Ok(bytes) } else { Err(BulkError::CutShort) }
    }
}

fn parse<T: DeserializeOwned>(header: &[u8]) -> Result<T, BulkError> {
    Ok(serde_json::from_slice(header)?)
}

fn clip_seq(header: &[u8]) -> Result<u64, BulkError> {
    Ok(parse::<Belongs>(header)?.clip_seq)
}

/// Writes frames; the worker's side.
#[derive(Debug)]
pub struct BulkWriter<W> {
    sink: W,
}

impl<W: Write> BulkWriter<W> {
    /// Writes to `sink`.
    pub fn new(sink: W) -> Self {
        Self { sink }
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// A payload over its limit is [`BulkError::TooLong`] and nothing is written; else the pipe failed.
    pub fn write(&mut self, frame: &BulkFrame) -> Result<(), BulkError> {
        match frame {
            BulkFrame::ClipStart(start) => self.put(KIND_CLIP_START, start, &[], 0),
            BulkFrame::Init { clip_seq, bytes } => {
                self.put(KIND_INIT, &Belongs { clip_seq: *clip_seq }, bytes, MAX_INIT_BYTES)
            }
            BulkFrame::Fragment { meta, bytes } => self.put(KIND_FRAGMENT, meta, bytes, MAX_FRAGMENT_BYTES),
            BulkFrame::ClipEnd(end) => self.put(KIND_CLIP_END, end, &[], 0),
            BulkFrame::Thumbnail { clip_seq, jpeg } => {
                self.put(KIND_THUMBNAIL, &Belongs { clip_seq: *clip_seq }, jpeg, MAX_THUMBNAIL_BYTES)
            }
            BulkFrame::FileStart(start) => self.put(KIND_FILE_START, start, &[], 0),
            BulkFrame::FileWrite { offset, bytes } => {
                self.put(KIND_FILE_WRITE, &Place { offset: *offset }, bytes, MAX_WRITE_BYTES)
            }
            BulkFrame::FileEnd(end) => self.put(KIND_FILE_END, end, &[], 0),
        }
    }

    fn put(
        &mut self,
        kind: u8,
        header: &impl Serialize,
        payload: &[u8],
        max: usize,
    ) -> Result<(), BulkError> {
        let header = serde_json::to_vec(header)?;
        let header_len = u16::try_from(header.len()).unwrap_or(u16::MAX);
        let payload_len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        if header.len() > MAX_HEADER_BYTES || payload.len() > max {
            return Err(BulkError::TooLong { kind, len_bytes: payload.len() });
        }
        let mut prefix = Vec::with_capacity(7 + header.len());
        prefix.push(kind);
        prefix.extend(header_len.to_le_bytes());
        prefix.extend(payload_len.to_le_bytes());
        prefix.extend(header);
        self.sink.write_all(&prefix)?;
        self.sink.write_all(payload)?;
        self.sink.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
