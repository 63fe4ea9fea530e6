//! Joins ledger and store: writes an entry and the tree's new hashes within the caller's transaction.

use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::VerifyingKey;
use hausrecht_ledger::{
    Actor, Checkpoint, ClipTag, Draft, HashStore, Kind, PersonalField, VerifierKey, append_hashes, root,
    stored_position,
};
use hausrecht_model::{CameraId, ClipId, Clock, GrantId, PersonId};
use hausrecht_store::{CheckpointRow, EntryRow, StoreError, Tables};
use hausrecht_vault::{DeviceKeys, OwnerKeys, Recipient, seal_to};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::{Result, wire::Error};

/// Domain of the name tags; the ledger uses the same key for clip tags, under its own.
const NAME_DOMAIN: &[u8] = b"hausrecht name\0";

/// What is to be written into the log.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) kind: Kind,
    pub(crate) actor: Option<PersonId>,
    pub(crate) camera: Option<CameraId>,
    pub(crate) clip: Option<ClipId>,
    pub(crate) person: Option<PersonId>,
    pub(crate) grant: Option<GrantId>,
    pub(crate) refers_to: Option<u64>,
    pub(crate) facts: Vec<(&'static str, Value)>,
    pub(crate) personal: Vec<(&'static str, String)>,
}

impl Note {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            actor: None,
            camera: None,
            clip: None,
            person: None,
            grant: None,
            refers_to: None,
            facts: Vec::new(),
            personal: Vec::new(),
        }
    }

    pub(crate) fn by(mut self, person: PersonId) -> Self {
        self.actor = Some(person);
        self
    }

    pub(crate) fn camera(mut self, camera: CameraId) -> Self {
        self.camera = Some(camera);
        self
    }

    pub(crate) fn clip(mut self, clip: ClipId) -> Self {
        self.clip = Some(clip);
        self
    }

    pub(crate) fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    pub(crate) fn personal(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.personal.push((name, value.into()));
        self
    }
}

/// The log of this data folder.
pub(crate) struct Logbook {
    pub(crate) device: DeviceKeys,
    clock: Arc<dyn Clock>,
    boot: String,
    origin: String,
    owner: Mutex<Option<Recipient>>,
    /// Keys of the logs that this one succeeds.
    earlier: Vec<VerifierKey>,
}

impl Logbook {
    pub(crate) fn new(
        device: DeviceKeys,
        clock: Arc<dyn Clock>,
        origin: String,
        owner: Option<Recipient>,
        earlier: Vec<VerifierKey>,
    ) -> Self {
        // The monotonic reading starts anew with each run, so a run is named, not only the computer's boot.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = format!("{}/{:08x}", boot.trim(), rand::random::<u32>());
        Self { device, clock, boot, origin, owner: Mutex::new(owner), earlier }
    }

