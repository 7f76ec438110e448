//! Renewal of the identity: one at a time, only with its own challenge. The device keeps its state.

use super::*;
use crate::examples::secret;
use events::device::RenewalFailure;
use events::enrollment::IssuedCertificate;

use proptest::prelude::*;

const NEW: &str = "fingerprint-2";

fn request(n: u128, challenge: &str) -> Command {
    Command::RequestRenewal {
        id: command_id(n),
        payload: CommandPayload::Plain("<plist>profile</plist>".into()),
        challenge: secret(challenge),
        challenge_expires: NOW.plus_seconds(1_000),
    }
}

fn issue(challenge: &str, key: &str, serial: &str) -> Command {
    issue_at(NOW, challenge, key, serial)
}

fn issue_at(now: Timestamp, challenge: &str, key: &str, serial: &str) -> Command {
    let (challenge, identity) = (secret(challenge), certificate(key, serial));
    Command::IssueRenewal { now, challenge, identity, transaction: "t".into() }
}

fn note(identity: IssuedCertificate) -> Command {
    Command::NoteIdentity { identity }
}

/// The certificate that the device enrolled with.
fn first() -> IssuedCertificate {
    IssuedCertificate { fingerprint: "cert".into(), ..certificate("old", "1") }
}

fn failed(why: RenewalFailure) -> Event {
    Event::IdentityRenewalFailed { why }
}

/// A device with a waiting command and a renewal whose certificate was issued.
fn renewing() -> Device {
    given_more(enrolled(), [queue(9, "SecurityInfo"), request(1, "c"), issue("c", "new", "2")])
}

fn reauthenticate() -> Command {
    authenticate(user_enrollment("E1"), NEW, "again")
}

#[test]
fn a_renewal_is_the_enrollment_profile_queued_anew_and_while_it_is_under_way_there_is_no_other() {
    let happened = enrolled().decide(&request(1, "c")).unwrap();
    assert_eq!(
        happened[0],
        Event::IdentityRenewalRequested {
            command: command_id(1),
            challenge: secret("c"),
            challenge_expires: NOW.plus_seconds(1_000),
        }
    );
    let Event::MdmCommandQueued { request_type, expires, unenrolls: false, .. } = &happened[1] else {
        panic!("{happened:?}")
    };
    assert_eq!((request_type.as_str(), *expires), ("InstallProfile", Some(NOW.plus_seconds(1_000))));
    let device = given_more(enrolled(), [request(1, "c")]);
    assert_eq!(device.decide(&request(2, "d")), Ok(vec![]));
    assert!(device.wants_push, "the device is woken for the renewal");
}

#[test]
fn only_an_enrolled_device_is_asked_to_renew_its_identity() {
    assert_eq!(Device::default().decide(&request(1, "c")), Err(Refusal::NotEnrolled(Phase::Unknown)));
    let left = given_more(enrolled(), [check_out()]);
    assert_eq!(left.decide(&request(1, "c")), Err(Refusal::Ended(Phase::CheckedOut)));
    assert_eq!(left.decide(&Command::RefuseRenewal), Err(Refusal::Ended(Phase::CheckedOut)));
}

#[test]
fn a_challenge_issues_once_and_again_to_the_same_key_only() {
    let device = given_more(enrolled(), [request(1, "c")]);
    assert_eq!(device.decide(&issue("other", "new", "2")), Err(Refusal::UnknownChallenge));
    let device = given_more(device, [issue("c", "new", "2")]);
    assert_eq!(device.decide(&issue("c", "new", "3")), Ok(vec![]), "the device may have lost the first answer");
    assert_eq!(device.decide(&issue("c", "other", "3")), Err(Refusal::ChallengeUsed));
    assert_eq!(device.renewed.len(), 1);
}

#[test]
fn a_challenge_dies_with_its_time_with_its_renewal_and_with_the_management() {
    let device = given_more(enrolled(), [request(1, "c")]);
    let late = issue_at(NOW.plus_seconds(1_000), "c", "new", "2");
    assert_eq!(device.decide(&late), Err(Refusal::ExpiredChallenge));
    let refused = given_more(device.clone(), [next(), answer(1, CommandStatus::Error, "no")]);
    assert_eq!(refused.decide(&issue("c", "new", "2")), Err(Refusal::ExpiredChallenge));
    let replaced = given_more(refused, [request(2, "d")]);
    assert_eq!(replaced.decide(&issue("c", "new", "2")), Err(Refusal::UnknownChallenge));
    let left = given_more(device, [check_out()]);
    assert_eq!(left.decide(&issue("c", "new", "2")), Err(Refusal::Ended(Phase::CheckedOut)));
}

