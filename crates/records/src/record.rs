//! A device record of another product, and what differs between two versions of one.

use crate::field::Field;
use crate::identifiers::{Imei, MacAddress, Meid, ProductName, SerialNumber, Udid};
use apple::OsVersion;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How the device was enrolled in the other product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Jamf's kind for personal devices before User Enrollment.
    PersonalDeviceProfile,
    UserEnrollment,
    DeviceEnrollment,
    #[default]
    Unknown,
}

impl Kind {
    /// Returns the name of the kind in a mapping.
    pub fn name(self) -> &'static str {
        match self {
            Kind::PersonalDeviceProfile => "personal-device-profile",
            Kind::UserEnrollment => "user-enrollment",
            Kind::DeviceEnrollment => "device-enrollment",
            Kind::Unknown => "unknown",
        }
    }

    /// Parses the name of a kind. Upper case, blanks and underscores instead of dashes are accepted.
    pub fn parse(text: &str) -> Option<Kind> {
        let plain = names::folded(text).replace([' ', '_'], "-");
        let kinds = [Kind::PersonalDeviceProfile, Kind::UserEnrollment, Kind::DeviceEnrollment, Kind::Unknown];
        kinds.into_iter().find(|kind| kind.name() == plain)
    }
}

/// A device record of another product. An absent value is `None`, never an empty text. Texts have no control characters
/// and no characters that reorder text.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Name of the product or of its instance, from the mapping.
    pub source: String,
    /// The id of the record in the source. An id that the mapping takes from another identifier begins with the name of
    /// its field, as in `udid:00008110-000A34E21E80801E`.
    pub source_id: String,
    pub kind: Kind,
    pub serial_number: Option<SerialNumber>,
    pub udid: Option<Udid>,
    /// Sorted, each once.
    pub imeis: Vec<Imei>,
    /// Sorted, each once.
    pub meids: Vec<Meid>,
    pub wifi_mac: Option<MacAddress>,
    pub bluetooth_mac: Option<MacAddress>,
    pub product_name: Option<ProductName>,
    pub model_name: Option<String>,
    pub os_version: Option<OsVersion>,
    pub device_name: Option<String>,
    pub user_name: Option<String>,
    pub mail: Option<String>,
    pub full_name: Option<String>,
    pub employee_number: Option<String>,
    /// In UTC, in whole seconds.
    pub last_contact: Option<OffsetDateTime>,
    /// In UTC, in whole seconds.
    pub enrolled_at: Option<OffsetDateTime>,
    pub profile_identifier: Option<String>,
    pub site: Option<String>,
    pub asset_tag: Option<String>,
}

impl Record {
    pub(crate) fn new(source: &str) -> Record {
        Record {
            source: source.to_owned(),
            source_id: String::new(),
            kind: Kind::Unknown,
            serial_number: None,
            udid: None,
            imeis: Vec::new(),
            meids: Vec::new(),
            wifi_mac: None,
            bluetooth_mac: None,
            product_name: None,
            model_name: None,
            os_version: None,
            device_name: None,
            user_name: None,
            mail: None,
            full_name: None,
            employee_number: None,
            last_contact: None,
            enrolled_at: None,
            profile_identifier: None,
            site: None,
            asset_tag: None,
        }
    }

    /// Returns the values of a field as texts in their canonical form: none if it is absent, several for IMEIs.
    pub fn texts(&self, field: Field) -> Vec<String> {
        let one = |value: Option<&str>| value.map(str::to_owned).into_iter().collect();
        let at = |value: Option<OffsetDateTime>| value.map(|at| at.unix_timestamp().to_string()).into_iter().collect();
        match field {
            Field::SourceId => one(Some(&self.source_id)),
            Field::Kind => one(Some(self.kind.name())),
            Field::SerialNumber => one(self.serial_number.as_ref().map(SerialNumber::as_str)),
            Field::Udid => one(self.udid.as_ref().map(Udid::as_str)),
            Field::Imei => self.imeis.iter().map(Imei::to_string).collect(),
            Field::Meid => self.meids.iter().map(Meid::to_string).collect(),
            Field::WifiMac => one(self.wifi_mac.as_ref().map(MacAddress::as_str)),
            Field::BluetoothMac => one(self.bluetooth_mac.as_ref().map(MacAddress::as_str)),
            Field::ProductName => one(self.product_name.as_ref().map(ProductName::as_str)),
            Field::ModelName => one(self.model_name.as_deref()),
            Field::OsVersion => self.os_version.map(|version| version.to_string()).into_iter().collect(),
            Field::DeviceName => one(self.device_name.as_deref()),
            Field::UserName => one(self.user_name.as_deref()),
            Field::Mail => one(self.mail.as_deref()),
            Field::FullName => one(self.full_name.as_deref()),
            Field::EmployeeNumber => one(self.employee_number.as_deref()),
            Field::LastContact => at(self.last_contact),
            Field::EnrolledAt => at(self.enrolled_at),
            Field::ProfileIdentifier => one(self.profile_identifier.as_deref()),
            Field::Site => one(self.site.as_deref()),
            Field::AssetTag => one(self.asset_tag.as_deref()),
        }
    }

    /// Returns the content as bytes that are equal exactly if source and all fields are equal. Each text is preceded by
    /// its length, so that no text can look like the border between two. The bytes are personal data: a hash of them
    /// needs a secret key.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        let mut push = |text: &str| {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        push(&self.source);
        for field in Field::ALL {
            let texts = self.texts(field);
            if !texts.is_empty() {
                push(field.name());
                push(&texts.len().to_string());
                texts.iter().for_each(|text| push(text));
            }
        }
        bytes
    }
}

/// Returns the fields whose values differ between two versions of a record.
pub fn changes(old: &Record, new: &Record) -> Vec<Field> {
    Field::ALL.into_iter().filter(|field| old.texts(*field) != new.texts(*field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record { source_id: "7".into(), ..Record::new("Jamf Pro") }
    }

    #[test]
    fn equal_records_have_no_changes_and_the_same_canonical_bytes() {
        assert_eq!(changes(&record(), &record()), []);
        assert_eq!(record().canonical(), record().canonical());
    }

    #[test]
    fn each_changed_field_is_named() {
        let new = Record {
            imeis: vec![Imei::parse("356938035643809").unwrap()],
            os_version: OsVersion::parse("17.5"),
            kind: Kind::UserEnrollment,
            ..record()
        };
        assert_eq!(changes(&record(), &new), [Field::Kind, Field::Imei, Field::OsVersion]);
        assert_ne!(record().canonical(), new.canonical());
    }

    #[test]
    fn a_text_that_moves_to_another_field_changes_the_canonical_bytes() {
        let one = Record { site: Some("asset_tag".into()), ..record() };
        let other = Record { asset_tag: Some("site".into()), ..record() };
        assert_ne!(one.canonical(), other.canonical());
        assert_ne!(Record::new("a").canonical(), Record::new("b").canonical());
    }

    #[test]
    fn a_kind_is_parsed_in_any_spelling() {
        assert_eq!(Kind::parse("Personal Device Profile"), Some(Kind::PersonalDeviceProfile));
        assert_eq!(Kind::parse("USER_ENROLLMENT"), Some(Kind::UserEnrollment));
        assert_eq!(Kind::parse("BYOD"), None);
    }
}
