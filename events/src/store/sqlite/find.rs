//! Finds the events of a stream: in the tables of format 1, in the index, and among the events that are not indexed
//! yet.

use super::index::search::IndexReader;
use super::index::{Key, Place, key};
use super::tables::Tables;
use crate::envelope::{EventId, StreamName};
use crate::store::ReadError;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

/// What a search reads.
pub(super) struct Sources<'a> {
    pub(super) log: &'a Connection,
    pub(super) tables: Tables,
    /// `None`: there is none; the whole log is searched.
    pub(super) index: Option<&'a IndexReader>,
    pub(super) recent: Recent,
    /// Revision of the last event that this process knows to be in the stream.
    pub(super) known: Option<u64>,
}

/// Where the events are that may not be in the index.
pub(super) enum Recent {
    /// This process writes the log: these are the events of the stream that were in memory before the index was read.
    Memory(Vec<Place>),
    /// Another process writes it: they are in the log, after this position.
    After(u64),
}

/// Why a search failed.
#[derive(Debug)]
pub(super) enum FindError {
    Log(rusqlite::Error),
    /// The index cannot be used.
    Index(rusqlite::Error),
}

/// Why a query for the events of a stream failed.
#[derive(Debug)]
pub(super) enum QueryError {
    Read(ReadError),
    /// The index is damaged or cannot be read.
    Index(String),
    /// The index ends before an event of the stream that this process has written. The revision is that of the first
    /// missing event.
    Short(u64),
}

impl From<ReadError> for QueryError {
    fn from(error: ReadError) -> QueryError {
        QueryError::Read(error)
    }
}

/// Where events of a stream are.
pub(super) struct Found {
    pub(super) places: Vec<Place>,
    /// Revision of the last event of the stream that the tables of format 1 must have.
    pub(super) old_last: Option<u64>,
}

/// A stream that is searched.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a StreamName,
    pub(super) key: Key,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(name: &'a StreamName) -> Wanted<'a> {
        Wanted { name, key: key(name) }
    }
}

impl Sources<'_> {
    /// Returns the places of up to `limit` events from revision `from` on, in order of revision. A gap in the revisions
    /// means that the log or the index is damaged.
    pub(super) fn places(&self, stream: &Wanted<'_>, from: u64, limit: usize) -> Result<Found, FindError> {
        let old = self.tables.old_stream(self.log, stream.name).map_err(FindError::Log)?;
        let mut places = match old {
            Some(old) if from <= old.last => old.places(self.log, from, limit).map_err(FindError::Log)?,
            _ => Vec::new(),
        };
        let next = from.max(old.map_or(0, |old| old.last + 1));
        let recent = self.recent(stream, next)?;
        let is_whole = recent.first().is_some_and(|first| first.revision <= next);
        if let Some(index) = self.index.filter(|_| !is_whole && places.len() < limit) {
            places.extend(index.places(&stream.key, next, limit - places.len()).map_err(FindError::Index)?);
        }
        let last = places.last().map(|place| place.revision);
        places.extend(recent.into_iter().filter(|place| Some(place.revision) > last));
        places.truncate(limit);
        Ok(Found { places, old_last: old.map(|old| old.last) })
    }

    /// Returns the place of the last event; `None` if the stream has none.
    pub(super) fn last(&self, stream: &Wanted<'_>) -> Result<Option<Place>, FindError> {
        if let Some(last) = self.recent(stream, 0)?.last() {
            return Ok(Some(*last));
        }
        if let Some(index) = self.index
            && let Some(last) = index.last(&stream.key).map_err(FindError::Index)?
        {
            return Ok(Some(last));
        }
        let Some(old) = self.tables.old_stream(self.log, stream.name).map_err(FindError::Log)? else { return Ok(None) };
        // A missing event has no position: its reader reports it.
        let places = old.places(self.log, old.last, 1).map_err(FindError::Log)?;
        Ok(Some(places.first().copied().unwrap_or(Place { revision: old.last, position: 0 })))
    }

    /// Returns the id of the event at `position`; `None` if it is missing or damaged.
    pub(super) fn id_at(&self, position: u64) -> rusqlite::Result<Option<EventId>> {
        let select = format!("SELECT event_id FROM {} WHERE position = ?1", self.tables.table(position));
        let id = |row: &rusqlite::Row<'_>| Ok(row.get::<_, [u8; 16]>(0).ok());
        let id = self.log.prepare_cached(&select)?.query_row([position], id).optional()?.flatten();
        Ok(id.map(|id| EventId(Uuid::from_bytes(id))))
    }

    fn recent(&self, stream: &Wanted<'_>, from: u64) -> Result<Vec<Place>, FindError> {
        match &self.recent {
            Recent::Memory(places) => Ok(places.iter().filter(|place| place.revision >= from).copied().collect()),
            Recent::After(_) if self.tables.is_old() => Ok(Vec::new()),
            Recent::After(position) => self.search(stream.name, *position, from).map_err(FindError::Log),
        }
    }

    // Reads the log's events after `position`: at most those that the writing process has not indexed yet, or the whole
    // log if there is no index.
    fn search(&self, name: &StreamName, position: u64, from: u64) -> rusqlite::Result<Vec<Place>> {
        let select = "SELECT revision, position FROM log WHERE position > ?1 AND stream = ?2 AND revision >= ?3
            ORDER BY position";
        let place = |row: &rusqlite::Row<'_>| Ok(Place { revision: row.get(0)?, position: row.get(1)? });
        self.log.prepare_cached(select)?.query_map(params![position, name.as_str(), from], place)?.collect()
    }
}
