//! The facts that Muster queries from devices, and which kind of enrollment and version permits each.
//!
//! The queries follow mdm/commands/information.device.yaml and information.security.yaml. `BatteryLevel` and
//! `AvailableDeviceCapacity` are not queried: they change all the time and have no lasting value.

use events::enrollment::{EnrollmentKind, OsVersion};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Permitted with both kinds of enrollment.
    Both,
    /// Not permitted with User Enrollment.
    DeviceEnrollmentOnly,
}

pub(crate) struct Query {
    pub name: &'static str,
    who: Who,
    /// The value can identify the person: it is sealed under the person's key.
    pub personal: bool,
    /// First version that supports the query.
    since: OsVersion,
    /// First version that no longer supports the query.
    until: Option<OsVersion>,
}

const fn query(name: &'static str, who: Who, personal: bool) -> Query {
    Query { name, who, personal, since: OsVersion::new(0, 0), until: None }
}

const fn since(query: Query, since: OsVersion) -> Query {
    Query { since, ..query }
}

/// Ends a query at iOS 26, which supports only `ServiceSubscriptions` of the queries about the carrier.
const fn until_26(query: Query) -> Query {
    Query { until: Some(OsVersion::new(26, 0)), ..query }
}

/// Queries of `DeviceInformation` that Muster sends.
pub(crate) const QUERIES: &[Query] = &[
    query("DeviceName", Who::Both, true),
    query("OSVersion", Who::Both, false),
    query("BuildVersion", Who::Both, false),
    since(query("SupplementalOSVersionExtra", Who::Both, false), OsVersion::new(16, 1)),
    since(query("SupplementalBuildVersion", Who::Both, false), OsVersion::new(16, 1)),
    query("ModelName", Who::Both, false),
    query("Model", Who::Both, false),
    since(query("ModelNumber", Who::Both, false), OsVersion::new(16, 4)),
    query("ProductName", Who::Both, false),
    query("DeviceCapacity", Who::Both, false),
    query("IsSupervised", Who::Both, false),
    query("UDID", Who::DeviceEnrollmentOnly, true),
    query("SerialNumber", Who::DeviceEnrollmentOnly, true),
    until_26(query("IMEI", Who::DeviceEnrollmentOnly, true)),
    until_26(query("MEID", Who::DeviceEnrollmentOnly, true)),
    until_26(query("PhoneNumber", Who::DeviceEnrollmentOnly, true)),
    query("WiFiMAC", Who::DeviceEnrollmentOnly, true),
    query("BluetoothMAC", Who::DeviceEnrollmentOnly, true),
    query("IsCloudBackupEnabled", Who::DeviceEnrollmentOnly, false),
    query("IsActivationLockEnabled", Who::DeviceEnrollmentOnly, false),
];

/// Values of `SecurityInfo` that Muster keeps. A dot separates the keys of nested dictionaries.
pub(crate) const SECURITY: &[Query] = &[
    query("HardwareEncryptionCaps", Who::Both, false),
    query("PasscodeCompliant", Who::Both, false),
    query("ManagementStatus.IsUserEnrollment", Who::Both, false),
    query("PasscodePresent", Who::DeviceEnrollmentOnly, false),
    query("PasscodeCompliantWithProfiles", Who::DeviceEnrollmentOnly, false),
];

/// Whether a device with this kind of enrollment and version may be queried for the value.
pub(crate) fn permitted(query: &Query, kind: EnrollmentKind, version: Option<OsVersion>) -> bool {
    // An unknown version counts as a new one: devices ignore queries that they do not support.
    let known = version.is_none_or(|version| version >= query.since && query.until.is_none_or(|until| version < until));
    known && (query.who == Who::Both || kind == EnrollmentKind::DeviceEnrollment)
}

/// Returns the queries of `DeviceInformation` for a device with this kind of enrollment and version.
pub(crate) fn queries(kind: EnrollmentKind, version: Option<OsVersion>) -> Vec<&'static str> {
    QUERIES.iter().filter(|query| permitted(query, kind, version)).map(|query| query.name).collect()
}
