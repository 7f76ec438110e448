//! The enrollment funnel: how many enrollments of a period reached each step, how the others ended, and how long the
//! steps took.

use super::Step;
use super::days::{self, Counts};
use super::period::{self, Period};
use super::query::State;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeMap;

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
    /// The period that was counted. An edge that lies within a day (UTC) with more than 2,000 enrollments in its part
    /// of the period is moved to the begin or end of that day.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub enrollments: u64,
    pub enrolled: u64,
    pub refused: u64,
    pub abandoned: u64,
    pub signed_out: u64,
    pub open: u64,
    /// Median time from the opening of the enrollment to the enrolled device, in seconds; less than 0.8 % off. Only
    /// enrollments that ended with an enrolled device.
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
    /// Median time at this step of the enrollments that continued, in seconds; less than 0.8 % off.
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
    projections.read_of("visits", move |rows| groups_in(rows, &filter, by)).await
}

/// The enrollments of a day that ended, by their properties.
pub(super) const DAYS: &str = "SELECT nullif(major, -1), language, nullif(provider, ''), enrollments, enrolled, counts
    FROM visits_days WHERE day >= ?1 AND day < ?2";

/// Open enrollments that were opened in a period.
pub(super) const OPEN: &str = "SELECT n FROM visits_visits INDEXED BY visits_open_by_opened
    WHERE state = 'open' AND opened >= ?1 AND opened < ?2";

/// Enrollments that were opened in a period and ended.
pub(super) const ENDED: &str = "SELECT n FROM visits_visits INDEXED BY visits_by_opened
    WHERE opened >= ?1 AND opened < ?2 AND state <> 'open'";

/// Enrollments with the same properties.
struct Portion<'a> {
    major: Option<i64>,
    language: &'a str,
    provider: Option<&'a str>,
    enrollments: u64,
    enrolled: u64,
}

impl Portion<'_> {
    fn matches(&self, filter: &FunnelFilter) -> bool {
        filter.major.is_none_or(|major| self.major == Some(i64::from(major)))
            && filter.language.as_deref().is_none_or(|language| self.language == language)
            && filter.provider.as_deref().is_none_or(|provider| self.provider == Some(provider))
    }

    fn name(&self, by: Dimension) -> Option<String> {
        match by {
            Dimension::Version => self.major.map(|major| major.to_string()),
            Dimension::Language => Some(self.language.to_owned()),
            Dimension::Provider => self.provider.map(str::to_owned),
        }
    }
}

/// The numbers of some enrollments, as they are stored or as they were counted.
enum Numbers<'a> {
    Stored(&'a [u8]),
    Counted(&'a Counts),
}

// Calls `visit` with all enrollments that match, in portions.
fn each(
    rows: &Connection,
    filter: &FunnelFilter,
    period: &Period,
    visit: &mut dyn FnMut(&Portion<'_>, Numbers<'_>),
) -> rusqlite::Result<()> {
    let mut days = rows.prepare_cached(DAYS)?;
    let mut days = days.query([period.days.0, period.days.1])?;
    while let Some(row) = days.next()? {
        let portion = Portion {
            major: row.get(0)?,
            language: row.get_ref(1)?.as_str()?,
            provider: row.get_ref(2)?.as_str_or_null()?,
            enrollments: row.get(3)?,
            enrolled: row.get(4)?,
        };
        // Every enrollment of the day has other properties now.
        if portion.enrollments > 0 && portion.matches(filter) {
            visit(&portion, Numbers::Stored(row.get_ref(5)?.as_blob()?));
        }
    }
    let (from, to) = (period.from.unwrap_or(i64::MIN), period.to.unwrap_or(i64::MAX));
    let open = std::iter::once((OPEN, (from, to)));
    let ended = period.parts.iter().map(|part| (ENDED, *part));
    for (select, (from, to)) in open.chain(ended) {
        let mut select = rows.prepare_cached(select)?;
        let mut found = select.query([from, to])?;
        while let Some(row) = found.next()? {
            let counted = days::of(rows, row.get(0)?)?;
            let portion = Portion {
                major: counted.major,
                language: &counted.language,
                provider: counted.provider.as_deref(),
                enrollments: 1,
                enrolled: u64::from(counted.state == State::Enrolled),
            };
            if portion.matches(filter) {
                visit(&portion, Numbers::Counted(&counted.counts));
            }
        }
    }
    Ok(())
}

fn period_of(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<Period> {
    period::period(rows, filter.from.map(|from| from.0), filter.to.map(|to| to.0))
}

fn groups_in(rows: &Connection, filter: &FunnelFilter, by: Dimension) -> rusqlite::Result<Vec<Group>> {
    let mut groups: BTreeMap<Option<String>, (u64, u64)> = BTreeMap::new();
    each(rows, filter, &period_of(rows, filter)?, &mut |portion, _| {
        let (enrollments, enrolled) = groups.entry(portion.name(by)).or_default();
        *enrollments += portion.enrollments;
        *enrolled += portion.enrolled;
    })?;
    let of = |(name, (enrollments, enrolled))| Group { name, enrollments, enrolled };
    let mut groups: Vec<Group> = groups.into_iter().map(of).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.enrollments));
    Ok(groups)
}

fn funnel_in(rows: &Connection, filter: &FunnelFilter) -> rusqlite::Result<Funnel> {
    let period = period_of(rows, filter)?;
    let mut counts = Counts::default();
    each(rows, filter, &period, &mut |_, numbers| match numbers {
        Numbers::Stored(bytes) => counts.merge_bytes(bytes),
        Numbers::Counted(counted) => counts.merge(counted, 1),
    })?;
    let total = |state| Step::ALL.into_iter().map(|step| counts.ended(step, state)).sum();
    let step = |step: Step| {
        let reached = counts.reached(step);
        (reached > 0).then(|| StepCount {
            step,
            reached,
            refused: counts.ended(step, State::Refused),
            abandoned: counts.ended(step, State::Abandoned),
            signed_out: counts.ended(step, State::SignedOut),
            waiting: counts.ended(step, State::Open),
            median_seconds: counts.median_at(step),
        })
    };
    Ok(Funnel {
        from: period.from.map(Timestamp),
        to: period.to.map(Timestamp),
        enrollments: State::ALL.into_iter().map(total).sum(),
        enrolled: total(State::Enrolled),
        refused: total(State::Refused),
        abandoned: total(State::Abandoned),
        signed_out: total(State::SignedOut),
        open: total(State::Open),
        median_seconds: counts.median_of_all(),
        steps: Step::ALL.into_iter().filter_map(step).collect(),
    })
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
