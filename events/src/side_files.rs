//! Removes and checks the files that SQLite keeps next to a database: write-ahead log, its index and rollback journal.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

const ENDINGS: [&str; 3] = ["-wal", "-shm", "-journal"];

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a database that no process has open, and its side files, if they exist.
///
/// # Errors
/// Returns an error if an existing file cannot be removed.
pub fn remove_database(database: &Path) -> io::Result<()> {
    remove_if_there(database)?;
    ENDINGS.iter().try_for_each(|ending| remove_if_there(&beside(database, ending)))
}

/// Removes the side files of a database that no process has open, if its write-ahead log is empty and it has no
/// rollback journal. Then they contain nothing.
///
/// # Errors
/// Returns an error if an existing file cannot be removed.
pub fn remove_empty(database: &Path) -> io::Result<()> {
    let holds_something = beside(database, "-wal").metadata().is_ok_and(|wal| wal.len() > 0);
    if holds_something || beside(database, "-journal").exists() {
        return Ok(());
    }
    ENDINGS.iter().try_for_each(|ending| remove_if_there(&beside(database, ending)))
}

/// A side file without its database. SQLite would replay it into the next database at this path.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} was left by a database that is no longer here and may hold its newest changes: move the file next to that database, or delete it if you \
     do not need it",
    .0.display()
)]
pub struct LeftBehind(pub PathBuf);

/// Looks for side files of a database that does not exist. Removes files without content and returns the first file
/// that may have some.
///
/// # Errors
/// Returns an error if a file cannot be examined, or an empty one cannot be removed.
pub(crate) fn left_behind(database: &Path) -> io::Result<Option<LeftBehind>> {
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
