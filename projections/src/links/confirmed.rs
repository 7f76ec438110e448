//! Which records have a confirmed successor.

use crate::{ProjectionError, Projections};
use events::record::RecordId;
use std::collections::BTreeSet;

/// Returns those of the records that have a confirmed successor.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn confirmed_among(
    projections: &Projections,
    records: Vec<RecordId>,
) -> Result<BTreeSet<RecordId>, ProjectionError> {
    projections
        .read_of("links", move |rows| {
            let select = "SELECT EXISTS (SELECT 1 FROM links_versions
                WHERE record = ?1 AND valid_to IS NULL AND state = 'confirmed')";
            let mut select = rows.prepare_cached(select)?;
            let mut confirmed = BTreeSet::new();
            for record in records {
                if select.query_row([record.to_string()], |row| row.get(0))? {
                    confirmed.insert(record);
                }
            }
            Ok(confirmed)
        })
        .await
}
