//! Reading a clip anywhere, also one that is cut short, and saying exactly what is wrong with one that was changed.
//!
//! This goes round three traps of age 0.12: a read after a seek past the end panics (every position is clamped here), a
//! seek to the start of a chunk wants the file's last chunk to be whole (such a seek is made in two steps), and a reader
//! that failed once goes on from a wrong place (it is replaced).

use std::{
    fs, io,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use age::{DecryptError, Decryptor, stream::StreamReader};

use super::{CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES};
use crate::{ClipKey, OpenBy};

/// Why a clip, or a part of it, could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is not there.
    #[error("{} is not there", path.display())]
    Missing {
        /// Where it was expected.
        path: PathBuf,
    },
    /// The file ends within its header: nothing of it can be read.
    #[error("{} ends within its header", path.display())]
    HeaderCut {
        /// The clip's path.
        path: PathBuf,
    },
    /// The header is not that of an age file, or was changed.
    #[error("the header of {} is not authentic", path.display())]
    HeaderForged {
        /// The clip's path.
        path: PathBuf,
    },
    /// The clip is sealed to another key. A changed bit in the header's key stanza looks the same.
    #[error("{} is sealed to another key", path.display())]
    WrongKey {
        /// The clip's path.
        path: PathBuf,
    },
    /// The file asks for scrypt with N = 2^`log_n`, more than is ever done.
    #[error("{} asks for too much work (scrypt, 2^{log_n})", path.display())]
    TooMuchWork {
        /// The file's path.
        path: PathBuf,
        /// Logarithm of the cost that the file asks for.
        log_n: u8,
    },
    /// Chunk `index` failed authentication. The other chunks can still be read.
    #[error("chunk {index} of {} is not authentic", path.display())]
    Forged {
        /// The clip's path.
        path: PathBuf,
        /// The chunk, from zero, [`CHUNK_BYTES`] each.
        index: u64,
    },
    /// Reading failed otherwise.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The clip's path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What opens an age file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// One key or several.
    Keys,
    /// A passphrase.
    Passphrase,
}

impl Lock {
    /// What opens the file at `path`, from its header alone.
    ///
    /// # Errors
    /// It is not there, or no age file.
    pub fn of(path: &Path) -> Result<Self, OpenError> {
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OpenError::Missing { path: path.to_owned() });
            }
            Err(source) => return Err(OpenError::Io { path: path.to_owned(), source }),
        };
        let decryptor =
            Decryptor::new(file).map_err(|_| OpenError::HeaderForged { path: path.to_owned() })?;
        Ok(if decryptor.is_scrypt() { Self::Passphrase } else { Self::Keys })
    }
}

/// Random access to the plain bytes of one clip.
pub struct ClipReader {
    path: PathBuf,
    file: Arc<fs::File>,
    key: OpenBy,
    /// `None` until the first read, and after a failed one until the next.
    stream: Option<StreamReader<Arc<fs::File>>>,
    /// Where `stream` stands, in plain bytes.
    position: u64,
    len: u64,
    cut_short: bool,
}

impl ClipReader {
    /// Opens the clip at `path`.
    ///
    /// The length is authenticated when the file's last chunk says that it is the last. If it does not, the clip is
    /// taken as [cut short](Self::cut_short) to its whole chunks. Whoever knows how long the file must be uses
    /// [`ClipReader::open_sized`], which tells a changed last chunk from a missing one.
    ///
    /// # Errors
    /// See [`OpenError`]. A changed chunk is reported by the read that meets it, never here.
    pub fn open(path: &Path, key: &ClipKey) -> Result<Self, OpenError> {
        Self::open_inner(path, &OpenBy::Identity(key.identity().clone()), None)
    }

    /// Opens the clip at `path`, which was `size_bytes` long on disk when it was finished.
    ///
    /// # Errors
    /// As [`ClipReader::open`].
    pub fn open_sized(path: &Path, key: &ClipKey, size_bytes: u64) -> Result<Self, OpenError> {
        Self::open_inner(path, &OpenBy::Identity(key.identity().clone()), Some(size_bytes))
    }

    /// Opens any other age file at `path`, such as a package that was given away.
    ///
    /// # Errors
    /// As [`ClipReader::open`].
    pub fn open_by(path: &Path, by: &OpenBy) -> Result<Self, OpenError> {
        Self::open_inner(path, by, None)
    }

