//! Rebuilds every projection from the start of the log, next to the current tables, and swaps them.

use crate::checkpoints::{furthest_common, keep_damaged_keys, tables};
use crate::database::{Applied, Beside, apply, empty_write_ahead_log, open_writer};
use crate::follow::corrupt;
use crate::{ProjectionError, Projections};
use events::log::{Log, Viewed};
use events::{Entry, Position};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, TransactionBehavior};
use std::collections::BTreeSet;
use std::path::Path;

/// Number of events folded in one transaction. Larger batches gain little (measured: 53, 108 and 141 thousand events
/// per second with 100, 1,000 and 5,000).
const BATCH: usize = 2_000;

/// Result of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Number of events folded.
    pub events: u64,
    /// Position that the projections have reached.
    pub position: Option<Position>,
    /// Tables whose rebuilt rows differ from the previous ones. `None` if both were at different positions and cannot
    /// be compared.
    pub changed: Option<Vec<String>>,
}

/// The rows of a table as text, sorted. For comparison only, not for parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDump {
    pub table: String,
    /// One line for each row: `column=value ` for each column. Sorted.
    pub rows: Vec<String>,
}

impl Projections {
    /// Rebuilds every projection from the start of `log` and replaces the current rows. Readers see the old rows until
    /// the new ones are complete.
    ///
    /// # Errors
    /// Returns an error at a corrupt event, or if the log or the file cannot be used; then the old rows are kept.
    pub async fn rebuild(&self, log: &Log) -> Result<Rebuilt, ProjectionError> {
        let beside = Beside::at(self.path());
        beside.remove();
        let result = self.rebuild_beside(log, &beside).await;
        beside.remove();
        let rebuilt = result?;
        // A rebuild after an erasure removes the person's text from all tables.
        self.write(|rows| Ok(empty_write_ahead_log(rows)?)).await?;
        self.inner.progress.change(|health| {
            health.position = rebuilt.position;
            health.stopped = None;
            health.stopped_alone.clear();
        });
        Ok(rebuilt)
    }

    async fn rebuild_beside(&self, log: &Log, beside: &Beside) -> Result<Rebuilt, ProjectionError> {
        let path = beside.0.clone();
        let mut new = tokio::task::spawn_blocking(move || open_writer(&path))
            .await
            .map_err(|error| ProjectionError::Database(error.to_string()))??;
        let (mut events, mut after) = (0, None);
        loop {
            let recorded = log.store().read_all(after, BATCH).await.map_err(|error| corrupt(&error))?;
            if recorded.is_empty() {
                let path = beside.0.clone();
                match self.write(move |rows| swap(rows, &path)).await? {
                    Some((position, changed)) => return Ok(Rebuilt { events, position, changed }),
                    // The follower is ahead now: read its newer events.
                    None => continue,
                }
            }
            let Viewed { entries, damaged, error } = log.view(recorded).await;
            if let Some(error) = error {
                return Err(corrupt(&error));
            }
            keep_damaged_keys(&mut new, &damaged)?;
            events += entries.len() as u64;
            let folded =
                tokio::task::spawn_blocking(move || fold_all(&mut new, &entries).map(|position| (new, position)));
            (new, after) = folded.await.map_err(|error| ProjectionError::Database(error.to_string()))??;
        }
    }

    /// Returns all rows of all projections. Two dumps at the same position are equal, no matter how the rows were
    /// folded.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub async fn dump(&self) -> Result<Vec<TableDump>, ProjectionError> {
        self.read(|rows| tables().map(|table| dump_table(rows, table)).collect()).await
    }
}

// In a rebuild, a projection that stops ends the whole rebuild: the current rows are kept.
fn fold_all(rows: &mut Connection, entries: &[Entry]) -> Result<Option<Position>, ProjectionError> {
    let entries: Vec<&Entry> = entries.iter().collect();
    let Applied { position, stopped } = apply(rows, &entries, BTreeSet::new())?;
    stopped.into_iter().next().map_or(Ok(position), |(_, error)| Err(error))
}

/// The position that was reached, and the tables that differed.
type Swapped = (Option<Position>, Option<Vec<String>>);

// Meanwhile the follower waits for the connection. `None`: the current rows are ahead of the rebuilt ones.
fn swap(rows: &mut Connection, beside: &Path) -> Result<Option<Swapped>, ProjectionError> {
    rows.execute("ATTACH DATABASE ?1 AS beside", [beside.to_string_lossy()])?;
    let result = swap_attached(rows);
    rows.execute_batch("DETACH DATABASE beside")?;
    result
}

