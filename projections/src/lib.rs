//! Projections: folds over the log into tables that can be deleted and rebuilt.
//!
//! Everything that administrators and auditors see is read from here. Each projection has a source file, a name, a
//! version, a database file with its own tables and checkpoint, a fold and its queries. [`Projections::run`] follows
//! the log and writes rows and checkpoint in one transaction, so that a repeated event changes nothing.
//!
//! **Rebuild.** A changed fold gets a new version. A projection without rows, or that somebody rebuilds, is built in a
//! file beside (`build`), while the server serves; the complete file then takes the place of the current one. Until
//! then readers get the rows of the current file, or, if there is none, the error [`ProjectionError::Building`].
//!
//! **Time.** Queries about the past use *effective time*: the greatest recorded time so far in log order. So a clock
//! that was set back never makes a later event appear older than an earlier one.
//!
//! **Corrupt events** are never skipped: every projection stops there, and [`Projections::health`] names the event. If
//! the fold of a projection fails, only this projection stops: its queries fail, the others continue. After a fix it
//! goes on from its checkpoint at the next start, or from the first event by a rebuild.
//!
//! **A damaged file** is set aside at the start, and a new one is built ([`disposable`]).
//!
//! Reading order: `people` is the simplest fold, [`devices`] has a history, [`audit`] covers the most events.

pub mod audit;
mod build;
pub mod certificates;
mod checkpoints;
pub mod claims;
pub mod closings;
mod columns;
pub mod commands;
mod common;
mod cursor;
mod database;
pub mod devices;
mod digest;
pub mod disposable;
pub mod due;
pub mod enrollments;
mod files;
mod follow;
mod followers;
pub mod invitations;
pub mod last_seen;
pub mod links;
pub mod mails;
#[cfg(test)]
mod measure;
pub mod migration;
mod names;
mod opened;
pub mod origin;
pub mod people;
#[cfg(test)]
mod plans;
mod progress;
mod readers;
mod rebuild;
pub mod records;
pub mod reenrollment;
pub mod renewals;
pub mod staff;
mod unit;
pub mod waves;

pub use build::build_ahead;
pub use cursor::{Cursor, NoCursor};
pub use database::Projections;
pub use files::{DIRECTORY, remove};
pub use progress::{Building, Health, Standing};
pub use rebuild::{Rebuilt, TableDump};

use events::store::ReadError;
use events::{Entry, Position, Timestamp};
use rusqlite::Connection;

/// A fold over the log into its own tables.
pub(crate) trait Projection: Sync {
    fn name(&self) -> &'static str;

    /// Raised on every change of the tables or the fold: the projection is then rebuilt from the start of the log.
    fn version(&self) -> u32;

    /// Returns the names of all tables: `<name>_<what>`.
    fn tables(&self) -> &'static [&'static str];

    /// SQL that creates the tables, and the indexes that the fold needs, if they do not exist.
    fn schema(&self) -> &'static str;

    /// SQL that creates the indexes that only queries need, if they do not exist. A rebuild makes them at its end.
    fn indexes(&self) -> &'static str {
        ""
    }

    /// Returns the names of the other projections whose tables its queries read.
    fn joins(&self) -> &'static [&'static str] {
        &[]
    }

    /// Writes what an event changes. Errors can only come from the database, since every event was parsed before.
    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()>;
}

/// All projections.
pub(crate) const ALL: &[&dyn Projection] = &[
    &people::People,
    &devices::Devices,
    &audit::Audit,
    &names::Names,
    &reenrollment::Reenrollment,
    &due::DueTimes,
    &enrollments::Enrollments,
    &certificates::Certificates,
    &claims::Claims,
    &commands::Commands,
    &staff::Staff,
    &renewals::Renewals,
    &records::Records,
    &links::Links,
    &invitations::Invitations,
    &waves::Waves,
    &closings::Closings,
    &mails::Mails,
    &migration::Migration,
];

