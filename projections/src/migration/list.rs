//! The list of the board and its counts, with their filters.

use super::query::{BoardRow, SELECT, board_row};
use super::state::MigrationState;
use crate::records::OwnerOutcome;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::invitation::WaveId;
use events::record::RecordId;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// When the old management was last heard from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// At `from` or later, and before `until`.
    Between {
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    },
    Unknown,
}

/// Filter for the board. All given values must match.
#[derive(Debug, Clone, Default)]
pub struct BoardFilter {
    pub state: Option<MigrationState>,
    /// The old management was removed at this time or earlier, and the owner has not enrolled.
    pub removed_until: Option<Timestamp>,
    pub source: Option<String>,
    pub site: Option<String>,
    /// One of these, as [`super::Choices::models`] has them; empty: any.
    pub models: Vec<String>,
    pub owner: Option<OwnerOutcome>,
    /// User name of the owner; capitals of A to Z do not matter.
    pub user_name: Option<String>,
    pub contact: Option<Contact>,
    pub wave: Option<WaveId>,
    /// Continue after this row.
    pub after: Option<BoardCursor>,
}

/// A row as it stood in the list. It contains what the list is ordered by, so that it stays valid if the row changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardCursor {
    since: Timestamp,
    record: RecordId,
}

impl fmt::Display for BoardCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.since.0, self.record)
    }
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCursor;

impl FromStr for BoardCursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<BoardCursor, NoCursor> {
        let (since, record) = text.split_once('.').ok_or(NoCursor)?;
        let since = Timestamp(since.parse().map_err(|_| NoCursor)?);
        Ok(BoardCursor { since, record: RecordId(Uuid::parse_str(record).map_err(|_| NoCursor)?) })
    }
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct ListedBoard {
    pub rows: Vec<BoardRow>,
    /// Pass this as [`BoardFilter::after`] to get the next page.
    pub next: Option<BoardCursor>,
}

/// Returns up to `limit` rows that match, the latest change of state first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn list(
    projections: &Projections,
    filter: BoardFilter,
    limit: usize,
) -> Result<ListedBoard, ProjectionError> {
    let of = projections.clone();
    projections
        .read_of("migration", move |rows| {
            let mut matching = Matching::of(&filter);
            if let Some(after) = filter.after {
                matching.add("(since, record) < (?, ?)", [after.since.0.into(), after.record.to_string().into()]);
            }
            let index = if filter.state.is_some() { "migration_by_state" } else { "migration_by_since" };
            page(rows, &of, matching, (index, "since DESC, record DESC"), limit)
        })
        .await
}

/// Returns up to `limit` rows that match, in order of their ids. Unlike the order of [`list`], this one does not change
/// meanwhile: somebody who reads all pages reads each row once.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn by_id(
    projections: &Projections,
    filter: BoardFilter,
    limit: usize,
) -> Result<ListedBoard, ProjectionError> {
    let of = projections.clone();
    projections
        .read_of("migration", move |rows| {
            let mut matching = Matching::of(&filter);
            if let Some(after) = filter.after {
                matching.add("record > ?", [after.record.to_string().into()]);
            }
            page(rows, &of, matching, ("", "record"), limit)
        })
        .await
}

/// Returns the number of rows in each state that match the filter in any state; without states that no row has.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn counts(
    projections: &Projections,
    filter: BoardFilter,
) -> Result<BTreeMap<MigrationState, u64>, ProjectionError> {
    projections
        .read_of("migration", move |rows| {
            let matching = Matching::of(&BoardFilter { state: None, ..filter });
            let select = format!(
                "SELECT state, count(*) FROM migration_rows INDEXED BY migration_by_state WHERE {} GROUP BY state",
                matching.condition
            );
            let of = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
            let mut statement = rows.prepare_cached(&select)?;
            let found = statement.query_map(params_from_iter(matching.values), of)?;
            let mut counts = BTreeMap::new();
            for row in found {
                let (state, count) = row?;
                counts.extend(MigrationState::parse(&state).map(|state| (state, count)));
            }
            Ok(counts)
        })
        .await
}

