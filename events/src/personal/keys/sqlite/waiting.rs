//! Requests for keys that wait for the connection of the key store. Whoever gets it makes the keys of all of them.

use crate::personal::KeyName;
use crate::personal::keys::KeyError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct Waiting(Mutex<Vec<Arc<Request>>>);

/// A request for keys.
pub(super) struct Request {
    pub(super) names: Vec<KeyName>,
    /// `None`: nobody has made the keys yet.
    outcome: Mutex<Option<Result<(), KeyError>>>,
}

impl Waiting {
    pub(super) fn add(&self, names: &[KeyName]) -> Arc<Request> {
        let request = Arc::new(Request { names: names.to_vec(), outcome: Mutex::default() });
        lock(&self.0).push(Arc::clone(&request));
        request
    }

    /// Returns the requests that wait. The caller has to set their outcomes; one that has none is made by its own
    /// thread.
    pub(super) fn take(&self) -> Vec<Arc<Request>> {
        std::mem::take(&mut *lock(&self.0))
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.0).len()
    }
}

impl Request {
    pub(super) fn set(&self, outcome: Result<(), KeyError>) {
        *lock(&self.outcome) = Some(outcome);
    }

    /// Returns the outcome if another thread has made the keys.
    pub(super) fn outcome(&self) -> Option<Result<(), KeyError>> {
        lock(&self.outcome).take()
    }
}

// A thread that panicked left a list or an outcome that is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
