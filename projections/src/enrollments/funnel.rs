//! The enrollment funnel: how many enrollments of a period reached each step, how the others ended, and how long the
//! steps took.

use super::Step;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::collections::HashMap;

/// Filter for enrollments: those opened in the period that match all other values.
#[derive(Debug, Clone, Default)]
pub struct FunnelFilter {
    /// Opened at or after this instant.
    pub from: Option<Timestamp>,
    /// Opened before this instant.
    pub to: Option<Timestamp>,
    /// Major version of iOS.
    pub major: Option<u16>,
    /// Language tag of the pages.
    pub language: Option<String>,
    /// Name of a sign-in method, a directory or an identity provider.
    pub provider: Option<String>,
}

/// Totals of all matching enrollments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Funnel {
    pub enrollments: u64,
    pub enrolled: u64,
    pub refused: u64,
    pub abandoned: u64,
    pub signed_out: u64,
    pub open: u64,
    /// Median time from the opening of the enrollment to the enrolled device, in seconds. Only enrollments that ended
    /// with an enrolled device.
    pub median_seconds: Option<i64>,
    /// In the order of the steps. Only steps that an enrollment reached.
    pub steps: Vec<StepCount>,
}

/// Results of the enrollments that reached a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCount {
    pub step: Step,
    /// Enrollments that reached the step. The other numbers count a part of them.
    pub reached: u64,
    /// Enrollments that were refused at this step and ended.
    pub refused: u64,
    pub abandoned: u64,
    pub signed_out: u64,
    /// Enrollments that are at this step now.
    pub waiting: u64,
    /// Median time at this step of the enrollments that continued, in seconds.
    pub median_seconds: Option<i64>,
}

impl StepCount {
    /// Returns the number of enrollments that continued after this step.
    pub fn went_on(&self) -> u64 {
        let stayed = self.refused + self.abandoned + self.signed_out + self.waiting;
        self.reached.saturating_sub(stayed)
    }
}

/// Properties by which enrollments can be grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    Version,
    Language,
    /// The directory or identity provider; without one, the sign-in method.
    Provider,
}

impl Dimension {
    fn column(self) -> &'static str {
        match self {
            Dimension::Version => "CAST(v.major AS TEXT)",
            Dimension::Language => "v.language",
            Dimension::Provider => "coalesce(v.provider, v.method)",
        }
    }
}

/// The enrollments with the same value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `None` if unknown.
    pub name: Option<String>,
    pub enrollments: u64,
    pub enrolled: u64,
}

/// Returns the funnel of the enrollments that match `filter`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn funnel(projections: &Projections, filter: FunnelFilter) -> Result<Funnel, ProjectionError> {
    projections.read_of("visits", move |rows| funnel_in(rows, &filter)).await
}

/// Returns the enrollments that match `filter`, grouped by a property, the largest group first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn groups(
    projections: &Projections,
    filter: FunnelFilter,
    by: Dimension,
) -> Result<Vec<Group>, ProjectionError> {
    projections
        .read_of("visits", move |rows| {
            let (condition, values) = condition(&filter);
            let select = format!(
                "SELECT {} name, count(*), sum(v.state = 'enrolled') FROM visits_visits v WHERE {condition}
                GROUP BY name ORDER BY count(*) DESC, name",
                by.column()
            );
            let group = |row: &rusqlite::Row<'_>| {
                Ok(Group { name: row.get(0)?, enrollments: row.get(1)?, enrolled: row.get(2)? })
            };
            rows.prepare_cached(&select)?.query_map(params_from_iter(values), group)?.collect()
        })
        .await
}

fn condition(filter: &FunnelFilter) -> (String, Vec<Value>) {
    let (mut sql, mut values) = (vec!["1"], Vec::new());
    let mut add = |condition: &'static str, value: Option<Value>| {
        if let Some(value) = value {
            sql.push(condition);
            values.push(value);
        }
    };
    add("v.opened >= ?", filter.from.map(|from| from.0.into()));
    add("v.opened < ?", filter.to.map(|to| to.0.into()));
    add("v.major = ?", filter.major.map(|major| i64::from(major).into()));
    add("v.language = ?", filter.language.clone().map(Value::Text));
    add("coalesce(v.provider, v.method) = ?", filter.provider.clone().map(Value::Text));
    (sql.join(" AND "), values)
}

