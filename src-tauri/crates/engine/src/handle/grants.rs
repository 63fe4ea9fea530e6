//! Grants: who may view what, within which bounds; giving, changing, taking back, and what somebody would see.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use hausrecht_ledger::Kind;
use hausrecht_model::{CameraId, ClipId, GrantId, PersonId, Right, Rights, UnixMicros};
use hausrecht_store::{EntryFilter, GrantRow, PersonRow, ScopeRow, Tables};
use hausrecht_vault::{Identity, OwnerKeys, Recipient, open_with, seal_to};

use super::Handle;
use crate::{
    Result,
    grants::in_force,
    inner::{Inner, lock},
    logbook::Note,
    session::SignedIn,
    wire::{ChangeGrant, Error, Event, GiveGrant, GrantScope, GrantView, TakenBack, Terms},
};

/// People and scopes of one giving, each.
const MANY: usize = 500;
/// Grants of one giving.
const GRANTS_MAX: usize = 5_000;
/// Wraps that are made before giving answers; more are made beside.
const AT_ONCE: u64 = 200;
/// The longest reason. Characters.
const REASON_MAX: usize = 1_000;
/// Clips that are sealed anew in one order.
const REKEYED_MAX: usize = 50_000;
const HOUR_US: i64 = 3_600_000_000;
/// Times of a grant lie before this: the year 2255.
const FAR_US: i64 = 1 << 53;

/// Terms that make sense, as they are kept.
struct Checked {
    rights: Rights,
    back_us: Option<i64>,
    second: Option<PersonRow>,
}

