//! Timeline, list, one clip's three questions, thumbnails, playing, and a copy for the owner.

use std::{collections::BTreeMap, io::Write, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hausrecht_ledger::{Entry, Kind};
use hausrecht_model::{CameraId, ClipId, EventKind, GrantId, Right, Rights, UnixMicros};
use hausrecht_store::{ClipFilter, ClipRow, ClipSpan, EntryFilter, EventRow, GrantRow};
use hausrecht_vault::open_with;

use super::{
    Handle,
    bookmarks::bookmark_view,
    grants::{scope_view, second_name, terms_view},
    recording::hold_view,
    release::{gate_of, reaches, unwrap},
    session::blocking,
};
use crate::{
    Result,
    footage::open_track,
    grants::in_force,
    inner::{Inner, lock},
    logbook::{Note, parse_personal},
    player::{FOR_ANYBODY, Place, Player},
    recorder::hash_file,
    retention::gaps::gaps_of,
    session::SignedIn,
    wire::{
        ClipDetail, ClipQuery, ClipView, Copied, Error, EventMark, Integrity, Lane, MayView, Opened,
        PlayerOrder, PlayerState, RecordedSpan, Thumbnail, Timeline,
    },
};

/// Clips closer together than this are one stretch on the timeline.
pub(super) const GAP_US: i64 = 2_000_000;
/// The longest span that one timeline is asked for: a week and a bit.
const SPAN_MAX_US: i64 = 8 * 86_400_000_000;

impl Handle {
    /// What is recorded in a span of time, a lane a camera.
    ///
    /// # Errors
    /// Nobody is signed in; a span that is empty or too long.
    pub async fn timeline(&self, from_us: UnixMicros, to_us: UnixMicros) -> Result<Timeline> {
        let person = self.inner.signed_in()?;
        if to_us <= from_us || to_us.0.saturating_sub(from_us.0) > SPAN_MAX_US {
            return Err(Error::invalid("a timeline covers up to eight days"));
        }
        let filter = ClipFilter {
            span_us: Some((from_us, to_us)),
            grants: visible_grants(&self.inner, &person),
            ..ClipFilter::default()
        };
        let is_owner = person.owner().is_some();
        let (clips, events, conditions) = self
            .inner
            .db
            .read(move |tables| {
                // For a member nothing exists outside of what was granted, not even its absence.
                let conditions = if is_owner { tables.gaps(None, from_us, to_us)? } else { Vec::new() };
                Ok((tables.clip_spans(&filter)?, tables.events(from_us, to_us)?, conditions))
            })
            .await?;
        let now = self.inner.now();
        let mut by_camera: BTreeMap<CameraId, Vec<&ClipSpan>> = BTreeMap::new();
        for clip in clips.iter().rev() {
            by_camera.entry(clip.camera).or_default().push(clip);
        }
        let rows = lock(&self.inner.camera_rows).clone();
        let mut order: Vec<_> = rows.values().collect();
        order.sort_by_key(|row| (row.added_us, row.id));
        let lanes = order
            .into_iter()
            .filter(|row| {
                by_camera.contains_key(&row.id)
                    || (row.removed_us.is_none() && !row.imported && self.inner.may_watch(&person, row.id))
            })
            .map(|row| {
                let clips = by_camera.get(&row.id).map(Vec::as_slice).unwrap_or_default();
                let recorded = stretches(clips);
                let events = events
                    .iter()
                    .filter(|event| event.camera == row.id)
                    // For a member nothing exists outside of what was granted, events neither.
                    .filter(|event| {
                        person.owner().is_some()
                            || clips.iter().any(|clip| overlaps(event, clip.start_us, clip.end_us, now))
                    })
                    .map(|event| EventMark {
                        id: event.id,
                        kind: event.kind,
                        topic: event.topic.clone(),
                        from_us: event.start_us,
                        to_us: event.end_us.unwrap_or(now),
                    })
                    .collect();
                let own: Vec<_> = conditions.iter().filter(|gap| gap.camera == row.id).cloned().collect();
                let have: Vec<_> = recorded.iter().map(|span| (span.from_us, span.to_us)).collect();
                let gaps = gaps_of(&own, &have, from_us, to_us, now);
                Lane { camera: row.id, camera_name: row.name.clone(), recorded, events, gaps }
            })
            .collect();
        Ok(Timeline { from_us, to_us, lanes })
    }

    /// Clips, newest first.
    ///
    /// # Errors
    /// Nobody is signed in; a limit out of range.
    pub async fn clips(&self, query: ClipQuery) -> Result<Vec<ClipView>> {
        let person = self.inner.signed_in()?;
        if !(1..=500).contains(&query.limit) {
            return Err(Error::invalid("1 to 500 clips at a time"));
        }
        let filter = ClipFilter {
            cameras: query.cameras,
            span_us: Some((query.from_us, query.to_us)),
            events: query.events,
            grants: visible_grants(&self.inner, &person),
            limit: Some(query.limit),
        };
        let only = person.owner().is_none().then_some(person.id);
        let (clips, events, counts) = self
            .inner
            .db
            .read(move |tables| {
                let clips = tables.clips(&filter)?;
                let from = clips.last().map_or(query.from_us, |clip| clip.start_us);
                let events = tables.events(from, query.to_us)?;
                let counts = clips
                    .iter()
                    .map(|clip| tables.count_entries(&EntryFilter { person: only, ..opened_filter(clip.id) }))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok((clips, events, counts))
            })
            .await?;
        let now = self.inner.now();
        Ok(clips
            .iter()
            .zip(counts)
            .map(|(clip, opened)| clip_view(&self.inner, clip, &events, opened, now))
            .collect())
    }

    /// Small pictures of clips. They are pictures: that they were looked at stands in the log before they are unsealed,
    /// once per camera, day and session.
    ///
    /// # Errors
    /// Nobody is signed in; the log cannot be written.
    pub async fn thumbnails(&self, clips: Vec<ClipId>) -> Result<Vec<Thumbnail>> {
        let person = self.inner.signed_in()?;
        if clips.len() > 200 {
            return Err(Error::invalid("up to 200 small pictures at a time"));
        }
        let grants = visible_grants(&self.inner, &person);
        let loaded = self
            .inner
            .db
            .read(move |tables| {
                let mut rows = Vec::new();
                for clip in clips {
                    let row = tables.clip(clip)?;
                    let wraps = tables.wraps(clip)?;
                    rows.push((clip, row, wraps));
                }
                Ok(rows)
            })
            .await?;
        // A small picture is a picture: of what is used up, or waits for an agreement, none is shown.
        let small = grants.map(|ids| {
            let known = lock(&self.inner.grants);
            let opens = |id: &GrantId| {
                known.iter().any(|grant| grant.id == *id && grant.second.is_none() && !grant.is_used_up())
            };
            ids.into_iter().filter(opens).collect::<Vec<_>>()
        });
        // Nothing is said of clips that this person cannot open anyway.
        let theirs = |wraps: &Wraps| {
            small
                .as_ref()
                .is_none_or(|grants| wraps.iter().any(|(id, _)| id.is_some_and(|id| grants.contains(&id))))
        };
        let shown =
            loaded.iter().filter(|(_, _, wraps)| theirs(wraps)).filter_map(|(_, row, _)| row.as_ref());
        self.note_previews(&person, shown).await?;
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            Ok(loaded
                .into_iter()
                .map(|(clip, row, wraps)| {
                    let jpeg = row.and_then(|row| row.thumbnail).and_then(|sealed| {
                        let key =
                            unwrap(&inner, &person, &wraps, small.as_deref().unwrap_or_default()).ok()?.0;
                        let identity = key.identity();
                        open_with(identity, &sealed).ok()
                    });
                    Thumbnail { clip, jpeg_base64: jpeg.map(|jpeg| STANDARD.encode(&*jpeg)) }
                })
                .collect())
        })
        .await
    }

    async fn note_previews(&self, person: &SignedIn, rows: impl Iterator<Item = &ClipRow>) -> Result<()> {
        let mut fresh: BTreeMap<(CameraId, i64), u32> = BTreeMap::new();
        {
            let session = lock(&self.inner.session);
            for row in rows.filter(|row| row.thumbnail.is_some()) {
                let day = row.start_us.0.div_euclid(86_400_000_000);
                if !session.previewed.contains(&(row.camera, day)) {
                    *fresh.entry((row.camera, day)).or_default() += 1;
                }
            }
        }
        for ((camera, day), _) in fresh {
            let note =
                Note::new(Kind::Previewed).by(person.id).camera(camera).fact("day_us", day * 86_400_000_000);
            self.inner.log(note).await.map_err(Error::log_unwritable)?;
            self.inner.still(person)?;
            lock(&self.inner.session).previewed.insert((camera, day));
        }
        Ok(())
    }

    /// One clip: who may view it, who has opened it, who was given a copy, and whether it is untouched.
    ///
    /// # Errors
    /// Nobody is signed in; the clip does not exist for this person.
    pub async fn clip(&self, id: ClipId) -> Result<ClipDetail> {
        let person = self.inner.signed_in()?;
        let _files = self.inner.files.read().await;
        let (row, _) = self.visible_clip(&person, id).await?;
        let wanted = row.clone();
        let (events, entries, wraps, leaf, cause, holds, bookmarks, import, asks) = self
            .inner
            .db
            .read(move |tables| {
                let filter = EntryFilter {
                    kinds: vec![Kind::Opened.as_str().to_owned(), Kind::CopyMade.as_str().to_owned()],
                    clip: Some(id),
                    ..EntryFilter::default()
                };
                Ok((
                    tables.events(wanted.start_us, end_of(&wanted))?,
                    tables.entries(&filter, 0, 500)?,
                    tables.wraps(id)?,
                    tables.entry(wanted.entry)?.map(|entry| entry.leaf),
                    tables.cause(id)?.map(|(_, kind)| kind),
                    tables.holds_of(wanted.camera, wanted.start_us, end_of(&wanted))?,
                    tables.bookmarks()?,
                    tables.import_before(wanted.camera, wanted.entry)?,
                    tables.asks_of(id)?,
                ))
            })
            .await?;
        let inner = &self.inner;
        let now = inner.now();
        let is_owner = person.owner().is_some();
        let grants = lock(&inner.grants).clone();
        let people = lock(&inner.people).clone();
        let mut may_view: Vec<MayView> = people
            .iter()
            .filter(|row| row.owner)
            .map(|row| MayView {
                face: inner.face(row, &person),
                grant: None,
                scope: None,
                until_us: None,
                terms: None,
                second_name: String::new(),
                opened: 0,
            })
            .collect();
        for grant in grants.iter().filter(|grant| grant.holds(now)) {
            let wrapped = wraps.iter().any(|(id, _)| *id == Some(grant.id));
            let theirs = people.iter().find(|row| row.id == grant.person);
            if let Some(row) = theirs.filter(|row| wrapped && (is_owner || row.id == person.id)) {
                may_view.push(MayView {
                    face: inner.face(row, &person),
                    grant: Some(grant.id),
                    scope: Some(scope_view(grant)),
                    until_us: grant.until_us,
                    terms: Some(terms_view(grant)),
                    second_name: second_name(inner, grant, &person),
                    opened: grant.opened,
                });
            }
        }
        let mut opened = Vec::new();
        let mut copies = Vec::new();
        for entry in entries.iter().filter(|entry| is_owner || entry.actor == Some(person.id)) {
            let Some(face) = entry.actor.and_then(|actor| inner.face_of(actor, &person)) else { continue };
            if entry.kind == Kind::Opened.as_str() {
                opened.push(Opened { face, at_us: entry.at_us, entry: entry.index });
            } else {
                let what = Entry::parse(&entry.leaf).ok().and_then(|entry| entry.facts.get("what").cloned());
                let picture = what.is_some_and(|what| what.as_str() == Some("recorded_picture"));
                let recipient = recipient_of(&person, entry.personal.as_deref());
                copies.push(Copied { face, recipient, picture, at_us: entry.at_us, entry: entry.index });
            }
        }
        let path = inner.clip_path(row.camera, row.id);
        let integrity = blocking(move || Ok(integrity_of(&path, leaf.as_deref()))).await?;
        let track = import.and_then(|import| import.track).zip(person.owner());
        Ok(ClipDetail {
            track: track.map_or_else(Vec::new, |(sealed, keys)| {
                open_track(&sealed, keys.identity(), (row.start_us, end_of(&row)))
            }),
            clip: clip_view(inner, &row, &events, opened.len() as u64, now),
            may_view,
            rights: self.clip_rights(&person, &row, &wraps).iter().collect(),
            gate: gate_of(inner, &person, &row, &wraps, &asks),
            opened,
            copies,
            integrity,
            entry: row.entry,
            kept_until_us: crate::retention::kept_until(inner, row.camera, end_of(&row)),
            // What the owner keeps, and why, is the owner's own.
            holds: if is_owner {
                holds.into_iter().map(|hold| hold_view(inner, &person, hold)).collect()
            } else {
                Vec::new()
            },
            cause,
            bookmarks: bookmarks
                .into_iter()
                .filter(|row| row.clip == id && (is_owner || row.person == person.id))
                .filter_map(|row| bookmark_view(inner, &person, row))
                .collect(),
        })
    }

    /// Opens a clip: the entry is durable, then the key is unwrapped, then the first picture is decoded.
    ///
    /// # Errors
    /// The clip does not exist for this person; the log cannot be written; the file is missing, cut or changed.
    pub async fn open_clip(&self, id: ClipId) -> Result<PlayerState> {
        let person = self.inner.signed_in()?;
        let (row, reader, grant) = self.release(&person, id, Kind::Opened).await?;
        let inner = Arc::clone(&self.inner);
        let number = person.number;
        let player =
            blocking(move || Player::open(&inner, &row, reader, number, grant, Place::Window)).await?;
        self.put_player(&person, player)
    }

    /// Shows what a player that has just begun shows, instead of the one before.
    pub(super) fn put_player(&self, person: &SignedIn, player: Arc<Player>) -> Result<PlayerState> {
        let state = player.state();
        let old = {
            let mut slot = lock(&self.inner.player);
            if self.inner.still(person).is_err() {
                player.close();
                return Err(Error::locked());
            }
            player.take_port(&self.inner);
            slot.replace(player)
        };
        if let Some(old) = old {
            old.close();
        }
        self.touch();
        Ok(state)
    }

    /// The same for a player that is nobody's alone.
    pub(crate) fn show_player(&self, player: Arc<Player>) -> PlayerState {
        let state = player.state();
        let old = {
            let mut slot = lock(&self.inner.player);
            player.take_port(&self.inner);
            slot.replace(player)
        };
        if let Some(old) = old {
            old.close();
        }
        state
    }

    /// Tells the player what to do.
    ///
    /// # Errors
    /// No clip is open.
    pub fn player(&self, order: &PlayerOrder) -> Result<()> {
        let player = lock(&self.inner.player).clone();
        if let Some(packed) = player.as_ref().filter(|player| player.opened_by == FOR_ANYBODY) {
            return packed.order(order);
        }
        let person = self.inner.signed_in()?;
        self.touch();
        let player = player.filter(|player| player.opened_by == person.number);
        player.ok_or_else(|| Error::not_found("an open clip"))?.order(order)
    }

    /// Closes the clip.
    pub fn close_player(&self) {
        if let Some(player) = lock(&self.inner.player).take() {
            player.close();
            self.inner.player_port.worker_gone();
        }
    }

    /// Writes a clip in plain to `target`: a copy, and logged as one before the first byte.
    ///
    /// # Errors
    /// As [`Handle::open_clip`]; writing fails.
    pub async fn copy_clip(&self, id: ClipId, mut target: impl Write + Send + 'static) -> Result<u64> {
        let person = self.inner.signed_in()?;
        person.owner_keys()?;
        let (_, mut reader, _) = self.release(&person, id, Kind::CopyMade).await?;
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let mut buffer = vec![0; 1 << 18];
            let mut offset = 0;
            loop {
                inner.still(&person)?;
                let read = reader.read_at(offset, &mut buffer)?;
                if read == 0 {
                    target.flush()?;
                    return Ok(offset);
                }
                target.write_all(&buffer[..read])?;
                offset += read as u64;
            }
        })
        .await
    }

    /// What `person` may do with a clip.
    pub(super) fn clip_rights(&self, person: &SignedIn, clip: &ClipRow, wraps: &Wraps) -> Rights {
        if person.owner().is_some() {
            return Rights::all();
        }
        let now = self.inner.now();
        lock(&self.inner.grants)
            .iter()
            .filter(|grant| grant.person == person.id && in_force(grant, now))
            .filter(|grant| reaches(grant, end_of(clip), now))
            .filter(|grant| wraps.iter().any(|(id, _)| *id == Some(grant.id)))
            .fold(Rights::NONE, |rights, grant| rights.with(grant.rights))
    }

    /// A clip and its wraps, if it exists for `person`.
    pub(super) async fn visible_clip(&self, person: &SignedIn, id: ClipId) -> Result<(ClipRow, Wraps)> {
        let grants = visible_grants(&self.inner, person);
        let (row, wraps) =
            self.inner.db.read(move |tables| Ok((tables.clip(id)?, tables.wraps(id)?))).await?;
        let row = row.ok_or_else(|| Error::not_found("this clip"))?;
        let theirs =
            grants.is_none_or(|grants| wraps.iter().any(|(id, _)| id.is_some_and(|id| grants.contains(&id))));
        if theirs { Ok((row, wraps)) } else { Err(Error::not_found("this clip")) }
    }
}

