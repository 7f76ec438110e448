//! Events of local accounts, of the staff who work with the console, and of what they viewed.

mod account;
mod factors;
#[cfg(test)]
mod tests;

pub use account::StaffEvent;
pub use factors::{FactorRefusal, PasskeyId, Purpose, SecondFactor};

use crate::device::DeviceId;
use crate::enrollment::EnrollmentId;
use crate::ids::{InvitationId, PersonId, RecordId, WaveId};
use crate::{KeyName, StreamName};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Id of a holder of a local account, or of a console user from a directory or identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StaffId(pub Uuid);

impl StaffId {
    pub fn stream(self) -> StreamName {
        StreamName::of("staff", self.0)
    }

    pub fn key(self) -> KeyName {
        KeyName::of("staff", self.0)
    }

    /// Returns the stream that records what this person viewed on `day`, a UTC day such as `20261123`.
    pub fn activity_stream(self, day: &str) -> StreamName {
        StreamName::of("access", format!("{}-{day}", self.0))
    }
}

impl fmt::Display for StaffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Privileges of a local account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// User-initiated enrollment: may enroll a device at the portal.
    Enroll,
    /// May enroll a device at the portal for another person, who must be in a directory.
    EnrollForOthers,
    /// Views the inventory and sends commands.
    Administrator,
    /// Queries the audit trail; read-only.
    Auditor,
    /// Views the progress of people and the enrollments of one person; cannot export.
    HelpDesk,
    /// A program that reads the inventory and the audit trail.
    ApiClient,
}

/// Stream `username-<HMAC(name)>`: reserves the name of a local account, or maps an account of a directory or identity
/// provider to a console user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserNameEvent {
    UserNameReserved { account: StaffId },
}

/// File format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    Jsonl,
}

/// Why an API client was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiRefusal {
    /// The token is wrong or was replaced.
    WrongToken,
    AccountDisabled,
    /// The account no longer has the privilege.
    NotEntitled,
}

/// Data that the API serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiResource {
    Devices,
    Audit,
    /// Previous records.
    Records,
    /// Imports of previous records.
    Imports,
    /// Links between earlier records and later enrollments.
    Links,
}

impl ApiResource {
    pub const ALL: [ApiResource; 5] =
        [ApiResource::Devices, ApiResource::Audit, ApiResource::Records, ApiResource::Imports, ApiResource::Links];
}

/// Stream `access-<staff>-<day>`: records what was viewed, and what was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StaffActivityEvent {
    DeviceListViewed {},
    DeviceViewed {
        device: DeviceId,
    },
    AuditTrailViewed {
        /// Names of the filters in use; the values may be personal, so they are not stored.
        filters: Vec<String>,
    },
    /// The funnel of enrollments.
    FunnelViewed {
        /// Names of the filters in use.
        filters: Vec<String>,
    },
    /// The list of enrollments, with any filters.
    VisitListViewed {
        /// Names of the filters in use.
        filters: Vec<String>,
    },
    /// One enrollment, with its person and its events.
    VisitViewed {
        enrollment: EnrollmentId,
    },
    SettingsViewed {},
    /// An export of this number of events was started. `filters`: `name=value`, or only the name if the value is
    /// personal.
    AuditTrailExported {
        filters: Vec<String>,
        format: ExportFormat,
        rows: u64,
    },
    /// An export of this number of inventory records was started; `filters` as in `AuditTrailExported`.
    InventoryExported {
        filters: Vec<String>,
        format: ExportFormat,
        rows: u64,
    },
    /// An API client began to read this resource, recorded once per hour; `filters` as in `AuditTrailExported`.
    ApiRead {
        resource: ApiResource,
        filters: Vec<String>,
    },
    StaffListViewed {},
    StaffViewed {
        staff: StaffId,
    },
    PreviousRecordListViewed {},
    PreviousRecordViewed {
        record: RecordId,
    },
    /// The list of imports of previous records.
    ImportListViewed {},
    /// The links between earlier records and later enrollments.
    LinkListViewed {},
    /// The devices, records and links of a person over time.
    PersonViewed {
        person: PersonId,
    },
    /// An export of this number of devices, records and links of a person was started; `filters` as in
    /// `AuditTrailExported`.
    LineageExported {
        filters: Vec<String>,
        format: ExportFormat,
        rows: u64,
    },
    /// An export of this number of previous records was started; `filters` as in `AuditTrailExported`.
    PreviousRecordsExported {
        filters: Vec<String>,
        format: ExportFormat,
        rows: u64,
    },
    /// The migration board; `filters` as in `AuditTrailViewed`.
    MigrationBoardViewed {
        filters: Vec<String>,
    },
    /// An export of this number of records of the migration board was started; `filters` as in `AuditTrailExported`.
    MigrationBoardExported {
        filters: Vec<String>,
        format: ExportFormat,
        rows: u64,
    },
    /// The list of invitations and waves.
    InvitationListViewed {},
    /// An invitation, with its link and code if it is still open.
    InvitationViewed {
        invitation: InvitationId,
    },
    /// An export of this number of invitations with their links was started, or a page with their QR codes was shown.
    InvitationsExported {
        wave: WaveId,
        format: ExportFormat,
        rows: u64,
    },
    /// A staff member with the required role attempted this action, and it was not possible.
    ActRefused {
        /// The verb in the address of a command, such as `erase`; for other pages the permission in words, such as
        /// `see the inventory`.
        act: String,
        device: Option<DeviceId>,
    },
    /// A staff member without the required role attempted this action.
    AccessRefused {
        /// As in `ActRefused`.
        act: String,
        device: Option<DeviceId>,
    },
}
