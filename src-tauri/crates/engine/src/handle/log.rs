//! The log: pages, one entry with its proof, verification of the whole, the checkpoint.

use std::{path::Path, sync::Arc};

use ed25519_dalek::VerifyingKey;
use hausrecht_ledger::{Checkpoint, Entry, InclusionProof, Kind, Verifier, prove, record_hash, stored_count};
use hausrecht_store::{ClipFilter, EntryFilter, EntryRow};
use hausrecht_vault::open_with;

use super::{Handle, session::blocking};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::{Hashes, Note, parse_personal},
    recorder::hash_file,
    session::SignedIn,
    wire::Event,
    wire::{Error, Fact, Finding, LogEntryDetail, LogPage, LogQuery, LogRow, VerifyState},
};

/// Leaves read at once when the whole log is walked.
const BATCH: u32 = 500;
/// A verification reports at most this many findings; the first ones tell the story.
const FINDINGS_MAX: usize = 200;

impl Handle {
    /// A page of the log, newest first. Members see what they did and what is about them.
    ///
    /// # Errors
    /// Nobody is signed in; a limit out of range.
    pub async fn log_page(&self, query: LogQuery) -> Result<LogPage> {
        let person = self.inner.signed_in()?;
        if !(1..=500).contains(&query.limit) {
            return Err(Error::invalid("1 to 500 entries at a time"));
        }
        let about = if person.owner().is_some() { query.person } else { Some(person.id) };
        let filter =
            EntryFilter { kinds: query.kinds, camera: query.camera, person: about, ..EntryFilter::default() };
        let (size, matching, entries) = self
            .inner
            .db
            .read(move |tables| {
                Ok((
                    tables.log_size()?,
                    tables.count_entries(&filter)?,
                    with_clips(tables, tables.entries(&filter, query.offset, query.limit)?)?,
                ))
            })
            .await?;
        let inner = Arc::clone(&self.inner);
        let rows = blocking(move || {
            Ok(entries.iter().map(|(row, clip)| log_row(&inner, row, *clip, &person)).collect())
        })
        .await?;
        Ok(LogPage { size, matching, rows })
    }

    /// One entry with its proof, checked just now.
    ///
    /// # Errors
    /// No such entry for this person.
    pub async fn log_entry(&self, index: u64) -> Result<LogEntryDetail> {
        let person = self.inner.signed_in()?;
        let writer = Arc::clone(&self.inner);
        let (rows, released_us, checkpoint, proof) = self
            .inner
            .db
            .write(move |tables| {
                let row = tables.entry(index)?.ok_or_else(|| Error::not_found("this entry"))?;
                let checkpoint = writer.logbook.checkpoint(tables)?;
                let proof = prove(checkpoint.size, index, &Hashes(tables)).map_err(Error::internal)?;
                Ok((with_clips(tables, vec![row])?, tables.release(index)?, checkpoint, proof))
            })
            .await?;
        let (row, clip) = rows.into_iter().next().ok_or_else(|| Error::not_found("this entry"))?;
        if person.owner().is_none() && row.actor != Some(person.id) && row.person != Some(person.id) {
            return Err(Error::not_found("this entry"));
        }
        let key = self.inner.logbook.verifier()?;
        let checkpoint = Checkpoint::verify(&checkpoint.note, &key).map_err(Error::internal)?;
        let proof = InclusionProof::new(index, proof, &checkpoint);
        let entry = Entry::parse(&row.leaf).ok();
        let owner_key = self.owner_signing_key().await?;
        let device_key = self.inner.logbook.device.log_signing().verifying_key();
        let signed_by_owner = match (&entry, &owner_key) {
            (Some(entry), Some(key)) => entry.verify_signature(key).is_ok(),
            (Some(_) | None, _) => false,
        };
        let signed = signed_by_owner
            || entry.as_ref().is_some_and(|entry| entry.verify_signature(&device_key).is_ok());
        let proven = signed && proof.verify(&row.leaf, &key).is_ok();
        Ok(LogEntryDetail {
            released_us,
            leaf_hash: hex::encode(record_hash(&row.leaf)),
            tree_size: checkpoint.size,
            root: hex::encode(checkpoint.root),
            proven,
            signed_by_owner,
            leaf: String::from_utf8_lossy(&row.leaf).into_owned(),
            proof: proof.to_string(),
            row: log_row(&self.inner, &row, clip, &person),
        })
    }

    /// Walks the whole log and every clip file; progress comes as events, the end is in [`Handle::verify_state`].
    ///
    /// # Errors
    /// Only the owner; one is running already.
    pub fn verify_log(&self) -> Result<()> {
        let person = self.inner.signed_in()?;
        person.owner_keys()?;
        if lock(&self.inner.verify).as_ref().is_some_and(|state| state.running) {
            return Ok(());
        }
        let handle = self.clone();
        self.set_verify(VerifyState {
            running: true,
            done: 0,
            entries: 0,
            total: 0,
            findings: Vec::new(),
            finished_us: None,
        });
        tokio::spawn(async move {
            if let Err(error) = handle.walk(Some(person)).await {
                let finding =
                    Finding { entry: None, clip: None, code: "failed".into(), detail: error.message };
                handle.end_verify(vec![finding]);
            }
        });
        Ok(())
    }

