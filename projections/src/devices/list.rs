//! Lists devices by filter and order, page by page, with bounded work.
//!
//! A page reads at most [`BUDGET`] devices. If an index leads to few devices for one of the conditions ([`drivers`]),
//! their numbers are collected from it: up to [`NUMBERS`] if the list is in the order of numbers, which is that of
//! adding, else up to the budget, and these devices are read and sorted ([`gathered`]). So a page of rare devices is
//! complete. Otherwise devices are read along the index of the order ([`walk`]) until the page is full. If the budget
//! is used up before that, which happens for combinations of conditions that are common each but rare together, and for
//! texts, the page has what was found, says so, and has the place to go on from.

use super::cursor::{DeviceCursor, Key};
use super::device::{Device, device_of};
use super::drivers::{Driver, drivers, identified};
use super::filter::{DeviceFilter, DeviceSort, Direction};
use super::gathered::{self, Visit};
use super::matching::{Matcher, key, last_seen};
use super::numbers::number;
use super::then::{id_of, newest};
use super::values::{Current, Values, columns};
use super::walk::{self, Segment};
use crate::claims::{CLAIMED_BY, CLAIMS};
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::device::DeviceId;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use uuid::Uuid;

/// Maximum number of devices that are read for one page.
const BUDGET: usize = 1_500;

/// Maximum number of devices whose numbers are collected from an index.
const NUMBERS: usize = 20_000;

/// The same for a page of an earlier instant: each value of a device is read on its own.
const BUDGET_THEN: usize = 300;

/// A page of devices.
#[derive(Debug, Clone)]
pub struct ListedDevices {
    pub devices: Vec<Device>,
    /// Pass this as [`DeviceFilter::after`] to get the next page. `None`: no device follows.
    pub next: Option<DeviceCursor>,
    /// The budget was used up before the page was full: more devices may follow, and `next` continues the search.
    pub is_cut: bool,
}

/// Returns up to `limit` devices that match, in the order of the filter.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn list(
    projections: &Projections,
    filter: DeviceFilter,
    limit: usize,
) -> Result<ListedDevices, ProjectionError> {
    let mut listed = projections.read_of("devices", move |rows| list_in(rows, &filter, limit)).await?;
    for device in &mut listed.devices {
        device.last_seen = projections.inner.last_seen.newest(device.id, device.last_seen);
    }
    Ok(listed)
}

/// Same as [`list`], but goes on until `limit` devices are found or none follows, in as many reads as that takes.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn list_whole(
    projections: &Projections,
    mut filter: DeviceFilter,
    limit: usize,
) -> Result<ListedDevices, ProjectionError> {
    let mut devices = Vec::new();
    loop {
        let page = list(projections, filter.clone(), limit.saturating_sub(devices.len())).await?;
        devices.extend(page.devices);
        match page.next {
            Some(next) if page.is_cut && devices.len() < limit => filter.after = Some(next),
            next => return Ok(ListedDevices { devices, next, is_cut: false }),
        }
    }
}

fn list_in(rows: &Connection, filter: &DeviceFilter, limit: usize) -> rusqlite::Result<ListedDevices> {
    let mut found: Vec<(Option<Key>, Device)> = Vec::new();
    let mut keep = |device: &dyn Values, key: Option<Key>| -> rusqlite::Result<ControlFlow<()>> {
        // One device more than requested shows whether there is another page.
        if let Some(device) = device_of(device)? {
            found.push((key, device));
        }
        Ok(if found.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    let budget = if filter.as_of.is_some() { BUDGET_THEN } else { BUDGET };
    let end = each(rows, filter, budget, &mut keep)?;
    let is_full = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(key, device)| DeviceCursor { key: key.clone(), device: device.id });
    let cut = if let End::Cut(cursor) = end { Some(cursor) } else { None };
    let mut devices: Vec<Device> = found.into_iter().map(|(_, device)| device).collect();
    for device in &mut devices {
        complete(rows, device)?;
        if filter.as_of.is_some() {
            device.forget_claims();
        }
    }
    let is_cut = !is_full && cut.is_some();
    Ok(ListedDevices { devices, next: if is_full { last } else { cut }, is_cut })
}

/// Adds the claims and the stored last contact.
pub(super) fn complete(rows: &Connection, device: &mut Device) -> rusqlite::Result<()> {
    let id = device.id.to_string();
    let select = format!("SELECT {CLAIMS}, {CLAIMED_BY} FROM devices_current d WHERE d.id = ?1");
    let claims = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (claims, claimed_by): (Option<String>, Option<String>) =
        rows.prepare_cached(&select)?.query_row([&id], claims).optional()?.unwrap_or_default();
    device.claims = crate::claims::ids(claims.as_deref());
    device.claimed_by = crate::claims::ids(claimed_by.as_deref());
    device.last_seen = last_seen(rows, &id)?.map(Timestamp);
    Ok(())
}

/// How a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// No device follows, or the visitor needs no more.
    Done,
    /// The budget was used up at this device.
    Cut(DeviceCursor),
}

