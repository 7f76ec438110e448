//! Queries of the audit trail.

use super::filter::{AuditFilter, Conditions, conditions};
use super::found::{Owners, Record, positions};
use super::ids::{Key, known as number};
use super::list::Span;
use super::render::{self, Known, Row};
use super::search::{Search, Step};
use super::text::{self, Named};
use crate::{ProjectionError, Projections};
use events::log::Log;
use events::{EventId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// Number of index entries that are examined for one page.
pub const EXAMINED: usize = 20_000;

/// Number of index entries that are examined for a count before the connection is released.
const COUNTED: usize = 200_000;

/// Number of matching events at one moment. With its newest event as [`AuditFilter::up_to`], later events do not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub rows: u64,
    pub newest: Option<EventId>,
}

/// A page of events, in the selected order.
#[derive(Debug, Clone)]
pub struct AuditPage {
    pub rows: Vec<Row>,
    /// Pass this as [`AuditFilter::after`] to get the next page.
    pub next: Option<EventId>,
    /// The effective time up to which the page was searched, if the search ended early because it had examined
    /// [`EXAMINED`] index entries. Then `rows` has less than the limit, possibly none, and `next` continues there.
    pub reached: Option<Timestamp>,
    /// Words of [`AuditFilter::text`] that more than 200 names contain. Only 200 of these were searched: names that are
    /// equal to the word first, then in the order of the log.
    pub broad: Vec<String>,
}

/// What a search of the index returns.
#[derive(Default)]
struct Found {
    known: Vec<Known>,
    next: Option<EventId>,
    reached: Option<Timestamp>,
}

/// Returns up to `limit` events that match, rendered from `log`. The search examines at most [`EXAMINED`] index
/// entries, so that every page takes about the same time; see [`AuditPage::reached`].
///
/// # Errors
/// Returns an error if the projection or the log cannot be read. An event that cannot be read has a row that says so.
pub async fn query(
    projections: &Projections,
    log: &Log,
    filter: AuditFilter,
    limit: usize,
) -> Result<AuditPage, ProjectionError> {
    let named = text::named(projections, filter.text.as_deref()).await?;
    let broad = named.iter().filter(|word| word.more).map(|word| word.word().to_owned()).collect();
    let correlation = filter.correlation;
    let found = projections.read_of("audit", move |rows| search(rows, &filter, &named, limit)).await?;
    let mut rows = render::rows(projections, log, found.known).await?;
    // The index finds a correlation by its help code, which another one can share.
    rows.retain(|row| correlation.is_none_or(|wanted| row.correlation == wanted));
    Ok(AuditPage { rows, next: found.next, reached: found.reached, broad })
}

fn search(rows: &Connection, filter: &AuditFilter, named: &[Named], limit: usize) -> rusqlite::Result<Found> {
    // All statements see the same rows.
    let rows = &rows.unchecked_transaction()?;
    let Some(Conditions { span, clauses, .. }) = conditions(rows, filter, named)? else { return Ok(Found::default()) };
    let mut search = Search::new(rows, span, clauses, EXAMINED)?;
    let (mut found, mut at, mut owners) = (Found::default(), span.first(), Owners::new(rows));
    loop {
        match search.next(at)? {
            Step::End => return Ok(found),
            // One row more than requested shows whether there is another page.
            Step::Found(_) if found.known.len() == limit => {
                found.next = found.known.last().map(|known| EventId(known.record.event));
                return Ok(found);
            }
            Step::Found(record) => {
                at = span.following(record.position);
                found.known.push(render::known(rows, record, &mut owners)?);
            }
            Step::Spent(position) => {
                let reached = before(rows, span, position)?;
                found.next = reached.map(|(event, _)| event);
                found.reached = reached.map(|(_, effective)| effective);
                return Ok(found);
            }
        }
    }
}

pub(super) const BEFORE: [&str; 2] = [
    "SELECT event, effective FROM audit_events WHERE position > ?1 ORDER BY position LIMIT 1",
    "SELECT event, effective FROM audit_events WHERE position < ?1 ORDER BY position DESC LIMIT 1",
];

// Returns the event before `position` in the order of the search.
fn before(rows: &Connection, span: Span, position: i64) -> rusqlite::Result<Option<(EventId, Timestamp)>> {
    let mut select = rows.prepare_cached(BEFORE[usize::from(span.oldest_first)])?;
    let found = |row: &rusqlite::Row<'_>| Ok((EventId(uuid::Uuid::from_bytes(row.get(0)?)), Timestamp(row.get(1)?)));
    select.query_row([position], found).optional()
}

/// Returns the number of matching events and the newest of them. Takes time in proportion to the number of events
/// that must be examined, if the filter has more than a type, an outcome and a kind of actor; for exports, which read
/// these events anyway. Other queries are not blocked meanwhile.
///
/// # Errors
/// Returns an error if the projection or the log cannot be read.
pub async fn extent(projections: &Projections, log: &Log, filter: AuditFilter) -> Result<Extent, ProjectionError> {
    let named = text::named(projections, filter.text.as_deref()).await?;
    if filter.correlation.is_some() {
        return read_extent(projections, log, filter).await;
    }
    let (mut extent, mut at) = (Extent { rows: 0, newest: None }, None);
    let filter = AuditFilter { oldest_first: false, ..filter };
    loop {
        let (filter, named) = (filter.clone(), named.clone());
        let counted = projections.read_of("audit", move |rows| count(rows, &filter, &named, at)).await?;
        extent.rows += counted.rows;
        extent.newest = extent.newest.or(counted.newest);
        at = counted.rest;
        if at.is_none() {
            return Ok(extent);
        }
    }
}

