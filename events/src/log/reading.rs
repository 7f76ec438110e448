//! Reads the log page by page, past events that cannot be read.

use crate::background::Lane;
use crate::envelope::{Position, Recorded};
use crate::store::{EventStore, ReadError};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Maximum number of events in a page.
const PAGE: usize = 1_000;

/// A page of at least this many events is a backlog: it and the pages after it are work in the background. At the usual
/// rates, fewer events are appended between two reads.
const BACKLOG: usize = 128;

/// Limits the pages of backlogs that are read at the same time. Such a read occupies a connection of the store for as
/// long as a thread of low priority takes; the other connections are for requests.
static BACKLOG_READS: Semaphore = Semaphore::const_new(2);

/// Next part of the log.
pub(super) enum Page {
    /// One or more events in order of position, and the threads that should process them.
    Events(Vec<Recorded>, Lane),
    /// The event at this position cannot be read. The next events follow.
    Unreadable(ReadError, Position),
    /// There are no further events.
    End,
}

/// A place in the log that moves forward.
pub(super) struct Reading {
    at: Option<Position>,
    lane: Lane,
    /// The page that is being read. It is kept, so that a caller may drop the future of `next` at any time.
    page: Option<JoinHandle<Result<Vec<Recorded>, ReadError>>>,
}

impl Drop for Reading {
    // A page that nobody waits for is not read.
    fn drop(&mut self) {
        if let Some(page) = &self.page {
            page.abort();
        }
    }
}

impl Reading {
    pub(super) fn after(at: Option<Position>) -> Reading {
        Reading { at, lane: Lane::Usual, page: None }
    }

    /// Same as [`Reading::after`], for a reader that is known to be behind.
    pub(super) fn behind(at: Option<Position>) -> Reading {
        Reading { at, lane: Lane::Background, page: None }
    }

    /// Position of the last event that was read.
    pub(super) fn at(&self) -> Option<Position> {
        self.at
    }

    /// Leaves out the events up to `at`.
    pub(super) fn skip_to(&mut self, at: Option<Position>) {
        *self = Reading::behind(at);
    }

    /// Reads the next page.
    ///
    /// # Errors
    /// Returns `Unavailable`, or `Corrupt` if the position of the corrupt event is unknown or implausible, because the
    /// next event cannot be found then.
    pub(super) async fn next(&mut self, store: &Arc<dyn EventStore>) -> Result<Page, ReadError> {
        let (at, lane) = (self.at, self.lane);
        let page = self.page.get_or_insert_with(|| start(store, at, lane)).await;
        self.page = None;
        let page = page.unwrap_or_else(|error| Err(ReadError::Unavailable(error.to_string())));
        match page {
            Ok(page) => Ok(self.passed(page, store)),
            Err(error) => self.pass(error, store).await,
        }
    }

    fn passed(&mut self, page: Vec<Recorded>, store: &Arc<dyn EventStore>) -> Page {
        let is_backlog = page.len() >= BACKLOG;
        self.lane = if is_backlog { Lane::Background } else { Lane::Usual };
        let Some(last) = page.last() else { return Page::End };
        self.at = Some(last.position);
        if is_backlog {
            // The next page is read while the caller processes this one.
            self.page = Some(start(store, self.at, self.lane));
        }
        Page::Events(page, self.lane)
    }

    async fn pass(&mut self, error: ReadError, store: &Arc<dyn EventStore>) -> Result<Page, ReadError> {
        // A damaged page near the root makes every position unreadable, also those after the end.
        let head = store.head().await?;
        match error {
            ReadError::Corrupt { position, .. }
                if self.at < Some(Position(position)) && Some(Position(position)) <= head =>
            {
                self.at = Some(Position(position));
                Ok(Page::Unreadable(error, Position(position)))
            }
            error => Err(error),
        }
    }
}

fn start(
    store: &Arc<dyn EventStore>,
    at: Option<Position>,
    lane: Lane,
) -> JoinHandle<Result<Vec<Recorded>, ReadError>> {
    let store = Arc::clone(store);
    lane.spawn(async move {
        // The semaphore is never closed.
        let _turn = if lane == Lane::Background { BACKLOG_READS.acquire().await.ok() } else { None };
        store.read_all(at, PAGE).await
    })
}
