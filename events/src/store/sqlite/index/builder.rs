//! The thread that adds the log's new events to the index, and rebuilds an index that is lost, damaged or of another
//! log.
//!
//! While the index is rebuilt, streams cannot be read and appended to: nobody knows their heads. `index.db` is made
//! again without an operator, at the start and whenever a reader meets damage in it.

use super::file;
use super::handle::{Index, State};
use super::tail::{MOST_EVENTS, Recent, Tail};
use super::work::{Work, remake};
use super::{Place, key_of};
use crate::envelope::EventId;
use crate::store::sqlite::open_error::{OpenError, file_error};
use crate::store::sqlite::row::{event_at, is_damage};
use crate::store::sqlite::tables::Tables;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::watch;
use uuid::Uuid;

/// The longest tail that a start reads. A longer one is indexed in the background.
const READ_AT_START: u64 = MOST_EVENTS as u64;

/// Handle of the thread. Dropping it indexes what is waiting and ends the thread.
pub(in crate::store::sqlite) struct Builder {
    index: Arc<Index>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Builder {
    /// Opens or makes the index of `log`, reads the events that it does not have, and starts the thread. With more than
    /// [`READ_AT_START`] of them the index is ready later.
    pub(in crate::store::sqlite) fn start(
        log: &Path,
        connection: &Connection,
        failed: watch::Sender<Option<String>>,
    ) -> Result<Builder, OpenError> {
        let path = log.with_file_name(file::FILE);
        let sqlite = |error| OpenError::Sqlite { path: log.to_owned(), error };
        let tables = Tables::of(connection).map_err(sqlite)?;
        let head = tables.head(connection).map_err(sqlite)?.unwrap_or_default();
        let (opened, indexed) =
            open(&path, connection, tables).map_err(|error| OpenError::Sqlite { path: path.clone(), error })?;
        // Damaged pages are reported by the thread, while the server serves what it can.
        let near = match head - indexed <= READ_AT_START {
            true => match read_tail(connection, tables, indexed, head) {
                Err(error) if is_damage(&error) => None,
                read => Some(read.map_err(sqlite)?),
            },
            false => None,
        };
        let (state, built_to) = match near {
            Some(_) => (State::Ready(0), indexed),
            None => (State::Building { done: indexed, all: head }, head),
        };
        let tail = near.unwrap_or_else(|| Tail::after(head));
        let index = Arc::new(Index::new(log, path, tail, state, failed));
        let mut work = Work::new(Arc::clone(&index), tables, opened, indexed, built_to);
        let thread = std::thread::Builder::new()
            .name("log-index".into())
            .spawn(move || work.run())
            .map_err(|error| file_error(log, error))?;
        Ok(Builder { index, thread: Mutex::new(Some(thread)) })
    }

    pub(in crate::store::sqlite) fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Indexes what is waiting and ends the thread. Blocks.
    pub(in crate::store::sqlite) fn close(&self) {
        self.index.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread leaves an index that is behind, which the next start completes.
            let _ = thread.join();
        }
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        self.close();
    }
}

// Opens the index and returns how far it is. One that does not belong to the log is removed.
fn open(path: &Path, log: &Connection, tables: Tables) -> rusqlite::Result<(Connection, u64)> {
    let old_end = tables.old_end();
    if let Some(index) = file::open(path)? {
        match file::origin(&index) {
            Ok(origin) if origin.fits(log, tables)? => return Ok((index, origin.position.max(old_end))),
            Ok(_) => tracing::warn!("index.db does not belong to this log; it is rebuilt"),
            Err(error) => tracing::warn!(%error, "index.db is damaged; it is rebuilt"),
        }
    }
    remake(path).map(|index| (index, old_end))
}

fn read_tail(log: &Connection, tables: Tables, after: u64, head: u64) -> rusqlite::Result<Tail> {
    let mut tail = Tail::after(head);
    let select = "SELECT position, stream, revision, event_id, octet_length(envelope) FROM log WHERE position > ?1
        ORDER BY position";
    let mut select = log.prepare(select)?;
    let mut rows = select.query([after])?;
    while let Some(row) = rows.next()? {
        // A damaged row is found by whoever reads its stream.
        let (Some(key), Ok(position), Ok(revision)) = (key_of(row, 1)?, row.get(0), row.get(2)) else { continue };
        // Of two events for one place, a corrupt one does not count. Two intact ones are found when they are indexed.
        if tail.has(&key, revision) && event_at(log, tables, position).is_err() {
            continue;
        }
        let (id, bytes) = (row.get(3).unwrap_or_default(), row.get(4).unwrap_or_default());
        tail.push(&Recent { key, place: Place { revision, position }, id: EventId(Uuid::from_bytes(id)), bytes });
    }
    tail.hurry();
    Ok(tail)
}