    /// The same, waiting for its end; for the command line. Needs nobody signed in: nothing is shown that the log does not
    /// say in plain.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn verify_log_now(&self) -> Result<VerifyState> {
        let person = self.inner.signed_in().ok();
        self.walk(person).await?;
        lock(&self.inner.verify).clone().ok_or_else(|| Error::internal("the verification left no result"))
    }

    /// The last verification, or the one that runs.
    pub fn verify_state(&self) -> Option<VerifyState> {
        lock(&self.inner.verify).clone().filter(|_| self.inner.is_owner_signed_in())
    }

    fn set_verify(&self, state: VerifyState) {
        *lock(&self.inner.verify) = Some(state.clone());
        self.inner.tell(Event::Verify(state));
    }

    fn end_verify(&self, mut findings: Vec<Finding>) {
        findings.truncate(FINDINGS_MAX);
        let (done, entries, total) = lock(&self.inner.verify)
            .as_ref()
            .map_or((0, 0, 0), |state| (state.done, state.entries, state.total));
        let finished_us = Some(self.inner.now());
        self.set_verify(VerifyState { running: false, done, entries, total, findings, finished_us });
    }

    async fn walk(&self, person: Option<SignedIn>) -> Result<()> {
        let inner = &self.inner;
        let key = inner.logbook.verifier()?;
        let owner = self.owner_signing_key().await?;
        let (size, newest, clips) = inner
            .db
            .read(|tables| {
                Ok((
                    tables.log_size()?,
                    tables.newest_checkpoint()?,
                    tables.clip_spans(&ClipFilter::default())?,
                ))
            })
            .await?;
        let mut findings = Vec::new();
        let mut checkpoints = Vec::new();
        if let Some(newest) = newest {
            match Checkpoint::verify(&newest.note, &key) {
                Ok(checkpoint) => checkpoints.push(checkpoint),
                Err(error) => findings.push(Finding {
                    entry: None,
                    clip: None,
                    code: "checkpoint".into(),
                    detail: error.to_string(),
                }),
            }
        }
        let total = size + clips.len() as u64;
        let mut done = 0;
        let keys = [Some(inner.logbook.device.log_signing().verifying_key()), owner];
        let mut verifier = Verifier::new(keys.into_iter().flatten(), checkpoints);
        while done < size {
            let from = done;
            let batch = inner
                .db
                .read(move |tables| {
                    let mut batch = Vec::new();
                    for (index, leaf) in tables.leaves(from, BATCH)? {
                        let mut stored = Vec::new();
                        for position in stored_count(index)..stored_count(index + 1) {
                            // A hash that is not there is for the verifier to find, not a failure of reading.
                            stored.extend(tables.hash(position).ok());
                        }
                        batch.push((index, leaf, stored));
                    }
                    Ok(batch)
                })
                .await?;
            if batch.is_empty() {
                break;
            }
            verifier = blocking(move || {
                for (index, leaf, stored) in batch {
                    if index < size {
                        verifier.feed(index, &leaf, &stored);
                    }
                }
                Ok(verifier)
            })
            .await?;
            done = verifier.size().max(from + 1);
            self.set_verify(VerifyState {
                running: true,
                done,
                entries: done.min(size),
                total,
                findings: Vec::new(),
                finished_us: None,
            });
        }
        findings.extend(verifier.finish().into_iter().map(|found| Finding {
            entry: Some(found.index),
            clip: None,
            code: code_of(&found.what).into(),
            detail: found.what.to_string(),
        }));
        for clip in clips {
            let path = inner.clip_path(clip.camera, clip.id);
            let row = inner.db.read(move |tables| Ok(tables.entry(clip.entry)?)).await?;
            let checked = path.clone();
            let problem = blocking(move || Ok(check_clip(&checked, row.as_ref()))).await?;
            if let Some((code, detail)) = problem {
                // It may have been erased in the meantime, which is no finding.
                if inner.db.read(move |tables| Ok(tables.clip(clip.id)?.is_some())).await? {
                    findings.push(Finding {
                        entry: Some(clip.entry),
                        clip: Some(clip.id),
                        code: code.into(),
                        detail,
                    });
                }
            }
            done += 1;
            if done.is_multiple_of(16) {
                self.set_verify(VerifyState {
                    running: true,
                    done,
                    entries: size,
                    total,
                    findings: Vec::new(),
                    finished_us: None,
                });
            }
        }
        self.set_verify(VerifyState {
            running: true,
            done: total,
            entries: size,
            total,
            findings: Vec::new(),
            finished_us: None,
        });
        let mut note = Note::new(Kind::Verified).fact("entries", size).fact("findings", findings.len());
        note.actor = person.map(|person| person.id);
        self.inner.log_or_tell(note).await;
        self.end_verify(findings);
        Ok(())
    }

    async fn owner_signing_key(&self) -> Result<Option<VerifyingKey>> {
        let text = self.inner.db.read(|tables| Ok(tables.meta("owner_signing_key")?)).await?;
        let Some(text) = text else { return Ok(None) };
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(Error::internal)?;
        Ok(Some(VerifyingKey::from_bytes(&bytes).map_err(Error::internal)?))
    }

    /// The newest checkpoint, signed just now if the log has grown.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn checkpoint(&self) -> Result<String> {
        let writer = Arc::clone(&self.inner);
        Ok(self.inner.db.write(move |tables| writer.logbook.checkpoint(tables)).await?.note)
    }

    /// The key that verifies this computer's checkpoints, in the form of C2SP signed notes.
    ///
    /// # Errors
    /// The log has no valid name.
    pub fn verifier_key(&self) -> Result<String> {
        Ok(self.inner.logbook.verifier()?.to_string())
    }

    /// Writes the checkpoint into `folder` and returns the file's path. Logged.
    ///
    /// # Errors
    /// Nobody is signed in; the file cannot be written.
    pub async fn export_checkpoint(&self, folder: &Path) -> Result<String> {
        let person = self.inner.signed_in()?;
        self.inner.log(Note::new(Kind::LogExported).by(person.id).fact("what", "checkpoint")).await?;
        let text = self.checkpoint().await?;
        let size = text.lines().nth(1).unwrap_or_default().to_owned();
        let path = folder.join(format!("hausrecht-checkpoint-{size}.txt"));
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }
}

