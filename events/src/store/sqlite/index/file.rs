//! The file of the index: its tables, the log that it belongs to, lookups and additions.

use super::packed::{WIDTH, checked, last_of, pack, sealed, unpack};
use super::{CHUNK, Key, Place};
use crate::sqlite::plan_once;
use crate::store::sqlite::row::is_damage;
use crate::store::sqlite::tables::Tables;
use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension as _, Transaction, params};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// File name of the index in the directory of the log.
pub(crate) const FILE: &str = "index.db";

/// Number of the format of the file. An index of another format is rebuilt.
const FORMAT: i64 = 2;
// "MSTX" in the file header.
const APPLICATION: i64 = 0x4d53_5458;

// `origin` has one row: the id of the log's first event, the position up to which events are indexed, and the leaf hash
// of the event there. It is written in the same transaction as the places. `positions` ends with a checksum of the row.
const TABLES: &str = "
    CREATE TABLE origin (log BLOB, position INTEGER NOT NULL, leaf BLOB) STRICT;
    INSERT INTO origin VALUES (NULL, 0, NULL);
    CREATE TABLE places (
        stream    BLOB NOT NULL,
        first     INTEGER NOT NULL,
        positions BLOB NOT NULL,
        PRIMARY KEY (stream, first)
    ) STRICT, WITHOUT ROWID;";

/// What an index belongs to, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Origin {
    /// Id of the log's first event; `None` for an empty index.
    pub(crate) log: Option<Vec<u8>>,
    /// Position up to which events are indexed.
    pub(crate) position: u64,
    /// Leaf hash of the event at that position.
    pub(crate) leaf: Option<Vec<u8>>,
}

impl Origin {
    /// Returns the origin of an index of this log up to `position`. What cannot be read in the log is `None`.
    pub(crate) fn at(log: &Connection, tables: Tables, position: u64) -> Origin {
        let blob = |column: &str, position: u64| {
            let select = format!("SELECT {column} FROM {} WHERE position = ?1", tables.table(position));
            log.prepare_cached(&select).and_then(|mut select| select.query_row([position], |row| row.get(0))).ok()
        };
        Origin { log: blob("event_id", 1), position, leaf: blob("leaf", position) }
    }

    /// Returns whether the log has the events that this index was built from. Events that cannot be read show nothing.
    pub(crate) fn fits(&self, log: &Connection, tables: Tables) -> rusqlite::Result<bool> {
        if self.position > tables.head(log)?.unwrap_or_default() {
            return Ok(false);
        }
        let there = Origin::at(log, tables, self.position);
        let is_other = |a: &Option<Vec<u8>>, b: &Option<Vec<u8>>| a.is_some() && b.is_some() && a != b;
        Ok(self.position == 0 || !(is_other(&self.log, &there.log) || is_other(&self.leaf, &there.leaf)))
    }
}

/// Returns whether an error says that the index is damaged: its pages, or values that it never writes.
pub(in crate::store::sqlite) fn is_flaw(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    is_damage(error)
        || matches!(
            error,
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..)
        )
}

/// Opens the index for writing, and creates it if it is missing. `None`: the file is not an index of this format, or it
/// is damaged.
pub(super) fn open(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let is_new = !path.exists();
    if is_new {
        // Created here to set its mode. SQLite gives the same mode to the side files.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        made.map_err(|error| cannot_open(&error))?;
    }
    let connection = Connection::open(path)?;
    let prepared = connection.busy_timeout(Duration::from_secs(5)).and_then(|()| {
        plan_once(&connection)?;
        // A power failure loses the newest commits and nothing else, since the log has their events.
        connection.execute_batch("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        connection.execute_batch("PRAGMA wal_autocheckpoint = 4000; PRAGMA cell_size_check = ON;")?;
        // KiB: a batch visits the pages in their order, so more does not help.
        connection.execute_batch("PRAGMA cache_size = -8192;")?;
        if is_new {
            make(&connection)?;
        }
        is_index(&connection)
    });
    match prepared {
        Ok(true) => Ok(Some(connection)),
        Ok(false) => Ok(None),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn cannot_open(error: &std::io::Error) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}

fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}; COMMIT;"
    ))
}

fn is_index(connection: &Connection) -> rusqlite::Result<bool> {
    let pragma = |name: &str| -> rusqlite::Result<i64> { connection.pragma_query_value(None, name, |row| row.get(0)) };
    Ok(pragma("application_id")? == APPLICATION && pragma("user_version")? == FORMAT)
}

/// Opens the index for reading. `None`: there is none of this format.
pub(crate) fn open_read_only(path: &Path) -> rusqlite::Result<Option<Connection>> {
    if !path.is_file() {
        return Ok(None);
    }
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    plan_once(&connection)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(is_index(&connection)?.then_some(connection))
}

