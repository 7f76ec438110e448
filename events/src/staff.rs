//! Local accounts, the people who work with the console, and what they looked at.

use crate::device::DeviceId;
use crate::enrollment::{SignInMethodName, SignInRefusal};
use crate::personal::Personal;
use crate::{KeyName, StreamName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use uuid::Uuid;

/// A local account of ours.
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

/// Stream `staff-<id>`.
#[expect(clippy::large_enum_variant, reason = "events are few at a time and read by name; a box would be in the way")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum StaffEvent {
    LocalAccountAdded {
        user_name: Personal<String>,
        /// argon2id, PHC string.
        password: Personal<String>,
        privileges: BTreeSet<Privilege>,
        display_name: Option<Personal<String>>,
        mail: Option<Personal<String>>,
        managed_apple_id: Option<Personal<String>>,
    },
    LocalAccountDisabled {},
    LocalAccountEnabled {},
    PasswordChanged {
        password: Personal<String>,
    },
    PrivilegesChanged {
        before: BTreeSet<Privilege>,
        after: BTreeSet<Privilege>,
    },
    StaffSignedIn {
        method: SignInMethodName,
    },
    StaffSignInRefused {
        method: SignInMethodName,
        reason: SignInRefusal,
    },
    StaffSignedOut {},
}

/// Stream `username-<HMAC(name)>`: reserves a local account's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum UserNameEvent {
    UserNameReserved { account: StaffId },
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
    /// Somebody without the role for it wanted to do this.
    AccessRefused {
        act: String,
        device: Option<DeviceId>,
    },
}
