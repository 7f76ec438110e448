//! The states over time, as an image that the server draws.

use super::PATH;
use super::words::{label, texture};
use crate::admin::problem::Problem;
use crate::admin::query::{Query, filled};
use crate::admin::session::Staff;
use crate::admin::words::Day as Date;
use crate::web::content::content;
use events::Timestamp;
use plural::counted;
use projections::migration::{Day, MigrationState, days};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const DAY: i64 = 86_400;
/// Periods in days that the page offers.
const PERIODS: [i64; 3] = [30, 90, 365];
/// Columns of the chart: a longer period has several days in a column.
const COLUMNS: usize = 60;
/// Rows of the table.
const TABLE: usize = 15;
/// Days that the chart shows at least, so that the first day of a migration is no single block.
const LEAST: usize = 14;
/// Size of the drawing area.
const WIDTH: usize = 720;
const HEIGHT: u64 = 200;

/// Query parameter of the chart.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Period {
    days: Option<String>,
}

impl Period {
    /// Returns the number of days.
    ///
    /// # Errors
    /// Returns an error if it is not offered.
    pub(super) fn days(&self) -> Result<i64, Problem> {
        let Some(text) = filled(self.days.as_deref()) else { return Ok(PERIODS[1]) };
        let days = text.parse().ok().filter(|days| PERIODS.contains(days));
        days.ok_or(Problem::Bad("It must be 30, 90 or 365.")).map_err(|problem| problem.of("days"))
    }
}

#[derive(Serialize)]
pub(super) struct Chart {
    /// What the image shows, for those who do not see it.
    said: String,
    layers: Vec<Layer>,
    /// The height of the chart, such as `41 records`.
    scale: String,
    first: String,
    last: String,
    periods: Vec<PeriodLink>,
    heads: Vec<&'static str>,
    table: Vec<TableRow>,
}

content!(Chart { said, layers, scale, first, last, periods, heads, table });

#[derive(Serialize)]
struct Layer {
    state: &'static str,
    texture: &'static str,
    path: String,
}

content!(Layer { state, texture, path });

#[derive(Serialize)]
struct PeriodLink {
    href: String,
    label: String,
    current: bool,
}

content!(PeriodLink { href, label, current });

#[derive(Serialize)]
struct TableRow {
    day: Date,
    counts: Vec<u64>,
}

content!(TableRow { day, counts });

/// The numbers at the end of some days.
type Column = (Timestamp, BTreeMap<MigrationState, u64>);

/// Returns the chart of one source or of all; `None` if there was no record in the period.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(super) async fn of(
    staff: &Staff,
    source: Option<String>,
    query: &Query,
    period: i64,
) -> Result<Option<Chart>, Problem> {
    let now = staff.now();
    let from = now.plus_seconds(-(period - 1) * DAY);
    let found = days(staff.projections(), source, (from, now)).await.map_err(|error| staff.broken(error))?;
    let columns = columns(&found, now);
    let Some((first, _)) = columns.first() else { return Ok(None) };
    let most = columns.iter().map(|(_, counts)| counts.values().sum::<u64>()).max().unwrap_or_default();
    if most == 0 {
        return Ok(None);
    }
    let word = |at: Timestamp| Date::of(at, now).words;
    let periods = PERIODS.map(|days| PeriodLink {
        href: query.clone().with("days", Some(&days.to_string())).href(PATH),
        label: if days == 365 { "A year".to_owned() } else { format!("{days} days") },
        current: days == period,
    });
    Ok(Some(Chart {
        said: said(&columns, now),
        layers: layers(&columns, most),
        scale: counted(most, "record"),
        first: word(*first),
        last: word(now),
        periods: periods.into(),
        heads: MigrationState::ALL.map(label).into(),
        table: table(&columns, now),
    }))
}

// One entry per day, or per some days of a long period: then the last one of them, so that the chart ends with today.
fn columns(found: &[Day], now: Timestamp) -> Vec<Column> {
    let Some(first) = found.first() else { return vec![] };
    let mut known = found.iter().peekable();
    let (mut day, mut counts, mut all) = (first.day, BTreeMap::new(), Vec::new());
    while day <= now {
        if let Some(changed) = known.next_if(|changed| changed.day == day) {
            counts = changed.counts.clone();
        }
        all.push((day, counts.clone()));
        day = day.plus_seconds(DAY);
    }
    // One empty day shows that nothing was there before.
    let empty = all.iter().take_while(|(_, counts)| counts.is_empty()).count().saturating_sub(1);
    all.drain(..empty.min(all.len().saturating_sub(LEAST)));
    let step = all.len().div_ceil(COLUMNS).max(1);
    let mut picked: Vec<Column> = all.into_iter().rev().step_by(step).collect();
    picked.reverse();
    picked
}