pub(crate) fn origin(index: &Connection) -> rusqlite::Result<Origin> {
    let origin = |row: &rusqlite::Row<'_>| Ok(Origin { log: row.get(0)?, position: row.get(1)?, leaf: row.get(2)? });
    index.prepare_cached("SELECT log, position, leaf FROM origin")?.query_row([], origin)
}

pub(super) fn set_origin(transaction: &Transaction<'_>, origin: &Origin) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE origin SET log = ?1, position = ?2, leaf = ?3")?
        .execute(params![origin.log, origin.position, origin.leaf])
        .map(drop)
}

/// Returns the places of up to `limit` events of a stream, from revision `from` on.
pub(crate) fn places(index: &Connection, key: &Key, from: u64, limit: usize) -> rusqlite::Result<Vec<Place>> {
    let select = "SELECT first, positions FROM places WHERE stream = ?1 AND first >=
        coalesce((SELECT max(first) FROM places WHERE stream = ?1 AND first <= ?2), 0) ORDER BY first";
    let mut select = index.prepare_cached(select)?;
    let mut rows = select.query(params![key, from])?;
    let mut places = Vec::new();
    while places.len() < limit
        && let Some(row) = rows.next()?
    {
        let first: u64 = row.get(0)?;
        let here = unpack(first, checked(key, first, row.get_ref(1)?.as_blob()?)?);
        let wanted = here.filter(|place| place.revision >= from).take(limit - places.len());
        places.extend(wanted);
    }
    Ok(places)
}

const LAST_ROW: &str = "SELECT first, positions FROM places WHERE stream = ?1 ORDER BY first DESC LIMIT 1";

/// Returns the place of the last event of a stream.
pub(crate) fn last(index: &Connection, key: &Key) -> rusqlite::Result<Option<Place>> {
    let last = |row: &rusqlite::Row<'_>| {
        let first = row.get(0)?;
        let positions = checked(key, first, row.get_ref(1)?.as_blob()?)?;
        Ok(last_of(first, positions))
    };
    Ok(index.prepare_cached(LAST_ROW)?.query_row([key], last).optional()?.flatten())
}

// Returns the first revision and the positions of the last row of a stream.
fn of_row(key: &Key, row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, Vec<u8>)> {
    let first = row.get(0)?;
    Ok((first, checked(key, first, row.get_ref(1)?.as_blob()?)?.to_vec()))
}

/// Two events with the same revision of one stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Double {
    pub(super) revision: u64,
    /// Positions of both events.
    pub(super) positions: [u64; 2],
}

/// Adds places to the index in one transaction.
pub(super) struct Additions<'a> {
    transaction: &'a Transaction<'a>,
    insert: CachedStatement<'a>,
    last: CachedStatement<'a>,
    replace: CachedStatement<'a>,
}

impl<'a> Additions<'a> {
    pub(super) fn to(transaction: &'a Transaction<'a>) -> rusqlite::Result<Additions<'a>> {
        let values = "INTO places (stream, first, positions) VALUES (?1, ?2, ?3)";
        Ok(Additions {
            transaction,
            insert: transaction.prepare_cached(&format!("INSERT {values} ON CONFLICT DO NOTHING"))?,
            last: transaction.prepare_cached(LAST_ROW)?,
            replace: transaction.prepare_cached(&format!("INSERT OR REPLACE {values}"))?,
        })
    }

    /// Adds the places of a stream, in order of revision. A place that the index has already is passed. A gap stays a
    /// gap: readers of the stream find it.
    pub(super) fn add(&mut self, key: &Key, new: &[Place]) -> rusqlite::Result<Result<(), Double>> {
        // A new stream, as most are while devices enroll, has no row.
        if new.first().is_some_and(|place| place.revision == 0) && new.len() <= CHUNK && is_dense(new) {
            let positions: Vec<u8> = new.iter().flat_map(pack).collect();
            if self.insert.execute(params![key, 0, sealed(key, 0, positions)])? == 1 {
                return Ok(Ok(()));
            }
        }
        self.append(key, new)
    }

    fn append(&mut self, key: &Key, new: &[Place]) -> rusqlite::Result<Result<(), Double>> {
        let row = self.last.query_row([key], |row| of_row(key, row)).optional()?;
        let (mut first, mut positions) = row.unwrap_or_default();
        let mut is_changed = false;
        for place in new {
            let next = first + (positions.len() / WIDTH) as u64;
            if place.revision < next {
                let newest = unpack(first, &positions).collect::<Vec<_>>();
                if let Some(double) = double(self.transaction, key, place, &newest)? {
                    return Ok(Err(double));
                }
                continue;
            }
            if place.revision > next || positions.len() == CHUNK * WIDTH {
                if is_changed {
                    self.replace.execute(params![key, first, sealed(key, first, positions)])?;
                }
                (first, positions) = (place.revision, Vec::new());
            }
            positions.extend(pack(place));
            is_changed = true;
        }
        if is_changed {
            self.replace.execute(params![key, first, sealed(key, first, positions)])?;
        }
        Ok(Ok(()))
    }
}

