//! A film that waits for its package: sealed to a key that is nowhere but in memory, in a file without a name. An export's worker
//! writes from front to back and goes back only to fill in the head, so what it goes back for is kept in memory.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::Path,
};

use hausrecht_vault::{Identity, SealFor, StreamOpener, StreamSealer};

use super::target::{Target, unwritable};
use crate::{Result, wire::Error};

/// What may be written again: the table of the pictures at most, and the head before it.
const PATCHES_MAX_BYTES: u64 = 80 << 20;

/// A film that is being written.
pub(super) struct Scratch {
    sealer: StreamSealer<Target>,
    key: Identity,
    size_bytes: u64,
    patches: Vec<(u64, Vec<u8>)>,
    patched_bytes: u64,
}

/// A film that is whole.
pub(super) struct Film {
    target: Target,
    key: Identity,
    pub(super) size_bytes: u64,
    patches: Vec<(u64, Vec<u8>)>,
}

impl Scratch {
    pub(super) fn begin(target: Target) -> Result<Self> {
        let key = Identity::generate();
        let folder = target.folder().to_owned();
        let sealer = StreamSealer::begin(&SealFor::Recipient(key.recipient()), target)
            .map_err(|error| unwritable(&folder, &error))?;
        Ok(Self { sealer, key, size_bytes: 0, patches: Vec::new(), patched_bytes: 0 })
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Writes `bytes` at `offset`: at the end, or over what is there.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8], folder: &Path) -> Result<()> {
        let over = self.size_bytes.saturating_sub(offset).min(bytes.len() as u64);
        if offset > self.size_bytes || self.patched_bytes + over > PATCHES_MAX_BYTES {
            return Err(Error::internal("the worker writes where nothing may be written"));
        }
        // Fits, for it is no longer than the slice.
        let (again, fresh) = bytes.split_at(usize::try_from(over).unwrap_or(bytes.len()));
        if !again.is_empty() {
            self.patched_bytes += over;
            self.patches.push((offset, again.to_vec()));
        }
        self.sealer.write_all(fresh).map_err(|error| unwritable(folder, &error))?;
        self.size_bytes += fresh.len() as u64;
        Ok(())
    }

    pub(super) fn finish(self, folder: &Path) -> Result<Film> {
        let target = self.sealer.finish().map_err(|error| unwritable(folder, &error))?;
        Ok(Film { target, key: self.key, size_bytes: self.size_bytes, patches: self.patches })
    }
}

impl Film {
    /// The film from its beginning.
    pub(super) fn read(&self) -> io::Result<impl Read> {
        let mut file = self.target.reader()?;
        file.rewind()?;
        let source = StreamOpener::begin(BufReader::with_capacity(1 << 17, file), &self.key)?;
        Ok(Patched { source, patches: &self.patches, at: 0 })
    }
}

/// A stream with some of its bytes replaced; of two that replace the same, the later one counts.
struct Patched<'a> {
    source: StreamOpener<BufReader<File>>,
    patches: &'a [(u64, Vec<u8>)],
    at: u64,
}

impl Read for Patched<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(bytes)?;
        let (from, to) = (self.at, self.at + read as u64);
        for (offset, patch) in self.patches {
            let (begin, end) = ((*offset).max(from), (offset + patch.len() as u64).min(to));
            if begin < end {
                let [at, end, of] = [begin - from, end - from, begin - offset].map(|n| n as usize);
                bytes[at..end].copy_from_slice(&patch[of..of + (end - at)]);
            }
        }
        self.at = to;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_over_is_read_as_it_was_written_last_and_nothing_lies_open() {
        let folder = tempfile::tempdir().unwrap();
        let mut scratch = Scratch::begin(Target::begin(folder.path(), |_| Ok(())).unwrap()).unwrap();
        let mut expected = Vec::new();
        for round in 0..40_u8 {
            let bytes = vec![round; 9_001];
            scratch.write(expected.len() as u64, &bytes, folder.path()).unwrap();
            expected.extend(bytes);
        }
        // A table that ends in the middle of something, a head over it, and what goes over the end.
        for (offset, bytes) in [(28, vec![200; 70_000]), (60_000, vec![201; 8]), (360_030, vec![202; 50])] {
            scratch.write(offset, &bytes, folder.path()).unwrap();
            let (from, end) = (offset as usize, offset as usize + bytes.len());
            expected.resize(expected.len().max(end), 0);
            expected[from..end].copy_from_slice(&bytes);
        }
        assert!(scratch.write(expected.len() as u64 + 1, b"x", folder.path()).is_err());
        let film = scratch.finish(folder.path()).unwrap();
        let mut read = Vec::new();
        film.read().unwrap().read_to_end(&mut read).unwrap();
        assert!(read == expected);
        assert_eq!(film.size_bytes, expected.len() as u64);
        let mut raw = Vec::new();
        let mut file = film.target.reader().unwrap();
        file.rewind().unwrap();
        file.read_to_end(&mut raw).unwrap();
        assert!(!raw.windows(64).any(|window| window == [7; 64]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
