//! Rebuilds projections from the start of the log and says what changed; and the rows of all, for comparison.

use crate::database::blocking;
use crate::{ProjectionError, Projections};
use events::Position;
use events::background::Lane;
use events::log::Log;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// Result of a rebuild.
#[derive(Debug, Clone)]
pub struct Rebuilt {
    /// Number of events folded.
    pub events: u64,
    /// Position that the projections have reached.
    pub position: Option<Position>,
    /// Tables whose rebuilt rows differ from the previous ones. `None` if both were at different positions and cannot
    /// be compared.
    pub changed: Option<Vec<String>>,
    /// Projections that could not be rebuilt. They keep the rows that they had.
    pub failed: Vec<(&'static str, ProjectionError)>,
}

/// The rows of a table as text, sorted. For comparison only, not for parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDump {
    pub table: String,
    /// One line for each row: `column=value ` for each column. Sorted.
    pub rows: Vec<String>,
}

impl Projections {
    /// Returns the names of all projections.
    pub fn names(&self) -> Vec<&'static str> {
        self.inner.units.iter().map(|unit| unit.name()).collect()
    }

    /// Rebuilds every projection from the start of `log` and replaces the current rows. Readers see the old rows until
    /// the new ones are complete.
    ///
    /// # Errors
    /// Returns an error at a corrupt event, or if the log cannot be used; then the old rows are kept.
    pub async fn rebuild(&self, log: &Log) -> Result<Rebuilt, ProjectionError> {
        self.rebuild_some(log, &self.names()).await
    }

    /// Same as [`Projections::rebuild`], for some projections.
    ///
    /// # Errors
    /// Same as [`Projections::rebuild`].
    pub async fn rebuild_some(&self, log: &Log, names: &[&'static str]) -> Result<Rebuilt, ProjectionError> {
        let built = self.build(log, names, true).await?;
        let (events, failed) = (built.events, built.failed);
        let compare = move || {
            let mut changed = Vec::new();
            for snapshots in built.snapshots {
                let Some((before, after)) = snapshots else { return Ok(None) };
                changed.extend(before.differing(&after)?.into_iter().map(str::to_owned));
            }
            Ok(Some(changed))
        };
        let changed = blocking(Lane::Background, compare).await?;
        Ok(Rebuilt { events, position: self.inner.progress.position(), changed, failed })
    }

    /// Returns all rows of all projections. Two dumps at the same position are equal, no matter how the rows were
    /// folded.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub async fn dump(&self) -> Result<Vec<TableDump>, ProjectionError> {
        let mut dumped = Vec::new();
        for unit in &self.inner.units {
            let tables = unit.projection.tables();
            let dump = |rows: &Connection| tables.iter().map(|table| dump_table(rows, table)).collect();
            let rows: Vec<TableDump> = self.read_of(unit.name(), dump).await?;
            dumped.extend(rows);
        }
        Ok(dumped)
    }
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