    pub(crate) fn owner_came(&self, recipient: Recipient) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = Some(recipient);
    }

    pub(crate) fn owner_gone(&self) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn owner(&self) -> Option<Recipient> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tag that finds a name again without storing it: case and outer blanks do not count.
    pub(crate) fn name_tag(&self, name: &str) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.device.tag_key()).expect("HMAC takes keys of any length");
        mac.update(NAME_DOMAIN);
        mac.update(name.trim().to_lowercase().as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    pub(crate) fn clip_tag(&self, clip: ClipId) -> ClipTag {
        ClipTag::of(self.device.tag_key(), clip)
    }

    /// The key that verifies this computer's checkpoints.
    pub(crate) fn verifier(&self) -> Result<VerifierKey> {
        VerifierKey::new(&self.origin, self.device.log_signing().verifying_key()).map_err(Error::internal)
    }

    /// Keys of the logs that this one succeeds.
    pub(crate) fn earlier(&self) -> &[VerifierKey] {
        &self.earlier
    }

    /// The keys by which this computer, and those before it, have signed entries.
    pub(crate) fn signers(&self) -> Vec<VerifyingKey> {
        let own = self.device.log_signing().verifying_key();
        std::iter::once(own).chain(self.earlier.iter().map(|key| *key.key())).collect()
    }

    /// Appends `note`, signed by the owner if `owner` is given, else by this computer. Durable with the caller's
    /// transaction.
    pub(crate) fn append(&self, tables: &Tables<'_>, note: &Note, owner: Option<&OwnerKeys>) -> Result<u64> {
        self.note_clock_back(tables)?;
        self.append_now(tables, note, owner)
    }

    fn append_now(&self, tables: &Tables<'_>, note: &Note, owner: Option<&OwnerKeys>) -> Result<u64> {
        let index = tables.log_size()?;
        let at = self.clock.now();
        let monotonic_us = u64::try_from(self.clock.monotonic().as_micros()).unwrap_or(u64::MAX);
        let actor = note.actor.map_or(Actor::Device, Actor::Person);
        let mut draft = Draft::new(note.kind, at, monotonic_us, self.boot.as_str(), actor);
        draft.camera = note.camera;
        draft.clip = note.clip.map(|clip| self.clip_tag(clip));
        draft.grant = note.grant;
        draft.refers_to = note.refers_to;
        if let Some(person) = note.person {
            draft = draft.fact("person", person.to_string());
        }
        for (name, value) in &note.facts {
            draft = draft.fact(name, value.clone());
        }
        for (name, value) in &note.personal {
            draft = draft.personal(name, value.clone());
        }
        let signer = owner.map_or(self.device.log_signing(), OwnerKeys::signing);
        let sealed = draft.seal(&mut rand::rng(), signer).map_err(Error::internal)?;
        let personal = match (sealed.personal.is_empty(), self.owner()) {
            (false, Some(owner)) => Some(seal_to(&[owner], &personal_bytes(&sealed.personal)?)?),
            (true, _) | (false, None) => None,
        };
        let hashes = append_hashes(index, &sealed.leaf, &Hashes(tables)).map_err(Error::internal)?;
        tables.append_entry(
            &EntryRow {
                index,
                at_us: at,
                kind: note.kind.as_str().to_owned(),
                actor: note.actor,
                camera: note.camera,
                clip: note.clip,
                person: note.person,
                grant: note.grant,
                refers_to: note.refers_to,
                leaf: sealed.leaf,
                personal,
            },
            stored_position(0, index),
            &hashes,
        )?;
        Ok(index)
    }

    /// An entry that is older than the one before it would look like a forgery: the step of the clock is said first.
    fn note_clock_back(&self, tables: &Tables<'_>) -> Result<bool> {
        let last = tables.log_size()?.checked_sub(1).map(|index| tables.entry(index)).transpose()?.flatten();
        let Some(last) = last else { return Ok(false) };
        let step_us = self.clock.now().0.saturating_sub(last.at_us.0);
        if step_us >= 0 {
            return Ok(false);
        }
        let note = Note::new(Kind::ClockStep).fact("step_us", step_us);
        self.append_now(tables, &note, None)?;
        Ok(true)
    }

    /// Notes a step of the clock, once: one step back may have been noted just now by the entry that met it.
    pub(crate) fn note_clock_step(&self, tables: &Tables<'_>, step_us: i64) -> Result<()> {
        if !self.note_clock_back(tables)? {
            self.append_now(tables, &Note::new(Kind::ClockStep).fact("step_us", step_us), None)?;
        }
        Ok(())
    }

    /// Signs a checkpoint of the whole log and keeps it; the newest one if nothing has come since.
    pub(crate) fn checkpoint(&self, tables: &Tables<'_>) -> Result<CheckpointRow> {
        let size = tables.log_size()?;
        if let Some(newest) = tables.newest_checkpoint()?
            && newest.size == size
        {
            return Ok(newest);
        }
        let root = root(size, &Hashes(tables)).map_err(Error::internal)?;
        let checkpoint =
            Checkpoint::sign(&self.origin, size, root, self.device.log_signing()).map_err(Error::internal)?;
        let row = CheckpointRow { size, at_us: self.clock.now(), note: checkpoint.text };
        tables.put_checkpoint(&row)?;
        Ok(row)
    }
}

/// The root of the first `size` entries.
pub(crate) fn root_of(tables: &Tables<'_>, size: u64) -> Result<[u8; 32]> {
    root(size, &Hashes(tables)).map_err(Error::internal)
}

/// Personal fields as they are sealed: a JSON array of `[name, value, salt in hex]`.
fn personal_bytes(fields: &[PersonalField]) -> Result<Vec<u8>> {
    let rows: Vec<_> =
        fields.iter().map(|field| (&field.name, &field.value, hex::encode(field.salt))).collect();
    Ok(serde_json::to_vec(&rows)?)
}

/// Reads what [`personal_bytes`] wrote: name, value, salt.
pub(crate) fn parse_personal(bytes: &[u8]) -> Result<Vec<(String, String, [u8; 32])>> {
    let rows: Vec<(String, String, String)> = serde_json::from_slice(bytes)?;
    rows.into_iter()
        .map(|(name, value, salt)| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(&salt, &mut bytes).map_err(Error::internal)?;
            Ok((name, value, bytes))
        })
        .collect()
}

/// The stored hashes as the ledger reads them.
pub(crate) struct Hashes<'t, 'c>(pub(crate) &'t Tables<'c>);

impl HashStore for Hashes<'_, '_> {
    type Error = StoreError;

    fn read(&self, positions: &[u64]) -> Result<Vec<[u8; 32]>, StoreError> {
        positions.iter().map(|position| self.0.hash(*position)).collect()
    }
}
