//! The connections that read the log: a small pool, used on blocking threads in short transactions, and the corruption
//! that they found.

use super::find::{QueryError, Recent, Sources, Wanted};
use super::index::handle::{Index, Unusable};
use super::index::search::IndexReader;
use super::index::{file, key};
use super::row::{Here, corrupt, not_opened, unreadable};
use super::schema;
use super::tables::Tables;
use crate::envelope::{Recorded, Revision, StreamName};
use crate::store::{AppendError, Findings, ReadError};
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::Semaphore;

/// Maximum number of connections that read at the same time.
const CONNECTIONS: usize = 8;

/// Maximum number of refused streams that are remembered. Even one corrupt stream is exceptional.
const REMEMBERED: usize = 1_000;

/// A small pool of read connections, and the corruption that they found.
pub(super) struct Readers {
    path: PathBuf,
    // Not set: another process writes the log.
    index: OnceLock<Arc<Index>>,
    idle: Mutex<Vec<Reader>>,
    permits: Semaphore,
    // Stream name to revision and reason. Appends to these streams are refused.
    corrupt: Mutex<HashMap<String, (u64, String)>>,
    findings: Findings,
}

/// A connection to the log, and one to its index.
pub(super) struct Reader {
    pub(super) log: Connection,
    pub(super) tables: Tables,
    index: IndexConnection,
}

/// A connection to the index of this process. It is opened when it is first used, and again after a rebuild.
#[derive(Default)]
pub(super) struct IndexConnection {
    opened: Option<(u64, IndexReader)>,
}

impl IndexConnection {
    /// Ends a read transaction.
    pub(super) fn end(&mut self) {
        if let Some((_, index)) = &self.opened
            && index.connection().execute_batch("COMMIT").is_err()
        {
            // A new connection has no transaction.
            self.opened = None;
        }
    }

    /// Returns the connection.
    ///
    /// # Errors
    /// Returns an error while the index is being rebuilt, or if it cannot be opened.
    pub(super) fn get(&mut self, index: &Index) -> Result<&IndexReader, Unusable> {
        let generation = index.generation().map_err(Unusable::NotReady)?;
        if self.opened.as_ref().is_none_or(|(opened, _)| *opened != generation) {
            self.opened = None;
        }
        match &mut self.opened {
            Some((_, reader)) => Ok(reader),
            none => Ok(&none.insert((generation, index.open_reader(generation)?)).1),
        }
    }
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Readers {
        let permits = Semaphore::new(CONNECTIONS);
        let (index, idle, corrupt, findings) = Default::default();
        Readers { path, index, idle, permits, corrupt, findings }
    }

    /// Makes the readers use the index of this process.
    pub(super) fn use_index(&self, index: Arc<Index>) {
        // Called once, by the writer that is being started.
        let _ = self.index.set(index);
    }

    pub(super) fn findings(&self) -> &Findings {
        &self.findings
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `query` on a connection of the pool.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&mut Reader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let _permit = self.permits.acquire().await.map_err(|error| ReadError::Unavailable(error.to_string()))?;
        let readers = Arc::clone(self);
        tokio::task::spawn_blocking(move || readers.read_now(query))
            .await
            .map_err(|error| ReadError::Unavailable(error.to_string()))?
    }

