//! Events of the log as the index needs them: their streams and places, and which of two is meant.

use super::file::Double;
use super::recent::Recent;
use super::{Key, Place, key};
use crate::envelope::{EventId, Recorded, StreamName, parse_canonical};
use crate::store::ReadError;
use crate::store::sqlite::row::event_at;
use crate::store::sqlite::tables::Tables;
use rusqlite::{Connection, Row};
use uuid::Uuid;

const COLUMNS: &str = "position, stream, revision, event_id, envelope";

/// Calls `take` for each event after `after` up to `up_to`. A row without a usable position, revision or stream is
/// passed: whoever reads its stream finds it.
pub(super) fn each(
    log: &Connection,
    tables: Tables,
    [after, up_to]: [u64; 2],
    mut take: impl FnMut(Recent),
) -> rusqlite::Result<()> {
    let select = format!("SELECT {COLUMNS} FROM log WHERE position > ?1 AND position <= ?2 ORDER BY position");
    let mut select = log.prepare(&select)?;
    let mut rows = select.query([after, up_to])?;
    while let Some(row) = rows.next()? {
        let (Ok(position), Some(revision)) = (row.get(0), revision_of(row)?) else { continue };
        if let Some(key) = key_of(log, tables, row, position)? {
            let id = EventId(Uuid::from_bytes(row.get(3).unwrap_or_default()));
            let bytes = row.get_ref(4)?.as_bytes().map_or(0, <[u8]>::len);
            take(Recent { key, place: Place { revision, position }, id, bytes });
        }
    }
    Ok(())
}

// The revision is in its column and in the envelope too. If the two differ, the envelope is right if it is that of the
// row's id. The column alone would make the stream longer or shorter than it is. Readers of the stream find the damage.
fn revision_of(row: &Row<'_>) -> rusqlite::Result<Option<u64>> {
    let filed: Option<u64> = row.get(2).ok();
    let Ok(envelope) = row.get_ref(4)?.as_bytes() else { return Ok(filed) };
    if filed.is_some_and(|filed| last_field(envelope, b",\"revision\":", format!("{filed},").as_bytes())) {
        return Ok(filed);
    }
    Ok(match parse_canonical(envelope) {
        Ok((stream, written, event)) if row.get(3).is_ok_and(|id: [u8; 16]| event.id.0.as_bytes() == &id) => {
            tracing::error!(
                %stream,
                revision = written.0,
                "an event of the log is stored under another revision: run `muster log doctor`"
            );
            Some(written.0)
        }
        _ => filed,
    })
}

// The name of the stream is in its column and in the envelope. No checksum covers the column. If the two differ, an
// intact event tells which one is right. `None`: neither is usable.
fn key_of(log: &Connection, tables: Tables, row: &Row<'_>, position: u64) -> rusqlite::Result<Option<Key>> {
    let filed = row.get_ref(1)?.as_str().ok();
    if filed.is_some_and(|filed| is_named(row, filed)) {
        return Ok(filed.and_then(named));
    }
    Ok(match event_at(log, tables, position) {
        Ok(event) => {
            tracing::error!(
                position,
                stream = %event.stream,
                "an event of the log is stored under another stream: run `muster log doctor`"
            );
            Some(key(&event.stream))
        }
        Err(_) => filed.and_then(named),
    })
}

fn named(name: &str) -> Option<Key> {
    StreamName::try_from(name.to_owned()).ok().map(|name| key(&name))
}

// Canonical bytes end with the stream, the type and the version, so the last field of this name is the stream's.
fn is_named(row: &Row<'_>, stream: &str) -> bool {
    let Ok(envelope) = row.get_ref(4).and_then(|envelope| Ok(envelope.as_bytes()?)) else { return false };
    last_field(envelope, b",\"stream\":\"", format!("{stream}\"").as_bytes())
}

fn last_field(envelope: &[u8], name: &[u8], value: &[u8]) -> bool {
    let field = envelope.windows(name.len()).rposition(|part| part == name);
    field.is_some_and(|at| envelope[at + name.len()..].starts_with(value))
}

/// Which of two events that claim one place of a stream is meant.
pub(super) enum Claim {
    /// Both are intact, or may be.
    Both,
    /// These are corrupt.
    Corrupt(Vec<u64>),
    /// Both are intact and have other places.
    Neither,
}

/// Reads both events. One that cannot be read at present counts as intact: nothing may be written until it is known.
pub(super) fn examine(log: &Connection, tables: Tables, double: &Double) -> Claim {
    let read = double.positions.map(|position| event_at(log, tables, position));
    if read.iter().any(|event| matches!(event, Err(ReadError::Unavailable(_)))) {
        return Claim::Both;
    }
    let read = read.map(Result::ok);
    let place = |event: &Recorded| (event.stream.clone(), event.revision);
    match &read {
        [Some(first), Some(second)] if place(first) == place(second) => Claim::Both,
        [Some(_), Some(_)] => Claim::Neither,
        _ => {
            let both = read.iter().zip(double.positions);
            Claim::Corrupt(both.filter(|(event, _)| event.is_none()).map(|(_, position)| position).collect())
        }
    }
}

/// Says which events have one place.
pub(super) fn told(log: Option<&Connection>, tables: Tables, double: &Double) -> String {
    let [first, second] = double.positions;
    let name = log.and_then(|log| event_at(log, tables, second).ok()).map(|event| event.stream.to_string());
    format!(
        "two events have revision {} of stream {}: at positions {first} and {second}. Run `muster log doctor`",
        double.revision,
        name.unwrap_or_else(|| "unknown".into())
    )
}
