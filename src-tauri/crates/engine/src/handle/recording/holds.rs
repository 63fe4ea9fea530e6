//! What is kept longer: begun and ended by the owner, each with its entry in the log.

use std::sync::Arc;

use hausrecht_ledger::Kind;
use hausrecht_model::HoldId;
use hausrecht_store::HoldRow;
use hausrecht_vault::{open_with, seal_to};

use crate::{
    Result,
    handle::Handle,
    inner::{Inner, lock},
    logbook::Note,
    session::SignedIn,
    wire::{Error, Event, GiveHold, HoldView},
};

/// The longest note. Characters.
const NOTE_MAX: usize = 500;
/// Times lie below this. Microseconds.
const FAR_US: i64 = 1 << 53;
/// How many holds there may be.
const HOLDS_MAX: usize = 10_000;

impl Handle {
    /// Keeps a stretch of a camera until it is released, whatever its age and the disk say.
    ///
    /// # Errors
    /// Only the owner; a span that cannot be; an end in the past.
    pub async fn hold(&self, given: GiveHold) -> Result<HoldView> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let keys = person.owner_keys()?;
        let GiveHold { camera, from_us, to_us, note: text, until_us } = given;
        if !lock(&inner.camera_rows).contains_key(&camera) {
            return Err(Error::not_found("this camera"));
        }
        let is_span = to_us > from_us && (0..FAR_US).contains(&from_us.0) && to_us.0 < FAR_US;
        if !is_span {
            return Err(Error::invalid("what is kept longer ends after it begins"));
        }
        let now = inner.now();
        if until_us.is_some_and(|until| until <= now || until.0 >= FAR_US) {
            return Err(Error::invalid("what is kept longer is kept until a time in the future"));
        }
        let text = text.trim().to_owned();
        if text.chars().count() > NOTE_MAX {
            return Err(Error::invalid(format!("a note has up to {NOTE_MAX} characters")));
        }
        let mut note = Note::new(Kind::Held)
            .by(person.id)
            .camera(camera)
            .fact("from_us", from_us.0)
            .fact("to_us", to_us.0);
        if let Some(until_us) = until_us {
            note = note.fact("until_us", until_us.0);
        }
        let sealed = if text.is_empty() {
            None
        } else {
            note = note.personal("note", text.clone());
            Some(seal_to(&[keys.recipient()], text.as_bytes())?)
        };
        let mut row = HoldRow {
            id: HoldId::random(&mut rand::rng()),
            camera,
            from_us,
            to_us,
            cause: "asked".to_owned(),
            note: sealed,
            made_us: now,
            until_us,
            entry: 0,
        };
        let writer = Arc::clone(inner);
        let row = inner
            .db
            .write(move |tables| {
                if tables.holds()?.len() >= HOLDS_MAX {
                    return Err(Error::invalid("very much is kept longer already: release some of it first"));
                }
                row.entry = writer.logbook.append(tables, &note, Some(&keys))?;
                tables.insert_hold(&row)?;
                Ok(row)
            })
            .await?;
        inner.tell(Event::LogGrew(row.entry + 1));
        inner.clips_changed();
        Ok(hold_view(inner, &person, row))
    }

    /// Ends a hold: what it kept is erased when its time is over, or at once if that is past.
    ///
    /// # Errors
    /// Only the owner; there is no such hold.
    pub async fn release_hold(&self, id: HoldId) -> Result<()> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let keys = person.owner_keys()?;
        let writer = Arc::clone(inner);
        let by = person.id;
        let index = inner
            .db
            .write(move |tables| {
                let row = tables.hold(id)?.ok_or_else(|| Error::not_found("what is kept longer"))?;
                let mut note = Note::new(Kind::HoldEnded)
                    .by(by)
                    .camera(row.camera)
                    .fact("from_us", row.from_us.0)
                    .fact("to_us", row.to_us.0);
                note.refers_to = Some(row.entry);
                tables.delete_hold(id)?;
                writer.logbook.append(tables, &note, Some(&keys))
            })
            .await?;
        inner.tell(Event::LogGrew(index + 1));
        inner.clips_changed();
        Ok(())
    }

    /// All that is kept longer, the newest first.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn holds(&self) -> Result<Vec<HoldView>> {
        let person = self.inner.signed_in()?;
        person.owner_keys()?;
        let rows = self.inner.db.read(|tables| Ok(tables.holds()?)).await?;
        Ok(rows.into_iter().map(|row| hold_view(&self.inner, &person, row)).collect())
    }
}

/// A hold as `viewer` may see it: its note is the owner's.
pub(in crate::handle) fn hold_view(inner: &Inner, viewer: &SignedIn, row: HoldRow) -> HoldView {
    let text = |sealed: &Vec<u8>| {
        let owner = viewer.owner()?;
        let plain = open_with(owner.identity(), sealed).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    };
    HoldView {
        id: row.id,
        camera: row.camera,
        camera_name: lock(&inner.camera_rows)
            .get(&row.camera)
            .map(|row| row.name.clone())
            .unwrap_or_default(),
        from_us: row.from_us,
        to_us: row.to_us,
        note: row.note.as_ref().and_then(text).unwrap_or_default(),
        made_us: row.made_us,
        until_us: row.until_us,
        entry: row.entry,
    }
}
