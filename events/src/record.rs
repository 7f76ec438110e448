//! Events of previous records, stream `record-<id>`, and of their imports, stream `import-<id>`. A previous record is a
//! device as another product knew it, or an earlier enrollment of this installation: then the stream has only the
//! events of its links.

mod link;
#[cfg(test)]
mod tests;

pub use crate::ids::{ImportId, RecordId};
pub use link::{LinkBand, LinkEvidence, LinkProof, PreviousAnswer, Silence, Weighed};

use crate::Timestamp;
use crate::ids::{DeviceId, PersonId};
use crate::mail::MailFailure;
use crate::migration::MigrationException;
use crate::personal::Personal;
use serde::{Deserialize, Serialize};

/// How the device was enrolled with the other product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviousKind {
    /// Jamf Pro's profile for personal devices, older than User Enrollment: a Device Enrollment with fewer rights.
    PersonalDeviceProfile,
    UserEnrollment,
    DeviceEnrollment,
    Unknown,
}

impl PreviousKind {
    pub const ALL: [PreviousKind; 4] = [
        PreviousKind::PersonalDeviceProfile,
        PreviousKind::UserEnrollment,
        PreviousKind::DeviceEnrollment,
        PreviousKind::Unknown,
    ];

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            PreviousKind::PersonalDeviceProfile => "personal_device_profile",
            PreviousKind::UserEnrollment => "user_enrollment",
            PreviousKind::DeviceEnrollment => "device_enrollment",
            PreviousKind::Unknown => "unknown",
        }
    }

    /// Parses the word of [`PreviousKind::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<PreviousKind> {
        PreviousKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Returns the name in plain English.
    pub fn name(self) -> &'static str {
        match self {
            PreviousKind::PersonalDeviceProfile => "Personal Device Profile",
            PreviousKind::UserEnrollment => "User Enrollment",
            PreviousKind::DeviceEnrollment => "Device Enrollment",
            PreviousKind::Unknown => "unknown",
        }
    }
}

/// What the source said about a device. An absent value was not given, or could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordDetails {
    pub kind: PreviousKind,
    /// Model identifier such as `iPhone12,1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_name: Option<String>,
    /// Marketing name such as `iPhone 11`, as the source wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// Such as `15.7.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled_at: Option<Timestamp>,
    /// `PayloadIdentifier` of the old enrollment profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_identifier: Option<String>,
    /// Site, building or department of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Sealed with the record's key, and with the owner's as soon as they are known: one value, because each sealed
    /// value takes about 100 bytes more.
    pub personal: Personal<PersonalDetails>,
}

/// Details that identify a device or a person. They are sealed together, so no upcast can change them: a later field
/// needs a default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalDetails {
    /// The source's own id of the record.
    pub source_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub udid: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imeis: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wifi_mac: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bluetooth_mac: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
}

/// An attribute of a person by which a record's owner is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerAttribute {
    UserName,
    UserPrincipalName,
    Mail,
    EmployeeNumber,
}

impl OwnerAttribute {
    pub const ALL: [OwnerAttribute; 4] = [
        OwnerAttribute::UserName,
        OwnerAttribute::UserPrincipalName,
        OwnerAttribute::Mail,
        OwnerAttribute::EmployeeNumber,
    ];

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            OwnerAttribute::UserName => "user_name",
            OwnerAttribute::UserPrincipalName => "user_principal_name",
            OwnerAttribute::Mail => "mail",
            OwnerAttribute::EmployeeNumber => "employee_number",
        }
    }

    /// Parses the word of [`OwnerAttribute::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<OwnerAttribute> {
        OwnerAttribute::ALL.into_iter().find(|attribute| attribute.as_str() == word)
    }
}

/// A value of the record that equals an attribute of its owner at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnerKey {
    /// `local`, or the name of a directory or identity provider in the configuration.
    pub provider: String,
    pub attribute: OwnerAttribute,
    /// HMAC of provider, attribute and folded value: 32 lower-case hex digits.
    pub hmac: String,
}

/// A value by which a record names somebody, whatever provider knows them: 16 lower-case hex digits of the HMAC of the
/// folded value. It never decides who owns a record. The record is erased with each person who has one of its values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameKey(pub String);

/// What is known about the owner of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RecordOwner {
    /// Exactly one person has the values of the record.
    Unique { person: PersonId },
    /// Exactly one account has them, and nobody has signed in with it. It becomes a person at the first sign-in.
    Account {},
    /// Nobody has them.
    Unknown {},
    /// Several people have them.
    Several {},
    /// The account of the only person who has them is disabled.
    Left {},
}

impl RecordOwner {
    /// Returns the person, if there is exactly one.
    pub fn person(self) -> Option<PersonId> {
        match self {
            RecordOwner::Unique { person } => Some(person),
            RecordOwner::Account {} | RecordOwner::Unknown {} | RecordOwner::Several {} | RecordOwner::Left {} => None,
        }
    }

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordOwner::Unique { .. } => "unique",
            RecordOwner::Account {} => "account",
            RecordOwner::Unknown {} => "unknown",
            RecordOwner::Several {} => "several",
            RecordOwner::Left {} => "left",
        }
    }
}

/// A field of a record, as changes name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordField {
    Kind,
    SerialNumber,
    Udid,
    Imei,
    Meid,
    WifiMac,
    BluetoothMac,
    ProductName,
    ModelName,
    OsVersion,
    DeviceName,
    UserName,
    Mail,
    FullName,
    EmployeeNumber,
    LastContact,
    EnrolledAt,
    ProfileIdentifier,
    Site,
    AssetTag,
}

