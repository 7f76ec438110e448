//! Progress of the projections, and whether one stopped.

use crate::ProjectionError;
use events::Position;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, watch};

/// Progress and state of the projections.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Every projection that did not stop on its own has folded the events up to this position.
    pub position: Option<Position>,
    /// Whether the events that the log had at the start are folded.
    pub caught_up: bool,
    /// Why all projections stopped: the event, and what is wrong with it.
    pub stopped: Option<ProjectionError>,
    /// Projections whose own fold failed. Each remains at its own checkpoint while the others continue. Retried at the
    /// next start.
    pub stopped_alone: BTreeMap<&'static str, ProjectionError>,
}

/// The current health, for waiting requests.
pub(crate) struct Progress {
    sender: watch::Sender<Health>,
    awaited: Notify,
    /// Number of requests that wait.
    waiting: AtomicUsize,
}

/// A request that waits for the newest events, until it is dropped.
pub(crate) struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Progress {
    pub(crate) fn at(position: Option<Position>) -> Progress {
        let sender = watch::Sender::new(Health { position, ..Health::default() });
        Progress { sender, awaited: Notify::new(), waiting: AtomicUsize::new(0) }
    }

    pub(crate) fn health(&self) -> Health {
        self.sender.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Health> {
        self.sender.subscribe()
    }

    /// Notes that somebody waits for the newest events, as long as the result exists.
    pub(crate) fn await_newest(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.awaited.notify_one();
        Waiting(&self.waiting)
    }

    /// Waits until somebody begins to wait for the newest events.
    pub(crate) async fn begins_to_be_awaited(&self) {
        self.awaited.notified().await;
    }

    /// Returns whether somebody waits for the newest events.
    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Health)) {
        self.sender.send_modify(change);
    }
}
