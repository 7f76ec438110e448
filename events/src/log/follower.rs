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
    /// An item of the feed that was received but not delivered yet.
    kept: Option<Item>,
    is_told: bool,
}

impl Follower {
    pub(super) fn new(log: Log, after: Option<Position>) -> Follower {
        let alone = Some(Reading::after(after));
        Follower { log, at: after, alone, joined: None, kept: None, is_told: false }
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
                    let item = match self.received() {
                        Some(item) => item,
                        None if !self.is_told => {
                            self.is_told = true;
                            return Ok(Next::CaughtUp);
                        }
                        None => self.wait().await,
                    };
                    self.take(item)?
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
            Item::Events(batch) => self.deliver(batch),
            item => {
                self.kept = Some(item);
                None
            }
        }
    }

    /// Makes the shared reader read at once what was appended.
    pub fn hurry(&self) {
        self.log.feed.hurry();
    }

    fn read(&mut self, page: Page) -> Option<Next> {
        let next = match page {
            Page::Events(recorded, lane) => self.deliver(Batch::new(recorded, lane, None)).map(Next::Events),
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

    fn received(&mut self) -> Option<Item> {
        if let Some(item) = self.kept.take() {
            return Some(item);
        }
        match self.joined.as_mut()?.items.try_recv() {
            Ok(item) => Some(item),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => Some(Item::Missed),
        }
    }

    async fn wait(&mut self) -> Item {
        let Some(joined) = &mut self.joined else { return Item::Missed };
        match joined.items.recv().await {
            Ok(item) => item,
            Err(RecvError::Lagged(_) | RecvError::Closed) => Item::Missed,
        }
    }

    // `None`: the follower has these events already, or it reads the next ones itself.
    fn take(&mut self, item: Item) -> Result<Option<Next>, ReadError> {
        match item {
            Item::Events(batch) => Ok(self.deliver(batch).map(Next::Events)),
            Item::Unreadable(error, position) if self.at < Some(position) => {
                self.at = Some(position);
                Ok(Some(Next::Unreadable(error, position)))
            }
            Item::Unreadable(..) => Ok(None),
            Item::Missed => {
                (self.alone, self.joined) = (Some(Reading::behind(self.at)), None);
                Ok(None)
            }
            Item::Closed => Ok(Some(Next::Closed)),
            Item::Ended(error) => {
                (self.alone, self.joined) = (Some(Reading::after(self.at)), None);
                Err(error)
            }
        }
    }

    fn deliver(&mut self, batch: Arc<Batch>) -> Option<Delivery> {
        let delivery = Delivery::of(batch, self.at)?;
        self.at = Some(delivery.last());
        Some(delivery)
    }
}
