//! Exports with the documented columns of each product.

use super::*;
use crate::{Field, Kind, LeftOut, NoteKind, Preset, Record};
use time::macros::datetime;

// Columns of an advanced mobile device search; the second row continues a field with several values.
const JAMF_PRO: &str = "\
Display Name,Asset Tag,Bluetooth MAC Address,Device ID,Device Ownership Type,Email Address,Full Name,IMEI,IMEI2,\
JSS Mobile Device ID,Last Enrollment,Last Inventory Update,MEID,Model,Model Identifier,OS Version,Serial Number,Site,\
UDID,Username,Wi-Fi MAC Address,Profile Name
Ada's iPhone,A-17,AA:BB:CC:00:11:23,,Personal (Personal Device Profile),ada@example.com,Ada Lovelace,\
35 693803 564380 9,,42,2021-03-04 09:10:11,2026-01-01 10:00:00,35693803564380,iPhone 13,\"iPhone14,5\",16.7.2,\
F2LXJ0AAAJ5K,Berlin,00008110-000A34E21E80801E,ada,AA:BB:CC:00:11:22,Wi-Fi
,,,,,,,,,,,,,,,,,,,,,Mail
";

#[test]
fn an_export_of_jamf_pro_is_read() {
    let outcomes = read(JAMF_PRO.as_bytes(), &mapping("zone = \"UTC\""));
    let row = outcomes[0].as_ref().unwrap();
    let expected = Record {
        source_id: "42".into(),
        kind: Kind::PersonalDeviceProfile,
        serial_number: crate::SerialNumber::parse("F2LXJ0AAAJ5K"),
        udid: crate::Udid::parse("00008110-000A34E21E80801E"),
        imeis: vec![crate::Imei::parse("356938035643809").unwrap()],
        meids: vec![crate::Meid::parse("35693803564380").unwrap()],
        wifi_mac: crate::MacAddress::parse("AA:BB:CC:00:11:22"),
        bluetooth_mac: crate::MacAddress::parse("AA:BB:CC:00:11:23"),
        product_name: crate::ProductName::parse("iPhone14,5"),
        model_name: Some("iPhone 13".into()),
        os_version: apple::OsVersion::parse("16.7.2"),
        device_name: Some("Ada's iPhone".into()),
        user_name: Some("ada".into()),
        mail: Some("ada@example.com".into()),
        full_name: Some("Ada Lovelace".into()),
        last_contact: Some(datetime!(2026-01-01 10:00 UTC)),
        enrolled_at: Some(datetime!(2021-03-04 9:10:11 UTC)),
        site: Some("Berlin".into()),
        asset_tag: Some("A-17".into()),
        ..Record::new("Jamf Pro")
    };
    assert_eq!(row.record, expected);
    assert!(row.notes.is_empty(), "{:?}", row.notes);
    assert_eq!(outcomes.len(), 1, "a row that continues another is skipped");
    let mut reader = Reader::open(JAMF_PRO.as_bytes(), &Mapping::default()).unwrap();
    assert_eq!((reader.by_ref().count(), reader.unmapped_rows()), (1, 1));
}

#[test]
fn every_ownership_of_jamf_pro_is_a_kind() {
    for (text, kind) in [
        ("Institutional", Kind::DeviceEnrollment),
        ("Personal (User Enrollment)", Kind::UserEnrollment),
        ("Personal (Account-Driven User Enrollment)", Kind::UserEnrollment),
        ("PersonalDeviceProfile", Kind::PersonalDeviceProfile),
        ("AccountDrivenDeviceEnrollment", Kind::DeviceEnrollment),
    ] {
        let file = format!("JSS Mobile Device ID,Device Ownership Type\n1,{text}\n");
        let row = one(file.as_bytes(), &Mapping::default());
        assert_eq!((row.record.kind, row.notes.len()), (kind, 0), "{text}");
    }
}

