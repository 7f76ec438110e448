//! The version of a device's system, and the kind of its enrollment.

use serde::Deserialize;
use std::fmt;

/// Apple's kinds of enrollment that an iPhone or iPad can start from a browser or from Settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrollmentKind {
    /// A personal device.
    UserEnrollment,
    /// A device of the organization.
    DeviceEnrollment,
}

/// A version of iOS or iPadOS: major, minor and patch, compared in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct OsVersion(pub [u16; 3]);

impl OsVersion {
    pub const fn new(major: u16, minor: u16) -> OsVersion {
        OsVersion([major, minor, 0])
    }

    /// Parses `17`, `17.5` or `17.5.1`; `None` for anything else.
    pub fn parse(text: &str) -> Option<OsVersion> {
        // Rust's parser of integers accepts a sign.
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?;
        let given = text.split('.').map(number).collect::<Option<Vec<u16>>>()?;
        let mut parts = [0; 3];
        parts.get_mut(..given.len())?.copy_from_slice(&given);
        Some(OsVersion(parts))
    }
}

impl fmt::Display for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}")?;
        if patch > 0 { write!(f, ".{patch}") } else { Ok(()) }
    }
}

impl TryFrom<String> for OsVersion {
    type Error = String;

    fn try_from(text: String) -> Result<OsVersion, String> {
        OsVersion::parse(&text).ok_or_else(|| format!("{text:?} is not a version such as 17.5"))
    }
}
