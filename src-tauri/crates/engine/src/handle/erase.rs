//! Erasing by hand, or because somebody in the picture demands it: keys first, then files; the log keeps that it happened.

use std::sync::Arc;

use hausrecht_ledger::Kind;
use hausrecht_model::ClipId;
use hausrecht_store::{ClipFilter, Goes};

use super::Handle;
use crate::{
    Result,
    inner::lock,
    logbook::Note,
    retention::{finish_erasing, settle},
    wire::{EraseOrder, EraseWhat, Erased, Error},
};

/// Clips of one order.
const CLIPS_MAX: usize = 50_000;
/// Clips of one entry: its tags must fit into a leaf.
const AT_ONCE: usize = 200;
const REASON_MAX: usize = 1_000;

impl Handle {
    /// What an order would erase.
    ///
    /// # Errors
    /// Only the owner; no such camera; too many clips.
    pub async fn would_erase(&self, what: EraseWhat) -> Result<Erased> {
        self.inner.signed_in()?.owner_keys()?;
        let goes = self.goes(what).await?;
        Ok(sum(&goes))
    }

    /// Erases clips for good: their wraps and small pictures go, then the personal fields of their entries, then the files. What is
    /// kept longer is not erased.
    ///
    /// # Errors
    /// Only the owner; nothing is there; a hold keeps something of it; the log cannot be written, and then nothing was erased.
    pub async fn erase(&self, order: EraseOrder) -> Result<Erased> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let reason = order.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > REASON_MAX {
            return Err(Error::invalid(format!("erasing needs a reason of up to {REASON_MAX} characters")));
        }
        let goes = self.goes(order.what).await?;
        if goes.is_empty() {
            return Err(Error::not_found("a clip to erase"));
        }
        let held = goes.iter().filter(|(_, held)| *held).count();
        if held > 0 {
            return Err(Error::invalid(format!(
                "{held} of these clips are kept longer: release them first, if nobody needs them any more"
            )));
        }
        let why = if order.demanded { "demanded" } else { "by_hand" };
        let mut by_camera: Vec<Goes> = goes.iter().map(|(goes, _)| *goes).collect();
        by_camera.sort_by_key(|goes| goes.camera);
        self.close_erased(&by_camera);
        for batch in by_camera.chunk_by(|a, b| a.camera == b.camera).flat_map(|clips| clips.chunks(AT_ONCE)) {
            let (writer, keys, batch) = (Arc::clone(inner), Arc::clone(&owner), batch.to_vec());
            let tags: Vec<_> =
                batch.iter().map(|goes| inner.logbook.clip_tag(goes.clip).to_string()).collect();
            let note = Note::new(Kind::Erased)
                .by(person.id)
                .camera(batch[0].camera)
                .fact("why", why)
                .fact("clips", batch.len())
                .fact("size_bytes", batch.iter().map(|goes| goes.size_bytes).sum::<u64>())
                .fact("tags", tags)
                .personal("reason", reason.clone());
            inner
                .db
                .write(move |tables| {
                    for goes in &batch {
                        if order.forget_copies {
                            tables.begin_erasing_with_copies(goes.clip)?;
                        } else {
                            tables.begin_erasing(goes.clip)?;
                        }
                    }
                    writer.logbook.append(tables, &note, Some(&keys))
                })
                .await
                .map_err(Error::order_unwritable)?;
        }
        finish_erasing(inner).await?;
        settle(inner, goes.len() as u64).await?;
        Ok(sum(&goes))
    }

    async fn goes(&self, what: EraseWhat) -> Result<Vec<(Goes, bool)>> {
        let filter = match what {
            EraseWhat::Clips { clips } => {
                check_number(clips.len())?;
                return self.inner.db.read(move |tables| Ok(tables.erasable(&clips)?)).await;
            }
            EraseWhat::Span { camera, from_us, to_us } => {
                if !lock(&self.inner.camera_rows).contains_key(&camera) {
                    return Err(Error::not_found("this camera"));
                }
                if to_us <= from_us {
                    return Err(Error::invalid("a span ends after it begins"));
                }
                ClipFilter { cameras: vec![camera], span_us: Some((from_us, to_us)), ..ClipFilter::default() }
            }
        };
        self.inner
            .db
            .read(move |tables| {
                let clips: Vec<ClipId> = tables.clip_spans(&filter)?.iter().map(|clip| clip.id).collect();
                check_number(clips.len())?;
                Ok(tables.erasable(&clips)?)
            })
            .await
    }

    /// Whoever watches one of them watches it no more.
    fn close_erased(&self, goes: &[Goes]) {
        let watched = lock(&self.inner.player).as_ref().map(|player| player.state().clip);
        if watched.is_some_and(|clip| goes.iter().any(|goes| goes.clip == clip)) {
            self.close_player();
        }
    }
}

fn check_number(clips: usize) -> Result<()> {
    if clips > CLIPS_MAX {
        return Err(Error::invalid(format!("{clips} clips at a time are too many: up to {CLIPS_MAX}")));
    }
    Ok(())
}

fn sum(goes: &[(Goes, bool)]) -> Erased {
    Erased {
        clips: goes.len() as u64,
        size_bytes: goes.iter().map(|(goes, _)| goes.size_bytes).sum(),
        held: goes.iter().filter(|(_, held)| *held).count() as u64,
    }
}
