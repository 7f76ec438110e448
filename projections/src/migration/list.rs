//! The list of the board and its counts, with their filters.

use super::query::{BoardRow, SELECT, board_row};
use super::state::MigrationState;
use crate::cursor::Cursor;
use crate::records::OwnerOutcome;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::invitation::WaveId;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use std::collections::BTreeMap;

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
    pub after: Option<Cursor>,
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct ListedBoard {
    pub rows: Vec<BoardRow>,
    /// Pass this as [`BoardFilter::after`] to get the next page.
    pub next: Option<Cursor>,
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
                matching.add("(since, record) < (?, ?)", [after.at.0.into(), after.id.to_string().into()]);
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
                matching.add("record > ?", [after.id.to_string().into()]);
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
            let (select, values) = match only_source(&filter) {
                // The sums of all days are the numbers of now.
                true => (OF_DAYS.to_owned(), vec![Value::from(filter.source.clone())]),
                false => {
                    let matching = Matching::of(&BoardFilter { state: None, ..filter });
                    let by = matching.index("migration_by_state");
                    let condition = &matching.condition;
                    let select =
                        format!("SELECT state, count(*) FROM migration_rows {by} WHERE {condition} GROUP BY state");
                    (select, matching.values)
                }
            };
            let of = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
            let mut statement = rows.prepare_cached(&select)?;
            let found = statement.query_map(params_from_iter(values), of)?;
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
            let by = matching.index("migration_by_state");
            let select = format!("SELECT count(*) FROM migration_rows {by} WHERE {}", matching.condition);
            rows.prepare_cached(&select)?.query_row(params_from_iter(matching.values), |row| row.get(0))
        })
        .await
}

const OF_DAYS: &str = "SELECT state, sum(delta) FROM migration_days WHERE ?1 IS NULL OR source = ?1
    GROUP BY state HAVING sum(delta) > 0";

// Whether a filter asks for nothing but a source and a state.
fn only_source(filter: &BoardFilter) -> bool {
    let BoardFilter { state: _, removed_until, source: _, site, models, owner, user_name, contact, wave, after: _ } =
        filter;
    let has_text = site.is_some() || !models.is_empty() || user_name.is_some();
    !has_text && removed_until.is_none() && owner.is_none() && contact.is_none() && wave.is_none()
}

/// The conditions of a filter. Only what is asked for is in the query: a condition for any value would keep SQLite from
/// using the index.
struct Matching {
    condition: String,
    values: Vec<Value>,
    /// Few records match: they are found by a condition, not in the order of the list.
    is_narrow: bool,
}

/// The last contact of an enrollment of this installation is in the side table too.
const CONTACT: &str = "CASE origin WHEN 'own' THEN max(coalesce(last_contact, 0),
    coalesce((SELECT at FROM last_seen s WHERE s.device = migration_rows.record), 0)) ELSE last_contact END";

/// IS NOT NULL is the condition of the indexes.
const OF_USER: &str = "record IN (
    SELECT record FROM records_current WHERE user_name IS NOT NULL AND lower(user_name) IN (lower(?), lower(?), lower(?))
    UNION SELECT r.record FROM people_names p JOIN migration_rows r ON r.person = p.id
    WHERE p.user_name IS NOT NULL AND lower(p.user_name) IN (lower(?), lower(?), lower(?)) AND p.kind = 'person')";

impl Matching {
    fn of(filter: &BoardFilter) -> Matching {
        let mut matching = Matching { condition: "state IS NOT NULL".to_owned(), values: vec![], is_narrow: false };
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
            // `lower` of SQLite knows ASCII only.
            let names = [name.clone(), name.to_lowercase(), name.to_uppercase()].map(Value::from);
            matching.add(OF_USER, [names.clone(), names].into_iter().flatten());
            matching.is_narrow = true;
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

    // Returns the clause that makes a query use an index.
    fn index(&self, index: &str) -> String {
        if self.is_narrow || index.is_empty() { String::new() } else { format!("INDEXED BY {index}") }
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
    let by = matching.index(index);
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
    let next = found.last().filter(|_| has_more).map(|row| Cursor { at: row.since, id: row.record.0 });
    Ok(ListedBoard { rows: found, next })
}
