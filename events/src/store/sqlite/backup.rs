//! A copy of a log and its keys, taken while both are written to, and the way back. Both ways end with a verification
//! of what was made; nothing unverified ever bears its final name.
//!
//! The log is copied first, the keys after it: since a key is durable before the first event that uses it, the copy of
//! the keys has every key that the copy of the log needs, and a sequence that is not lower than the one the log has seen. Both are
//! verified.
//!
//! A backup holds keys (wrapped by the master key, which is *not* in it and must be kept elsewhere). Whoever restores a
//! backup from before a person was erased brings their key back: keep backups no longer than people may wait to be
//! forgotten.

use super::schema::{self, OpenError, file_error, sync_directory};
use super::verify::{Verified, VerifyError, verify_file};
use super::{FILE, lock, reader};
use crate::envelope::Position;
use crate::personal::KeyName;
use crate::personal::keys::{self, KeyError};
use crate::side_files::remove_database;
use crate::store::findings::UNKNOWN;
use crate::store::{Corruption, Damaged};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MANIFEST: &str = "backup.json";

/// What a backup holds; in its `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Position of the newest event in it.
    pub position: Option<Position>,
    pub events: u64,
    pub streams: u64,
    /// How many keys its events are sealed under.
    pub keys: u64,
    /// Those of them that the key store does not know, not even as destroyed: it lacked them when the backup was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_keys: Vec<KeyName>,
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the copy is not sound: {0}")]
    Verify(#[from] VerifyError),
    #[error("{} is not empty: name a directory that is, or that is not there yet", .0.display())]
    NotEmpty(PathBuf),
    #[error("{} has no name of its own: name the directory by its path, such as /backup/2026-11-29", .0.display())]
    NoName(PathBuf),
    #[error(
        "there is a log in {} already, and a backup never replaces one: move events.db and keys.db, with their -wal and -shm files, out of it \
         and keep them, or name a configuration with another `store.directory`", .0.display()
    )]
    LogThere(PathBuf),
    #[error(
        "{} is there: another backup is being made there, or one was broken off. If none is being made, remove it", .0.display()
    )]
    Unfinished(PathBuf),
    #[error("there is no key store at {}", .0.display())]
    NoKeys(PathBuf),
    #[error("{} is no backup: it has no {MANIFEST} that can be read ({why})", .path.display())]
    NoManifest { path: PathBuf, why: String },
    #[error("the backup was made of {promised:?}, and holds {found:?}: it was altered")]
    Altered { promised: Box<Manifest>, found: Box<Manifest> },
    #[error(
        "the keys are older than the log: their sequence is {found}, the log uses {needed}. Restore the newest keys.db \
         (docs/operating.md, \"An older or lost keys.db\")"
    )]
    OlderKeys { needed: u64, found: u64 },
    #[error("{0}")]
    Also(io::Error),
    #[error("{}: {error}", .path.display())]
    Sqlite { path: PathBuf, error: rusqlite::Error },
    #[error("cannot write the copy {}: {error}; make room there, give the right to write there, or name another place", .path.display())]
    Write { path: PathBuf, error: rusqlite::Error },
}

impl BackupError {
    /// The damage to the log that ended the backup, if that is why it ended.
    pub fn corruption(&self) -> Option<Corruption> {
        match self {
            BackupError::Verify(VerifyError::Read(error)) => error.corruption(),
            BackupError::Verify(VerifyError::Structure(why)) => Some(somewhere(Damaged::Page, why.clone())),
            BackupError::Sqlite { path, error } if is_damage(error) => {
                let is_of_keys = path.file_name().is_some_and(|name| name == keys::FILE);
                Some(match is_of_keys {
                    true => somewhere(Damaged::KeyStore, KeyError::Damaged(error.to_string()).to_string()),
                    false => somewhere(Damaged::Page, error.to_string()),
                })
            }
            _ => None,
        }
    }
}

fn somewhere(damaged: Damaged, why: String) -> Corruption {
    Corruption { stream: UNKNOWN.into(), revision: 0, position: 0, damaged, why }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Copies the log and the key store in `directory` into the new directory `destination`, also while a server writes
/// them. `also` puts there what else the backup is to hold, and what it returns is returned. Returns when the copy is verified and durable. Blocks.
///
/// # Errors
/// If anything cannot be read or written, or the copy does not verify; then `destination` does not exist.
pub fn backup<T>(
    directory: &Path,
    destination: &Path,
    also: impl FnOnce(&Path) -> io::Result<T>,
) -> Result<(Manifest, T), BackupError> {
    schema::expect_log(directory)?;
    let key_store = directory.join(keys::FILE);
    if !key_store.is_file() {
        return Err(BackupError::NoKeys(key_store));
    }
    expect_empty(destination)?;
    let parent = destination.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unfinished = unfinished(parent, destination)?;
    make_directory(parent)?;
    // Whose it is cannot be told: of another backup that is being made, or of one that was broken off.
    if let Err(error) = DirBuilder::new().mode(0o700).create(&unfinished) {
        return Err(match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Unfinished(unfinished),
            _ => file_error(&unfinished, error).into(),
        });
    }
    let filled = fill(directory, &unfinished).and_then(|manifest| {
        let added = also(&unfinished).map_err(BackupError::Also)?;
        sync_directory(&unfinished)?;
        std::fs::rename(&unfinished, destination).map_err(|error| file_error(destination, error))?;
        Ok((manifest, added))
    });
    if filled.is_err() {
        // What is left of it is of no use, and the first error is the one to tell.
        let _ = remove_directory(&unfinished);
    }
    let done = filled?;
    sync_directory(parent)?;
    Ok(done)
}

