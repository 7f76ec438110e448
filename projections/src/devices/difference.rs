//! The difference of the inventory between two instants: devices that were added, that left management, and whose
//! values changed.
//!
//! The events between two instants are a range of positions, which a binary search finds, and an index of the history
//! has the changes in the order of positions. Up to [`WINDOW`] changes are read, and the counts are exact if these are
//! changes of at most [`COMPARED`] devices. Otherwise a sample of devices is compared, and the counts are estimates.

use super::attributes::{self, code_of};
use super::counts::Count;
use super::device::State;
use super::list::device_id;
use super::numbers::number;
use super::then::{VALUE, newest};
use super::timeline::shown;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::device::DeviceId;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of changes that are read one by one.
pub(super) const WINDOW: usize = 400_000;

/// Number of devices that are compared if there are more changes.
const SAMPLE: i64 = 10_000;

/// Maximum number of changed devices that are compared. Of more, every second one is compared, or every third, and so
/// on.
const COMPARED: usize = 10_000;

/// Maximum number of devices that are compared for one page.
const BUDGET: usize = 5_000;

/// A part of the difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Devices that the inventory has at the second instant, but not at the first one.
    Appeared,
    /// Devices that were managed, or installing, at the first instant and no longer at the second one.
    Left,
    /// Devices that the inventory has at both instants with different values.
    Changed,
    /// The same, with a different value of this attribute: a column of the inventory such as `os_version`, or
    /// `inventory.` and a name in `DeviceInformation`.
    Field(String),
}

/// Numbers of devices that differ between two instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub appeared: Count,
    pub left: Count,
    pub changed: Count,
    /// Of the changed devices, those with a different value of each attribute.
    pub fields: BTreeMap<String, Count>,
}

/// A value of a device at both instants. `None`: unknown, or erased since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    pub attribute: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// A device that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    pub device: DeviceId,
    /// The values that differ. For a device that appeared, all of them.
    pub fields: Vec<FieldChange>,
}

/// A page of devices that differ, those that were added last first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingPage {
    pub devices: Vec<Differing>,
    /// Pass this as `after` to get the next page. `None`: no device follows.
    pub next: Option<DeviceId>,
    /// The budget was used up before the page was full: `next` continues the search.
    pub is_cut: bool,
}

/// Returns how many devices differ between `from` and `to`, which is the later instant.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn difference(
    projections: &Projections,
    from: Timestamp,
    to: Timestamp,
) -> Result<Difference, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let pair = Pair::of(rows, from, to)?;
            match pair.window(rows)? {
                Some(changes) => pair.of_changes(rows, &changes),
                None => pair.sampled(rows),
            }
        })
        .await
}

/// Returns devices that differ between two instants, up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn differing(
    projections: &Projections,
    (from, to): (Timestamp, Timestamp),
    part: Part,
    after: Option<DeviceId>,
    limit: usize,
) -> Result<DifferingPage, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let pair = Pair::of(rows, from, to)?;
            let after = match after {
                Some(after) => number(rows, &after.to_string())?.unwrap_or(0),
                None => pair.newest.1 + 1,
            };
            let changed: Option<BTreeSet<i64>> =
                pair.window(rows)?.map(|changes| changes.into_iter().map(|(device, _)| device).collect());
            match changed {
                Some(devices) => pair.page(rows, &part, limit, devices.range(..after).rev().copied()),
                None => pair.page(rows, &part, limit, (1..after.min(pair.newest.1 + 1)).rev()),
            }
        })
        .await
}

/// Two instants, with the numbers of the newest devices and the positions of the last changes at them.
struct Pair {
    from: Timestamp,
    to: Timestamp,
    newest: (i64, i64),
    positions: (i64, i64),
}

/// The changes of a range of positions, up to a limit.
pub(super) const CHANGES: &str = "SELECT device, attribute FROM devices_history INDEXED BY devices_history_by_position
    WHERE position > ?1 AND position <= ?2 LIMIT ?3";

/// The first change from a position on.
pub(super) const NEXT: &str = "SELECT position, valid_from FROM devices_history INDEXED BY devices_history_by_position
    WHERE position >= ?1 ORDER BY position LIMIT 1";

/// What differs between the instants.
#[derive(Default)]
struct Tally {
    appeared: u64,
    left: u64,
    changed: u64,
    fields: BTreeMap<i64, u64>,
}

impl Tally {
    fn count(&mut self, compared: &Compared) {
        match compared {
            Compared::Absent | Compared::Same => {}
            Compared::Appeared => self.appeared += 1,
            Compared::Differs { left, fields } => {
                self.left += u64::from(*left);
                self.changed += 1;
                fields.iter().for_each(|field| *self.fields.entry(*field).or_default() += 1);
            }
        }
    }

