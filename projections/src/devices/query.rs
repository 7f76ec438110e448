//! Queries of the inventory, for now and for any earlier instant.

use super::COLUMNS;
use crate::claims::{CLAIMED_BY, CLAIMS};
use crate::renewals::{STANDING, Standing};
use crate::{ProjectionError, Projections, like};
use events::Timestamp;
use events::device::{DeviceId, SupersessionEvidence};
use events::enrollment::{DeviceFamily, EnrollmentKind, Ownership};
use events::person::PersonId;
use events::personal::is_placeholder;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, named_params};
use std::collections::BTreeMap;
use uuid::Uuid;

/// State of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// `Authenticate` was received, `TokenUpdate` not yet.
    Installing,
    Enrolled,
    /// The person removed the profile.
    CheckedOut,
    Unenrolled,
    /// The same hardware is managed as another record.
    Superseded,
}

impl State {
    pub const ALL: [State; 5] =
        [State::Installing, State::Enrolled, State::CheckedOut, State::Unenrolled, State::Superseded];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Installing => "installing",
            State::Enrolled => "enrolled",
            State::CheckedOut => "checked_out",
            State::Unenrolled => "unenrolled",
            State::Superseded => "superseded",
        }
    }

    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A device in its current state, or as it was at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    pub id: DeviceId,
    pub state: State,
    pub archived: bool,
    pub person: Option<PersonId>,
    /// `None` if unknown or erased.
    pub user_name: Option<String>,
    pub kind: Option<EnrollmentKind>,
    pub ownership: Option<Ownership>,
    /// `DeviceName` of the device's answer. As reported, like the fields up to `enrollment_id`: not checked.
    pub name: Option<String>,
    /// `ModelName`, such as `iPhone`.
    pub model: Option<String>,
    /// `ProductName`, such as `iPhone12,1`.
    pub product_name: Option<String>,
    /// `OSVersion`, such as `17.5.1`.
    pub os_version: Option<String>,
    /// `BuildVersion`, such as `21F90`.
    pub build_version: Option<String>,
    pub serial_number: Option<String>,
    /// `UDID` as reported; `None` in User Enrollment.
    pub udid: Option<String>,
    /// `EnrollmentID` as reported; `None` in Device Enrollment.
    pub enrollment_id: Option<String>,
    pub managed_apple_id: Option<String>,
    pub enrolled_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Serial number of the current identity certificate, upper-case hex.
    pub identity_serial: Option<String>,
    pub identity_expires: Option<Timestamp>,
    pub superseded_by: Option<DeviceId>,
    /// The evidence on which the record was superseded.
    pub superseded_evidence: Option<SupersessionEvidence>,
    /// Managed records whose hardware this device claims. Empty for an earlier instant.
    pub claims: Vec<DeviceId>,
    /// Managed records that claim the hardware of this device. Empty for an earlier instant.
    pub claimed_by: Vec<DeviceId>,
    pub last_seen: Option<Timestamp>,
}

impl Device {
    /// Returns the device family, if the device reported its model.
    pub fn family(&self) -> Option<DeviceFamily> {
        family(self.product_name.as_deref())
    }

    // The earlier state of the other record is not looked up.
    fn forget_claims(&mut self) {
        self.claims.clear();
        self.claimed_by.clear();
    }
}

fn family(product_name: Option<&str>) -> Option<DeviceFamily> {
    match product_name? {
        name if name.starts_with("iPhone") || name.starts_with("iPod") => Some(DeviceFamily::IPhone),
        name if name.starts_with("iPad") => Some(DeviceFamily::IPad),
        _ => None,
    }
}

/// Filter for devices.
#[derive(Debug, Clone, Default)]
pub struct DeviceFilter {
    pub state: Option<State>,
    pub kind: Option<EnrollmentKind>,
    /// Whether to include archived records. Only lists for people omit them; no rule does.
    pub archived: bool,
    pub person: Option<PersonId>,
    /// The person's whole user name; case does not matter.
    pub user_name: Option<String>,
    /// Found anywhere in name, model, Managed Apple ID or user name; or an identifier (see [`DeviceFilter::ids`]).
    pub text: Option<String>,
    /// Found anywhere in the device's name or model.
    pub named: Option<String>,
    /// Serial numbers, UDIDs, EnrollmentIDs or record ids, each complete or a prefix of at least eight
    /// characters. They are not searched for anywhere in the text: three letters of a user name would match devices of
    /// other people. Empty: any.
    pub ids: Vec<String>,
    /// State of the identity at this instant, which must be now, since no history of it is kept.
    pub identity: Option<(Standing, Timestamp)>,
    /// The inventory as it was at this instant.
    pub as_of: Option<Timestamp>,
    /// Continue after this device.
    pub after: Option<DeviceId>,
}

/// A page of devices.
#[derive(Debug, Clone)]
pub struct ListedDevices {
    pub devices: Vec<Device>,
    /// Pass this as [`DeviceFilter::after`] to get the next page.
    pub next: Option<DeviceId>,
}

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

