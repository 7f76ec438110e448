//! Local accounts, the people who work with the console, and what they looked at.

mod account;
mod factors;

pub use account::StaffEvent;
pub use factors::{FactorRefusal, PasskeyId, Purpose, SecondFactor};

use crate::device::DeviceId;
use crate::enrollment::EnrollmentId;
use crate::{KeyName, StreamName};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Somebody with a local account of ours, or who works at the console with an account of a directory or identity provider.
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

    /// Who viewed what, a stream a person and day.
    pub fn access_stream(self, day: &str) -> StreamName {
        StreamName::of("access", format!("{}-{day}", self.0))
    }
}

impl fmt::Display for StaffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a local account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// User-initiated enrollment: may enroll a device at the portal.
    Enroll,
    /// May enroll a device at the portal for somebody else, who is in a directory.
    EnrollForOthers,
    /// Looks at the inventory and acts on it.
    Administrator,
    /// Queries the history; reads only.
    Auditor,
    /// Sees how far people get and one person's visits; exports nothing.
    HelpDesk,
    /// A program that reads the inventory and the audit trail.
    ApiClient,
}

/// Stream `username-<HMAC(name)>`: reserves a local account's name, or leads from an account of a directory or identity
/// provider to who works at the console with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum UserNameEvent {
    UserNameReserved { account: StaffId },
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Csv,
    Jsonl,
}

/// Why a program was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiRefusal {
    /// Another token, or one that was replaced.
    WrongToken,
    AccountDisabled,
    /// The account does not have the privilege any more.
    NotEntitled,
}

/// What the API hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiResource {
    Devices,
    Audit,
}

/// Stream `access-<staff>-<day>`: reading is recorded too, and what was not permitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum AccessEvent {
    DeviceListViewed {},
    DeviceViewed {
        device: DeviceId,
    },
    AuditTrailViewed {
        /// The filters in use, without their values where these are personal.
        filters: Vec<String>,
    },
    /// How far people get on their way through the portal; `filters` as below.
    FunnelViewed {
        filters: Vec<String>,
    },
    /// Visits to the portal, looked for by whatever.
    VisitListViewed {
        filters: Vec<String>,
    },
    /// One visit, with whose it is and what was said on it.
    VisitViewed {
        enrollment: EnrollmentId,
    },
    SettingsViewed {},
    /// So many events were about to be handed out. `filters`: `name=value`, the name alone where the value is personal.
    AuditTrailExported {
        filters: Vec<String>,
        format: ExportFormat,
        rows: u64,
    },
    /// So many records of the inventory were about to be handed out; `filters` likewise.
    InventoryExported {
        filters: Vec<String>,
        format: ExportFormat,
        rows: u64,
    },
    /// A program began to read this by the API, in this hour; `filters` likewise.
    ApiRead {
        resource: ApiResource,
        filters: Vec<String>,
    },
    StaffListViewed {},
    StaffViewed {
        staff: StaffId,
    },
    /// Somebody with the role for it wanted to do this, and it was not possible.
    ActRefused {
        act: String,
        device: Option<DeviceId>,
    },
    /// Somebody without the role for it wanted to do this.
    AccessRefused {
        act: String,
        device: Option<DeviceId>,
    },
}