fn funnel_in(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<Funnel> {
    let ends = ends(rows, filter)?;
    let total = |state: &str| ends.iter().filter(|((_, of), _)| of == state).map(|(_, count)| count).sum();
    let reached = reached(rows, filter)?;
    let medians = medians(rows, filter)?;
    let step = |step: Step| {
        let reached = *reached.get(step.as_str())?;
        let at = |state: &str| ends.get(&(step.as_str().to_owned(), state.to_owned())).copied().unwrap_or(0);
        Some(StepCount {
            step,
            reached,
            refused: at("refused"),
            abandoned: at("abandoned"),
            signed_out: at("signed_out"),
            waiting: at("open"),
            median_seconds: medians.get(step.as_str()).copied(),
        })
    };
    Ok(Funnel {
        enrollments: ends.values().sum(),
        enrolled: total("enrolled"),
        refused: total("refused"),
        abandoned: total("abandoned"),
        signed_out: total("signed_out"),
        open: total("open"),
        median_seconds: median_of_all(rows, filter)?,
        steps: Step::ALL.into_iter().filter_map(step).collect(),
    })
}

/// Counts enrollments by their current or last step and their state.
fn ends(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<HashMap<(String, String), u64>> {
    let (condition, values) = condition(filter);
    let select =
        format!("SELECT v.step, v.state, count(*) FROM visits_visits v WHERE {condition} GROUP BY v.step, v.state");
    let pair = |row: &rusqlite::Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    rows.prepare_cached(&select)?.query_map(params_from_iter(values), pair)?.collect()
}

fn reached(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<HashMap<String, u64>> {
    let (condition, values) = condition(filter);
    let select = format!(
        "SELECT s.step, count(*) FROM visits_steps s JOIN visits_visits v ON v.id = s.visit
        WHERE {condition} GROUP BY s.step"
    );
    let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    rows.prepare_cached(&select)?.query_map(params_from_iter(values), pair)?.collect()
}

// Only enrollments that continued: the time that people stayed before they gave up says nothing about the step.
fn medians(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<HashMap<String, i64>> {
    let (condition, values) = condition(filter);
    let select = format!(
        "SELECT step, took FROM (
            SELECT s.step step, (s.left - s.reached) / 1000000 took,
                row_number() OVER (PARTITION BY s.step ORDER BY s.left - s.reached) nth,
                count(*) OVER (PARTITION BY s.step) of
            FROM visits_steps s JOIN visits_visits v ON v.id = s.visit
            WHERE s.left IS NOT NULL AND s.step <> v.step AND {condition}
        ) WHERE nth = (of + 1) / 2"
    );
    let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    rows.prepare_cached(&select)?.query_map(params_from_iter(values), pair)?.collect()
}

fn median_of_all(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<Option<i64>> {
    let (condition, values) = condition(filter);
    let select = format!(
        "SELECT took FROM (
            SELECT (v.ended - v.opened) / 1000000 took, row_number() OVER (ORDER BY v.ended - v.opened) nth,
                count(*) OVER () of
            FROM visits_visits v WHERE v.state = 'enrolled' AND {condition}
        ) WHERE nth = (of + 1) / 2"
    );
    let mut statement = rows.prepare_cached(&select)?;
    let mut found = statement.query_map(params_from_iter(values), |row| row.get(0))?;
    found.next().transpose()
}

#[cfg(test)]
mod tests {
    use super::{Step, StepCount};

    #[test]
    fn whoever_neither_ended_at_a_step_nor_is_there_went_on() {
        let count = |reached| StepCount {
            step: Step::Terms,
            reached,
            refused: 1,
            abandoned: 2,
            signed_out: 4,
            waiting: 8,
            median_seconds: None,
        };
        assert_eq!([20, 15, 3].map(|reached| count(reached).went_on()), [5, 0, 0]);
    }
}