/// Entries with the start of the clip that they are about, while it exists.
type WithClips = Vec<(EntryRow, Option<hausrecht_model::UnixMicros>)>;

fn with_clips(tables: &hausrecht_store::Tables<'_>, rows: Vec<EntryRow>) -> Result<WithClips> {
    rows.into_iter()
        .map(|row| {
            let start = match row.clip {
                Some(clip) => tables.clip(clip)?.map(|clip| clip.start_us),
                None => None,
            };
            Ok((row, start))
        })
        .collect()
}

fn code_of(what: &hausrecht_ledger::What) -> &'static str {
    use hausrecht_ledger::What;
    match what {
        What::Index { .. } => "entry_missing",
        What::NotAnEntry(_) | What::LeafChanged => "entry_changed",
        What::TreeChanged { .. } | What::HashCount { .. } => "tree",
        What::UnknownKey(_) | What::Signature(_) => "signature",
        What::OutOfOrder | What::ClockBack { .. } | What::RefersForward(_) => "order",
        What::Shorter { .. } => "cut",
        What::Root { .. } => "checkpoint",
        _ => "other",
    }
}

/// What is wrong with a clip's file, against the signed entry that recorded it.
fn check_clip(path: &Path, row: Option<&EntryRow>) -> Option<(&'static str, String)> {
    let recorded = row.and_then(|row| Entry::parse(&row.leaf).ok());
    let recorded =
        recorded.as_ref().and_then(|entry| entry.facts.get("sha256")).and_then(|value| value.as_str());
    let Some(recorded) = recorded else {
        return Some(("entry_changed", "the entry that recorded this clip names no hash".into()));
    };
    match hash_file(path) {
        Ok((_, found)) if hex::encode(found) == recorded => None,
        Ok(_) => Some(("clip_changed", format!("{} is not the file that was recorded", path.display()))),
        Err(error) if !path.exists() => Some(("clip_missing", format!("{}: {error}", path.display()))),
        Err(error) => Some(("clip_unreadable", format!("{}: {error}", path.display()))),
    }
}

fn log_row(
    inner: &Inner,
    row: &EntryRow,
    clip_start_us: Option<hausrecht_model::UnixMicros>,
    viewer: &SignedIn,
) -> LogRow {
    let mut facts: Vec<Fact> = Entry::parse(&row.leaf)
        .map(|entry| entry.facts)
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| name != "person")
        .map(|(name, value)| Fact {
            name,
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            personal: false,
        })
        .collect();
    if let (Some(keys), Some(sealed)) = (viewer.owner(), &row.personal)
        && let Ok(bytes) = open_with(keys.identity(), sealed)
        && let Ok(fields) = parse_personal(&bytes)
    {
        facts.extend(fields.into_iter().map(|(name, value, _)| Fact { name, value, personal: true }));
    }
    let camera_name =
        row.camera.and_then(|id| lock(&inner.camera_rows).get(&id).map(|camera| camera.name.clone()));
    LogRow {
        index: row.index,
        at_us: row.at_us,
        kind: row.kind.clone(),
        actor: row.actor.and_then(|id| inner.face_of(id, viewer)),
        camera: row.camera,
        camera_name,
        clip: row.clip,
        clip_start_us,
        person: row.person.and_then(|id| inner.face_of(id, viewer)),
        refers_to: row.refers_to,
        facts,
    }
}