// The columns of a device at an instant, with the names of the current row.
fn as_of_rows() -> String {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|column| format!("max(CASE WHEN h.attribute = '{column}' THEN h.value END) AS {column}"))
        .collect();
    format!(
        "(SELECT h.device AS id, c.added AS added, {} FROM devices_history h
            JOIN devices_current c ON c.id = h.device
            WHERE h.valid_from <= :as_of AND (h.valid_to IS NULL OR h.valid_to > :as_of) GROUP BY h.device)",
        columns.join(", ")
    )
}

/// Builds a query on `source`, a table or subquery with the columns of the current row.
fn select(source: &str, condition: &str) -> String {
    format!(
        "SELECT d.*, p.user_name, s.at AS last_seen, {CLAIMS} AS claims, {CLAIMED_BY} AS claimed_by FROM {source} d
        LEFT JOIN people_names p ON p.id = d.person
        LEFT JOIN last_seen s ON s.device = d.id
        WHERE d.phase IS NOT NULL AND {condition}"
    )
}

fn list_condition() -> String {
    let standing = format!("SELECT r.device FROM renewals_devices r WHERE ({STANDING}) = :identity");
    let condition = LIST_CONDITION
        .replace("IDENTIFIED_BY_WORD", &identified_by(":word"))
        .replace("IDENTIFIED_BY_ID", &identified_by("wanted.value"));
    format!("(:identity IS NULL OR d.id IN ({standing})) AND {condition}")
}

const LIST_CONDITION: &str = "(:state IS NULL OR d.phase = :state) AND (:kind IS NULL OR d.kind = :kind)
    AND (:archived OR coalesce(d.archived, 0) = 0) AND (:person IS NULL OR d.person = :person)
    AND (:after IS NULL OR d.added < (SELECT added FROM devices_current WHERE id = :after))
    AND (:user_name IS NULL OR p.user_name = :user_name COLLATE NOCASE)
    AND (:named IS NULL OR lower(coalesce(d.name, '') || char(10) || coalesce(d.model, '') || char(10)
        || coalesce(d.product_name, '')) LIKE :named ESCAPE '\\')
    AND (:text IS NULL OR lower(coalesce(d.name, '') || char(10) || coalesce(d.model, '') || char(10)
        || coalesce(d.product_name, '') || char(10) || coalesce(d.managed_apple_id, '') || char(10)
        || coalesce(p.user_name, '') || char(10) || coalesce(p.display_name, '')) LIKE :text ESCAPE '\\'
        OR IDENTIFIED_BY_WORD)
    AND (:ids = '[]' OR EXISTS (SELECT 1 FROM json_each(:ids) AS wanted WHERE IDENTIFIED_BY_ID))
    ORDER BY d.added DESC LIMIT :limit";

/// Minimum length of an identifier prefix in a search. Shorter ones match random hexadecimal digits by chance.
const SHORTEST_PREFIX: usize = 8;

/// Returns an SQL condition: `value`, a lower-case SQL expression, is an identifier of `d` or a prefix of one.
fn identified_by(value: &str) -> String {
    let by = |column: &str| {
        let column = format!("lower({column})");
        format!(
            "{column} = {value} OR (length({value}) >= {SHORTEST_PREFIX} AND substr({column}, 1, length({value})) = {value})"
        )
    };
    format!("({})", ["d.serial_number", "d.udid", "d.enrollment_id", "d.id"].map(by).join(" OR "))
}

/// Returns up to `limit` devices that match, the newest first.
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

fn list_in(rows: &Connection, filter: &DeviceFilter, limit: usize) -> rusqlite::Result<ListedDevices> {
    let state = filter.state.map(State::as_str);
    let kind = filter.kind.map(EnrollmentKind::as_str);
    let person = filter.person.map(|person| person.to_string());
    let after = filter.after.map(|after| after.to_string());
    let text = filter.text.as_deref().map(like);
    let word = filter.text.as_deref().map(|text| text.trim().to_lowercase());
    let named = filter.named.as_deref().map(like);
    let ids = json_array(&filter.ids);
    let (identity, now) = filter.identity.map(|(standing, now)| (standing.as_str(), now.0)).unzip();
    // One row more than requested shows whether there is another page.
    let fetch = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let as_of = filter.as_of.map(|at| at.0);
    let mut bindings: Vec<(&str, &dyn ToSql)> = vec![
        (":state", &state),
        (":kind", &kind),
        (":archived", &filter.archived),
        (":person", &person),
        (":after", &after),
        (":text", &text),
        (":word", &word),
        (":named", &named),
        (":user_name", &filter.user_name),
        (":ids", &ids),
        (":identity", &identity),
        (":now", &now),
        (":limit", &fetch),
    ];
    let source = match &as_of {
        Some(as_of) => {
            bindings.push((":as_of", as_of));
            as_of_rows()
        }
        None => "devices_current".to_owned(),
    };
    let mut statement = rows.prepare_cached(&select(&source, &list_condition()))?;
    let found = statement.query_map(&bindings[..], device_of)?.collect::<Result<Vec<_>, _>>()?;
    let mut devices: Vec<Device> = found.into_iter().flatten().collect();
    if filter.as_of.is_some() {
        devices.iter_mut().for_each(Device::forget_claims);
    }
    let next = if devices.len() > limit {
        devices.truncate(limit);
        devices.last().map(|device| device.id)
    } else {
        None
    };
    Ok(ListedDevices { devices, next })
}

