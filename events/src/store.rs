//! The contract of an event store. Adapters: [`sqlite`], the embedded one. Every adapter passes `contract`.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod findings;
mod lifecycle;
pub mod sqlite;

pub use findings::{Corruption, Damaged, Findings};
pub use lifecycle::{Scrubbed, StoreLifecycle};

use crate::envelope::{NewEvent, Position, Recorded, Revision, StreamName};
use async_trait::async_trait;

/// What the caller believes about a stream before it appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There is no event in it.
    NoStream,
    /// Its last event has this revision.
    Exact(Revision),
    /// Whatever it holds.
    Any,
}

/// Where events came to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Revision of the last of the appended events.
    pub revision: Revision,
    /// Position of the last of the appended events.
    pub position: Position,
}

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream is not where the caller believed; nothing was written. Read it again, decide again.
    #[error("stream {stream} is at {}, not as expected", at(*.current))]
    Conflict { stream: StreamName, current: Option<Revision> },
    /// The events may or may not be written. Repeat the append with the same ids and the same expectation: it is written
    /// once in either case.
    #[error("it is not known whether the events were written: {0}; repeat with the same ids")]
    Unknown(String),
    /// Nothing was written, and nothing can be now.
    #[error("the event store cannot be used: {0}")]
    Unavailable(String),
    /// Nothing was written: the events cannot be sealed, since a key is damaged, or the key store. Waiting mends it as little as a
    /// corrupt event.
    #[error("the events cannot be sealed: {0}")]
    DamagedKey(String),
    /// Nothing was written: an event or the append as a whole is over the limit.
    #[error("an append of {bytes} bytes is over the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    /// What is stored does not have its checksum; the stream is refused.
    #[error("event {} of stream {stream} is corrupt: {why}", .revision.0)]
    Corrupt { stream: StreamName, revision: Revision, why: String },
}

fn at(revision: Option<Revision>) -> String {
    revision.map_or_else(|| "its beginning".to_owned(), |revision| format!("revision {}", revision.0))
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    #[error("the event store cannot be used: {0}")]
    Unavailable(String),
    /// An event does not have its checksum, is no envelope, or cannot be opened; `damaged` says whose fault that is. Readers stop at
    /// it; it is never skipped.
    #[error("event {revision} of stream {stream} at position {position} is corrupt: {why}")]
    Corrupt { stream: String, revision: u64, position: u64, damaged: Damaged, why: String },
}

impl AppendError {
    /// Whether this stream, or what it is sealed with, is damaged; others can be appended to.
    pub fn is_damage(&self) -> bool {
        match self {
            AppendError::DamagedKey(_) | AppendError::Corrupt { .. } => true,
            AppendError::Conflict { .. } | AppendError::Unknown(_) => false,
            AppendError::Unavailable(_) | AppendError::TooLarge { .. } => false,
        }
    }
}

impl ReadError {
    /// Whether this stream, or what it is sealed with, is damaged; others can be read.
    pub fn is_damage(&self) -> bool {
        self.corruption().is_some()
    }

    /// The place that is corrupt; `None` for an error that may pass.
    pub fn corruption(&self) -> Option<Corruption> {
        match self {
            ReadError::Unavailable(_) => None,
            ReadError::Corrupt { stream, revision, position, damaged, why } => {
                let (stream, damaged, why) = (stream.clone(), damaged.clone(), why.clone());
                Some(Corruption { stream, revision: *revision, position: *position, damaged, why })
            }
        }
    }
}

/// An append-only log of events in streams.
///
/// * **Order.** Over the whole log events are ordered by position; within a stream by revision, dense from 0. The events
///   of one append stand next to each other in both, in the order given. Positions increase but may be sparse. Once an
///   event was read at a position, nothing ever appears before it.
/// * **Durability.** When `append` returns `Ok`, the events survive a crash of the process and of the machine.
/// * **Atomicity.** The events of one append are all written or none.
/// * **Idempotence.** With `NoStream` or `Exact`, an append whose expected place holds events with the very same ids
///   returns `Ok` with their places, as if it had just written them. With none of the ids there it is a `Conflict`; with
///   some of them, too. With `Any` a repeated append writes the events again, unless they are the stream's last events:
///   then it returns their places.
/// * **Concurrency.** Any number of callers at once. Of several appends with the same `Exact` or `NoStream`, one wins.
/// * **Reading your writes.** What was acknowledged is seen by every read that begins afterwards.
/// * **Keys.** The highest sequence of the key store is kept with the events, in one transaction: a key store with a lower
///   sequence is older than the log.
/// * **Corruption.** A corrupt event is never skipped or handed out. Its stream is refused, to readers and to appends; other
///   streams are served. Each place that any reader or append found corrupt is in [`EventStore::findings`], once, before
///   the caller gets its error.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Appends events to a stream. At least one event. `keys` is the [sequence] of the key store that they were sealed with;
    /// 0 for events that are sealed under no key.
    ///
    /// [sequence]: crate::personal::keys::KeyStore::sequence
    async fn append_sealed(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
        keys: u64,
    ) -> Result<Appended, AppendError>;

    /// As [`EventStore::append_sealed`], for events that are sealed under no key.
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.append_sealed(stream, expected, events, 0).await
    }

    /// The highest sequence of the key store that any event in the log was sealed with. `None` for a log to which nothing
    /// was appended since stores keep it.
    async fn key_sequence(&self) -> Result<Option<u64>, ReadError>;

    /// Up to `limit` events of a stream in order of revision, beginning with revision `from`. Empty where there is none.
    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// Up to `limit` events of all streams in order of position, beginning after `after` (`None`: from the start).
    /// Empty at the end of the log.
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// Position of the newest event; `None` while there is none.
    async fn head(&self) -> Result<Option<Position>, ReadError>;

    /// Follows the log after `after`: first what is there, then [`Followed::CaughtUp`], then what comes, with
    /// `CaughtUp` again whenever everything was delivered.
    fn follow(&self, after: Option<Position>) -> Follow;

    /// What was found corrupt since the store was opened. Whoever opens events above the store notes here, too, what
    /// cannot be understood.
    fn findings(&self) -> &Findings;
}

/// What a follower of the log gets.
#[derive(Debug)]
pub enum Followed {
    /// One or more events in order of position.
    Events(Vec<Recorded>),
    /// Everything up to this position was delivered.
    CaughtUp(Option<Position>),
}

/// A live subscription. Ends with `Ok(None)` when the store closes; an error ends it too.
pub struct Follow {
    receiver: tokio::sync::mpsc::Receiver<Result<Followed, ReadError>>,
}

impl Follow {
    pub fn new(receiver: tokio::sync::mpsc::Receiver<Result<Followed, ReadError>>) -> Follow {
        Follow { receiver }
    }

    /// The next thing that happened; waits for it.
    ///
    /// # Errors
    /// If the log cannot be read further; nothing comes after an error.
    pub async fn next(&mut self) -> Result<Option<Followed>, ReadError> {
        self.receiver.recv().await.transpose()
    }
}