/// Visits the devices that match, in the order of the filter, and reads at most `budget` devices.
pub(super) fn each(
    rows: &Connection,
    filter: &DeviceFilter,
    budget: usize,
    visit: &mut Visit<'_>,
) -> rusqlite::Result<End> {
    let (sort, direction) = filter.order();
    let after = match &filter.after {
        None => None,
        Some(cursor) => match number(rows, &cursor.device.to_string())? {
            // A place in another order leads nowhere.
            Some(n) if cursor.key.is_some() == (sort != DeviceSort::Added) => Some((cursor, n)),
            _ => return Ok(End::Done),
        },
    };
    let most = if sort == DeviceSort::Added { budget.max(NUMBERS) } else { budget };
    let identified = identified(rows, filter, most + 1)?;
    let text_is_id = identified.as_ref().is_some_and(|(_, text_is_id)| *text_is_id);
    let mut matcher = Matcher::new(filter, text_is_id);
    let drivers = drivers(rows, filter)?;
    let numbers = match identified {
        Some((numbers, _)) if numbers.len() <= most => {
            matcher.knows_ids();
            Some(numbers)
        }
        _ => few(rows, &drivers, most)?,
    };
    let after_n = after.map(|(_, n)| n);
    if let Some(numbers) = numbers {
        if sort != DeviceSort::Added {
            gathered::visit(rows, filter, &matcher, &numbers, (after, visit))?;
            return Ok(End::Done);
        }
        let mut walk = Walk { rows, matcher, sort, left: budget, visit };
        return match direction {
            Direction::Ascending => walk.numbers(filter, numbers.range(after_n.map_or(0, |n| n + 1)..).copied()),
            Direction::Descending => walk.numbers(filter, numbers.range(..after_n.unwrap_or(i64::MAX)).rev().copied()),
        };
    }
    let mut walk = Walk { rows, matcher, sort, left: budget, visit };
    match sort {
        DeviceSort::Added if filter.as_of.is_some() => walk.then(filter, direction, after_n),
        DeviceSort::Added => {
            let equal = walk::most_selective(rows, &drivers)?;
            walk.segment(&walk::by_number(equal, direction, after_n))
        }
        DeviceSort::LastContact => walk.contacts(filter, direction, after),
        DeviceSort::Name
        | DeviceSort::Model
        | DeviceSort::OsVersion
        | DeviceSort::Enrolled
        | DeviceSort::IdentityExpiry
        | DeviceSort::UserName => {
            for segment in walk::by_column(filter, (sort, direction), after) {
                match walk.step_through(&segment)? {
                    ControlFlow::Continue(()) => {}
                    ControlFlow::Break(end) => return Ok(end),
                }
            }
            Ok(End::Done)
        }
    }
}

// The numbers of the condition that the fewest devices meet, if these are at most `most`.
fn few(rows: &Connection, drivers: &[Driver], most: usize) -> rusqlite::Result<Option<BTreeSet<i64>>> {
    let mut least: Option<(usize, &Driver)> = None;
    for driver in drivers {
        let most = driver.most(most);
        let size = driver.size(rows, most + 1)?;
        if size <= most && least.is_none_or(|(smallest, _)| size < smallest) {
            least = Some((size, driver));
        }
    }
    least.map(|(_, driver)| driver.numbers(rows)).transpose()
}

struct Walk<'a, 'b, 'c> {
    rows: &'a Connection,
    matcher: Matcher<'a>,
    sort: DeviceSort,
    left: usize,
    visit: &'b mut Visit<'c>,
}

