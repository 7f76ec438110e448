//! The appends of one transaction: each is decided by the head of its stream, which may be in the same batch.

use super::append::{Answer, Plan, Request};
use super::find::{FindError, Recent as Unindexed, Sources, Wanted};
use super::index::Place;
use super::index::file::is_flaw;
use super::index::handle::{Index, Unusable};
use super::index::recent::RecentEvents;
use super::pool::IndexConnection;
use super::tables::Tables;
use crate::store::AppendError;
use rusqlite::{CachedStatement, Connection};
use std::sync::Arc;

/// What the writer looks up to decide about an append.
pub(super) struct Lookups {
    tables: Tables,
    index: Arc<Index>,
    connection: IndexConnection,
    /// The read transaction that is open on the index: it has the batches up to this number. One transaction for many
    /// lookups saves most of the system calls of a lookup.
    snapshot: Option<u64>,
    /// Whether this batch has waited for the index.
    has_waited: bool,
}

/// Why the writer cannot decide about an append.
enum Undecided {
    Log(rusqlite::Error),
    /// The index cannot be used at present.
    Index(String),
}

impl Lookups {
    pub(super) fn new(tables: Tables, index: Arc<Index>) -> Lookups {
        Lookups { tables, index, connection: IndexConnection::default(), snapshot: None, has_waited: false }
    }

    /// Decides about the request and writes its events in the open transaction with `insert`, the first at position
    /// `next`. The inner error is for the caller; then nothing was written. The outer error is one of the log.
    pub(super) fn apply(
        &mut self,
        log: &Connection,
        insert: &mut CachedStatement<'_>,
        next: u64,
        request: &Request,
        batch: &mut RecentEvents,
    ) -> rusqlite::Result<Answer> {
        match self.decide(log, request, batch) {
            Ok(Decided::Write { first }) => request.write(insert, first, next, |event| batch.push(event)).map(Ok),
            Ok(Decided::Answer(answer)) => Ok(answer),
            Err(Undecided::Log(error)) => Err(error),
            Err(Undecided::Index(why)) => Ok(Err(AppendError::Unavailable(why))),
        }
    }

    /// Ends the reading of a batch.
    pub(super) fn end(&mut self) {
        self.has_waited = false;
        self.end_snapshot();
    }

    fn end_snapshot(&mut self) {
        if self.snapshot.take().is_some() {
            self.connection.end();
        }
    }

    fn decide(&mut self, log: &Connection, request: &Request, batch: &RecentEvents) -> Result<Decided, Undecided> {
        let head = self.head(log, request, batch)?;
        let plan = match request.plan(head) {
            Plan::Compare { first } => {
                // What is in memory is read before the index.
                let (mut recent, flushes) = self.index.recent(&request.key(), first);
                recent.extend(batch.places(&request.key(), first));
                let written = self.search(log, request, (recent, flushes), |sources, stream| {
                    let count = request.count();
                    let places = sources.places(stream, first, count)?.places;
                    request.written_at(sources, &places).map_err(FindError::Log)
                })?;
                match written {
                    Some(appended) => return Ok(Decided::Answer(Ok(appended))),
                    None => request.plan_if_new(head),
                }
            }
            plan => plan,
        };
        Ok(match plan {
            Plan::Write { first } => Decided::Write { first },
            Plan::Compare { .. } | Plan::Conflict => Decided::Answer(Err(request.conflict(head))),
        })
    }

    // Returns the revision of the stream's last event.
    fn head(&mut self, log: &Connection, request: &Request, batch: &RecentEvents) -> Result<Option<u64>, Undecided> {
        let key = request.key();
        if let Some(head) = batch.head(&key) {
            return Ok(Some(head.place.revision));
        }
        // The tail is asked before the index is read. Only this thread adds to the tail.
        let (in_tail, flushes) = self.index.in_tail(&key);
        if let Some(head) = in_tail.or_else(|| self.index.remembered(&key)) {
            return Ok(Some(head.revision.0));
        }
        if self.index.is_absent(&key) {
            return Ok(None);
        }
        let last = self.search(log, request, (Vec::new(), flushes), |sources, stream| sources.last(stream))?;
        Ok(last.map(|last| last.revision))
    }

    fn search<T>(
        &mut self,
        log: &Connection,
        request: &Request,
        (recent, flushes): (Vec<Place>, u64),
        query: impl Fn(&Sources<'_>, &Wanted<'_>) -> Result<T, FindError>,
    ) -> Result<T, Undecided> {
        let stream = Wanted { name: request.stream(), key: request.key() };
        if self.snapshot != Some(flushes) {
            self.end_snapshot();
        }
        // A rebuild may have begun after the caller had waited for the index.
        if !std::mem::replace(&mut self.has_waited, true) {
            self.index.wait_until_ready();
        }
        let index = self.connection.get(&self.index).map_err(|unusable| match unusable {
            Unusable::NotReady(why) => Undecided::Index(why),
            Unusable::Flawed(why) => {
                self.index.damaged(&why);
                Undecided::Index(why)
            }
        })?;
        if index.connection().is_autocommit() {
            index.connection().execute_batch("BEGIN").map_err(|error| Undecided::Index(error.to_string()))?;
            self.snapshot = Some(flushes);
        }
        let index = Some(index);
        let sources = Sources { log, tables: self.tables, index, recent: Unindexed::Memory(recent), known: None };
        query(&sources, &stream).map_err(|error| match error {
            FindError::Log(error) => Undecided::Log(error),
            FindError::Index(error) => {
                if is_flaw(&error) {
                    self.index.damaged(&error.to_string());
                }
                Undecided::Index(format!("index.db: {error}"))
            }
        })
    }
}

enum Decided {
    Write { first: u64 },
    Answer(Answer),
}
