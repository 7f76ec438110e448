//! The plans of all statements of the audit trail and of the names: none reads a whole table that grows with the log.

use super::{Audit, list};
use crate::Projection;
use crate::names::Names;
use rusqlite::Connection;

/// Tables that have a few hundred rows.
const TINY: [&str; 2] = ["audit_kinds", "audit_requests"];

/// Sources with statements.
const SOURCES: [&str; 11] = [
    include_str!("../audit.rs"),
    include_str!("commands.rs"),
    include_str!("erase.rs"),
    include_str!("filter.rs"),
    include_str!("found.rs"),
    include_str!("ids.rs"),
    include_str!("kinds.rs"),
    include_str!("query.rs"),
    include_str!("subjects.rs"),
    include_str!("test.rs"),
    include_str!("../names.rs"),
];

/// Returns the string literals of a source that are statements about rows.
fn statements(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let begins = |text: &&str| ["SELECT ", "UPDATE ", "DELETE ", "INSERT "].iter().any(|verb| text.starts_with(verb));
    code.split('"').filter(begins).map(str::to_owned).collect()
}

fn database() -> Connection {
    let rows = Connection::open_in_memory().unwrap();
    for projection in [&Audit as &dyn Projection, &Names] {
        rows.execute_batch(projection.schema()).unwrap();
        rows.execute_batch(projection.indexes()).unwrap();
    }
    rows
}

fn plan(rows: &Connection, statement: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let mut explain = rows.prepare(&explain).unwrap_or_else(|error| panic!("{error}: {statement}"));
    let steps = explain.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>();
    steps.unwrap_or_else(|error| panic!("{error}: {statement}"))
}

#[test]
fn no_statement_reads_a_whole_table_and_none_sorts_a_posting_list() {
    let rows = database();
    let mut all: Vec<String> = SOURCES.iter().flat_map(|source| statements(source)).collect();
    all.extend(statements(include_str!("../names/query.rs")));
    all.extend(list::statements().into_iter().map(str::to_owned));
    assert!(all.len() > 50, "{}", all.len());
    for statement in &all {
        let is_tiny = TINY.iter().any(|table| statement.contains(&format!("FROM {table}")));
        for step in plan(&rows, statement) {
            let scans = step.starts_with("SCAN")
                && !step.contains("VIRTUAL TABLE INDEX")
                && !step.contains("CONSTANT ROW")
                && !step.contains("(subquery");
            assert!(!scans || is_tiny, "{step}: {statement}");
            assert!(!step.contains("TEMP B-TREE") || is_tiny, "{step}: {statement}");
        }
    }
}
