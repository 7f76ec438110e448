//! Enrolled devices as re-enrollment compares them: those of one person, before and after one of them.

use super::State;
use crate::{ProjectionError, Projections};
use events::device::{DeviceId, SupersessionEvidence};
use events::enrollment::OsVersion;
use events::person::PersonId;
use events::{Position, Timestamp};
use rusqlite::{Row, params};
use uuid::Uuid;

/// A device that enrolled, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    pub device: DeviceId,
    /// The first event about it: of two devices, the one with the smaller position was opened earlier.
    pub added: Position,
    pub state: State,
    pub person: Option<PersonId>,
    /// `ProductName`, such as `iPhone12,1`.
    pub product_name: Option<String>,
    os_version: Option<String>,
    pub enrolled_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub superseded_by: Option<DeviceId>,
    pub superseded_evidence: Option<SupersessionEvidence>,
}

impl Enrolled {
    /// Returns the OS version that the device reported last.
    pub fn os_version(&self) -> Option<OsVersion> {
        OsVersion::parse(self.os_version.as_deref()?)
    }
}

const COLUMNS: &str = "o.id, o.added, o.phase, o.person, o.product_name, o.os_version, o.enrolled_at, o.ended_at,
    o.superseded_by, o.superseded_evidence";

pub(super) fn parse_evidence(name: &str) -> Option<SupersessionEvidence> {
    SupersessionEvidence::ALL.into_iter().find(|evidence| evidence.as_str() == name)
}

fn enrolled_of(row: &Row<'_>) -> rusqlite::Result<Option<Enrolled>> {
    let text = |column: usize| row.get::<_, Option<String>>(column);
    let id = |column: usize| text(column).map(|id| id.and_then(|id| Uuid::parse_str(&id).ok()));
    let (Some(device), Some(state)) = (id(0)?, text(2)?.as_deref().and_then(State::parse)) else { return Ok(None) };
    Ok(Some(Enrolled {
        device: DeviceId(device),
        added: Position(row.get::<_, i64>(1)?.cast_unsigned()),
        state,
        person: id(3)?.map(PersonId),
        product_name: text(4)?,
        os_version: text(5)?,
        enrolled_at: row.get::<_, Option<i64>>(6)?.map(Timestamp),
        ended_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        superseded_by: id(8)?.map(DeviceId),
        superseded_evidence: text(9)?.as_deref().and_then(parse_evidence),
    }))
}

// Returns the devices `o` that enrolled and match, the newest first. `condition` compares with `id` as `?1`.
async fn found(
    projections: &Projections,
    condition: &'static str,
    id: Uuid,
    limit: usize,
) -> Result<Vec<Enrolled>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("devices", move |rows| {
            let select = format!(
                "SELECT {COLUMNS} FROM devices_current o {condition} AND o.enrolled_at IS NOT NULL
                    ORDER BY o.n DESC LIMIT ?2"
            );
            let mut select = rows.prepare_cached(&select)?;
            let found = select.query_map(params![id.to_string(), limit], enrolled_of)?;
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
}

/// Returns a device that enrolled; `None` if it did not.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn enrolled(projections: &Projections, device: DeviceId) -> Result<Option<Enrolled>, ProjectionError> {
    Ok(found(projections, "WHERE o.id = ?1", device.0, 1).await?.pop())
}

/// Returns the devices that the person of `device` enrolled before it, the newest first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn earlier_of_person(
    projections: &Projections,
    device: DeviceId,
    limit: usize,
) -> Result<Vec<Enrolled>, ProjectionError> {
    let earlier = "JOIN devices_current s ON s.person = o.person WHERE s.id = ?1 AND o.n < s.n";
    found(projections, earlier, device.0, limit).await
}

/// Returns the devices of `earlier_of_person` that told the UDID of `device`, the newest first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn earlier_of_hardware(
    projections: &Projections,
    device: DeviceId,
    limit: usize,
) -> Result<Vec<Enrolled>, ProjectionError> {
    let earlier = "JOIN devices_current s ON s.person = o.person
        WHERE s.id = ?1 AND o.n < s.n AND o.udid = s.udid COLLATE NOCASE";
    found(projections, earlier, device.0, limit).await
}

/// Returns the devices that the person of `device` enrolled after it, the newest first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn later_of_person(
    projections: &Projections,
    device: DeviceId,
    limit: usize,
) -> Result<Vec<Enrolled>, ProjectionError> {
    let later = "JOIN devices_current s ON s.person = o.person WHERE s.id = ?1 AND o.n > s.n";
    found(projections, later, device.0, limit).await
}

/// Returns the devices that a person enrolled, the newest first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn enrolled_by(
    projections: &Projections,
    person: PersonId,
    limit: usize,
) -> Result<Vec<Enrolled>, ProjectionError> {
    found(projections, "WHERE o.person = ?1", person.0, limit).await
}
