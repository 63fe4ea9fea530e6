//! A clip's index while it is being recorded: a file beside the part, `CLIP.age.index`, so that a crash does not lose it; then a column.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use hausrecht_media::bulk::ClipStart;
pub(crate) use hausrecht_media::clip_index::{ClipIndex, Fragment, to_bytes};

use crate::Result;

/// The index of a clip that is being written.
pub(crate) struct IndexFile {
    path: PathBuf,
    file: File,
    bytes: Vec<u8>,
}

pub(crate) fn index_path(clip: &Path) -> PathBuf {
    let mut name = clip.as_os_str().to_owned();
    name.push(".index");
    PathBuf::from(name)
}

impl IndexFile {
    pub(crate) fn create(clip: &Path, start: &ClipStart) -> Result<Self> {
        let path = index_path(clip);
        let mut file = File::create(&path)?;
        file.write_all(&ClipIndex::header(start.codec, start.width, start.height))?;
        Ok(Self { path, file, bytes: Vec::new() })
    }

    pub(crate) fn push(&mut self, fragment: Fragment) -> Result<()> {
        let bytes = fragment.to_bytes();
        self.file.write_all(&bytes)?;
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
    }

    /// The fragments as the database keeps them.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The clip is in the database. A file that cannot be removed is removed at the next start.
    pub(crate) fn remove(self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("{}: {error}", self.path.display());
        }
    }
}

/// Reads an index file that a crash left; `None` if it does not even have a header.
pub(crate) fn read(clip: &Path) -> Option<ClipIndex> {
    ClipIndex::read(&std::fs::read(index_path(clip)).ok()?)
}