// The received columns of the report DevicesWithInventory, of which only the mapped ones have values here.
const INTUNE: &str = "\
Device ID,Device name,Enrollment date,Last check-in,Microsoft Entra Device ID,OS version,Microsoft Entra registered,\
EAS activation ID,Serial number,Manufacturer,Model,EAS activated,IMEI,Wi-Fi MAC,MEID,Category,UserId,Primary user UPN,\
Primary user email address,Primary user display name,Compliance,Managed by,Ownership,Device state,Supervised,OS,\
JoinType,EnrollmentType
0cbf5d9a-6f3d-4c38-8d3c-b6f8f3c7a001,Grace's iPhone,2021-05-06 07:08:09.0000000,2025-12-24 18:30:00.1234567,,17.5.1,\
True,,0,Apple,iPhone 12,False,3.56938E+14,,,,,grace@example.com,grace@example.com,Grace Hopper,Compliant,Intune,\
Personal,Managed,False,iOS/iPadOS,,AppleUserEnrollment
1cbf5d9a-6f3d-4c38-8d3c-b6f8f3c7a002,iPad,0001-01-01 00:00:00.0000000,,,16.0,True,,DMPXJ0AAAJ5K,Apple,iPad,False,,,,,,,\
,,,,,,,,,UserEnrollment
";

#[test]
fn an_export_of_intune_is_read() {
    let rows = rows(INTUNE.as_bytes(), &mapping("source = \"Intune Berlin\""));
    let expected = Record {
        source_id: "0cbf5d9a-6f3d-4c38-8d3c-b6f8f3c7a001".into(),
        kind: Kind::UserEnrollment,
        model_name: Some("iPhone 12".into()),
        os_version: apple::OsVersion::parse("17.5.1"),
        device_name: Some("Grace's iPhone".into()),
        user_name: Some("grace@example.com".into()),
        mail: Some("grace@example.com".into()),
        full_name: Some("Grace Hopper".into()),
        last_contact: Some(datetime!(2025-12-24 18:30 UTC)),
        enrolled_at: Some(datetime!(2021-05-06 7:08:09 UTC)),
        ..Record::new("Intune Berlin")
    };
    assert_eq!(rows[0].record, expected);
    let kinds: Vec<_> = rows[0].notes.iter().map(|note| (note.field, note.kind)).collect();
    assert!(kinds.contains(&(Some(Field::Imei), NoteKind::LeftOut(LeftOut::LostDigits))));
    assert!(kinds.contains(&(Some(Field::LastContact), NoteKind::ZoneAssumed)));
    let second = &rows[1].record;
    assert_eq!((second.kind, second.enrolled_at), (Kind::DeviceEnrollment, None), "the year 1 stands for no date");
}

#[test]
fn devices_of_microsoft_graph_are_read() {
    let text = "{\"id\":\"d1\",\"userPrincipalName\":\"ada@example.com\",\
                \"lastSyncDateTime\":\"2026-01-02T03:04:05Z\",\
                \"deviceEnrollmentType\":\"appleUserEnrollmentWithServiceAccount\",\"imei\":\"356938035643809\",\
                \"userDisplayName\":\"Ada\"}";
    let row = one(text.as_bytes(), &Mapping::default());
    assert_eq!(row.record.source, "Intune");
    assert_eq!((row.record.kind, row.record.imeis.len(), row.notes.len()), (Kind::UserEnrollment, 1, 0));
}

