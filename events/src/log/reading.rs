//! Reads the log page by page, past events that cannot be read.

use crate::background::Lane;
use crate::envelope::{Position, Recorded};
use crate::store::{EventStore, ReadError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Maximum number of events in a page.
const PAGE: usize = 1_000;

/// A page of at least this many events is a backlog: it and the pages after it are work in the background. At the usual
/// rates, fewer events are appended between two reads.
pub(super) const BACKLOG: usize = 128;

/// Time after which a reader leaves the background if it comes no nearer to the end of the log there. Threads of low
/// priority may be slower than the events of a busy server arrive, and then the reader would stay behind as long as the
/// load lasts. Long enough for most imports.
const GAIN_WITHIN: Duration = Duration::from_secs(30);

/// Limits the pages of backlogs that are read at the same time. Such a read occupies a connection of the store for as
/// long as a thread of low priority takes; the other connections are for requests.
pub(super) static BACKLOG_READS: Semaphore = Semaphore::const_new(2);

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
    /// Whether somebody waits for what is read, so that it is no work in the background.
    is_awaited: bool,
    /// `None`: not behind.
    behind: Option<Behind>,
    /// The page that is being read. It is kept, so that a caller may drop the future of `next` at any time.
    page: Option<Started>,
}

struct Started {
    lane: Lane,
    task: JoinHandle<Result<Fetched, ReadError>>,
}

struct Fetched {
    events: Vec<Recorded>,
    /// The end of the log, if the page is a backlog.
    head: Option<Position>,
}

/// How far a reader is behind the end of the log.
struct Behind {
    /// The least distance so far, in positions.
    least: u64,
    /// When it was reached.
    since: Instant,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.give_up_page();
    }
}

impl Reading {
    pub(super) fn after(at: Option<Position>) -> Reading {
        Reading { at, lane: Lane::Usual, is_awaited: false, behind: None, page: None }
    }

    /// Position of the last event that was read.
    pub(super) fn at(&self) -> Option<Position> {
        self.at
    }

    /// Says whether somebody waits for what is read. A page that threads of low priority are reading is then read again
    /// by others.
    pub(super) fn await_by(&mut self, is_awaited: bool) {
        self.is_awaited = is_awaited;
        if is_awaited && self.page.as_ref().is_some_and(|page| page.lane == Lane::Background) {
            self.give_up_page();
        }
    }

    // A page that nobody waits for is not read.
    fn give_up_page(&mut self) {
        if let Some(page) = self.page.take() {
            page.task.abort();
        }
    }

    fn lane(&self) -> Lane {
        if self.is_awaited { Lane::Usual } else { self.lane }
    }

    /// Reads the next page.
    ///
    /// # Errors
    /// Returns `Unavailable`, or `Corrupt` if the position of the corrupt event is unknown or implausible, because the
    /// next event cannot be found then.
    pub(super) async fn next(&mut self, store: &Arc<dyn EventStore>) -> Result<Page, ReadError> {
        let (at, lane) = (self.at, self.lane());
        let page = (&mut self.page.get_or_insert_with(|| start(store, at, lane)).task).await;
        self.page = None;
        let page = page.unwrap_or_else(|error| Err(ReadError::Unavailable(error.to_string())));
        match page {
            Ok(page) => Ok(self.passed(page, store)),
            Err(error) => self.pass(error, store).await,
        }
    }

    fn passed(&mut self, page: Fetched, store: &Arc<dyn EventStore>) -> Page {
        let is_backlog = page.events.len() >= BACKLOG;
        let Some(last) = page.events.last().map(|last| last.position) else {
            (self.lane, self.behind) = (Lane::Usual, None);
            return Page::End;
        };
        self.at = Some(last);
        self.lane = if is_backlog && self.gains(last, page.head) { Lane::Background } else { Lane::Usual };
        if is_backlog {
            // The next page is read while the caller processes this one.
            self.page = Some(start(store, self.at, self.lane()));
        } else {
            self.behind = None;
        }
        Page::Events(page.events, self.lane())
    }

    // Returns whether the reader has come nearer to the end of the log within the last [`GAIN_WITHIN`].
    fn gains(&mut self, last: Position, head: Option<Position>) -> bool {
        let (now, distance) = (Instant::now(), head.map_or(0, |head| head.0.saturating_sub(last.0)));
        let behind = self.behind.get_or_insert(Behind { least: distance, since: now });
        if distance < behind.least {
            *behind = Behind { least: distance, since: now };
        }
        now.duration_since(behind.since) < GAIN_WITHIN
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

fn start(store: &Arc<dyn EventStore>, at: Option<Position>, lane: Lane) -> Started {
    let store = Arc::clone(store);
    let task = lane.spawn(async move {
        // The semaphore is never closed.
        let _turn = if lane == Lane::Background { BACKLOG_READS.acquire().await.ok() } else { None };
        let events = store.read_all(at, PAGE).await?;
        let head = if events.len() >= BACKLOG { store.head().await? } else { None };
        Ok(Fetched { events, head })
    });
    Started { lane, task }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Log;
    use crate::log::tests::memory::{ANNA, append, log};

    async fn next(reading: &mut Reading, log: &Log) -> Option<Lane> {
        match reading.next(log.store()).await.expect("a log that can be read") {
            Page::Events(_, lane) => Some(lane),
            Page::End => None,
            Page::Unreadable(..) => panic!("no event is damaged"),
        }
    }

    #[tokio::test]
    async fn a_reader_that_comes_no_nearer_to_the_end_in_the_background_leaves_it_until_it_does() {
        let (log, _, _) = log();
        append(&log, 3_000, &ANNA.key(), "Anna").await;
        let mut reading = Reading::after(None);
        // More is appended than read. The page after the first one may be read before the append.
        for _ in 0..4 {
            assert_eq!(next(&mut reading, &log).await, Some(Lane::Background));
            append(&log, 3_000, &ANNA.key(), "Anna").await;
        }
        reading.behind.as_mut().expect("it is behind").since -= GAIN_WITHIN;
        assert_eq!(next(&mut reading, &log).await, Some(Lane::Usual));
        let mut lanes = Vec::new();
        while let Some(lane) = next(&mut reading, &log).await {
            lanes.push(lane);
        }
        assert_eq!(lanes.last(), Some(&Lane::Background), "it gains again");
    }
}
