//! The device inventory: one row per device in its current state, and the history of every column with its validity. A
//! query for an earlier instant is a `WHERE` clause.
//!
//! The history has a row for each value that a column ever had, valid from `valid_from` to `valid_to` in effective
//! time. A row with the value `NULL` means that the value was erased; a value whose key was lost is a placeholder text.
//! A column without a row is unknown. Values that change with every report (battery, free capacity) are replaced in
//! place and create no history.

mod current;
mod enrolled;
mod erase;
mod query;

pub use enrolled::{Enrolled, earlier_of_hardware, earlier_of_person, enrolled, enrolled_by, later_of_person};
pub use query::{
    Active, ActiveDevices, Device, DeviceFilter, ListedDevices, Naming, State, active_of_person, count_active, get,
    known, list, namings, of_person, unknown,
};

use crate::Projection;
use current::Current;
use events::device::{DeviceEvent, DeviceIdentifiers, InventoryValue, plain_identifier};
use events::enrollment::{EnrollmentEvent, IssuedCertificate};
use events::personal::{Gone, is_placeholder};
use events::{Entry, Event, Personal, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// Columns of the current row that have a history. Other values only have history rows, named `inventory.<name>` with
/// the name in `DeviceInformation`.
pub(crate) const COLUMNS: &[&str] = &[
    "phase",
    "archived",
    "person",
    "ownership",
    "kind",
    "name",
    "model",
    "product_name",
    "os_version",
    "build_version",
    "serial_number",
    "udid",
    "imei",
    "meid",
    "enrollment_id",
    "managed_apple_id",
    "enrolled_at",
    "ended_at",
    "identity_serial",
    "identity_expires",
    "superseded_by",
    "superseded_evidence",
];

/// Columns that identify the hardware of a record.
const HARDWARE: &[&str] = &["udid", "serial_number", "imei", "meid"];

/// Values that change constantly and say nothing about the record (mdm/commands/information.device.yaml). No version of
/// Muster queried them, so no recorded event contains them. A query for one of them would create no history.
const FLEETING: &[&str] = &["BatteryLevel", "AvailableDeviceCapacity", "LastCloudBackupDate"];

pub(crate) struct Devices;

impl Projection for Devices {
    fn name(&self) -> &'static str {
        "devices"
    }

    fn version(&self) -> u32 {
        8
    }

    fn tables(&self) -> &'static [&'static str] {
        &["devices_current", "devices_history"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS devices_current (
            id TEXT PRIMARY KEY, added INTEGER NOT NULL, last_event TEXT NOT NULL, last_event_at INTEGER NOT NULL,
            phase TEXT, archived INTEGER, person TEXT, ownership TEXT, kind TEXT, name TEXT, model TEXT,
            product_name TEXT, os_version TEXT, build_version TEXT, serial_number TEXT, udid TEXT, imei TEXT, meid TEXT,
            enrollment_id TEXT, managed_apple_id TEXT, enrolled_at INTEGER, ended_at INTEGER, identity_serial TEXT,
            identity_expires INTEGER, superseded_by TEXT,
            superseded_evidence TEXT
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS devices_by_added ON devices_current (added);
        CREATE INDEX IF NOT EXISTS devices_by_person ON devices_current (person, phase, added, product_name);
        CREATE TABLE IF NOT EXISTS devices_history (
            device TEXT NOT NULL, attribute TEXT NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER,
            position INTEGER NOT NULL, value,
            -- The person's key sealed the value.
            personal INTEGER NOT NULL, PRIMARY KEY (device, attribute, position)
        ) WITHOUT ROWID;"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["people", "renewals", "claims"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let mut record = Record { rows, entry, effective, current: Current::default() };
        match &entry.event {
            Event::Enrollment(event) => record.enrollment(event)?,
            Event::Device(event) => {
                record.current.touch();
                record.device(event)?;
            }
            Event::Person(event) => erase::person(rows, entry.stream.id(), event)?,
            Event::Log(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => {}
            Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) => {}
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => {}
            Event::Assertion(_) | Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => {}
        }
        record.current.write(rows, entry, effective)
    }
}

/// The record that an event belongs to; an enrollment and its device have the same id.
struct Record<'a> {
    rows: &'a Connection,
    entry: &'a Entry,
    effective: Timestamp,
    current: Current,
}

