//! Reads a clip through the engine: asks it for ranges of the plaintext.

use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};
pub(crate) use hausrecht_media::clip_reader::{Bytes, ClipReader, Picture};
use hausrecht_media::{Event, Sender, answer::AnswerReader};

use crate::lock::lock;

/// Asks the engine.
#[derive(Debug)]
pub(crate) struct EngineBytes {
    events: Sender<Event>,
    asked: Arc<Mutex<(AnswerReader, u32)>>,
}

impl EngineBytes {
    /// Asks over `events`, hears over `answers`.
    pub(crate) fn new(events: Sender<Event>, answers: AnswerReader) -> Self {
        Self { events, asked: Arc::new(Mutex::new((answers, 0))) }
    }

    /// The same, for another clip. One question is asked at a time.
    pub(crate) fn share(&self) -> Self {
        Self { events: self.events.clone(), asked: Arc::clone(&self.asked) }
    }
}

impl Bytes for EngineBytes {
    fn range(&mut self, offset: u64, len: u32) -> anyhow::Result<Vec<u8>> {
        let (answers, next_id) = &mut *lock(&self.asked);
        let id = *next_id;
        *next_id = next_id.wrapping_add(1);
        self.events.send(&Event::Read { id, offset, len })?;
        let (answered, bytes) = answers.next_answer().context("the engine gives no bytes")?;
        ensure!(answered == id, "the engine answered another question");
        bytes.with_context(|| format!("{len} bytes at {offset} cannot be read"))
    }
}
