//! What the filters of the board can choose from.

use crate::columns::uuid;
use crate::{ProjectionError, Projections};
use events::invitation::WaveId;
use rusqlite::{Connection, Row};

/// Number of values of each filter.
const MOST: usize = 200;

/// What the filters can choose from: at most 200 values each, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    pub sources: Vec<String>,
    pub sites: Vec<String>,
    /// Identifiers of models such as `iPhone14,7`, and other products' names of models whose identifier is unknown.
    pub models: Vec<String>,
    /// The newest first.
    pub waves: Vec<WaveChoice>,
}

/// A wave of invitations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveChoice {
    pub wave: WaveId,
    pub name: String,
}

/// Returns what the filters can choose from.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn choices(projections: &Projections) -> Result<Choices, ProjectionError> {
    projections
        .read_of("migration", |rows| {
            Ok(Choices {
                sources: distinct(rows, "source", "state IS NOT NULL")?,
                sites: distinct(rows, "site", "site IS NOT NULL")?,
                models: distinct(rows, "model", "model IS NOT NULL")?,
                waves: waves(rows)?,
            })
        })
        .await
}

// Jumps from value to value in the index: DISTINCT would read each row. `condition`: the one of the index.
fn distinct(rows: &Connection, column: &str, condition: &str) -> rusqlite::Result<Vec<String>> {
    let select = format!(
        "WITH RECURSIVE each (value) AS (
            SELECT min({column}) FROM migration_rows WHERE {condition}
            UNION ALL
            SELECT (SELECT min({column}) FROM migration_rows WHERE {column} > value AND {condition})
            FROM each WHERE value IS NOT NULL)
        SELECT value FROM each WHERE value IS NOT NULL LIMIT ?1"
    );
    rows.prepare_cached(&select)?.query_map([MOST], |row| row.get(0))?.collect()
}

fn waves(rows: &Connection) -> rusqlite::Result<Vec<WaveChoice>> {
    let select = "SELECT wave, name FROM migration_waves ORDER BY begun DESC, wave LIMIT ?1";
    let of = |row: &Row<'_>| Ok(WaveChoice { wave: WaveId(uuid(row, 0)?), name: row.get(1)? });
    rows.prepare_cached(select)?.query_map([MOST], of)?.collect()
}
