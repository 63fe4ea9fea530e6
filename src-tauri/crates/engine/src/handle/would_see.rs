//! What somebody would see: asked of the grants and of the wraps that exist, not of what was set.

use std::collections::{BTreeMap, HashMap};

use hausrecht_model::{ClipId, GrantId, PersonId, Rights, UnixMicros};
use hausrecht_store::{GrantRow, ScopeRow};

use super::Handle;
use crate::{
    Result,
    grants::in_hours,
    inner::lock,
    wire::{Error, WouldSee, WouldSeeCamera},
};

impl Handle {
    /// What a person would see if they signed in now.
    ///
    /// # Errors
    /// Only the owner; no such person.
    pub async fn would_see(&self, id: PersonId) -> Result<WouldSee> {
        let inner = &self.inner;
        inner.signed_in()?.owner_keys()?;
        let now = inner.now();
        let row = lock(&inner.people).iter().find(|row| row.id == id && row.removed_us.is_none()).cloned();
        let row = row.ok_or_else(|| Error::not_found("this person"))?;
        let rows = lock(&inner.camera_rows).clone();
        let mut cameras: Vec<_> = rows.values().collect();
        cameras.sort_by_key(|row| (row.added_us, row.id));
        let theirs: Vec<_> = lock(&inner.grants)
            .iter()
            .filter(|grant| row.owner || (grant.person == id && grant.holds(now)))
            .cloned()
            .collect();
        if row.owner {
            return Err(Error::invalid("the owner sees everything"));
        }
        let found = theirs.clone();
        let wrapped: HashMap<GrantId, Vec<(ClipId, UnixMicros)>> = inner
            .db
            .read(move |tables| {
                found.iter().map(|grant| Ok((grant.id, tables.wrapped_clips(grant.id)?))).collect()
            })
            .await?;
        let mut seen = Vec::new();
        for camera in cameras {
            let here: Vec<_> = theirs.iter().filter(|grant| grant.camera == camera.id).collect();
            if here.is_empty() {
                continue;
            }
            let whole = |grant: &&&GrantRow| grant.scope == ScopeRow::Camera;
            let of = |grants: &mut dyn Iterator<Item = &&GrantRow>| {
                grants.fold(Rights::NONE, |rights, grant| rights.with(grant.rights))
            };
            let rights = of(&mut here.iter().filter(whole).filter(|grant| in_hours(grant, now)));
            let others = of(&mut here.iter().filter(whole).filter(|grant| !in_hours(grant, now)));
            // A clip that opens through one grant without asking needs nobody to agree, whatever another grant says.
            let mut clips: BTreeMap<ClipId, (UnixMicros, bool)> = BTreeMap::new();
            for grant in here.iter().filter(|grant| in_hours(grant, now) && !grant.is_used_up()) {
                for (clip, start_us) in wrapped.get(&grant.id).into_iter().flatten() {
                    let known = clips.entry(*clip).or_insert((*start_us, true));
                    known.1 &= grant.second.is_some();
                }
            }
            let pending: Vec<_> =
                here.iter().filter(|grant| grant.pending).map(|grant| (*grant).clone()).collect();
            let to_come = self.amount(&pending).await?.saturating_sub(
                pending
                    .iter()
                    .map(|grant| wrapped.get(&grant.id).map_or(0, |clips| clips.len() as u64))
                    .sum(),
            );
            seen.push(WouldSeeCamera {
                camera: camera.id,
                camera_name: camera.name.clone(),
                rights: rights.iter().collect(),
                other_hours: others.iter().filter(|right| !rights.has(*right)).collect(),
                clips: clips.len() as u64,
                with_second: clips.values().filter(|(_, second)| *second).count() as u64,
                to_come,
                oldest_us: clips.values().map(|(start_us, _)| *start_us).min(),
                newest_us: clips.values().map(|(start_us, _)| *start_us).max(),
            });
        }
        Ok(WouldSee { ended: !row.may_sign_in(now), cameras: seen })
    }
}
