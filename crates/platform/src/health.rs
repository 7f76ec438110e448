//! Health of the server: whether it is ready for requests, and whether it must stop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Current problems of the server. Clones share them.
#[derive(Clone)]
pub struct Health {
    failed: watch::Sender<Option<String>>,
    problems: Arc<Mutex<BTreeMap<&'static str, String>>>,
    timer: watch::Sender<u64>,
}

impl Default for Health {
    fn default() -> Health {
        Health { failed: watch::Sender::new(None), problems: Arc::default(), timer: watch::Sender::new(0) }
    }
}

impl Health {
    /// Reports that the event store failed. The server can then guarantee nothing, so the process must end.
    pub fn fail(&self, why: String) {
        tracing::error!(reason = why, "the event store failed: stopping");
        // Only the first failure is kept: it is the cause of the later ones.
        self.failed.send_if_modified(|failed| match failed {
            Some(_) => false,
            None => {
                *failed = Some(why);
                true
            }
        });
    }

    /// Waits until the store fails and returns the reason.
    pub async fn failed(&self) -> String {
        let mut failed = self.failed.subscribe();
        let failed = failed.wait_for(Option::is_some).await;
        failed.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// Reports that `part` cannot work until an operator fixes it. The server is not ready for as long.
    pub fn problem(&self, part: &'static str, why: String) {
        self.lock().insert(part, why);
    }

    /// Reports that `part` works.
    pub fn solved(&self, part: &'static str) {
        self.lock().remove(part);
    }

    /// Reports that the timer has completed a pass over what is due.
    pub fn timer_passed(&self) {
        self.timer.send_modify(|passes| *passes += 1);
    }

    /// Returns the number of passes that the timer has completed since the start. Only a completed pass shows that
    /// nothing was due.
    pub fn timer_passes(&self) -> watch::Receiver<u64> {
        self.timer.subscribe()
    }

    /// Returns the reasons why the server is not ready, by part.
    pub fn problems(&self) -> BTreeMap<&'static str, String> {
        let mut problems = self.lock().clone();
        if let Some(why) = self.failed.borrow().as_ref() {
            problems.insert("store", why.clone());
        }
        problems
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_failure_of_the_store_is_the_one_that_is_told() {
        let health = Health::default();
        health.fail("no space left".into());
        health.fail("closed".into());
        assert_eq!(health.failed().await, "no space left");
        assert_eq!(health.problems()["store"], "no space left");
    }
}
