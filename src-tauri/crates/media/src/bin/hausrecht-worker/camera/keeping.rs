//! What of the main stream is recorded: everything, nothing, or nothing yet. In the last case the newest pictures stay
//! in memory, and are recorded first when something happens.

use std::sync::Arc;

use hausrecht_media::{FaultCode, Keep, Stream};

use super::{Camera, End};
use crate::{
    fmp4::Format,
    pre_roll::PreRoll,
    recorder::{AccessUnit, Recorded},
    thumbnail,
};

/// What is recorded, and what is remembered meanwhile.
#[derive(Debug)]
pub(super) enum Keeping {
    Nothing,
    /// The memory; `ends` while what was recorded before still waits for the key frame that ends it.
    Ahead {
        memory: PreRoll,
        ends: bool,
    },
    All,
}

impl Keeping {
    pub(super) fn new(records: bool) -> Self {
        if records { Self::All } else { Self::Nothing }
    }

    /// Whether the main stream must be fetched for it.
    pub(super) fn wants_pictures(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// The stream begins anew, with times that do not continue the old ones.
    pub(super) fn forget(&mut self) {
        if let Self::Ahead { memory, ends } = self {
            memory.clear();
            *ends = false;
        }
    }
}

impl Camera {
    /// Follows an order at once, without losing or doubling a picture of what goes on.
    pub(super) fn keep(&mut self, keep: Keep) -> Result<(), End> {
        match keep {
            Keep::Nothing => {
                self.recorder.finish();
                self.keeping = Keeping::Nothing;
                self.stop_unwatched();
                return Ok(());
            }
            Keep::Ahead { memory_ms } => match &mut self.keeping {
                Keeping::Ahead { memory, .. } => memory.reach_back(memory_ms),
                Keeping::All => self.keeping = Keeping::Ahead { memory: PreRoll::new(memory_ms), ends: true },
                Keeping::Nothing => {
                    self.keeping = Keeping::Ahead { memory: PreRoll::new(memory_ms), ends: false };
                }
            },
            Keep::All { from_unix_us } => {
                if let Keeping::Ahead { memory, .. } = std::mem::replace(&mut self.keeping, Keeping::All) {
                    for (unit, format) in memory.from(from_unix_us) {
                        self.put(unit, &format)?;
                    }
                }
            }
        }
        if self.main.ingest.is_none() { self.connect_again(Stream::Main) } else { Ok(()) }
    }

    /// Takes the next picture of the main stream.
    pub(super) fn record(&mut self, unit: AccessUnit, format: &Arc<Format>) -> Result<(), End> {
        match &mut self.keeping {
            Keeping::Nothing => Ok(()),
            Keeping::All => self.put(unit, format),
            Keeping::Ahead { ends: true, .. } if !unit.key => self.put(unit, format),
            Keeping::Ahead { memory, ends } => {
                if std::mem::take(ends) {
                    self.recorder.finish_before(unit.pts_us);
                }
                memory.push(unit, format);
                Ok(())
            }
        }
    }

    fn put(&mut self, unit: AccessUnit, format: &Arc<Format>) -> Result<(), End> {
        match self.recorder.push(unit.clone(), format) {
            Recorded::Kept | Recorded::BeforeKey => Ok(()),
            Recorded::BeganClip(seq) => {
                self.recorder.wait_for(thumbnail::make(seq, unit, Arc::clone(format), self.bulk.clone()));
                Ok(())
            }
            Recorded::Refused => Err(End::Fault(
                FaultCode::UnsupportedCodec,
                format!("{:?} pictures of {} bytes cannot be recorded", format.codec, unit.data.len()),
            )),
        }
    }
}
