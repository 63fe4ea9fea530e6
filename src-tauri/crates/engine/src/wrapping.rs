//! Makes the wraps of clips that exist for grants that were given: beside everything else, newest clips first, for as long as an
//! owner is signed in, whose key alone opens what is to be wrapped. What is left undone is marked in the store, and goes on
//! with the owner's next sign-in. Clips that are recorded from now on are wrapped by the recorder.

use std::{collections::HashMap, sync::Arc};

use hausrecht_model::{CameraId, ClipId, GrantId, PersonId, Right, UnixMicros};
use hausrecht_store::{ClipRow, GrantRow, PersonRow, ScopeRow, Tables, Unwrapped};
use hausrecht_vault::{ClipKey, OwnerKeys, Recipient};

use crate::{
    Result,
    handle::{blocking, end_of},
    inner::{Inner, lock},
    session::SignedIn,
    wire::{Event, Wrapping},
};

/// Wraps of one transaction: about 20 ms of the database's time, so that no recording waits longer.
const BATCH: usize = 2_000;
/// Clips of one look at the table at most.
const CLIPS: u32 = 256;
/// A clip is shorter than this. Microseconds.
const CLIP_MAX_US: i64 = 3_600_000_000;

/// One wrap that was made.
type Made = (ClipId, GrantId, Vec<u8>);

/// Who is to have a wrap.
struct Wanted {
    grant: GrantRow,
    person: Recipient,
    second: Option<Recipient>,
}

impl Wanted {
    fn wrap(&self, key: &ClipKey, broker: &Recipient) -> Vec<u8> {
        match &self.second {
            Some(second) => key.wrap_for_two(broker, second, &self.person),
            None => key.wrap_for_person(broker, &self.person),
        }
    }
}

impl Inner {
    /// Begins to make what is to be made, unless that goes on already.
    pub(crate) fn wrap_soon(self: &Arc<Self>) {
        if !self.is_wrap_wanted() || self.is_wrapping.send_replace(true) {
            return;
        }
        let inner = Arc::clone(self);
        let begun = self.begin(async move {
            loop {
                let outcome = make(&inner).await;
                inner.is_wrapping.send_replace(false);
                if let Err(error) = outcome {
                    tracing::warn!("wraps are still to be made: {}", error.message);
                    break;
                }
                // What came between the last look and the line above would otherwise wait for the next sign-in.
                if !inner.is_wrap_wanted() || inner.is_wrapping.send_replace(true) {
                    break;
                }
            }
        });
        if !begun {
            self.is_wrapping.send_replace(false);
        }
    }

    /// Waits until nothing is being made: all is done, or the owner has signed out.
    pub(crate) async fn wrapped(&self) {
        // The sender lives as long as this does.
        let _ = self.is_wrapping.subscribe().wait_for(|is_wrapping| !is_wrapping).await;
    }

    fn is_wrap_wanted(&self) -> bool {
        let now = self.now();
        self.is_owner_signed_in()
            && !*self.stopping.borrow()
            && lock(&self.grants).iter().any(|grant| grant.pending && grant.holds(now))
    }

    /// The wraps of a clip that is being recorded, for every grant that covers it. Grants and keys are read in the caller's
    /// transaction: a key that was replaced a moment ago gets no wrap any more.
    pub(crate) fn standing_wraps(
        &self,
        tables: &Tables<'_>,
        clip: &ClipRow,
        key: &ClipKey,
    ) -> Result<Vec<(GrantId, Vec<u8>)>> {
        let (broker, now) = (self.logbook.device.broker_recipient(), self.now());
        let wanted = wanted(tables.grants_of_camera(clip.camera)?, &tables.people()?);
        Ok(wanted
            .iter()
            .filter(|wanted| wanted.grant.holds(now))
            .filter(|wanted| wanted.grant.covers(clip.id, clip.start_us, end_of(clip), now))
            .map(|wanted| (wanted.grant.id, wanted.wrap(key, &broker)))
            .collect())
    }
}

