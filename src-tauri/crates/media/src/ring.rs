//! The ring: three BGRx pictures in sealed shared memory, newest wins. The worker writes, a presenter reads; neither waits
//! for the other. One slot belongs to the writer, one to the reader, and the third lies between them; an atomic word says
//! which, and whether the reader has seen it. `PROTOCOL.md` has the layout.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Mutex, PoisonError,
        atomic::Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};

use crate::{mapped::Mapped, message::RingShape};

const SLOTS: u32 = 3;
const HEADER_BYTES: usize = 4096;
const MIDDLE_OFFSET: usize = 0;
const META_OFFSET: usize = 64;
const META_STRIDE: usize = 64;
const FRESH: u32 = 4;
const INDEX_MASK: u32 = 3;

/// Why a ring could not be made or taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// The measures are outside what is allowed.
    #[error("a ring of {}x{}, stride {} is not possible", .0.width, .0.height, .0.stride)]
    Shape(RingShape),
    /// The memory is not of the announced size, or could shrink.
    #[error("the ring's memory is not sealed or has the wrong size")]
    Memory,
    /// The kernel refused.
    #[error("the ring's memory: {0}")]
    System(#[from] io::Error),
}

/// When a picture was taken and came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameMeta {
    /// Counts up from 1.
    pub sequence: u64,
    /// The stream's own time.
    pub pts_us: u64,
    /// When the picture's data arrived in the worker; 0 from a player.
    pub arrived_unix_us: i64,
}

/// A picture, valid while it is looked at.
#[derive(Debug)]
pub struct Picture<'a> {
    /// Lines of `stride` bytes; blue, green, red, and a byte without meaning for each pixel.
    pub bgrx: &'a [u8],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one line to the next.
    pub stride: u32,
    /// When it was taken and came.
    pub meta: FrameMeta,
}

/// The reader's side, made by the engine. Can be shared between threads; readers take turns.
#[derive(Debug)]
pub struct Ring {
    memfd: OwnedFd,
    shared: Mapped,
    shape: RingShape,
    front: Mutex<Front>,
}

#[derive(Debug)]
struct Front {
    slot: u32,
    seen: bool,
}