impl Handle {
    /// Lets people view: signs a grant for each person and scope into the log, and makes the wraps of the clips that they
    /// cover, beside everything else if they are many.
    ///
    /// # Errors
    /// Only the owner; no such person, clip or camera; terms that make no sense, such as an end that has passed.
    pub async fn grant(&self, request: GiveGrant) -> Result<Vec<GrantView>> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let people = self.granted_people(&request.people)?;
        if request.scopes.is_empty() || request.scopes.len() > MANY {
            return Err(Error::invalid("a grant covers 1 to 500 things at a time"));
        }
        let count = people.len() * request.scopes.len();
        if count > GRANTS_MAX {
            return Err(Error::invalid(format!("{count} grants at a time are too many: up to {GRANTS_MAX}")));
        }
        let reason = checked_reason(&request.reason)?;
        let now = inner.now();
        let mut scopes = Vec::new();
        for scope in &request.scopes {
            scopes.push(self.resolve(scope).await?);
        }
        for (_, scope) in &scopes {
            self.check(&request.terms, *scope, now)?;
        }
        let mut rows = Vec::new();
        for one in &people {
            for (camera, scope) in &scopes {
                let checked = self.check(&request.terms, *scope, now)?;
                rows.push(self.row(one, *camera, *scope, &request.terms, &checked, reason, &owner)?);
            }
        }
        let work = self.amount(&rows).await?;
        let writer = Arc::clone(inner);
        let template = request.template.clone();
        let (by, words) = (person.clone(), reason.to_owned());
        let rows = inner
            .db
            .write(move |tables| {
                for row in &mut rows {
                    let mut note = grant_note(&by, row, &words);
                    if let Some(template) = &template {
                        note = note.fact("template", template.as_str());
                    }
                    row.entry = writer.logbook.append(tables, &note, Some(&owner))?;
                    tables.insert_grant(row)?;
                }
                Ok(rows)
            })
            .await?;
        lock(&inner.grants).splice(0..0, rows.iter().cloned());
        inner.wrap_soon();
        if work <= AT_ONCE {
            inner.wrapped().await;
        }
        self.told(&rows);
        self.grant_views(&rows, &person).await
    }

    /// Waits until the wraps of all grants are made, or the owner has signed out.
    pub async fn wraps_made(&self) {
        self.inner.wrapped().await;
    }

    /// Gives other terms to a grant: the old one ends and another begins, in one step.
    ///
    /// # Errors
    /// Only the owner; no such grant; terms that make no sense.
    pub async fn change_grant(&self, request: ChangeGrant) -> Result<GrantView> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let reason = checked_reason(&request.reason)?;
        let old = self.standing(request.grant)?;
        let now = inner.now();
        let checked = self.check(&request.terms, old.scope, now)?;
        let to = self.granted_people(&[old.person])?.remove(0);
        let mut row = self.row(&to, old.camera, old.scope, &request.terms, &checked, reason, &owner)?;
        // Of a camera without a look back nothing older is added; what was wrapped already goes on.
        let keeps_wraps = old.second == row.second && row.rights.has(Right::Playback);
        row.pending = row.rights.has(Right::Playback);
        let mut ended =
            Note::new(Kind::GrantTakenBack).by(person.id).camera(old.camera).fact("why", "changed");
        ended.person = Some(old.person);
        ended.grant = Some(old.id);
        ended.refers_to = Some(old.entry);
        let (writer, words) = (Arc::clone(inner), reason.to_owned());
        let (by, before) = (person.clone(), old.clone());
        let row = inner
            .db
            .write(move |tables| {
                writer.logbook.append(tables, &ended, Some(&owner))?;
                let mut note = grant_note(&by, &row, &words);
                note.refers_to = Some(before.entry);
                row.entry = writer.logbook.append(tables, &note, Some(&owner))?;
                tables.insert_grant(&row)?;
                if keeps_wraps {
                    tables.move_wraps(before.id, row.id)?;
                }
                tables.end_grant(before.id, now)?;
                if let Some(back_us) = row.back_us {
                    tables.drop_wraps_between(
                        row.id,
                        row.camera,
                        UnixMicros(0),
                        UnixMicros(now.0 - back_us),
                    )?;
                }
                Ok(row)
            })
            .await?;
        {
            let mut grants = lock(&inner.grants);
            if let Some(old) = grants.iter_mut().find(|grant| grant.id == old.id) {
                old.ended_us = Some(now);
                old.pending = false;
            }
            grants.insert(0, row.clone());
        }
        inner.revoke_views();
        self.forget_wraps().await?;
        inner.wrap_soon();
        if self.amount(std::slice::from_ref(&row)).await? <= AT_ONCE {
            inner.wrapped().await;
        }
        self.told(std::slice::from_ref(&row));
        let views = self.grant_views(std::slice::from_ref(&row), &person).await?;
        views.into_iter().next().ok_or_else(|| Error::internal("a grant without a view"))
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
        let grant = self.standing(id)?;
        let never_opened = inner.never_opened(id).await?;
        let now = inner.now();
        let writer = Arc::clone(inner);
        let (by, row) = (person.id, grant.clone());
        let opened = inner
            .db
            .write(move |tables| end_one(&writer, tables, &row, by, "taken_back", now, &owner))
            .await?;
        self.ended(&[id], now).await?;
        Ok(TakenBack { opened, never_opened })
    }

    /// Seals clips anew to fresh keys: those of a grant that was taken back and that were never opened through it. Says how many were.
    ///
    /// # Errors
    /// Only the owner; a file is missing or changed; the disk is full. What was sealed anew until then stays so.
    pub async fn rekey(&self, clips: Vec<ClipId>) -> Result<u64> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        person.owner_keys()?;
        if clips.len() > REKEYED_MAX {
            return Err(Error::invalid(format!("up to {REKEYED_MAX} clips are sealed anew at a time")));
        }
        let done = crate::rekey::rekey(inner, &person, clips).await;
        let size = inner.db.read(|tables| Ok(tables.log_size()?)).await?;
        inner.tell(Event::LogGrew(size));
        self.forget_wraps().await?;
        done
    }

    /// The people whom something is to be granted.
    fn granted_people(&self, ids: &[PersonId]) -> Result<Vec<PersonRow>> {
        let wanted: BTreeSet<_> = ids.iter().copied().collect();
        if wanted.is_empty() || wanted.len() > MANY {
            return Err(Error::invalid("a grant is for 1 to 500 people at a time"));
        }
        let now = self.inner.now();
        let people: Vec<_> = lock(&self.inner.people)
            .iter()
            .filter(|row| wanted.contains(&row.id) && !row.owner && row.removed_us.is_none())
            .cloned()
            .collect();
        if people.len() < wanted.len() {
            return Err(Error::not_found("this person"));
        }
        match people.iter().any(|row| !row.may_sign_in(now)) {
            true => Err(Error::invalid("the end of this guest is past: set another one first")),
            false => Ok(people),
        }
    }

    async fn resolve(&self, scope: &GrantScope) -> Result<(CameraId, ScopeRow)> {
        let in_range = |time: UnixMicros| (0..FAR_US).contains(&time.0);
        let (camera, scope) = match *scope {
            GrantScope::Clip { clip } => {
                let row = self.inner.db.read(move |tables| Ok(tables.clip(clip)?)).await?;
                let row = row.ok_or_else(|| Error::not_found("this clip"))?;
                (row.camera, ScopeRow::Clip(clip))
            }
            GrantScope::Span { camera, from_us, to_us } => {
                if !in_range(from_us) || !in_range(to_us) {
                    return Err(out_of_range());
                }
                if to_us <= from_us {
                    return Err(Error::invalid("a span ends after it begins"));
                }
                (camera, ScopeRow::Span { from_us, to_us })
            }
            GrantScope::Camera { camera } => (camera, ScopeRow::Camera),
        };
        match lock(&self.inner.camera_rows).contains_key(&camera) {
            true => Ok((camera, scope)),
            false => Err(Error::not_found("this camera")),
        }
    }

    fn check(&self, terms: &Terms, scope: ScopeRow, now: UnixMicros) -> Result<Checked> {
        let rights: Rights = terms.rights.iter().copied().collect();
        let is_camera = scope == ScopeRow::Camera;
        if rights.is_empty() {
            return Err(Error::invalid("a grant allows at least one thing"));
        }
        if !is_camera && !rights.has(Right::Playback) {
            return Err(Error::invalid("a grant of clips lets somebody play them"));
        }
        if !is_camera && [Right::Live, Right::Ptz, Right::Talk].iter().any(|right| rights.has(*right)) {
            return Err(Error::invalid(
                "live pictures, turning and talking belong to a grant of a whole camera",
            ));
        }
        if rights.has(Right::Copy) && !rights.has(Right::Playback) {
            return Err(Error::invalid("whoever may copy clips may play them"));
        }
        if terms.until_us.is_some_and(|until| until <= now) {
            return Err(Error::invalid("the end of a grant lies in the future"));
        }
        if terms.until_us.is_some_and(|until| !(0..FAR_US).contains(&until.0)) {
            return Err(out_of_range());
        }
        if terms.back_hours.is_some_and(|hours| !is_camera || !(1..=8784).contains(&hours)) {
            return Err(Error::invalid(
                "a look back belongs to a grant of a whole camera, and is 1 to 8784 hours",
            ));
        }
        if terms.opens.is_some_and(|opens| !(1..=10_000).contains(&opens)) {
            return Err(Error::invalid("a grant allows 1 to 10000 openings, or any number"));
        }
        if terms.hours.is_some_and(|hours| !hours.is_valid()) {
            return Err(Error::invalid("the hours of a grant name a day, and minutes of a day"));
        }
        let second = match terms.second {
            None => None,
            Some(id) => {
                let row = lock(&self.inner.people).iter().find(|row| row.id == id).cloned();
                let row = row.filter(|row| row.may_sign_in(now));
                Some(row.ok_or_else(|| Error::not_found("the person who must agree"))?)
            }
        };
        if second.is_some() && !rights.has(Right::Playback) {
            return Err(Error::invalid("somebody can agree to the opening of clips, and to nothing else"));
        }
        Ok(Checked { rights, back_us: terms.back_hours.map(|hours| i64::from(hours) * HOUR_US), second })
    }

    #[expect(clippy::too_many_arguments, reason = "a row has as many fields")]
    fn row(
        &self,
        to: &PersonRow,
        camera: CameraId,
        scope: ScopeRow,
        terms: &Terms,
        checked: &Checked,
        reason: &str,
        owner: &OwnerKeys,
    ) -> Result<GrantRow> {
        let second = checked.second.as_ref();
        if second.is_some_and(|second| second.id == to.id) {
            return Err(Error::invalid("whoever must agree is somebody else"));
        }
        let name = |row: &PersonRow, reader: &PersonRow| -> Result<Vec<u8>> {
            let name = open_with(owner.identity(), &row.name_owner)?;
            let reader: Recipient = reader.recipient.parse().map_err(Error::internal)?;
            Ok(seal_to(&[reader], &name)?)
        };
        let looks_back = !matches!((scope, checked.back_us), (ScopeRow::Camera, None));
        Ok(GrantRow {
            id: GrantId::random(&mut rand::rng()),
            person: to.id,
            camera,
            scope,
            rights: checked.rights,
            back_us: checked.back_us,
            hours: terms.hours,
            opens: terms.opens,
            opened: 0,
            second: second.map(|row| row.id),
            second_name: second.map(|row| name(row, to)).transpose()?,
            person_name: second.map(|row| name(to, row)).transpose()?,
            given_us: self.inner.now(),
            until_us: terms.until_us,
            reason: seal_to(&[owner.recipient()], reason.as_bytes())?,
            entry: 0,
            ended_us: None,
            pending: looks_back && checked.rights.has(Right::Playback),
        })
    }

    /// How many wraps `grants` need, roughly.
    pub(super) async fn amount(&self, grants: &[GrantRow]) -> Result<u64> {
        let spans: Vec<_> = grants
            .iter()
            .filter(|grant| grant.pending)
            .map(|grant| match (grant.scope, grant.back_us) {
                (ScopeRow::Clip(_), _) => (grant.camera, None),
                (ScopeRow::Span { from_us, to_us }, _) => (grant.camera, Some((from_us, to_us))),
                (ScopeRow::Camera, back_us) => {
                    let now = self.inner.now();
                    let from = back_us.map_or(grant.given_us, |back_us| UnixMicros(now.0 - back_us));
                    (grant.camera, Some((from, UnixMicros(i64::MAX))))
                }
            })
            .collect();
        self.inner
            .db
            .read(move |tables| {
                spans.into_iter().try_fold(0, |sum, (camera, span)| match span {
                    None => Ok(sum + 1),
                    Some((from_us, to_us)) => Ok(sum + tables.count_clips(camera, from_us, to_us)?),
                })
            })
            .await
    }

    fn standing(&self, id: GrantId) -> Result<GrantRow> {
        let now = self.inner.now();
        let found = lock(&self.inner.grants).iter().find(|grant| grant.id == id && grant.holds(now)).cloned();
        found.ok_or_else(|| Error::not_found("this grant"))
    }

    fn told(&self, rows: &[GrantRow]) {
        let inner = &self.inner;
        if let Some(last) = rows.iter().map(|row| row.entry).max() {
            inner.tell(Event::LogGrew(last + 1));
        }
        inner.tell(Event::Cameras(inner.cameras_view()));
        inner.tell(Event::GrantsChanged);
        inner.clips_changed();
    }

    /// After grants have ended in the store: everywhere else.
    pub(super) async fn ended(&self, ids: &[GrantId], now: UnixMicros) -> Result<()> {
        let inner = &self.inner;
        for grant in lock(&inner.grants).iter_mut().filter(|grant| ids.contains(&grant.id)) {
            grant.ended_us = Some(now);
            grant.pending = false;
        }
        inner.revoke_views();
        self.forget_wraps().await?;
        let size = inner.db.read(|tables| Ok(tables.log_size()?)).await?;
        inner.tell(Event::LogGrew(size));
        self.told(&[]);
        Ok(())
    }

    /// The bytes of deleted wraps must not stay behind in the write-ahead log.
    pub(super) async fn forget_wraps(&self) -> Result<()> {
        self.inner.db.run(|store| Ok(store.truncate_wal()?)).await
    }

    /// Grants as `viewer` may see them.
    pub(super) async fn grant_views(&self, grants: &[GrantRow], viewer: &SignedIn) -> Result<Vec<GrantView>> {
        let clips: Vec<_> = grants
            .iter()
            .filter_map(|grant| match grant.scope {
                ScopeRow::Clip(clip) => Some(clip),
                ScopeRow::Span { .. } | ScopeRow::Camera => None,
            })
            .collect();
        let starts: HashMap<ClipId, UnixMicros> = if clips.is_empty() {
            HashMap::new()
        } else {
            self.inner
                .db
                .read(move |tables| {
                    let mut starts = HashMap::new();
                    for clip in clips {
                        starts.extend(tables.clip(clip)?.map(|row| (clip, row.start_us)));
                    }
                    Ok(starts)
                })
                .await?
        };
        Ok(grants.iter().map(|grant| grant_view(&self.inner, grant, viewer, &starts)).collect())
    }
}

