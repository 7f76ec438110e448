//! States over time: of all records by day, and of one record.

use super::row::DAY;
use super::state::MigrationState;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::record::RecordId;
use rusqlite::{Row, params};
use std::collections::BTreeMap;

/// How many records were in each state at the end of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Beginning of the day in UTC.
    pub day: Timestamp,
    /// Without states that no record had.
    pub counts: BTreeMap<MigrationState, u64>,
}

/// Returns the days from the one of `from` to the one of `until` on which something changed, each with its numbers at
/// its end, of one source or of all. The first day is always there.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn days(
    projections: &Projections,
    source: Option<String>,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Day>, ProjectionError> {
    let (first, last) = (from.0.div_euclid(DAY), until.0.div_euclid(DAY));
    projections
        .read_of("migration", move |rows| {
            let select = "SELECT max(day, ?2), state, sum(delta) FROM migration_days
                WHERE (?1 IS NULL OR source = ?1) AND day <= ?3 GROUP BY max(day, ?2), state ORDER BY 1";
            let of = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?));
            let mut statement = rows.prepare_cached(select)?;
            let mut days: BTreeMap<i64, BTreeMap<MigrationState, i64>> = BTreeMap::from([(first, BTreeMap::new())]);
            for row in statement.query_map(params![source, first, last], of)? {
                let (day, state, delta) = row?;
                if let Some(state) = MigrationState::parse(&state) {
                    days.entry(day).or_default().insert(state, delta);
                }
            }
            Ok(summed(days))
        })
        .await
}

// Each day has the sum of the changes up to it.
fn summed(days: BTreeMap<i64, BTreeMap<MigrationState, i64>>) -> Vec<Day> {
    let mut sums: BTreeMap<MigrationState, i64> = BTreeMap::new();
    let mut summed = Vec::new();
    for (day, deltas) in days {
        for (state, delta) in deltas {
            *sums.entry(state).or_default() += delta;
        }
        let counts =
            sums.iter().filter_map(|(state, sum)| Some((*state, u64::try_from(*sum).ok().filter(|n| *n > 0)?)));
        summed.push(Day { day: Timestamp(day.saturating_mul(DAY)), counts: counts.collect() });
    }
    summed
}

/// A time in which a record was in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatePeriod {
    pub state: MigrationState,
    pub from: Timestamp,
    /// `None`: it is in this state.
    pub until: Option<Timestamp>,
}

/// Returns the states that a record was in, the oldest first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn history(
    projections: &Projections,
    record: RecordId,
    limit: u32,
) -> Result<Vec<StatePeriod>, ProjectionError> {
    projections
        .read_of("migration", move |rows| {
            let select = "SELECT state, valid_from, valid_to FROM migration_states
                WHERE record = ?1 ORDER BY position LIMIT ?2";
            let of = |row: &Row<'_>| {
                let state = MigrationState::parse(&row.get::<_, String>(0)?).unwrap_or(MigrationState::ToInvite);
                let until = row.get::<_, Option<i64>>(2)?.map(Timestamp);
                Ok(StatePeriod { state, from: Timestamp(row.get(1)?), until })
            };
            rows.prepare_cached(select)?.query_map(params![record.to_string(), limit], of)?.collect()
        })
        .await
}
