//! A row of the log: read and checked, and what an error of SQLite says about the event there.

use super::open_error::OpenError;
use super::tables::Tables;
use crate::envelope::{Position, Recorded, StreamName, parse_canonical};
use crate::store::findings::UNKNOWN;
use crate::store::{Damaged, ReadError};
use rusqlite::{Connection, ErrorCode, Row};

/// Columns of a row that [`recorded`] reads.
pub(super) const COLUMNS: &str = "position, revision, event_id, leaf, crc, envelope";

/// Reads the event at `position`.
///
/// # Errors
/// Returns `Corrupt` if it is missing or damaged.
pub(super) fn event_at(log: &Connection, tables: Tables, position: u64) -> Result<Recorded, ReadError> {
    let here = Here { stream: None, revision: 0, position };
    let damaged = |error: rusqlite::Error| unreadable(&error, here);
    let select = format!("SELECT {COLUMNS} FROM {} WHERE position = ?1", tables.table(position));
    let mut select = log.prepare_cached(&select).map_err(damaged)?;
    let mut rows = select.query([position]).map_err(damaged)?;
    match rows.next().map_err(damaged)? {
        Some(row) => recorded(log, tables, row),
        None => Err(corrupt("unknown", 0, position, "it is missing")),
    }
}

/// The current place of a reader. Errors of SQLite are reported for this place.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    /// `None`: the whole log is read, in order of position.
    pub stream: Option<&'a StreamName>,
    /// Revision of the event that is read next; 0 if the whole log is read.
    pub revision: u64,
    /// Lowest possible position of the event that is read next; 0 if a stream is read.
    pub position: u64,
}

impl Here<'_> {
    /// No event is read.
    pub(super) const NOWHERE: Here<'static> = Here { stream: None, revision: 0, position: 0 };
}

/// Returns the CRC-32C of a leaf hash and its canonical bytes.
pub(super) fn checksum(leaf: &[u8], envelope: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(leaf), envelope)
}

/// Parses a row of `position, revision, event_id, leaf, crc, envelope` and checks that it is the event that was written
/// there. The error names the stream that the row belongs to.
pub(super) fn recorded(log: &Connection, tables: Tables, row: &Row<'_>) -> Result<Recorded, ReadError> {
    let position: u64 = row.get(0).map_err(|error| unreadable(&error, Here::NOWHERE))?;
    let (damaged, why) = match check(row, position) {
        Ok(Ok(event)) => return Ok(event),
        Ok(Err(flaw)) => (Damaged::Event, flaw.to_owned()),
        Err(error) if is_damage(&error) => (Damaged::Page, error.to_string()),
        Err(error) => (Damaged::Event, error.to_string()),
    };
    let stream = tables.filed_under(log, position).unwrap_or_else(|_| UNKNOWN.into());
    let revision = row.get(1).unwrap_or_default();
    Err(ReadError::Corrupt { stream, revision, position, damaged, why })
}

fn check(row: &Row<'_>, position: u64) -> rusqlite::Result<Result<Recorded, &'static str>> {
    let (revision, id): (u64, [u8; 16]) = (row.get(1)?, row.get(2)?);
    let (leaf, crc): ([u8; 32], u32) = (row.get(3)?, row.get(4)?);
    let envelope = row.get_ref(5)?.as_bytes()?;
    if checksum(&leaf, envelope) != crc {
        return Ok(Err("its checksum does not match"));
    }
    let Ok((stream, written, event)) = parse_canonical(envelope) else {
        return Ok(Err("it is not an event envelope"));
    };
    if written.0 != revision || event.id.0.as_bytes() != &id {
        return Ok(Err("its revision or id does not match its place"));
    }
    Ok(Ok(Recorded { stream, revision: written, position: Position(position), leaf, event }))
}

pub(super) fn corrupt(stream: &str, revision: u64, position: u64, why: &str) -> ReadError {
    ReadError::Corrupt { stream: stream.to_owned(), revision, position, damaged: Damaged::Event, why: why.to_owned() }
}

fn damaged_page(place: Here<'_>, why: String) -> ReadError {
    let Here { stream, revision, position } = place;
    let stream = stream.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    ReadError::Corrupt { stream, revision, position, damaged: Damaged::Page, why }
}

/// Converts an error of SQLite: "malformed" is corruption, any other error may be temporary.
pub(super) fn unreadable(error: &rusqlite::Error, place: Here<'_>) -> ReadError {
    match is_damage(error) {
        true => damaged_page(place, error.to_string()),
        false => ReadError::Unavailable(error.to_string()),
    }
}

// The writer has the log open, so a file that no longer looks like a log has a damaged first page.
pub(super) fn not_opened(error: &OpenError) -> ReadError {
    let is_damaged = match error {
        OpenError::NotALog(_) | OpenError::TooNew { .. } => true,
        OpenError::Sqlite { error, .. } => is_damage(error),
        OpenError::Missing(_) | OpenError::Exists(_) | OpenError::Locked(_) | OpenError::NetworkFileSystem { .. } => {
            false
        }
        OpenError::LeftBehind(_) | OpenError::OldLibrary(_) | OpenError::File { .. } => false,
    };
    match is_damaged {
        true => {
            damaged_page(Here { stream: None, revision: 0, position: 0 }, format!("this is the first page: {error}"))
        }
        false => ReadError::Unavailable(error.to_string()),
    }
}

/// Returns whether SQLite reports that the file's content is damaged.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;
    use std::path::PathBuf;

    fn failed(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_log_that_cannot_be_read_now_is_not_said_to_be_damaged() {
        let here = Here { stream: None, revision: 3, position: 7 };
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
            let told = unreadable(&failed(code), here);
            let is_there = |revision, position| (revision, position) == (3, 7);
            assert!(
                matches!(&told, ReadError::Corrupt { damaged: Damaged::Page, revision, position, .. }
                    if is_there(*revision, *position)),
                "{told}"
            );
        }
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_IOERR, ffi::SQLITE_NOMEM, ffi::SQLITE_CANTOPEN] {
            assert!(matches!(unreadable(&failed(code), here), ReadError::Unavailable(_)), "{code}");
        }
    }

    #[test]
    fn a_file_that_no_longer_looks_like_a_log_is_damaged_and_one_that_is_away_may_come_back() {
        let path = || PathBuf::from("/data");
        let is_damaged = |error: OpenError| matches!(not_opened(&error), ReadError::Corrupt { .. });
        assert!(is_damaged(OpenError::NotALog(path())));
        assert!(is_damaged(OpenError::TooNew { path: path(), format: 9 }));
        assert!(is_damaged(OpenError::Sqlite { path: path(), error: failed(ffi::SQLITE_CORRUPT) }));
        assert!(!is_damaged(OpenError::Sqlite { path: path(), error: failed(ffi::SQLITE_BUSY) }));
        assert!(!is_damaged(OpenError::Missing(path())));
        assert!(!is_damaged(OpenError::Locked(path())));
    }
}
