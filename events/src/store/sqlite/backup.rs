//! Backs up a log and its keys while both are written to, and restores them. A backup and a restored log are verified
//! before they get their final name.
//!
//! The log is copied before the keys. A key is durable before the first event that uses it, so the copied keys include
//! every key that the copied log needs, and their sequence is not lower than the one recorded in the log. Both are
//! verified.
//!
//! A backup contains the keys, wrapped with the master key. The master key is *not* in the backup and must be kept
//! elsewhere. Restoring a backup from before the erasure of a person restores the person's key, so delete backups
//! within the time limit for erasure requests.

#[cfg(test)]
mod tests;

use super::index::file::FILE as INDEX;
use super::open_error::{OpenError, file_error};
use super::schema::{self, sync_directory};
use super::tables::Tables;
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

/// The content of a backup, stored in its `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Position of the newest event.
    pub position: Option<Position>,
    pub events: u64,
    pub streams: u64,
    /// Number of keys that the events are sealed with.
    pub keys: u64,
    /// The keys among them that the key store did not contain when the backup was made, not even as destroyed keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_keys: Vec<KeyName>,
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the copy is damaged: {0}")]
    Verify(#[from] VerifyError),
    #[error("{} is not empty: name an empty directory, or one that does not exist yet", .0.display())]
    NotEmpty(PathBuf),
    #[error("{} has no directory name: give a path such as /backup/2026-11-29", .0.display())]
    NoName(PathBuf),
    #[error(
        "there is a log in {} already, and a backup never replaces one: move events.db and keys.db, with their -wal and -shm files, out of it \
         and keep them, or name a configuration with another `store.directory`", .0.display()
    )]
    LogThere(PathBuf),
    #[error(
        "{} exists: another backup is running there, or one was interrupted. If none is running, remove it", .0.display()
    )]
    Unfinished(PathBuf),
    #[error("there is no key store at {}", .0.display())]
    NoKeys(PathBuf),
    #[error("{} is not a backup: it has no readable {MANIFEST} ({why})", .path.display())]
    NoManifest { path: PathBuf, why: String },
    #[error("the backup was altered: its manifest says {promised:?}, its files contain {found:?}")]
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
    #[error("cannot write the copy {}: {error}; free some space, grant write access, or name another directory", .path.display())]
    Write { path: PathBuf, error: rusqlite::Error },
}

impl BackupError {
    /// Returns the damage to the log that made the backup fail, if that is the reason.
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

/// Copies the log and the key store in `directory` into the new directory `destination`, also while a server writes to
/// them. `also` writes the other content of the backup there; its result is returned. Returns when the copy is verified
/// and durable. Blocks.
///
/// # Errors
/// Returns an error if anything cannot be read or written, or the verification of the copy fails; then `destination`
/// does not exist.
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
    // It is not known whether the directory belongs to a running backup or to an interrupted one.
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
        // The incomplete backup is useless, and only the first error is reported.
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
    let copied = schema::connect_reader(&log)?;
    let tables = Tables::of(&copied).map_err(|error| BackupError::Sqlite { path: log.clone(), error })?;
    let head = reader::head(&copied, tables).map_err(VerifyError::Read)?;
    drop(copied);
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

// Checks the source files first, so that an error names the damaged source and not its copy. (An empty file is copied
// without an error.)
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
/// Returns an error if `source` is not a backup, is damaged, or differs from its manifest.
pub fn verify(source: &Path) -> Result<Manifest, BackupError> {
    let promised = read_manifest(source)?;
    let found = check(&source.join(FILE), &source.join(keys::FILE))?;
    as_promised(found, &promised)
}

/// Restores the log and the key store of the backup in `source` to `directory`, which must contain neither. Returns
/// when they are verified and durable. `clear` removes files derived from another log; it is called before the restored
/// log exists. Blocks.
///
/// # Errors
/// Returns an error if `directory` already has a log, keys or write-ahead logs of either, or if `source` is not a
/// backup or differs from its manifest. Then `directory` contains nothing that `muster serve` would open.
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
            // Only the first error is reported; the next restore removes remaining files.
            let _ = remove_database(&new_log).and_then(|()| remove_database(&new_keys));
            return Err(error);
        }
    };
    clear().map_err(|error| file_error(directory, error))?;
    remove_database(&directory.join(INDEX)).map_err(|error| file_error(directory, error))?;
    // The log is renamed last, so that a log is never present without its keys.
    std::fs::rename(&new_keys, &key_store).map_err(|error| file_error(&key_store, error))?;
    std::fs::rename(&new_log, &log).map_err(|error| file_error(&log, error))?;
    sync_directory(directory)?;
    Ok(found)
}

/// Checks that `directory` is a valid target for [`restore`].
///
/// # Errors
/// Returns an error if `directory` contains a log or a key store, since [`restore`] never replaces one.
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

// Copies in one step, which is one read transaction: the copy shows one instant. Writers continue meanwhile.
fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let sqlite = |error| BackupError::Sqlite { path: from.to_owned(), error };
    let write = |error| BackupError::Write { path: to.to_owned(), error };
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite)?;
    source.busy_timeout(Duration::from_secs(5)).map_err(sqlite)?;
    // Opens the source and its write-ahead log, so that their errors are not reported as errors of the copy.
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(sqlite)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(|error| file_error(to, error))?;
    let mut target = Connection::open(to).map_err(write)?;
    let step = Backup::new(&source, &mut target).and_then(|backup| backup.step(-1));
    let step = step.map_err(|error| if is_of_reading(&error) { sqlite(error) } else { write(error) })?;
    if !matches!(step, StepResult::Done) {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(sqlite(rusqlite::Error::SqliteFailure(busy, Some("another process has it locked".into()))));
    }
    // The copy is complete without a write-ahead log; opening it for writing creates one.
    target.pragma_update(None, "journal_mode", "DELETE").map_err(write)?;
    target.close().map_err(|(_, error)| write(error))?;
    Ok(File::open(to).and_then(|file| file.sync_all()).map_err(|error| file_error(to, error))?)
}

// SQLite reports the errors of both files of a copy in the same way.
fn is_of_reading(error: &rusqlite::Error) -> bool {
    let reading = [rusqlite::ffi::SQLITE_IOERR_READ, rusqlite::ffi::SQLITE_IOERR_SHORT_READ];
    let extended = error.sqlite_error().map(|error| error.extended_code);
    is_damage(error) || extended.is_some_and(|code| reading.contains(&code))
}

fn check(log: &Path, key_store: &Path) -> Result<Manifest, BackupError> {
    let Verified { events, streams, head, keys } = verify_file(log)?;
    let sqlite = |error| BackupError::Sqlite { path: key_store.to_owned(), error };
    let connection = Connection::open_with_flags(key_store, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite)?;
    // A destroyed key has a row too, without the key.
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

/// Reads the manifest of the backup in `source`.
///
/// # Errors
/// Returns an error if `source` is not a backup.
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

// Next to the destination, even if its path ends with a slash.
fn unfinished(parent: &Path, destination: &Path) -> Result<PathBuf, BackupError> {
    let name = destination.file_name().ok_or_else(|| BackupError::NoName(destination.to_owned()))?;
    let mut name = name.to_owned();
    name.push(".unfinished");
    Ok(parent.join(name))
}

// Mode 0700: no other user of the machine may read the content.
fn make_directory(path: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| file_error(path, error))
}

fn remove_directory(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(path, error).into()),
        _ => Ok(()),
    }
}
