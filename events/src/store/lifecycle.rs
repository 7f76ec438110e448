//! Functions for the process that owns a store, besides reading and appending: watching, checking and closing it.

use super::ReadError;
use crate::envelope::Position;
use async_trait::async_trait;
use tokio::sync::watch;

/// Progress of a scrub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scrubbed {
    /// The next scrub continues after this position; `None` while the log is empty.
    pub position: Option<Position>,
    /// Number of bytes that were checked.
    pub bytes: usize,
    /// Whether the end of the log was reached.
    pub ended: bool,
}

/// The lifecycle of a store that is open for writing.
#[async_trait]
pub trait StoreLifecycle: Send + Sync {
    /// Becomes `Some(why)` when the store has stopped for good. The process must then end with a non-zero exit code
    /// within one second. A store that was opened for reading never fails this way.
    fn failed(&self) -> watch::Receiver<Option<String>>;

    /// Returns why streams cannot be read and appended to, or soon cannot be appended to; `None` if they can. An index
    /// that is rebuilt, or cannot be written, is such a reason. The log itself can be read meanwhile.
    fn obstacle(&self) -> Option<String>;

    /// Checks about `bytes` bytes of the log after position `after`, even if nothing else reads them. Corrupt events
    /// are noted in [`EventStore::findings`](super::EventStore::findings) and passed.
    ///
    /// # Errors
    /// Returns `Unavailable` if the store cannot be read.
    async fn scrub(&self, after: Option<Position>, bytes: usize) -> Result<Scrubbed, ReadError>;

    /// Writes what is queued and releases the log. Later appends return `Unavailable`.
    async fn close(&self);
}
