//! Follows the log from the checkpoint to its end and then continuously, and reports the progress.

use crate::checkpoints::{drop_old_versions, keep_damaged_keys};
use crate::database::{apply, empty_write_ahead_log};
use crate::{ProjectionError, Projections};
use events::background::Lane;
use events::log::{Delivery, Follower, Log, Next, Opened};
use events::person::PersonEvent;
use events::store::ReadError;
use events::{Entry, Event, KeyName, Position};
use rusqlite::Connection;
use std::collections::BTreeSet;

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
        let mut follower = log.follow(self.health().position);
        loop {
            let next = tokio::select! {
                next = follower.next() => next.map_err(|error| corrupt(&error))?,
                () = self.inner.progress.is_awaited() => {
                    follower.hurry();
                    continue;
                }
            };
            match next {
                Next::Events(first) => self.fold(log, gather(first, &mut follower)).await?,
                Next::Unreadable(error, _) => return Err(corrupt(&error)),
                Next::CaughtUp => self.caught_up().await?,
                Next::Closed => return Ok(()),
            }
        }
    }

    async fn caught_up(&self) -> Result<(), ProjectionError> {
        if !self.health().caught_up {
            self.write(drop_old_versions).await?;
            self.inner.progress.change(|health| health.caught_up = true);
        }
        Ok(())
    }

    async fn fold(&self, log: &Log, deliveries: Vec<Delivery>) -> Result<(), ProjectionError> {
        let Readable { parts, lane, damaged, error } = open(log, deliveries).await?;
        if !damaged.is_empty() {
            // Stored before the rows, so that these rows are folded again when the keys are intact.
            self.write(move |rows| keep_damaged_keys(rows, &damaged)).await?;
        }
        let stopped = self.health().stopped_alone.into_keys().collect();
        let fold = move |rows: &mut Connection| {
            let entries: Vec<&Entry> = parts.iter().flat_map(Part::entries).collect();
            let erased = entries.iter().any(|entry| matches!(entry.event, Event::Person(PersonEvent::PersonErased {})));
            Ok((apply(rows, &entries, stopped)?, erased))
        };
        let (applied, erased) = self.write_on(lane, fold).await?;
        if erased {
            self.write(|rows| Ok(empty_write_ahead_log(rows)?)).await?;
        }
        for (projection, error) in &applied.stopped {
            tracing::error!(projection, %error, "a projection stopped; the others continue");
        }
        self.inner.progress.change(|health| {
            health.position = health.position.max(applied.position);
            health.stopped_alone.extend(applied.stopped);
        });
        error.map_or(Ok(()), Err)
    }

    /// Waits until every projection has folded the event at `position`.
    ///
    /// # Errors
    /// Returns an error if the projections stopped before it.
    pub async fn wait_for(&self, position: Position) -> Result<(), ProjectionError> {
        let mut health = self.inner.progress.watch();
        if health.borrow().position < Some(position) {
            self.inner.progress.await_newest();
        }
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
    /// The threads that fold them.
    lane: Lane,
    /// Keys of fields that read as damaged.
    damaged: BTreeSet<KeyName>,
    /// What is wrong with the event that follows.
    error: Option<ProjectionError>,
}

async fn open(log: &Log, deliveries: Vec<Delivery>) -> Result<Readable, ProjectionError> {
    let mut readable = Readable { parts: Vec::new(), lane: Lane::Usual, damaged: BTreeSet::new(), error: None };
    for delivery in deliveries {
        let opened = delivery.open(log).await.map_err(|error| corrupt(&error))?;
        if delivery.lane() == Lane::Background {
            readable.lane = Lane::Background;
        }
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
