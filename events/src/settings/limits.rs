//! What a device must be to enroll.

use crate::enrollment::{OsVersion, Ownership};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Limits on devices. What is left out is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Versions of iOS and iPadOS, by whose device it is.
    pub versions: BTreeMap<Ownership, VersionRange>,
    /// Beginnings of the models that may enroll, as devices call themselves: `iPhone`, `iPad13,`. Empty: any.
    pub models: BTreeSet<String>,
}

/// From the first to the last version, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VersionRange {
    pub minimum: Option<OsVersion>,
    /// `17` means every 17.x.
    pub maximum: Option<OsVersion>,
}
