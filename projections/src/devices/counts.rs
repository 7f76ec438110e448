//! Counts of devices: kept ones for all devices, and bounded ones for those of a filter.

use super::current::major;
use super::device::State;
use super::filter::DeviceFilter;
use super::list::{End, each};
use super::matching::Values;
use crate::{ProjectionError, Projections};
use events::enrollment::OsVersion;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Maximum number of devices that are read for a count.
const BUDGET: usize = 5_000;

/// A number of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    Exactly(u64),
    /// Counting ended here.
    AtLeast(u64),
    /// Estimated from a sample of at least 10,000 devices. In 95 of 100 cases the error is below 1 % of the devices from
    /// which the sample was taken.
    About(u64),
}

/// A property by which devices are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Facet {
    State,
    Kind,
    Ownership,
    /// `ProductName`.
    Model,
    /// Major version of the OS.
    OsMajor,
    Archived,
}

impl Facet {
    pub const ALL: [Facet; 6] =
        [Facet::State, Facet::Kind, Facet::Ownership, Facet::Model, Facet::OsMajor, Facet::Archived];

    fn code(self) -> i64 {
        match self {
            Facet::State => 1,
            Facet::Kind => 2,
            Facet::Ownership => 3,
            Facet::Model => 4,
            Facet::OsMajor => 5,
            Facet::Archived => 6,
        }
    }

    // `None`: unknown.
    fn value(self, device: &dyn Values) -> rusqlite::Result<Option<String>> {
        let text = |column: &str| Ok(device.text(column)?.map(|text| text.into_owned()));
        match self {
            Facet::State => text("phase"),
            Facet::Kind => text("kind"),
            Facet::Ownership => text("ownership"),
            Facet::Model => text("product_name"),
            Facet::OsMajor => {
                let version = device.text("os_version")?.as_deref().and_then(OsVersion::parse);
                Ok(version.map(|version| version.major.to_string()))
            }
            Facet::Archived => Ok(Some((device.number("archived")? == Some(1)).to_string())),
        }
    }
}

/// What one device contributes to the kept counts. Nothing before its first message.
#[derive(PartialEq, Eq)]
pub(super) struct Counted(Option<(bool, Vec<(Facet, String)>)>);

impl Counted {
    /// Returns whether the counts depend on a column.
    pub(super) fn depends_on(column: &str) -> bool {
        ["phase", "archived", "kind", "ownership", "product_name", "os"].contains(&column)
    }

    pub(super) fn of(rows: &Connection, n: i64) -> rusqlite::Result<Counted> {
        let select = "SELECT phase, kind, ownership, product_name, os, archived FROM devices_current WHERE n = ?1";
        rows.prepare_cached(select)?.query_row([n], |row| {
            let text =
                |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.unwrap_or_default());
            let Some(state) = row.get::<_, Option<String>>(0)? else { return Ok(Counted(None)) };
            let os = row.get::<_, Option<i64>>(4)?.map(|os| major(os).to_string()).unwrap_or_default();
            let is_archived = row.get::<_, Option<bool>>(5)?.unwrap_or(false);
            let of = vec![
                (Facet::State, state),
                (Facet::Kind, text(1)?),
                (Facet::Ownership, text(2)?),
                (Facet::Model, text(3)?),
                (Facet::OsMajor, os),
                (Facet::Archived, is_archived.to_string()),
            ];
            Ok(Counted(Some((is_archived, of))))
        })
    }

    /// Changes the kept counts from this contribution to another one.
    pub(super) fn becomes(&self, after: &Counted, rows: &Connection) -> rusqlite::Result<()> {
        let values = |counted: &Counted| -> Vec<(bool, Facet, String)> {
            let of = counted.0.iter();
            of.flat_map(|(archived, of)| of.iter().map(|(facet, value)| (*archived, *facet, value.clone()))).collect()
        };
        let (before, after) = (values(self), values(after));
        for gone in before.iter().filter(|value| !after.contains(value)) {
            add(rows, gone, -1)?;
        }
        for new in after.iter().filter(|value| !before.contains(value)) {
            add(rows, new, 1)?;
        }
        Ok(())
    }
}

