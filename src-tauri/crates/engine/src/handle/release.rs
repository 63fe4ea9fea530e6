//! The way to a clip's key: a grant that allows it, an agreement where one is needed, the entry durable, and only then the key.

use std::sync::Arc;

use hausrecht_ledger::Kind;
use hausrecht_model::{ClipId, GrantId, Right, UnixMicros};
use hausrecht_store::{AskRow, ClipRow, GrantRow};
use hausrecht_vault::{ClipKey, ClipReader};

use super::{
    Handle,
    asks::{agreement, ask_view},
    clips::{Wraps, end_of},
    grants::second_name,
    session::blocking,
};
use crate::{
    Result,
    grants::{in_force, is_in_force},
    inner::{Inner, lock},
    logbook::Note,
    session::{Keys, SignedIn},
    wire::{Error, ErrorCode, Event, Gate},
};

impl Handle {
    /// Log first, key second.
    pub(crate) async fn release(
        &self,
        person: &SignedIn,
        id: ClipId,
        kind: Kind,
    ) -> Result<(ClipRow, ClipReader, Option<GrantId>)> {
        self.release_with(person, id, Note::new(kind)).await
    }

    /// The same, with what else the entry is to say.
    pub(crate) async fn release_with(
        &self,
        person: &SignedIn,
        id: ClipId,
        note: Note,
    ) -> Result<(ClipRow, ClipReader, Option<GrantId>)> {
        let inner = &self.inner;
        let _files = inner.files.read().await;
        let (row, wraps) = self.visible_clip(person, id).await?;
        let path = inner.clip_path(row.camera, row.id);
        if !path.exists() {
            return Err(Error::new(
                ErrorCode::ClipMissing,
                format!(
                    "{} is missing: put the file back from a copy of the data folder, if there is one",
                    path.display()
                ),
            ));
        }
        let right = if note.kind == Kind::CopyMade { Right::Copy } else { Right::Playback };
        let way = way_to(inner, person, &row, &wraps, right)?;
        let mut note = note.by(person.id).camera(row.camera).clip(id);
        note.grant = way.as_ref().map(|grant| grant.id);
        note.refers_to = way.as_ref().map(|grant| grant.entry).or(note.refers_to);
        let (writer, through, now) = (Arc::clone(inner), way.clone(), inner.now());
        // What the grant allows is counted in the same transaction as the entry: two that open at once cannot both be the last.
        let (entry, opened, agreed) = inner
            .db
            .write(move |tables| {
                let mut note = note;
                let (mut opened, mut agreed) = (None, None);
                if let Some(grant) = &through {
                    if grant.second.is_some() {
                        let asks = tables.asks_of(id)?;
                        let ask = agreement(&asks, grant.id, now).ok_or_else(needs_agreement)?;
                        note = note.fact("agreed", ask.answered_us.map(|at| at.0));
                        agreed.clone_from(&ask.wrap);
                        tables.use_ask(ask.id)?;
                    }
                    let count = tables.count_opening(grant.id)?;
                    if grant.opens.is_some_and(|opens| count > opens) {
                        return Err(used_up());
                    }
                    opened = Some(count);
                }
                Ok((writer.logbook.append(tables, &note, None)?, opened, agreed))
            })
            .await
            .map_err(unwritable)?;
        inner.tell(Event::LogGrew(entry + 1));
        if let (Some(grant), Some(opened)) = (&way, opened) {
            for known in lock(&inner.grants).iter_mut().filter(|known| known.id == grant.id) {
                known.opened = opened;
            }
            inner.tell(Event::GrantsChanged);
        }
        // What was true before the entry may not be true any more: signed out, taken back, erased.
        inner.still(person)?;
        let (row, mut wraps) = self.visible_clip(person, id).await?;
        let grant = way.map(|grant| grant.id);
        if let (Some(grant), Some(agreed)) = (grant, agreed)
            && let Some(wrap) = wraps.iter_mut().find(|(id, _)| *id == Some(grant))
        {
            wrap.1 = agreed;
        }
        if let Some(grant) = grant {
            let now = inner.now();
            if !is_in_force(&lock(&inner.grants), grant, now) {
                return Err(Error::not_found("this clip"));
            }
            wraps.retain(|(id, _)| *id == Some(grant));
        }
        let (shared, person) = (Arc::clone(inner), person.clone());
        let (row, reader) = blocking(move || {
            let (key, _) = unwrap(&shared, &person, &wraps, grant.as_slice())?;
            let reader = ClipReader::open_sized(&path, &key, row.size_bytes)?;
            if reader.cut_short() && !row.cut_short {
                return Err(Error::new(
                    ErrorCode::ClipCut,
                    format!("{} ends before its end: it was cut since it was recorded", path.display()),
                ));
            }
            Ok((row, reader))
        })
        .await?;
        let now = inner.now();
        inner.db.write(move |tables| Ok(tables.put_release(entry, now)?)).await?;
        Ok((row, reader, grant))
    }
}