    fn told(self, rows: &Connection, count: impl Fn(u64) -> Count) -> rusqlite::Result<Difference> {
        let names: BTreeMap<i64, String> = attributes::all(rows)?.into_iter().collect();
        let name = |(code, number): (&i64, &u64)| Some((names.get(code)?.clone(), count(*number)));
        Ok(Difference {
            appeared: count(self.appeared),
            left: count(self.left),
            changed: count(self.changed),
            fields: self.fields.iter().filter_map(name).collect(),
        })
    }
}

// The number of devices of which every `step`-th was compared.
fn scaled(count: u64, step: usize) -> Count {
    match u64::try_from(step) {
        Ok(step) if step > 1 => Count::About(count * step),
        _ => Count::Exactly(count),
    }
}

/// A device at both instants.
enum Compared {
    /// The inventory did not have it at the second instant.
    Absent,
    Same,
    Appeared,
    /// `fields`: codes of the attributes that differ.
    Differs {
        left: bool,
        fields: Vec<i64>,
    },
}

impl Pair {
    fn of(rows: &Connection, from: Timestamp, to: Timestamp) -> rusqlite::Result<Pair> {
        let newest = (newest(rows, from)?, newest(rows, to)?);
        let positions = (last_by(rows, from)?, last_by(rows, to)?);
        Ok(Pair { from, to, newest, positions })
    }

    // The devices and attributes that changed; `None` if there are too many changes.
    fn window(&self, rows: &Connection) -> rusqlite::Result<Option<Vec<(i64, i64)>>> {
        let limit = i64::try_from(WINDOW + 1).unwrap_or(i64::MAX);
        let mut changes = Vec::new();
        let mut select = rows.prepare_cached(CHANGES)?;
        let mut found = select.query(params![self.positions.0, self.positions.1, limit])?;
        while let Some(row) = found.next()? {
            changes.push((row.get(0)?, row.get(1)?));
        }
        if changes.len() > WINDOW {
            return Ok(None);
        }
        changes.sort_unstable();
        Ok(Some(changes))
    }

    fn of_changes(&self, rows: &Connection, changes: &[(i64, i64)]) -> rusqlite::Result<Difference> {
        let devices: Vec<&[(i64, i64)]> = changes.chunk_by(|(one, _), (next, _)| one == next).collect();
        let step = devices.len().div_ceil(COMPARED).max(1);
        let mut tally = Tally::default();
        for of_device in devices.iter().step_by(step) {
            tally.count(&self.compare(rows, of_device)?);
        }
        tally.told(rows, |count| scaled(count, step))
    }

    // Compares devices at equal distances. Numbers are in the order of adding, so the sample has devices of all ages.
    fn sampled(&self, rows: &Connection) -> rusqlite::Result<Difference> {
        let step = usize::try_from(self.newest.1 / SAMPLE).unwrap_or(1).max(1);
        let codes: Vec<i64> = attributes::all(rows)?.into_iter().map(|(code, _)| code).collect();
        let mut tally = Tally::default();
        for n in (1..=self.newest.1).step_by(step) {
            tally.count(&self.compare_whole(rows, n, &codes)?);
        }
        tally.told(rows, |count| scaled(count, step))
    }

    // An attribute that changed once has another value. One that changed several times may have its first value again.
    fn compare(&self, rows: &Connection, changes: &[(i64, i64)]) -> rusqlite::Result<Compared> {
        let Some((n, _)) = changes.first().copied() else { return Ok(Compared::Same) };
        if let Some(present) = self.presence(rows, n)? {
            return Ok(present);
        }
        let mut fields = Vec::new();
        for same in changes.chunk_by(|(_, one), (_, next)| one == next) {
            let Some((_, code)) = same.first().copied() else { continue };
            if same.len() == 1 || self.differs(rows, n, code)? {
                fields.push(code);
            }
        }
        self.differing(rows, n, fields)
    }

    fn compare_whole(&self, rows: &Connection, n: i64, codes: &[i64]) -> rusqlite::Result<Compared> {
        if let Some(present) = self.presence(rows, n)? {
            return Ok(present);
        }
        let mut fields = Vec::new();
        for code in codes {
            if self.differs(rows, n, *code)? {
                fields.push(*code);
            }
        }
        self.differing(rows, n, fields)
    }

    // `None`: the inventory has the device at both instants.
    fn presence(&self, rows: &Connection, n: i64) -> rusqlite::Result<Option<Compared>> {
        let phase = code_of("phase").unwrap_or(0);
        if n <= self.newest.0 && value(rows, n, phase, self.from)?.is_some() {
            return Ok(None);
        }
        let is_present = value(rows, n, phase, self.to)?.is_some();
        Ok(Some(if is_present { Compared::Appeared } else { Compared::Absent }))
    }

    fn differs(&self, rows: &Connection, n: i64, code: i64) -> rusqlite::Result<bool> {
        Ok(value(rows, n, code, self.from)? != value(rows, n, code, self.to)?)
    }

