//! Verification of the whole: the tree and every signature, what the database says beside the entries, every clip's file, and, for
//! an owner, whether the words and the keys are the ones that the entries commit to.

use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use hausrecht_ledger::{Checkpoint, Entry, Kind, StoredEntry, Verifier, stored_count};
use hausrecht_store::{ClipFilter, ClipRow, EntryFilter, EntryRow};
use hausrecht_vault::{ClipKey, ClipReader, OpenError, OwnerKeys, open_with};

use super::{Handle, session::blocking};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::{Note, parse_personal},
    recorder::hash_file,
    session::SignedIn,
    wire::{Error, Event, Finding, VerifyState},
    witness::{STAMPS_MAX, differs},
};

/// Entries read at once.
const BATCH: u32 = 4_096;
/// A verification reports at most this many findings; the first ones tell the story.
const FINDINGS_MAX: usize = 200;

impl Handle {
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
        let (size, clips) = inner
            .db
            .read(|tables| Ok((tables.log_size()?, tables.clip_spans(&ClipFilter::default())?)))
            .await?;
        let total = size + clips.len() as u64;
        let owner = person.as_ref().and_then(|person| person.owner().cloned());
        let mut findings = self.walk_entries(size, total, owner.clone()).await?;
        for (done, clip) in (size..).zip(clips) {
            let id = clip.id;
            let shared = Arc::clone(inner);
            let keys = owner.clone();
            let _files = inner.files.read().await;
            let read = inner.db.read(move |tables| {
                let Some(row) = tables.clip(id)? else { return Ok(None) };
                let entry = tables.entry(row.entry)?;
                let wrap = tables.wraps(id)?.into_iter().find(|(grant, _)| grant.is_none());
                Ok(Some((row, entry, wrap.map(|(_, wrap)| wrap))))
            });
            // It may have been erased in the meantime, which is no finding.
            let Some((row, entry, wrap)) = read.await? else { continue };
            let index = row.entry;
            let problem = blocking(move || {
                Ok(check_clip(&shared, &row, entry.as_ref(), wrap.as_deref(), keys.as_deref()))
            });
            if let Some((code, detail)) = problem.await?
                && inner.db.read(move |tables| Ok(tables.clip(id)?.is_some())).await?
            {
                findings.push(Finding { entry: Some(index), clip: Some(id), code: code.into(), detail });
            }
            if done.is_multiple_of(16) {
                self.tell_progress(done, size, total);
            }
        }
        self.tell_progress(total, size, total);
        let mut note = Note::new(Kind::Verified).fact("entries", size).fact("findings", findings.len());
        note.actor = person.map(|person| person.id);
        self.inner.log_or_tell(note).await;
        self.end_verify(findings);
        Ok(())
    }

    /// Keys of earlier logs that no entry of the owner names: somebody else's would let them sign what this computer did not.
    async fn unfounded_keys(&self, owner: Option<VerifyingKey>) -> Result<Vec<Finding>> {
        let kinds = vec![Kind::Succeeded.as_str().to_owned()];
        let filter = EntryFilter { kinds, ..EntryFilter::default() };
        let entries = self.inner.db.read(move |tables| Ok(tables.entries(&filter, 0, 500)?)).await?;
        let named: Vec<String> = entries
            .iter()
            .filter_map(|row| Entry::parse(&row.leaf).ok())
            .filter(|entry| owner.is_some_and(|owner| entry.verify_signature(&owner).is_ok()))
            .filter_map(|entry| Some(entry.facts.get("key")?.as_str()?.to_owned()))
            .collect();
        let unfounded = self.inner.logbook.earlier().iter().filter(|key| !named.contains(&key.to_string()));
        Ok(unfounded
            .map(|key| {
                of_log(
                    "earlier_key",
                    format!("the key of {} is kept as an earlier log's, and no entry names it", key.name()),
                )
            })
            .collect())
    }

    /// The entries, the tree above them, and what the database says beside them.
    async fn walk_entries(
        &self,
        size: u64,
        total: u64,
        owner: Option<Arc<OwnerKeys>>,
    ) -> Result<Vec<Finding>> {
        let inner = &self.inner;
        let key = inner.logbook.verifier()?;
        let signing = self.owner_signing_key().await?;
        let newest = inner.db.read(|tables| Ok(tables.newest_checkpoint()?)).await?;
        let mut findings = Vec::new();
        let mut checkpoints = Vec::new();
        if let Some(newest) = newest {
            match Checkpoint::verify(&newest.note, &key) {
                Ok(checkpoint) if checkpoint.size == newest.size => checkpoints.push(checkpoint),
                Ok(checkpoint) => findings.push(of_log(
                    "checkpoint",
                    format!(
                        "the newest checkpoint is kept as one of {} entries, and is of {}",
                        newest.size, checkpoint.size
                    ),
                )),
                Err(error) => findings.push(of_log("checkpoint", error.to_string())),
            }
        }
        let stamps = inner.db.read(|tables| Ok(tables.stamps(STAMPS_MAX)?)).await?;
        let logs: Vec<_> =
            std::iter::once(key.clone()).chain(inner.logbook.earlier().iter().cloned()).collect();
        for stamp in stamps {
            match logs.iter().find_map(|log| Checkpoint::verify(&stamp.note, log).ok()) {
                Some(checkpoint) if checkpoint.size == stamp.size => checkpoints.push(checkpoint),
                Some(_) | None => findings.push(of_log(
                    "stamp",
                    format!("the checkpoint of {} entries that was stamped is not this log's", stamp.size),
                )),
            }
            if let Some(why) = differs(&stamp.note, &stamp.token) {
                findings.push(of_log("stamp", format!("at {} entries: {why}", stamp.size)));
            }
        }
        let mut keys = inner.logbook.signers();
        keys.extend(signing);
        findings.extend(self.unfounded_keys(signing).await?);
        let mut verifier = Verifier::new(keys, checkpoints);
        let mut beside = Vec::new();
        let mut done = 0;
        while done < size {
            let from = done;
            let read = inner.db.read(move |tables| {
                let mut rows = tables.entries_from(from, BATCH)?;
                rows.retain(|row| row.index < size);
                let last = rows.last().map_or(from, |row| row.index + 1);
                // A hash that is not there is for the verifier to find, not a failure of reading.
                let hashes = tables.hashes(stored_count(from), stored_count(last))?;
                Ok((rows, hashes))
            });
            let (rows, hashes) = read.await?;
            if rows.is_empty() {
                break;
            }
            let owner = owner.clone();
            (verifier, beside) = blocking(move || {
                let mut hashes = hashes.into_iter().peekable();
                let mut batch = Vec::with_capacity(rows.len());
                for row in &rows {
                    let (begin, end) = (stored_count(row.index), stored_count(row.index + 1));
                    while hashes.next_if(|(position, _)| *position < begin).is_some() {}
                    let mut own = Vec::new();
                    while let Some((_, hash)) = hashes.next_if(|(position, _)| *position < end) {
                        own.push(hash);
                    }
                    batch.push(StoredEntry { index: row.index, leaf: row.leaf.clone(), hashes: own });
                }
                let entries = verifier.feed_many(&batch);
                for (row, entry) in rows.iter().zip(&entries) {
                    let Some(entry) = entry else { continue };
                    let wrong =
                        beside_the_entry(row, entry).or_else(|| wrong_words(row, entry, owner.as_deref()));
                    beside.extend(wrong.map(|detail| Finding {
                        entry: Some(row.index),
                        clip: None,
                        code: "entry_changed".into(),
                        detail,
                    }));
                }
                Ok((verifier, beside))
            })
            .await?;
            done = verifier.size().max(from + 1);
            self.tell_progress(done.min(size), done.min(size), total);
        }
        findings.extend(verifier.finish().into_iter().map(|found| Finding {
            entry: Some(found.index),
            clip: None,
            code: code_of(&found.what).into(),
            detail: found.what.to_string(),
        }));
        findings.append(&mut beside);
        Ok(findings)
    }

    fn tell_progress(&self, done: u64, entries: u64, total: u64) {
        self.set_verify(VerifyState {
            running: true,
            done,
            entries,
            total,
            findings: Vec::new(),
            finished_us: None,
        });
    }
}

