//! Known attributes of a device, and the contents of a refusal.

use super::*;
use crate::examples::sealed;
use events::{KeyName, Personal};

const PHASES: [Phase; 6] =
    [Phase::Unknown, Phase::Authenticated, Phase::Enrolled, Phase::CheckedOut, Phase::Unenrolled, Phase::Superseded];

/// A text whose key is damaged.
fn damaged() -> Personal<String> {
    serde_json::from_value(json!({ "$damaged": { "key": "person-9" } })).unwrap()
}

fn told(key: &str, value: bool) -> Event {
    Event::InventoryReported { changes: [(key.to_owned(), InventoryValue::Plain(json!(value)))].into() }
}

#[test]
fn a_refusal_names_both_kinds_of_enrollment_and_each_phase_by_itself() {
    let wrong =
        Refusal::WrongMode { intended: EnrollmentKind::UserEnrollment, arrived: EnrollmentKind::DeviceEnrollment };
    let text = wrong.to_string();
    assert!(text.find("Device Enrollment") < text.find("User Enrollment") && text.contains("Device"), "{text}");
    let texts: BTreeSet<String> = PHASES.into_iter().map(|phase| Refusal::NotEnrolled(phase).to_string()).collect();
    assert_eq!(texts.len(), PHASES.len(), "{texts:?}");
}

#[test]
fn a_command_that_is_forbidden_is_named_once() {
    let forbidden =
        |why: &str| Refusal::CommandForbidden { request_type: "EraseDevice".into(), why: why.into() }.to_string();
    assert_eq!(forbidden("EraseDevice is not for User Enrollment"), "EraseDevice is not for User Enrollment");
    let text = forbidden("it needs supervision");
    assert!(text.starts_with("EraseDevice") && text.ends_with("it needs supervision"), "{text}");
}

#[test]
fn a_device_whose_identifiers_have_a_damaged_key_is_unknown() {
    let of = |identifiers| Device { identifiers: Some(identifiers), ..Device::default() };
    let key = KeyName("person-9".into());
    let own = of(DeviceIdentifiers::UserEnrollment { enrollment_id: damaged() });
    let udid = |udid| DeviceIdentifiers::DeviceEnrollment { udid, serial_number: None, imei: None, meid: None };
    assert_eq!(own.damaged_key(), Some(&key));
    assert_eq!(of(udid(damaged())).damaged_key(), Some(&key));
    assert_eq!(of(udid(sealed("U1"))).damaged_key(), None);
    assert_eq!(Device::default().damaged_key(), None);
}

#[test]
fn a_device_is_supervised_when_it_says_so() {
    let supervised = |device: Device| device.target().expect("it is enrolled").supervised;
    assert!(!supervised(enrolled()));
    assert!(supervised(enrolled().evolve(&told("IsSupervised", true))));
    assert!(!supervised(enrolled().evolve(&told("IsSupervised", false))));
    assert!(!supervised(enrolled().evolve(&told("IsActivationLockEnabled", true))));
}

#[test]
fn what_was_put_off_is_known_until_it_is_answered() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), queue(2, "DeviceInformation"), next()]);
    let device = given_more(device, [answer(1, CommandStatus::NotNow, "locked")]);
    assert_eq!(device.put_off(), [command_id(1)]);
    let done = given_more(device, [answer(1, CommandStatus::Acknowledged, "done")]);
    assert_eq!(done.put_off(), []);
}
