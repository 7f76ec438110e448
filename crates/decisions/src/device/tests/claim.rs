//! Effects of another record of the same hardware on this one, by evidence.

use super::*;
use crate::device::Attestation;
use crate::device::claim::{ATTESTATION_SECONDS, REVIVABLE_SECONDS};
use events::Personal;
use events::device::{AttestationRefusal, DeviceId, SupersessionEvidence as Evidence};
use proptest::prelude::*;
use uuid::Uuid;

const OTHER: DeviceId = DeviceId(Uuid::from_u128(99));

fn supersede(evidence: Evidence) -> Command {
    Command::Supersede { by: OTHER, evidence, now: NOW }
}

fn revive(text: &str, now: Timestamp) -> Command {
    Command::Revive { body: body(text), now }
}

/// Returns the device as ended by an older version of Muster.
fn ended_on_a_claim(device: Device) -> Device {
    let superseded = Event::DeviceSuperseded { by: OTHER, evidence: Evidence::Claimed, revivable_until: None };
    device.evolve(&superseded)
}

/// Returns a device with a waiting command that cannot be woken, because its push token is unregistered.
fn unreachable() -> Device {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo")]);
    let to = device.push.clone().unwrap();
    let failed = Command::RecordPushFailure {
        to,
        status: Some(410),
        reason: "Unregistered".into(),
        unregistered_since: Some(NOW),
        again: false,
    };
    given_more(device, [failed])
}

fn ask(n: u128, now: Timestamp) -> Command {
    Command::RequestAttestation { id: command_id(n), payload: CommandPayload::Plain("<plist/>".into()), now }
}

fn attests(n: u128, status: CommandStatus, attestation: Option<Attestation>) -> Command {
    let Command::AnswerCommand { id, status, errors, rejection, body, left_out, inventory, apps, .. } =
        answer(n, status, "attested")
    else {
        unreachable!()
    };
    Command::AnswerCommand { id, status, errors, rejection, body, left_out, inventory, apps, attestation }
}

fn proven() -> Attestation {
    Attestation::Proven(Personal::new(ADA.key(), vec!["MIIB".into()]))
}

pub(super) fn any_command() -> impl Strategy<Value = Command> {
    let evidence = proptest::sample::select(Evidence::ALL.to_vec());
    let later = (0..2i64).prop_map(|n| NOW.plus_seconds(n * REVIVABLE_SECONDS));
    let attestation =
        prop_oneof![Just(None), Just(Some(proven())), Just(Some(Attestation::Refused(AttestationRefusal::OtherNonce)))];
    prop_oneof![
        evidence.prop_map(supersede),
        ("[a-d]", later.clone()).prop_map(|(text, now)| revive(&text, now)),
        Just(Command::NoteClaim { others: vec![OTHER], count: 1 }),
        Just(Command::DismissClaim { other: OTHER }),
        (0..4u128, later).prop_map(|(n, now)| ask(n, now)),
        (0..4u128, attestation).prop_map(|(n, given)| attests(n, CommandStatus::Acknowledged, given)),
    ]
}

#[test]
fn a_claim_alone_ends_no_record() {
    assert_eq!(enrolled().decide(&supersede(Evidence::Claimed)), Ok(vec![]));
}

#[test]
fn a_proof_ends_a_record_once_and_for_good() {
    for evidence in [Evidence::ProfileService, Evidence::Attestation, Evidence::Administrator] {
        let device = given_more(enrolled(), [supersede(evidence)]);
        assert_eq!((device.phase, &device.revivable), (Phase::Superseded, &None));
        assert_eq!(device.decide(&supersede(evidence)), Ok(vec![]));
        assert_eq!(device.decide(&revive("idle", NOW)), Ok(vec![]));
        assert_eq!(Device::default().decide(&supersede(evidence)), Ok(vec![]));
    }
}

#[test]
fn an_unregistered_token_is_evidence_only_where_the_token_is_dead() {
    assert_eq!(enrolled().decide(&supersede(Evidence::PushUnregistered)), Ok(vec![]));
    let happened = unreachable().decide(&supersede(Evidence::PushUnregistered)).unwrap();
    let until = NOW.plus_seconds(REVIVABLE_SECONDS);
    let ended =
        Event::DeviceSuperseded { by: OTHER, evidence: Evidence::PushUnregistered, revivable_until: Some(until) };
    assert_eq!(happened, [ended]);
}

#[test]
fn contact_within_thirty_days_brings_the_record_back_with_its_queue() {
    let before = unreachable();
    let device = given_more(before.clone(), [supersede(Evidence::PushUnregistered)]);
    assert_eq!((device.phase, device.waiting().count()), (Phase::Superseded, 0));
    assert_eq!(device.decide(&revive("idle", NOW.plus_seconds(REVIVABLE_SECONDS))), Ok(vec![]));
    let last = revive("idle", NOW.plus_seconds(REVIVABLE_SECONDS - 1));
    assert_eq!(device.decide(&last), Ok(vec![Event::DeviceRevived { superseded_by: OTHER }]));
    let mut revived = given_more(device, [last]);
    assert_eq!(revived.waiting().count(), 1);
    assert!(revived.claims.survived.remove(&OTHER));
    assert_eq!(revived, before, "the device is unchanged");
}