fn add(rows: &Connection, (archived, facet, value): &(bool, Facet, String), by: i64) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO devices_counts (facet, archived, value, count) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (facet, archived, value) DO UPDATE SET count = count + excluded.count RETURNING count";
    let row = params![facet.code(), archived, value, by];
    let count: i64 = rows.prepare_cached(upsert)?.query_row(row, |row| row.get(0))?;
    if count == 0 {
        let delete = "DELETE FROM devices_counts WHERE facet = ?1 AND archived = ?2 AND value = ?3";
        rows.prepare_cached(delete)?.execute(params![facet.code(), archived, value])?;
    }
    Ok(())
}

/// Returns the kept number of devices with a value of a column.
pub(super) fn kept(rows: &Connection, column: &str, value: &str) -> rusqlite::Result<i64> {
    let facet = match column {
        "phase" => Facet::State,
        "kind" => Facet::Kind,
        _ => Facet::Ownership,
    };
    let select = "SELECT count FROM devices_counts WHERE facet = ?1 AND archived = ?2 AND value = ?3";
    let mut select = rows.prepare_cached(select)?;
    let mut count = 0;
    for archived in [false, true] {
        let of = params![facet.code(), archived, value];
        count += select.query_row(of, |row| row.get::<_, i64>(0)).optional()?.unwrap_or(0);
    }
    Ok(count)
}

/// Numbers of devices by the values of each property; `None` stands for devices whose value is unknown. The most
/// frequent value comes first.
pub type Facets = BTreeMap<Facet, Vec<(Option<String>, u64)>>;

/// Devices of a filter, and how they differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    pub devices: Count,
    /// If `devices` is [`Count::AtLeast`], these are the numbers among the devices that were counted.
    pub facets: Facets,
}

/// Returns the kept counts of all devices. `archived`: whether archived records count.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn totals(projections: &Projections, archived: bool) -> Result<Total, ProjectionError> {
    projections.read_of("devices", move |rows| totals_in(rows, archived)).await
}

fn totals_in(rows: &Connection, archived: bool) -> rusqlite::Result<Total> {
    let select = "SELECT value, sum(count) FROM devices_counts WHERE facet = ?1 AND archived <= ?2 GROUP BY value";
    let mut select = rows.prepare_cached(select)?;
    let (mut facets, mut devices) = (Facets::new(), 0);
    for facet in Facet::ALL {
        let value = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?));
        let found = select.query_map(params![facet.code(), archived], value)?.collect::<Result<Vec<_>, _>>()?;
        if facet == Facet::State {
            devices = found.iter().map(|(_, count)| count).sum();
        }
        let named = found.into_iter().map(|(value, count)| ((!value.is_empty()).then_some(value), count));
        facets.insert(facet, most_frequent_first(named.collect()));
    }
    Ok(Total { devices: Count::Exactly(devices), facets })
}

fn most_frequent_first(mut values: Vec<(Option<String>, u64)>) -> Vec<(Option<String>, u64)> {
    values.sort_by(|(one, many), (other, few)| few.cmp(many).then_with(|| one.cmp(other)));
    values
}

/// Returns the counts of the devices that match. Reads at most 5,000 devices, unless the filter restricts nothing.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn facets(projections: &Projections, filter: DeviceFilter) -> Result<Total, ProjectionError> {
    projections.read_of("devices", move |rows| facets_in(rows, &filter)).await
}

