//! Memory for a single encoded picture, lent to a worker.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::FileExt,
    },
};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

/// Sealed memory that a worker writes a picture into.
#[derive(Debug)]
pub struct SnapshotMemory {
    memfd: File,
}

impl SnapshotMemory {
    /// The largest picture: 8K as PNG stays below.
    pub const MAX_BYTES: u32 = 128 * 1024 * 1024;

    /// Makes it. What is not written takes no memory.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn create() -> io::Result<Self> {
        let memfd = memfd_create("hausrecht-picture", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&memfd, u64::from(Self::MAX_BYTES))?;
        fcntl_add_seals(&memfd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok(Self { memfd: File::from(memfd) })
    }

    /// The memory, to travel with the message.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.memfd.as_fd()
    }

    /// Copies the first `len` bytes out.
    ///
    /// # Errors
    /// More than there can be.
    pub fn read(&self, len: u32) -> io::Result<Vec<u8>> {
        if len > Self::MAX_BYTES {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = vec![0; len as usize];
        self.memfd.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}