    fn open_inner(path: &Path, key: &OpenBy, expected_bytes: Option<u64>) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let file = match fs::File::open(path) {
            Ok(file) => Arc::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OpenError::Missing { path: path.to_owned() });
            }
            Err(error) => return Err(failed(error)),
        };
        let stream = decrypting(path, &file, key)?;
        // age reads exactly its header and nonce, so the payload starts here.
        let payload_start = (&*file).stream_position().map_err(failed)?;
        let size_bytes = file.metadata().map_err(failed)?.len();
        let complete = expected_bytes == Some(size_bytes);
        let payload_bytes = size_bytes.saturating_sub(payload_start);
        let Measured { len, cut_short, stream } = measure(stream, payload_bytes, complete).map_err(failed)?;
        let position = if stream.is_some() { len } else { 0 };
        Ok(Self { path: path.to_owned(), file, key: key.clone(), stream, position, len, cut_short })
    }

    /// Plain bytes that can be read.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing can be read.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the clip ends before its last chunk: after a crash, or because somebody cut the file.
    pub fn cut_short(&self) -> bool {
        self.cut_short
    }

    /// Reads plain bytes from `offset` until `buf` is full or the clip ends; returns how many. Any offset is allowed.
    ///
    /// # Errors
    /// [`OpenError::Forged`] if a chunk in the way was changed, [`OpenError::Io`]. The reader stays usable.
    pub fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, OpenError> {
        let left = self.len.saturating_sub(offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        if wanted == 0 {
            return Ok(0);
        }
        let mut done = 0;
        while done < wanted {
            let at = offset + done as u64;
            match self.read_some(at, &mut buf[done..wanted]) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) => {
                    self.stream = None;
                    return Err(self.explain(error, at / CHUNK_BYTES));
                }
            }
        }
        Ok(done)
    }

    /// Reads from one chunk. `at` lies before the end.
    fn read_some(&mut self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                self.position = 0;
                decrypting(&self.path, &self.file, &self.key).map_err(io::Error::other)?
            }
        };
        if self.position != at {
            if at.is_multiple_of(CHUNK_BYTES) {
                stream.seek(SeekFrom::Start(at + 1))?;
            }
            stream.seek(SeekFrom::Start(at))?;
        }
        let read = stream.read(buf)?;
        self.position = at + read as u64;
        self.stream = Some(stream);
        Ok(read)
    }

    fn explain(&self, error: io::Error, index: u64) -> OpenError {
        let path = self.path.clone();
        // age says `InvalidData` of a chunk that fails; the operating system's own errors carry its number.
        if error.kind() == io::ErrorKind::InvalidData && error.raw_os_error().is_none() {
            OpenError::Forged { path, index }
        } else {
            OpenError::Io { path, source: error }
        }
    }
}

impl std::fmt::Debug for ClipReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClipReader")
            .field("path", &self.path)
            .field("len", &self.len)
            .field("cut_short", &self.cut_short)
            .finish_non_exhaustive()
    }
}

/// What a file's length says.
struct Measured {
    /// How many plain bytes can be read.
    len: u64,
    cut_short: bool,
    /// Stands at the end, and can be read on from anywhere.
    stream: Option<StreamReader<Arc<fs::File>>>,
}

/// Finds how much can be read. `complete` says that the file has the size that it had when it was finished.
fn measure(
    mut stream: StreamReader<Arc<fs::File>>,
    payload_bytes: u64,
    complete: bool,
) -> io::Result<Measured> {
    let whole_chunks = payload_bytes / SEALED_CHUNK_BYTES;
    let tail_bytes = payload_bytes % SEALED_CHUNK_BYTES;
    // Seeking relative to the end makes age authenticate the last chunk as the last one.
    if payload_bytes > 0 {
        match stream.seek(SeekFrom::End(0)) {
            Ok(len) => return Ok(Measured { len, cut_short: false, stream: Some(stream) }),
            Err(error) if error.raw_os_error().is_some() => return Err(error),
            Err(_) => {}
        }
    }
    // If all bytes are there, the last chunk was changed, and the read that meets it will say so.
    let tail_plain_bytes = if complete { tail_bytes.saturating_sub(TAG_BYTES) } else { 0 };
    Ok(Measured { len: whole_chunks * CHUNK_BYTES + tail_plain_bytes, cut_short: !complete, stream: None })
}

/// Reads the header from the start of the file; the stream then stands at the first plain byte.
fn decrypting(
    path: &Path,
    file: &Arc<fs::File>,
    key: &OpenBy,
) -> Result<StreamReader<Arc<fs::File>>, OpenError> {
    let explain = |error: DecryptError| {
        let path = path.to_owned();
        match error {
            DecryptError::NoMatchingKeys => OpenError::WrongKey { path },
            // What scrypt's stanza says to a wrong passphrase.
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed
                if matches!(key, OpenBy::Passphrase(_)) =>
            {
                OpenError::WrongKey { path }
            }
            DecryptError::ExcessiveWork { required, .. } => OpenError::TooMuchWork { path, log_n: required },
            DecryptError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                OpenError::HeaderCut { path }
            }
            DecryptError::Io(source) if source.raw_os_error().is_some() => OpenError::Io { path, source },
            DecryptError::Io(_)
            | DecryptError::DecryptionFailed
            | DecryptError::InvalidHeader
            | DecryptError::InvalidMac
            | DecryptError::KeyDecryptionFailed
            | DecryptError::UnknownFormat
            | _ => OpenError::HeaderForged { path },
        }
    };
    (&**file).seek(SeekFrom::Start(0)).map_err(|error| explain(error.into()))?;
    let decryptor = Decryptor::new(Arc::clone(file)).map_err(explain)?;
    key.with_identity(|identity| decryptor.decrypt(std::iter::once(identity))).map_err(explain)
}