impl Ring {
    /// Makes a sealed ring for pictures of `width` by `height`; `generation` tells it from earlier ones.
    ///
    /// # Errors
    /// Measures out of range, or no memory.
    pub fn create(generation: u32, width: u32, height: u32) -> Result<Self, RingError> {
        let shape = RingShape { generation, width, height, stride: width.saturating_mul(4) };
        let len = total_bytes(shape)?;
        let memfd = memfd_create("hausrecht-ring", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(io::Error::from)?;
        ftruncate(&memfd, u64::try_from(len).map_err(|_| RingError::Shape(shape))?)
            .map_err(io::Error::from)?;
        fcntl_add_seals(&memfd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
            .map_err(io::Error::from)?;
        let shared = Mapped::new(&memfd, len)?;
        // Writer begins with slot 0, reader holds 2, 1 lies between them.
        shared.atomic_u32(MIDDLE_OFFSET).store(1, Release);
        Ok(Self { memfd, shared, shape, front: Mutex::new(Front { slot: 2, seen: false }) })
    }

    /// The measures, for the message.
    pub fn shape(&self) -> RingShape {
        self.shape
    }

    /// The memory, to travel with the message.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.memfd.as_fd()
    }

    /// Whether a picture came that [`Ring::newest`] has not given yet.
    pub fn has_new(&self) -> bool {
        self.shared.atomic_u32(MIDDLE_OFFSET).load(Acquire) & FRESH != 0
    }

    /// Gives the newest picture to `look`, the one already given if there is none newer; `None` before the first.
    /// The picture stays as it is until `look` returns, while the worker goes on writing elsewhere.
    pub fn newest<T>(&self, look: impl FnOnce(Picture<'_>) -> T) -> Option<T> {
        let mut front = self.front.lock().unwrap_or_else(PoisonError::into_inner);
        let middle = self.shared.atomic_u32(MIDDLE_OFFSET);
        if middle.load(Acquire) & FRESH != 0 {
            let taken = middle.swap(front.slot, AcqRel) & INDEX_MASK;
            // The worker wrote this number: one out of range is its fault, and it sees no more of its pictures.
            if taken >= SLOTS {
                return None;
            }
            *front = Front { slot: taken, seen: true };
        }
        if !front.seen {
            return None;
        }
        let (offset, len) = slot_range(self.shape, front.slot);
        let meta = read_meta(&self.shared, front.slot);
        let RingShape { width, height, stride, .. } = self.shape;
        Some(look(Picture { bgrx: self.shared.bytes(offset, len), width, height, stride, meta }))
    }
}

/// The writer's side, in the worker.
#[derive(Debug)]
pub struct RingWriter {
    shared: Mapped,
    shape: RingShape,
    back: u32,
    sequence: u64,
}

impl RingWriter {
    /// Takes the memory that came with a message.
    ///
    /// # Errors
    /// Measures out of range, or the memory is not sealed or of another size.
    pub fn open(memfd: &OwnedFd, shape: RingShape) -> Result<Self, RingError> {
        let len = total_bytes(shape)?;
        let seals = fcntl_get_seals(memfd).map_err(io::Error::from)?;
        let size = fstat(memfd).map_err(io::Error::from)?.st_size;
        if !seals.contains(SealFlags::SHRINK) || usize::try_from(size).ok() != Some(len) {
            return Err(RingError::Memory);
        }
        Ok(Self { shared: Mapped::new(memfd, len)?, shape, back: 0, sequence: 0 })
    }

    /// The measures.
    pub fn shape(&self) -> RingShape {
        self.shape
    }

    /// Writes a picture whose lines are `source_stride` bytes apart, and makes it the newest. Returns the slot and the
    /// sequence number; `None` if `bgrx` is too short for the ring's measures.
    pub fn publish(
        &mut self,
        bgrx: &[u8],
        source_stride: usize,
        pts_us: u64,
        arrived_unix_us: i64,
    ) -> Option<(u8, u64)> {
        let (offset, len) = slot_range(self.shape, self.back);
        let stride = usize::try_from(self.shape.stride).ok()?;
        let height = usize::try_from(self.shape.height).ok()?;
        if source_stride < stride
            || bgrx.len() < source_stride.checked_mul(height - 1)?.checked_add(stride)?
        {
            return None;
        }
        if source_stride == stride {
            self.shared.write(offset, bgrx.get(..len)?);
        } else {
            for (line, source) in bgrx.chunks(source_stride).take(height).enumerate() {
                self.shared.write(offset + line * stride, source.get(..stride)?);
            }
        }
        self.sequence += 1;
        let written = self.back;
        write_meta(&self.shared, written, FrameMeta { sequence: self.sequence, pts_us, arrived_unix_us });
        let returned = self.shared.atomic_u32(MIDDLE_OFFSET).swap(written | FRESH, AcqRel) & INDEX_MASK;
        self.back = returned.min(SLOTS - 1);
        Some((u8::try_from(written).ok()?, self.sequence))
    }
}

fn total_bytes(shape: RingShape) -> Result<usize, RingError> {
    let possible = (16..=7680).contains(&shape.width)
        && (16..=4320).contains(&shape.height)
        && shape.stride == shape.width * 4;
    if !possible {
        return Err(RingError::Shape(shape));
    }
    let (offset, len) = slot_range(shape, SLOTS - 1);
    Ok((offset + len).next_multiple_of(4096))
}

/// Offset and length of a slot; slots begin at pages.
fn slot_range(shape: RingShape, slot: u32) -> (usize, usize) {
    let len = shape.stride as usize * shape.height as usize;
    (HEADER_BYTES + slot as usize * len.next_multiple_of(4096), len)
}

fn meta_offset(slot: u32) -> usize {
    META_OFFSET + slot as usize * META_STRIDE
}

fn write_meta(shared: &Mapped, slot: u32, meta: FrameMeta) {
    let at = meta_offset(slot);
    shared.atomic_u64(at).store(meta.sequence, Relaxed);
    shared.atomic_u64(at + 8).store(meta.pts_us, Relaxed);
    shared.atomic_u64(at + 16).store(meta.arrived_unix_us.cast_unsigned(), Relaxed);
}

fn read_meta(shared: &Mapped, slot: u32) -> FrameMeta {
    let at = meta_offset(slot);
    FrameMeta {
        sequence: shared.atomic_u64(at).load(Relaxed),
        pts_us: shared.atomic_u64(at + 8).load(Relaxed),
        arrived_unix_us: shared.atomic_u64(at + 16).load(Relaxed).cast_signed(),
    }
}

#[cfg(test)]
mod tests;
