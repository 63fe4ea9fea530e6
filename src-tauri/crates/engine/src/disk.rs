//! How much room there is on the disk; passed in, so that tests have a disk as full as they need.

use std::{fmt, io, path::Path};

/// Room on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// All of it. Bytes.
    pub total_bytes: u64,
    /// What this program may still write. Bytes.
    pub free_bytes: u64,
}

/// Where the room on a disk is known from.
pub trait Disk: Send + Sync + fmt::Debug {
    /// The room on the disk that `folder` lies on.
    ///
    /// # Errors
    /// The operating system's.
    fn space(&self, folder: &Path) -> io::Result<Space>;
}

/// The computer's own disks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn space(&self, folder: &Path) -> io::Result<Space> {
        let disk = rustix::fs::statvfs(folder)?;
        Ok(Space {
            total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        })
    }
}