impl Record<'_> {
    fn id(&self) -> &str {
        self.entry.stream.id()
    }

    // Data from the portal belongs to the record, which appears in lists after the device's own first message.
    fn enrollment(&mut self, event: &EnrollmentEvent) -> rusqlite::Result<()> {
        match event {
            EnrollmentEvent::UserSignedIn { person, .. } | EnrollmentEvent::EnrollmentAssigned { person, .. } => {
                self.current.touch();
                self.set("person", person.to_string())
            }
            EnrollmentEvent::OwnershipChosen { ownership, .. } => self.set_word("ownership", ownership.as_str()),
            EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id }
            | EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id } => {
                self.set_personal("managed_apple_id", managed_apple_id)
            }
            EnrollmentEvent::IdentityIssued { identity, .. } => self.identity(identity),
            EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => Ok(()),
            EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => Ok(()),
            EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => Ok(()),
            EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::SignInRefused { .. } => Ok(()),
            EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnBegun { .. } => Ok(()),
            EnrollmentEvent::SingleSignOnProven { .. } | EnrollmentEvent::SingleSignOnRefused { .. } => Ok(()),
            EnrollmentEvent::AssignmentOffered { .. } | EnrollmentEvent::AssignmentDeclined {} => Ok(()),
            EnrollmentEvent::AttributesReceived { .. }
            | EnrollmentEvent::AccessDecided { .. }
            | EnrollmentEvent::TermsRequested { .. } => Ok(()),
            EnrollmentEvent::TermsAccepted { .. } | EnrollmentEvent::PreviousRecordFound { .. } => Ok(()),
            EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => Ok(()),
            EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => Ok(()),
            EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::CaProfileServed { .. } => Ok(()),
            EnrollmentEvent::CaInstallReported {} | EnrollmentEvent::CaStepSkipped {} => Ok(()),
            EnrollmentEvent::AccessTokenIssued { .. } | EnrollmentEvent::AuthorizationCodeIssued { .. } => Ok(()),
            EnrollmentEvent::AccessTokenRefreshed { .. } => Ok(()),
            EnrollmentEvent::MachineInformationReceived { .. } | EnrollmentEvent::SignInAgainAsked { .. } => Ok(()),
            EnrollmentEvent::ProfileServiceServed { .. } | EnrollmentEvent::DeviceAttributesReported { .. } => Ok(()),
            EnrollmentEvent::VerificationProfileServed { .. } => Ok(()),
            EnrollmentEvent::VerificationIdentityIssued { .. } => Ok(()),
            EnrollmentEvent::ProfileServiceRefused { .. } | EnrollmentEvent::MdmProfileServed { .. } => Ok(()),
            EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => Ok(()),
            EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => Ok(()),
        }
    }

    fn device(&mut self, event: &DeviceEvent) -> rusqlite::Result<()> {
        match event {
            DeviceEvent::DeviceAuthenticated {
                person, identifiers, os_version, build_version, product_name, ..
            } => {
                self.set_word("phase", State::Installing.as_str())?;
                self.end_is_over()?;
                self.set("archived", false)?;
                self.set("person", person.to_string())?;
                self.identifiers(identifiers)?;
                self.set_known("os_version", os_version.map(|version| version.to_string()))?;
                self.set_known("build_version", build_version.clone())?;
                self.set_known("product_name", product_name.clone())
            }
            DeviceEvent::DeviceEnrolled { .. } => {
                self.set_word("phase", State::Enrolled.as_str())?;
                self.set("enrolled_at", self.effective.0)
            }
            DeviceEvent::IdentityRenewalCompleted { serial, not_after, .. }
            | DeviceEvent::IdentityRolledBack { serial, not_after, .. } => {
                self.set("identity_serial", serial.clone())?;
                self.set("identity_expires", not_after.0)
            }
            DeviceEvent::DeviceReauthenticated { identifiers, os_version, build_version, product_name, .. } => {
                self.identifiers(identifiers)?;
                self.set_known("os_version", os_version.map(|version| version.to_string()))?;
                self.set_known("build_version", build_version.clone())?;
                self.set_known("product_name", product_name.clone())
            }
            DeviceEvent::InventoryReported { changes } => self.inventory(changes),
            DeviceEvent::DeviceCheckedOut { .. } => self.end(State::CheckedOut),
            DeviceEvent::DeviceUnenrolled { .. } => self.end(State::Unenrolled),
            DeviceEvent::DeviceSuperseded { by, evidence, .. } => {
                self.set("superseded_by", by.to_string())?;
                self.set_word("superseded_evidence", evidence.as_str())?;
                self.end(State::Superseded)
            }
            DeviceEvent::DeviceRevived { .. } => self.revive(),
            DeviceEvent::RecordArchived {} => self.set("archived", true),
            DeviceEvent::EarlierViewsCleared { .. } => Ok(()),
            DeviceEvent::RecordRestored {} => self.set("archived", false),
            DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => Ok(()),
            DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::IdentityRenewalFailed { .. } => Ok(()),
            DeviceEvent::MdmCommandQueued { .. } | DeviceEvent::MdmCommandDelivered { .. } => Ok(()),
            DeviceEvent::MdmCommandCancelled { .. } | DeviceEvent::MdmCommandExpired { .. } => Ok(()),
            DeviceEvent::MdmCommandAnswered { .. } | DeviceEvent::MdmResultTooLarge { .. } => Ok(()),
            DeviceEvent::ManagedAppReported { .. }
            | DeviceEvent::DeviceHeardFrom {}
            | DeviceEvent::ContactWatchBegun { .. } => Ok(()),
            DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Ok(()),
            DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => Ok(()),
            DeviceEvent::MdmAnswerUnreadable { .. } => Ok(()),
            DeviceEvent::HardwareClaimNoted { .. } => Ok(()),
            DeviceEvent::HardwareClaimDismissed { .. } | DeviceEvent::HardwareAttested { .. } => Ok(()),
            DeviceEvent::HardwareAttestationRequested { .. } => Ok(()),
            DeviceEvent::HardwareAttestationRefused { .. } => Ok(()),
            DeviceEvent::DevicePushed { .. } | DeviceEvent::PushFailed { .. } => Ok(()),
        }
    }

    // The first end remains: a CheckOut after Muster's RemoveProfile does not make the person the one who ended
    // management.
    fn end(&mut self, state: State) -> rusqlite::Result<()> {
        let ended = [State::CheckedOut, State::Unenrolled, State::Superseded];
        let phase = self.open_value("phase")?;
        if ended.iter().any(|end| phase == Some(Value::from(end.as_str().to_owned()))) {
            return Ok(());
        }
        self.set_word("phase", state.as_str())?;
        self.set("ended_at", self.effective.0)
    }

    // The record returns to its state before the end.
    fn revive(&mut self) -> rusqlite::Result<()> {
        let select = "SELECT value FROM devices_history
            WHERE device = ?1 AND attribute = 'phase' AND valid_to IS NOT NULL ORDER BY position DESC LIMIT 1";
        let before =
            self.rows.prepare_cached(select)?.query_row([self.id()], |row| row.get::<_, String>(0)).optional()?;
        self.set_word("phase", before.as_deref().unwrap_or(State::Enrolled.as_str()))?;
        self.end_is_over()
    }

    // The record is managed again. A record that never ended gets no row.
    fn end_is_over(&mut self) -> rusqlite::Result<()> {
        let select = "SELECT attribute FROM devices_history WHERE device = ?1 AND valid_to IS NULL
            AND attribute IN ('ended_at', 'superseded_by', 'superseded_evidence')";
        let ends: Vec<String> = {
            let mut select = self.rows.prepare_cached(select)?;
            select.query_map([self.id()], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        ends.iter().try_for_each(|attribute| self.set(attribute, Value::Null))
    }

    fn identifiers(&mut self, identifiers: &DeviceIdentifiers) -> rusqlite::Result<()> {
        self.set_word("kind", identifiers.kind().as_str())?;
        match identifiers {
            DeviceIdentifiers::UserEnrollment { enrollment_id } => self.set_personal("enrollment_id", enrollment_id),
            DeviceIdentifiers::DeviceEnrollment { udid, serial_number, imei, meid } => {
                self.set_personal("udid", udid)?;
                let others = [("SerialNumber", serial_number), ("IMEI", imei), ("MEID", meid)];
                let others = others.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
                others.into_iter().try_for_each(|(name, value)| self.inventory_value(name, Known::sealed(value)))
            }
        }
    }

    fn identity(&mut self, identity: &IssuedCertificate) -> rusqlite::Result<()> {
        self.set("identity_serial", identity.serial.clone())?;
        self.set("identity_expires", identity.not_after.0)
    }

    fn inventory(&mut self, changes: &BTreeMap<String, InventoryValue>) -> rusqlite::Result<()> {
        changes.iter().try_for_each(|(name, value)| {
            let value = match value {
                InventoryValue::Plain(value) => Known::plain(readable(value)),
                InventoryValue::Personal(value) => Known::personal(match (value.get(), value.gone()) {
                    (Some(value), _) => readable(value),
                    (None, gone) => gone.and_then(Gone::shown).map_or(Value::Null, |word| Value::Text(word.to_owned())),
                }),
            };
            self.inventory_value(name, value)
        })
    }

    fn inventory_value(&mut self, name: &str, value: Known) -> rusqlite::Result<()> {
        let other = format!("inventory.{name}");
        match column_of(name) {
            Some(column) if self.contradicts(column, &value.value)? => self.know(&other, value),
            Some(column) => self.know(column, value),
            None if FLEETING.contains(&name) => self.replace(&other, value),
            None => self.know(&other, value),
        }
    }

    // The hardware identifiers of a record are fixed at enrollment, and claims are based on them. A device cannot
    // change them: a different value that it reports later is stored with its other inventory values and does not match
    // other records.
    fn contradicts(&self, column: &str, value: &Value) -> rusqlite::Result<bool> {
        if !HARDWARE.contains(&column) {
            return Ok(false);
        }
        match (self.open_value(column)?, value) {
            (Some(Value::Text(known)), Value::Text(told)) => {
                let stands_for_one = is_placeholder(&known) || is_placeholder(told);
                Ok(!stands_for_one && plain_identifier(&known) != plain_identifier(told))
            }
            _ => Ok(false),
        }
    }

    fn set_word(&mut self, attribute: &str, value: &str) -> rusqlite::Result<()> {
        self.set(attribute, value.to_owned())
    }

    fn set_known(&mut self, attribute: &str, value: Option<String>) -> rusqlite::Result<()> {
        value.map_or(Ok(()), |value| self.set(attribute, value))
    }

    fn set_personal(&mut self, attribute: &str, value: &Personal<String>) -> rusqlite::Result<()> {
        self.know(attribute, Known::sealed(value))
    }

    fn set(&mut self, attribute: &str, value: impl Into<Value>) -> rusqlite::Result<()> {
        self.know(attribute, Known::plain(value.into()))
    }

    /// Sets the attribute from now on. Setting the same value again creates no row.
    fn know(&mut self, attribute: &str, known: Known) -> rusqlite::Result<()> {
        let before = self.open(attribute)?;
        if before.as_ref() == Some(&known) {
            return Ok(());
        }
        if before.is_some() {
            let close = "UPDATE devices_history SET valid_to = ?3
                WHERE device = ?1 AND attribute = ?2 AND valid_to IS NULL";
            self.rows.prepare_cached(close)?.execute(params![self.id(), attribute, self.effective.0])?;
        }
        let open = "INSERT INTO devices_history (device, attribute, valid_from, position, value, personal)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let position = crate::sql(self.entry.position);
        let Known { value, is_personal } = known;
        let row = params![self.id(), attribute, self.effective.0, position, value, is_personal];
        self.rows.prepare_cached(open)?.execute(row)?;
        self.current.set(attribute, value);
        Ok(())
    }

    /// Replaces the value of the attribute without keeping the earlier value.
    fn replace(&mut self, attribute: &str, known: Known) -> rusqlite::Result<()> {
        if self.open(attribute)?.is_none() {
            return self.know(attribute, known);
        }
        let replace = "UPDATE devices_history SET value = ?3, personal = ?4
            WHERE device = ?1 AND attribute = ?2 AND valid_to IS NULL";
        let row = params![self.id(), attribute, known.value, known.is_personal];
        self.rows.prepare_cached(replace)?.execute(row).map(drop)
    }

    fn open(&self, attribute: &str) -> rusqlite::Result<Option<Known>> {
        let select = "SELECT value, personal FROM devices_history
            WHERE device = ?1 AND attribute = ?2 AND valid_to IS NULL";
        let known = |row: &rusqlite::Row<'_>| Ok(Known { value: row.get(0)?, is_personal: row.get(1)? });
        self.rows.prepare_cached(select)?.query_row(params![self.id(), attribute], known).optional()
    }

    fn open_value(&self, attribute: &str) -> rusqlite::Result<Option<Value>> {
        Ok(self.open(attribute)?.map(|known| known.value))
    }
}

/// A value of the history. Personal values are erased with the person.
#[derive(PartialEq)]
struct Known {
    value: Value,
    is_personal: bool,
}

impl Known {
    fn plain(value: Value) -> Known {
        Known { value, is_personal: false }
    }

    fn personal(value: Value) -> Known {
        Known { value, is_personal: true }
    }

    fn sealed(value: &Personal<String>) -> Known {
        Known::personal(value.shown().map_or(Value::Null, |text| Value::Text(text.to_owned())))
    }
}

/// Returns the column for the `DeviceInformation` query `query`.
fn column_of(query: &str) -> Option<&'static str> {
    Some(match query {
        "DeviceName" => "name",
        "ModelName" => "model",
        "ProductName" => "product_name",
        "OSVersion" => "os_version",
        "BuildVersion" => "build_version",
        "SerialNumber" => "serial_number",
        "UDID" => "udid",
        "IMEI" => "imei",
        "MEID" => "meid",
        _ => return None,
    })
}

fn readable(value: &serde_json::Value) -> Value {
    Value::Text(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
