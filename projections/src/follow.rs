//! Follows the log and gives its events to every projection that has a file, and reports the progress.

use crate::database::{Inner, blocking};
use crate::opened::{Part, Readable, erases, open};
use crate::progress::{Health, Standing};
use crate::unit::Folded;
use crate::{ProjectionError, Projections, common, corrupt};
use events::background::Lane;
use events::log::{Delivery, Follower, Log, Next};
use events::{Entry, Position};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Minimum time between two transactions, unless somebody waits for the projections. The more events a transaction has,
/// the less work each of them is.
const PACE: Duration = Duration::from_millis(50);

/// Number of events from which on a transaction is worth its cost without others.
const FEW: usize = 100;

/// Number of events at which no more are added to a transaction. Larger transactions gain little.
const ENOUGH: usize = 1_000;

impl Projections {
    /// Follows the log until it ends. Projections without rows are built beside meanwhile.
    ///
    /// # Errors
    /// Returns an error at a corrupt event, or if the log or a file cannot be used. [`Projections::health`] contains
    /// the same error.
    pub async fn run(&self, log: Log) -> Result<(), ProjectionError> {
        self.inner.progress.change(|health| health.stopped = None);
        let result = tokio::select! {
            result = self.follow(&log) => result,
            () = self.build_missing(&log) => Ok(()),
        };
        if let Err(error) = &result {
            self.inner.progress.change(|health| health.stopped = Some(error.clone()));
        }
        result
    }

    // Builds the projections that have no rows. Never ends.
    async fn build_missing(&self, log: &Log) {
        let units = self.inner.units.iter().filter(|unit| unit.live().is_none());
        let missing: Vec<_> = units.map(|unit| unit.name()).collect();
        if !missing.is_empty() {
            let failed = match self.build(log, &missing, false).await {
                Ok(built) => built.failed,
                Err(error) => missing.iter().map(|name| (*name, error.clone())).collect(),
            };
            for (name, error) in &failed {
                tracing::error!(projection = name, %error, "a projection cannot be built; the others continue");
            }
            self.inner.progress.change(|health| health.stopped_alone.extend(failed));
        }
        std::future::pending().await
    }

    async fn follow(&self, log: &Log) -> Result<(), ProjectionError> {
        let backlog = log.store().head().await.map_err(|error| corrupt(&error))?;
        // Those without rows are built up to the end of the log.
        let begin = if self.inner.has_rows() { self.inner.progress.position() } else { backlog };
        *self.inner.delivered.lock().await = begin;
        if begin >= backlog {
            self.inner.progress.change(|health| health.caught_up = true);
        }
        let mut follower = log.follow(begin);
        let mut folded: Option<Instant> = None;
        loop {
            follower.await_by(self.inner.progress.is_awaited());
            let next = tokio::select! {
                next = follower.next() => next.map_err(|error| corrupt(&error))?,
                () = self.inner.progress.begins_to_be_awaited() => continue,
            };
            match next {
                Next::Events(first) => {
                    if first.recorded().len() < FEW {
                        self.keep_pace(folded).await;
                    }
                    self.fold(log, gather(first, &mut follower), backlog).await?;
                    folded = Some(Instant::now());
                }
                Next::Unreadable(error, _) => return Err(corrupt(&error)),
                Next::CaughtUp => {}
                Next::Closed => return self.store_checkpoints().await,
            }
        }
    }

    // The next start then reads no event again.
    async fn store_checkpoints(&self) -> Result<(), ProjectionError> {
        let inner = Arc::clone(&self.inner);
        blocking(Lane::Usual, move || inner.store_checkpoints()).await
    }

    // `backlog`: the position of the log's last event when the following began. The follower's own `CaughtUp` does not
    // come as long as there is always a next event.
    async fn fold(
        &self,
        log: &Log,
        deliveries: Vec<Delivery>,
        backlog: Option<Position>,
    ) -> Result<(), ProjectionError> {
        let Readable { parts, damaged, error } = self.opened(log, &deliveries).await?;
        if !damaged.is_empty() {
            // Stored before the rows, so that these rows are folded again when the keys are intact.
            self.write_common(move |common| common::keep_damaged_keys(common, &damaged)).await?;
        }
        let mut delivered = self.inner.delivered.lock().await;
        let inner = Arc::clone(&self.inner);
        let fold = move || {
            let entries: Vec<&Entry> = parts.iter().flat_map(Part::entries).collect();
            let last = entries.last().map(|entry| entry.position);
            Ok((fold_into_all(&inner, &entries)?, last))
        };
        let (folded, last) = blocking(self.lane(&deliveries), fold).await?;
        *delivered = last.max(*delivered);
        // In one change: a request that waited for this position must not read that the backlog is not folded.
        self.inner.progress.change(|health| {
            note(health, folded);
            health.caught_up |= last >= backlog;
        });
        error.map_or(Ok(()), Err)
    }

