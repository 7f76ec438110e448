//! The embedded event store: one SQLite file, one writer thread, any number of readers.
//!
//! The directory contains `events.db`, `index.db` (the index by stream, built behind the log and rebuilt if it is lost)
//! and `muster.lock`, the advisory lock of the one process that writes.
//! [`SqliteStore::create`] creates a log where none exists. [`SqliteStore::open`] opens an existing log and never
//! creates one, so that a mistyped path is an error and not a second log. [`SqliteStore::open_read_only`] reads while
//! another process writes.
//!
//! **Fail-stop.** After an error of a commit, a sync or a checkpoint the content of the disk is unknown (Linux marks
//! pages as clean after a failed write). Every later append is answered with `Unavailable`, [`StoreLifecycle::failed`]
//! gives the reason, and the process must end. The next start reads what is on the disk.

mod append;
pub mod backup;
mod batch;
pub mod doctor;
#[cfg(any(test, feature = "contract"))]
pub mod durability;
#[cfg(any(test, feature = "contract"))]
mod fault;
mod find;
mod index;
mod lock;
mod open_error;
mod pool;
mod reader;
mod row;
mod schema;
mod scrub;
mod tables;
pub mod verify;
mod writer;

pub use open_error::OpenError;

use super::{AppendError, Appended, EventStore, Expected, Findings, ReadError, Scrubbed, StoreLifecycle, StreamHead};
use crate::envelope::{EventId, NewEvent, Position, Recorded, Revision, StreamName};
use async_trait::async_trait;
use index::tail::Sizes;
use pool::Readers;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use writer::Writer;

/// File name of the log in its directory.
pub const FILE: &str = "events.db";

/// Number of the format of the file that this program writes, the newest that it reads.
const FORMAT: i64 = 2;

/// Maximum size of one append in bytes: the canonical bytes of all its events. EventStoreDB up to 24.10 has the same
/// limit.
pub(crate) const MAX_APPEND: usize = 1_000_000;

/// The embedded event store.
pub struct SqliteStore {
    directory: PathBuf,
    readers: Arc<Readers>,
    // None: opened for reading only.
    writer: Option<Writer>,
}

impl SqliteStore {
    /// Creates an empty log in `directory`, and the directory if it is missing. Opens the log for writing.
    ///
    /// # Errors
    /// Returns an error if a log exists already, or it cannot be written.
    pub fn create(directory: &Path) -> Result<SqliteStore, OpenError> {
        schema::create(directory)?;
        SqliteStore::open(directory)
    }

    /// Opens the log in `directory` for writing.
    ///
    /// # Errors
    /// Returns an error if there is no log, if another process writes to it, or if the file is not a Muster log.
    pub fn open(directory: &Path) -> Result<SqliteStore, OpenError> {
        SqliteStore::open_sized(directory, Sizes::USUAL)
    }

    /// Opens the log for writing with an index by stream that is built in batches of so many events.
    ///
    /// # Errors
    /// Returns an error as [`SqliteStore::open`] does.
    #[cfg(any(test, feature = "contract"))]
    pub fn open_with_batches(directory: &Path, events: u32) -> Result<SqliteStore, OpenError> {
        SqliteStore::open_sized(directory, Sizes::small(events))
    }

    /// Returns whether the index was read, which is done once after the log was opened.
    #[cfg(any(test, feature = "contract"))]
    pub fn has_read_index(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.index().is_read())
    }

    fn open_sized(directory: &Path, sizes: Sizes) -> Result<SqliteStore, OpenError> {
        schema::expect_log(directory)?;
        let lock = lock::take(directory)?;
        let connection = schema::connect_writer(&directory.join(FILE))?;
        let readers = Arc::new(Readers::new(directory.join(FILE)));
        let writer = Writer::start(connection, lock, Arc::clone(&readers), sizes)?;
        Ok(SqliteStore { directory: directory.to_owned(), readers, writer: Some(writer) })
    }

    /// Opens the log in `directory` for reading only, also while another process writes to it. Appends are
    /// `Unavailable`.
    ///
    /// # Errors
    /// Returns an error if there is no log, or the file is not a Muster log.
    pub fn open_read_only(directory: &Path) -> Result<SqliteStore, OpenError> {
        schema::expect_log(directory)?;
        let readers = Arc::new(Readers::new(directory.join(FILE)));
        schema::connect_reader(&directory.join(FILE))?;
        Ok(SqliteStore { directory: directory.to_owned(), readers, writer: None })
    }

    /// Waits as long as the index by stream is being built again. Until then streams can be neither read nor appended
    /// to.
    pub async fn indexed(&self) {
        if let Some(writer) = &self.writer {
            writer.index().built().await;
        }
    }

    /// Returns the directory that contains the log.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the durability settings of the writing connection; `None` if the log is open for reading only.
    #[cfg(any(test, feature = "contract"))]
    pub fn durability(&self) -> Option<&durability::Durability> {
        self.writer.as_ref().map(Writer::durability)
    }

    /// Makes the next commit fail.
    #[cfg(any(test, feature = "contract"))]
    pub fn fail_next_commit(&self, fault: super::contract::Fault) {
        if let Some(writer) = &self.writer {
            writer.faults().set(fault);
        }
    }
}

