//! Progress of the projections, and whether one stopped.

use crate::ProjectionError;
use events::Position;
use std::collections::BTreeMap;
use tokio::sync::{Notify, watch};

/// Progress and state of the projections.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Every projection that did not stop on its own has folded the events up to this position.
    pub position: Option<Position>,
    /// Whether the end of the log was reached at least once since the start.
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
}

impl Progress {
    pub(crate) fn at(position: Option<Position>) -> Progress {
        Progress { sender: watch::Sender::new(Health { position, ..Health::default() }), awaited: Notify::new() }
    }

    pub(crate) fn health(&self) -> Health {
        self.sender.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Health> {
        self.sender.subscribe()
    }

    /// Notes that somebody waits for the newest events.
    pub(crate) fn await_newest(&self) {
        self.awaited.notify_one();
    }

    /// Waits until somebody waits for the newest events.
    pub(crate) async fn is_awaited(&self) {
        self.awaited.notified().await;
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Health)) {
        self.sender.send_modify(change);
    }
}
