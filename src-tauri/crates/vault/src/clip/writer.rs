//! Writing a clip: encrypted while it streams, hashed while it is written, durable before it gets its name.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use age::{Encryptor, stream::StreamWriter};
use sha2::{Digest, Sha256};

use super::{CHUNK_BYTES, part_path, sync_folder_of};
use crate::Recipient;

/// Why a clip could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The disk, or the share of it that this user may fill, is full.
    #[error("no space left for {}", path.display())]
    DiskFull {
        /// The file being written.
        path: PathBuf,
    },
    /// There is a file of this name already; nothing is ever overwritten.
    #[error("{} is there already", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// Writing failed otherwise.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file being written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl WriteError {
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        let kind = source.kind();
        if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::DiskFull { path }
        } else if kind == io::ErrorKind::AlreadyExists {
            Self::Exists { path }
        } else {
            Self::Io { path, source }
        }
    }
}

/// A clip that is whole, durable and has its final name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// Bytes on disk.
    pub size_bytes: u64,
    /// Bytes that were written into it.
    pub plain_bytes: u64,
    /// SHA-256 of the bytes on disk: what the log says of the clip.
    pub sha256: [u8; 32],
}

/// Writes one clip to `NAME.part` and renames it to `NAME` when it is whole.
///
/// If it is dropped before [`ClipWriter::finish`], the part stays for [`super::recover_part`].
pub struct ClipWriter {
    stream: StreamWriter<HashedFile>,
    file: Arc<fs::File>,
    part: PathBuf,
    final_path: PathBuf,
    plain_bytes: u64,
}

impl ClipWriter {
    /// Starts the clip `final_path`, sealed to `recipient` (see [`crate::ClipKey::recipient`]).
    ///
    /// # Errors
    /// [`WriteError::Exists`] if the part or the final file is there; the others if writing fails.
    pub fn create(final_path: &Path, recipient: &Recipient) -> Result<Self, WriteError> {
        let part = part_path(final_path);
        if final_path.exists() {
            return Err(WriteError::Exists { path: final_path.to_owned() });
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Arc::new(options.open(&part).map_err(|error| WriteError::new(&part, error))?);
        let encryptor = Encryptor::with_recipients(std::iter::once(&recipient.0 as &dyn age::Recipient))
            .expect("one recipient is a valid set");
        let hashed = HashedFile { file: Arc::clone(&file), sha256: Sha256::new(), size_bytes: 0 };
        let stream = encryptor.wrap_output(hashed).map_err(|error| WriteError::new(&part, error))?;
        Ok(Self { stream, file, part, final_path: final_path.to_owned(), plain_bytes: 0 })
    }

    /// Appends `plain`. At most one chunk (64 KiB) of it waits in memory.
    ///
    /// # Errors
    /// [`WriteError::DiskFull`] or [`WriteError::Io`]; after that the clip can only be dropped and recovered.
    pub fn write_all(&mut self, plain: &[u8]) -> Result<(), WriteError> {
        self.stream.write_all(plain).map_err(|error| WriteError::new(&self.part, error))?;
        self.plain_bytes += plain.len() as u64;
        Ok(())
    }

    /// Bytes written into the clip so far.
    pub fn plain_bytes(&self) -> u64 {
        self.plain_bytes
    }

    /// How many of the bytes written into the clip are still in memory: age closes a chunk only when it knows that another follows.
    pub fn unsealed_bytes(&self) -> u64 {
        match self.plain_bytes % CHUNK_BYTES {
            0 => self.plain_bytes.min(CHUNK_BYTES),
            part => part,
        }
    }

    /// Where the clip lies until it is finished.
    pub fn part_path(&self) -> &Path {
        &self.part
    }

    /// Makes every whole chunk so far durable (`fdatasync`). A chunk that is not full stays in memory, since age closes a
    /// chunk only when it knows that another follows.
    ///
    /// # Errors
    /// [`WriteError::DiskFull`] or [`WriteError::Io`].
    pub fn sync(&self) -> Result<(), WriteError> {
        self.file.sync_data().map_err(|error| WriteError::new(&self.part, error))
    }

    /// Writes the last chunk, makes the file durable, gives it its final name and makes that durable too.
    ///
    /// # Errors
    /// [`WriteError`]; the part then stays for [`super::recover_part`].
    pub fn finish(self) -> Result<Sealed, WriteError> {
        let failed = |error| WriteError::new(&self.part, error);
        let hashed = self.stream.finish().map_err(failed)?;
        hashed.file.sync_all().map_err(failed)?;
        fs::rename(&self.part, &self.final_path).map_err(failed)?;
        sync_folder_of(&self.final_path).map_err(failed)?;
        Ok(Sealed {
            size_bytes: hashed.size_bytes,
            plain_bytes: self.plain_bytes,
            sha256: hashed.sha256.finalize().into(),
        })
    }

    /// Gives the clip up and removes its part: for a recording that never saw a key frame.
    ///
    /// # Errors
    /// [`WriteError::Io`] if the part cannot be removed.
    pub fn abandon(self) -> Result<(), WriteError> {
        fs::remove_file(&self.part).map_err(|error| WriteError::new(&self.part, error))
    }
}

impl std::fmt::Debug for ClipWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClipWriter")
            .field("part", &self.part)
            .field("plain_bytes", &self.plain_bytes)
            .finish_non_exhaustive()
    }
}

/// A file that hashes and counts what reaches it.
struct HashedFile {
    file: Arc<fs::File>,
    sha256: Sha256,
    size_bytes: u64,
}

impl Write for HashedFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = (&*self.file).write(buf)?;
        self.sha256.update(&buf[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
