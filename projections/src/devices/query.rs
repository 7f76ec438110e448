//! Queries about one device, now and at an earlier instant, and what devices are called.

use super::attributes::REPORTED;
use super::device::{Device, device_of};
use super::list::complete;
use super::numbers::number;
use super::then::Then;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::device::DeviceId;
use events::personal::is_placeholder;
use rusqlite::{OptionalExtension as _, Row};
use std::collections::BTreeMap;

/// Returns a device in its current state, or as it was at `as_of`; `None` if there is or was none.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn get(
    projections: &Projections,
    id: DeviceId,
    as_of: Option<Timestamp>,
) -> Result<Option<Device>, ProjectionError> {
    let at = as_of.unwrap_or(Timestamp(i64::MAX));
    let found = projections
        .read_of("devices", move |rows| {
            let Some(n) = number(rows, &id.to_string())? else { return Ok(None) };
            let Some(mut device) = device_of(&Then::of(rows, n, at))? else { return Ok(None) };
            complete(rows, &mut device)?;
            Ok(Some(device))
        })
        .await?;
    Ok(found.map(|mut device| {
        if as_of.is_some() {
            device.forget_claims();
        }
        device.last_seen = projections.inner.last_seen.newest(device.id, device.last_seen);
        device
    }))
}

/// Returns further values that the device had reported at an instant, by their names in `DeviceInformation`; `None` for
/// erased values.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn known(
    projections: &Projections,
    id: DeviceId,
    as_of: Option<Timestamp>,
) -> Result<BTreeMap<String, Option<String>>, ProjectionError> {
    let as_of = as_of.unwrap_or(Timestamp(i64::MAX)).0;
    projections
        .read_of("devices", move |rows| {
            let Some(n) = number(rows, &id.to_string())? else { return Ok(BTreeMap::new()) };
            let select = "SELECT a.name, (SELECT h.position FROM devices_history h
                    WHERE h.device = ?1 AND h.attribute = a.code AND h.valid_from <= ?2
                    ORDER BY h.position DESC LIMIT 1) AS at
                FROM devices_attributes a WHERE at IS NOT NULL";
            let value = "SELECT value FROM devices_history
                WHERE device = ?1 AND attribute = (SELECT code FROM devices_attributes WHERE name = ?2)
                    AND position = ?3";
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map((n, as_of), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut known = BTreeMap::new();
            for attribute in found {
                let (name, position): (String, i64) = attribute?;
                let value = rows.prepare_cached(value)?.query_row((n, &name, position), |row| row.get(0))?;
                known.insert(name.strip_prefix(REPORTED).unwrap_or(&name).to_owned(), value);
            }
            Ok(known)
        })
        .await
}

/// What people call a device, and since when they have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// `DeviceName`, `ModelName` and `ProductName`, the best first. Without those that are unknown, erased or lost.
    pub names: Vec<String>,
    pub enrolled_at: Option<Timestamp>,
}

/// Returns how these devices are called. A device that is not in the inventory is left out.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn namings(
    projections: &Projections,
    devices: Vec<DeviceId>,
) -> Result<BTreeMap<DeviceId, Naming>, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let select = "SELECT name, model, product_name, enrolled_at FROM devices_current WHERE id = ?1";
            let mut statement = rows.prepare_cached(select)?;
            let mut found = BTreeMap::new();
            for device in devices {
                let naming = statement.query_row([device.to_string()], naming).optional()?;
                found.extend(naming.map(|naming| (device, naming)));
            }
            Ok(found)
        })
        .await
}

fn naming(row: &Row<'_>) -> rusqlite::Result<Naming> {
    let names: [Option<String>; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
    let names = names.into_iter().flatten().filter(|name| !is_placeholder(name)).collect();
    Ok(Naming { names, enrolled_at: row.get::<_, Option<i64>>(3)?.map(Timestamp) })
}