/// What stands between `person` and a clip that they may view.
pub(super) fn gate_of(
    inner: &Inner,
    person: &SignedIn,
    clip: &ClipRow,
    wraps: &Wraps,
    asks: &[AskRow],
) -> Gate {
    match way_to(inner, person, clip, wraps, Right::Playback) {
        Ok(Some(grant)) if grant.second.is_some() => {
            let ask = agreement(asks, grant.id, inner.now())
                .or_else(|| asks.iter().find(|ask| ask.grant == grant.id));
            Gate::Agreement {
                name: second_name(inner, &grant, person),
                ask: ask.map(|ask| ask_view(inner, person, ask, &grant, clip)),
            }
        }
        Err(error) if error.code == ErrorCode::UsedUp => Gate::UsedUp,
        Ok(_) | Err(_) => Gate::Open,
    }
}

/// The grant through which `person` opens a clip, one that asks nobody first if there is one; `None` for the owner.
fn way_to(
    inner: &Inner,
    person: &SignedIn,
    clip: &ClipRow,
    wraps: &Wraps,
    right: Right,
) -> Result<Option<GrantRow>> {
    if person.owner().is_some() {
        return Ok(None);
    }
    let now = inner.now();
    let mut ways: Vec<_> = lock(&inner.grants)
        .iter()
        .filter(|grant| {
            grant.person == person.id && grant.rights.has(Right::Playback) && in_force(grant, now)
        })
        .filter(|grant| wraps.iter().any(|(id, _)| *id == Some(grant.id)))
        .filter(|grant| reaches(grant, end_of(clip), now))
        .cloned()
        .collect();
    if ways.is_empty() {
        return Err(Error::not_found("this clip"));
    }
    ways.retain(|grant| grant.rights.has(right));
    if ways.is_empty() {
        return Err(Error::new(ErrorCode::NotAllowed, "this clip may be played, but not copied"));
    }
    ways.retain(|grant| !grant.is_used_up());
    ways.sort_by_key(|grant| (grant.second.is_some(), grant.opens.is_some()));
    ways.into_iter().next().map(Some).ok_or_else(used_up)
}

/// Whether a grant that looks back reaches as far as a clip that ended at `end_us`.
pub(super) fn reaches(grant: &GrantRow, end_us: UnixMicros, now: UnixMicros) -> bool {
    grant.back_us.is_none_or(|back_us| end_us.0 >= now.0.saturating_sub(back_us))
}

fn used_up() -> Error {
    Error::new(ErrorCode::UsedUp, "all openings that were granted are used: ask the owner for more")
}

fn needs_agreement() -> Error {
    Error::new(ErrorCode::NeedsAgreement, "somebody else must agree first: ask them")
}

/// A grant that allows nothing more is not a log that cannot be written.
fn unwritable(error: Error) -> Error {
    if matches!(error.code, ErrorCode::UsedUp | ErrorCode::NeedsAgreement) {
        error
    } else {
        Error::log_unwritable(error)
    }
}

/// The clip key, through the owner's wrap or through that of one of `grants`.
pub(super) fn unwrap(
    inner: &Inner,
    person: &SignedIn,
    wraps: &Wraps,
    grants: &[GrantId],
) -> Result<(ClipKey, Option<GrantId>)> {
    let mut failed = None;
    for (grant, wrap) in wraps {
        match (&person.keys, grant) {
            (Keys::Owner(keys), None) => return Ok((ClipKey::unwrap_as_owner(wrap, keys.identity())?, None)),
            (Keys::Person(keys), Some(id)) if grants.contains(id) => {
                match ClipKey::unwrap_as_person(wrap, inner.logbook.device.broker(), keys.identity()) {
                    Ok(key) => return Ok((key, Some(*id))),
                    Err(error) => failed = Some(error),
                }
            }
            (Keys::Owner(_), Some(_)) | (Keys::Person(_), _) => {}
        }
    }
    Err(failed.map_or_else(|| Error::not_found("a key for this clip"), Error::from))
}
