//! Events of the log as the index needs them: their streams and places, and which of two is meant.

use super::file::Double;
use super::recent::Recent;
use super::{Key, Place, key};
use crate::envelope::{EventId, Recorded, StreamName};
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
        let (Ok(position), Ok(revision)) = (row.get(0), row.get(2)) else { continue };
        if let Some(key) = key_of(log, tables, row, position)? {
            let id = EventId(Uuid::from_bytes(row.get(3).unwrap_or_default()));
            let bytes = row.get_ref(4)?.as_bytes().map_or(0, <[u8]>::len);
            take(Recent { key, place: Place { revision, position }, id, bytes });
        }
    }
    Ok(())
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
    const FIELD: &[u8] = b",\"stream\":\"";
    let Ok(envelope) = row.get_ref(4).and_then(|envelope| Ok(envelope.as_bytes()?)) else { return false };
    let field = envelope.windows(FIELD.len()).rposition(|part| part == FIELD);
    let rest = field.map(|at| &envelope[at + FIELD.len()..]);
    rest.and_then(|rest| rest.strip_prefix(stream.as_bytes())).is_some_and(|rest| rest.first() == Some(&b'"'))
}

/// Which of two events that claim one place of a stream is meant.
pub(super) enum Claim {
    /// Both are intact.
    Both,
    /// These are corrupt.
    Corrupt(Vec<u64>),
    /// Both are intact and have other places.
    Neither,
}

/// Reads both events.
pub(super) fn examine(log: &Connection, tables: Tables, double: &Double) -> Claim {
    let read = double.positions.map(|position| event_at(log, tables, position).ok());
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