#[test]
fn what_an_older_version_ended_on_a_claim_comes_back_at_any_time() {
    let device = ended_on_a_claim(given_more(enrolled(), [queue(1, "DeviceInformation")]));
    let years_later = NOW.plus_seconds(2 * 365 * 24 * 3_600);
    let device = given_more(device, [revive("idle", years_later)]);
    assert_eq!((device.phase, device.waiting().count()), (Phase::Enrolled, 1));
}

#[test]
fn a_body_that_changed_something_once_revives_nothing() {
    let device = ended_on_a_claim(enrolled());
    assert_eq!(device.decide(&revive("a", NOW)), Ok(vec![]), "a replay of its Authenticate");
}

#[test]
fn the_check_out_of_a_superseded_device_confirms_its_end() {
    let device = given_more(ended_on_a_claim(enrolled()), [check_out()]);
    assert_eq!((device.phase, &device.revivable), (Phase::Superseded, &None));
    assert_eq!(device.decide(&revive("idle", NOW)), Ok(vec![]));
}

#[test]
fn a_proof_makes_a_conclusion_final() {
    let device = given_more(ended_on_a_claim(enrolled()), [supersede(Evidence::Attestation)]);
    assert_eq!(device.revivable, None);
}

#[test]
fn a_record_that_came_back_does_not_end_for_the_same_record_by_the_same_conclusion() {
    let device = given_more(unreachable(), [supersede(Evidence::PushUnregistered), revive("idle", NOW)]);
    assert!(device.push_dead_since.is_some());
    assert_eq!(device.decide(&supersede(Evidence::PushUnregistered)), Ok(vec![]));
    assert_eq!(given_more(device, [supersede(Evidence::Attestation)]).phase, Phase::Superseded);
}

#[test]
fn a_new_enrollment_in_the_same_stream_is_not_undone_by_the_old_identity() {
    let again = [authenticate(user_enrollment("E2"), "new-cert", "b"), token_update(user_enrollment("E2"), "t9")];
    let device = given_more(ended_on_a_claim(enrolled()), again);
    assert_eq!((device.phase, &device.revivable), (Phase::Enrolled, &None));
}

#[test]
fn a_claim_is_noted_and_dismissed_once() {
    let note = Command::NoteClaim { others: vec![OTHER], count: 1 };
    let device = given_more(enrolled(), [note.clone()]);
    assert!(device.claims_hardware_of(OTHER));
    assert_eq!(device.decide(&note), Ok(vec![]));
    let dismiss = Command::DismissClaim { other: OTHER };
    let device = given_more(device, [dismiss.clone()]);
    assert!(!device.claims_hardware_of(OTHER));
    assert_eq!(device.decide(&dismiss), Ok(vec![]));
    assert!(Device::default().decide(&dismiss).is_err());
}

#[test]
fn an_attestation_is_asked_for_at_most_once_in_seven_days() {
    let device = given_more(enrolled(), [ask(1, NOW)]);
    assert_eq!(device.waiting().count(), 1);
    let refused = Attestation::Refused(AttestationRefusal::OtherNonce);
    let device = given_more(device, [attests(1, CommandStatus::Acknowledged, Some(refused))]);
    assert_eq!(device.decide(&ask(2, NOW.plus_seconds(ATTESTATION_SECONDS - 1))), Ok(vec![]));
    assert_eq!(device.decide(&ask(2, NOW.plus_seconds(ATTESTATION_SECONDS))).unwrap().len(), 2);
}

#[test]
fn an_answer_without_an_attestation_is_on_record_as_that_and_one_that_is_put_off_is_none() {
    let device = given_more(enrolled(), [ask(1, NOW), next()]);
    for status in [CommandStatus::Acknowledged, CommandStatus::Error, CommandStatus::CommandFormatError] {
        let happened = device.decide(&attests(1, status, None)).unwrap();
        let why = AttestationRefusal::NotGiven;
        assert_eq!(
            happened.last(),
            Some(&Event::HardwareAttestationRefused { command: command_id(1), why }),
            "{status:?}"
        );
    }
    assert_eq!(device.decide(&attests(1, CommandStatus::NotNow, None)).unwrap().len(), 1);
}

#[test]
fn an_attestation_is_taken_once_and_only_from_the_command_that_asked_for_it() {
    let device = given_more(enrolled(), [queue(2, "DeviceInformation"), ask(1, NOW)]);
    let happened = device.decide(&attests(2, CommandStatus::Acknowledged, Some(proven()))).unwrap();
    assert_eq!(happened.len(), 1);
    let device = given_more(device, [attests(1, CommandStatus::Acknowledged, Some(proven()))]);
    assert!(device.claims.attested);
    assert_eq!(
        device.decide(&ask(3, NOW.plus_seconds(2 * ATTESTATION_SECONDS))),
        Ok(vec![]),
        "the hardware is already proven"
    );
}