    fn differing(&self, rows: &Connection, n: i64, fields: Vec<i64>) -> rusqlite::Result<Compared> {
        if fields.is_empty() {
            return Ok(Compared::Same);
        }
        let phase = code_of("phase").unwrap_or(0);
        let left = fields.contains(&phase)
            && is_managed(value(rows, n, phase, self.from)?.as_ref())
            && !is_managed(value(rows, n, phase, self.to)?.as_ref());
        Ok(Compared::Differs { left, fields })
    }

    fn page(
        &self,
        rows: &Connection,
        part: &Part,
        limit: usize,
        numbers: impl Iterator<Item = i64>,
    ) -> rusqlite::Result<DifferingPage> {
        let all = attributes::all(rows)?;
        let codes: Vec<i64> = all.iter().map(|(code, _)| *code).collect();
        let mut found: Vec<(i64, Vec<i64>)> = Vec::new();
        let (mut cut, mut examined) = (None, 0_usize);
        for n in numbers {
            if self.may_belong(rows, part, n, &all)? {
                let compared = self.compare_whole(rows, n, &codes)?;
                found.extend(wanted(part, &all, compared).map(|fields| (n, fields)));
            }
            examined += 1;
            if found.len() > limit {
                break;
            }
            if examined == BUDGET {
                cut = Some(n);
                break;
            }
        }
        let is_full = found.len() > limit;
        found.truncate(limit);
        let next = if is_full { found.last().map(|(n, _)| *n) } else { cut };
        let next = next.map(|n| device_id(rows, n)).transpose()?;
        let devices = found.into_iter().map(|(n, fields)| self.told(rows, n, &fields, &all));
        Ok(DifferingPage { devices: devices.collect::<Result<_, _>>()?, next, is_cut: !is_full && cut.is_some() })
    }

    // Compares one attribute, so that few devices are compared as a whole.
    fn may_belong(&self, rows: &Connection, part: &Part, n: i64, all: &[(i64, String)]) -> rusqlite::Result<bool> {
        let phase = code_of("phase").unwrap_or(0);
        match part {
            Part::Appeared => Ok(self.presence(rows, n)?.is_some()),
            Part::Left => self.differs(rows, n, phase),
            Part::Changed => Ok(true),
            Part::Field(name) => match all.iter().find(|(_, of)| of == name) {
                Some((code, _)) => self.differs(rows, n, *code),
                None => Ok(false),
            },
        }
    }

    fn told(&self, rows: &Connection, n: i64, fields: &[i64], all: &[(i64, String)]) -> rusqlite::Result<Differing> {
        let mut changes = Vec::new();
        for (code, name) in all.iter().filter(|(code, _)| fields.contains(code)) {
            let of = |at| Ok::<_, rusqlite::Error>(value(rows, n, *code, at)?.and_then(shown));
            let (before, after) = (of(self.from)?, of(self.to)?);
            if before != after {
                changes.push(FieldChange { attribute: name.clone(), before, after });
            }
        }
        Ok(Differing { device: device_id(rows, n)?, fields: changes })
    }
}

// The attributes to show of a device that belongs to the part.
fn wanted(part: &Part, all: &[(i64, String)], compared: Compared) -> Option<Vec<i64>> {
    match (part, compared) {
        (Part::Appeared, Compared::Appeared) => Some(all.iter().map(|(code, _)| *code).collect()),
        (Part::Left, Compared::Differs { left: true, fields }) => Some(fields),
        (Part::Changed, Compared::Differs { fields, .. }) => Some(fields),
        (Part::Field(name), Compared::Differs { fields, .. }) => {
            let is_wanted = |code: &i64| all.iter().any(|(known, of)| known == code && of == name);
            fields.iter().any(is_wanted).then_some(fields)
        }
        (Part::Appeared | Part::Left | Part::Changed | Part::Field(_), _) => None,
    }
}

fn is_managed(phase: Option<&Value>) -> bool {
    let is = |state: State| phase == Some(&Value::Text(state.as_str().to_owned()));
    is(State::Installing) || is(State::Enrolled)
}

fn value(rows: &Connection, n: i64, code: i64, at: Timestamp) -> rusqlite::Result<Option<Value>> {
    let value = |row: &rusqlite::Row<'_>| row.get::<_, Value>(0);
    rows.prepare_cached(VALUE)?.query_row(params![n, code, at.0], value).optional()
}

// Returns the position of the last change up to `at`. Effective times are in the order of positions.
fn last_by(rows: &Connection, at: Timestamp) -> rusqlite::Result<i64> {
    let last: Option<i64> =
        rows.prepare_cached("SELECT max(position) FROM devices_history")?.query_row([], |row| row.get(0))?;
    let mut next = rows.prepare_cached(NEXT)?;
    // The changes up to `low` had happened by then, those from `high` on had not.
    let (mut low, mut high) = (-1, last.unwrap_or(0) + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let (position, from): (i64, i64) = next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        (low, high) = if from <= at.0 { (position.min(high - 1), high) } else { (low, middle) };
    }
    Ok(low)
}
