//! The bytes of the file, a few blocks of which are kept: demuxers read a little here and a little there.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use hausrecht_media::{answer::MAX_ANSWER_BYTES, footage::ReadAt};

use crate::{
    clip_reader::{Bytes, EngineBytes},
    lock::lock,
};

const BLOCK_BYTES: u64 = MAX_ANSWER_BYTES as u64;
/// Blocks that are kept: pictures, sound and the index lie apart from each other.
const MAX_BLOCKS: usize = 16;

/// Reads the file through the engine. Cheap to copy; all copies are the same file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    size_bytes: u64,
    shared: Arc<Mutex<Blocks>>,
}

#[derive(Debug)]
struct Blocks {
    bytes: EngineBytes,
    /// The newest last.
    kept: VecDeque<(u64, Arc<[u8]>)>,
    failed: bool,
}

impl Source {
    pub(super) fn new(bytes: EngineBytes, size_bytes: u64) -> Self {
        let blocks = Blocks { bytes, kept: VecDeque::new(), failed: false };
        Self { size_bytes, shared: Arc::new(Mutex::new(blocks)) }
    }

    pub(super) fn again(&self) -> Self {
        self.clone()
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Whether some of it could not be read.
    pub(super) fn has_failed(&self) -> bool {
        lock(&self.shared).failed
    }
}

impl Blocks {
    fn block(&mut self, number: u64) -> Arc<[u8]> {
        if let Some(place) = self.kept.iter().position(|(known, _)| *known == number)
            && let Some(block) = self.kept.remove(place)
        {
            self.kept.push_back(block.clone());
            return block.1;
        }
        let read = self.bytes.range(number * BLOCK_BYTES, u32::try_from(BLOCK_BYTES).unwrap_or(u32::MAX));
        let block: Arc<[u8]> = match read {
            Ok(bytes) => Arc::from(bytes),
            Err(error) => {
                tracing::warn!("the file: {error:#}");
                self.failed = true;
                Arc::from(&[][..])
            }
        };
        if self.kept.len() >= MAX_BLOCKS {
            self.kept.pop_front();
        }
        self.kept.push_back((number, Arc::clone(&block)));
        block
    }
}

impl ReadAt for Source {
    fn read_at(&mut self, offset: u64, len: usize) -> Vec<u8> {
        let end = offset.saturating_add(len as u64).min(self.size_bytes);
        let mut bytes = Vec::with_capacity(usize::try_from(end.saturating_sub(offset)).unwrap_or(0));
        let mut at = offset;
        let mut blocks = lock(&self.shared);
        while at < end {
            let block = blocks.block(at / BLOCK_BYTES);
            let skip = usize::try_from(at % BLOCK_BYTES).unwrap_or(usize::MAX);
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
            let Some(part) = block.get(skip..).filter(|part| !part.is_empty()) else { break };
            let part = &part[..part.len().min(wanted)];
            bytes.extend_from_slice(part);
            at += part.len() as u64;
        }
        bytes
    }
}
