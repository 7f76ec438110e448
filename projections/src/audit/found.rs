//! The rows of the index, and the persons they belong to.

use super::ids;
use super::list::Span;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::HashMap;
use uuid::Uuid;

/// A row of the index.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub position: i64,
    /// Microseconds since 1970, UTC.
    pub effective: i64,
    pub event: Uuid,
    pub kind: i64,
    pub code: i64,
    pub device: Option<i64>,
    /// `None`: the device.
    pub actor: Option<i64>,
    pub person: Option<i64>,
    pub account: Option<i64>,
    pub stream: Option<i64>,
    pub source: Option<i64>,
}

pub(super) const AT: &str = "SELECT position, effective, event, kind, code, device, actor, person, account, stream,
    source FROM audit_events WHERE position = ?1";
pub(super) const NEWEST_FIRST: &str = "SELECT position, effective, event, kind, code, device, actor, person, account,
    stream, source FROM audit_events WHERE position BETWEEN ?1 AND ?2 ORDER BY position DESC LIMIT ?3";
pub(super) const OLDEST_FIRST: &str = "SELECT position, effective, event, kind, code, device, actor, person, account,
    stream, source FROM audit_events WHERE position BETWEEN ?1 AND ?2 ORDER BY position LIMIT ?3";

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        position: row.get(0)?,
        effective: row.get(1)?,
        event: Uuid::from_bytes(row.get(2)?),
        kind: row.get(3)?,
        code: row.get(4)?,
        device: row.get(5)?,
        actor: row.get(6)?,
        person: row.get(7)?,
        account: row.get(8)?,
        stream: row.get(9)?,
        source: row.get(10)?,
    })
}

impl Record {
    pub(super) fn at(rows: &Connection, position: i64) -> rusqlite::Result<Option<Record>> {
        rows.prepare_cached(AT)?.query_row([position], record).optional()
    }

    /// Returns up to `limit` rows of the span from `at` on.
    pub(super) fn scan(rows: &Connection, span: Span, at: i64, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let (oldest, newest) = span.from(at);
        let mut select = rows.prepare_cached(if span.oldest_first { OLDEST_FIRST } else { NEWEST_FIRST })?;
        select.query_map(params![oldest, newest, limit], record)?.collect()
    }
}

/// The owners of devices and accounts that were looked up.
pub(super) struct Owners<'c> {
    rows: &'c Connection,
    known: HashMap<i64, Option<i64>>,
}

impl<'c> Owners<'c> {
    pub(super) fn new(rows: &'c Connection) -> Owners<'c> {
        Owners { rows, known: HashMap::new() }
    }

    /// Returns the person that a row belongs to.
    pub(super) fn person(&mut self, record: &Record) -> rusqlite::Result<Option<i64>> {
        match (record.person, record.account.or(record.device)) {
            (Some(person), _) => Ok(Some(person)),
            (None, Some(subject)) => self.owner(subject),
            (None, None) => Ok(None),
        }
    }

    fn owner(&mut self, subject: i64) -> rusqlite::Result<Option<i64>> {
        if let Some(known) = self.known.get(&subject) {
            return Ok(*known);
        }
        let owner = ids::owner(self.rows, subject)?;
        self.known.insert(subject, owner);
        Ok(owner)
    }
}

pub(super) const POSITIONS: &str = "SELECT position FROM audit_events WHERE event = ?1 ORDER BY position LIMIT 16";

/// Returns the positions of the events with this id: one, or several in a log that contains an event id twice.
pub(super) fn positions(rows: &Connection, event: Uuid) -> rusqlite::Result<Vec<i64>> {
    rows.prepare_cached(POSITIONS)?.query_map([event.as_bytes()], |row| row.get(0))?.collect()
}
