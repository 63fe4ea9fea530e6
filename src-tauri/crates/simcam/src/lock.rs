//! Takes a lock whose holder may have panicked: what the locks here guard is whole after every statement, so the camera goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes `mutex`.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
