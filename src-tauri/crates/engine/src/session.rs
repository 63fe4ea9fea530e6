//! Who is signed in, and how long a wrong passphrase makes the next try wait.

use std::{collections::HashSet, sync::Arc, time::Duration};

use hausrecht_model::{CameraId, PersonId};
use hausrecht_vault::{Identity, OwnerKeys, PersonKeys};

use crate::{Result, wire::Error};

/// The keys of whoever is signed in.
#[derive(Clone)]
pub(crate) enum Keys {
    Owner(Arc<OwnerKeys>),
    Person(Arc<PersonKeys>),
}

impl Keys {
    pub(crate) fn identity(&self) -> &Identity {
        match self {
            Self::Owner(keys) => keys.identity(),
            Self::Person(keys) => keys.identity(),
        }
    }
}

/// A signed-in person.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) id: PersonId,
    pub(crate) name: String,
    /// Tells this sign-in from every other one of the same run.
    pub(crate) number: u64,
    pub(crate) color: u8,
    pub(crate) keys: Keys,
}

impl SignedIn {
    pub(crate) fn owner(&self) -> Option<&Arc<OwnerKeys>> {
        match &self.keys {
            Keys::Owner(keys) => Some(keys),
            Keys::Person(_) => None,
        }
    }

    pub(crate) fn owner_keys(&self) -> Result<Arc<OwnerKeys>> {
        self.owner().cloned().ok_or_else(Error::owner_only)
    }
}

/// The session as the engine holds it.
#[derive(Default)]
pub(crate) struct SessionState {
    pub(crate) signed_in: Option<SignedIn>,
    /// Sign-ins so far.
    pub(crate) count: u64,
    /// Monotonic time of the last sign of life.
    pub(crate) touched: Duration,
    /// Cameras and days whose small pictures were noted in the log in this session.
    pub(crate) previewed: HashSet<(CameraId, i64)>,
    pub(crate) wrong_tries: u32,
    /// Monotonic time before which no passphrase is tried.
    pub(crate) next_try: Duration,
}

impl SessionState {
    /// Notes a wrong passphrase: 1 s to wait after the second, doubling to 30 s. Never a lock-out.
    pub(crate) fn wrong_try(&mut self, now: Duration) {
        self.wrong_tries = self.wrong_tries.saturating_add(1);
        let wait_s = match self.wrong_tries {
            0 | 1 => 0,
            tries => 1_u64 << (tries - 2).min(5),
        };
        self.next_try = now + Duration::from_secs(wait_s.min(30));
    }

    pub(crate) fn close(&mut self) -> Option<SignedIn> {
        self.previewed.clear();
        self.signed_in.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tries_wait_longer_but_never_lock_out() {
        let mut state = SessionState::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            state.wrong_try(Duration::ZERO);
            waits.push(state.next_try.as_secs());
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 30, 30, 30]);
    }
}