/// Who was given a copy, as far as `viewer` may know it.
fn recipient_of(viewer: &SignedIn, sealed: Option<&[u8]>) -> Option<String> {
    let bytes = open_with(viewer.owner()?.identity(), sealed?).ok()?;
    let fields = parse_personal(&bytes).ok()?;
    fields.into_iter().find(|(name, ..)| name == "recipient").map(|(_, value, _)| value)
}

pub(super) type Wraps = Vec<(Option<GrantId>, Vec<u8>)>;

/// The grants through which `person` sees clips now; `None` for the owner, who sees all.
pub(crate) fn visible_grants(inner: &Inner, person: &SignedIn) -> Option<Vec<GrantId>> {
    if person.owner().is_some() {
        return None;
    }
    let now = inner.now();
    let shows = |grant: &&GrantRow| {
        grant.person == person.id && grant.rights.has(Right::Playback) && in_force(grant, now)
    };
    Some(lock(&inner.grants).iter().filter(shows).map(|grant| grant.id).collect())
}

/// Compares the file with the hash in the signed entry that recorded it, not with the database's own column.
fn integrity_of(path: &std::path::Path, leaf: Option<&[u8]>) -> Integrity {
    if !path.exists() {
        return Integrity::Missing;
    }
    let recorded = leaf
        .and_then(|leaf| Entry::parse(leaf).ok())
        .and_then(|entry| entry.facts.get("sha256").and_then(|value| value.as_str()).map(str::to_owned));
    match (hash_file(path), recorded) {
        (Ok((_, found)), Some(recorded)) if hex::encode(found) == recorded => Integrity::Untouched,
        _ => Integrity::Changed,
    }
}