#[test]
fn authenticate_with_the_renewed_certificate_is_no_enrollment_and_keeps_everything() {
    let before = renewing();
    let happened = before.decide(&reauthenticate()).unwrap();
    assert!(matches!(&happened[..], [Event::DeviceReauthenticated { certificate, .. }] if certificate == NEW));
    let device = given_more(before.clone(), [reauthenticate()]);
    assert_eq!((device.phase, &device.commands), (Phase::Enrolled, &before.commands));
    assert_eq!((device.inventory, device.identifiers), (before.inventory, before.identifiers));
}

#[test]
fn the_token_update_with_the_renewed_certificate_completes_the_renewal_and_enrolls_nobody() {
    let device = given_more(renewing(), [reauthenticate()]);
    let completed = Event::IdentityRenewalCompleted {
        fingerprint: NEW.into(),
        serial: "2".into(),
        not_after: certificate("new", "2").not_after,
    };
    for token in ["t1", "t2"] {
        let happened = device.decide(&token_update_by(NEW, user_enrollment("E1"), token)).unwrap();
        assert!(matches!(&happened[..], [Event::PushTokenRenewed { .. }, last] if *last == completed), "{happened:?}");
    }
    let device = given_more(device, [token_update_by(NEW, user_enrollment("E1"), "t2")]);
    assert_eq!((device.phase, device.renewal_under_way()), (Phase::Enrolled, None));
    let acknowledged = device.decide(&answer(1, CommandStatus::Acknowledged, "ok")).unwrap();
    assert!(matches!(&acknowledged[..], [Event::MdmCommandAnswered { .. }]), "{acknowledged:?}");
    assert_eq!(given_more(device, [request(2, "d")]).renewal_under_way().unwrap().command, command_id(2));
}

#[test]
fn a_token_update_with_the_old_certificate_completes_nothing() {
    let device = given_more(renewing(), [reauthenticate()]);
    let happened = device.decide(&token_update(user_enrollment("E1"), "t2")).unwrap();
    assert!(matches!(&happened[..], [Event::PushTokenRenewed { .. }]), "{happened:?}");
}

#[test]
fn acknowledged_before_authenticate_is_no_failure_until_its_time_is_over() {
    let device = given_more(renewing(), [next(), answer(1, CommandStatus::Acknowledged, "ok")]);
    assert!(device.renewal_under_way().is_some());
    let lapse = Command::LapseRenewal { command: command_id(1) };
    assert_eq!(device.decide(&lapse), Ok(vec![failed(RenewalFailure::NotUsed)]));
    let device = given_more(device, [lapse.clone()]);
    assert_eq!(device.decide(&lapse), Ok(vec![]), "once");
    // A late message is accepted.
    let device = given_more(device, [reauthenticate()]);
    let happened = device.decide(&token_update_by(NEW, user_enrollment("E1"), "t2")).unwrap();
    assert!(matches!(happened.last(), Some(Event::IdentityRenewalCompleted { .. })), "{happened:?}");
}

#[test]
fn whatever_ends_the_command_ends_the_renewal() {
    let fetched = given_more(renewing(), [next()]);
    let happened = fetched.decide(&answer(1, CommandStatus::Error, "no")).unwrap();
    assert_eq!(happened.last(), Some(&failed(RenewalFailure::Refused)));
    let not_now = fetched.decide(&answer(1, CommandStatus::NotNow, "later")).unwrap();
    assert!(matches!(&not_now[..], [Event::MdmCommandAnswered { .. }]), "{not_now:?}");
    let expire = Command::ExpireCommands { now: NOW.plus_seconds(1_000) };
    let expired = Event::MdmCommandExpired { command: command_id(1) };
    assert_eq!(fetched.decide(&expire), Ok(vec![expired.clone(), failed(RenewalFailure::NotUsed)]));
    let waiting = given_more(enrolled(), [request(1, "c")]);
    assert_eq!(waiting.decide(&expire), Ok(vec![expired.clone(), failed(RenewalFailure::NotFetched)]));
    let lapse = Command::LapseRenewal { command: command_id(1) };
    assert_eq!(waiting.decide(&lapse), Ok(vec![expired, failed(RenewalFailure::NotFetched)]));
    let cancelled = Event::MdmCommandCancelled { command: command_id(1) };
    assert_eq!(waiting.decide(&cancel(1)), Ok(vec![cancelled, failed(RenewalFailure::Cancelled)]));
}

