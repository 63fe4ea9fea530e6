//! Memory shared with another process: the one place of this crate that needs `unsafe`.
//!
//! A [`Mapped`] is a shared mapping of a memfd of fixed, sealed size. The other process may write to it at any time, even
//! against the protocol, so nothing read from it is believed, and only plain bytes and atomics, for which every bit
//! pattern is valid, are ever read.
#![allow(
    unsafe_code,
    reason = "shared memory cannot be read or written through safe references to owned data"
)]

use std::{
    io,
    os::fd::OwnedFd,
    sync::atomic::{AtomicU32, AtomicU64},
};

use memmap2::{MmapOptions, MmapRaw};

/// A shared, writable mapping.
#[derive(Debug)]
pub(crate) struct Mapped {
    map: MmapRaw,
}

impl Mapped {
    /// Maps all `len_bytes` of `memfd`. The caller has made sure that the file has that size and is sealed against shrinking,
    /// for a mapping of a shrunk file faults.
    pub(crate) fn new(memfd: &OwnedFd, len_bytes: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(len_bytes).map_raw(memfd)?;
        Ok(Self { map })
    }

    /// The 32-bit atomic at `offset`, a multiple of four inside the mapping.
    pub(crate) fn atomic_u32(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.map.len(), "inside the header");
        // SAFETY: the address is inside the mapping, which lives as long as `self`, and aligned (mappings begin at a page);
        // it is only ever used as an atomic, by both processes.
        unsafe { AtomicU32::from_ptr(self.map.as_mut_ptr().add(offset).cast()) }
    }

    /// The 64-bit atomic at `offset`, a multiple of eight inside the mapping.
    pub(crate) fn atomic_u64(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.map.len(), "inside the header");
        // SAFETY: as for `atomic_u32`.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(offset).cast()) }
    }

    /// The bytes from `offset`. The ring's protocol gives this range to the reader alone while it is held; a worker that
    /// breaks the protocol can make the picture change under the reader, never the memory invalid.
    pub(crate) fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        let end = offset.checked_add(len).expect("ranges of a ring are far below the address space");
        assert!(end <= self.map.len(), "inside the mapping");
        // SAFETY: the range is inside the mapping, which lives as long as the result; every byte pattern is a valid `u8`.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(offset), len) }
    }

    /// Copies `source` to `offset`. The ring's protocol gives this range to the writer alone.
    pub(crate) fn write(&self, offset: usize, source: &[u8]) {
        let end = offset.checked_add(source.len()).expect("ranges of a ring are far below the address space");
        assert!(end <= self.map.len(), "inside the mapping");
        // SAFETY: the target range is inside the mapping; `source` is private memory of this process and cannot overlap it.
        unsafe {
            std::ptr::copy_nonoverlapping(source.as_ptr(), self.map.as_mut_ptr().add(offset), source.len())
        }
    }
}
