//! Requirements that a device must meet to enroll.

use crate::enrollment::{OsVersion, Ownership};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Limits on devices. An omitted limit does not apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Permitted versions of iOS and iPadOS, by ownership.
    pub versions: BTreeMap<Ownership, VersionRange>,
    /// Prefixes of the models that may enroll, as reported by devices: `iPhone`, `iPad13,`. Empty: any.
    pub models: BTreeSet<String>,
}

/// Range of versions, both ends included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VersionRange {
    pub minimum: Option<OsVersion>,
    /// `17` includes every 17.x.
    pub maximum: Option<OsVersion>,
}