#[test]
fn other_commands_end_no_renewal() {
    let device = given_more(renewing(), [next()]);
    let happened = device.decide(&answer(9, CommandStatus::Error, "no")).unwrap();
    assert!(matches!(&happened[..], [Event::MdmCommandAnswered { .. }]), "{happened:?}");
    assert_eq!(device.decide(&Command::LapseRenewal { command: command_id(9) }), Ok(vec![]));
}

#[test]
fn a_renewal_that_is_not_permitted_is_written_down_and_not_beside_one_that_is_under_way() {
    assert_eq!(enrolled().decide(&Command::RefuseRenewal), Ok(vec![failed(RenewalFailure::NotPermitted)]));
    assert_eq!(renewing().decide(&Command::RefuseRenewal), Ok(vec![]));
}

#[test]
fn other_hardware_does_not_come_with_the_renewed_certificate_but_another_enrollment_id_may() {
    let by_hardware =
        given([authenticate(device_enrollment("U1"), "cert", "a"), token_update(device_enrollment("U1"), "t1")]);
    let by_hardware = given_more(by_hardware, [request(1, "c"), issue("c", "new", "2")]);
    let other = authenticate(device_enrollment("U2"), NEW, "other");
    assert_eq!(by_hardware.decide(&other), Err(Refusal::OtherDevice));
    // It is not documented whether EnrollmentID stays the same, and the device may still return to the old profile.
    let device = given_more(renewing(), [authenticate(user_enrollment("E2"), NEW, "again")]);
    assert!(device.is(&user_enrollment("E2")) && device.is(&user_enrollment("E1")));
    assert!(!device.is(&user_enrollment("E3")));
}

#[test]
fn a_re_enrollment_while_a_renewal_is_pending_is_one_and_leaves_nothing_of_the_renewal() {
    let left = given_more(renewing(), [check_out()]);
    let again = authenticate(user_enrollment("E2"), "issued-anew", "again");
    let happened = left.decide(&again).unwrap();
    assert!(matches!(&happened[..], [Event::DeviceAuthenticated { .. }]), "{happened:?}");
    let device = given_more(left, [again, token_update_by("issued-anew", user_enrollment("E2"), "t5")]);
    assert_eq!((device.phase, &device.renewal, &device.renewed), (Phase::Enrolled, &None, &vec![]));
    assert_eq!(device.decide(&issue("c", "new", "3")), Err(Refusal::UnknownChallenge));
}

#[test]
fn after_the_end_no_certificate_of_the_time_before_revives_neither_renewed_nor_replaced() {
    let completed = given_more(renewing(), [reauthenticate(), token_update_by(NEW, user_enrollment("E1"), "t2")]);
    let left = given_more(completed, [check_out()]);
    for certificate in ["cert", NEW] {
        let again = authenticate(user_enrollment("E1"), certificate, "once more");
        assert_eq!(left.decide(&again), Err(Refusal::Ended(Phase::CheckedOut)), "{certificate}");
    }
}

#[test]
fn what_device_said_once_with_the_renewed_certificate_changes_nothing_when_it_is_played_again() {
    let completed = given_more(renewing(), [reauthenticate(), token_update_by(NEW, user_enrollment("E1"), "t2")]);
    assert_eq!(completed.decide(&reauthenticate()), Ok(vec![]));
    assert_eq!(completed.decide(&token_update_by(NEW, user_enrollment("E1"), "t2")), Ok(vec![]));
}

#[test]
fn a_device_that_asks_with_the_identity_it_had_before_went_back_to_it_which_is_written_down_once() {
    let old = note(first());
    let device = given_more(renewing(), [reauthenticate()]);
    assert_eq!(device.decide(&old), Ok(vec![]), "the renewal is not completed yet");
    let completed = given_more(device, [token_update_by(NEW, user_enrollment("E1"), "t2")]);
    assert_eq!(completed.decide(&note(certificate("new", "2"))), Ok(vec![]));
    let happened = completed.decide(&old).unwrap();
    assert!(matches!(&happened[..], [Event::IdentityRolledBack { serial, .. }] if serial == "1"), "{happened:?}");
    let back = given_more(completed.clone(), [old.clone()]);
    assert_eq!(back.decide(&old), Ok(vec![]));
    assert_eq!(
        given_more(completed.clone(), [request(2, "d")]).decide(&old),
        Ok(vec![]),
        "another renewal is in progress"
    );
    assert_eq!(given_more(completed, [check_out()]).decide(&old), Ok(vec![]));
}