pub(super) fn opened_filter(clip: ClipId) -> EntryFilter {
    EntryFilter { kinds: vec![Kind::Opened.as_str().to_owned()], clip: Some(clip), ..EntryFilter::default() }
}

pub(crate) fn end_of(clip: &ClipRow) -> UnixMicros {
    UnixMicros(clip.start_us.0 + clip.duration_us)
}

fn overlaps(event: &EventRow, from: UnixMicros, to: UnixMicros, now: UnixMicros) -> bool {
    event.start_us < to && event.end_us.unwrap_or(now) >= from
}

/// Joins clips that follow each other, oldest first.
fn stretches(clips: &[&ClipSpan]) -> Vec<RecordedSpan> {
    let mut spans: Vec<RecordedSpan> = Vec::new();
    for clip in clips {
        let (from_us, to_us) = (clip.start_us, clip.end_us);
        match spans.last_mut() {
            Some(last) if from_us.0 - last.to_us.0 <= GAP_US => last.to_us = last.to_us.max(to_us),
            Some(_) | None => spans.push(RecordedSpan { from_us, to_us }),
        }
    }
    spans
}

fn clip_view(inner: &Inner, clip: &ClipRow, events: &[EventRow], opened: u64, now: UnixMicros) -> ClipView {
    let mut kinds: Vec<EventKind> = events
        .iter()
        .filter(|event| event.camera == clip.camera && overlaps(event, clip.start_us, end_of(clip), now))
        .map(|event| event.kind)
        .collect();
    kinds.sort();
    kinds.dedup();
    let source = lock(&inner.camera_rows).get(&clip.camera).cloned();
    ClipView {
        id: clip.id,
        camera: clip.camera,
        camera_name: source.as_ref().map(|row| row.name.clone()).unwrap_or_default(),
        start_us: clip.start_us,
        duration_us: clip.duration_us,
        size_bytes: clip.size_bytes,
        events: kinds,
        cut_short: clip.cut_short,
        from_card: clip.from_card,
        imported: source.as_ref().is_some_and(|row| row.imported),
        has_thumbnail: clip.thumbnail.is_some(),
        opened,
    }
}
