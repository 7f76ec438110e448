//! Follows the log from the checkpoint to its end and then continuously, and reports the progress.

use crate::checkpoints::{drop_old_versions, keep_damaged_keys};
use crate::database::{apply, empty_write_ahead_log};
use crate::{ProjectionError, Projections};
use events::log::{Log, Viewed};
use events::person::PersonEvent;
use events::store::{Followed, ReadError};
use events::{Event, Position, envelope::Recorded};

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
        let mut follow = log.follow(self.health().position);
        loop {
            match follow.next().await.map_err(|error| corrupt(&error))? {
                Some(Followed::Events(recorded)) => self.fold(log, recorded).await?,
                Some(Followed::CaughtUp(_)) => self.caught_up().await?,
                None => return Ok(()),
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

    async fn fold(&self, log: &Log, recorded: Vec<Recorded>) -> Result<(), ProjectionError> {
        let Viewed { entries, damaged, error } = log.view(recorded).await;
        if !damaged.is_empty() {
            // Stored before the rows, so that these rows are folded again when the keys are intact.
            self.write(move |rows| keep_damaged_keys(rows, &damaged)).await?;
        }
        let erased = entries.iter().any(|entry| matches!(entry.event, Event::Person(PersonEvent::PersonErased {})));
        let stopped = self.health().stopped_alone.into_keys().collect();
        let applied = self.write(move |rows| apply(rows, &entries, stopped)).await?;
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
        error.map_or(Ok(()), |error| Err(corrupt(&error)))
    }

    /// Waits until every projection has folded the event at `position`.
    ///
    /// # Errors
    /// Returns an error if the projections stopped before it.
    pub async fn wait_for(&self, position: Position) -> Result<(), ProjectionError> {
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