/// Why a projection cannot be read or updated.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProjectionError {
    #[error(
        "a file of the projections cannot be used: {0}; you can stop the server and delete the directory `projections`: the server builds it again from the log"
    )]
    Database(String),
    #[error("the projections cannot be written, since their disk is full: {0}; free some space")]
    DiskFull(String),
    #[error(
        "a file of the projections is damaged: {0}; restart the server, which sets it aside and builds it again from the log"
    )]
    Damaged(String),
    #[error("projection {projection} is built from the log and can be read when it is complete ({percent} % so far)")]
    Building { projection: &'static str, percent: u64 },
    /// `projection` is `all` at a corrupt event. `event` is the id of the event, or its place in the log.
    #[error("projection {projection} stopped at event {event}: {why}")]
    Stopped { projection: &'static str, event: String, why: String },
    #[error("the log cannot be followed: {0}")]
    Log(String),
    #[error("position {0} was not reached: the projections no longer follow the log")]
    NotFollowing(Position),
}

impl From<rusqlite::Error> for ProjectionError {
    fn from(error: rusqlite::Error) -> ProjectionError {
        match error.sqlite_error_code() {
            _ if disposable::is_damage(&error) => ProjectionError::Damaged(error.to_string()),
            Some(rusqlite::ErrorCode::DiskFull) => ProjectionError::DiskFull(error.to_string()),
            _ => ProjectionError::Database(error.to_string()),
        }
    }
}

/// Returns the error of a log that cannot be read. A corrupt event stops all projections.
pub(crate) fn corrupt(error: &ReadError) -> ProjectionError {
    match error {
        ReadError::Corrupt { stream, revision, position, why, .. } => ProjectionError::Stopped {
            projection: "all",
            event: format!("{revision} of {stream} at position {position}"),
            why: why.clone(),
        },
        ReadError::Unavailable(why) => ProjectionError::Log(why.clone()),
    }
}

/// Returns the error of a file or directory that cannot be used.
pub(crate) fn unusable(error: std::io::Error) -> ProjectionError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return ProjectionError::DiskFull(error.to_string());
    }
    ProjectionError::Database(error.to_string())
}

/// Copies the write-ahead log into the file and truncates it. Until then it contains pages with text that was cleared
/// from rows.
pub(crate) fn empty_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        // A reader kept an old page for longer than the busy timeout. Opening the file also truncates the log.
        tracing::warn!(
            "a write-ahead log of the projections may contain text of an erased person until the next erasure or restart"
        );
    }
    Ok(())
}

/// Converts a position to an SQLite integer. Positions of every event store fit into 63 bits.
pub(crate) fn sql(position: Position) -> i64 {
    position.0.cast_signed()
}

/// Returns a pattern for `LIKE … ESCAPE '\'` that finds `text` anywhere, in lower case.
pub(crate) fn like(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::{ALL, ProjectionError, disposable};
    use rusqlite::Connection;
    use std::collections::BTreeSet;

    #[test]
    fn each_projection_has_tables_of_its_own_that_begin_with_its_name() {
        let mut all = BTreeSet::new();
        for projection in ALL {
            let file = Connection::open_in_memory().unwrap();
            file.execute_batch(projection.schema()).unwrap();
            file.execute_batch(projection.indexes()).unwrap();
            // The tables of a virtual one are dropped with it.
            let select = "SELECT name FROM pragma_table_list WHERE type IN ('table', 'virtual')
                AND name NOT LIKE 'sqlite_%'";
            let mut select = file.prepare(select).unwrap();
            let made = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
            let made: BTreeSet<String> = made.collect::<Result<_, _>>().unwrap();
            let named: BTreeSet<String> = projection.tables().iter().map(|&table| table.to_owned()).collect();
            assert_eq!(named, made, "what is dropped and rebuilt is what was made");
            assert!(!named.is_empty());
            let of_its_own = |table: &String| table.starts_with(&format!("{}_", projection.name()));
            assert!(named.iter().all(of_its_own), "{named:?} of {}", projection.name());
            assert!(named.into_iter().all(|table| all.insert(table)), "no two have a table of one name");
        }
    }

    #[test]
    fn a_full_disk_a_damaged_file_and_anything_else_ask_for_different_help() {
        let told = |code: i32| {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            ProjectionError::from(error)
        };
        assert!(matches!(told(rusqlite::ffi::SQLITE_FULL), ProjectionError::DiskFull(_)));
        assert!(matches!(told(rusqlite::ffi::SQLITE_CORRUPT), ProjectionError::Damaged(_)));
        assert!(matches!(told(rusqlite::ffi::SQLITE_NOTADB), ProjectionError::Damaged(_)));
        assert!(matches!(told(rusqlite::ffi::SQLITE_BUSY), ProjectionError::Database(_)));
        let no_row = rusqlite::Error::QueryReturnedNoRows;
        assert!(!disposable::is_damage(&no_row));
        assert!(matches!(ProjectionError::from(no_row), ProjectionError::Database(_)));
    }
}
