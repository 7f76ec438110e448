//! Converts a row of an export to the details of a record.

use events::record::{PersonalDetails, PreviousKind, RecordDetails, RecordId};
use events::{Personal, Timestamp};
use records::{Kind, Record};

/// Returns the details of a row, with the personal part under the record's own key.
pub(crate) fn details(row: Record, id: RecordId) -> RecordDetails {
    let personal = PersonalDetails {
        source_id: row.source_id,
        serial_number: row.serial_number.map(|number| number.to_string()),
        udid: row.udid.map(|udid| udid.to_string()),
        imeis: row.imeis.iter().map(ToString::to_string).collect(),
        meids: row.meids.iter().map(ToString::to_string).collect(),
        wifi_mac: row.wifi_mac.map(|address| address.to_string()),
        bluetooth_mac: row.bluetooth_mac.map(|address| address.to_string()),
        device_name: row.device_name,
        asset_tag: row.asset_tag,
        user_name: row.user_name,
        mail: row.mail,
        full_name: row.full_name,
        employee_number: row.employee_number,
    };
    RecordDetails {
        kind: kind(row.kind),
        product_name: row.product_name.map(|name| name.to_string()),
        model_name: row.model_name,
        os_version: row.os_version.map(|version| version.to_string()),
        last_contact: row.last_contact.map(timestamp),
        enrolled_at: row.enrolled_at.map(timestamp),
        profile_identifier: row.profile_identifier,
        site: row.site,
        personal: Box::new(Personal::new(id.key(), personal)),
    }
}

pub(crate) fn timestamp(at: time::OffsetDateTime) -> Timestamp {
    Timestamp(at.unix_timestamp() * 1_000_000)
}

fn kind(kind: Kind) -> PreviousKind {
    match kind {
        Kind::PersonalDeviceProfile => PreviousKind::PersonalDeviceProfile,
        Kind::UserEnrollment => PreviousKind::UserEnrollment,
        Kind::DeviceEnrollment => PreviousKind::DeviceEnrollment,
        Kind::Unknown => PreviousKind::Unknown,
    }
}