// The states are stacked, the first one at the bottom. A layer that is empty everywhere is left out.
fn layers(columns: &[Column], most: u64) -> Vec<Layer> {
    let mut below = vec![0; columns.len()];
    let mut layers = Vec::new();
    // What is done is at the bottom, so that its growth is seen from a level line.
    for state in MigrationState::ALL.into_iter().rev() {
        let above: Vec<u64> = columns
            .iter()
            .zip(&below)
            .map(|((_, counts), below)| below + counts.get(&state).copied().unwrap_or_default())
            .collect();
        if above != below {
            let path = path(&below, &above, most);
            layers.push(Layer { state: state.as_str(), texture: texture(state), path });
        }
        below = above;
    }
    layers
}

// A step for each column: the numbers are those of whole days, with nothing between them.
fn path(below: &[u64], above: &[u64], most: u64) -> String {
    let x = |column: usize| column * WIDTH / above.len();
    let y = |count: u64| HEIGHT - count * HEIGHT / most;
    let mut path = String::from("M0");
    for (column, count) in above.iter().enumerate() {
        let start = if column == 0 { " " } else { "V" };
        let _ = write!(path, "{start}{}H{}", y(*count), x(column + 1));
    }
    for (column, count) in below.iter().enumerate().rev() {
        let _ = write!(path, "V{}H{}", y(*count), x(column));
    }
    path.push('Z');
    path
}

fn said(columns: &[Column], now: Timestamp) -> String {
    let told = |(day, counts): &Column| {
        let parts: Vec<String> = MigrationState::ALL
            .into_iter()
            .filter_map(|state| Some(format!("{} {}", label(state), counts.get(&state)?)))
            .collect();
        let parts = if parts.is_empty() { "no records".to_owned() } else { parts.join(", ") };
        format!("{}: {parts}.", Date::of(*day, now).words)
    };
    let ends = [columns.first(), columns.last().filter(|_| columns.len() > 1)];
    ends.into_iter().flatten().map(told).collect::<Vec<_>>().join(" ")
}

fn table(columns: &[Column], now: Timestamp) -> Vec<TableRow> {
    let step = columns.len().div_ceil(TABLE).max(1);
    let row = |(day, counts): &Column| TableRow {
        day: Date::of(*day, now),
        counts: MigrationState::ALL.map(|state| counts.get(&state).copied().unwrap_or_default()).into(),
    };
    columns.iter().rev().step_by(step).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(nth: i64, counts: &[(MigrationState, u64)]) -> Day {
        Day { day: Timestamp(0).plus_seconds(nth * DAY), counts: counts.iter().copied().collect() }
    }

    #[test]
    fn each_day_has_the_numbers_of_the_last_change_and_a_long_time_before_the_first_is_left_out() {
        let (to_invite, done) = (MigrationState::ToInvite, MigrationState::Done);
        let found = [day(0, &[]), day(40, &[(to_invite, 4)]), day(42, &[(to_invite, 3), (done, 1)])];
        let columns = columns(&found, Timestamp(0).plus_seconds(43 * DAY + 5));
        assert_eq!(columns.len(), LEAST);
        assert_eq!(columns[0].0, Timestamp(0).plus_seconds(30 * DAY));
        let sums: Vec<u64> = columns.iter().map(|(_, counts)| counts.values().sum()).collect();
        assert_eq!(sums, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4]);
        assert_eq!(columns[13].1, BTreeMap::from([(to_invite, 3), (done, 1)]));
    }

    #[test]
    fn a_year_has_few_columns_and_ends_with_today() {
        let found = [day(0, &[(MigrationState::Done, 1)])];
        let today = Timestamp(0).plus_seconds(364 * DAY);
        let columns = columns(&found, today);
        assert!(columns.len() <= COLUMNS, "{}", columns.len());
        assert_eq!(columns.last().map(|(day, _)| *day), Some(today));
    }

    #[test]
    fn the_layers_are_stacked_and_reach_the_top_where_there_are_most() {
        let counts = |done, invited| BTreeMap::from([(MigrationState::Done, done), (MigrationState::Invited, invited)]);
        let columns = [(Timestamp(0), counts(0, 4)), (Timestamp(1), counts(1, 3))];
        let layers = layers(&columns, 4);
        let paths: Vec<_> = layers.iter().map(|layer| (layer.state, layer.path.as_str())).collect();
        let expected = [("done", "M0 200H360V150H720V200H360V200H0Z"), ("invited", "M0 0H360V0H720V150H360V200H0Z")];
        assert_eq!(paths, expected);
    }

    #[test]
    fn only_the_offered_periods_are_accepted() {
        let days = |text: &str| Period { days: Some(text.to_owned()) }.days().ok();
        assert_eq!((days("30"), days(""), days("31"), days("x")), (Some(30), Some(90), None, None));
    }
}