impl Walk<'_, '_, '_> {
    fn segment(&mut self, segment: &Segment) -> rusqlite::Result<End> {
        Ok(match self.step_through(segment)? {
            ControlFlow::Continue(()) => End::Done,
            ControlFlow::Break(end) => end,
        })
    }

    fn step_through(&mut self, segment: &Segment) -> rusqlite::Result<ControlFlow<End>> {
        let mut select = self.rows.prepare_cached(&segment.sql)?;
        let mut found = select.query(params_from_iter(&segment.values))?;
        while let Some(row) = found.next()? {
            if let ControlFlow::Break(end) = self.examine(&Current(row), None)? {
                return Ok(ControlFlow::Break(end));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    // `known`: the value of the device in the order of the list, if it is known already.
    fn examine(&mut self, device: &dyn Values, known: Option<Key>) -> rusqlite::Result<ControlFlow<End>> {
        let key = || match &known {
            Some(known) => Ok(Some(known.clone())),
            None => key(self.rows, self.sort, device),
        };
        if self.matcher.matches(self.rows, device)? && (self.visit)(device, key()?)?.is_break() {
            return Ok(ControlFlow::Break(End::Done));
        }
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let id = Uuid::parse_str(&device.id()?).unwrap_or_default();
        Ok(ControlFlow::Break(End::Cut(DeviceCursor { key: key()?, device: DeviceId(id) })))
    }

    fn then(&mut self, filter: &DeviceFilter, direction: Direction, after: Option<i64>) -> rusqlite::Result<End> {
        let at = filter.as_of.unwrap_or(Timestamp(i64::MAX));
        let newest = newest(self.rows, at)?;
        let numbers: Box<dyn Iterator<Item = i64>> = match direction {
            Direction::Ascending => Box::new(after.map_or(1, |after| after + 1)..=newest),
            Direction::Descending => Box::new((1..=after.map_or(newest, |after| newest.min(after - 1))).rev()),
        };
        self.numbers(filter, numbers)
    }

    fn numbers(&mut self, filter: &DeviceFilter, numbers: impl Iterator<Item = i64>) -> rusqlite::Result<End> {
        for n in numbers {
            let mut flow = ControlFlow::Continue(());
            gathered::with(self.rows, filter, n, &mut |device| {
                flow = self.examine(device, None)?;
                Ok(())
            })?;
            if let ControlFlow::Break(end) = flow {
                return Ok(end);
            }
        }
        Ok(End::Done)
    }

    fn contacts(
        &mut self,
        filter: &DeviceFilter,
        direction: Direction,
        after: Option<(&DeviceCursor, i64)>,
    ) -> rusqlite::Result<End> {
        let is_unknown = |(cursor, n): (&DeviceCursor, i64)| (cursor.key == Some(Key::Unknown)).then_some(n);
        let among_unknown = after.and_then(is_unknown);
        if among_unknown.is_none()
            && let ControlFlow::Break(end) = self.known_contacts(filter, direction, after.map(|(cursor, _)| cursor))?
        {
            return Ok(end);
        }
        if filter.seen_from.is_some() || filter.seen_before.is_some() {
            return Ok(End::Done);
        }
        self.matcher.only_unseen();
        self.segment(&walk::by_number(None, direction, among_unknown))
    }

    fn known_contacts(
        &mut self,
        filter: &DeviceFilter,
        direction: Direction,
        after: Option<&DeviceCursor>,
    ) -> rusqlite::Result<ControlFlow<End>> {
        let contacts = walk::by_contact(filter, direction, after);
        let mut contacts_of = self.rows.prepare_cached(&contacts.sql)?;
        let mut found = contacts_of.query(params_from_iter(&contacts.values))?;
        let of_device = format!("SELECT {} FROM devices_current d WHERE d.id = ?1", columns());
        let mut of_device = self.rows.prepare_cached(&of_device)?;
        while let Some(contact) = found.next()? {
            let at = Key::Number(contact.get(1)?);
            let mut device = of_device.query([contact.get_ref(0)?.as_str()?])?;
            if let Some(row) = device.next()?
                && let ControlFlow::Break(end) = self.examine(&Current(row), Some(at))?
            {
                return Ok(ControlFlow::Break(end));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Returns the id of a device by its number.
pub(super) fn device_id(rows: &Connection, n: i64) -> rusqlite::Result<DeviceId> {
    Ok(DeviceId(Uuid::parse_str(&id_of(rows, n)?).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::database;

    fn device(n: u128) -> DeviceId {
        DeviceId(Uuid::from_u128(n))
    }

    fn fleet() -> Connection {
        let rows = database();
        let insert = "INSERT INTO devices_current (id, added, created, phase, name, user_name)
            VALUES (?1, ?2, ?2, 'enrolled', ?3, 'ada')";
        for n in 1..=20_u8 {
            let name = if n.is_multiple_of(5) { "found" } else { "other" };
            rows.execute(insert, (device(n.into()).to_string(), n, name)).expect("inserted");
        }
        rows
    }

    #[test]
    fn a_search_that_uses_up_its_budget_goes_on_at_the_next_page_and_finds_each_device_once() {
        let rows = fleet();
        for sort in [DeviceSort::Added, DeviceSort::Name, DeviceSort::UserName, DeviceSort::LastContact] {
            let mut filter = DeviceFilter { sort, named: Some("found".into()), ..DeviceFilter::default() };
            let (mut found, mut pages) = (Vec::new(), 0);
            loop {
                let mut visit = |device: &dyn Values, _| {
                    found.push(device.id()?.into_owned());
                    Ok(ControlFlow::Continue(()))
                };
                let end = each(&rows, &filter, 6, &mut visit).expect("walked");
                pages += 1;
                match end {
                    End::Done => break,
                    End::Cut(cursor) => filter.after = Some(cursor),
                }
                assert!(pages < 10, "{sort:?} does not end");
            }
            found.sort();
            let expected = [5, 10, 15, 20].map(|n| device(n).to_string());
            assert_eq!((found.as_slice(), pages), (expected.as_slice(), 4), "{sort:?}");
        }
    }
}
