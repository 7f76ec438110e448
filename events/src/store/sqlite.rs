//! The embedded event store: one SQLite file, one writer thread, any number of readers.
//!
//! A directory holds `events.db`, beside it `muster.lock`, the advisory lock of the one process that writes.
//! [`SqliteStore::create`] makes a log where there is none, [`SqliteStore::open`] opens one and never makes one: a
//! mistyped path is an error, not a second truth. [`SqliteStore::open_read_only`] reads beside a running writer.
//!
//! **Fail-stop.** After an error of a commit, a sync or a checkpoint nobody knows what the disk holds (Linux marks
//! pages clean whose write failed). The store then answers nothing but `Unavailable`, says why on
//! [`StoreLifecycle::failed`], and the process has to end; the next start reads what is there.

mod append;
pub mod backup;
#[cfg(any(test, feature = "contract"))]
pub mod durability;
#[cfg(any(test, feature = "contract"))]
mod fault;
mod follow;
mod lock;
mod reader;
mod schema;
mod scrub;
pub mod verify;
mod writer;

pub use schema::OpenError;

use super::{AppendError, Appended, EventStore, Expected, Findings, Follow, ReadError, Scrubbed, StoreLifecycle};
use crate::envelope::{NewEvent, Position, Recorded, Revision, StreamName};
use async_trait::async_trait;
use reader::Readers;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;
use writer::Writer;

/// Name of the log's file in its directory.
pub const FILE: &str = "events.db";

/// Most bytes of one append, all its events' canonical bytes together. EventStoreDB up to 24.10 takes no more.
pub const MAX_APPEND: usize = 1_000_000;

/// The embedded event store.
pub struct SqliteStore {
    directory: PathBuf,
    readers: Arc<Readers>,
    // None: opened for reading only.
    writer: Option<Writer>,
}

impl SqliteStore {
    /// Makes an empty log in `directory` (made, too, if missing) and opens it for writing.
    ///
    /// # Errors
    /// If there is a log already, or it cannot be written.
    pub fn create(directory: &Path) -> Result<SqliteStore, OpenError> {
        schema::create(directory)?;
        SqliteStore::open(directory)
    }

    /// Opens the log in `directory` for writing.
    ///
    /// # Errors
    /// If there is none, if another process writes to it, or if it is none of ours.
    pub fn open(directory: &Path) -> Result<SqliteStore, OpenError> {
        schema::expect_log(directory)?;
        let lock = lock::take(directory)?;
        let connection = schema::connect_writer(&directory.join(FILE))?;
        let readers = Arc::new(Readers::new(directory.join(FILE)));
        let writer = Writer::start(connection, lock, Arc::clone(&readers))?;
        Ok(SqliteStore { directory: directory.to_owned(), readers, writer: Some(writer) })
    }

    /// Opens the log in `directory` for reading only, also while another process writes to it. Appends are `Unavailable`.
    ///
    /// # Errors
    /// If there is none, or it is none of ours.
    pub fn open_read_only(directory: &Path) -> Result<SqliteStore, OpenError> {
        schema::expect_log(directory)?;
        let readers = Arc::new(Readers::new(directory.join(FILE)));
        schema::connect_reader(&directory.join(FILE))?;
        Ok(SqliteStore { directory: directory.to_owned(), readers, writer: None })
    }

    /// The directory the log is in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the connection that writes promises; `None` where the log is opened for reading only.
    #[cfg(any(test, feature = "contract"))]
    pub fn durability(&self) -> Option<&durability::Durability> {
        self.writer.as_ref().map(Writer::durability)
    }

    /// Lets the next commit fail.
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

    async fn scrub(&self, after: Option<Position>, bytes: usize) -> Result<Scrubbed, ReadError> {
        self.readers.scrub(after, bytes).await
    }

    /// Checkpoints, too.
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
        writer.append(append::Request::new(stream, expected, events, keys)?).await
    }

    async fn key_sequence(&self) -> Result<Option<u64>, ReadError> {
        self.readers.read(reader::key_sequence).await
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let stream = stream.clone();
        self.readers.read(move |connection| reader::read_stream(connection, &stream, from, limit)).await
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.readers.read(move |connection| reader::read_all(connection, after, limit)).await
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        match &self.writer {
            Some(writer) => Ok(writer.head()),
            None => self.readers.read(reader::head).await,
        }
    }

    fn follow(&self, after: Option<Position>) -> Follow {
        follow::start(Arc::clone(&self.readers), self.writer.as_ref().map(Writer::watch_head), after)
    }

    fn findings(&self) -> &Findings {
        self.readers.findings()
    }
}
