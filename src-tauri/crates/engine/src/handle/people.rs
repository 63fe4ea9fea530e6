//! People and grants: who may view what, until when, and taking it back.

use std::sync::Arc;

use hausrecht_ledger::Kind;
use hausrecht_model::{GrantId, PersonId, UnixMicros};
use hausrecht_store::{ClipFilter, EntryFilter, GrantRow, PersonRow, ScopeRow};
use hausrecht_vault::{ClipKey, PersonKeys, SecretString, open_with, seal_to};

use super::{
    Handle,
    session::{blocking, check_passphrase, checked_name, write_new},
};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::Note,
    session::SignedIn,
    wire::Event,
    wire::{AddPerson, Error, GiveGrant, GrantScope, GrantView, PersonView, TakenBack},
};

/// Colours in the theme's palette.
const COLORS: u8 = 6;

impl Handle {
    /// Everybody, with what they may view. For members: themselves.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn people(&self) -> Result<Vec<PersonView>> {
        let person = self.inner.signed_in()?;
        let rows: Vec<_> = lock(&self.inner.people)
            .iter()
            .filter(|row| person.owner().is_some() || row.id == person.id)
            .cloned()
            .collect();
        let mut views = Vec::new();
        for row in rows {
            let filter = EntryFilter {
                kinds: vec![Kind::Opened.as_str().to_owned()],
                person: Some(row.id),
                ..EntryFilter::default()
            };
            let last = self.inner.db.read(move |tables| Ok(tables.entries(&filter, 0, 1)?)).await?;
            views.push(self.person_view(&row, &person, last.first().map(|entry| entry.at_us)).await?);
        }
        Ok(views)
    }

    async fn person_view(
        &self,
        row: &PersonRow,
        viewer: &SignedIn,
        last_opened_us: Option<UnixMicros>,
    ) -> Result<PersonView> {
        let now = self.inner.now();
        let theirs: Vec<_> = lock(&self.inner.grants)
            .iter()
            .filter(|grant| grant.person == row.id && grant.holds(now))
            .cloned()
            .collect();
        let mut grants = Vec::new();
        for grant in theirs {
            grants.push(self.grant_view(&grant, viewer).await?);
        }
        Ok(PersonView { face: self.inner.face(row, viewer), added_us: row.added_us, grants, last_opened_us })
    }

    async fn grant_view(&self, grant: &GrantRow, viewer: &SignedIn) -> Result<GrantView> {
        let clip_start_us = match grant.scope {
            ScopeRow::Clip(clip) => {
                self.inner.db.read(move |tables| Ok(tables.clip(clip)?)).await?.map(|clip| clip.start_us)
            }
            ScopeRow::Span { .. } | ScopeRow::Camera => None,
        };
        let reason = viewer
            .owner()
            .and_then(|keys| open_with(keys.identity(), &grant.reason).ok())
            .map(|reason| String::from_utf8_lossy(&reason).into_owned())
            .unwrap_or_default();
        Ok(GrantView {
            id: grant.id,
            person: grant.person,
            scope: scope_view(grant),
            camera_name: camera_name(&self.inner, grant),
            clip_start_us,
            given_us: grant.given_us,
            until_us: grant.until_us,
            reason,
            entry: grant.entry,
        })
    }

    /// Adds a person with a passphrase of their own, which the owner need not know.
    ///
    /// # Errors
    /// Only the owner; the name is taken; the passphrase is weak.
    pub async fn add_person(&self, request: AddPerson) -> Result<PersonView> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let name = checked_name(&request.name)?;
        check_passphrase(&request.passphrase, &name, request.accept_weak)?;
        let name_tag = inner.logbook.name_tag(&name);
        if lock(&inner.people).iter().any(|row| row.name_tag == name_tag) {
            return Err(Error::invalid(format!("somebody is called {name} already: take another name")));
        }
        let secret = SecretString::from(request.passphrase);
        let log_n = inner.options.log_n;
        let (keys, sealed) = blocking(move || {
            let keys = PersonKeys::generate();
            let sealed = keys.seal(&secret, log_n);
            Ok((keys, sealed))
        })
        .await?;
        let count = u8::try_from(lock(&inner.people).len() % usize::from(COLORS)).unwrap_or(0);
        let row = PersonRow {
            id: PersonId::random(&mut rand::rng()),
            owner: false,
            color: count,
            recipient: keys.recipient().to_string(),
            name_tag,
            name_owner: seal_to(&[owner.recipient()], name.as_bytes())?,
            name_self: seal_to(&[keys.recipient()], name.as_bytes())?,
            added_us: inner.now(),
        };
        let path = inner.options.data_folder.join("people").join(format!("{}.age", row.id));
        write_new(&path, &sealed)?;
        let mut note = Note::new(Kind::PersonAdded)
            .by(person.id)
            .fact("recipient", row.recipient.clone())
            .personal("name", name);
        note.person = Some(row.id);
        let (writer, stored) = (Arc::clone(inner), row.clone());
        let entered = inner
            .db
            .write(move |tables| {
                tables.insert_person(&stored)?;
                writer.logbook.append(tables, &note, Some(&owner))
            })
            .await;
        if let Err(error) = entered {
            // A key file without its person would only be litter.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        lock(&inner.people).push(row.clone());
        self.person_view(&row, &person, None).await
    }

    /// Lets someone view: signs the grant into the log and wraps the keys of the clips that it covers.
    ///
    /// # Errors
    /// Only the owner; no such person or clip; an end that has passed.
    pub async fn grant(&self, request: GiveGrant) -> Result<GrantView> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let now = inner.now();
        if request.until_us.is_some_and(|until| until <= now) {
            return Err(Error::invalid("the end of a grant lies in the future"));
        }
        const FAR_US: i64 = 1 << 53;
        let in_range = |time: UnixMicros| (0..FAR_US).contains(&time.0);
        let span = match &request.scope {
            GrantScope::Span { from_us, to_us, .. } => in_range(*from_us) && in_range(*to_us),
            GrantScope::Clip { .. } | GrantScope::Camera { .. } => true,
        };
        if !span || !request.until_us.is_none_or(in_range) {
            return Err(Error::invalid("a time of this grant lies outside the years 1970 to 2255"));
        }
        if request.reason.trim().is_empty() {
            return Err(Error::invalid("a grant needs a reason: a few words are enough"));
        }
        let recipient = lock(&inner.people)
            .iter()
            .find(|row| row.id == request.person && !row.owner)
            .map(|row| row.recipient.clone())
            .ok_or_else(|| Error::not_found("this person"))?;
        let recipient = recipient.parse().map_err(Error::internal)?;
        let (camera, scope, filter) = match request.scope {
            GrantScope::Clip { clip } => {
                let row = inner.db.read(move |tables| Ok(tables.clip(clip)?)).await?;
                let row = row.ok_or_else(|| Error::not_found("this clip"))?;
                (row.camera, ScopeRow::Clip(clip), None)
            }
            GrantScope::Span { camera, from_us, to_us } => {
                if to_us <= from_us {
                    return Err(Error::invalid("a span ends after it begins"));
                }
                let filter = ClipFilter {
                    cameras: vec![camera],
                    span_us: Some((from_us, to_us)),
                    ..ClipFilter::default()
                };
                (camera, ScopeRow::Span { from_us, to_us }, Some(filter))
            }
            GrantScope::Camera { camera } => (camera, ScopeRow::Camera, None),
        };
        if !lock(&inner.camera_rows).contains_key(&camera) {
            return Err(Error::not_found("this camera"));
        }
        let mut row = GrantRow {
            id: GrantId::random(&mut rand::rng()),
            person: request.person,
            camera,
            scope,
            given_us: now,
            until_us: request.until_us,
            reason: seal_to(&[owner.recipient()], request.reason.trim().as_bytes())?,
            entry: 0,
            ended_us: None,
        };
        let note = grant_note(&person, &row, request.reason.trim());
        let (writer, broker) = (Arc::clone(inner), inner.logbook.device.broker_recipient());
        let mut stored = row.clone();
        row.entry = inner
            .db
            .write(move |tables| {
                let clips = match (stored.scope, filter) {
                    (ScopeRow::Clip(clip), _) => tables.clip(clip)?.into_iter().collect(),
                    (_, Some(filter)) => tables.clips(&filter)?,
                    (_, None) => Vec::new(),
                };
                stored.entry = writer.logbook.append(tables, &note, Some(&owner))?;
                tables.insert_grant(&stored)?;
                for clip in clips {
                    let wraps = tables.wraps(clip.id)?;
                    let Some((_, wrap)) = wraps.iter().find(|(grant, _)| grant.is_none()) else { continue };
                    let key = ClipKey::unwrap_as_owner(wrap, owner.identity())?;
                    tables.insert_wrap(
                        clip.id,
                        Some(stored.id),
                        &key.wrap_for_person(&broker, &recipient),
                    )?;
                }
                Ok(stored.entry)
            })
            .await?;
        lock(&inner.grants).insert(0, row.clone());
        inner.tell(Event::LogGrew(row.entry + 1));
        inner.tell(Event::Cameras(inner.cameras_view()));
        inner.clips_changed();
        self.grant_view(&row, &person).await
    }

    /// Takes a grant back: its wraps go, and from now on nothing opens through it. What was seen or copied before cannot
    /// be recalled; the answer says how often something was opened.
    ///
    /// # Errors
    /// Only the owner; no such grant.
    pub async fn take_back(&self, id: GrantId) -> Result<TakenBack> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let grant = lock(&inner.grants)
            .iter()
            .find(|grant| grant.id == id && grant.ended_us.is_none())
            .cloned()
            .ok_or_else(|| Error::not_found("this grant"))?;
        let now = inner.now();
        let mut note =
            Note::new(Kind::GrantTakenBack).by(person.id).camera(grant.camera).fact("why", "taken_back");
        note.person = Some(grant.person);
        note.grant = Some(id);
        note.refers_to = Some(grant.entry);
        let writer = Arc::clone(inner);
        let opened = inner
            .db
            .write(move |tables| {
                let filter = EntryFilter {
                    kinds: vec![Kind::Opened.as_str().to_owned()],
                    grant: Some(id),
                    ..EntryFilter::default()
                };
                let opened = tables.count_entries(&filter)?;
                tables.end_grant(id, now)?;
                writer.logbook.append(tables, &note.fact("opened", opened), Some(&owner))?;
                Ok(opened)
            })
            .await?;
        if let Some(grant) = lock(&inner.grants).iter_mut().find(|grant| grant.id == id) {
            grant.ended_us = Some(now);
        }
        inner.revoke_views();
        // The wraps' bytes must not stay behind in the write-ahead log.
        inner.db.run(|store| Ok(store.truncate_wal()?)).await?;
        inner.tell(Event::Cameras(inner.cameras_view()));
        inner.clips_changed();
        Ok(TakenBack { opened })
    }
}

