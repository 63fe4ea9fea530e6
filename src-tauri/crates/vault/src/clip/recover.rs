//! What a crash left: cut to its last whole chunk and given its name, without any key.

use std::{
    fs, io,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use age::Decryptor;
use sha2::{Digest, Sha256};

use super::{SEALED_CHUNK_BYTES, part_path, sync_folder_of};

/// Why a part could not be recovered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// There is no part.
    #[error("{} is not there", path.display())]
    Missing {
        /// The part's path.
        path: PathBuf,
    },
    /// The part ends before its first whole chunk, or in its header: there is no picture in it. It is left in place.
    #[error("{} holds no whole chunk", path.display())]
    Nothing {
        /// The part's path.
        path: PathBuf,
    },
    /// A file with the final name is there already.
    #[error("{} is there already", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("cannot recover {}: {source}", path.display())]
    Io {
        /// The part's path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A recovered clip. It opens as [`super::ClipReader::cut_short`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recovered {
    /// Bytes on disk.
    pub size_bytes: u64,
    /// SHA-256 of the bytes on disk.
    pub sha256: [u8; 32],
    /// Chunks of [`super::CHUNK_BYTES`] that are whole.
    pub whole_chunks: u64,
}

/// Cuts the part of `final_path` to its last whole chunk, makes it durable and gives it its final name.
///
/// No key is needed, since age's chunks have a fixed size on disk. That also means that a last, short chunk is given up
/// even if the crash came between writing it and renaming: nobody can tell without the key.
///
/// # Errors
/// See [`RecoverError`].
pub fn recover_part(final_path: &Path) -> Result<Recovered, RecoverError> {
    let path = part_path(final_path);
    let io = |source| RecoverError::Io { path: path.clone(), source };
    let mut file = match fs::OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(RecoverError::Missing { path }),
        Err(error) => return Err(io(error)),
    };
    if final_path.exists() {
        return Err(RecoverError::Exists { path: final_path.to_owned() });
    }
    if Decryptor::new(&mut file).is_err() {
        return Err(RecoverError::Nothing { path });
    }
    // age reads exactly its header and nonce, so the payload starts here.
    let payload_start = file.stream_position().map_err(io)?;
    let payload_bytes = file.metadata().map_err(io)?.len().saturating_sub(payload_start);
    let whole_chunks = payload_bytes / SEALED_CHUNK_BYTES;
    if whole_chunks == 0 {
        return Err(RecoverError::Nothing { path });
    }
    let size_bytes = payload_start + whole_chunks * SEALED_CHUNK_BYTES;
    file.set_len(size_bytes).map_err(io)?;
    let sha256 = hash(&mut file).map_err(io)?;
    file.sync_all().map_err(io)?;
    fs::rename(&path, final_path).map_err(io)?;
    sync_folder_of(final_path).map_err(io)?;
    Ok(Recovered { size_bytes, sha256, whole_chunks })
}

fn hash(file: &mut fs::File) -> io::Result<[u8; 32]> {
    let mut sha256 = Sha256::new();
    let mut block = vec![0; 256 * 1024];
    file.seek(SeekFrom::Start(0))?;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(sha256.finalize().into()),
            read => sha256.update(&block[..read]),
        }
    }
}