fn fill(directory: &Path, unfinished: &Path) -> Result<Manifest, BackupError> {
    let (log, key_store) = (unfinished.join(FILE), unfinished.join(keys::FILE));
    expect_databases(directory)?;
    copy(&directory.join(FILE), &log)?;
    copy(&directory.join(keys::FILE), &key_store)?;
    let head = reader::head(&schema::connect_reader(&log)?).map_err(VerifyError::Read)?;
    let write = |error| match is_of_reading(&error) {
        true => BackupError::Sqlite { path: key_store.clone(), error },
        false => BackupError::Write { path: key_store.clone(), error },
    };
    let keys = Connection::open(&key_store).map_err(write)?;
    keys::know_at_most(&keys, head.map_or(0, |head| head.0)).map_err(write)?;
    keys.close().map_err(|(_, error)| write(error))?;
    let manifest = check(&log, &key_store)?;
    write_manifest(&unfinished.join(MANIFEST), &manifest)?;
    Ok(manifest)
}

// An empty file is copied as one: what is wrong is told of the file that was to be copied, not of the copy.
fn expect_databases(directory: &Path) -> Result<(), BackupError> {
    schema::connect_reader(&directory.join(FILE))?;
    let path = directory.join(keys::FILE);
    let key_store = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let sequence = key_store.and_then(|key_store| {
        key_store.busy_timeout(Duration::from_secs(5))?;
        keys::sequence_of(&key_store)
    });
    sequence.map(drop).map_err(|error| BackupError::Sqlite { path, error })
}

/// Reads the whole backup in `source` and compares it with its manifest. Changes nothing. Blocks.
///
/// # Errors
/// If it is no backup, is damaged, or is not what its manifest says.
pub fn verify(source: &Path) -> Result<Manifest, BackupError> {
    let promised = read_manifest(source)?;
    let found = check(&source.join(FILE), &source.join(keys::FILE))?;
    as_promised(found, &promised)
}

/// Makes the log and the key store of the backup in `source` those of `directory`, which holds none. Returns when they
/// are verified and durable. `clear` removes what was made of another log; it is called before this log is there. Blocks.
///
/// # Errors
/// If `directory` has a log or keys already, or write-ahead logs that belong to some, if `source` is no backup or not what its
/// manifest says; then nothing is in `directory` that `muster serve` would open.
pub fn restore(
    source: &Path,
    directory: &Path,
    clear: impl FnOnce() -> io::Result<()>,
) -> Result<Manifest, BackupError> {
    let promised = read_manifest(source)?;
    let (log, key_store) = (directory.join(FILE), directory.join(keys::FILE));
    expect_no_log(directory)?;
    make_directory(directory)?;
    let _lock = lock::take(directory)?;
    for database in [&log, &key_store] {
        schema::expect_nothing_left(database)?;
    }
    let (new_log, new_keys) = (directory.join("events.db.new"), directory.join("keys.db.new"));
    let found = match bring(source, &promised, &new_log, &new_keys) {
        Ok(found) => found,
        Err(error) => {
            // The first error is the one to tell; what stays lying is removed by the next restore.
            let _ = remove_database(&new_log).and_then(|()| remove_database(&new_keys));
            return Err(error);
        }
    };
    clear().map_err(|error| file_error(directory, error))?;
    // The log last: where there is a log there are its keys.
    std::fs::rename(&new_keys, &key_store).map_err(|error| file_error(&key_store, error))?;
    std::fs::rename(&new_log, &log).map_err(|error| file_error(&log, error))?;
    sync_directory(directory)?;
    Ok(found)
}

/// # Errors
/// If there is a log or a key store in `directory`, over which [`restore`] brings nothing back.
pub fn expect_no_log(directory: &Path) -> Result<(), BackupError> {
    let is_there = [FILE, keys::FILE].iter().any(|file| directory.join(file).exists());
    if is_there { Err(BackupError::LogThere(directory.to_owned())) } else { Ok(()) }
}

