//! The thread that adds the log's new events to the index, and rebuilds an index that is lost, damaged or of another
//! log.
//!
//! While the index is rebuilt, streams cannot be read and appended to: nobody knows their heads. `index.db` is made
//! again without an operator, at the start and whenever a reader meets damage in it.

use super::Place;
use super::contents::Contents;
use super::file::{self, Double, Origin};
use super::handle::{Index, State};
use super::logged::{self, Claim};
use super::tail::{Sizes, Tail};
use super::work::{Work, remake};
use crate::store::sqlite::open_error::{OpenError, file_error};
use crate::store::sqlite::row::is_damage;
use crate::store::sqlite::tables::Tables;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// Handle of the thread. Dropping it indexes what is waiting and ends the thread.
pub(in crate::store::sqlite) struct Builder {
    index: Arc<Index>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Builder {
    /// Opens or makes the index of `log`, reads the events that it does not have, and starts the thread. If there are
    /// more than the tail may have, they are indexed in the background, and the index is ready later.
    pub(in crate::store::sqlite) fn start(
        log: &Path,
        connection: &Connection,
        failed: watch::Sender<Option<String>>,
        sizes: Sizes,
    ) -> Result<Builder, OpenError> {
        let path = log.with_file_name(file::FILE);
        let sqlite = |error| OpenError::Sqlite { path: log.to_owned(), error };
        let tables = Tables::of(connection).map_err(sqlite)?;
        let head = tables.head(connection).map_err(sqlite)?.unwrap_or_default();
        let (opened, indexed) =
            open(&path, connection, tables).map_err(|error| OpenError::Sqlite { path: path.clone(), error })?;
        // Damaged pages are reported by the thread, while the server serves what it can.
        let near = match head - indexed <= sizes.most() as u64 {
            true => match read_tail(connection, tables, [indexed, head], Tail::after(head, sizes)) {
                Err(error) if is_damage(&error) => None,
                read => Some(read.map_err(sqlite)?),
            },
            false => None,
        };
        let (tail, state, built_to) = match near {
            Some((tail, None)) => (tail, State::Ready(0), indexed),
            Some((tail, Some(why))) => {
                failed.send_replace(Some(why.clone()));
                (tail, State::Failed(why), indexed)
            }
            None => (Tail::after(head, sizes), State::Building { done: indexed, all: head }, head),
        };
        let index = Arc::new(Index::new(log, path, tables.has_old(), (tail, state), failed));
        index.use_filters(opened.filters());
        let mut work = Work::new(Arc::clone(&index), tables, opened, [indexed, built_to], sizes);
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
fn open(path: &Path, log: &Connection, tables: Tables) -> rusqlite::Result<(Contents, u64)> {
    let old_end = tables.old_end();
    if let Some(index) = file::open(path)? {
        match read(index) {
            Ok((contents, origin)) if origin.fits(log, tables)? => return Ok((contents, origin.position.max(old_end))),
            Ok(_) => tracing::warn!("index.db does not belong to this log; it is rebuilt"),
            Err(error) => tracing::warn!(%error, "index.db is damaged; it is rebuilt"),
        }
    } else if path.exists() {
        tracing::warn!("index.db is damaged, or of another version; it is rebuilt");
    }
    Ok((Contents::of(remake(path)?)?, old_end))
}

fn read(index: Connection) -> rusqlite::Result<(Contents, Origin)> {
    let origin = file::origin(&index)?;
    Ok((Contents::of(index)?, origin))
}

// Reads the events that the index does not have, and finds two for one place. Of these a corrupt one does not count.
fn read_tail(
    log: &Connection,
    tables: Tables,
    [after, head]: [u64; 2],
    mut tail: Tail,
) -> rusqlite::Result<(Tail, Option<String>)> {
    let mut twice = None;
    logged::each(log, tables, [after, head], |event| {
        let Place { revision, position } = event.place;
        let Some(there) = tail.current(&event.key, revision) else { return tail.push(event) };
        let double = Double { revision, positions: [there.place.position, position] };
        match logged::examine(log, tables, &double) {
            Claim::Corrupt(positions) if positions.contains(&position) => {}
            Claim::Corrupt(_) => tail.replace(event),
            Claim::Both | Claim::Neither => {
                twice.get_or_insert_with(|| logged::told(Some(log), tables, &double));
            }
        }
    })?;
    tail.hurry();
    Ok((tail, twice))
}