#[test]
fn a_device_that_went_back_is_woken_where_it_listened_before_and_forward_again_where_it_listens_then() {
    let before = enrolled().push;
    let completed = given_more(renewing(), [reauthenticate(), token_update_by(NEW, user_enrollment("E1"), "t2")]);
    let after = completed.push.clone();
    assert_ne!(before, after);
    let back = given_more(completed, [note(first())]);
    assert_eq!(back.push, before);
    // The device may repeat its earlier message. It is ignored, because it may be a replay.
    assert_eq!(back.decide(&token_update_by("cert", user_enrollment("E1"), "t1")), Ok(vec![]));
    let forward = given_more(back.clone(), [note(certificate("new", "2"))]);
    assert_eq!(forward.push, after);
    let elsewhere =
        given_more(back, [token_update_by("cert", user_enrollment("E1"), "t3"), note(certificate("new", "2"))]);
    assert_eq!(elsewhere.push, after);
}

#[test]
fn what_came_by_renewal_req_counts_from_the_day_that_the_device_speaks_with_it() {
    let by_itself = |key: &str, serial: &str| Command::RenewIdentity {
        identity: certificate(key, serial),
        transaction: "t".into(),
    };
    let device = given_more(enrolled(), [by_itself("new", "2")]);
    assert_eq!(device.decide(&note(first())), Ok(vec![]), "the device may have lost the answer");
    let happened = device.decide(&note(certificate("new", "2"))).unwrap();
    assert!(matches!(&happened[..], [Event::IdentityRenewalCompleted { serial, .. }] if serial == "2"), "{happened:?}");
    let device = given_more(device, [note(certificate("new", "2"))]);
    assert_eq!(device.decide(&note(certificate("new", "2"))), Ok(vec![]));

    let again = given_more(device, [by_itself("newer", "3"), note(certificate("newer", "3"))]);
    let back = again.decide(&note(certificate("new", "2"))).unwrap();
    assert!(matches!(&back[..], [Event::IdentityRolledBack { serial, .. }] if serial == "2"), "{back:?}");
}

#[test]
fn a_renewal_req_after_a_completed_renewal_is_no_way_back() {
    let completed = given_more(renewing(), [reauthenticate(), token_update_by(NEW, user_enrollment("E1"), "t2")]);
    let by_itself = Command::RenewIdentity { identity: certificate("newer", "3"), transaction: "t".into() };
    let device = given_more(completed, [by_itself]);
    let happened = device.decide(&note(certificate("newer", "3"))).unwrap();
    assert!(matches!(&happened[..], [Event::IdentityRenewalCompleted { serial, .. }] if serial == "3"), "{happened:?}");
}

#[test]
fn an_enrolled_device_that_says_authenticate_once_more_with_the_identity_it_has_stays_enrolled() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo")]);
    let happened = device.decide(&authenticate(user_enrollment("E1"), "cert", "other bytes")).unwrap();
    assert!(matches!(happened[..], [Event::DeviceReauthenticated { .. }]), "{happened:?}");
    let device = given_more(device, [authenticate(user_enrollment("E1"), "cert", "other bytes")]);
    // The TokenUpdate that follows may be identical to the earlier one.
    assert_eq!(device.decide(&token_update(user_enrollment("E1"), "t1")), Ok(vec![]));
    assert_eq!(device.phase, Phase::Enrolled);
    assert_eq!(device.waiting().count(), 1);
    let other = authenticate(user_enrollment("E2"), "cert", "other id");
    assert_eq!(device.decide(&other), Err(Refusal::OtherDevice));
}

pub(super) fn any_command() -> impl Strategy<Value = Command> {
    let serial = || "[1-4]";
    let fingerprint = serial().prop_map(|serial| format!("fingerprint-{serial}"));
    prop_oneof![
        (10..14u128, "[a-c]").prop_map(|(n, challenge)| request(n, &challenge)),
        (0..2_000i64, "[a-c]", "[k-l]", serial()).prop_map(|(at, challenge, key, serial)| issue_at(
            NOW.plus_seconds(at),
            &challenge,
            &key,
            &serial
        )),
        (fingerprint.clone(), "[a-d]").prop_map(|(certificate, text)| authenticate(
            user_enrollment("E1"),
            &certificate,
            &text
        )),
        (fingerprint, "[a-d]").prop_map(|(certificate, token)| token_update_by(
            &certificate,
            user_enrollment("E1"),
            &token
        )),
        (10..14u128).prop_map(|n| Command::LapseRenewal { command: command_id(n) }),
        (10..14u128).prop_map(|n| answer(n, CommandStatus::Error, "no")),
        Just(Command::RefuseRenewal),
        serial().prop_map(|serial| Command::NoteIdentity { identity: certificate("key", &serial) }),
    ]
}
