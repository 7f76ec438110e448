//! How far each projection is, which version its tables have, and which keys were damaged when its rows were folded.

use crate::{ALL, Projection, ProjectionError, sql};
use events::{Entry, KeyName, Position, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::collections::BTreeSet;

/// Returns the tables of all projections.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|projection| projection.tables().iter().copied())
}

/// The progress of one projection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Checkpoint {
    pub position: Option<Position>,
    pub effective: Timestamp,
}

pub(crate) fn checkpoint_of(rows: &Connection, projection: &dyn Projection) -> rusqlite::Result<Checkpoint> {
    let select = "SELECT position, effective FROM checkpoints WHERE projection = ?1 AND version = ?2";
    let found = rows.prepare_cached(select)?.query_row(params![projection.name(), projection.version()], |row| {
        let position: Option<i64> = row.get(0)?;
        Ok(Checkpoint {
            position: position.map(|position| Position(position.cast_unsigned())),
            effective: Timestamp(row.get(1)?),
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Returns the position that every projection has reached, without those in `stopped`.
pub(crate) fn furthest_common(rows: &Connection, stopped: &BTreeSet<&str>) -> rusqlite::Result<Option<Position>> {
    let mut positions = Vec::with_capacity(ALL.len());
    for projection in ALL.iter().filter(|projection| !stopped.contains(projection.name())) {
        positions.push(checkpoint_of(rows, *projection)?.position);
    }
    Ok(positions.into_iter().min().flatten())
}

/// Returns the greatest position in the file, of a projection or a follower of the log.
pub(crate) fn furthest(rows: &Connection) -> rusqlite::Result<Option<Position>> {
    let select =
        "SELECT max(position) FROM (SELECT position FROM checkpoints UNION ALL SELECT position FROM followers)";
    let position: Option<i64> = rows.query_row(select, [], |row| row.get(0))?;
    Ok(position.map(|position| Position(position.cast_unsigned())))
}

/// Stores the checkpoint after the entries were folded.
pub(crate) fn keep_checkpoint(
    rows: &Connection,
    projection: &dyn Projection,
    mut checkpoint: Checkpoint,
    entries: &[&Entry],
) -> rusqlite::Result<()> {
    checkpoint.position = checkpoint.position.max(entries.last().map(|entry| entry.position));
    let keep = "INSERT INTO checkpoints (projection, version, position, effective) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (projection) DO UPDATE SET version = excluded.version, position = excluded.position,
            effective = excluded.effective";
    let position = checkpoint.position.map(sql);
    rows.prepare_cached(keep)?.execute(params![
        projection.name(),
        projection.version(),
        position,
        checkpoint.effective.0
    ])?;
    Ok(())
}

/// Stores the keys that were damaged when rows were folded.
pub(crate) fn keep_damaged_keys(rows: &mut Connection, names: &BTreeSet<KeyName>) -> Result<(), ProjectionError> {
    let transaction = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for name in names {
        transaction.execute("INSERT INTO damaged_keys (name) VALUES (?1) ON CONFLICT DO NOTHING", [&name.0])?;
    }
    Ok(transaction.commit()?)
}

/// Deletes all rows and checkpoints if `is_whole` holds for a key that was damaged when rows were folded.
pub(crate) fn forget_if(rows: &mut Connection, is_whole: impl Fn(&KeyName) -> bool) -> Result<bool, ProjectionError> {
    let transaction = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let names: Vec<KeyName> = {
        let mut select = transaction.prepare("SELECT name FROM damaged_keys")?;
        let names = select.query_map([], |row| Ok(KeyName(row.get(0)?)))?;
        names.collect::<Result<_, _>>()?
    };
    if !names.iter().any(is_whole) {
        return Ok(false);
    }
    for table in tables() {
        transaction.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    transaction.execute_batch("DELETE FROM checkpoints; DELETE FROM damaged_keys")?;
    transaction.commit()?;
    Ok(true)
}

/// Drops the tables of another version of this projection, which have the same names. Without a checkpoint every event
/// is folded again, so tables that a start left before its first checkpoint are dropped too, whatever their version.
pub(crate) fn drop_other_version(rows: &Connection, projection: &dyn Projection) -> rusqlite::Result<()> {
    let select = "SELECT version FROM checkpoints WHERE projection = ?1";
    let found: Option<u32> = rows.query_row(select, [projection.name()], |row| row.get(0)).optional()?;
    if found == Some(projection.version()) {
        return Ok(());
    }
    for table in projection.tables() {
        rows.execute_batch(&format!("DROP TABLE IF EXISTS \"{table}\""))?;
    }
    rows.execute("DELETE FROM checkpoints WHERE projection = ?1", [projection.name()])?;
    Ok(())
}

/// Drops tables of releases that had the version in the name, such as `devices_v4_current`. Called when the current
/// ones have caught up.
pub(crate) fn drop_old_versions(connection: &mut Connection) -> Result<(), ProjectionError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: Vec<String> = {
        let mut names = transaction.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
        let names = names.query_map([], |row| row.get(0))?;
        names.collect::<Result<_, _>>()?
    };
    for table in tables.iter().filter(|table| is_old(table)) {
        transaction.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    transaction.commit()?;
    Ok(())
}

fn is_old(table: &str) -> bool {
    ALL.iter().any(|projection| {
        let rest = table.strip_prefix(projection.name()).and_then(|rest| rest.strip_prefix("_v"));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}
