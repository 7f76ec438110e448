//! The indexes that lead to the devices of a filter.

use super::attributes::code_of;
use super::filter::DeviceFilter;
use super::identifiers;
use super::matching::model_prefix;
use super::numbers::ordered;
use super::people;
use crate::renewals;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::collections::BTreeSet;

/// A condition of a filter that an index answers.
pub(super) struct Driver {
    /// Queries for numbers of devices. Together they find every device that meets the condition; they may find others.
    pub(super) selects: Vec<Select>,
    /// The condition is the equality of this column, whose index also is in the order of adding.
    pub(super) equal: Option<Equal>,
    /// Each device is looked up by its id, since the index is in another file.
    is_foreign: bool,
}

/// Maximum number of devices that are looked up by their ids.
const FOREIGN: usize = 2_500;

/// A query whose first column is the number of a device.
pub(super) struct Select {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// A value of a column that has an index.
pub(super) struct Equal {
    pub(super) column: &'static str,
    pub(super) index: &'static str,
    pub(super) value: String,
}

impl Select {
    fn new(sql: String, values: Vec<Value>) -> Select {
        Select { sql, values }
    }

    fn current(index: &str, condition: &str, values: Vec<Value>) -> Select {
        let sql = format!("SELECT n FROM devices_current INDEXED BY {index} WHERE phase IS NOT NULL AND {condition}");
        Select::new(sql, values)
    }

    fn former(attribute: &str, value: Option<Value>) -> Select {
        let code = Value::Integer(code_of(attribute).unwrap_or(-1));
        match value {
            Some(value) => Select::new(
                "SELECT device FROM devices_former WHERE attribute = ? AND value = ?".to_owned(),
                vec![code, value],
            ),
            None => Select::new("SELECT device FROM devices_former WHERE attribute = ?".to_owned(), vec![code]),
        }
    }
}

impl Driver {
    fn of(selects: Vec<Select>) -> Driver {
        Driver { selects, equal: None, is_foreign: false }
    }

    fn foreign(selects: Vec<Select>) -> Driver {
        Driver { selects, equal: None, is_foreign: true }
    }

    /// Returns how many numbers may be collected if `most` numbers of the inventory's own indexes may.
    pub(super) fn most(&self, most: usize) -> usize {
        if self.is_foreign { most.min(FOREIGN) } else { most }
    }

    /// Returns how many numbers the queries find, up to `limit`.
    pub(super) fn size(&self, rows: &Connection, limit: usize) -> rusqlite::Result<usize> {
        let mut size = 0;
        for Select { sql, values } in &self.selects {
            let count = format!("SELECT count(*) FROM ({sql} LIMIT {limit})");
            let found: i64 = rows.prepare_cached(&count)?.query_row(params_from_iter(values), |row| row.get(0))?;
            size += usize::try_from(found).unwrap_or(usize::MAX);
        }
        Ok(size)
    }

