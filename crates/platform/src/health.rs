//! Whether the server may be sent requests, and whether it must stop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What is wrong with the server now; clones share it.
#[derive(Clone)]
pub struct Health {
    failed: watch::Sender<Option<String>>,
    problems: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Default for Health {
    fn default() -> Health {
        Health { failed: watch::Sender::new(None), problems: Arc::default() }
    }
}

impl Health {
    /// The store failed: nothing can be promised any more, the process must end.
    pub fn fail(&self, why: String) {
        tracing::error!(reason = why, "the event store failed: stopping");
        // The first failure is the cause; what comes after follows from it.
        self.failed.send_if_modified(|failed| match failed {
            Some(_) => false,
            None => {
                *failed = Some(why);
                true
            }
        });
    }

    /// Why the store failed; waits until it does.
    pub async fn failed(&self) -> String {
        let mut failed = self.failed.subscribe();
        let failed = failed.wait_for(Option::is_some).await;
        failed.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// A part cannot do its work until somebody looks at it: the server is not ready.
    pub fn problem(&self, part: &'static str, why: String) {
        self.lock().insert(part, why);
    }

    /// The part does its work again, or for the first time.
    pub fn solved(&self, part: &'static str) {
        self.lock().remove(part);
    }

    /// What keeps the server from being ready, by part.
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