    /// Runs `query` on the events of a stream from revision `from` on. If the index turns out to be damaged, it is
    /// rebuilt, and the query runs once more. The index of another process is not used then.
    pub(super) async fn read_stream<T: Send + 'static>(
        self: &Arc<Self>,
        stream: &StreamName,
        from: Revision,
        query: impl Fn(&Sources<'_>, &Wanted<'_>) -> Result<T, QueryError> + Send + Sync + 'static,
    ) -> Result<T, ReadError> {
        let query = Arc::new(query);
        match self.try_stream(stream, from, &query, true).await? {
            Ok(found) => return Ok(found),
            Err(QueryError::Short(revision)) if self.refused_from(stream).is_some() => {
                return Err(corrupt(stream.as_str(), revision, 0, "it is missing"));
            }
            Err(QueryError::Short(revision)) => {
                self.rebuild_index(&format!("it ends before revision {revision} of stream {stream}"));
            }
            Err(QueryError::Index(why)) => self.rebuild_index(&why),
            Err(QueryError::Read(error)) => return Err(error),
        }
        match self.try_stream(stream, from, &query, self.index.get().is_some()).await? {
            Ok(found) => Ok(found),
            Err(QueryError::Short(revision)) => {
                let missing = corrupt(stream.as_str(), revision, 0, "it is missing");
                self.note(&missing);
                Err(missing)
            }
            Err(QueryError::Index(why)) => Err(ReadError::Unavailable(format!("index.db cannot be used: {why}"))),
            Err(QueryError::Read(error)) => Err(error),
        }
    }

    /// Runs `query` on a stream, on this thread. `None`: all connections are in use, or the query failed.
    pub(super) fn read_stream_here<T>(
        &self,
        stream: &StreamName,
        query: impl FnOnce(&Sources<'_>, &Wanted<'_>) -> Result<T, QueryError>,
    ) -> Option<T> {
        let _permit = self.permits.try_acquire().ok()?;
        let wanted = Wanted::of(stream);
        let read = |reader: &mut Reader| {
            Ok(self.sources(reader, &wanted, 0, true).and_then(|sources| query(&sources, &wanted)))
        };
        self.read_now(read).ok()?.ok()
    }

    // The inner error is one of the index. Without the index the whole log is searched.
    async fn try_stream<T: Send + 'static>(
        self: &Arc<Self>,
        stream: &StreamName,
        from: Revision,
        query: &Arc<impl Fn(&Sources<'_>, &Wanted<'_>) -> Result<T, QueryError> + Send + Sync + 'static>,
        has_index: bool,
    ) -> Result<Result<T, QueryError>, ReadError> {
        if let Some(index) = self.index.get() {
            index.ready().await.map_err(ReadError::Unavailable)?;
        }
        let (readers, stream, query) = (Arc::clone(self), stream.clone(), Arc::clone(query));
        self.read(move |reader| {
            let wanted = Wanted::of(&stream);
            let found =
                readers.sources(reader, &wanted, from.0, has_index).and_then(|sources| query(&sources, &wanted));
            match found {
                Err(QueryError::Read(error)) => Err(error),
                found => Ok(found),
            }
        })
        .await
    }

    // What is in memory is read before the index: an event leaves the memory when it is in the index.
    fn sources<'a>(
        &self,
        reader: &'a mut Reader,
        stream: &Wanted<'_>,
        from: u64,
        has_index: bool,
    ) -> Result<Sources<'a>, QueryError> {
        let Reader { log, tables, index: connection } = reader;
        let tables = *tables;
        match self.index.get() {
            Some(index) => {
                // Read first: an event that is appended meanwhile is not expected among the places.
                let known = index.known(&stream.key).map(|head| head.revision.0);
                let recent = Recent::Memory(index.recent(&stream.key, from).0);
                let index = Some(connection.get(index).map_err(|unusable| match unusable {
                    Unusable::NotReady(why) => QueryError::Read(ReadError::Unavailable(why)),
                    Unusable::Flawed(why) => QueryError::Index(why),
                })?);
                Ok(Sources { log, tables, index, recent, known })
            }
            None if !has_index => Ok(Sources { log, tables, index: None, recent: Recent::After(0), known: None }),
            None => {
                let (index, after) = connection.of_another_process(&self.path, log, tables);
                Ok(Sources { log, tables, index, recent: Recent::After(after), known: None })
            }
        }
    }

    /// Makes the index again, since it is damaged or wrong.
    pub(super) fn rebuild_index(&self, why: &str) {
        if let Some(index) = self.index.get() {
            index.damaged(why);
        }
    }

    /// Returns why the index does not lead to `event`. `None`: it does, or the event is not indexed yet.
    pub(super) fn index_flaw(&self, reader: &mut Reader, event: &Recorded) -> Option<String> {
        if event.position.0 <= reader.tables.old_end() {
            return None;
        }
        let index = reader.index.get(self.index.get()?).ok()?;
        let found = index.origin().and_then(|origin| {
            let places = index.places(&key(&event.stream), event.revision.0, 1)?;
            Ok(origin.position < event.position.0
                || places.first().is_some_and(|place| place.position == event.position.0))
        });
        match found {
            Ok(true) => None,
            Ok(false) => Some(format!("it does not lead to the event at position {}", event.position)),
            Err(error) => file::is_flaw(&error).then(|| error.to_string()),
        }
    }

    fn read_now<T>(&self, query: impl FnOnce(&mut Reader) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let idle = locked(&self.idle).pop();
        let reader = match idle {
            Some(mut reader) => reader.look_again().map(|()| reader),
            None => Reader::open(&self.path),
        };
        let done = reader.and_then(|mut reader| query(&mut reader).map(|found| (found, reader)));
        match done {
            Ok((found, reader)) => {
                locked(&self.idle).push(reader);
                Ok(found)
            }
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    /// Notes a corrupt event. Appends to its stream are refused from now on.
    pub(super) fn note(&self, error: &ReadError) {
        let ReadError::Corrupt { stream, revision, why, .. } = error else { return };
        let mut corrupt = locked(&self.corrupt);
        if corrupt.len() < REMEMBERED {
            corrupt.insert(stream.clone(), (*revision, why.clone()));
        }
        drop(corrupt);
        self.findings.note(error);
    }

    /// Returns the revision at which a corrupt event was found in the stream.
    pub(super) fn refused_from(&self, stream: &StreamName) -> Option<Revision> {
        locked(&self.corrupt).get(stream.as_str()).map(|(revision, _)| Revision(*revision))
    }

    /// Returns the error for appends to a stream in which a corrupt event was found.
    pub(super) fn refused(&self, stream: &StreamName) -> Option<AppendError> {
        let corrupt = locked(&self.corrupt);
        let (revision, why) = corrupt.get(stream.as_str())?;
        Some(AppendError::Corrupt { stream: stream.clone(), revision: Revision(*revision), why: why.clone() })
    }
}

impl Reader {
    fn open(path: &Path) -> Result<Reader, ReadError> {
        let log = schema::connect_reader(path).map_err(|error| not_opened(&error))?;
        let tables = Tables::of(&log).map_err(|error| unreadable(&error, Here::NOWHERE))?;
        Ok(Reader { log, tables, index: IndexConnection::default() })
    }

    // Another process may have begun to write in format 2.
    fn look_again(&mut self) -> Result<(), ReadError> {
        if self.tables.is_old() {
            self.tables = Tables::of(&self.log).map_err(|error| unreadable(&error, Here::NOWHERE))?;
        }
        Ok(())
    }
}

impl IndexConnection {
    // Opens the index that another process builds. Returns the position up to which it has the events. Without a usable
    // one the whole log has to be searched: slow, but right.
    fn of_another_process(
        &mut self,
        log: &Path,
        connection: &Connection,
        tables: Tables,
    ) -> (Option<&IndexReader>, u64) {
        self.opened = None;
        let opened = IndexReader::open(&log.with_file_name(file::FILE)).ok().flatten();
        let usable = opened.and_then(|index| {
            let origin = index.origin().ok()?;
            origin.fits(connection, tables).ok()?.then_some((origin.position, index))
        });
        let (position, index) = usable.map_or((0, None), |(position, index)| (position, Some(index)));
        self.opened = index.map(|index| (0, index));
        (self.opened.as_ref().map(|(_, index)| index), position)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
