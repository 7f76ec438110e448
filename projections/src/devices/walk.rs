//! Walks devices along an index, in the order of a list.

use super::cursor::{DeviceCursor, Key};
use super::drivers::{Driver, Equal, within};
use super::filter::{DeviceFilter, DeviceSort, Direction};
use super::kept;
use super::numbers::ordered;
use super::values::columns;
use rusqlite::Connection;
use rusqlite::types::Value;

/// A part of a walk: a query with the columns of a device, in the order of the list.
pub(super) struct Segment {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// Returns the query of devices in the order of adding, from the number `after` on.
pub(super) fn by_number(equal: Option<&Equal>, direction: Direction, after: Option<i64>) -> Segment {
    let (source, condition) = match equal {
        Some(equal) => (
            format!("devices_current d INDEXED BY {}", equal.index),
            format!("d.phase IS NOT NULL AND d.{} = ?", equal.column),
        ),
        None => ("devices_current d".to_owned(), "d.phase IS NOT NULL".to_owned()),
    };
    let mut values: Vec<Value> = equal.iter().map(|equal| Value::Text(equal.value.clone())).collect();
    let (than, order) = words(direction);
    let mut sql = format!("SELECT {} FROM {source} WHERE {condition}", columns());
    if let Some(after) = after {
        sql += &format!(" AND d.n {than} ?");
        values.push(Value::Integer(after));
    }
    sql += &format!(" ORDER BY d.n {order}");
    Segment { sql, values }
}

fn words(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Ascending => (">", "ASC"),
        Direction::Descending => ("<", "DESC"),
    }
}

/// Returns the most selective of the conditions whose index is also in the order of adding.
pub(super) fn most_selective<'a>(rows: &Connection, drivers: &'a [Driver]) -> rusqlite::Result<Option<&'a Equal>> {
    let mut least: Option<(i64, &Equal)> = None;
    for equal in drivers.iter().filter_map(|driver| driver.equal.as_ref()) {
        let count = kept::kept(rows, equal.column, &equal.value)?;
        if least.is_none_or(|(smallest, _)| count < smallest) {
            least = Some((count, equal));
        }
    }
    Ok(least.map(|(_, equal)| equal))
}

/// Returns the queries of devices in the order of a column: those with a value, then those without one. `after`: the
/// place to go on from, and its number.
pub(super) fn by_column(
    filter: &DeviceFilter,
    (sort, direction): (DeviceSort, Direction),
    after: Option<(&DeviceCursor, i64)>,
) -> Vec<Segment> {
    let Some((column, index)) = sort.column().zip(index_of(sort)) else { return Vec::new() };
    let after = after.and_then(|(cursor, n)| Some((cursor.key.as_ref()?, n)));
    let range = within(&format!("d.{column}"), range_of(filter, sort));
    let is_restricted = range.is_some();
    let mut segments = Vec::new();
    if after.is_none_or(|(key, _)| key.is_known()) {
        segments.push(known((column, index), direction, after, range));
    }
    if !is_restricted {
        let after = after.filter(|(key, _)| !key.is_known()).map(|(_, n)| n);
        segments.push(unknown((column, index), direction, after));
    }
    segments
}

fn known(
    (column, index): (&str, &str),
    direction: Direction,
    after: Option<(&Key, i64)>,
    range: Option<(String, Vec<Value>)>,
) -> Segment {
    let (than, order) = words(direction);
    let mut sql = format!(
        "SELECT {} FROM devices_current d INDEXED BY {index} WHERE d.phase IS NOT NULL AND d.{column} IS NOT NULL",
        columns()
    );
    let mut values = Vec::new();
    if let Some((condition, bounds)) = range {
        sql += &format!(" AND {condition}");
        values.extend(bounds);
    }
    if let Some((key, n)) = after {
        sql += &format!(" AND (d.{column}, d.n) {than} (?, ?)");
        let key = match key {
            Key::Number(number) => Value::Integer(*number),
            Key::Text(text) => Value::Text(text.clone()),
            Key::Unknown => Value::Null,
        };
        values.extend([key, Value::Integer(n)]);
    }
    sql += &format!(" ORDER BY d.{column} {order}, d.n {order}");
    Segment { sql, values }
}

fn unknown((column, index): (&str, &str), direction: Direction, after: Option<i64>) -> Segment {
    let (than, order) = words(direction);
    let mut sql = format!(
        "SELECT {} FROM devices_current d INDEXED BY {index} WHERE d.phase IS NOT NULL AND d.{column} IS NULL",
        columns()
    );
    if after.is_some() {
        sql += &format!(" AND d.n {than} ?");
    }
    sql += &format!(" ORDER BY d.n {order}");
    Segment { sql, values: after.map(Value::Integer).into_iter().collect() }
}

fn index_of(sort: DeviceSort) -> Option<&'static str> {
    Some(match sort {
        DeviceSort::Added | DeviceSort::LastContact => return None,
        DeviceSort::Name => "devices_by_name",
        DeviceSort::Model => "devices_by_product",
        DeviceSort::OsVersion => "devices_by_os",
        DeviceSort::Enrolled => "devices_by_enrolled",
        DeviceSort::IdentityExpiry => "devices_by_expires",
        DeviceSort::UserName => "devices_by_user",
    })
}

// The condition of the filter on the column of the order.
fn range_of(filter: &DeviceFilter, sort: DeviceSort) -> (Option<i64>, Option<i64>) {
    match sort {
        DeviceSort::OsVersion => (filter.os_from.map(ordered), filter.os_below.map(ordered)),
        DeviceSort::Enrolled => (filter.enrolled_from.map(|at| at.0), filter.enrolled_before.map(|at| at.0)),
        DeviceSort::LastContact => (filter.seen_from.map(|at| at.0), filter.seen_before.map(|at| at.0)),
        DeviceSort::Added | DeviceSort::Name | DeviceSort::Model => (None, None),
        DeviceSort::IdentityExpiry | DeviceSort::UserName => (None, None),
    }
}

/// Returns the query of last contacts, in their order: id and time. `after`: the place to go on from.
pub(super) fn by_contact(filter: &DeviceFilter, direction: Direction, after: Option<&DeviceCursor>) -> Segment {
    let (than, order) = words(direction);
    let mut sql = "SELECT s.device, s.at FROM last_seen s INDEXED BY last_seen_by_at WHERE s.at IS NOT NULL".to_owned();
    let mut values = Vec::new();
    if let Some((condition, bounds)) = within("s.at", range_of(filter, DeviceSort::LastContact)) {
        sql += &format!(" AND {condition}");
        values.extend(bounds);
    }
    if let Some(DeviceCursor { key: Some(Key::Number(at)), device }) = after {
        sql += &format!(" AND (s.at, s.device) {than} (?, ?)");
        values.extend([Value::Integer(*at), Value::Text(device.to_string())]);
    }
    sql += &format!(" ORDER BY s.at {order}, s.device {order}");
    Segment { sql, values }
}
