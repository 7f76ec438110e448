//! Tests of the rule tables in the most important cases.

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
    assert_eq!(
        command_allowed("EraseDevice", Target::new(USER, ios("17.5"))),
        Err("is not for User Enrollment".into())
    );
    assert_eq!(
        command_allowed("ClearPasscode", Target::new(USER, ios("17.5"))),
        Err("is not for User Enrollment".into())
    );
    assert_eq!(command_allowed("EraseDevice", Target::new(DEVICE, ios("17.5"))), Ok(()));
    assert_eq!(command_allowed("ClearPasscode", Target::new(DEVICE, ios("17.5"))), Ok(()));
}

#[test]
fn what_every_enrollment_takes_is_permitted_in_both_kinds() {
    for command in
        ["DeviceInformation", "SecurityInfo", "InstallProfile", "RemoveProfile", "InstallApplication", "DeviceLock"]
    {
        for kind in [USER, DEVICE] {
            assert_eq!(command_allowed(command, Target::new(kind, ios("13.1"))), Ok(()), "{command}");
            assert_eq!(command_allowed(command, Target::new(kind, None)), Ok(()), "{command}");
        }
    }
}

#[test]
fn commands_that_are_too_new_supervised_or_made_up_are_refused() {
    let why = command_allowed("DeclarativeManagement", Target::new(DEVICE, ios("14.8"))).unwrap_err();
    assert_eq!(why, "is new in iOS 15.0, and the device has 14.8");
    assert_eq!(command_allowed("DeclarativeManagement", Target::new(USER, ios("15"))), Ok(()));
    assert_eq!(
        command_allowed("EnableLostMode", Target::new(DEVICE, ios("17"))),
        Err("is for supervised devices only".into())
    );
    assert!(command_allowed("RotateFileVaultKey", Target::new(DEVICE, ios("17"))).is_err(), "a command of macOS");
    assert!(command_allowed("UserList", Target::new(DEVICE, ios("17"))).is_err(), "a command for Shared iPad");
    assert!(command_allowed("deviceinformation", Target::new(DEVICE, ios("17"))).is_err(), "names are exact");
}

#[test]
fn a_personal_device_is_never_asked_what_identifies_its_hardware() {
    let hardware = ["UDID", "SerialNumber", "IMEI", "MEID", "ICCID", "PhoneNumber", "WiFiMAC", "BluetoothMAC"];
    let personal = device_information_queries(Target::new(USER, ios("17.5")));
    let institutional = device_information_queries(Target::new(DEVICE, ios("17.5")));
    for query in hardware {
        assert!(!personal.contains(&query), "{query}");
    }
    for query in ["UDID", "SerialNumber", "WiFiMAC", "OSVersion", "DeviceName"] {
        assert!(institutional.contains(&query), "{query}");
    }
    for query in ["OSVersion", "ModelName", "DeviceName", "ProductName", "BatteryLevel"] {
        assert!(personal.contains(&query), "{query}");
    }
    assert!(
        !device_information_queries(Target::new(USER, ios("16.0"))).contains(&"SupplementalBuildVersion"),
        "new in 16.1"
    );
    assert!(!institutional.contains(&"DevicePropertiesAttestation"), "never as one of all queries");
    assert!(!institutional.contains(&"ResidentUsers"), "Shared iPad");
}

