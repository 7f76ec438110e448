//! The list of links, with its filters.

use super::query::{COLUMNS, LinkRow, LinkState, link};
use crate::cursor::NoCursor;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::device::DeviceId;
use events::record::{LinkBand, RecordId};
use rusqlite::{Connection, ToSql};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Filter for links. All given values must match.
#[derive(Debug, Clone, Default)]
pub struct LinkFilter {
    pub state: Option<LinkState>,
    pub band: Option<LinkBand>,
    pub record: Option<RecordId>,
    pub successor: Option<DeviceId>,
    /// The highest score first, instead of the latest change first.
    pub strongest_first: bool,
    /// Continue after this link, in the selected order.
    pub after: Option<LinkCursor>,
}

/// A link as it stood in the list. It contains what the list is ordered by, so that it stays valid after a decision
/// about the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkCursor {
    score: i32,
    at: Timestamp,
    record: RecordId,
    successor: DeviceId,
}

impl LinkCursor {
    fn of(link: &LinkRow) -> LinkCursor {
        LinkCursor { score: link.score, at: link.at, record: link.record, successor: link.successor }
    }
}

impl fmt::Display for LinkCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.score, self.at.0, self.record, self.successor)
    }
}

impl FromStr for LinkCursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<LinkCursor, NoCursor> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(NoCursor);
        let score = next()?.parse().map_err(|_| NoCursor)?;
        let at = Timestamp(next()?.parse().map_err(|_| NoCursor)?);
        let record = RecordId(Uuid::parse_str(next()?).map_err(|_| NoCursor)?);
        let successor = DeviceId(Uuid::parse_str(next()?).map_err(|_| NoCursor)?);
        if parts.next().is_some() {
            return Err(NoCursor);
        }
        Ok(LinkCursor { score, at, record, successor })
    }
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct ListedLinks {
    pub links: Vec<LinkRow>,
    /// Pass this as [`LinkFilter::after`] to get the next page.
    pub next: Option<LinkCursor>,
}

/// Returns up to `limit` links that match, as they are now.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn list(projections: &Projections, filter: LinkFilter, limit: usize) -> Result<ListedLinks, ProjectionError> {
    projections.read_of("links", move |rows| list_in(rows, &filter, limit)).await
}

fn list_in(rows: &Connection, filter: &LinkFilter, limit: usize) -> rusqlite::Result<ListedLinks> {
    let (state, band) = (filter.state.map(LinkState::as_str), filter.band.map(LinkBand::as_str));
    let record = filter.record.map(|record| record.to_string());
    let successor = filter.successor.map(|successor| successor.to_string());
    let after =
        filter.after.map(|after| (after.score, after.at.0, after.record.to_string(), after.successor.to_string()));
    // One row more than requested shows whether there is another page.
    let fetch = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut bindings: Vec<(&str, &dyn ToSql)> = vec![(":limit", &fetch)];
    // Only what is asked for is in the query: a condition for any value would keep SQLite from using the index.
    let mut condition = "valid_to IS NULL".to_owned();
    if let Some(state) = &state {
        bindings.push((":state", state));
        condition += " AND state = :state";
    }
    if let Some(band) = &band {
        bindings.push((":band", band));
        condition += " AND band = :band";
    }
    if let Some(record) = &record {
        bindings.push((":record", record));
        condition += " AND record = :record";
    }
    if let Some(successor) = &successor {
        bindings.push((":successor", successor));
        condition += " AND successor = :successor";
    }
    if let Some((score, at, record, successor)) = &after {
        bindings.extend([(":at", at as &dyn ToSql), (":after_record", record), (":after_successor", successor)]);
        if filter.strongest_first {
            bindings.push((":score", score));
        }
    }
    let (order, last) = if filter.strongest_first {
        ("score DESC, ", "(score, valid_from, record, successor) < (:score, :at, :after_record, :after_successor)")
    } else {
        ("", "(valid_from, record, successor) < (:at, :after_record, :after_successor)")
    };
    let continued = after.as_ref().map(|_| format!(" AND {last}")).unwrap_or_default();
    let select = format!(
        "SELECT {COLUMNS} FROM links_versions WHERE {condition}{continued}
            ORDER BY {order}valid_from DESC, record DESC, successor DESC LIMIT :limit"
    );
    let mut statement = rows.prepare_cached(&select)?;
    let mut links = statement.query_map(&bindings[..], link)?.collect::<Result<Vec<_>, _>>()?;
    let has_more = links.len() > limit;
    links.truncate(limit);
    let next = links.last().filter(|_| has_more).map(LinkCursor::of);
    Ok(ListedLinks { links, next })
}

/// Returns the number of links in each state; without states that no link has.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn counts(projections: &Projections) -> Result<BTreeMap<LinkState, u64>, ProjectionError> {
    projections
        .read_of("links", |rows| {
            let select = "SELECT state, count(*) FROM links_versions WHERE valid_to IS NULL GROUP BY state";
            let mut statement = rows.prepare_cached(select)?;
            let found = statement.query_map([], |row| Ok((super::query::state(row, 0)?, row.get(1)?)))?;
            found.collect()
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_no_other_text_is_one() {
        let id = Uuid::from_u128(7);
        let cursor = LinkCursor { score: -3, at: Timestamp(5), record: RecordId(id), successor: DeviceId(id) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1", &format!("1.2.{id}"), &format!("{cursor}.1"), &format!("x.2.{id}.{id}")] {
            assert_eq!(text.parse::<LinkCursor>(), Err(NoCursor), "{text}");
        }
    }
}