fn is_dense(places: &[Place]) -> bool {
    places
        .iter()
        .zip(places.first().map_or(0, |first| first.revision)..)
        .all(|(place, wanted)| place.revision == wanted)
}

// Returns both positions if the index has another one for this revision, in `newest` or in an earlier row.
fn double(index: &Connection, key: &Key, place: &Place, newest: &[Place]) -> rusqlite::Result<Option<Double>> {
    let same = |there: &&Place| there.revision == place.revision;
    let there = match newest.iter().find(same).copied() {
        Some(there) => Some(there),
        None => places(index, key, place.revision, 1)?.first().filter(same).copied(),
    };
    let other = there.filter(|there| there.position != place.position);
    Ok(other.map(|other| Double { revision: place.revision, positions: [other.position, place.position] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        make(&connection).unwrap();
        connection
    }

    fn places_of(revisions: impl IntoIterator<Item = u64>) -> Vec<Place> {
        revisions.into_iter().map(|revision| Place { revision, position: revision * 1_000 + 7 }).collect()
    }

    fn add_all(index: &mut Connection, new: &[Place]) -> Result<(), Double> {
        let transaction = index.transaction().unwrap();
        let added = Additions::to(&transaction).unwrap().add(&[1; 16], new).unwrap();
        transaction.commit().unwrap();
        added
    }

    #[test]
    fn places_are_found_from_any_revision_however_they_were_added() {
        for batch in [1, 7, 64, 65, 300] {
            let mut index = index();
            let all = places_of(0..300);
            for part in all.chunks(batch) {
                add_all(&mut index, part).unwrap();
            }
            for (from, limit) in [(0, 1_000), (0, 10), (63, 2), (64, 64), (299, 5), (300, 5)] {
                let wanted: Vec<_> = all.iter().skip(from).take(limit).copied().collect();
                assert_eq!(places(&index, &[1; 16], from as u64, limit).unwrap(), wanted, "{batch} {from}");
            }
            assert_eq!(last(&index, &[1; 16]).unwrap(), all.last().copied());
            assert_eq!(last(&index, &[2; 16]).unwrap(), None);
        }
    }

    #[test]
    fn a_place_that_is_there_is_passed_and_another_one_for_its_revision_is_told() {
        let mut index = index();
        add_all(&mut index, &places_of(0..100)).unwrap();
        add_all(&mut index, &places_of(90..101)).unwrap();
        assert_eq!(places(&index, &[1; 16], 0, 1_000).unwrap(), places_of(0..101));
        for revision in [2, 99] {
            let there = places_of([revision])[0].position;
            let other = add_all(&mut index, &[Place { revision, position: 5 }]);
            assert_eq!(other, Err(Double { revision, positions: [there, 5] }));
        }
    }

    #[test]
    fn a_stream_may_begin_late_and_a_gap_stays_a_gap() {
        let mut index = index();
        add_all(&mut index, &places_of([5, 6, 9])).unwrap();
        add_all(&mut index, &places_of([10])).unwrap();
        assert_eq!(places(&index, &[1; 16], 0, 10).unwrap(), places_of([5, 6, 9, 10]));
        assert_eq!(places(&index, &[1; 16], 7, 10).unwrap(), places_of([9, 10]));
    }

    #[test]
    fn a_row_that_differs_in_any_bit_is_a_flaw_however_it_is_read() {
        let mut index = index();
        add_all(&mut index, &places_of(0..10)).unwrap();
        let row: Vec<u8> = index.query_row("SELECT positions FROM places", [], |row| row.get(0)).unwrap();
        let set = |index: &Connection, row: &[u8]| index.execute("UPDATE places SET positions = ?1", [row]).unwrap();
        for bit in 0..row.len() * 8 {
            let mut other = row.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            set(&index, &other);
            let told = [
                last(&index, &[1; 16]).err(),
                places(&index, &[1; 16], 9, 1).err(),
                Additions::to(&index.transaction().unwrap()).unwrap().add(&[1; 16], &places_of(10..11)).err(),
            ];
            assert!(told.iter().all(|error| error.as_ref().is_some_and(is_flaw)), "{bit}: {told:?}");
        }
        set(&index, &row);
        assert_eq!(last(&index, &[1; 16]).unwrap(), places_of([9]).first().copied());
        // A row that is moved elsewhere is one too.
        index.execute("UPDATE places SET first = 3", []).unwrap();
        assert!(last(&index, &[1; 16]).is_err_and(|error| is_flaw(&error)));
    }
}
