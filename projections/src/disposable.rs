//! Databases that may be lost, since they can be rebuilt. A damaged one is set aside under another name, so that the
//! server starts and the file can be examined.
//!
//! Damage found while the server runs is noted in a file next to the database; the next start sets the database aside.

use events::side_files::remove_database;
use events::sqlite::plan_once;
use rusqlite::{Connection, ErrorCode};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Maximum number of set-aside databases of one name; the oldest is removed.
const KEPT: u32 = 3;
/// Name endings of a database and its side files.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// A database that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its new path.
    pub to: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// Opens or creates the database at `path` and runs `prepare`, which creates its tables and reads initial data. A
/// damaged database is set aside first.
///
/// # Errors
/// Returns an error if the file cannot be read, written or renamed; such an error is not damage.
pub fn open<T>(
    path: &Path,
    prepare: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<((Connection, T), Option<SetAside>)> {
    let open = || {
        let connection = connect(path)?;
        let prepared = prepare(&connection)?;
        Ok((connection, prepared))
    };
    let why = match std::fs::read_to_string(note_of(path)) {
        Ok(why) => why,
        Err(_) => match open() {
            Err(error) if is_unusable(&error) => error.to_string(),
            opened => return opened.map(|opened| (opened, None)),
        },
    };
    let to = set_aside(path).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    Ok((open()?, Some(SetAside { to, why })))
}

/// Opens a writing connection to the database at `path`, which is created if it does not exist.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect_to(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // A file that a power failure leaves half made is damaged, and made again. Syncs would take most of the time.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Data lost in a power failure is folded again, or may be lost.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    plan_once(&connection)?;
    Ok(connection)
}

/// Opens a connection to the database at `path`, which is created if it does not exist. It overwrites what it deletes.
pub(crate) fn connect_to(path: &Path) -> rusqlite::Result<Connection> {
    // Created here to set its mode. SQLite gives the same mode to the side files.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let connection = Connection::open(path)?;
    // Overwrites cleared text (such as that of an erased person) in its page instead of only unlinking it.
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

/// Reads the whole database at `path` and returns whether it is sound.
pub(crate) fn is_sound(path: &Path) -> bool {
    let check = |rows: Connection| rows.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    Connection::open(path).and_then(check).is_ok_and(|found| found == "ok")
}

/// Returns whether the file is a database that was set aside, or a side file of one.
pub(crate) fn is_set_aside(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains(".db.aside-"))
}

/// Returns whether SQLite reports that the file is damaged.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

// Damage, or tables that are not Muster's (SQLITE_ERROR).
fn is_unusable(error: &rusqlite::Error) -> bool {
    is_damage(error) || error.sqlite_error_code() == Some(ErrorCode::Unknown)
}

/// Damage found in an open database; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Damage(Arc<OnceLock<String>>);

impl Damage {
    /// Notes what is wrong with the database at `path`, for health checks and the next start.
    pub fn note(&self, path: &Path, why: &str) {
        if self.0.set(why.to_owned()).is_ok() {
            tracing::error!(file = %path.display(), why, "a database is damaged; the next start sets it aside and creates a new one");
            // If the disk rejects this write, it most likely cannot be read at the next start either.
            let _ = std::fs::write(note_of(path), why);
        }
    }

    /// Returns what is wrong, if damage was found.
    pub fn found(&self) -> Option<String> {
        self.0.get().cloned()
    }
}

/// Removes all set-aside databases for `path`. Called when a person was erased, whose name they may contain.
///
/// # Errors
/// Returns an error if one cannot be removed.
pub fn forget_set_aside(path: &Path) -> std::io::Result<()> {
    (1..=KEPT).try_for_each(|nth| remove_database(&aside(path, nth)))
}

/// Removes the database at `path`, which no process has open and which will be rebuilt.
///
/// # Errors
/// Returns an error if it cannot be removed.
pub fn remove(path: &Path) -> std::io::Result<()> {
    remove_database(path)?;
    remove_if_there(&note_of(path))
}

fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    remove_database(&aside(path, KEPT))?;
    for nth in (1..KEPT).rev() {
        rename(&aside(path, nth), &aside(path, nth + 1))?;
    }
    rename(path, &aside(path, 1))?;
    remove_if_there(&note_of(path))?;
    Ok(aside(path, 1))
}

fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    for suffix in SUFFIXES {
        match std::fs::rename(with(from, suffix), with(to, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn aside(path: &Path, nth: u32) -> PathBuf {
    with(path, &format!(".aside-{nth}"))
}

fn note_of(path: &Path) -> PathBuf {
    with(path, ".damaged")
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &Connection) -> rusqlite::Result<()> {
        rows.execute_batch("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")
    }

    #[test]
    fn a_damaged_database_is_set_aside_and_made_anew_and_three_are_kept() {
        let directory = tempfile::tempdir().expect("the directory is created");
        let path = directory.path().join("some.db");
        assert_eq!(open(&path, table).expect("the database is created").1, None);
        for nth in 1..=5 {
            std::fs::write(&path, format!("no database {nth} {}", "x".repeat(200))).expect("the file is written");
            let ((connection, ()), aside) = open(&path, table).expect("the database is created again");
            let aside = aside.expect("the damaged file is set aside");
            assert!(
                std::fs::read_to_string(aside.to)
                    .expect("the file that was set aside is readable")
                    .contains(&format!("no database {nth} "))
            );
            connection.execute_batch("INSERT INTO numbers VALUES (1)").expect("the new database works");
        }
        let kept = std::fs::read_dir(directory.path()).expect("the directory is readable").count();
        assert_eq!(kept, 4, "the database and three files that were set aside");
        forget_set_aside(&path).expect("the files are removed");
        assert_eq!(std::fs::read_dir(directory.path()).expect("the directory is readable").count(), 1);
    }

    #[test]
    fn damage_that_was_noted_while_the_server_ran_is_set_aside_at_the_next_start() {
        let directory = tempfile::tempdir().expect("the directory is created");
        let path = directory.path().join("some.db");
        drop(open(&path, table).expect("the database is created"));
        let damage = Damage::default();
        damage.note(&path, "database disk image is malformed");
        damage.note(&path, "again");
        assert_eq!(damage.found().as_deref(), Some("database disk image is malformed"));
        let (_, aside) = open(&path, table).expect("the database is created again");
        assert_eq!(aside.map(|aside| aside.why).as_deref(), Some("database disk image is malformed"));
        assert_eq!(open(&path, table).expect("the database is opened").1, None, "the damage is reported once");
    }

    #[test]
    fn what_cannot_be_opened_is_no_damage() {
        let directory = tempfile::tempdir().expect("the directory is created");
        let path = directory.path().join("nowhere").join("some.db");
        assert!(open(&path, table).is_err());
        assert!(!directory.path().join("nowhere").exists());
    }

    #[test]
    fn an_error_that_is_no_damage_leaves_the_database_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("some.db");
        drop(open(&path, table).expect("made"));
        let kept = std::fs::read(&path).expect("read");
        let busy = |_: &Connection| -> rusqlite::Result<()> { Err(rusqlite::Error::QueryReturnedNoRows) };
        assert!(matches!(open(&path, busy), Err(rusqlite::Error::QueryReturnedNoRows)));
        assert_eq!(std::fs::read(&path).expect("still there"), kept);
        assert!(!aside(&path, 1).exists());
    }

    #[test]
    fn a_database_that_cannot_be_removed_is_not_said_to_be_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("some.db");
        drop(open(&path, table).expect("made"));
        std::fs::create_dir(note_of(&path)).expect("something in the way");
        assert!(remove(&path).is_err());
        std::fs::remove_dir(note_of(&path)).expect("out of the way");
        remove(&path).expect("removed, though it is gone already");
        assert!(!path.exists());
    }
}