// The index does not contain the whole correlation.
async fn read_extent(projections: &Projections, log: &Log, filter: AuditFilter) -> Result<Extent, ProjectionError> {
    let (mut extent, mut after) = (Extent { rows: 0, newest: None }, filter.after);
    loop {
        let filter = AuditFilter { after, oldest_first: false, ..filter.clone() };
        let page = query(projections, log, filter, 500).await?;
        extent.rows += page.rows.len() as u64;
        extent.newest = extent.newest.or(page.rows.first().map(|row| row.event));
        after = page.next;
        if after.is_none() {
            return Ok(extent);
        }
    }
}

/// A part of a count.
struct Counted {
    rows: u64,
    newest: Option<EventId>,
    /// The position at which the count continues.
    rest: Option<i64>,
}

fn count(rows: &Connection, filter: &AuditFilter, named: &[Named], at: Option<i64>) -> rusqlite::Result<Counted> {
    // All statements see the same rows.
    let rows = &rows.unchecked_transaction()?;
    let none = Counted { rows: 0, newest: None, rest: None };
    let Some(Conditions { span, clauses, only_kinds }) = conditions(rows, filter, named)? else { return Ok(none) };
    let mut search = Search::new(rows, span, clauses, COUNTED)?;
    let mut counted = none;
    let mut at = at.unwrap_or(span.first());
    loop {
        match search.next(at)? {
            Step::End => return Ok(counted),
            Step::Spent(position) => return Ok(Counted { rest: Some(position), ..counted }),
            Step::Found(record) => {
                at = span.following(record.position);
                counted.rows += 1;
                counted.newest = counted.newest.or(Some(EventId(record.event)));
                if let Some(kinds) = &only_kinds {
                    let ids: Vec<(i64, u64)> = kinds.iter().map(|kind| (kind.id, kind.events)).collect();
                    let is_all = [filter.after, filter.up_to].iter().all(Option::is_none);
                    let is_all = is_all && filter.from.is_none() && filter.to.is_none();
                    counted.rows =
                        if is_all { ids.iter().map(|(_, events)| events).sum() } else { of_kinds(rows, span, &ids)? };
                    return Ok(counted);
                }
            }
        }
    }
}

pub(super) const OF_KIND: &str =
    "SELECT count(*) FROM audit_events INDEXED BY audit_by_kind WHERE kind = ?1 AND position BETWEEN ?2 AND ?3";

fn of_kinds(rows: &Connection, span: Span, kinds: &[(i64, u64)]) -> rusqlite::Result<u64> {
    let mut select = rows.prepare_cached(OF_KIND)?;
    let mut count = |kind: i64| select.query_row(params![kind, span.oldest, span.newest], |row| row.get::<_, u64>(0));
    kinds.iter().map(|(kind, _)| count(*kind)).sum()
}

/// Returns one event; `None` if there is none with this id.
///
/// # Errors
/// Same as [`query`].
pub async fn find(projections: &Projections, log: &Log, event: EventId) -> Result<Option<Row>, ProjectionError> {
    let known = projections
        .read_of("audit", move |rows| {
            let Some(position) = positions(rows, event.0)?.first().copied() else { return Ok(None) };
            let Some(record) = Record::at(rows, position)? else { return Ok(None) };
            render::known(rows, record, &mut Owners::new(rows)).map(Some)
        })
        .await?;
    Ok(render::rows(projections, log, known.into_iter().collect()).await?.pop())
}

pub(super) const ACTED: &str = "SELECT EXISTS (SELECT 1 FROM audit_events WHERE actor = ?1)
    OR EXISTS (SELECT 1 FROM audit_events WHERE device = ?1 AND actor IS NULL)";

/// Returns whether an actor with this id or name has caused any event.
///
/// # Errors
/// Returns an error if the projection cannot be read.
pub async fn has_acted(projections: &Projections, actor: &str) -> Result<bool, ProjectionError> {
    let actor = Key::of(actor);
    projections
        .read_of("audit", move |rows| match number(rows, &actor)? {
            Some(actor) => rows.prepare_cached(ACTED)?.query_row([actor], |row| row.get(0)),
            None => Ok(false),
        })
        .await
}

pub(super) const TYPES: &str = "SELECT DISTINCT type FROM audit_kinds ORDER BY type";

/// Returns the types of all events in the log, sorted by name.
///
/// # Errors
/// Returns an error if the projection cannot be read.
pub async fn types(projections: &Projections) -> Result<Vec<String>, ProjectionError> {
    projections.read_of("audit", |rows| rows.prepare_cached(TYPES)?.query_map([], |row| row.get(0))?.collect()).await
}
