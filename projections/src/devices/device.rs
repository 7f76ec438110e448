//! A device as lists and pages show it, and how it is read from its row.

use super::enrolled::parse_evidence;
use super::values::Values;
use events::Timestamp;
use events::device::{DeviceId, SupersessionEvidence};
use events::enrollment::{DeviceFamily, EnrollmentKind, Ownership};
use events::person::PersonId;
use uuid::Uuid;

/// State of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    pub(super) fn forget_claims(&mut self) {
        self.claims.clear();
        self.claimed_by.clear();
    }
}

pub(super) fn family(product_name: Option<&str>) -> Option<DeviceFamily> {
    match product_name? {
        name if name.starts_with("iPhone") || name.starts_with("iPod") => Some(DeviceFamily::IPhone),
        name if name.starts_with("iPad") => Some(DeviceFamily::IPad),
        _ => None,
    }
}

/// Reads a device, without its claims and its last contact. `None` for a row without a device that sent a message.
pub(super) fn device_of(values: &dyn Values) -> rusqlite::Result<Option<Device>> {
    let text = |column: &str| Ok::<_, rusqlite::Error>(values.text(column)?.map(|text| text.into_owned()));
    let time = |column: &str| Ok::<_, rusqlite::Error>(values.number(column)?.map(Timestamp));
    let id = |column: &str| Ok::<_, rusqlite::Error>(text(column)?.and_then(|id| Uuid::parse_str(&id).ok()));
    let Some(state) = text("phase")?.as_deref().and_then(State::parse) else { return Ok(None) };
    let Ok(device) = Uuid::parse_str(&values.id()?) else { return Ok(None) };
    Ok(Some(Device {
        id: DeviceId(device),
        state,
        archived: values.number("archived")? == Some(1),
        person: id("person")?.map(PersonId),
        user_name: values.user_name()?.map(|name| name.into_owned()),
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
        claims: Vec::new(),
        claimed_by: Vec::new(),
        last_seen: None,
    }))
}
