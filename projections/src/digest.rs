//! Compares the rows of a projection before and after a rebuild by digests of its tables.

use crate::unit::File;
use crate::{Projection, ProjectionError};
use events::proof::leaf_hash;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::sync::Arc;

/// The rows of a projection at one position. Later changes of the file do not show.
pub(crate) struct Snapshot {
    projection: &'static dyn Projection,
    rows: Connection,
    /// Kept until the connection is closed.
    _file: Arc<File>,
}

impl Snapshot {
    /// Takes a snapshot of what the file has now.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(crate) fn take(projection: &'static dyn Projection, file: Arc<File>) -> Result<Snapshot, ProjectionError> {
        let rows = Connection::open(&file.path)?;
        rows.execute_batch("PRAGMA query_only = 1; BEGIN; SELECT 1 FROM checkpoints")?;
        Ok(Snapshot { projection, rows, _file: file })
    }

    /// Returns the tables whose rows differ in the other snapshot of the same projection.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub(crate) fn differing(&self, other: &Snapshot) -> Result<Vec<&'static str>, ProjectionError> {
        let mut differing = Vec::new();
        for table in self.projection.tables() {
            if digest(&self.rows, table)? != digest(&other.rows, table)? {
                differing.push(*table);
            }
        }
        Ok(differing)
    }
}

/// Returns the number of rows of a table and the sum of their hashes: the same for the same rows in any order.
///
/// # Errors
/// Returns an error if the table cannot be read.
pub(crate) fn digest(rows: &Connection, table: &str) -> rusqlite::Result<(u64, u128)> {
    let mut select = rows.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = select.column_count();
    let (mut count, mut sum, mut encoded) = (0, 0_u128, Vec::new());
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        encoded.clear();
        for nth in 0..columns {
            encode(&mut encoded, row.get_ref(nth)?);
        }
        let hash = leaf_hash(&encoded);
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        (count, sum) = (count + 1, sum.wrapping_add(u128::from_be_bytes(half)));
    }
    Ok((count, sum))
}

// Type, length and bytes: two different rows have different encodings.
fn encode(encoded: &mut Vec<u8>, value: ValueRef<'_>) {
    let (kind, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(number) => (1, &number.to_be_bytes()),
        ValueRef::Real(number) => (2, &number.to_be_bytes()),
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(blob) => (4, blob),
    };
    encoded.push(kind);
    encoded.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    encoded.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(Option<i64>, &str)]) -> Connection {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch("CREATE TABLE t (a INTEGER, b TEXT)").unwrap();
        for row in rows {
            file.execute("INSERT INTO t VALUES (?1, ?2)", *row).unwrap();
        }
        file
    }

    #[test]
    fn the_same_rows_have_one_digest_in_any_order_and_other_rows_have_another() {
        let digest_of = |rows: &[(Option<i64>, &str)]| digest(&table(rows), "t").unwrap();
        let rows = digest_of(&[(Some(1), "a"), (None, "b")]);
        assert_eq!(rows, digest_of(&[(None, "b"), (Some(1), "a")]));
        let others: [&[(Option<i64>, &str)]; 5] = [
            &[],
            &[(Some(1), "a")],
            &[(Some(1), "a"), (None, "b"), (None, "b")],
            &[(None, "a"), (Some(1), "b")],
            &[(Some(2), "a"), (None, "b")],
        ];
        for other in others {
            assert_ne!(rows, digest_of(other), "{other:?}");
        }
    }
}
