//! Tests of versions of iOS and of the modes of account-driven enrollment.

use super::{DeviceFamily, EnrollmentKind, EnrollmentMode, OsVersion, Ownership, SignInMethodName};
use serde_json::json;

fn version(major: u16, minor: u16, patch: u16) -> OsVersion {
    OsVersion { major, minor, patch }
}

#[test]
fn a_version_is_read_with_one_to_three_numbers() {
    for (text, read) in [
        ("17", Some(OsVersion::new(17, 0))),
        ("17.5", Some(OsVersion::new(17, 5))),
        ("17.5.1", Some(version(17, 5, 1))),
        ("", None),
        ("17.", None),
        ("17.5.1.2", None),
        ("17.5 beta", None),
        ("-17", None),
        ("+17", None),
        ("17.+5", None),
        ("65536", None),
    ] {
        assert_eq!(OsVersion::parse(text), read, "{text:?}");
    }
}

#[test]
fn a_version_is_shown_without_a_third_number_that_says_nothing() {
    assert_eq!(OsVersion::new(17, 0).to_string(), "17.0");
    assert_eq!(version(17, 5, 1).to_string(), "17.5.1");
    assert_eq!(json!(version(17, 5, 1)), "17.5.1");
}

#[test]
fn versions_are_compared_by_number_and_not_by_digits() {
    let ordered = ["9.3.5", "13.1", "17", "17.0.1", "17.5", "17.10"].map(|text| OsVersion::parse(text).unwrap());
    assert!(ordered.is_sorted_by(|before, after| before < after), "{ordered:?}");
}

#[test]
fn what_is_no_version_is_told_so_with_an_example() {
    let read = serde_json::from_value::<OsVersion>(json!("17,5"));
    assert!(read.unwrap_err().to_string().contains("\"17,5\" is not a version such as 17.5"));
}

#[test]
fn a_device_of_ones_own_enrolls_by_account_as_byod_and_one_of_the_organization_as_adde() {
    for (ownership, mode, word, version) in [
        (Ownership::Personal, EnrollmentMode::Byod, "BYOD", "mdm-byod"),
        (Ownership::Institutional, EnrollmentMode::Adde, "ADDE", "mdm-adde"),
    ] {
        assert_eq!((EnrollmentMode::of(ownership), mode.ownership()), (mode, ownership));
        assert_eq!((mode.as_str(), mode.version()), (word, version), "Apple's words in profile and discovery document");
        assert_eq!(EnrollmentMode::of_version(version), Some(mode));
    }
    assert_eq!(EnrollmentMode::of_version("mdm-other"), None);
}

#[test]
fn the_word_of_a_value_is_the_recorded_one() {
    Ownership::ALL.iter().for_each(|ownership| assert_eq!(json!(ownership), ownership.as_str()));
    EnrollmentKind::ALL.iter().for_each(|kind| assert_eq!(json!(kind), kind.as_str()));
    DeviceFamily::ALL.iter().for_each(|family| assert_eq!(json!(family), family.as_str()));
    SignInMethodName::ALL.iter().for_each(|method| assert_eq!(json!(method), method.as_str()));
}

#[test]
fn a_word_is_parsed_to_its_value_and_no_other_text_is() {
    assert_eq!(Ownership::ALL.map(|ownership| Ownership::parse(ownership.as_str())), Ownership::ALL.map(Some));
    assert_eq!(EnrollmentKind::ALL.map(|kind| EnrollmentKind::parse(kind.as_str())), EnrollmentKind::ALL.map(Some));
    assert_eq!(
        SignInMethodName::ALL.map(|method| SignInMethodName::parse(method.as_str())),
        SignInMethodName::ALL.map(Some)
    );
    assert_eq!(Ownership::parse("Personal"), None);
    assert_eq!(EnrollmentKind::parse(""), None);
}

#[test]
fn people_read_the_same_words_everywhere() {
    assert_eq!(Ownership::ALL.map(Ownership::label), ["personal device", "device of the organization"]);
    assert_eq!(EnrollmentKind::ALL.map(EnrollmentKind::name), ["User Enrollment", "Device Enrollment"]);
    let labels = SignInMethodName::ALL.map(SignInMethodName::label);
    let [local, directory, open_id_connect, saml] = labels;
    assert_eq!((local, directory), ("local account", "directory account"));
    assert_eq!(open_id_connect, "single sign-on (OpenID Connect)");
    assert_eq!(saml, "single sign-on (SAML)");
    let sentence = SignInMethodName::ALL.map(SignInMethodName::with_article);
    assert_eq!(sentence, ["a local account", "a directory account", open_id_connect, saml].map(str::to_owned));
}