/// Returns the number of rows that match.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn count(projections: &Projections, filter: BoardFilter) -> Result<u64, ProjectionError> {
    projections
        .read_of("migration", move |rows| {
            let matching = Matching::of(&filter);
            let select = format!(
                "SELECT count(*) FROM migration_rows INDEXED BY migration_by_state WHERE {}",
                matching.condition
            );
            rows.prepare_cached(&select)?.query_row(params_from_iter(matching.values), |row| row.get(0))
        })
        .await
}

/// The conditions of a filter. Only what is asked for is in the query: a condition for any value would keep SQLite from
/// using the index.
struct Matching {
    condition: String,
    values: Vec<Value>,
}

/// The last contact of an enrollment of this installation is in the side table too.
const CONTACT: &str = "CASE origin WHEN 'own' THEN max(coalesce(last_contact, 0),
    coalesce((SELECT at FROM last_seen s WHERE s.device = migration_rows.record), 0)) ELSE last_contact END";

const OF_USER: &str = "(record IN (SELECT record FROM records_current WHERE lower(user_name) = lower(?))
    OR person IN (SELECT id FROM people_names WHERE kind = 'person' AND lower(user_name) = lower(?)))";

impl Matching {
    fn of(filter: &BoardFilter) -> Matching {
        let mut matching = Matching { condition: "state IS NOT NULL".to_owned(), values: vec![] };
        if let Some(state) = filter.state {
            matching.add("state = ?", [state.as_str().to_owned().into()]);
        }
        if let Some(until) = filter.removed_until {
            matching.add("state = 'removed' AND removed <= ?", [until.0.into()]);
        }
        let wave = filter.wave.map(|wave| wave.to_string());
        let owner = filter.owner.map(|owner| owner.as_str().to_owned());
        for (column, value) in [("source", &filter.source), ("site", &filter.site), ("wave", &wave), ("owner", &owner)]
        {
            if let Some(value) = value {
                matching.add(&format!("{column} = ?"), [value.clone().into()]);
            }
        }
        if !filter.models.is_empty() {
            let marks = vec!["?"; filter.models.len()].join(", ");
            matching.add(&format!("model IN ({marks})"), filter.models.iter().map(|model| model.clone().into()));
        }
        if let Some(name) = &filter.user_name {
            let name = Value::from(name.clone());
            matching.add(OF_USER, [name.clone(), name]);
        }
        match filter.contact {
            Some(Contact::Between { from, until }) => {
                let from = from.map_or(i64::MIN, |from| from.0);
                let until = until.map_or(i64::MAX, |until| until.0);
                matching.add(&format!("({CONTACT}) >= ? AND ({CONTACT}) < ?"), [from.into(), until.into()]);
            }
            Some(Contact::Unknown) => matching.add(&format!("({CONTACT}) IS NULL"), []),
            None => {}
        }
        matching
    }

    fn add(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
        self.values.extend(values);
    }
}

// The inner query finds the rows of the page in the index alone, the outer one reads what the page shows of them.
fn page(
    rows: &Connection,
    projections: &Projections,
    mut matching: Matching,
    (index, order): (&str, &str),
    limit: usize,
) -> rusqlite::Result<ListedBoard> {
    let by = if index.is_empty() { String::new() } else { format!("INDEXED BY {index}") };
    // One row more than requested shows whether there is another page.
    matching.values.push(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX).into());
    let select = format!(
        "{SELECT} WHERE m.record IN (
            SELECT record FROM migration_rows {by} WHERE {} ORDER BY {order} LIMIT ?) ORDER BY {}",
        matching.condition,
        order.split(", ").map(|part| format!("m.{part}")).collect::<Vec<_>>().join(", ")
    );
    let mut statement = rows.prepare_cached(&select)?;
    let found = statement.query_map(params_from_iter(matching.values), |row| board_row(row, projections))?;
    let mut found = found.collect::<Result<Vec<_>, _>>()?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|row| BoardCursor { since: row.since, record: row.record });
    Ok(ListedBoard { rows: found, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_no_other_text_is_one() {
        let cursor = BoardCursor { since: Timestamp(-5), record: RecordId(Uuid::from_u128(7)) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1", "1.2", &format!("{cursor}.1"), &format!("x.{}", cursor.record)] {
            assert_eq!(text.parse::<BoardCursor>(), Err(NoCursor), "{text}");
        }
    }
}
