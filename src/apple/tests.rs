//! What the table says in the cases that matter most.

mod schema;

use super::*;

const USER: EnrollmentKind = EnrollmentKind::UserEnrollment;
const DEVICE: EnrollmentKind = EnrollmentKind::DeviceEnrollment;

fn ios(text: &str) -> Option<OsVersion> {
    Some(OsVersion::parse(text).unwrap())
}

fn plist(inside: &str) -> Value {
    let text = format!("<plist version=\"1.0\"><dict>{inside}</dict></plist>");
    Value::from_reader_xml(text.as_bytes()).unwrap()
}

fn said(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(Violation::to_string).collect()
}

#[test]
fn personal_devices_cannot_be_erased_and_the_refusal_says_why() {
    assert_eq!(command_allowed("EraseDevice", USER, ios("17.5")), Err("is not for User Enrollment".into()));
    assert_eq!(command_allowed("ClearPasscode", USER, ios("17.5")), Err("is not for User Enrollment".into()));
    assert_eq!(command_allowed("EraseDevice", DEVICE, ios("17.5")), Ok(()));
    assert_eq!(command_allowed("ClearPasscode", DEVICE, ios("17.5")), Ok(()));
}

#[test]
fn what_every_enrollment_takes_is_permitted_in_both_kinds() {
    for command in
        ["DeviceInformation", "SecurityInfo", "InstallProfile", "RemoveProfile", "InstallApplication", "DeviceLock"]
    {
        for kind in [USER, DEVICE] {
            assert_eq!(command_allowed(command, kind, ios("13.1")), Ok(()), "{command}");
            assert_eq!(command_allowed(command, kind, None), Ok(()), "{command}");
        }
    }
}

#[test]
fn commands_that_are_too_new_supervised_or_made_up_are_refused() {
    let why = command_allowed("DeclarativeManagement", DEVICE, ios("14.8")).unwrap_err();
    assert_eq!(why, "is new in iOS 15.0, and the device has 14.8");
    assert_eq!(command_allowed("DeclarativeManagement", USER, ios("15")), Ok(()));
    assert_eq!(command_allowed("EnableLostMode", DEVICE, ios("17")), Err("is for supervised devices only".into()));
    assert!(command_allowed("RotateFileVaultKey", DEVICE, ios("17")).is_err(), "a command of macOS");
    assert!(command_allowed("UserList", DEVICE, ios("17")).is_err(), "a command for Shared iPad");
    assert!(command_allowed("deviceinformation", DEVICE, ios("17")).is_err(), "names are exact");
}

#[test]
fn a_personal_device_is_never_asked_what_identifies_its_hardware() {
    let hardware = ["UDID", "SerialNumber", "IMEI", "MEID", "ICCID", "PhoneNumber", "WiFiMAC", "BluetoothMAC"];
    let personal = device_information_queries(USER, ios("17.5"));
    let institutional = device_information_queries(DEVICE, ios("17.5"));
    for query in hardware {
        assert!(!personal.contains(&query), "{query}");
    }
    for query in ["UDID", "SerialNumber", "WiFiMAC", "OSVersion", "DeviceName"] {
        assert!(institutional.contains(&query), "{query}");
    }
    for query in ["OSVersion", "ModelName", "DeviceName", "ProductName", "BatteryLevel"] {
        assert!(personal.contains(&query), "{query}");
    }
    assert!(!device_information_queries(USER, ios("16.0")).contains(&"SupplementalBuildVersion"), "new in 16.1");
    assert!(!institutional.contains(&"DevicePropertiesAttestation"), "never by the way");
    assert!(!institutional.contains(&"ResidentUsers"), "Shared iPad");
}

#[test]
fn a_query_that_the_mode_forbids_is_a_violation() {
    let command = plist(
        "<key>RequestType</key><string>DeviceInformation</string>
         <key>Queries</key><array><string>OSVersion</string><string>UDID</string><string>Shoe</string></array>",
    );
    let violations = said(&check_command(&command, USER, ios("17")));
    assert_eq!(
        violations,
        [
            "DeviceInformation.Queries[1] UDID is not for User Enrollment",
            "DeviceInformation.Queries[2] Shoe is unknown"
        ]
    );
}

#[test]
fn commands_are_checked_key_by_key() {
    let command = plist("<key>RequestType</key><string>RemoveProfile</string>");
    assert_eq!(said(&check_command(&command, DEVICE, None)), ["RemoveProfile.Identifier is missing"]);
    let command = plist("<key>RequestType</key><string>InstallProfile</string><key>Payload</key><string>x</string>");
    assert_eq!(said(&check_command(&command, DEVICE, None)), ["InstallProfile.Payload is no Data"]);
    let command = plist(
        "<key>RequestType</key><string>InstallApplication</string><key>iTunesStoreID</key><integer>1</integer>
         <key>ChangeManagementState</key><string>Managed</string><key>Colour</key><string>red</string>",
    );
    assert_eq!(
        said(&check_command(&command, USER, ios("17"))),
        ["InstallApplication.ChangeManagementState is not for User Enrollment", "InstallApplication.Colour is unknown"]
    );
}

#[test]
fn settings_are_told_apart_by_their_item() {
    let setting = |item: &str| {
        plist(&format!(
            "<key>RequestType</key><string>Settings</string><key>Settings</key><array><dict>
             <key>Item</key><string>{item}</string>
             <key>OrganizationInfo</key><dict><key>OrganizationName</key><string>School</string></dict></dict></array>"
        ))
    };
    assert_eq!(check_command(&setting("OrganizationInfo"), USER, ios("17")), []);
    assert_eq!(said(&check_command(&setting("Nonsense"), USER, ios("17"))), ["Settings.Settings[0] is unknown"]);
    let why = said(&check_command(&setting("DeviceName"), USER, ios("17")));
    assert_eq!(why, ["Settings.Settings[0] is not for User Enrollment"]);
}

#[test]
fn a_check_in_names_the_device_as_its_mode_does() {
    let message = |name: &str| {
        plist(&format!(
            "<key>MessageType</key><string>Authenticate</string><key>Topic</key><string>com.apple.mgmt.x</string>
             <key>{name}</key><string>1</string>"
        ))
    };
    assert_eq!(check_check_in(&message("UDID"), DEVICE, ios("17")), []);
    assert_eq!(check_check_in(&message("EnrollmentID"), USER, ios("17")), []);
    let wrong = said(&check_check_in(&message("UDID"), USER, ios("17")));
    assert_eq!(wrong, ["Authenticate.UDID is not for User Enrollment", "Authenticate.EnrollmentID is missing"]);
    let wrong = said(&check_check_in(&message("EnrollmentID"), DEVICE, ios("17")));
    assert_eq!(wrong, ["Authenticate.EnrollmentID is for User Enrollment only"]);
}
