//! The fields of a record that a column can contain.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A field of a record. Its name in a mapping is the name of the variant in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    SourceId,
    Kind,
    SerialNumber,
    Udid,
    Imei,
    Meid,
    WifiMac,
    BluetoothMac,
    /// Apple's model identifier, such as `iPhone14,5`.
    ProductName,
    /// Marketing name, such as `iPhone 13`.
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

impl Field {
    pub const ALL: [Field; 21] = [
        Field::SourceId,
        Field::Kind,
        Field::SerialNumber,
        Field::Udid,
        Field::Imei,
        Field::Meid,
        Field::WifiMac,
        Field::BluetoothMac,
        Field::ProductName,
        Field::ModelName,
        Field::OsVersion,
        Field::DeviceName,
        Field::UserName,
        Field::Mail,
        Field::FullName,
        Field::EmployeeNumber,
        Field::LastContact,
        Field::EnrolledAt,
        Field::ProfileIdentifier,
        Field::Site,
        Field::AssetTag,
    ];

    /// Returns the name of the field in a mapping.
    pub fn name(self) -> &'static str {
        match self {
            Field::SourceId => "source_id",
            Field::Kind => "kind",
            Field::SerialNumber => "serial_number",
            Field::Udid => "udid",
            Field::Imei => "imei",
            Field::Meid => "meid",
            Field::WifiMac => "wifi_mac",
            Field::BluetoothMac => "bluetooth_mac",
            Field::ProductName => "product_name",
            Field::ModelName => "model_name",
            Field::OsVersion => "os_version",
            Field::DeviceName => "device_name",
            Field::UserName => "user_name",
            Field::Mail => "mail",
            Field::FullName => "full_name",
            Field::EmployeeNumber => "employee_number",
            Field::LastContact => "last_contact",
            Field::EnrolledAt => "enrolled_at",
            Field::ProfileIdentifier => "profile_identifier",
            Field::Site => "site",
            Field::AssetTag => "asset_tag",
        }
    }

    /// Returns whether each device has its own value, so that a constant for all rows makes no sense.
    pub(crate) fn is_of_one_device(self) -> bool {
        match self {
            Field::SourceId
            | Field::SerialNumber
            | Field::Udid
            | Field::Imei
            | Field::Meid
            | Field::WifiMac
            | Field::BluetoothMac => true,
            Field::Kind
            | Field::ProductName
            | Field::ModelName
            | Field::OsVersion
            | Field::DeviceName
            | Field::UserName
            | Field::Mail
            | Field::FullName
            | Field::EmployeeNumber
            | Field::LastContact
            | Field::EnrolledAt
            | Field::ProfileIdentifier
            | Field::Site
            | Field::AssetTag => false,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn a_field_has_one_name_in_mappings_and_messages() {
        for (at, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_string(&field).unwrap(), format!("\"{field}\""));
            assert_eq!(field as usize, at, "ALL has every field, in the order of the enum");
        }
    }
}