fn facets_in(rows: &Connection, filter: &DeviceFilter) -> rusqlite::Result<Total> {
    if !filter.restricts() && filter.as_of.is_none() {
        return totals_in(rows, filter.archived);
    }
    let (mut counted, mut facets) = (0_u64, BTreeMap::<Facet, BTreeMap<Option<String>, u64>>::new());
    let mut tally = |device: &dyn Values, _| {
        counted += 1;
        for facet in Facet::ALL {
            *facets.entry(facet).or_default().entry(facet.value(device)?).or_default() += 1;
        }
        Ok(ControlFlow::Continue(()))
    };
    let end = each(rows, &unordered(filter), budget(filter), &mut tally)?;
    let devices = if end == End::Done { Count::Exactly(counted) } else { Count::AtLeast(counted) };
    let facets = facets.into_iter().map(|(facet, values)| (facet, most_frequent_first(values.into_iter().collect())));
    Ok(Total { devices, facets: facets.collect() })
}

/// Returns how many devices match. Counting ends at `most`, or after 5,000 devices were read.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn count(projections: &Projections, filter: DeviceFilter, most: u64) -> Result<Count, ProjectionError> {
    projections.read_of("devices", move |rows| count_in(rows, &filter, most)).await
}

fn count_in(rows: &Connection, filter: &DeviceFilter, most: u64) -> rusqlite::Result<Count> {
    if filter.as_of.is_none()
        && let Some(count) = kept_count(rows, filter)?
    {
        return Ok(Count::Exactly(count));
    }
    let (mut counted, mut is_most) = (0_u64, false);
    let mut add = |_: &dyn Values, _| {
        is_most = counted == most;
        counted += u64::from(!is_most);
        Ok(if is_most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    let end = each(rows, &unordered(filter), budget(filter), &mut add)?;
    Ok(if is_most || end != End::Done { Count::AtLeast(counted) } else { Count::Exactly(counted) })
}

/// Returns how many devices match, in as many reads as that takes. For exports: a list of a page uses [`count`].
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn count_whole(projections: &Projections, filter: DeviceFilter) -> Result<u64, ProjectionError> {
    let mut filter = unordered(&filter);
    let mut counted = 0;
    loop {
        let of = filter.clone();
        let (more, end) = projections.read_of("devices", move |rows| part(rows, &of)).await?;
        counted += more;
        match end {
            End::Done => return Ok(counted),
            End::Cut(place) => filter.after = Some(place),
        }
    }
}

// Counts the devices from the place of the filter on, until the budget is used up.
fn part(rows: &Connection, filter: &DeviceFilter) -> rusqlite::Result<(u64, End)> {
    if filter.as_of.is_none()
        && let Some(count) = kept_count(rows, filter)?
    {
        return Ok((count, End::Done));
    }
    let mut counted = 0;
    let mut add = |_: &dyn Values, _| {
        counted += 1;
        Ok(ControlFlow::Continue(()))
    };
    let end = each(rows, filter, budget(filter), &mut add)?;
    Ok((counted, end))
}

// The kept count of a filter that restricts nothing, or only the state.
fn kept_count(rows: &Connection, filter: &DeviceFilter) -> rusqlite::Result<Option<u64>> {
    let state = filter.state.map(State::as_str);
    let others = DeviceFilter { state: None, ..filter.clone() };
    if others.restricts() {
        return Ok(None);
    }
    let totals = totals_in(rows, filter.archived)?;
    let states = totals.facets.get(&Facet::State).map(Vec::as_slice).unwrap_or_default();
    let is_wanted = |value: &Option<String>| state.is_none() || value.as_deref() == state;
    Ok(Some(states.iter().filter(|(value, _)| is_wanted(value)).map(|(_, count)| count).sum()))
}

// The order of adding is the cheapest.
fn unordered(filter: &DeviceFilter) -> DeviceFilter {
    DeviceFilter { sort: super::DeviceSort::Added, direction: None, after: None, ..filter.clone() }
}

fn budget(filter: &DeviceFilter) -> usize {
    if filter.as_of.is_some() { BUDGET / 5 } else { BUDGET }
}