impl RecordField {
    /// Returns whether a rule can find the owner by this field.
    pub fn identifies_owner(self) -> bool {
        matches!(self, RecordField::UserName | RecordField::Mail | RecordField::EmployeeNumber)
    }
}

/// Returns whether a [`RecordEvent::PreviousRecordChanged`] replaces the keys of the record. An import without owner
/// rules has no keys: those of before stay, unless they may be about another owner.
pub fn replaces_keys(changed: &[RecordField], owner_keys: &[OwnerKey]) -> bool {
    !owner_keys.is_empty() || changed.iter().any(|field| field.identifies_owner())
}

/// A record as it was before an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredRecord {
    /// The import that had given these details.
    pub import: ImportId,
    pub details: RecordDetails,
    /// Those of these values.
    pub owner_keys: Vec<OwnerKey>,
    /// Those of earlier values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_keys: Vec<OwnerKey>,
    /// Those of these values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameKey>,
    /// `None`: not resolved, or the import had other keys.
    pub owner: Option<RecordOwner>,
    /// The complete import that had not had the record.
    pub missing_since: Option<ImportId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordEvent {
    /// The first import that had this record.
    PreviousRecordImported {
        import: ImportId,
        /// Name of the source: a product, or an installation of it.
        source: String,
        details: Box<RecordDetails>,
        owner_keys: Vec<OwnerKey>,
        /// Those of all values that name the owner, with and without an owner rule.
        names: Vec<NameKey>,
        /// What was found out about the owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<RecordOwner>,
    },
    /// A later import had other values: `details` has all of them, `changed` says which are new. Other keys than
    /// before make the owner unresolved. Without keys, those of before stay if the fields that identify the owner are
    /// as before.
    PreviousRecordChanged {
        import: ImportId,
        changed: Vec<RecordField>,
        details: Box<RecordDetails>,
        owner_keys: Vec<OwnerKey>,
        /// As in `PreviousRecordImported`.
        names: Vec<NameKey>,
    },
    /// A later complete export of the source did not have the record.
    PreviousRecordMissing {
        import: ImportId,
    },
    /// The source has the record again, unchanged.
    PreviousRecordReturned {
        import: ImportId,
    },
    /// What this import did to the record was undone. `restored`: the record before the import; `None` if that import
    /// was its first.
    PreviousRecordImportUndone {
        import: ImportId,
        restored: Option<Box<RestoredRecord>>,
    },
    /// Who owns the record, by the owner's attributes at their provider.
    PreviousRecordOwnerResolved {
        owner: RecordOwner,
    },
    /// How probable it is that `successor` is the device of this record, enrolled again. A later proposal for the same
    /// successor replaces this one; the band `none` withdraws it.
    LinkProposed {
        successor: DeviceId,
        evidence: Vec<Weighed>,
        /// Sum of the points.
        score: i32,
        band: LinkBand,
        proof: LinkProof,
    },
    /// The timer asked whether the old management was heard from after the successor enrolled.
    SilenceAsked {
        successor: DeviceId,
        silence: Silence,
    },
    /// The record and its successor are one device, or the successor took the record's place.
    LinkConfirmed {
        successor: DeviceId,
        proof: LinkProof,
    },
    /// They are not. No further link of the two is proposed.
    LinkRejected {
        successor: DeviceId,
    },
    /// The confirmation or rejection was undone: the proposal is open again.
    LinkUndone {
        successor: DeviceId,
    },
    /// The device need not be enrolled again.
    MigrationExceptionMade {
        why: MigrationException,
    },
    MigrationExceptionEnded {},
    /// A note of staff about the record.
    RecordNoteAdded {
        note: Personal<String>,
    },
    /// The owner was told by mail that the record was retired, or could not be told (`failed`).
    RetirementNotified {
        successor: DeviceId,
        failed: Option<MailFailure>,
    },
    /// The key of the record was destroyed some time after its migration was closed: the owner never enrolled.
    PreviousRecordShredded {},
}

/// Numbers of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Records of the source that the file did not have.
    pub missing: u64,
    /// Rows that were set aside.
    pub bad: u64,
    /// Rows of records whose owner was erased: they are not imported again.
    pub erased: u64,
}

/// What was found out about the owners of the rows of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerCounts {
    /// Exactly one person.
    pub unique: u64,
    /// Exactly one account, with which nobody has signed in yet.
    pub account: u64,
    /// Nobody has the values of the row, or the row has none.
    pub none: u64,
    pub several: u64,
    /// The account is disabled.
    pub left: u64,
    /// A directory did not answer, or the provider cannot be asked: resolved when the person signs in, or by a later
    /// import.
    pub unresolved: u64,
}

/// An import of previous records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImportEvent {
    ImportBegun {
        source: String,
        /// Name of the preset that the columns were read with; `None` for a mapping of one's own.
        preset: Option<String>,
        /// The file has all records of the source: records that it lacks count as missing.
        is_complete: bool,
    },
    ImportFinished {
        /// SHA-256 of the file, lower-case hex.
        file: String,
        counts: ImportCounts,
        /// `None`: the mapping had no owner rule.
        owners: Option<OwnerCounts>,
        /// The newest last contact of all rows: the export was made then or later. `None`: no row has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        newest_contact: Option<Timestamp>,
    },
    /// Its effects on the records are being undone.
    ImportUndone {},
    /// The questions about silence that it changed were answered anew, up to this link. There may be more.
    ImportQuestionsAnswered { up_to: RecordId, successor: DeviceId },
}
