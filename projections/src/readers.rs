//! Connections for queries. Each has the file of one projection and those of the projections that its queries join.

use crate::unit::File;
use events::sqlite::plan_once;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Maximum number of idle connections that are kept open.
const IDLE: usize = 16;

/// Maximum number of prepared statements of a connection. A page of devices needs about 20.
const STATEMENTS: usize = 64;

/// A connection and the files that it has open. The connection is closed before the files are dropped.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    files: Vec<Arc<File>>,
}

/// Idle connections, the one used last at the end.
#[derive(Default)]
pub(crate) struct Readers(Mutex<Vec<Reader>>);

impl Readers {
    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a connection to exactly these files and to `common`.
    ///
    /// # Errors
    /// Returns an error if a file cannot be opened.
    pub(crate) fn take(&self, files: Vec<Arc<File>>, common: &Path) -> rusqlite::Result<Reader> {
        let mut idle = self.idle();
        if let Some(nth) = idle.iter().rposition(|reader| are_same(&reader.files, &files)) {
            return Ok(idle.remove(nth));
        }
        drop(idle);
        let connection = Connection::open_in_memory()?;
        connection.busy_timeout(Duration::from_secs(10))?;
        plan_once(&connection)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        for (nth, path) in files.iter().map(|file| file.path.as_path()).chain([common]).enumerate() {
            connection.execute(&format!("ATTACH DATABASE ?1 AS file_{nth}"), [path.to_string_lossy()])?;
        }
        connection.pragma_update(None, "query_only", true)?;
        Ok(Reader { connection, files })
    }

    pub(crate) fn put_back(&self, reader: Reader) {
        let mut idle = self.idle();
        // Looked at under the lock: a file is marked before the idle connections to it are closed.
        if reader.files.iter().any(|file| file.is_replaced()) {
            return;
        }
        idle.push(reader);
        if idle.len() > IDLE {
            idle.remove(0);
        }
    }

    /// Closes the idle connections to a file that was replaced.
    pub(crate) fn close_replaced(&self, file: &Arc<File>) {
        self.idle().retain(|reader| !reader.files.iter().any(|open| Arc::ptr_eq(open, file)));
    }
}

fn are_same(one: &[Arc<File>], other: &[Arc<File>]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
}
