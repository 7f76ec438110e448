//! Periods: how long a record may be revived, an attestation is not requested again, and a renewal counts as repeated.

use super::*;
use events::device::{DeviceId, SupersessionEvidence as Evidence};
use uuid::Uuid;

const OTHER: DeviceId = DeviceId(Uuid::from_u128(99));
const DAY: i64 = 86_400;

fn superseded(evidence: Evidence) -> Device {
    let dead = Event::PushFailed { status: Some(410), reason: "Unregistered".into(), unregistered_since: Some(NOW) };
    given_more(enrolled().evolve(&dead), [Command::Supersede { by: OTHER, evidence, now: NOW }])
}

#[test]
fn a_record_that_ended_on_a_conclusion_lives_for_thirty_days() {
    let ended = superseded(Evidence::PushUnregistered);
    let at = |seconds| NOW.plus_seconds(seconds);
    assert_eq!(ended.revivable.as_ref().and_then(|revivable| revivable.until), Some(at(30 * DAY)));
    assert!(ended.lives_by_its_identity(at(30 * DAY - 1)) && !ended.lives_by_its_identity(at(30 * DAY)));
    assert!(
        ended.is_revived_by(&body("new"), at(1)) && !ended.is_revived_by(&body("a"), at(1)),
        "a message that was seen before does not revive the record"
    );
    assert!(!superseded(Evidence::Attestation).lives_by_its_identity(NOW), "an end by proof is final");
    assert!(enrolled().lives_by_its_identity(at(10_000 * DAY)) && !Device::default().lives_by_its_identity(NOW));
}

#[test]
fn an_attestation_is_asked_for_again_after_seven_days() {
    let ask =
        Command::RequestAttestation { id: command_id(1), payload: CommandPayload::Plain("<plist/>".into()), now: NOW };
    assert_eq!(given_more(enrolled(), [ask]).claims.ask_again_after, Some(NOW.plus_seconds(7 * DAY)));
}

#[test]
fn a_request_for_the_same_key_is_a_repeated_one_for_thirty_days() {
    let device =
        given_more(enrolled(), [Command::RenewIdentity { identity: certificate("key", "1"), transaction: "t".into() }]);
    let end = certificate("key", "1").not_after;
    let known = |key: &str, seconds| device.renewal_of(key, end.plus_seconds(seconds)).is_some();
    assert!(known("hash-of-key", 30 * DAY - 1) && !known("hash-of-key", 30 * DAY));
    assert!(!known("hash-of-another", 0));
}

#[test]
fn a_claim_stands_until_somebody_decides_that_the_devices_are_two() {
    let claims = given_more(enrolled(), [Command::NoteClaim { others: vec![OTHER], count: 1 }]);
    assert!(claims.claims_hardware_of(OTHER) && !enrolled().claims_hardware_of(OTHER));
    assert!(!given_more(claims, [Command::DismissClaim { other: OTHER }]).claims_hardware_of(OTHER));
    let dismissed_before = given_more(enrolled(), [Command::DismissClaim { other: OTHER }]);
    assert!(!dismissed_before.claims_hardware_of(OTHER));
}