    /// Returns the numbers, the smallest first.
    pub(super) fn numbers(&self, rows: &Connection) -> rusqlite::Result<BTreeSet<i64>> {
        let mut numbers = BTreeSet::new();
        for Select { sql, values } in &self.selects {
            let mut select = rows.prepare_cached(sql)?;
            let mut found = select.query(params_from_iter(values))?;
            while let Some(row) = found.next()? {
                numbers.insert(row.get(0)?);
            }
        }
        Ok(numbers)
    }
}

/// Returns the conditions of a filter that indexes answer.
pub(super) fn drivers(rows: &Connection, filter: &DeviceFilter) -> rusqlite::Result<Vec<Driver>> {
    let mut drivers = Vec::new();
    equalities(filter, &mut drivers);
    if let Some(name) = &filter.user_name {
        drivers.push(user_name(rows, filter, name)?);
    }
    if filter.archived_only {
        let mut selects = vec![Select::current("devices_archived", "archived = 1", vec![])];
        if filter.as_of.is_some() {
            selects.push(Select::former("archived", Some(Value::Integer(1))));
        }
        drivers.push(Driver::of(selects));
    }
    if !filter.models.is_empty() {
        let mut selects: Vec<Select> = filter.models.iter().map(|model| of_model(model)).collect();
        if filter.as_of.is_some() {
            selects.push(Select::former("product_name", None));
        }
        drivers.push(Driver::of(selects));
    }
    if filter.as_of.is_none() {
        ranges(filter, &mut drivers);
    }
    Ok(drivers)
}

fn equalities(filter: &DeviceFilter, drivers: &mut Vec<Driver>) {
    use super::device::State;
    let is_then = filter.as_of.is_some();
    // These two are common among devices of an earlier instant, and no index has their earlier values.
    let state = filter.state.filter(|state| !is_then || !matches!(state, State::Installing | State::Enrolled));
    let equal = [
        ("phase", "devices_by_phase", state.map(|state| state.as_str().to_owned())),
        ("kind", "devices_by_kind", filter.kind.map(|kind| kind.as_str().to_owned())),
        ("ownership", "devices_by_ownership", filter.ownership.map(|ownership| ownership.as_str().to_owned())),
        ("person", "devices_by_person", filter.person.map(|person| person.to_string())),
    ];
    for (column, index, value) in equal {
        let Some(value) = value else { continue };
        let mut selects = vec![Select::current(index, &format!("{column} = ?"), vec![Value::Text(value.clone())])];
        if is_then {
            selects.push(Select::former(column, Some(Value::Text(value.clone()))));
        }
        // The index of people is in the order of their states.
        let equal = (column != "person").then_some(Equal { column, index, value });
        drivers.push(Driver { selects, equal: equal.filter(|_| !is_then), is_foreign: false });
    }
}

/// Maximum number of people with one user name whose earlier devices are looked up.
const NAMESAKES: usize = 100;

fn user_name(rows: &Connection, filter: &DeviceFilter, name: &str) -> rusqlite::Result<Driver> {
    if filter.as_of.is_none() {
        let now = Select::current("devices_by_user", "user_name = ?", vec![Value::Text(name.to_owned())]);
        return Ok(Driver::of(vec![now]));
    }
    let mut selects = Vec::new();
    for person in people::called(rows, name, NAMESAKES)? {
        let value = Value::Text(person);
        selects.push(Select::current("devices_by_person", "person = ?", vec![value.clone()]));
        selects.push(Select::former("person", Some(value)));
    }
    Ok(Driver::of(selects))
}

fn of_model(model: &str) -> Select {
    let (from, is_exact) = model_prefix(model);
    let last = if is_exact { from.clone() } else { format!("{from}\u{10ffff}") };
    let condition = "product_name >= ? AND product_name <= ?";
    Select::current("devices_by_product", condition, vec![Value::Text(from), Value::Text(last)])
}

fn ranges(filter: &DeviceFilter, drivers: &mut Vec<Driver>) {
    let os = (filter.os_from.map(ordered), filter.os_below.map(ordered));
    let enrolled = (filter.enrolled_from.map(|at| at.0), filter.enrolled_before.map(|at| at.0));
    for (column, index, range) in [("os", "devices_by_os", os), ("enrolled_at", "devices_by_enrolled", enrolled)] {
        if let Some((condition, values)) = within(column, range) {
            drivers.push(Driver::of(vec![Select::current(index, &condition, values)]));
        }
    }
    let seen = (filter.seen_from.map(|at| at.0), filter.seen_before.map(|at| at.0));
    if let Some((condition, values)) = within("s.at", seen) {
        let sql = format!(
            "SELECT (SELECT d.n FROM devices_current d WHERE d.id = s.device) AS n
            FROM last_seen s INDEXED BY last_seen_by_at WHERE {condition}"
        );
        drivers.push(Driver::foreign(vec![Select::new(sql, values)]));
    }
    if let Some((standing, now)) = filter.identity {
        let of = renewals::selects(standing, now).into_iter().map(|(select, values)| {
            let sql = format!("SELECT (SELECT d.n FROM devices_current d WHERE d.id = r.device) AS n {select}");
            Select::new(sql, values)
        });
        drivers.push(Driver::foreign(of.collect()));
    }
}

/// Returns the condition that a column is in a range, if there is one.
pub(super) fn within(column: &str, range: (Option<i64>, Option<i64>)) -> Option<(String, Vec<Value>)> {
    let values = |values: &[i64]| values.iter().map(|value| Value::Integer(*value)).collect();
    Some(match range {
        (None, None) => return None,
        (Some(from), None) => (format!("{column} >= ?"), values(&[from])),
        (None, Some(below)) => (format!("{column} < ?"), values(&[below])),
        (Some(from), Some(below)) => (format!("{column} >= ? AND {column} < ?"), values(&[from, below])),
    })
}

/// Returns the numbers of the devices with the identifiers of a filter, if it has some.
pub(super) fn identified(
    rows: &Connection,
    filter: &DeviceFilter,
    limit: usize,
) -> rusqlite::Result<Option<(BTreeSet<i64>, bool)>> {
    if !filter.ids.is_empty() {
        let ids: Vec<String> = filter.ids.iter().map(|id| id.to_lowercase()).collect();
        let text_is_id = is_identifier(rows, filter)?;
        return Ok(Some((identifiers::devices(rows, &ids, limit)?, text_is_id)));
    }
    let Some(text) = &filter.text else { return Ok(None) };
    let found = identifiers::devices(rows, &[text.trim().to_lowercase()], limit)?;
    Ok((!found.is_empty()).then_some((found, true)))
}

fn is_identifier(rows: &Connection, filter: &DeviceFilter) -> rusqlite::Result<bool> {
    let Some(text) = &filter.text else { return Ok(false) };
    Ok(!identifiers::devices(rows, &[text.trim().to_lowercase()], 1)?.is_empty())
}
