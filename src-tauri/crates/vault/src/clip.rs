//! Sealed clips on disk: writing, recovering after a crash, reading anywhere.

mod reader;
mod recover;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

pub use reader::{ClipReader, Lock, OpenError};
pub use recover::{RecoverError, Recovered, recover_part};
pub use writer::{ClipWriter, Sealed, WriteError};

/// Plain bytes in one chunk of an age file. Each chunk is authenticated by itself.
pub const CHUNK_BYTES: u64 = 64 * 1024;

/// Bytes of one whole chunk on disk: the plain bytes and their Poly1305 tag.
const SEALED_CHUNK_BYTES: u64 = CHUNK_BYTES + TAG_BYTES;

/// Bytes of a chunk's Poly1305 tag.
const TAG_BYTES: u64 = 16;

/// Where a clip lies while it is written: its final path with `.part` added.
#[must_use]
pub fn part_path(final_path: &Path) -> PathBuf {
    let mut name = OsString::from(final_path);
    name.push(".part");
    name.into()
}

/// Makes a rename within the folder of `path` durable.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