/// Who is to have wraps under `grants`, and to which keys.
fn wanted(grants: Vec<GrantRow>, people: &[PersonRow]) -> Vec<Wanted> {
    let keys: HashMap<PersonId, Recipient> =
        people.iter().filter_map(|row| Some((row.id, row.recipient.parse().ok()?))).collect();
    grants
        .into_iter()
        .filter(|grant| grant.rights.has(Right::Playback))
        .filter_map(|grant| {
            let second = match grant.second {
                Some(id) => Some(keys.get(&id)?.clone()),
                None => None,
            };
            Some(Wanted { person: keys.get(&grant.person)?.clone(), second, grant })
        })
        .collect()
}

/// Whether these are still the keys: somebody may have been given another passphrase while wraps were made, and the key before
/// may open nothing any more.
fn are_still_the_keys(tables: &Tables<'_>, wanted: &[Wanted]) -> Result<bool> {
    let people = tables.people()?;
    let keys: HashMap<PersonId, &str> = people.iter().map(|row| (row.id, row.recipient.as_str())).collect();
    let is = |id: PersonId, key: &Recipient| keys.get(&id).is_some_and(|known| *known == key.to_string());
    Ok(wanted.iter().all(|wanted| {
        let second = wanted.grant.second.zip(wanted.second.as_ref());
        is(wanted.grant.person, &wanted.person) && second.is_none_or(|(id, key)| is(id, key))
    }))
}

async fn make(inner: &Arc<Inner>) -> Result<()> {
    let mut made = 0;
    loop {
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let now = inner.now();
        let pending: Vec<_> =
            lock(&inner.grants).iter().filter(|grant| grant.pending && grant.holds(now)).cloned().collect();
        let Some(first) = pending.first() else { break };
        let camera = first.camera;
        let here: Vec<_> = pending.iter().filter(|grant| grant.camera == camera).cloned().collect();
        let ids: Vec<_> = here.iter().map(|grant| grant.id).collect();
        let work = Work { inner, person: &person, owner: &owner, waiting: pending.len() };
        let people = inner.db.read(|tables| Ok(tables.people()?)).await?;
        let wanted = Arc::new(wanted(here.clone(), &people));
        // With other keys all of it begins anew: what was made was taken away with the keys before.
        let Some(all) = work.camera(camera, here, &wanted, made).await? else { continue };
        made = all;
        let done = ids.clone();
        let is_done = inner
            .db
            .write(move |tables| {
                let is_done = are_still_the_keys(tables, &wanted)?;
                if is_done {
                    done.iter().try_for_each(|id| tables.set_grant_pending(*id, false))?;
                }
                Ok(is_done)
            })
            .await?;
        if !is_done {
            continue;
        }
        for grant in lock(&inner.grants).iter_mut().filter(|grant| ids.contains(&grant.id)) {
            grant.pending = false;
        }
        inner.clips_changed();
    }
    inner.tell(Event::Wrapping(Wrapping { grants: 0, made }));
    inner.tell(Event::GrantsChanged);
    Ok(())
}

struct Work<'w> {
    inner: &'w Arc<Inner>,
    person: &'w SignedIn,
    owner: &'w Arc<OwnerKeys>,
    waiting: usize,
}