#[async_trait]
impl StoreLifecycle for SqliteStore {
    fn failed(&self) -> watch::Receiver<Option<String>> {
        self.writer.as_ref().map_or_else(|| watch::channel(None).1, Writer::failed)
    }

    fn obstacle(&self) -> Option<String> {
        self.writer.as_ref().and_then(|writer| writer.index().obstacle())
    }

    async fn scrub(&self, after: Option<Position>, bytes: usize) -> Result<Scrubbed, ReadError> {
        self.readers.scrub(after, bytes).await
    }

    /// Writes what is queued, checkpoints the write-ahead log and releases the log.
    async fn close(&self) {
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

#[async_trait]
impl EventStore for SqliteStore {
    async fn append_sealed(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
        keys: u64,
    ) -> Result<Appended, AppendError> {
        let Some(writer) = &self.writer else {
            return Err(AppendError::Unavailable("it was opened for reading only".into()));
        };
        if let Some(error) = self.readers.refused(stream) {
            return Err(error);
        }
        writer.index().ready().await.map_err(AppendError::Unavailable)?;
        writer.append(append::Request::new(stream, expected, events, keys)?).await
    }

    async fn key_sequence(&self) -> Result<Option<u64>, ReadError> {
        self.readers.read(|reader| reader::key_sequence(&reader.log)).await
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.readers
            .read_stream(stream, from, move |sources, stream| reader::read_stream(sources, stream, from, limit))
            .await
    }

    fn known_head(&self, stream: &StreamName) -> Option<StreamHead> {
        let head = self.writer.as_ref()?.index().known(&index::key(stream));
        head.filter(|_| self.readers.refused_from(stream).is_none())
    }

    async fn stream_head(&self, stream: &StreamName) -> Result<Option<StreamHead>, ReadError> {
        if let Some(revision) = self.readers.refused_from(stream) {
            // Finds the corrupt event again and says what is wrong with it.
            self.read_stream(stream, revision, 1).await?;
        }
        let read = self.readers.read_stream(stream, Revision(0), reader::stream_head);
        match &self.writer {
            Some(writer) => writer.index().head(&index::key(stream), read).await,
            None => read.await,
        }
    }

    fn stream_head_here(&self, stream: &StreamName) -> Option<Option<StreamHead>> {
        let index = self.writer.as_ref()?.index();
        if self.readers.refused_from(stream).is_some() || index.generation().is_err() {
            return None;
        }
        index.head_here(&index::key(stream), || self.readers.read_stream_here(stream, reader::stream_head))
    }

    async fn contains(&self, stream: &StreamName, id: EventId) -> Result<bool, ReadError> {
        self.readers
            .read_stream(stream, Revision(0), move |sources, stream| reader::contains(sources, stream, id))
            .await
    }

    async fn mentions(&self, stream: &StreamName, text: &str) -> Result<bool, ReadError> {
        let text = text.to_owned();
        self.readers
            .read_stream(stream, Revision(0), move |sources, stream| reader::mentions(sources, stream, &text))
            .await
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let mut events = self.readers.read(move |reader| reader::read_all(reader, after, limit)).await?;
        if let Some(writer) = &self.writer {
            // A committed event is readable in its stream an instant later; until then it is not here either.
            let head = writer.head();
            events.retain(|event| Some(event.position) <= head);
        }
        Ok(events)
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        match &self.writer {
            Some(writer) => Ok(writer.head()),
            None => self.readers.read(|reader| reader::head(&reader.log, reader.tables)).await,
        }
    }

    fn watch_head(&self) -> Option<watch::Receiver<Option<Position>>> {
        self.writer.as_ref().map(Writer::watch_head)
    }

    fn findings(&self) -> &Findings {
        self.readers.findings()
    }
}
