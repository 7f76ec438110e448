//! Which log the files belong to: each projection, and the followers (the reactions), keep position and leaf hash of
//! the furthest event that they have passed. A log that was replaced by another one, even a longer one, has another
//! event there.

use crate::files::{COMMON, DIRECTORY, parse, remove};
use crate::{ProjectionError, sql};
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

/// Removes the projections in `directory` if one of their files belongs to another log than `log`, and returns the
/// position that shows it. Call this before [`Projections::open`](crate::Projections::open), which replaces files that
/// are ahead of the log. A file or an event that cannot be read shows nothing.
///
/// # Errors
/// Returns an error if a file cannot be removed.
pub async fn remove_if_of_another_log(directory: &Path, log: &Log) -> Result<Option<Position>, ProjectionError> {
    for (position, leaf) in passed(&directory.join(DIRECTORY)) {
        let Ok(there) = log.store().read_all(position.0.checked_sub(1).map(Position), 1).await else { continue };
        if there.first().is_some_and(|event| event.position == position && event.leaf != leaf) {
            remove(directory).map_err(crate::unusable)?;
            return Ok(Some(position));
        }
    }
    Ok(None)
}

/// Returns the furthest event of each file that can be read.
fn passed(directory: &Path) -> Vec<(Position, [u8; 32])> {
    let Ok(files) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    paths.filter_map(|path| furthest(&path)).collect()
}

fn furthest(path: &Path) -> Option<(Position, [u8; 32])> {
    let table = match parse(path) {
        Some(_) => "checkpoints",
        None if path.ends_with(COMMON) => "origin",
        None => return None,
    };
    let rows = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).ok()?;
    let select = format!("SELECT position, leaf FROM {table} WHERE position IS NOT NULL AND leaf IS NOT NULL");
    let found = rows.query_row(&select, [], |row| Ok((Position(row.get::<_, i64>(0)?.cast_unsigned()), row.get(1)?)));
    found.optional().ok()?
}