fn grant_view(
    inner: &Inner,
    grant: &GrantRow,
    viewer: &SignedIn,
    starts: &HashMap<ClipId, UnixMicros>,
) -> GrantView {
    GrantView {
        id: grant.id,
        person: grant.person,
        scope: scope_view(grant),
        camera: grant.camera,
        camera_name: lock(&inner.camera_rows)
            .get(&grant.camera)
            .map(|row| row.name.clone())
            .unwrap_or_default(),
        clip_start_us: match grant.scope {
            ScopeRow::Clip(clip) => starts.get(&clip).copied(),
            ScopeRow::Span { .. } | ScopeRow::Camera => None,
        },
        terms: terms_view(grant),
        second_name: second_name(inner, grant, viewer),
        in_hours: in_force(grant, inner.now()),
        opened: grant.opened,
        pending: grant.pending,
        given_us: grant.given_us,
        until_us: grant.until_us,
        reason: viewer.owner().map(|keys| text(&grant.reason, keys.identity())).unwrap_or_default(),
        entry: grant.entry,
    }
}

fn text(sealed: &[u8], keys: &Identity) -> String {
    open_with(keys, sealed).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
}

/// Name of who must agree, as far as `viewer` may know it: the owner knows everybody, a person whom they must ask.
pub(super) fn second_name(inner: &Inner, grant: &GrantRow, viewer: &SignedIn) -> String {
    match (grant.second, &grant.second_name) {
        (Some(id), _) if viewer.owner().is_some() => {
            inner.face_of(id, viewer).map(|face| face.name).unwrap_or_default()
        }
        (Some(_), Some(sealed)) if grant.person == viewer.id => text(sealed, viewer.keys.identity()),
        (Some(_) | None, Some(_) | None) => String::new(),
    }
}

