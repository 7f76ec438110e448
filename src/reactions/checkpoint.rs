//! The checkpoint of a follower of the log, in `projections/common.db`. It is stored at intervals and not for each
//! event: after a crash, the effects since then are tried again, and an effect that is done already is not recorded
//! twice.
//!
//! A task of its own stores it, one at a time and always the newest position. So a follower never waits for the
//! connection that the projections write with.

use events::Position;
use events::log::Log;
use projections::{ProjectionError, Projections};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Time after which a position has to be stored.
const STORE_AFTER: Duration = Duration::from_millis(100);

pub(crate) struct Checkpoint {
    name: &'static str,
    log: Log,
    projections: Projections,
    stored: Option<Position>,
    /// The position that is being stored.
    storing: Option<(Position, JoinHandle<Result<(), ProjectionError>>)>,
    /// A later position, and when to store it.
    reached: Option<(Position, Instant)>,
}

impl Checkpoint {
    /// Loads the checkpoint of the follower `name`.
    ///
    /// # Errors
    /// Returns an error if `projections/common.db` cannot be read.
    pub(crate) async fn load(
        name: &'static str,
        log: Log,
        projections: Projections,
    ) -> Result<Checkpoint, ProjectionError> {
        let stored = projections.checkpoint(name).await?;
        Ok(Checkpoint { name, log, projections, stored, storing: None, reached: None })
    }

    /// The position after which the follower begins.
    pub(crate) fn begin(&self) -> Option<Position> {
        self.stored
    }

    /// Notes that everything up to `position` is done, or set aside and stored.
    pub(crate) fn reach(&mut self, position: Position) {
        let known = self.storing.as_ref().map(|(storing, _)| *storing).or(self.stored);
        if known < Some(position) {
            let due = self.reached.map_or_else(|| Instant::now() + STORE_AFTER, |(_, due)| due);
            self.reached = Some((position, due));
        }
    }

    /// Stores the positions that are reached, each when it is due. Never ends without an error. A caller may drop the
    /// future at any time.
    ///
    /// # Errors
    /// Returns an error if a position cannot be stored.
    pub(crate) async fn keep(&mut self) -> ProjectionError {
        loop {
            if let Err(error) = self.stored().await {
                return error;
            }
            match self.reached {
                Some((position, due)) => {
                    tokio::time::sleep_until(due).await;
                    self.store(position);
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Stores the position that was reached, for the end of the follower.
    ///
    /// # Errors
    /// Returns an error if the position cannot be stored.
    pub(crate) async fn end(mut self) -> Result<(), ProjectionError> {
        self.stored().await?;
        if let Some((position, _)) = self.reached {
            self.store(position);
        }
        self.stored().await
    }

    // Waits until the position that is being stored is stored.
    async fn stored(&mut self) -> Result<(), ProjectionError> {
        let Some((position, task)) = &mut self.storing else { return Ok(()) };
        let (position, stored) = (*position, task.await);
        self.storing = None;
        // A task that panicked or was cancelled with the runtime has stored nothing.
        stored.unwrap_or_else(|error| Err(ProjectionError::Database(error.to_string())))?;
        self.stored = Some(position);
        Ok(())
    }

    fn store(&mut self, position: Position) {
        let (name, log, projections) = (self.name, self.log.clone(), self.projections.clone());
        let task = async move {
            match leaf(&log, position).await {
                Some(leaf) => projections.set_checkpoint_at(name, position, leaf).await,
                None => projections.set_checkpoint(name, position).await,
            }
        };
        (self.storing, self.reached) = (Some((position, tokio::spawn(task))), None);
    }
}

// `None`: the event cannot be read.
async fn leaf(log: &Log, position: Position) -> Option<[u8; 32]> {
    let events = log.store().read_all(position.0.checked_sub(1).map(Position), 1).await.ok()?;
    events.first().filter(|event| event.position == position).map(|event| event.leaf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::personal::keys::{MasterKey, SqliteKeyStore};
    use events::store::sqlite::SqliteStore;
    use futures_util::FutureExt as _;
    use std::sync::Arc;

    async fn checkpoint(directory: &std::path::Path) -> (Checkpoint, Projections) {
        let store = SqliteStore::create(directory).unwrap();
        let keys =
            SqliteKeyStore::create(&directory.join("keys.db"), MasterKey::from_bytes([7; 32]), |bytes| bytes.fill(1));
        let log = Log::new(Arc::new(store), Arc::new(keys.unwrap()));
        let (projections, _) = Projections::open(directory, None).unwrap();
        projections.set_checkpoint("reactions", Position(4)).await.unwrap();
        (Checkpoint::load("reactions", log, projections.clone()).await.unwrap(), projections)
    }

    #[tokio::test]
    async fn the_last_position_is_stored_once_and_no_later_for_those_that_follow_it() {
        let directory = tempfile::tempdir().unwrap();
        let (mut checkpoint, projections) = checkpoint(directory.path()).await;
        assert_eq!(checkpoint.begin(), Some(Position(4)));
        checkpoint.reach(Position(4));
        assert!(checkpoint.reached.is_none(), "it is stored already");
        checkpoint.reach(Position(5));
        let due = checkpoint.reached.unwrap().1;
        checkpoint.reach(Position(7));
        assert_eq!(checkpoint.reached, Some((Position(7), due)));
        assert!(checkpoint.keep().now_or_never().is_none());
        assert!(checkpoint.storing.is_none(), "it is not due yet");
        tokio::select! {
            error = checkpoint.keep() => panic!("{error}"),
            () = tokio::time::sleep_until(due) => {}
        }
        checkpoint.end().await.unwrap();
        assert_eq!(projections.checkpoint("reactions").await.unwrap(), Some(Position(7)));
    }

    #[tokio::test]
    async fn a_position_that_is_reached_while_another_is_being_stored_is_stored_next() {
        let directory = tempfile::tempdir().unwrap();
        let (mut checkpoint, projections) = checkpoint(directory.path()).await;
        checkpoint.reach(Position(5));
        checkpoint.store(Position(5));
        checkpoint.reach(Position(5));
        assert!(checkpoint.reached.is_none(), "it is being stored");
        checkpoint.reach(Position(6));
        checkpoint.reach(Position(9));
        checkpoint.end().await.unwrap();
        assert_eq!(projections.checkpoint("reactions").await.unwrap(), Some(Position(9)));
    }
}
