//! The log: pages, one entry with its proof, the checkpoint.

use std::{path::Path, sync::Arc};

use ed25519_dalek::VerifyingKey;
use hausrecht_ledger::{Checkpoint, Entry, InclusionProof, Kind, prove, record_hash};
use hausrecht_store::{EntryFilter, EntryRow};
use hausrecht_vault::open_with;

use super::{
    Handle,
    session::{blocking, qr_svg},
};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::{Hashes, Note, parse_personal},
    session::SignedIn,
    wire::{Error, Fact, LogEntryDetail, LogPage, LogQuery, LogRow, PhotographedCheckpoint},
};

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
        let signers = self.inner.logbook.signers();
        let signed_by_owner = match (&entry, &owner_key) {
            (Some(entry), Some(key)) => entry.verify_signature(key).is_ok(),
            (Some(_) | None, _) => false,
        };
        let signed = signed_by_owner
            || entry
                .as_ref()
                .is_some_and(|entry| signers.iter().any(|key| entry.verify_signature(key).is_ok()));
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

    pub(crate) async fn owner_signing_key(&self) -> Result<Option<VerifyingKey>> {
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

    /// The checkpoint as a QR code, for a phone to photograph: from then on it can be shown that the log is still the same. Logged.
    ///
    /// # Errors
    /// Nobody is signed in; the log cannot be written.
    pub async fn photograph_checkpoint(&self) -> Result<PhotographedCheckpoint> {
        let person = self.inner.signed_in()?;
        let note = Note::new(Kind::LogExported).by(person.id).fact("what", "checkpoint").fact("as", "qr");
        self.inner.log(note).await?;
        let text = self.checkpoint().await?;
        let key = self.inner.logbook.verifier()?;
        let checkpoint = Checkpoint::verify(&text, &key).map_err(Error::internal)?;
        Ok(PhotographedCheckpoint { qr_svg: qr_svg(&text)?, size: checkpoint.size, text })
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
