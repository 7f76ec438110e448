//! Followers of the log. Each begins at its own position, reads the log itself until it has caught up, and then shares
//! the feed.

use super::Log;
use super::batch::{Batch, Delivery};
use super::feed::{Item, Joined};
use super::reading::{Page, Reading};
use crate::envelope::Position;
use crate::store::ReadError;
use std::sync::Arc;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Next item of a [`Follower`].
pub enum Next {
    /// One or more events in order of position.
    Events(Delivery),
    /// The event at this position cannot be read; the store's findings name it. The next events follow.
    Unreadable(ReadError, Position),
    /// Everything up to the end of the log was delivered.
    CaughtUp,
    /// The log is closed.
    Closed,
}

/// Subscription to the log. It delivers every event once, in order of position.
pub struct Follower {
    log: Log,
    /// Position of the last event that was delivered.
    at: Option<Position>,
    /// Reads what the feed does not have. `None`: the feed has all that follows.
    alone: Option<Reading>,
    joined: Option<Joined>,
    /// What was received from the feed but not delivered yet.
    kept: Option<Received>,
    is_told: bool,
    /// Whether somebody waits for what this follower does.
    is_awaited: bool,
}

/// An item of the feed as this follower finds it.
enum Received {
    Events(Arc<Batch>),
    Unreadable(ReadError, Position),
    /// The follower was too slow: the events were dropped before it came.
    Missed,
    Closed,
    Ended(ReadError),
}

impl From<Item> for Received {
    fn from(item: Item) -> Received {
        match item {
            Item::Events(slot) => slot.batch().map_or(Received::Missed, Received::Events),
            Item::Unreadable(error, position) => Received::Unreadable(error, position),
            Item::Closed => Received::Closed,
            Item::Ended(error) => Received::Ended(error),
        }
    }
}

impl Follower {
    pub(super) fn new(log: Log, after: Option<Position>) -> Follower {
        let alone = Some(Reading::after(after));
        Follower { log, at: after, alone, joined: None, kept: None, is_told: false, is_awaited: false }
    }

    /// Waits for the next item. A caller may drop the future at any time.
    ///
    /// # Errors
    /// Returns `Unavailable`, or `Corrupt` if the event after a corrupt one cannot be found.
    pub async fn next(&mut self) -> Result<Next, ReadError> {
        loop {
            let next = match &mut self.alone {
                Some(reading) => {
                    let page = reading.next(self.log.store()).await?;
                    self.read(page)
                }
                None => {
                    let received = match self.received() {
                        Some(received) => received,
                        None if !self.is_told => {
                            self.is_told = true;
                            return Ok(Next::CaughtUp);
                        }
                        None => self.wait().await,
                    };
                    self.take(received)?
                }
            };
            if let Some(next) = next {
                self.is_told = matches!(next, Next::CaughtUp);
                return Ok(next);
            }
        }
    }

    /// Returns further events if they can be delivered now.
    pub fn ready(&mut self) -> Option<Delivery> {
        if self.alone.is_some() {
            return None;
        }
        match self.received()? {
            Received::Events(batch) => self.deliver(batch),
            other => {
                self.kept = Some(other);
                None
            }
        }
    }

    /// Says whether somebody waits for what this follower does. What was appended is then read at once, and a backlog
    /// is no work in the background: otherwise a request would wait for threads of low priority.
    pub fn await_by(&mut self, is_awaited: bool) {
        self.is_awaited = is_awaited;
        if let Some(reading) = &mut self.alone {
            reading.await_by(is_awaited);
        }
        if is_awaited {
            self.log.feed.hurry();
        }
    }

    fn read(&mut self, page: Page) -> Option<Next> {
        let next = match page {
            Page::Events(recorded, lane) => self.deliver(Batch::new(recorded, lane)).map(Next::Events),
            Page::Unreadable(error, position) => {
                self.at = Some(position);
                Some(Next::Unreadable(error, position))
            }
            Page::End => {
                let (feed, store, at) = (&self.log.feed, self.log.store(), self.at);
                self.joined.get_or_insert_with(|| feed.join(store, at));
                None
            }
        };
        // The feed may be ahead: what lies between is read first.
        if self.joined.as_ref().is_some_and(|joined| joined.after <= self.at) {
            self.alone = None;
        }
        next
    }

    fn received(&mut self) -> Option<Received> {
        if let Some(kept) = self.kept.take() {
            return Some(kept);
        }
        match self.joined.as_mut()?.items.try_recv() {
            Ok(item) => Some(item.into()),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => Some(Received::Missed),
        }
    }

    async fn wait(&mut self) -> Received {
        let Some(joined) = &mut self.joined else { return Received::Missed };
        match joined.items.recv().await {
            Ok(item) => item.into(),
            Err(RecvError::Lagged(_) | RecvError::Closed) => Received::Missed,
        }
    }

    // `None`: the follower has these events already, or it reads the next ones itself.
    fn take(&mut self, received: Received) -> Result<Option<Next>, ReadError> {
        match received {
            Received::Events(batch) => Ok(self.deliver(batch).map(Next::Events)),
            Received::Unreadable(error, position) if self.at < Some(position) => {
                self.at = Some(position);
                Ok(Some(Next::Unreadable(error, position)))
            }
            Received::Unreadable(..) => Ok(None),
            Received::Missed => {
                self.leave();
                Ok(None)
            }
            Received::Closed => Ok(Some(Next::Closed)),
            Received::Ended(error) => {
                self.leave();
                Err(error)
            }
        }
    }

    fn leave(&mut self) {
        let mut reading = Reading::after(self.at);
        reading.await_by(self.is_awaited);
        (self.alone, self.joined) = (Some(reading), None);
    }

    fn deliver(&mut self, batch: Arc<Batch>) -> Option<Delivery> {
        let delivery = Delivery::of(batch, self.at)?;
        self.at = Some(delivery.last());
        Some(delivery)
    }
}
