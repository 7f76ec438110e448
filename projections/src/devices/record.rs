//! What the events of an enrollment and of its device change in the history and in the current row.

use super::HARDWARE;
use super::attributes::{self, REPORTED, column_of};
use super::current::Current;
use super::device::State;
use events::device::{DeviceEvent, DeviceIdentifiers, InventoryValue, plain_identifier};
use events::enrollment::{EnrollmentEvent, IssuedCertificate};
use events::personal::{Gone, is_placeholder};
use events::{Entry, Personal, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// Values that change constantly and say nothing about the record (mdm/commands/information.device.yaml). No version of
/// Muster queried them, so no recorded event contains them. A query for one of them would create no history.
const FLEETING: &[&str] = &["BatteryLevel", "AvailableDeviceCapacity", "LastCloudBackupDate"];

/// The record that an event belongs to; an enrollment and its device have the same id.
pub(super) struct Record<'a> {
    rows: &'a Connection,
    entry: &'a Entry,
    effective: Timestamp,
    current: Option<Current>,
}

impl<'a> Record<'a> {
    pub(super) fn new(rows: &'a Connection, entry: &'a Entry, effective: Timestamp) -> Record<'a> {
        Record { rows, entry, effective, current: None }
    }

    /// Writes what the event changed in the current row.
    pub(super) fn write(self) -> rusqlite::Result<()> {
        self.current.map_or(Ok(()), |current| current.write(self.rows))
    }

    // The row of the device is created with its first value.
    fn current(&mut self) -> rusqlite::Result<&mut Current> {
        let current = match self.current.take() {
            Some(current) => current,
            None => Current::of(self.rows, self.entry, self.effective)?,
        };
        Ok(self.current.insert(current))
    }

    fn n(&mut self) -> rusqlite::Result<i64> {
        self.current().map(|current| current.n)
    }

    // Data from the portal belongs to the record, which appears in lists after the device's own first message.
    pub(super) fn enrollment(&mut self, event: &EnrollmentEvent) -> rusqlite::Result<()> {
        match event {
            EnrollmentEvent::UserSignedIn { person, .. } | EnrollmentEvent::EnrollmentAssigned { person, .. } => {
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

    pub(super) fn device(&mut self, event: &DeviceEvent) -> rusqlite::Result<()> {
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
        let select = "SELECT value FROM devices_history WHERE device = ?1 AND attribute = ?2
            ORDER BY position DESC LIMIT 1 OFFSET 1";
        let phase = (self.n()?, attributes::code_of("phase"));
        let before = self.rows.prepare_cached(select)?.query_row(phase, |row| row.get::<_, String>(0)).optional()?;
        self.set_word("phase", before.as_deref().unwrap_or(State::Enrolled.as_str()))?;
        self.end_is_over()
    }

    // The record is managed again. A record that never ended gets no row.
    fn end_is_over(&mut self) -> rusqlite::Result<()> {
        for attribute in ["ended_at", "superseded_by", "superseded_evidence"] {
            if self.open(attribute)?.is_some() {
                self.set(attribute, Value::Null)?;
            }
        }
        Ok(())
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
        let other = format!("{REPORTED}{name}");
        let column = column_of(name);
        if column.is_some_and(|column| HARDWARE.contains(&column)) {
            // Codes are the same in a rebuild after an erasure, in which nothing contradicts.
            attributes::learned(self.rows, &other)?;
        }
        match column {
            Some(column) if self.contradicts(column, &value.value)? => self.know(&other, value),
            Some(column) => self.know(column, value),
            None if FLEETING.contains(&name) => self.replace(&other, value),
            None => self.know(&other, value),
        }
    }

    // The hardware identifiers of a record are fixed at enrollment, and claims are based on them. A device cannot
    // change them: a different value that it reports later is stored with its other inventory values and does not match
    // other records.
    fn contradicts(&mut self, column: &str, value: &Value) -> rusqlite::Result<bool> {
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
        let code = attributes::learned(self.rows, attribute)?;
        let n = self.n()?;
        // The second of two values in one event replaces the first.
        let insert = "INSERT OR REPLACE INTO devices_history (device, attribute, position, valid_from, value, personal)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (position, at) = (crate::sql(self.entry.position), self.effective.0);
        let row = params![n, code, position, at, known.value, known.is_personal];
        self.rows.prepare_cached(insert)?.execute(row)?;
        if let Some(before) = before.filter(|before| !before.is_personal) {
            former(self.rows, n, attribute, code, &before.value)?;
        }
        self.current()?.set(attribute, known.value);
        Ok(())
    }

    /// Replaces the value of the attribute without keeping the earlier value.
    fn replace(&mut self, attribute: &str, known: Known) -> rusqlite::Result<()> {
        if self.open(attribute)?.is_none() {
            return self.know(attribute, known);
        }
        let replace = "UPDATE devices_history SET value = ?3, personal = ?4 WHERE device = ?1 AND attribute = ?2
            AND position = (SELECT max(position) FROM devices_history WHERE device = ?1 AND attribute = ?2)";
        let row = params![self.n()?, attributes::learned(self.rows, attribute)?, known.value, known.is_personal];
        self.rows.prepare_cached(replace)?.execute(row).map(drop)
    }

    fn open(&mut self, attribute: &str) -> rusqlite::Result<Option<Known>> {
        let Some(code) = attributes::known(self.rows, attribute)? else { return Ok(None) };
        let select = "SELECT value, personal FROM devices_history WHERE device = ?1 AND attribute = ?2
            ORDER BY position DESC LIMIT 1";
        let known = |row: &rusqlite::Row<'_>| Ok(Known { value: row.get(0)?, is_personal: row.get(1)? });
        self.rows.prepare_cached(select)?.query_row((self.n()?, code), known).optional()
    }

    fn open_value(&mut self, attribute: &str) -> rusqlite::Result<Option<Value>> {
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

/// Columns whose earlier values are found by `devices_former`.
const FORMER: &[&str] = &["phase", "archived", "person", "ownership", "kind", "product_name"];

/// Values that most devices have for a while. A search for the past finds them without an index.
const COMMON: [State; 2] = [State::Installing, State::Enrolled];

// Keeps a value that a device no longer has.
fn former(rows: &Connection, n: i64, attribute: &str, code: i64, value: &Value) -> rusqlite::Result<()> {
    let is_common = COMMON.iter().any(|state| *value == Value::from(state.as_str().to_owned()));
    let is_rare = !is_common && !matches!(value, Value::Null | Value::Integer(0));
    if !FORMER.contains(&attribute) || !is_rare {
        return Ok(());
    }
    let insert = "INSERT INTO devices_former (attribute, value, device) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    rows.prepare_cached(insert)?.execute(params![code, value, n]).map(drop)
}

fn readable(value: &serde_json::Value) -> Value {
    Value::Text(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