fn swap_attached(rows: &mut Connection) -> Result<Option<Swapped>, ProjectionError> {
    let transaction = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if furthest(&transaction, "main")? > furthest(&transaction, "beside")? {
        return Ok(None);
    }
    let changed = differing(&transaction)?;
    for table in tables() {
        transaction.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM beside.{table};"
        ))?;
    }
    transaction.execute_batch(
        "DELETE FROM main.checkpoints; INSERT INTO main.checkpoints SELECT * FROM beside.checkpoints;
         DELETE FROM main.damaged_keys; INSERT INTO main.damaged_keys SELECT * FROM beside.damaged_keys;
         INSERT OR REPLACE INTO main.origin SELECT * FROM beside.origin
             WHERE position >= coalesce((SELECT position FROM main.origin), 0);",
    )?;
    let position = furthest_common(&transaction, &BTreeSet::new())?;
    transaction.commit()?;
    Ok(Some((position, changed)))
}

fn furthest(rows: &Connection, schema: &str) -> rusqlite::Result<Option<i64>> {
    rows.query_row(&format!("SELECT max(position) FROM {schema}.checkpoints"), [], |row| row.get(0))
}

fn differing(rows: &Connection) -> Result<Option<Vec<String>>, ProjectionError> {
    let here = positions(rows, "main")?;
    if here != positions(rows, "beside")? {
        return Ok(None);
    }
    let mut changed = Vec::new();
    for table in tables() {
        let count = format!(
            "SELECT (SELECT count(*) FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM beside.{table}))
                + (SELECT count(*) FROM (SELECT * FROM beside.{table} EXCEPT SELECT * FROM main.{table}))"
        );
        if rows.query_row(&count, [], |row| row.get::<_, i64>(0))? > 0 {
            changed.push(table.to_owned());
        }
    }
    Ok(Some(changed))
}

fn positions(rows: &Connection, schema: &str) -> rusqlite::Result<Vec<(String, i64, Option<i64>)>> {
    let select = format!("SELECT projection, version, position FROM {schema}.checkpoints ORDER BY projection");
    rows.prepare(&select)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

fn dump_table(rows: &Connection, table: &str) -> rusqlite::Result<TableDump> {
    let mut statement = rows.prepare(&format!("SELECT * FROM {table}"))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let dumped = statement.query_map([], |row| {
        let mut line = String::new();
        for (n, column) in columns.iter().enumerate() {
            line.push_str(&format!("{column}={} ", plain(row.get_ref(n)?)));
        }
        Ok(line)
    })?;
    let mut dumped: Vec<String> = dumped.collect::<Result<_, _>>()?;
    dumped.sort();
    Ok(TableDump { table: table.to_owned(), rows: dumped })
}

fn plain(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "∅".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ALL;

    /// Every projection has folded up to `position`.
    fn folded(path: &Path, position: u64) -> Connection {
        let rows = open_writer(path).unwrap();
        for projection in ALL {
            let keep = "INSERT INTO checkpoints (projection, version, position, effective) VALUES (?1, ?2, ?3, 0)";
            rows.execute(keep, rusqlite::params![projection.name(), projection.version(), position]).unwrap();
        }
        rows
    }

    fn named(rows: &Connection, name: &str) {
        let insert = "INSERT INTO people_names (id, kind, user_name) VALUES ('1', 'person', ?1)";
        rows.execute(insert, [name]).unwrap();
    }

    fn name(rows: &Connection) -> String {
        rows.query_row("SELECT user_name FROM people_names", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn rebuilt_rows_replace_those_that_are_not_ahead_and_are_compared_at_the_same_position_only() {
        let position = |reached: u64| Some(Position(reached));
        for (here, beside, expected) in [
            (7, 5, None),
            (5, 7, Some((position(7), None))),
            (5, 5, Some((position(5), Some(vec!["people_names".to_owned()])))),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let (main, path) = (directory.path().join("main.db"), directory.path().join("beside.db"));
            let (mut rows, rebuilt) = (folded(&main, here), folded(&path, beside));
            named(&rows, "old");
            named(&rebuilt, "new");
            drop(rebuilt);
            assert_eq!(swap(&mut rows, &path).unwrap(), expected, "{here} and {beside}");
            let is_replaced = expected.is_some();
            assert_eq!(name(&rows), if is_replaced { "new" } else { "old" });
            assert_eq!(furthest(&rows, "main").unwrap(), Some(if is_replaced { beside } else { here }.cast_signed()));
        }
    }
}