    /// Folds entries into each projection that has a file, in addition to those that the follower delivers.
    pub(crate) async fn fold_entries(&self, entries: Vec<Entry>) -> Result<(), ProjectionError> {
        let inner = Arc::clone(&self.inner);
        let fold = move || fold_into_all(&inner, &entries.iter().collect::<Vec<_>>());
        let folded = blocking(Lane::Usual, fold).await?;
        self.inner.progress.change(|health| note(health, folded));
        Ok(())
    }

    // Waits for more events to share the next transaction.
    async fn keep_pace(&self, folded: Option<Instant>) {
        let progress = &self.inner.progress;
        if let Some(folded) = folded.filter(|_| !progress.is_awaited()) {
            tokio::select! {
                () = tokio::time::sleep_until(folded + PACE) => {}
                () = progress.begins_to_be_awaited() => {}
            }
        }
    }

    // Opens the events again if somebody begins to wait while threads of low priority open them.
    async fn opened(&self, log: &Log, deliveries: &[Delivery]) -> Result<Readable, ProjectionError> {
        if self.lane(deliveries) == Lane::Background {
            tokio::select! {
                readable = open(log, deliveries, false) => return readable,
                () = self.inner.progress.begins_to_be_awaited() => {}
            }
        }
        open(log, deliveries, self.inner.progress.is_awaited()).await
    }

    // A request must not wait for threads of low priority.
    fn lane(&self, deliveries: &[Delivery]) -> Lane {
        let is_backlog = deliveries.iter().any(|delivery| delivery.lane() == Lane::Background);
        if is_backlog && !self.inner.progress.is_awaited() { Lane::Background } else { Lane::Usual }
    }

    /// Waits until every projection has folded the event at `position`. Meanwhile the projections do not work in the
    /// background.
    ///
    /// # Errors
    /// Returns an error if the projections stopped before it.
    pub async fn wait_for(&self, position: Position) -> Result<(), ProjectionError> {
        let is_behind = self.inner.progress.position() < Some(position);
        let _waiting = is_behind.then(|| self.inner.progress.await_newest());
        self.wait_patiently_for(position).await
    }

    /// Same as [`Projections::wait_for`], but the projections keep their pace and their priority: for work that nobody
    /// waits for.
    ///
    /// # Errors
    /// Same as [`Projections::wait_for`].
    pub async fn wait_patiently_for(&self, position: Position) -> Result<(), ProjectionError> {
        let mut health = self.inner.progress.watch();
        let reached = health
            .wait_for(|health| health.position >= Some(position) || health.stopped.is_some())
            .await
            .map_err(|_| ProjectionError::NotFollowing(position))?
            .clone();
        match reached.stopped {
            Some(error) if reached.position < Some(position) => Err(error),
            _ => Ok(()),
        }
    }
}

fn note(health: &mut Health, folded: Vec<(&'static str, Folded)>) {
    for (name, Folded { position, stopped }) in folded {
        if let Some(error) = stopped {
            tracing::error!(projection = name, %error, "a projection stopped; the others continue");
            health.stopped_alone.insert(name, error);
        }
        if let Some(one) = health.each.get_mut(name) {
            *one = Standing { position, progressed: Instant::now(), ..*one };
        }
    }
}

// Folds events into each projection that has a file and did not stop before.
fn fold_into_all(inner: &Inner, entries: &[&Entry]) -> Result<Vec<(&'static str, Folded)>, ProjectionError> {
    let running = inner.units.iter().filter(|unit| inner.progress.stopped_alone(unit.name()).is_none());
    let mut folded = Vec::with_capacity(inner.units.len());
    for unit in running {
        if unit.file().is_some() {
            folded.push((unit.name(), unit.fold(entries)?));
        }
    }
    if erases(entries) {
        inner.empty_write_ahead_logs()?;
    }
    Ok(folded)
}

// Adds the events that have accumulated: they share a transaction.
fn gather(first: Delivery, follower: &mut Follower) -> Vec<Delivery> {
    let mut events = first.recorded().len();
    let mut deliveries = vec![first];
    while events < ENOUGH
        && let Some(more) = follower.ready()
    {
        events += more.recorded().len();
        deliveries.push(more);
    }
    deliveries
}
