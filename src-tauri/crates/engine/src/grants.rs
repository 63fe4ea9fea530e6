//! What a grant means: who may do what now. The store keeps grants, the vault makes their wraps; here is decided.

use hausrecht_model::{CameraId, GrantId, Right, Rights, UnixMicros};
use hausrecht_store::{GrantRow, ScopeRow};
use jiff::tz::TimeZone;

use crate::{
    inner::{Inner, lock},
    session::SignedIn,
};

/// Whether a grant stands at `now` and these are its hours.
pub(crate) fn in_force(grant: &GrantRow, now: UnixMicros) -> bool {
    grant.holds(now) && in_hours(grant, now)
}

/// Whether the grant of this id, among `grants`, is in force at `now`.
pub(crate) fn is_in_force(grants: &[GrantRow], id: GrantId, now: UnixMicros) -> bool {
    grants.iter().any(|grant| grant.id == id && in_force(grant, now))
}

/// Whether these are a grant's hours, by this computer's wall clock.
pub(crate) fn in_hours(grant: &GrantRow, now: UnixMicros) -> bool {
    grant.hours.is_none_or(|hours| hours.contain(now, &TimeZone::system()))
}

impl Inner {
    /// What `person` may do with `camera` itself now: not with single clips of it.
    pub(crate) fn rights(&self, person: &SignedIn, camera: CameraId) -> Rights {
        if person.owner().is_some() {
            return Rights::all();
        }
        let now = self.now();
        lock(&self.grants)
            .iter()
            .filter(|grant| grant.person == person.id && grant.camera == camera)
            .filter(|grant| grant.scope == ScopeRow::Camera && in_force(grant, now))
            .fold(Rights::NONE, |rights, grant| rights.with(grant.rights))
    }

    /// Whether `person` may do this with `camera` now.
    pub(crate) fn may(&self, person: &SignedIn, camera: CameraId, right: Right) -> bool {
        self.rights(person, camera).has(right)
    }

    /// The grant by which `person` may do this with `camera` now; `None` for the owner, who needs none, and for whoever may not.
    pub(crate) fn grant_for(&self, person: &SignedIn, camera: CameraId, right: Right) -> Option<GrantRow> {
        if person.owner().is_some() {
            return None;
        }
        let now = self.now();
        let fits = |grant: &&GrantRow| {
            grant.person == person.id
                && grant.camera == camera
                && grant.scope == ScopeRow::Camera
                && grant.rights.has(right)
                && in_force(grant, now)
        };
        lock(&self.grants).iter().find(fits).cloned()
    }
}
