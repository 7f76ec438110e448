//! Follows the log past unreadable events. Used by readers that handle each event on its own: reactions and counts.
//! Projections stop before such an event instead (decision 20).

use events::Position;
use events::envelope::Recorded;
use events::log::Log;
use events::store::{Follow, Followed, ReadError};

/// Next item of the subscription.
#[derive(Debug)]
pub enum Passed {
    /// One or more events in order of position.
    Events(Vec<Recorded>),
    /// The event at this position cannot be read; the store's findings name it. The next events follow.
    Unreadable(Position),
    /// Everything up to the end of the log was delivered.
    CaughtUp,
    /// The log is closed.
    Closed,
}

/// Subscription to the log that continues after a corrupt event.
pub struct PassingFollow {
    log: Log,
    follow: Follow,
    at: Option<Position>,
    /// Error with which `follow` ended. It is kept until the corrupt event is passed, so that a caller may drop the
    /// future of `next` at any time.
    ended: Option<ReadError>,
}

impl PassingFollow {
    /// Follows `log` after the position `after`.
    pub fn after(log: &Log, after: Option<Position>) -> PassingFollow {
        PassingFollow { log: log.clone(), follow: log.follow(after), at: after, ended: None }
    }

    /// Waits for the next item.
    ///
    /// # Errors
    /// Returns `Unavailable`, or `Corrupt` if the position of the corrupt event is unknown or implausible, because the
    /// next event cannot be found then. Later calls return the same error.
    pub async fn next(&mut self) -> Result<Passed, ReadError> {
        if self.ended.is_none() {
            match self.follow.next().await {
                Ok(Some(Followed::Events(recorded))) => {
                    self.at = recorded.last().map(|last| last.position).max(self.at);
                    return Ok(Passed::Events(recorded));
                }
                Ok(Some(Followed::CaughtUp(_))) => return Ok(Passed::CaughtUp),
                Ok(None) => return Ok(Passed::Closed),
                Err(error) => self.ended = Some(error),
            }
        }
        // A damaged page near the root makes every position unreadable, also those after the end.
        let head = self.log.store().head().await?;
        let Some(error) = self.ended.take() else { return Ok(Passed::CaughtUp) };
        match error {
            ReadError::Corrupt { position, .. }
                if self.at < Some(Position(position)) && Some(Position(position)) <= head =>
            {
                self.at = Some(Position(position));
                self.follow = self.log.follow(self.at);
                Ok(Passed::Unreadable(Position(position)))
            }
            error => {
                self.ended = Some(error.clone());
                Err(error)
            }
        }
    }
}
