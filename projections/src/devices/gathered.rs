//! The devices of a filter that few devices meet: all of them are read and sorted.

use super::cursor::{DeviceCursor, Key};
use super::filter::{DeviceFilter, DeviceSort, Direction};
use super::matching::{Matcher, key};
use super::then::Then;
use super::values::{Current, Values, columns};
use rusqlite::{Connection, OptionalExtension as _};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// What a walk calls for each device that matches, with its value in the order of the list.
pub(super) type Visit<'a> = dyn FnMut(&dyn Values, Option<Key>) -> rusqlite::Result<ControlFlow<()>> + 'a;

/// Where a device stands in the list.
struct Place {
    key: Option<Key>,
    n: i64,
    id: String,
}

impl Place {
    fn compare(&self, other: &Place, sort: DeviceSort, direction: Direction) -> Ordering {
        let by_key = match (&self.key, &other.key) {
            (Some(one), Some(other)) if one.is_known() && other.is_known() => directed(one.compare(other), direction),
            // Unknown values are last in both directions.
            (Some(one), Some(other)) => one.compare(other),
            (None, _) | (_, None) => Ordering::Equal,
        };
        // The index of last contacts has no numbers.
        let is_by_id = sort == DeviceSort::LastContact && self.key.as_ref().is_some_and(Key::is_known);
        let tie = if is_by_id { self.id.cmp(&other.id) } else { self.n.cmp(&other.n) };
        by_key.then(directed(tie, direction))
    }
}

fn directed(order: Ordering, direction: Direction) -> Ordering {
    match direction {
        Direction::Ascending => order,
        Direction::Descending => order.reverse(),
    }
}

/// Visits the devices among `numbers` that match, in the order of the filter, after `after`.
pub(super) fn visit(
    rows: &Connection,
    filter: &DeviceFilter,
    matcher: &Matcher<'_>,
    numbers: &BTreeSet<i64>,
    (after, visit): (Option<(&DeviceCursor, i64)>, &mut Visit<'_>),
) -> rusqlite::Result<()> {
    let (sort, direction) = filter.order();
    let mut places = Vec::new();
    for n in numbers {
        with(rows, filter, *n, &mut |device| {
            if matcher.matches(rows, device)? {
                places.push(Place { key: key(rows, sort, device)?, n: *n, id: device.id()?.into_owned() });
            }
            Ok(())
        })?;
    }
    places.sort_by(|one, other| one.compare(other, sort, direction));
    let after = after.map(|(cursor, n)| Place { key: cursor.key.clone(), n, id: cursor.device.to_string() });
    let is_behind =
        |place: &&Place| after.as_ref().is_none_or(|after| place.compare(after, sort, direction) == Ordering::Greater);
    for place in places.iter().filter(is_behind) {
        let mut flow = ControlFlow::Continue(());
        with(rows, filter, place.n, &mut |device| {
            flow = visit(device, place.key.clone())?;
            Ok(())
        })?;
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// Calls `work` with the values of a device, now or as of the instant of the filter.
pub(super) fn with(
    rows: &Connection,
    filter: &DeviceFilter,
    n: i64,
    work: &mut dyn FnMut(&dyn Values) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    if let Some(at) = filter.as_of {
        return work(&Then::of(rows, n, at));
    }
    let select = format!("SELECT {} FROM devices_current d WHERE d.n = ?1", columns());
    rows.prepare_cached(&select)?.query_row([n], |row| work(&Current(row))).optional().map(drop)
}
