//! Checks for tests that statements walk indexes.

use crate::ALL;
use rusqlite::Connection;

/// Returns a database with the tables and indexes of every projection and the last contacts.
pub(crate) fn database() -> Connection {
    let rows = Connection::open_in_memory().unwrap();
    for projection in ALL {
        rows.execute_batch(projection.schema()).unwrap();
        rows.execute_batch(projection.indexes()).unwrap();
    }
    rows.execute_batch(crate::common::TABLES).unwrap();
    rows
}

/// Fails if the statement sorts, or reads a table from its begin to its end. `walks`: the walks of a whole index that
/// the caller ends early, such as `d USING INDEX devices_by_name`.
#[track_caller]
pub(crate) fn assert_bounded(rows: &Connection, sql: &str, walks: &[&str]) {
    let mut explain = rows.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // Parameters have no values yet. A plan is made without them.
    let mut plan = explain.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = plan.next().unwrap() {
        steps.push(row.get::<_, String>(3).unwrap());
    }
    assert!(!steps.is_empty());
    for step in &steps {
        assert!(!step.contains("TEMP B-TREE"), "{sql} sorts: {steps:?}");
        let is_permitted = |walk: &&str| step.strip_prefix("SCAN ") == Some(*walk);
        let is_constant = step.contains("CONSTANT ROW") || step.contains("(subquery");
        assert!(!step.starts_with("SCAN") || is_constant || walks.iter().any(is_permitted), "{sql}: {steps:?}");
    }
}
