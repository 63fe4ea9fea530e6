//! Everything that happened to a clip, as a proof that a stranger can check.

use hausrecht_ledger::{Checkpoint, ClipProof, Entry, Kind, VerifierKey, tags_of};
use hausrecht_model::ClipId;
use hausrecht_store::Tables;

use super::Handle;
use crate::{
    Result,
    logbook::Hashes,
    wire::{ClipHistory, Error, HistoryEntry},
};

/// Entries that are read at a time.
const BATCH: u32 = 10_000;

impl Handle {
    /// The proof of everything that happened to a clip, one that was erased too. Only hashes and tags of other entries are in it.
    ///
    /// # Errors
    /// Only the owner; nothing in the log is about this clip; the database cannot be written.
    pub async fn clip_proof(&self, clip: ClipId) -> Result<String> {
        let inner = std::sync::Arc::clone(&self.inner);
        inner.signed_in()?.owner_keys()?;
        let tag = inner.logbook.clip_tag(clip);
        let key = inner.logbook.verifier()?;
        self.inner
            .db
            .write(move |tables| {
                let row = inner.logbook.checkpoint(tables)?;
                let checkpoint = Checkpoint::verify(&row.note, &key).map_err(Error::internal)?;
                // What is erased is found by its tag alone.
                let known = tables.clip(clip)?.map(|row| row.entry);
                let mut from = None;
                each_leaf(tables, 0, checkpoint.size, |index, leaf| {
                    let is_first = from.is_none() && tags_of(leaf).contains(&tag);
                    from = from.or(is_first.then_some(index));
                    // The clip's own row says where it begins, which spares the rest of a long log.
                    from.is_none() && known.is_none_or(|known| index < known)
                })?;
                let from = from.or(known).ok_or_else(|| Error::not_found("an entry about this clip"))?;
                let mut proof =
                    ClipProof::begin(tag, from, &checkpoint, &Hashes(tables)).map_err(Error::internal)?;
                each_leaf(tables, from, checkpoint.size, |_, leaf| {
                    proof.push(leaf);
                    true
                })?;
                // Nothing is handed out that does not hold.
                proof.verify(&key, &inner.logbook.signers()).map_err(|error| {
                    Error::internal(format!("{error}: verify the log, which says since when"))
                })?;
                Ok(proof.to_string())
            })
            .await
    }
}

/// Walks the leaves from `from` up to `size`, for as long as `each` wants more.
fn each_leaf(
    tables: &Tables<'_>,
    from: u64,
    size: u64,
    mut each: impl FnMut(u64, &[u8]) -> bool,
) -> Result<()> {
    let mut next = from;
    while next < size {
        let leaves = tables.leaves(next, BATCH)?;
        let Some((last, _)) = leaves.last() else { break };
        let last = *last;
        for (index, leaf) in leaves.into_iter().filter(|(index, _)| *index < size) {
            if !each(index, &leaf) {
                return Ok(());
            }
        }
        next = last + 1;
    }
    Ok(())
}

/// Checks a clip's proof against the key of its log, and the owner's where one is given. Needs no vault.
///
/// # Errors
/// The text is no proof, the key no key, or the proof does not hold; the message says which.
pub fn check_clip_proof(text: &str, key: &str, owner_key: Option<&str>) -> Result<ClipHistory> {
    let key: VerifierKey = key.trim().parse().map_err(refused)?;
    let owner = match owner_key {
        None => None,
        Some(text) => {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text.trim(), &mut bytes)
                .map_err(|_| Error::invalid("the owner's key is 64 hexadecimal digits"))?;
            Some(ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(refused)?)
        }
    };
    let proof = ClipProof::parse(text).map_err(refused)?;
    let (checkpoint, told) = proof.verify(&key, owner.as_slice()).map_err(refused)?;
    Ok(ClipHistory {
        tag: proof.tag().to_string(),
        origin: checkpoint.origin.clone(),
        size: checkpoint.size,
        sha256: told.first().and_then(|told| told.entry.facts.get("sha256")?.as_str().map(str::to_owned)),
        entries: told
            .iter()
            .map(|told| HistoryEntry {
                index: told.index,
                at_us: told.entry.at,
                kind: told.entry.kind.as_str().to_owned(),
                by: told.entry.actor.to_string(),
                signed: told.signed,
                what: what(&told.entry),
            })
            .collect(),
    })
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::invalid(error.to_string())
}

/// The facts of an entry that say more of its kind, on one line.
fn what(entry: &Entry) -> String {
    let shown = |name: &&String| entry.kind != Kind::Erased || *name != "tags";
    let facts = entry.facts.keys().filter(shown).map(|name| format!("{name}={}", entry.facts[name]));
    facts.collect::<Vec<_>>().join(" ")
}
