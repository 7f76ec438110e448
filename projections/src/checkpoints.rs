//! How far a projection has folded the log. Its file has one row for this.

use crate::{Projection, sql};
use events::{Position, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// One row.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS checkpoints (
    projection TEXT PRIMARY KEY, version INTEGER NOT NULL, position INTEGER, effective INTEGER NOT NULL, leaf BLOB
) WITHOUT ROWID;";

/// The progress of one projection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Position of the last event that was folded.
    pub(crate) position: Option<Position>,
    /// The greatest recorded time so far.
    pub(crate) effective: Timestamp,
    /// Leaf hash of the last event. Another log has another event there.
    pub(crate) leaf: Option<[u8; 32]>,
}

pub(crate) fn read(rows: &Connection, projection: &dyn Projection) -> rusqlite::Result<Checkpoint> {
    let select = "SELECT position, effective, leaf FROM checkpoints WHERE projection = ?1 AND version = ?2";
    let found = rows.query_row(select, params![projection.name(), projection.version()], |row| {
        let position: Option<i64> = row.get(0)?;
        Ok(Checkpoint {
            position: position.map(|position| Position(position.cast_unsigned())),
            effective: Timestamp(row.get(1)?),
            leaf: row.get(2)?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

pub(crate) fn keep(
    rows: &Connection,
    projection: &dyn Projection,
    Checkpoint { position, effective, leaf }: Checkpoint,
) -> rusqlite::Result<()> {
    let keep = "INSERT OR REPLACE INTO checkpoints (projection, version, position, effective, leaf)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let position = position.map(sql);
    rows.prepare_cached(keep)?
        .execute(params![projection.name(), projection.version(), position, effective.0, leaf])
        .map(drop)
}
