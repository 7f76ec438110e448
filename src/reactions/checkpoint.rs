//! The checkpoint of a follower of the log, in `projections.db`. It is stored at intervals and not for each event:
//! after a crash, the effects since then are tried again, and an effect that is done already is not recorded twice.

use events::Position;
use projections::{ProjectionError, Projections};
use std::time::Duration;
use tokio::time::Instant;

/// Time after which a position has to be stored.
const STORE_AFTER: Duration = Duration::from_millis(100);

pub(crate) struct Checkpoint {
    name: &'static str,
    stored: Option<Position>,
    /// A later position, and when to store it.
    reached: Option<(Position, Instant)>,
}

impl Checkpoint {
    pub(crate) fn new(name: &'static str, stored: Option<Position>) -> Checkpoint {
        Checkpoint { name, stored, reached: None }
    }

    /// Notes that everything up to `position` is done, or set aside and stored.
    pub(crate) fn reach(&mut self, position: Position) {
        if self.stored < Some(position) {
            let due = self.reached.map_or_else(|| Instant::now() + STORE_AFTER, |(_, due)| due);
            self.reached = Some((position, due));
        }
    }

    /// Waits until a position has to be stored.
    pub(crate) async fn is_due(&self) {
        match self.reached {
            Some((_, due)) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Stores the position that was reached.
    pub(crate) async fn store(&mut self, projections: &Projections) -> Result<(), ProjectionError> {
        if let Some((position, _)) = self.reached {
            projections.set_checkpoint(self.name, position).await?;
            (self.stored, self.reached) = (Some(position), None);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn the_last_position_is_stored_once_and_no_later_for_those_that_follow_it() {
        let directory = tempfile::tempdir().unwrap();
        let (projections, _) = Projections::open(directory.path(), None).unwrap();
        let mut checkpoint = Checkpoint::new("reactions", Some(Position(4)));
        checkpoint.reach(Position(4));
        assert!(checkpoint.reached.is_none(), "it is stored already");
        checkpoint.store(&projections).await.unwrap();
        assert_eq!(projections.checkpoint("reactions").await.unwrap(), None);
        checkpoint.reach(Position(5));
        let due = checkpoint.reached.unwrap().1;
        checkpoint.reach(Position(7));
        assert_eq!(checkpoint.reached, Some((Position(7), due)));
        checkpoint.is_due().await;
        checkpoint.store(&projections).await.unwrap();
        assert_eq!(projections.checkpoint("reactions").await.unwrap(), Some(Position(7)));
        assert!(checkpoint.is_due().now_or_never().is_none(), "nothing is left to store");
    }
}
