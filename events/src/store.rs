//! The contract of an event store. [`sqlite`] is the embedded adapter. Every adapter passes the test suite `contract`.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod findings;
mod lifecycle;
pub mod sqlite;
#[cfg(test)]
mod tests;

pub use findings::{Corruption, Damaged, Findings};
pub use lifecycle::{Scrubbed, StoreLifecycle};

use crate::envelope::{EventId, NewEvent, Position, Recorded, Revision, StreamName};
use async_trait::async_trait;
use tokio::sync::watch;

/// The state of a stream that the caller expects when it appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no event.
    NoStream,
    /// The last event of the stream has this revision.
    Exact(Revision),
    /// Any state.
    Any,
}

/// Revision and position of the last appended event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Revision of the last appended event in its stream.
    pub revision: Revision,
    /// Position of the last appended event in the log.
    pub position: Position,
}

/// The last event of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamHead {
    pub revision: Revision,
    pub id: EventId,
}

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream is not in the expected state; nothing was written. Read it again and repeat the decision.
    #[error("stream {stream} is at {}, not as expected", at(*.current))]
    Conflict { stream: StreamName, current: Option<Revision> },
    /// The events may or may not be written. Repeat the append with the same ids and the same expectation: the events
    /// are then written exactly once.
    #[error("it is not known whether the events were written: {0}; repeat with the same ids")]
    Unknown(String),
    /// Nothing was written, and no append is possible at present.
    #[error("the event store cannot be used: {0}")]
    Unavailable(String),
    /// Nothing was written: the events cannot be sealed, since a key or the key store is damaged. Waiting does not
    /// help, as with a corrupt event.
    #[error("the events cannot be sealed: {0}")]
    DamagedKey(String),
    /// Nothing was written: one event or the whole append exceeds the size limit, in bytes.
    #[error("an append of {bytes} bytes exceeds the limit of {limit} bytes")]
    TooLarge { bytes: usize, limit: usize },
    /// A stored event does not match its checksum; the stream is not served.
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
    /// An event does not match its checksum, is not an envelope, or cannot be opened; `damaged` says what is damaged.
    /// Readers stop at this event and never skip it.
    #[error("event {revision} of stream {stream} at position {position} is corrupt: {why}")]
    Corrupt { stream: String, revision: u64, position: u64, damaged: Damaged, why: String },
}

impl AppendError {
    /// Returns whether this stream or its key is damaged; other streams can be appended to.
    pub fn is_damage(&self) -> bool {
        match self {
            AppendError::DamagedKey(_) | AppendError::Corrupt { .. } => true,
            AppendError::Conflict { .. } | AppendError::Unknown(_) => false,
            AppendError::Unavailable(_) | AppendError::TooLarge { .. } => false,
        }
    }
}

impl ReadError {
    /// Returns whether this stream or its key is damaged; other streams can be read.
    pub fn is_damage(&self) -> bool {
        self.corruption().is_some()
    }

    /// Returns the corrupt place; `None` for a temporary error.
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
/// * **Order.** Events are ordered by position in the whole log and by revision in a stream. Revisions have no gaps and
///   begin at 0. The events of one append are adjacent in both orders, in the order given. Positions increase but may
///   have gaps. After an event was read at a position, no event ever appears before it.
/// * **Durability.** When `append` returns `Ok`, the events survive a crash of the process and of the machine.
/// * **Atomicity.** Either all events of one append are written or none.
/// * **Idempotence.** An append with `NoStream` or `Exact` returns `Ok` with the places of the events if the expected
///   place already holds events with exactly these ids. If it holds none or only some of these ids, the append is a
///   `Conflict`. With `Any`, a repeated append writes the events again, unless they are the last events of the stream:
///   then it returns their places.
/// * **Concurrency.** Any number of callers may append at the same time. Of several appends with the same `Exact` or
///   `NoStream`, one succeeds.
/// * **Reading your writes.** Every read that begins after the acknowledgement of an append returns its events.
/// * **Keys.** The highest sequence of the key store is stored with the events, in the same transaction. A key store
///   with a lower sequence is older than the log.
/// * **Corruption.** A corrupt event is never skipped and never returned. Its stream is refused for reads and appends;
///   other streams are served. [`EventStore::findings`] contains each place that any read or append found corrupt,
///   once, before the caller receives its error.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Appends at least one event to a stream. `keys` is the [sequence] of the key store that sealed the events; 0 if
    /// no key was used.
    ///
    /// [sequence]: crate::personal::keys::KeyStore::sequence
    async fn append_sealed(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
        keys: u64,
    ) -> Result<Appended, AppendError>;

    /// Appends events that are not sealed with a key; otherwise as [`EventStore::append_sealed`].
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.append_sealed(stream, expected, events, 0).await
    }

    /// Returns the highest sequence of the key store that any event in the log was sealed with. `None` if nothing was
    /// appended since stores keep this number.
    async fn key_sequence(&self) -> Result<Option<u64>, ReadError>;

    /// Returns up to `limit` events of a stream in order of revision, beginning with revision `from`. Empty if there
    /// are none.
    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// Returns the last event of a stream if it is in memory. It is as new as that of [`EventStore::stream_head`].
    fn known_head(&self, _stream: &StreamName) -> Option<StreamHead> {
        None
    }

    /// Returns the last event of a stream; `None` if the stream has none. Cheaper than reading the stream: a state that
    /// was folded up to this event is current. The event itself is not checked.
    async fn stream_head(&self, stream: &StreamName) -> Result<Option<StreamHead>, ReadError>;

    /// Same as [`EventStore::stream_head`], but blocks: for a blocking thread that has more to read. `None`: the store
    /// cannot answer like this, at present or at all; then [`EventStore::stream_head`] says why, or waits.
    fn stream_head_here(&self, _stream: &StreamName) -> Option<Option<StreamHead>> {
        None
    }

    /// Returns whether the stream has an event with this id. Takes time in proportion to the length of the stream, but
    /// parses nothing.
    async fn contains(&self, stream: &StreamName, id: EventId) -> Result<bool, ReadError>;

    /// Returns whether the canonical bytes of an event of the stream contain `text`. For text that JSON does not
    /// escape, such as a hash. Takes time in proportion to the length of the stream, but parses nothing.
    async fn mentions(&self, stream: &StreamName, text: &str) -> Result<bool, ReadError>;

    /// Returns up to `limit` events of all streams in order of position, beginning after `after` (`None`: from the
    /// start). Empty at the end of the log.
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// Returns the position of the newest event; `None` if the log is empty.
    async fn head(&self) -> Result<Option<Position>, ReadError>;

    /// Returns the position of the newest event, which changes with each commit and ends when the store closes. `None`:
    /// another process writes, so that only a read of the log shows what it appended.
    fn watch_head(&self) -> Option<watch::Receiver<Option<Position>>> {
        None
    }

    /// Returns what was found corrupt since the store was opened. Callers that open events above the store also add
    /// events that cannot be parsed.
    fn findings(&self) -> &Findings;
}
