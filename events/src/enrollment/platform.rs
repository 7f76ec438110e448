//! The device family and OS version, as reported by the browser or the device.

use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceFamily {
    #[serde(rename = "iphone")]
    IPhone,
    #[serde(rename = "ipad")]
    IPad,
}

impl DeviceFamily {
    pub const ALL: [DeviceFamily; 2] = [DeviceFamily::IPhone, DeviceFamily::IPad];

    /// Returns the word that events, settings and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            DeviceFamily::IPhone => "iphone",
            DeviceFamily::IPad => "ipad",
        }
    }

    /// Returns Apple's name, with which the model identifiers of the family begin.
    pub fn name(self) -> &'static str {
        match self {
            DeviceFamily::IPhone => "iPhone",
            DeviceFamily::IPad => "iPad",
        }
    }
}

/// A version of iOS or iPadOS, compared part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OsVersion {
    pub major: u16,
    pub minor: u16,
    pub patch: u16,
}

impl OsVersion {
    pub const fn new(major: u16, minor: u16) -> OsVersion {
        OsVersion { major, minor, patch: 0 }
    }

    /// Parses `17`, `17.5` or `17.5.1`; `None` for any other text, such as `+17`.
    pub fn parse(text: &str) -> Option<OsVersion> {
        let mut parts = [0u16; 3];
        let mut given = 0;
        for part in text.split('.') {
            // Rust's parser of integers accepts a sign.
            *parts.get_mut(given)? = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
            given += 1;
        }
        (given > 0).then_some(OsVersion { major: parts[0], minor: parts[1], patch: parts[2] })
    }
}

impl fmt::Display for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 { write!(f, ".{}", self.patch) } else { Ok(()) }
    }
}

impl From<OsVersion> for String {
    fn from(version: OsVersion) -> String {
        version.to_string()
    }
}

impl TryFrom<String> for OsVersion {
    type Error = String;

    fn try_from(text: String) -> Result<OsVersion, String> {
        OsVersion::parse(&text).ok_or_else(|| format!("{text:?} is not a version such as 17.5"))
    }
}

/// The device as its browser describes itself. This is a claim: the device reports its actual family and version in
/// `Authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    pub family: DeviceFamily,
    /// `None` if the browser did not report it.
    pub version: Option<OsVersion>,
}