fn of_log(code: &str, detail: String) -> Finding {
    Finding { entry: None, clip: None, code: code.into(), detail }
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

/// What the columns beside an entry say that the entry does not: lists and filters go by them, so they may not lie.
fn beside_the_entry(row: &EntryRow, entry: &Entry) -> Option<String> {
    let person = entry.facts.get("person").and_then(|value| value.as_str()?.parse().ok());
    let actor = match entry.actor {
        hausrecht_ledger::Actor::Device => None,
        hausrecht_ledger::Actor::Person(id) => Some(id),
    };
    let column = if row.at_us != entry.at {
        "time"
    } else if row.kind != entry.kind.as_str() {
        "kind"
    } else if row.actor != actor {
        "who did it"
    } else if row.camera != entry.camera {
        "camera"
    } else if row.person != person {
        "person"
    } else if row.grant != entry.grant {
        "grant"
    } else if row.refers_to != entry.refers_to {
        "entry that it answers"
    } else {
        return None;
    };
    Some(format!("the database lists this entry with another {column} than the entry itself says"))
}

/// What an owner reads in an entry that it does not commit to.
fn wrong_words(row: &EntryRow, entry: &Entry, owner: Option<&OwnerKeys>) -> Option<String> {
    let (sealed, owner) = (row.personal.as_ref()?, owner?);
    let Ok(bytes) = open_with(owner.identity(), sealed) else {
        return Some("the names and reasons beside this entry do not open".to_owned());
    };
    let Ok(fields) = parse_personal(&bytes) else {
        return Some("the names and reasons beside this entry cannot be read".to_owned());
    };
    let strange = fields.iter().find(|(name, value, salt)| !entry.check_personal(name, value, salt))?;
    Some(format!("“{}” beside this entry is not what was entered", strange.0))
}

/// What is wrong with a clip: its file and its row, against the signed entry that recorded it, and its key.
fn check_clip(
    inner: &Inner,
    row: &ClipRow,
    entry: Option<&EntryRow>,
    wrap: Option<&[u8]>,
    owner: Option<&OwnerKeys>,
) -> Option<(&'static str, String)> {
    let path = inner.clip_path(row.camera, row.id);
    let entry = entry.and_then(|entry| Entry::parse(&entry.leaf).ok());
    let recorded = entry.as_ref().and_then(|entry| entry.facts.get("sha256")?.as_str());
    let (Some(entry), Some(recorded)) = (&entry, recorded) else {
        return Some(("entry_changed", "the entry that recorded this clip names no hash".into()));
    };
    if entry.clip != Some(inner.logbook.clip_tag(row.id)) || entry.camera != Some(row.camera) {
        return Some(("clip_changed", "the database takes another clip's entry for this one's".into()));
    }
    let says = |name: &str, value: i64| entry.facts.get(name).is_none_or(|fact| fact.as_i64() == Some(value));
    let size_bytes = i64::try_from(row.size_bytes).unwrap_or(i64::MAX);
    if !says("start_us", row.start_us.0)
        || !says("duration_us", row.duration_us)
        || !says("size_bytes", size_bytes)
    {
        return Some((
            "clip_changed",
            "the database gives this clip another time or size than its entry".into(),
        ));
    }
    match hash_file(&path) {
        Ok((_, found)) if hex::encode(found) == recorded => {}
        Ok(_) => {
            return Some(("clip_changed", format!("{} is not the file that was recorded", path.display())));
        }
        Err(error) if !path.exists() => {
            return Some(("clip_missing", format!("{}: {error}", path.display())));
        }
        Err(error) => return Some(("clip_unreadable", format!("{}: {error}", path.display()))),
    }
    let owner = owner?;
    let Some(wrap) = wrap else {
        return Some((
            "wrap",
            "the owner's key for this clip is missing: put the database back from a copy".into(),
        ));
    };
    let key = match ClipKey::unwrap_as_owner(wrap, owner.identity()) {
        Ok(key) => key,
        Err(error) => return Some(("wrap", error.to_string())),
    };
    match ClipReader::open_sized(&path, &key, row.size_bytes) {
        Err(OpenError::WrongKey { .. }) => {
            Some(("wrap", "the owner's key beside this clip is one of another clip".into()))
        }
        Ok(_) | Err(_) => None,
    }
}