impl Work<'_> {
    /// Wraps all clips of a camera that `grants` cover; `None` if somebody has another key meanwhile.
    async fn camera(
        &self,
        camera: CameraId,
        grants: Vec<GrantRow>,
        wanted: &Arc<Vec<Wanted>>,
        mut made: u64,
    ) -> Result<Option<u64>> {
        let now = self.inner.now();
        let mut singles = Vec::new();
        let mut from_us = None;
        for grant in &grants {
            let covered_from = match (grant.scope, grant.back_us) {
                (ScopeRow::Clip(clip), _) => {
                    singles.push(clip);
                    continue;
                }
                (ScopeRow::Span { from_us, .. }, _) => from_us.0,
                (ScopeRow::Camera, Some(back_us)) => now.0.saturating_sub(back_us),
                (ScopeRow::Camera, None) => grant.given_us.0,
            };
            from_us = Some(from_us.map_or(covered_from, |from: i64| from.min(covered_from)));
        }
        singles.sort_unstable();
        singles.dedup();
        let found = self.inner.db.read(move |tables| {
            singles
                .into_iter()
                .filter_map(|clip| tables.clip_to_wrap(clip).transpose())
                .map(|clip| Ok(clip?))
                .collect::<Result<Vec<_>>>()
        });
        match self.clips(found.await?, wanted, now, made).await? {
            Some(all) => made = all,
            None => return Ok(None),
        }
        let Some(from_us) = from_us else { return Ok(Some(made)) };
        let per_look = u32::try_from(BATCH / wanted.len().max(1)).unwrap_or(CLIPS).clamp(1, CLIPS);
        let mut after = None;
        loop {
            let clips =
                self.inner.db.read(move |tables| Ok(tables.clips_to_wrap(camera, after, per_look)?)).await?;
            let Some(last) = clips.last() else { return Ok(Some(made)) };
            let start_us = last.start_us;
            after = Some((start_us, last.clip));
            match self.clips(clips, wanted, now, made).await? {
                Some(all) => made = all,
                None => return Ok(None),
            }
            if start_us.0 < from_us.saturating_sub(CLIP_MAX_US) {
                return Ok(Some(made));
            }
        }
    }

    async fn clips(
        &self,
        clips: Vec<Unwrapped>,
        wanted: &Arc<Vec<Wanted>>,
        now: UnixMicros,
        made: u64,
    ) -> Result<Option<u64>> {
        let (broker, owner) = (self.inner.logbook.device.broker_recipient(), Arc::clone(self.owner));
        let keys = Arc::clone(wanted);
        let wraps = blocking(move || Ok(wrap_all(&clips, &keys, now, &broker, &owner))).await?;
        // Whoever signed out has taken the key along.
        self.inner.still(self.person)?;
        if wraps.is_empty() {
            return Ok(Some(made));
        }
        let keys = Arc::clone(wanted);
        let added = self
            .inner
            .db
            .write(move |tables| {
                if !are_still_the_keys(tables, &keys)? {
                    return Ok(None);
                }
                let mut added = 0;
                for (clip, grant, wrap) in wraps {
                    added += u64::from(tables.add_grant_wrap(clip, grant, &wrap)?);
                }
                Ok(Some(added))
            })
            .await?;
        let Some(added) = added else { return Ok(None) };
        let grants = u32::try_from(self.waiting).unwrap_or(u32::MAX);
        self.inner.tell(Event::Wrapping(Wrapping { grants, made: made + added }));
        Ok(Some(made + added))
    }
}

/// All cores take part, at the lowest priority.
fn wrap_all(
    clips: &[Unwrapped],
    wanted: &[Wanted],
    now: UnixMicros,
    broker: &Recipient,
    owner: &OwnerKeys,
) -> Vec<Made> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = clips.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = clips
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    step_back();
                    part.iter()
                        .flat_map(|clip| wrap_one(clip, wanted, now, broker, owner))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}

fn wrap_one(
    clip: &Unwrapped,
    wanted: &[Wanted],
    now: UnixMicros,
    broker: &Recipient,
    owner: &OwnerKeys,
) -> Vec<Made> {
    let missing: Vec<_> = wanted
        .iter()
        .filter(|wanted| !clip.wrapped.contains(&wanted.grant.id))
        .filter(|wanted| wanted.grant.covers(clip.clip, clip.start_us, clip.end_us, now))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let key = match ClipKey::unwrap_as_owner(&clip.owner_wrap, owner.identity()) {
        Ok(key) => key,
        Err(error) => {
            // The others go on; verifying the log says what is wrong with this one.
            tracing::error!(clip = %clip.clip, "cannot be granted: {error}");
            return Vec::new();
        }
    };
    missing.into_iter().map(|wanted| (clip.clip, wanted.grant.id, wanted.wrap(&key, broker))).collect()
}

/// Lets recording and the wall go first.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(19) {
        tracing::debug!("not of lower priority: {error}");
    }
}
