//! Counts what was read from a file.

use crate::outcome::{BadRow, Row};
use std::collections::BTreeMap;

/// Counts of the rows of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows that were read, also those with notes.
    pub rows: u64,
    /// Rows with at least one note.
    pub rows_with_notes: u64,
    pub bad_rows: u64,
    /// Bad rows by the label of each reason. A row with several reasons counts for each.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Notes by their label.
    pub notes: BTreeMap<&'static str, u64>,
}

impl Summary {
    pub fn add(&mut self, outcome: &Result<Row, BadRow>) {
        match outcome {
            Ok(row) => {
                self.rows += 1;
                self.rows_with_notes += u64::from(!row.notes.is_empty());
                row.notes.iter().for_each(|note| *self.notes.entry(note.kind.label()).or_default() += 1);
            }
            Err(bad) => {
                self.bad_rows += 1;
                bad.reasons.iter().for_each(|reason| *self.reasons.entry(reason.label()).or_default() += 1);
            }
        }
    }
}
