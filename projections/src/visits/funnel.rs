//! How far people get: of the visits of a period, how many reached each step, what became of the others, how long it took.

use super::Step;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::collections::HashMap;

/// Which visits are counted: those opened in the period, and of this kind.
#[derive(Debug, Clone, Default)]
pub struct FunnelFilter {
    /// Opened not before this instant …
    pub from: Option<Timestamp>,
    /// … and before this one.
    pub to: Option<Timestamp>,
    /// The major version of iOS.
    pub major: Option<u16>,
    /// Language tag of the pages.
    pub language: Option<String>,
    /// Name of a way of signing in, or of a directory or identity provider.
    pub provider: Option<String>,
}

/// All of them together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Funnel {
    pub visits: u64,
    pub enrolled: u64,
    pub refused: u64,
    pub abandoned: u64,
    pub signed_out: u64,
    pub open: u64,
    /// Seconds from the first form to the enrolled device, the median of those that got there.
    pub median_seconds: Option<i64>,
    /// In the order of the way; only steps that somebody stood on.
    pub steps: Vec<StepCount>,
}

/// What became of those who stood on a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCount {
    pub step: Step,
    pub reached: u64,
    pub refused: u64,
    pub abandoned: u64,
    pub signed_out: u64,
    /// Stand there now.
    pub waiting: u64,
    /// How long those who went on stood there, the median.
    pub median_seconds: Option<i64>,
}

impl StepCount {
    /// How many went on from here.
    pub fn went_on(&self) -> u64 {
        let stayed = self.refused + self.abandoned + self.signed_out + self.waiting;
        self.reached.saturating_sub(stayed)
    }
}

/// What visits can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    Version,
    Language,
    /// The directory or identity provider; where there is none, the way of signing in.
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

/// The visits that have something in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `None`: not known.
    pub name: Option<String>,
    pub visits: u64,
    pub enrolled: u64,
}

/// How far the visits of `filter` got.
///
/// # Errors
/// If the file cannot be read.
pub async fn funnel(projections: &Projections, filter: FunnelFilter) -> Result<Funnel, ProjectionError> {
    projections.read_of("visits", move |rows| funnel_in(rows, &filter)).await
}

/// The visits of `filter` by what they have in common, the largest group first.
///
/// # Errors
/// If the file cannot be read.
pub async fn groups(
    projections: &Projections,
    filter: FunnelFilter,
    by: Dimension,
) -> Result<Vec<Group>, ProjectionError> {
    projections
        .read_of("visits", move |rows| {
            let (condition, values) = condition(&filter);
            let select = format!(
                "SELECT {} name, count(*), sum(v.state = 'enrolled') FROM visits_v3_visits v WHERE {condition}
                GROUP BY name ORDER BY count(*) DESC, name",
                by.column()
            );
            let group =
                |row: &rusqlite::Row<'_>| Ok(Group { name: row.get(0)?, visits: row.get(1)?, enrolled: row.get(2)? });
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
        visits: ends.values().sum(),
        enrolled: total("enrolled"),
        refused: total("refused"),
        abandoned: total("abandoned"),
        signed_out: total("signed_out"),
        open: total("open"),
        median_seconds: median_of_all(rows, filter)?,
        steps: Step::ALL.into_iter().filter_map(step).collect(),
    })
}

/// Visits by the step they stand or ended on and what became of them.
fn ends(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<HashMap<(String, String), u64>> {
    let (condition, values) = condition(filter);
    let select =
        format!("SELECT v.step, v.state, count(*) FROM visits_v3_visits v WHERE {condition} GROUP BY v.step, v.state");
    let pair = |row: &rusqlite::Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    rows.prepare_cached(&select)?.query_map(params_from_iter(values), pair)?.collect()
}

fn reached(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<HashMap<String, u64>> {
    let (condition, values) = condition(filter);
    let select = format!(
        "SELECT s.step, count(*) FROM visits_v3_steps s JOIN visits_v3_visits v ON v.id = s.visit
        WHERE {condition} GROUP BY s.step"
    );
    let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    rows.prepare_cached(&select)?.query_map(params_from_iter(values), pair)?.collect()
}

// Of those who went on: how long somebody stood on a step before they gave up says nothing about the step.
fn medians(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<HashMap<String, i64>> {
    let (condition, values) = condition(filter);
    let select = format!(
        "SELECT step, took FROM (
            SELECT s.step step, (s.left - s.reached) / 1000000 took,
                row_number() OVER (PARTITION BY s.step ORDER BY s.left - s.reached) nth,
                count(*) OVER (PARTITION BY s.step) of
            FROM visits_v3_steps s JOIN visits_v3_visits v ON v.id = s.visit
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
            FROM visits_v3_visits v WHERE v.state = 'enrolled' AND {condition}
        ) WHERE nth = (of + 1) / 2"
    );
    let mut statement = rows.prepare_cached(&select)?;
    let mut found = statement.query_map(params_from_iter(values), |row| row.get(0))?;
    found.next().transpose()
}