/// Returns the identifiers that match no enrolled device. An identifier is a serial number, a UDID, an EnrollmentID or
/// a [`DeviceId`], or the beginning of one with at least 8 characters; capitals do not matter.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn unknown(projections: &Projections, ids: Vec<String>) -> Result<Vec<String>, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let select = format!(
                "SELECT count(*) FROM devices_current d WHERE d.phase = 'enrolled' AND {}",
                identified_by("?1")
            );
            let mut count = rows.prepare_cached(&select)?;
            let mut unknown = Vec::new();
            for id in ids {
                if count.query_row([id.to_lowercase()], |row| row.get::<_, i64>(0))? == 0 {
                    unknown.push(id);
                }
            }
            Ok(unknown)
        })
        .await
}

fn json_array(ids: &[String]) -> String {
    serde_json::Value::from_iter(ids.iter().map(|id| id.to_lowercase())).to_string()
}

/// Returns a device in its current state, or as it was at `as_of`; `None` if there is or was none.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn get(
    projections: &Projections,
    id: DeviceId,
    as_of: Option<Timestamp>,
) -> Result<Option<Device>, ProjectionError> {
    let now = as_of.is_none();
    let as_of = as_of.unwrap_or(Timestamp(i64::MAX)).0;
    let found = projections
        .read_of("devices", move |rows| {
            let id = id.to_string();
            let mut statement = rows.prepare_cached(&select(&as_of_rows(), "d.id = :id"))?;
            statement.query_row(named_params! { ":as_of": as_of, ":id": id }, device_of).optional().map(Option::flatten)
        })
        .await;
    found.map(|found| {
        found.map(|mut device| {
            if !now {
                device.forget_claims();
            }
            device.last_seen = projections.inner.last_seen.newest(device.id, device.last_seen);
            device
        })
    })
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
            let select = "SELECT substr(attribute, 11), value FROM devices_history
                WHERE device = ?1 AND attribute LIKE 'inventory.%' AND valid_from <= ?2
                    AND (valid_to IS NULL OR valid_to > ?2)";
            let mut statement = rows.prepare_cached(select)?;
            let found = statement.query_map((id.to_string(), as_of), |row| Ok((row.get(0)?, row.get(1)?)))?;
            found.collect()
        })
        .await
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
                ORDER BY added DESC";
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
            let select = "SELECT id FROM devices_current WHERE person = ?1 ORDER BY added DESC LIMIT ?2";
            let mut statement = rows.prepare_cached(select)?;
            let found = statement.query_map((person.to_string(), limit), |row| row.get::<_, String>(0))?;
            let ids = found.collect::<Result<Vec<_>, _>>()?;
            Ok(ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).map(DeviceId).collect())
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

// Returns `None` for a row that this version did not write.
fn device_of(row: &Row<'_>) -> rusqlite::Result<Option<Device>> {
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let time = |column: &str| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp));
    let id = |column: &str| text(column).map(|id| id.and_then(|id| Uuid::parse_str(&id).ok()));
    let (Some(device), Some(state)) = (id("id")?, text("phase")?.as_deref().and_then(State::parse)) else {
        return Ok(None);
    };
    Ok(Some(Device {
        id: DeviceId(device),
        state,
        archived: matches!(row.get::<_, Value>("archived")?, Value::Integer(1)),
        person: id("person")?.map(PersonId),
        user_name: text("user_name")?,
        kind: text("kind")?.as_deref().and_then(EnrollmentKind::parse),
        ownership: text("ownership")?.as_deref().and_then(Ownership::parse),
        name: text("name")?,
        model: text("model")?,
        product_name: text("product_name")?,
        os_version: text("os_version")?,
        build_version: text("build_version")?,
        serial_number: text("serial_number")?,
        udid: text("udid")?,
        enrollment_id: text("enrollment_id")?,
        managed_apple_id: text("managed_apple_id")?,
        enrolled_at: time("enrolled_at")?,
        ended_at: time("ended_at")?,
        identity_serial: text("identity_serial")?,
        identity_expires: time("identity_expires")?,
        superseded_by: id("superseded_by")?.map(DeviceId),
        superseded_evidence: text("superseded_evidence")?.as_deref().and_then(parse_evidence),
        claims: crate::claims::ids(text("claims")?.as_deref()),
        claimed_by: crate::claims::ids(text("claimed_by")?.as_deref()),
        last_seen: time("last_seen")?,
    }))
}

pub(super) fn parse_evidence(name: &str) -> Option<SupersessionEvidence> {
    SupersessionEvidence::ALL.into_iter().find(|evidence| evidence.as_str() == name)
}