pub(super) fn terms_view(grant: &GrantRow) -> Terms {
    Terms {
        rights: grant.rights.iter().collect(),
        back_hours: grant.back_us.and_then(|back_us| u32::try_from(back_us / HOUR_US).ok()),
        hours: grant.hours,
        until_us: grant.until_us,
        opens: grant.opens,
        second: grant.second,
    }
}

/// Ends a grant in the store, with its entry; says how often something was opened through it.
pub(super) fn end_one(
    inner: &Inner,
    tables: &Tables<'_>,
    grant: &GrantRow,
    by: PersonId,
    why: &'static str,
    now: UnixMicros,
    owner: &OwnerKeys,
) -> Result<u64> {
    let filter = EntryFilter {
        kinds: vec![Kind::Opened.as_str().to_owned()],
        grant: Some(grant.id),
        ..EntryFilter::default()
    };
    let opened = tables.count_entries(&filter)?;
    let mut note = Note::new(Kind::GrantTakenBack).by(by).camera(grant.camera).fact("why", why);
    note.person = Some(grant.person);
    note.grant = Some(grant.id);
    note.refers_to = Some(grant.entry);
    tables.end_grant(grant.id, now)?;
    inner.logbook.append(tables, &note.fact("opened", opened), Some(owner))?;
    Ok(opened)
}

fn checked_reason(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::invalid("a grant needs a reason: a few words are enough"));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(Error::invalid(format!("a reason has up to {REASON_MAX} characters")));
    }
    Ok(reason)
}

fn out_of_range() -> Error {
    Error::invalid("a time of this grant lies outside the years 1970 to 2255")
}

fn grant_note(person: &SignedIn, row: &GrantRow, reason: &str) -> Note {
    let mut note = Note::new(Kind::Grant).by(person.id).camera(row.camera).personal("reason", reason);
    note = about(note, row);
    let rights: Vec<_> = row.rights.iter().map(Right::as_str).collect();
    note = note.fact("rights", rights);
    if let Some(until) = row.until_us {
        note = note.fact("until_us", until.0);
    }
    if let Some(back_us) = row.back_us {
        note = note.fact("back_us", back_us);
    }
    if let Some(opens) = row.opens {
        note = note.fact("opens", opens);
    }
    if let Some(second) = row.second {
        note = note.fact("second", second.to_string());
    }
    match row.hours {
        Some(hours) => note.fact("hours", serde_json::to_value(hours).unwrap_or_default()),
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
