//! The conditions that a row of the index must meet.

use super::found::{Owners, Record};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::HashSet;

/// A condition on a row.
#[derive(Debug)]
pub(super) enum Test {
    Kinds(HashSet<i64>),
    Device(i64),
    Person(i64),
    Actor(i64),
    /// The help code, or that of one of these devices.
    Code(Option<i64>, HashSet<i64>),
    Source(String),
    Word(Word),
}

/// What a word of a search stands for: a row must have one of these.
#[derive(Debug, Default)]
pub(super) struct Word {
    pub kinds: HashSet<i64>,
    pub subjects: HashSet<i64>,
    pub code: Option<i64>,
    pub positions: Vec<i64>,
}

impl Test {
    pub(super) fn holds(&self, rows: &Connection, record: &Record, owners: &mut Owners<'_>) -> rusqlite::Result<bool> {
        Ok(match self {
            Test::Kinds(kinds) => kinds.contains(&record.kind),
            Test::Device(device) => record.device == Some(*device),
            Test::Person(person) => owners.person(record)? == Some(*person),
            Test::Actor(actor) => record.actor.or(record.device) == Some(*actor),
            Test::Code(code, devices) => {
                *code == Some(record.code) || record.device.is_some_and(|device| devices.contains(&device))
            }
            Test::Source(address) => match record.source {
                Some(source) => is_address(rows, source, address)?,
                None => false,
            },
            Test::Word(word) => word.holds(record, owners)?,
        })
    }
}

impl Word {
    fn holds(&self, record: &Record, owners: &mut Owners<'_>) -> rusqlite::Result<bool> {
        if self.kinds.contains(&record.kind) || self.code == Some(record.code) {
            return Ok(true);
        }
        if self.positions.contains(&record.position) {
            return Ok(true);
        }
        if self.subjects.is_empty() {
            return Ok(false);
        }
        let named = [record.device, record.actor, record.person, record.account, record.stream];
        if named.into_iter().flatten().any(|subject| self.subjects.contains(&subject)) {
            return Ok(true);
        }
        Ok(owners.person(record)?.is_some_and(|person| self.subjects.contains(&person)))
    }
}

pub(super) const ADDRESS: &str = "SELECT address FROM audit_sources WHERE id = ?1";

fn is_address(rows: &Connection, source: i64, address: &str) -> rusqlite::Result<bool> {
    let known: Option<String> = rows.prepare_cached(ADDRESS)?.query_row([source], |row| row.get(0)).optional()?;
    Ok(known.as_deref() == Some(address))
}
