//! Follows the log from the checkpoint to its end and then continuously, and reports the progress.

use crate::checkpoints::{drop_old_versions, keep_damaged_keys};
use crate::database::{apply, empty_write_ahead_log};
use crate::{ProjectionError, Projections};
use events::background::Lane;
use events::log::{Delivery, Follower, Log, Next, Opened};
use events::person::PersonEvent;
use events::record::RecordEvent;
use events::store::ReadError;
use events::{Entry, Event, KeyName, Position};
use rusqlite::Connection;
use std::collections::BTreeSet;
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
    /// Follows the log until it ends.
    ///
    /// # Errors
    /// Returns an error at a corrupt event, or if the log or the file cannot be used. [`Projections::health`] contains
    /// the same error.
    pub async fn run(&self, log: Log) -> Result<(), ProjectionError> {
        self.inner.progress.change(|health| health.stopped = None);
        let result = self.follow(&log).await;
        if let Err(error) = &result {
            self.inner.progress.change(|health| health.stopped = Some(error.clone()));
        }
        result
    }

    async fn follow(&self, log: &Log) -> Result<(), ProjectionError> {
        let backlog = log.store().head().await.map_err(|error| corrupt(&error))?;
        if self.health().position >= backlog {
            self.drop_old_versions().await?;
            self.inner.progress.change(|health| health.caught_up = true);
        }
        let mut follower = log.follow(self.health().position);
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
                Next::Closed => return Ok(()),
            }
        }
    }

    async fn drop_old_versions(&self) -> Result<(), ProjectionError> {
        if self.health().caught_up { Ok(()) } else { self.write(drop_old_versions).await }
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
            self.write(move |rows| keep_damaged_keys(rows, &damaged)).await?;
        }
        let stopped = self.health().stopped_alone.into_keys().collect();
        let fold = move |rows: &mut Connection| {
            let entries: Vec<&Entry> = parts.iter().flat_map(Part::entries).collect();
            let erased = entries.iter().any(|entry| {
                matches!(entry.event, Event::Person(PersonEvent::PersonErased {}))
                    || matches!(entry.event, Event::Record(RecordEvent::PreviousRecordShredded {}))
            });
            Ok((apply(rows, &entries, stopped)?, erased))
        };
        let (applied, erased) = self.write_on(self.lane(&deliveries), fold).await?;
        if erased {
            self.write(|rows| Ok(empty_write_ahead_log(rows)?)).await?;
        }
        for (projection, error) in &applied.stopped {
            tracing::error!(projection, %error, "a projection stopped; the others continue");
        }
        let caught_up = applied.position >= backlog;
        if caught_up {
            self.drop_old_versions().await?;
        }
        // In one change: a request that waited for this position must not read that the backlog is not folded.
        self.inner.progress.change(|health| {
            health.position = health.position.max(applied.position);
            health.caught_up |= caught_up;
            health.stopped_alone.extend(applied.stopped);
        });
        error.map_or(Ok(()), Err)
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
        let is_behind = self.health().position < Some(position);
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

/// The first events of a delivery, as many as can be read.
struct Part {
    opened: Opened,
    readable: usize,
}

impl Part {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.opened.viewed().take(self.readable).flatten()
    }
}

/// Events before the first one that cannot be parsed.
struct Readable {
    parts: Vec<Part>,
    /// Keys of fields that read as damaged.
    damaged: BTreeSet<KeyName>,
    /// What is wrong with the event that follows.
    error: Option<ProjectionError>,
}

async fn open(log: &Log, deliveries: &[Delivery], is_awaited: bool) -> Result<Readable, ProjectionError> {
    let mut readable = Readable { parts: Vec::new(), damaged: BTreeSet::new(), error: None };
    for delivery in deliveries {
        let opened = if is_awaited { delivery.open_awaited(log).await } else { delivery.open(log).await };
        let opened = opened.map_err(|error| corrupt(&error))?;
        readable.damaged.extend(opened.damaged());
        let first_error = opened.viewed().enumerate().find_map(|(nth, event)| Some((nth, corrupt(event.err()?))));
        let (first, error) = first_error.map_or((delivery.recorded().len(), None), |(nth, error)| (nth, Some(error)));
        readable.parts.push(Part { opened, readable: first });
        if error.is_some() {
            return Ok(Readable { error, ..readable });
        }
    }
    Ok(readable)
}

// A corrupt event stops all projections.
pub(crate) fn corrupt(error: &ReadError) -> ProjectionError {
    match error {
        ReadError::Corrupt { stream, revision, position, why, .. } => ProjectionError::Stopped {
            projection: "all",
            event: format!("{revision} of {stream} at position {position}"),
            why: why.clone(),
        },
        ReadError::Unavailable(why) => ProjectionError::Log(why.clone()),
    }
}
