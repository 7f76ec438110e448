//! The columns of the exports of other products. The comment on each table names its source.

use super::Fallback;
use crate::field::Field;
use crate::record::Kind;
use serde::Deserialize;
use std::collections::BTreeSet;

/// A product whose export can be read without an own mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    JamfPro,
    Intune,
    Fleet,
    Mosyle,
}

/// The columns of a product's export.
pub(super) struct Table {
    pub(super) product: &'static str,
    /// The product is recognized if the file has one column of each group.
    marks: &'static [&'static [&'static str]],
    /// The alternative columns of each field, the best first.
    pub(super) columns: &'static [(Field, &'static [&'static str])],
    /// Values of the column for the kind of enrollment.
    pub(super) kinds: &'static [(&'static str, Kind)],
    pub(super) fallback: &'static [Fallback],
    /// What to do if the export has no id; with a blank at the end.
    pub(super) hint: &'static str,
}

impl Preset {
    pub const ALL: [Preset; 4] = [Preset::JamfPro, Preset::Intune, Preset::Fleet, Preset::Mosyle];

    /// Returns the name of the preset in a mapping.
    pub fn name(self) -> &'static str {
        match self {
            Preset::JamfPro => "jamf-pro",
            Preset::Intune => "intune",
            Preset::Fleet => "fleet",
            Preset::Mosyle => "mosyle",
        }
    }

    /// Returns the name of the product, which is the source if the mapping names none.
    pub fn product(self) -> &'static str {
        self.table().product
    }

    /// Returns the fields with the names of their columns, the best first.
    pub fn columns(self) -> &'static [(Field, &'static [&'static str])] {
        self.table().columns
    }

    /// Returns the columns by which the product is recognized: one of each group.
    pub fn marks(self) -> &'static [&'static [&'static str]] {
        self.table().marks
    }

    /// Returns the values that are translated to kinds of enrollment.
    pub fn kinds(self) -> &'static [(&'static str, Kind)] {
        self.table().kinds
    }

    pub(super) fn table(self) -> &'static Table {
        match self {
            Preset::JamfPro => &JAMF_PRO,
            Preset::Intune => &INTUNE,
            Preset::Fleet => &FLEET,
            Preset::Mosyle => &MOSYLE,
        }
    }

    /// Returns whether a file with these columns (folded names) is an export of the product.
    pub(super) fn fits(self, columns: &BTreeSet<String>) -> bool {
        let has = |name: &&str| columns.contains(&names::folded(name));
        self.table().marks.iter().all(|group| group.iter().any(has))
    }
}

/// Export of an advanced mobile device search. The columns are the display fields of Jamf Pro's API
/// (`advanced-mobile-device-searches`, display fields), which are the header of an export of Jamf Pro 11.28. `iOS
/// Version` is in lists of older versions. `Site` and `Jamf Pro Mobile Device ID` are the labels of the console; no
/// public export was found that has them.
///
/// The kinds are the values of `Device Ownership Type` as criteria of groups, and those in the schema of the API
/// (`deviceOwnershipType` of `MobileDeviceGeneral`). The texts with `Personal Device Profile` in words follow the other
/// criteria; only `PersonalDeviceProfile` was found in public.
static JAMF_PRO: Table = Table {
    product: "Jamf Pro",
    marks: &[&["JSS Mobile Device ID", "Jamf Pro Mobile Device ID"]],
    columns: &[
        (Field::SourceId, &["JSS Mobile Device ID", "Jamf Pro Mobile Device ID"]),
        (Field::Kind, &["Device Ownership Type"]),
        (Field::SerialNumber, &["Serial Number"]),
        (Field::Udid, &["UDID"]),
        (Field::Imei, &["IMEI", "IMEI2"]),
        (Field::Meid, &["MEID"]),
        (Field::WifiMac, &["Wi-Fi MAC Address"]),
        (Field::BluetoothMac, &["Bluetooth MAC Address"]),
        (Field::ProductName, &["Model Identifier"]),
        (Field::ModelName, &["Model"]),
        (Field::OsVersion, &["OS Version", "iOS Version"]),
        (Field::DeviceName, &["Display Name", "Device Name"]),
        (Field::UserName, &["Username"]),
        (Field::Mail, &["Email Address"]),
        (Field::FullName, &["Full Name"]),
        (Field::LastContact, &["Last Inventory Update"]),
        (Field::EnrolledAt, &["Last Enrollment"]),
        (Field::Site, &["Site"]),
        (Field::AssetTag, &["Asset Tag"]),
    ],
    kinds: &[
        ("PersonalDeviceProfile", Kind::PersonalDeviceProfile),
        ("Personal (Personal Device Profile)", Kind::PersonalDeviceProfile),
        ("Personal Device Profile", Kind::PersonalDeviceProfile),
        ("UserEnrollment", Kind::UserEnrollment),
        ("Personal (User Enrollment)", Kind::UserEnrollment),
        ("AccountDrivenUserEnrollment", Kind::UserEnrollment),
        ("Personal (Account-Driven User Enrollment)", Kind::UserEnrollment),
        ("Institutional", Kind::DeviceEnrollment),
        ("AccountDrivenDeviceEnrollment", Kind::DeviceEnrollment),
        ("Institutional (Account-Driven Device Enrollment)", Kind::DeviceEnrollment),
    ],
    fallback: &[],
    hint: "In Jamf Pro, select the display field \"JSS Mobile Device ID\" in the search. ",
};

