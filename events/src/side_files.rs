//! The files that SQLite keeps beside a database (write-ahead log, its index, rollback journal), for whoever removes a database or puts one there.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

const ENDINGS: [&str; 3] = ["-wal", "-shm", "-journal"];

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a database that nobody has open, and the files beside it, as far as they are there.
///
/// # Errors
/// If one is there and cannot be removed.
pub fn remove_database(database: &Path) -> io::Result<()> {
    remove_if_there(database)?;
    ENDINGS.iter().try_for_each(|ending| remove_if_there(&beside(database, ending)))
}

/// Removes the files beside a database that nobody has open, if its write-ahead log is empty: then they hold nothing.
///
/// # Errors
/// If one is there and cannot be removed.
pub fn remove_empty(database: &Path) -> io::Result<()> {
    let holds_something = beside(database, "-wal").metadata().is_ok_and(|wal| wal.len() > 0);
    if holds_something || beside(database, "-journal").exists() {
        return Ok(());
    }
    ENDINGS.iter().try_for_each(|ending| remove_if_there(&beside(database, ending)))
}

/// A file beside the place of a database that is not there. SQLite would play it into the database that is put there.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is left from a database that is gone, and may hold its newest changes: move it to where that database is, or delete it if you \
     have no use for it",
    .0.display()
)]
pub struct LeftBehind(pub PathBuf);

/// Looks for files beside the place of a database that is not there. Those that hold nothing are removed; the first that may hold
/// something is returned.
///
/// # Errors
/// If it cannot be told, or an empty one cannot be removed.
pub fn left_behind(database: &Path) -> io::Result<Option<LeftBehind>> {
    remove_empty(database)?;
    for ending in ENDINGS {
        let file = beside(database, ending);
        if file.try_exists()? {
            return Ok(Some(LeftBehind(file)));
        }
    }
    Ok(None)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