fn grant_note(person: &SignedIn, row: &GrantRow, reason: &str) -> Note {
    let mut note = Note::new(Kind::Grant).by(person.id).camera(row.camera).personal("reason", reason);
    note = about(note, row);
    match row.until_us {
        Some(until) => note.fact("until_us", until.0),
        None => note,
    }
}

/// Whom a grant is for and what it covers, as its entries say it.
pub(crate) fn about(mut note: Note, row: &GrantRow) -> Note {
    note.person = Some(row.person);
    note.grant = Some(row.id);
    match row.scope {
        ScopeRow::Clip(clip) => note.clip(clip).fact("scope", "clip"),
        ScopeRow::Span { from_us, to_us } => {
            note.fact("scope", "span").fact("from_us", from_us.0).fact("to_us", to_us.0)
        }
        ScopeRow::Camera => note.fact("scope", "camera"),
    }
}

pub(super) fn scope_view(grant: &GrantRow) -> GrantScope {
    match grant.scope {
        ScopeRow::Clip(clip) => GrantScope::Clip { clip },
        ScopeRow::Span { from_us, to_us } => GrantScope::Span { camera: grant.camera, from_us, to_us },
        ScopeRow::Camera => GrantScope::Camera { camera: grant.camera },
    }
}

fn camera_name(inner: &Inner, grant: &GrantRow) -> String {
    lock(&inner.camera_rows).get(&grant.camera).map(|row| row.name.clone()).unwrap_or_default()
}
