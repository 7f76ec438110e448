//! Retired records as their source knows them, to be deleted there.

use crate::columns::uuid;
use crate::{ProjectionError, Projections};
use events::record::RecordId;
use rusqlite::{OptionalExtension as _, Row, params};

/// A retired record that its source still has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletable {
    pub record: RecordId,
    /// The source's own id.
    pub source_id: String,
    pub serial_number: Option<String>,
    pub udid: Option<String>,
}

/// The records: the link is confirmed, it is proven that the record may be retired, and no complete export lacks it.
const DELETABLE: &str = "FROM records_current r JOIN records_retired x USING (record)
    WHERE r.source = ?1 AND x.proven AND r.erased = 0 AND r.missing IS NULL AND r.source_id IS NOT NULL";

/// Returns the records of a source that can be deleted there, in order of their ids, after `after`: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn deletable(
    projections: &Projections,
    source: String,
    after: Option<RecordId>,
    limit: usize,
) -> Result<Vec<Deletable>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = after.map(|after| after.to_string()).unwrap_or_default();
    projections
        .read_of("records", move |rows| {
            let select = format!(
                "SELECT record, r.source_id, r.serial_number, r.udid {DELETABLE} AND record > ?2 ORDER BY record LIMIT ?3"
            );
            rows.prepare_cached(&select)?.query_map(params![source, after, limit], deletable_of)?.collect()
        })
        .await
}

/// Returns the number of these records.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn count_deletable(projections: &Projections, source: String) -> Result<u64, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = format!("SELECT count(*) {DELETABLE}");
            rows.prepare_cached(&select)?.query_row([source], |row| row.get(0))
        })
        .await
}

/// Returns the name of the preset that read the last import of a source; `None` for a mapping of one's own.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn preset_of(projections: &Projections, source: String) -> Result<Option<String>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT preset FROM records_imports WHERE source = ?1 AND undone = 0 AND preset IS NOT NULL
                ORDER BY begun DESC LIMIT 1";
            rows.prepare_cached(select)?.query_row([source], |row| row.get(0)).optional()
        })
        .await
}

fn deletable_of(row: &Row<'_>) -> rusqlite::Result<Deletable> {
    Ok(Deletable {
        record: RecordId(uuid(row, 0)?),
        source_id: row.get(1)?,
        serial_number: row.get(2)?,
        udid: row.get(3)?,
    })
}
