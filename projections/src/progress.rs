//! Progress of the projections, and whether one stopped.

use crate::ProjectionError;
use crate::unit::Unit;
use events::Position;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Progress and state of the projections.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Every projection that has rows and did not stop on its own has folded the events up to this position.
    pub position: Option<Position>,
    /// Whether the events that the log had at the start are folded, except by projections that are built beside.
    pub caught_up: bool,
    /// Why all projections stopped: the event, and what is wrong with it.
    pub stopped: Option<ProjectionError>,
    /// Projections whose own fold failed. Each remains at its own checkpoint while the others continue. Retried at the
    /// next start, and by a rebuild.
    pub stopped_alone: BTreeMap<&'static str, ProjectionError>,
    /// Each projection by its name.
    pub each: BTreeMap<&'static str, Standing>,
}

/// Where one projection stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Up to where its rows are folded.
    pub position: Option<Position>,
    /// When it last folded events, or had nothing to fold.
    pub progressed: Instant,
    /// Up to where a file that is built beside the current one has come. `None`: no file is built.
    pub building: Option<Building>,
    /// Whether it has rows that can be read.
    pub has_rows: bool,
}

/// The progress of a file that is built beside the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Building {
    /// Position of the last event that it has folded.
    pub reached: u64,
    /// Position of the last event of the log when the build began, at least 1.
    pub of: u64,
}

impl Health {
    // The position that all running projections have reached.
    fn find_position(&mut self) {
        let running = self.each.iter().filter(|(name, one)| one.has_rows && !self.stopped_alone.contains_key(*name));
        self.position = running.map(|(_, one)| one.position).min().flatten();
    }
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
    pub(crate) fn of(units: &[Unit]) -> Progress {
        let mut health = Health { each: standings(units), ..Health::default() };
        health.find_position();
        Progress { sender: watch::Sender::new(health), awaited: Notify::new(), waiting: AtomicUsize::new(0) }
    }

    /// Every projection begins at the first event.
    pub(crate) fn begin_again(&self, units: &[Unit]) {
        self.change(|health| health.each = standings(units));
    }

    pub(crate) fn health(&self) -> Health {
        self.sender.borrow().clone()
    }

    pub(crate) fn position(&self) -> Option<Position> {
        self.sender.borrow().position
    }

    pub(crate) fn stopped_alone(&self, projection: &str) -> Option<ProjectionError> {
        self.sender.borrow().stopped_alone.get(projection).cloned()
    }

    /// Returns the error of a query on a projection that has no rows yet.
    pub(crate) fn building(&self, projection: &'static str) -> ProjectionError {
        let building = self.sender.borrow().each.get(projection).and_then(|one| one.building);
        let percent = building.map_or(0, |building| building.reached.saturating_mul(100) / building.of);
        ProjectionError::Building { projection, percent: percent.min(99) }
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
        self.sender.send_modify(|health| {
            change(health);
            health.find_position();
        });
    }
}

fn standings(units: &[Unit]) -> BTreeMap<&'static str, Standing> {
    let standing = |unit: &Unit| {
        let live = unit.live();
        let position = live.as_ref().and_then(|live| live.checkpoint.position);
        (unit.name(), Standing { position, progressed: Instant::now(), building: None, has_rows: live.is_some() })
    };
    units.iter().map(standing).collect()
}
