//! Folds over the log into tables that one can delete.
//!
//! Everything an administrator or auditor sees is read from here. Each projection has a file, a name, a version, tables
//! of its own in `projections.db`, a fold and its queries. [`Projections::run`] follows the log and writes rows and
//! checkpoint in one transaction, so that a repeated event changes nothing. A fold that changes gets a new version: its
//! tables carry the version in their names, are filled beside the old ones, and the old ones go when the new ones have
//! caught up.
//!
//! **Time.** Questions about the past use *effective time*: the greatest recorded-at so far in log order, so that a clock
//! that was set back never makes a later fact older than an earlier one.
//!
//! **Corrupt events** are never skipped: every projection stops there, and [`Projections::health`] says at which event. A fold
//! that fails stops its own projection alone: its queries fail, the others go on.
//!
//! **A damaged file** is set aside at the start and built anew ([`disposable`]).
//!
//! Reading order: [`people`] is the simplest fold, [`devices`] the one with a history, [`audit`] the widest.

pub mod audit;
pub mod certificates;
pub mod claims;
pub mod commands;
mod database;
pub mod devices;
pub mod disposable;
pub mod due;
mod follow;
pub mod last_seen;
pub mod people;
mod rebuild;
pub mod reenrollment;
pub mod renewals;
pub mod staff;
pub mod visits;

pub use database::{FILE, Projections};
pub use follow::Health;
pub use rebuild::{Rebuilt, TableDump};

use events::{Entry, Position, Timestamp};
use rusqlite::Connection;

/// A fold over the log into tables of its own.
pub(crate) trait Projection: Sync {
    fn name(&self) -> &'static str;

    /// Raised whenever tables or fold change: the projection is then built anew from the start of the log.
    fn version(&self) -> u32;

    /// Every table, named `<name>_v<version>_<what>`.
    fn tables(&self) -> &'static [&'static str];

    /// Creates the tables where there are none.
    fn schema(&self) -> &'static str;

    /// What an event changes. Errors are those of the database alone: every event is understood.
    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()>;
}

/// Every projection there is.
pub(crate) const ALL: &[&dyn Projection] = &[
    &people::People,
    &devices::Devices,
    &audit::Audit,
    &reenrollment::Reenrollment,
    &due::DueTimes,
    &visits::Visits,
    &certificates::Certificates,
    &claims::Claims,
    &commands::Commands,
    &staff::Staff,
    &renewals::Renewals,
];

/// Why a projection cannot be read or brought further.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProjectionError {
    #[error("projections.db cannot be used: {0}; it may be deleted, it is rebuilt from the log")]
    Database(String),
    #[error("projections.db cannot be written, since its disk is full: {0}; make room on it")]
    DiskFull(String),
    #[error("projections.db is damaged: {0}; restart the server, which sets it aside and builds it anew from the log")]
    Damaged(String),
    #[error("projection {projection} stopped at event {event}: {why}")]
    Stopped { projection: &'static str, event: String, why: String },
    #[error("the log cannot be followed: {0}")]
    Log(String),
    #[error("position {0} was not reached: the projections do not follow the log any more")]
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

/// A position as SQLite keeps it. Positions of every engine fit into 63 bits.
pub(crate) fn sql(position: Position) -> i64 {
    position.0.cast_signed()
}

/// Text for a `LIKE … ESCAPE '\'` that finds `text` anywhere.
pub(crate) fn like(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}