#[test]
fn a_query_that_the_mode_forbids_is_a_violation() {
    let command = plist(
        "<key>RequestType</key><string>DeviceInformation</string>
         <key>Queries</key><array><string>OSVersion</string><string>UDID</string><string>Shoe</string></array>",
    );
    let violations = said(&check_command(&command, Target::new(USER, ios("17"))));
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
    assert_eq!(said(&check_command(&command, Target::new(DEVICE, None))), ["RemoveProfile.Identifier is missing"]);
    let command = plist("<key>RequestType</key><string>InstallProfile</string><key>Payload</key><string>x</string>");
    assert_eq!(said(&check_command(&command, Target::new(DEVICE, None))), ["InstallProfile.Payload is not data"]);
    let command = plist(
        "<key>RequestType</key><string>InstallApplication</string><key>iTunesStoreID</key><integer>1</integer>
         <key>ChangeManagementState</key><string>Managed</string><key>Colour</key><string>red</string>
         <key>Options</key><dict><key>PurchaseMethod</key><integer>1</integer></dict>",
    );
    assert_eq!(
        said(&check_command(&command, Target::new(USER, ios("17")))),
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
    assert_eq!(check_command(&setting("OrganizationInfo"), Target::new(USER, ios("17"))), []);
    assert_eq!(
        said(&check_command(&setting("Nonsense"), Target::new(USER, ios("17")))),
        ["Settings.Settings[0] is unknown"]
    );
    let why = said(&check_command(&setting("DeviceName"), Target::new(USER, ios("17"))));
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
    assert_eq!(check_check_in(&message("UDID"), Target::new(DEVICE, ios("17"))), []);
    assert_eq!(check_check_in(&message("EnrollmentID"), Target::new(USER, ios("17"))), []);
    let wrong = said(&check_check_in(&message("UDID"), Target::new(USER, ios("17"))));
    assert_eq!(wrong, ["Authenticate.UDID is not for User Enrollment", "Authenticate.EnrollmentID is missing"]);
    let wrong = said(&check_check_in(&message("EnrollmentID"), Target::new(DEVICE, ios("17"))));
    assert_eq!(wrong, ["Authenticate.EnrollmentID is for User Enrollment only"]);
}

#[test]
fn an_app_is_named_once_and_comes_to_a_personal_device_with_a_licence_only() {
    let install = |inside: &str| plist(&format!("<key>RequestType</key><string>InstallApplication</string>{inside}"));
    let by_number = "<key>iTunesStoreID</key><integer>1</integer>";
    let method = |n| format!("<key>Options</key><dict><key>PurchaseMethod</key><integer>{n}</integer></dict>");
    assert_eq!(check_command(&install(&format!("{by_number}{}", method(1))), Target::new(USER, ios("17"))), []);
    assert_eq!(check_command(&install(&format!("{by_number}{}", method(0))), Target::new(DEVICE, ios("12"))), []);
    let why = said(&check_command(&install(&format!("{by_number}{}", method(0))), Target::new(USER, ios("17"))));
    assert!(why[0].starts_with("InstallApplication.Options.PurchaseMethod is not 1"), "{why:?}");
    let twice = format!("{by_number}<key>Identifier</key><string>org.example.app</string>");
    assert!(said(&check_command(&install(&twice), Target::new(DEVICE, None)))[0].contains("exactly one"));
}

fn profile(payload: &str, more: &str) -> Value {
    plist(&format!(
        "<key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>
         <key>PayloadIdentifier</key><string>org.example.profile</string><key>PayloadUUID</key><string>1</string>{more}
         <key>PayloadContent</key><array><dict>{payload}<key>PayloadVersion</key><integer>1</integer>
         <key>PayloadIdentifier</key><string>org.example.profile.1</string><key>PayloadUUID</key><string>2</string>
         </dict></array>"
    ))
}

#[test]
fn a_profile_is_held_against_mode_and_version_and_what_is_wrong_is_named_by_its_key() {
    let check = |payload: &str, kind, version| {
        said(&check_upload(&profile(payload, ""), "org.example.enroll", Target::new(kind, ios(version))))
    };
    let payload = |name: &str, inside: &str| format!("<key>PayloadType</key><string>{name}</string>{inside}");
    let screenshots = payload("com.apple.applicationaccess", "<key>allowScreenShot</key><false/>");
    assert_eq!(check(&screenshots, USER, "17.5"), Vec::<String>::new());
    let camera = payload("com.apple.applicationaccess", "<key>allowCamera</key><false/>");
    assert_eq!(check(&camera, USER, "17.5"), ["com.apple.applicationaccess.allowCamera is not for User Enrollment"]);
    let vpn = payload("com.apple.vpn.managed", "");
    assert!(check(&vpn, USER, "17.5")[0].starts_with("com.apple.vpn.managed is not for User Enrollment"));
    let passcode = payload("com.apple.mobiledevice.passwordpolicy", "<key>minLength</key><integer>8</integer>");
    assert_eq!(check(&passcode, DEVICE, "12"), Vec::<String>::new());
    assert_eq!(
        check(&passcode, USER, "17.5"),
        ["com.apple.mobiledevice.passwordpolicy.minLength is not for User Enrollment"],
        "a device ignores it, so an administrator would wrongly believe that it is effective"
    );
    let acme = payload("com.apple.security.acme", "");
    assert!(check(&acme, DEVICE, "15.7")[0].contains("is new in iOS 16.0"));
    let lock = payload("com.apple.app.lock", "");
    assert!(check(&lock, DEVICE, "17")[0].contains("supervised"));
    let mac = check(&payload("com.apple.dock", ""), DEVICE, "17");
    assert_eq!(mac, ["com.apple.dock is a payload for other platforms, which iPhone and iPad do not have"]);
    let network = payload("com.apple.cellularprivatenetwork.managed", "");
    assert!(check(&network, USER, "26.0")[0].contains("not for User Enrollment"), "iOS 26 errata");
}

#[test]
fn no_profile_replaces_the_enrollment_profile_or_brings_another_management_or_hides_what_it_holds() {
    let wifi = "<key>PayloadType</key><string>com.apple.webClip.managed</string>";
    let same = said(&check_upload(&profile(wifi, ""), "org.example.profile", Target::new(USER, None)));
    assert!(same.iter().any(|why| why.contains("enrollment profile, which it would replace")), "{same:?}");
    let mdm = said(&check_upload(
        &profile("<key>PayloadType</key><string>com.apple.mdm</string>", ""),
        "x",
        Target::new(DEVICE, None),
    ));
    assert!(mdm.iter().any(|why| why.contains("is the device's management")), "{mdm:?}");
    let hidden = profile(wifi, "<key>EncryptedPayloadContent</key><data>AAAA</data>");
    assert!(said(&check_upload(&hidden, "x", Target::new(DEVICE, None)))[0].starts_with("EncryptedPayloadContent"));
}

#[test]
fn what_a_device_may_not_tell_is_dropped_at_every_depth() {
    let answer = plist(
        "<key>SecurityInfo</key><dict><key>PasscodePresent</key><true/><key>PasscodeCompliant</key><true/>
         <key>Shoe</key><integer>43</integer><key>HardwareEncryptionCaps</key><string>three</string>
         <key>ManagementStatus</key><dict><key>IsUserEnrollment</key><true/><key>Secret</key><true/></dict></dict>
         <key>UDID</key><string>1</string>",
    );
    let kept = |kind| {
        let kept = reported("SecurityInfo", answer.as_dictionary().unwrap(), Target::new(kind, ios("17")));
        let info = kept.get("SecurityInfo").unwrap().as_dictionary().unwrap().clone();
        (kept.len(), info.keys().cloned().collect::<Vec<_>>(), info.get("ManagementStatus").cloned())
    };
    let (keys, info, status) = kept(USER);
    assert_eq!((keys, info), (1, vec!["PasscodeCompliant".to_owned(), "ManagementStatus".to_owned()]));
    assert_eq!(status.unwrap().as_dictionary().unwrap().len(), 1);
    assert!(kept(DEVICE).1.contains(&"PasscodePresent".to_owned()));
    let feedback = plist(
        "<key>ManagedApplicationFeedback</key><array><dict><key>Identifier</key><string>org.example</string>
         <key>Feedback</key><dict><key>Diary</key><string>Dear diary</string></dict></dict></array>",
    );
    let kept = reported("ManagedApplicationFeedback", feedback.as_dictionary().unwrap(), Target::new(DEVICE, None));
    assert!(!format!("{kept:?}").contains("diary"), "{kept:?}");
    assert!(reported("DeviceLock", answer.as_dictionary().unwrap(), Target::new(DEVICE, None)).is_empty());
}

#[test]
fn a_discovery_document_names_one_server_in_a_mode_that_the_version_has() {
    let document = |servers: serde_json::Value| serde_json::json!({ "Servers": servers });
    let server = |version: &str, url: &str| serde_json::json!({ "Version": version, "BaseURL": url });
    let byod = server("mdm-byod", "https://enroll.example.com/mdm-byod");
    assert_eq!(said(&check_discovery(&document(serde_json::json!([byod])), ios("15"))), [""; 0]);
    for (wrong, version, why) in [
        (serde_json::json!([byod, byod]), "15", "Servers has 2 members, but devices use only the first"),
        (serde_json::json!([]), "15", "Servers has 0 members, but devices use only the first"),
        (
            serde_json::json!([server("mdm-adde", "https://x")]),
            "16.4",
            "Servers.Servers[0].Version mdm-adde is new in iOS 17.0, and the device has 16.4",
        ),
        (serde_json::json!([server("mdm-own", "https://x")]), "17", "Servers.Servers[0].Version mdm-own is unknown"),
        (
            serde_json::json!([server("mdm-byod", "http://x")]),
            "17",
            "Servers.Servers[0].BaseURL is not an https:// address",
        ),
        (serde_json::json!([{ "Version": "mdm-byod" }]), "17", "Servers.Servers[0].BaseURL is missing"),
    ] {
        assert_eq!(said(&check_discovery(&document(wrong), ios(version))), [why]);
    }
}

#[test]
fn a_refusal_is_one_that_the_version_acts_on() {
    let unrecognized = serde_json::json!({ "code": "com.apple.unrecognized.device" });
    assert_eq!(said(&check_refusal(&unrecognized, Target::new(USER, ios("17")))), [""; 0]);
    let why = "com.apple.unrecognized.device is new in iOS 17.0, and the device has 16.7";
    assert_eq!(said(&check_refusal(&unrecognized, Target::new(DEVICE, ios("16.7")))), [why]);
    let more = serde_json::json!({ "code": "com.apple.well-known.failed", "message": "No.", "details": null });
    assert!(!said(&check_refusal(&more, Target::new(USER, ios("17.5")))).is_empty());
    assert_eq!(
        said(&check_refusal(&serde_json::json!({}), Target::new(USER, None))),
        [" does not exist on iPhone and iPad"]
    );
}

#[test]
fn a_profile_service_is_for_institutional_devices_and_asks_for_what_devices_have() {
    let asking = |content: &str| {
        plist(&format!(
            "<key>PayloadType</key><string>Profile Service</string><key>PayloadVersion</key><integer>1</integer>\
             <key>PayloadIdentifier</key><string>a</string>\
             <key>PayloadUUID</key><string>6E2AB7F4-2D6C-4F3B-9C0E-000000000001</string>\
             <key>PayloadContent</key><dict><key>URL</key><string>https://enroll.example.com/a</string>{content}</dict>"
        ))
    };
    let right = asking("<key>DeviceAttributes</key><array><string>UDID</string><string>SERIAL</string></array>");
    assert!(is_profile_service(&right) && !is_profile_service(&plist("")));
    assert_eq!(said(&check_profile_service(&right, Target::new(DEVICE, ios("12")))), [""; 0]);
    assert_eq!(
        said(&check_profile_service(&right, Target::new(USER, ios("17")))),
        ["Profile Service is not for User Enrollment"]
    );
    let mood = asking("<key>DeviceAttributes</key><array><string>MOOD</string></array>");
    let why = "Profile Service.PayloadContent.DeviceAttributes[0] MOOD is unknown";
    assert_eq!(said(&check_profile_service(&mood, Target::new(DEVICE, ios("12")))), [why]);
    let why = "Profile Service.PayloadContent.DeviceAttributes is missing";
    assert_eq!(said(&check_profile_service(&asking(""), Target::new(DEVICE, ios("12")))), [why]);
}

fn weighed(payload: &str, more: &str, target: Target) -> Vec<(String, Weight)> {
    let found = check_upload(&profile(payload, more), "org.example.enroll", target);
    found.into_iter().map(|found| (found.to_string(), found.weight)).collect()
}

fn restrictions(inside: &str) -> String {
    format!("<key>PayloadType</key><string>com.apple.applicationaccess</string>{inside}")
}

#[test]
fn a_restriction_at_its_default_needs_no_supervision_and_any_other_value_does() {
    let target = Target::new(DEVICE, ios("17.5"));
    let removable = |truth| format!("<key>PayloadRemovalDisallowed</key><{truth}/>");
    let supervised = |path: &str| [(format!("{path} is for supervised devices only"), Weight::Forbidden)];
    for (key, harmless, other) in [("allowAirDrop", "true", "false"), ("forceWiFiPowerOn", "false", "true")] {
        let at = |value| restrictions(&format!("<key>{key}</key><{value}/>"));
        assert_eq!(weighed(&at(harmless), &removable("false"), target), []);
        assert_eq!(weighed(&at(other), "", target), supervised(&format!("com.apple.applicationaccess.{key}")));
        let personal = weighed(&at(harmless), "", Target::new(USER, ios("17.5")));
        assert!(personal[0].0.ends_with("is not for User Enrollment"), "{personal:?}");
    }
    assert_eq!(
        weighed(&restrictions(""), &removable("true"), target),
        supervised("Configuration.PayloadRemovalDisallowed")
    );
}

#[test]
fn a_supervised_device_takes_what_is_for_supervised_devices_and_no_user_enrollment_is_supervised() {
    let airdrop = restrictions("<key>allowAirDrop</key><false/>");
    let lock = "<key>PayloadType</key><string>com.apple.app.lock</string><key>App</key><dict>
                <key>Identifier</key><string>org.example.app</string></dict>";
    for payload in [&airdrop, lock] {
        let supervised = Target { supervised: true, ..Target::new(DEVICE, ios("17.5")) };
        assert_eq!(weighed(payload, "", supervised), []);
        let personal = Target { supervised: true, ..Target::new(USER, ios("17.5")) };
        assert_eq!(weighed(payload, "", personal)[0].1, Weight::Forbidden);
    }
    let lost = |supervised| command_allowed("EnableLostMode", Target { supervised, ..Target::new(DEVICE, ios("17")) });
    assert!(lost(true).is_ok() && lost(false).is_err());
}

#[test]
fn a_key_that_the_table_or_the_version_does_not_know_is_a_warning_that_names_it() {
    let target = Target::new(DEVICE, ios("17.5"));
    let warned = weighed(&restrictions("<key>PayloadEnabled</key><true/><key>allowTomorrow</key><false/>"), "", target);
    let expected = ["PayloadEnabled", "allowTomorrow"]
        .map(|key| (format!("com.apple.applicationaccess.{key} is unknown"), Weight::Warning));
    assert_eq!(warned, expected);
    let new = weighed(&restrictions("<key>allowMailSmartReplies</key><false/>"), "", target);
    let why = "com.apple.applicationaccess.allowMailSmartReplies is new in iOS 18.4, and the device has 17.5";
    assert_eq!(new, [(why.to_owned(), Weight::Warning)]);
    let long = weighed(&restrictions(&format!("<key>{}</key><true/>", "x".repeat(10_000))), "", target);
    assert!(long[0].0.len() < 200, "{}", long[0].0);
}

#[test]
fn a_payload_type_that_is_unknown_is_in_doubt_in_device_enrollment_and_forbidden_in_user_enrollment() {
    let unknown = "<key>PayloadType</key><string>com.apple.tomorrow</string><key>Anything</key><true/>";
    let weight = |kind| weighed(unknown, "", Target::new(kind, ios("27.0"))).into_iter().map(|(_, weight)| weight);
    assert_eq!(weight(DEVICE).collect::<Vec<_>>(), [Weight::Doubt]);
    assert_eq!(weight(USER).collect::<Vec<_>>(), [Weight::Forbidden]);
    let nameless = weighed("<key>Anything</key><true/>", "", Target::new(DEVICE, None));
    assert_eq!(nameless, [(".PayloadType is missing".to_owned(), Weight::Forbidden)]);
    let management = "<key>PayloadType</key><string>com.apple.MDM</string>";
    assert!(weighed(management, "", Target::new(DEVICE, None)).iter().any(|(_, weight)| *weight == Weight::Forbidden));
}

#[test]
fn what_ios_26_and_27_removed_is_refused_there_and_taken_before() {
    let delay = restrictions("<key>enforcedSoftwareUpdateDelay</key><integer>7</integer>");
    let supervised = |version| Target { supervised: true, ..Target::new(DEVICE, ios(version)) };
    assert_eq!(weighed(&delay, "", supervised("26.4")), []);
    assert!(weighed(&delay, "", supervised("27.0"))[0].0.contains("was removed in iOS 27.0"));
    for command in ["ScheduleOSUpdate", "OSUpdateStatus", "AvailableOSUpdates"] {
        assert!(command_allowed(command, supervised("26.4")).is_ok(), "{command}");
        assert!(command_allowed(command, supervised("27.0")).unwrap_err().contains("27.0"), "{command}");
    }
    for (query, last, first_without) in
        [("IMEI", "18.6", "26.0"), ("PhoneNumber", "18.6", "26.0"), ("SoftwareUpdateDeviceID", "26.4", "27.0")]
    {
        assert!(device_information_queries(Target::new(DEVICE, ios(last))).contains(&query), "{query}");
        assert!(!device_information_queries(Target::new(DEVICE, ios(first_without))).contains(&query), "{query}");
    }
    for version in ["26.4", "27.0"] {
        assert_eq!(
            weighed(&restrictions("<key>allowAssistant</key><false/>"), "", Target::new(USER, ios(version))),
            []
        );
    }
}

#[test]
fn no_message_about_a_profile_is_in_the_words_of_the_program() {
    let wrong = restrictions("<key>allowCamera</key><string>no</string><key>ratingRegion</key><string>xx</string>");
    let said = weighed(&wrong, "", Target::new(DEVICE, ios("17.5")));
    let said: Vec<&str> = said.iter().map(|(why, _)| why.as_str()).collect();
    assert_eq!(
        said,
        [
            "com.apple.applicationaccess.allowCamera is not a boolean",
            "com.apple.applicationaccess.ratingRegion is “xx”, which is not a permitted value"
        ]
    );
}
