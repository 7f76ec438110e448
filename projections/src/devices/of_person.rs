//! The devices of one person.

use super::device::{State, family};
use crate::{ProjectionError, Projections};
use events::device::DeviceId;
use events::enrollment::DeviceFamily;
use events::person::PersonId;
use uuid::Uuid;

/// An active record: the device is managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    pub device: DeviceId,
    pub family: Option<DeviceFamily>,
}

/// The most relevant active records of a person, and the total number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActiveDevices {
    pub nearest: Vec<Active>,
    /// Number of all active records, also of those that are not in `nearest`.
    pub count: u64,
}

/// Returns the person's managed devices: the `most` most relevant ones and the total number. Devices of the family `of`
/// come first, the newest of them first. Archived records are included: the device is still managed.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn active_of_person(
    projections: &Projections,
    person: PersonId,
    of: DeviceFamily,
    most: usize,
) -> Result<ActiveDevices, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let select = "SELECT id, product_name FROM devices_current WHERE person = ?1 AND phase = ?2
                ORDER BY n DESC";
            let mut statement = rows.prepare_cached(select)?;
            let found = statement.query_map((person.to_string(), State::Enrolled.as_str()), |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
            })?;
            let mut active = Vec::new();
            for row in found {
                let (id, product) = row?;
                if let Ok(id) = Uuid::parse_str(&id) {
                    active.push(Active { device: DeviceId(id), family: family(product.as_deref()) });
                }
            }
            let count = active.len() as u64;
            active.sort_by_key(|active| active.family != Some(of));
            active.truncate(most);
            Ok(ActiveDevices { nearest: active, count })
        })
        .await
}

/// Returns the devices of a person, whatever became of them, the newest first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_person(
    projections: &Projections,
    person: PersonId,
    limit: usize,
) -> Result<Vec<DeviceId>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("devices", move |rows| {
            let select = "SELECT id FROM devices_current WHERE person = ?1 ORDER BY n DESC LIMIT ?2";
            let mut statement = rows.prepare_cached(select)?;
            let found = statement.query_map((person.to_string(), limit), |row| row.get::<_, String>(0))?;
            let ids = found.collect::<Result<Vec<_>, _>>()?;
            Ok(ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).map(DeviceId).collect())
        })
        .await
}

/// Returns the number of the person's managed devices, archived or not, without `except`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn count_active(
    projections: &Projections,
    person: PersonId,
    except: Option<DeviceId>,
) -> Result<u64, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let select = "SELECT count(*) FROM devices_current WHERE person = ?1 AND phase = ?2 AND id IS NOT ?3";
            let (person, except) = (person.to_string(), except.map(|device| device.to_string()));
            let count = rows
                .prepare_cached(select)?
                .query_row((person, State::Enrolled.as_str(), except), |row| row.get::<_, i64>(0))?;
            Ok(count.cast_unsigned())
        })
        .await
}
