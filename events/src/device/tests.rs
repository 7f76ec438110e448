//! Tests of values that devices report about apps and hardware, and of what Muster derives from them.

use super::{
    AppStatus, AttestationRefusal, CommandPayload, DeviceIdentifiers, RejectionReason, SupersessionEvidence,
    plain_identifier,
};
use crate::KeyName;
use crate::enrollment::EnrollmentKind;
use crate::personal::Personal;
use serde_json::json;

/// Every status; whether it is final; whether the app is installed and managed.
const STATUSES: [(&str, bool, bool); 20] = [
    ("Queued", false, false),
    ("NeedsRedemption", true, false),
    ("Redeeming", false, false),
    ("Prompting", false, false),
    ("PromptingForLogin", false, false),
    ("ValidatingPurchase", false, false),
    ("PromptingForUpdate", false, true),
    ("PromptingForUpdateLogin", false, true),
    ("PromptingForManagement", false, false),
    ("ValidatingUpdate", false, true),
    ("Updating", false, true),
    ("Installing", false, false),
    ("Managed", true, true),
    ("ManagedButUninstalled", true, false),
    ("Unknown", false, false),
    ("UserInstalledApp", true, false),
    ("UserRejected", true, false),
    ("UpdateRejected", true, true),
    ("ManagementRejected", true, false),
    ("Failed", true, false),
];

#[test]
fn an_app_is_waited_for_until_it_is_there_or_refused_and_an_old_version_is_managed_while_a_new_one_comes() {
    for (word, is_settled, is_managed) in STATUSES {
        let status = AppStatus::parse(word).unwrap_or_else(|| panic!("{word} is not parsed"));
        assert_eq!((status.is_settled(), status.is_managed()), (is_settled, is_managed), "{word}");
        assert_eq!(status.as_str(), word, "the status is shown as the device reported it");
    }
    assert_eq!(AppStatus::parse("managed"), None, "the status is case-sensitive");
}

#[test]
fn a_reason_of_a_device_that_is_not_known_is_another_one() {
    assert_eq!(RejectionReason::parse("AppAlreadyInstalled"), RejectionReason::AppAlreadyInstalled);
    assert_eq!(RejectionReason::parse("CouldNotVerifyAppID"), RejectionReason::CouldNotVerifyAppID);
    assert_eq!(RejectionReason::parse("It rains"), RejectionReason::Other);
}

#[test]
fn a_record_comes_back_from_an_end_that_rests_on_a_conclusion_and_from_no_other() {
    let comes_back = |evidence: SupersessionEvidence| evidence.is_reversible();
    let back: Vec<&str> = SupersessionEvidence::ALL
        .into_iter()
        .filter(|one| comes_back(*one))
        .map(SupersessionEvidence::as_str)
        .collect();
    assert_eq!(back, ["claimed", "push_unregistered"]);
}

#[test]
fn evidence_and_refused_attestations_have_the_words_that_the_log_has() {
    for evidence in SupersessionEvidence::ALL {
        assert_eq!(json!(evidence), evidence.as_str());
    }
    for refusal in AttestationRefusal::ALL {
        assert_eq!(json!(refusal), refusal.as_str());
    }
}

#[test]
fn identifiers_are_the_same_however_they_are_written() {
    assert_eq!(plain_identifier("00008110-001A2B3C4D5E6F70"), "00008110001a2b3c4d5e6f70");
    assert_eq!(plain_identifier(" F5JM 992L\u{200b}F193 "), "f5jm992lf193");
    assert_eq!(plain_identifier("Ä–"), "");
}

#[test]
fn a_device_that_names_no_hardware_enrolled_as_somebodys_own() {
    let personal = || Personal::new(KeyName("person-1".into()), "X".to_owned());
    let own = DeviceIdentifiers::UserEnrollment { enrollment_id: personal() };
    let organizations =
        DeviceIdentifiers::DeviceEnrollment { udid: personal(), serial_number: None, imei: None, meid: None };
    assert_eq!(own.kind(), EnrollmentKind::UserEnrollment);
    assert_eq!(organizations.kind(), EnrollmentKind::DeviceEnrollment);
}

#[test]
fn a_command_can_be_sent_unless_the_key_that_it_is_sealed_with_was_destroyed() {
    let sealed = Personal::new(KeyName("device-1".into()), "<plist>secret</plist>".to_owned());
    assert_eq!(CommandPayload::Sealed(sealed).xml(), Some("<plist>secret</plist>"));
    assert_eq!(CommandPayload::Plain("<plist/>".into()).xml(), Some("<plist/>"));
    let erased: CommandPayload = serde_json::from_value(json!({ "$erased": { "key": "device-1" } })).unwrap();
    assert_eq!(erased.xml(), None);
}