fn bring(source: &Path, promised: &Manifest, log: &Path, key_store: &Path) -> Result<Manifest, BackupError> {
    remove_database(log).map_err(|error| file_error(log, error))?;
    remove_database(key_store).map_err(|error| file_error(key_store, error))?;
    copy(&source.join(FILE), log)?;
    copy(&source.join(keys::FILE), key_store)?;
    let found = check(log, key_store)?;
    as_promised(found, promised)
}

fn as_promised(found: Manifest, promised: &Manifest) -> Result<Manifest, BackupError> {
    match found == *promised {
        true => Ok(found),
        false => Err(BackupError::Altered { promised: Box::new(promised.clone()), found: Box::new(found) }),
    }
}

// In one step, which is one read transaction: a copy of one instant. A writer goes on meanwhile.
fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let sqlite = |error| BackupError::Sqlite { path: from.to_owned(), error };
    let write = |error| BackupError::Write { path: to.to_owned(), error };
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite)?;
    source.busy_timeout(Duration::from_secs(5)).map_err(sqlite)?;
    // Opens its file and its write-ahead log: what fails there is not taken for an error of the copy.
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(sqlite)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(|error| file_error(to, error))?;
    let mut target = Connection::open(to).map_err(write)?;
    let step = Backup::new(&source, &mut target).and_then(|backup| backup.step(-1));
    let step = step.map_err(|error| if is_of_reading(&error) { sqlite(error) } else { write(error) })?;
    if !matches!(step, StepResult::Done) {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(sqlite(rusqlite::Error::SqliteFailure(busy, Some("somebody else holds it".into()))));
    }
    // A copy stands for itself, without a write-ahead log beside it; whoever opens it for writing makes one.
    target.pragma_update(None, "journal_mode", "DELETE").map_err(write)?;
    target.close().map_err(|(_, error)| write(error))?;
    Ok(File::open(to).and_then(|file| file.sync_all()).map_err(|error| file_error(to, error))?)
}

// SQLite gives one error for both files of a copy.
fn is_of_reading(error: &rusqlite::Error) -> bool {
    let reading = [rusqlite::ffi::SQLITE_IOERR_READ, rusqlite::ffi::SQLITE_IOERR_SHORT_READ];
    let extended = error.sqlite_error().map(|error| error.extended_code);
    is_damage(error) || extended.is_some_and(|code| reading.contains(&code))
}

fn check(log: &Path, key_store: &Path) -> Result<Manifest, BackupError> {
    let Verified { events, streams, head, keys } = verify_file(log)?;
    let sqlite = |error| BackupError::Sqlite { path: key_store.to_owned(), error };
    let connection = Connection::open_with_flags(key_store, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite)?;
    // A destroyed key is there, too: as a name.
    let mut select = connection.prepare("SELECT 1 FROM key WHERE name = ?1").map_err(sqlite)?;
    let count = keys.len() as u64;
    let mut missing_keys = Vec::new();
    for key in keys {
        if !select.exists([&key.0]).map_err(sqlite)? {
            missing_keys.push(key);
        }
    }
    let needed = reader::key_sequence(&schema::connect_reader(log)?).map_err(VerifyError::Read)?.unwrap_or(0);
    let found = keys::sequence_of(&connection).map_err(sqlite)?;
    if found < needed {
        return Err(BackupError::OlderKeys { needed, found });
    }
    Ok(Manifest { position: head, events, streams, keys: count, missing_keys })
}

fn write_manifest(path: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let text = serde_json::to_string_pretty(manifest).expect("a manifest is always written");
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|error| file_error(path, error))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| file_error(path, error))?;
    Ok(())
}

/// What the backup in `source` says that it holds.
///
/// # Errors
/// If it is no backup.
pub fn read_manifest(source: &Path) -> Result<Manifest, BackupError> {
    let bad = |why: String| BackupError::NoManifest { path: source.to_owned(), why };
    let text = std::fs::read_to_string(source.join(MANIFEST)).map_err(|error| bad(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| bad(error.to_string()))
}

fn expect_empty(directory: &Path) -> Result<(), BackupError> {
    match std::fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(false) => Err(BackupError::NotEmpty(directory.to_owned())),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(directory, error).into()),
        _ => Ok(()),
    }
}

// Beside the destination, also where that is written with a slash at its end.
fn unfinished(parent: &Path, destination: &Path) -> Result<PathBuf, BackupError> {
    let name = destination.file_name().ok_or_else(|| BackupError::NoName(destination.to_owned()))?;
    let mut name = name.to_owned();
    name.push(".unfinished");
    Ok(parent.join(name))
}

// What is in it concerns nobody else on the machine.
fn make_directory(path: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| file_error(path, error))
}

fn remove_directory(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(path, error).into()),
        _ => Ok(()),
    }
}