/// Devices > All devices > Export: the report `DevicesWithInventory`, with the received and the requestable names of
/// its columns (Microsoft Learn, "Intune reports and properties available using Graph API"). The third names are those
/// of the resource `managedDevice` of Microsoft Graph.
///
/// The kinds are the values of `deviceEnrollmentType` of Microsoft Graph. `userEnrollment` there is Device Enrollment
/// by a user with the Company Portal.
static INTUNE: Table = Table {
    product: "Intune",
    marks: &[
        &["Device ID", "DeviceId", "id"],
        &["Primary user UPN", "UPN", "userPrincipalName"],
        &["Last check-in", "LastContact", "lastSyncDateTime"],
    ],
    columns: &[
        (Field::SourceId, &["Device ID", "DeviceId", "id"]),
        (Field::Kind, &["EnrollmentType", "deviceEnrollmentType"]),
        (Field::SerialNumber, &["Serial number", "SerialNumber"]),
        (Field::Udid, &["udid"]),
        (Field::Imei, &["IMEI"]),
        (Field::Meid, &["MEID"]),
        (Field::WifiMac, &["Wi-Fi MAC", "WifiMacAddress"]),
        (Field::ModelName, &["Model"]),
        (Field::OsVersion, &["OS version", "OSVersion"]),
        (Field::DeviceName, &["Device name", "DeviceName"]),
        (Field::UserName, &["Primary user UPN", "UPN", "userPrincipalName"]),
        (Field::Mail, &["Primary user email address", "UserEmail", "emailAddress"]),
        (Field::FullName, &["Primary user display name", "UserName", "userDisplayName"]),
        (Field::LastContact, &["Last check-in", "LastContact", "lastSyncDateTime"]),
        (Field::EnrolledAt, &["Enrollment date", "CreatedDate", "enrolledDateTime"]),
    ],
    kinds: &[
        ("appleUserEnrollment", Kind::UserEnrollment),
        ("appleUserEnrollmentWithServiceAccount", Kind::UserEnrollment),
        ("userEnrollment", Kind::DeviceEnrollment),
        ("deviceEnrollmentManager", Kind::DeviceEnrollment),
        ("appleBulkWithUser", Kind::DeviceEnrollment),
        ("appleBulkWithoutUser", Kind::DeviceEnrollment),
    ],
    fallback: &[],
    hint: "",
};

/// Hosts > Export hosts (`GET /api/v1/fleet/hosts/report`): the columns of Fleet's REST API reference and the names in
/// its source (`csv` tags in `server/fleet/hosts.go`). `display_name` is only in the JSON of `GET /hosts`.
///
/// Fleet asks iPhones for details without an agent, so that `detail_updated_at` is their last contact. The kinds are
/// values of `mdm.enrollment_status`; in CSV, its name is that of the `csv` tag.
static FLEET: Table = Table {
    product: "Fleet",
    marks: &[&["id"], &["uuid"], &["hardware_serial"], &["last_enrolled_at"]],
    columns: &[
        (Field::SourceId, &["id"]),
        (Field::Kind, &["mdm.enrollment_status"]),
        (Field::SerialNumber, &["hardware_serial"]),
        (Field::Udid, &["uuid"]),
        (Field::ProductName, &["hardware_model"]),
        (Field::OsVersion, &["os_version"]),
        (Field::DeviceName, &["computer_name", "display_name", "hostname"]),
        (Field::Mail, &["device_mapping", "device_mapping.email"]),
        (Field::LastContact, &["detail_updated_at", "seen_time"]),
        (Field::EnrolledAt, &["last_enrolled_at"]),
        (Field::Site, &["team_name"]),
    ],
    kinds: &[
        ("On (personal)", Kind::UserEnrollment),
        ("On (manual)", Kind::DeviceEnrollment),
        ("On (automatic)", Kind::DeviceEnrollment),
        ("Off", Kind::Unknown),
        ("Pending", Kind::Unknown),
    ],
    fallback: &[],
    hint: "",
};

/// The attributes of `listdevices` of Mosyle's API (its reference, "List Devices"), as JSON Lines or as CSV. The names
/// with capitals are the columns of the export in the console (Devices > Export) as far as scripts of users name them:
/// `Serial Number`, `Device Name`, `Asset Tag`.
///
/// `useremail` and `date_enroll` are not in the reference, but in the answers that programs of users read. A device has
/// no id but its UDID, which is the EnrollmentID in User Enrollment.
static MOSYLE: Table = Table {
    product: "Mosyle",
    marks: &[&["deviceudid"], &["serial_number"], &["date_last_beat", "date_info"]],
    columns: &[
        (Field::SourceId, &["deviceudid"]),
        (Field::Kind, &["enrollment_type"]),
        (Field::SerialNumber, &["serial_number", "Serial Number"]),
        (Field::Udid, &["deviceudid", "UDID"]),
        (Field::Imei, &["imei"]),
        (Field::Meid, &["meid"]),
        (Field::WifiMac, &["wifi_mac_address"]),
        (Field::BluetoothMac, &["bluetooth_mac_address"]),
        (Field::ProductName, &["device_model"]),
        (Field::ModelName, &["device_model_name", "model_name"]),
        (Field::OsVersion, &["osversion"]),
        (Field::DeviceName, &["device_name", "Device Name"]),
        (Field::UserName, &["userid"]),
        (Field::Mail, &["useremail"]),
        (Field::FullName, &["username"]),
        (Field::LastContact, &["date_last_beat", "date_info"]),
        (Field::EnrolledAt, &["date_enroll"]),
        (Field::Site, &["location"]),
        (Field::AssetTag, &["asset_tag", "Asset Tag"]),
    ],
    kinds: &[("ADE", Kind::DeviceEnrollment), ("DEP", Kind::DeviceEnrollment)],
    fallback: &[Fallback::Udid, Fallback::SerialNumber],
    hint: "",
};