#[test]
fn an_export_of_fleet_is_read_as_csv_and_as_json() {
    let csv = "id,detail_updated_at,last_enrolled_at,seen_time,hostname,uuid,platform,os_version,hardware_model,\
               hardware_serial,computer_name,team_name,mdm.enrollment_status,device_mapping\n\
               7,2026-01-02T03:04:05Z,2000-01-01T00:00:00Z,2026-01-01T00:00:00Z,,\
               00008110-000A34E21E80801E,ios,iOS 17.5.1,\"iPhone14,5\",F2LXJ0AAAJ5K,Ada's iPhone,Personal,\
               On (personal),ada@example.com\n";
    let json = "{\"id\":7,\"detail_updated_at\":\"2026-01-02T03:04:05Z\",\
                \"last_enrolled_at\":\"2000-01-01T00:00:00Z\",\"seen_time\":\"2026-01-01T00:00:00Z\",\
                \"uuid\":\"00008110-000A34E21E80801E\",\"os_version\":\"iOS 17.5.1\",\
                \"hardware_model\":\"iPhone14,5\",\"hardware_serial\":\"F2LXJ0AAAJ5K\",\
                \"computer_name\":\"Ada's iPhone\",\"team_name\":\"Personal\",\
                \"mdm\":{\"enrollment_status\":\"On (personal)\"},\
                \"device_mapping\":[{\"email\":\"ada@example.com\"}]}";
    let (csv, json) = (one(csv.as_bytes(), &Mapping::default()), one(json.as_bytes(), &Mapping::default()));
    assert_eq!(csv.record, json.record);
    assert!(csv.notes.is_empty() && json.notes.is_empty());
    assert_eq!(csv.record.last_contact, Some(datetime!(2026-01-02 3:04:05 UTC)));
    assert_eq!((csv.record.enrolled_at, csv.record.kind), (None, Kind::UserEnrollment), "2000 stands for never");
    assert_eq!(csv.record.mail.as_deref(), Some("ada@example.com"));
}

#[test]
fn the_documented_header_of_fleet_is_recognized() {
    let header = "created_at,updated_at,id,detail_updated_at,label_updated_at,policy_updated_at,last_enrolled_at,\
                  seen_time,refetch_requested,hostname,uuid,platform,osquery_version,os_version,build,platform_like,\
                  code_name,uptime,memory,cpu_type,cpu_subtype,cpu_brand,cpu_physical_cores,cpu_logical_cores,\
                  hardware_vendor,hardware_model,hardware_version,hardware_serial,computer_name,primary_ip_id,\
                  primary_ip,primary_mac,distributed_interval,config_tls_refresh,logger_tls_period,team_id,team_name,\
                  gigs_disk_space_available,percent_disk_space_available,gigs_total_disk_space,issues,device_mapping,\
                  status,display_text";
    let reader = Reader::open(header.as_bytes(), &Mapping::default()).unwrap();
    assert_eq!((reader.layout().preset, reader.layout().columns.len()), (Some(Preset::Fleet), 44));
}

#[test]
fn devices_of_mosyle_are_read() {
    let text = "{\"deviceudid\":\"00008110-000A34E21E80801E\",\"serial_number\":\"F2LXJ0AAAJ5K\",\"os\":\"ios\",\
                \"osversion\":\"17.5\",\"device_name\":\"Cart 3\",\"device_model\":\"iPad12,1\",\
                \"device_model_name\":\"iPad (9th generation)\",\"date_last_beat\":\"1767322445\",\
                \"userid\":\"ada\",\"username\":\"Ada Lovelace\",\"useremail\":\"ada@example.com\",\
                \"asset_tag\":null,\"enrollment_type\":\"ADE\"}";
    let row = one(text.as_bytes(), &Mapping::default());
    assert_eq!((row.record.source.as_str(), row.record.kind), ("Mosyle", Kind::DeviceEnrollment));
    assert_eq!(row.record.source_id, "00008110-000A34E21E80801E");
    assert_eq!(row.record.last_contact, Some(datetime!(2026-01-02 2:54:05 UTC)));
    assert_eq!(row.record.model_name.as_deref(), Some("iPad (9th generation)"));
    assert!(row.notes.is_empty(), "{:?}", row.notes);
}

#[test]
fn the_layout_says_which_columns_are_read() {
    let default = Mapping::default();
    let reader = Reader::open(JAMF_PRO.as_bytes(), &default).unwrap();
    let layout = reader.layout();
    assert_eq!((layout.preset, layout.columns.len()), (Some(Preset::JamfPro), 22));
    assert!(layout.fields.contains(&(Field::Imei, vec!["IMEI".to_owned(), "IMEI2".to_owned()])));
    assert!(!layout.fields.iter().any(|(_, columns)| columns.contains(&"Profile Name".to_owned())));
}
