//! Which log `projections.db` belongs to: position and leaf hash of the furthest event that a projection has folded or
//! a follower (a reaction) has passed. A log that was replaced by another one, even a longer one, has another event
//! there.

use crate::disposable;
use crate::{FILE, ProjectionError, sql};
use events::Position;
use events::log::Log;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::path::Path;

/// One row.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS origin (
    id INTEGER PRIMARY KEY CHECK (id = 0), position INTEGER NOT NULL, leaf BLOB NOT NULL
);";

/// Notes the event with this position and leaf hash, in the transaction of what was done with it. Keeps a further one.
pub(crate) fn note(rows: &Connection, position: Position, leaf: [u8; 32]) -> rusqlite::Result<()> {
    let keep = "INSERT INTO origin (id, position, leaf) VALUES (0, ?1, ?2) ON CONFLICT (id)
        DO UPDATE SET position = excluded.position, leaf = excluded.leaf WHERE excluded.position > origin.position";
    rows.prepare_cached(keep)?.execute(params![sql(position), leaf]).map(drop)
}

/// Removes `projections.db` in `directory` if it belongs to another log than `log`, and returns the position that
/// shows it. Call this before [`Projections::open`](crate::Projections::open), which replaces a file that is ahead of
/// the log. A file or an event that cannot be read shows nothing.
///
/// # Errors
/// Returns an error if the file cannot be removed.
pub async fn remove_if_of_another_log(directory: &Path, log: &Log) -> Result<Option<Position>, ProjectionError> {
    let path = directory.join(FILE);
    let Some((position, leaf)) = belongs_to(&path) else { return Ok(None) };
    let Ok(there) = log.store().read_all(position.0.checked_sub(1).map(Position), 1).await else { return Ok(None) };
    match there.first() {
        Some(event) if event.position == position && event.leaf != leaf => {
            disposable::remove(&path).map_err(|error| ProjectionError::Database(error.to_string()))?;
            Ok(Some(position))
        }
        _ => Ok(None),
    }
}

fn belongs_to(path: &Path) -> Option<(Position, [u8; 32])> {
    let rows = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).ok()?;
    let origin = rows.query_row("SELECT position, leaf FROM origin", [], |row| {
        Ok((Position(row.get::<_, i64>(0)?.cast_unsigned()), row.get(1)?))
    });
    origin.optional().ok()?
}
