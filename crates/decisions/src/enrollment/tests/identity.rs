//! An enrollment issues one identity, with one of the served challenges.

use super::*;

#[test]
fn of_many_servings_the_first_to_issue_kills_the_challenges_of_the_rest() {
    let enrollment = given_more(served(&["one", "two"]), [issue("two", "key", "1")]);
    assert_eq!(enrollment.decide(&issue("one", "other", "2")), Err(Refusal::UnknownChallenge));
}

#[test]
fn a_repeated_request_with_the_same_key_changes_nothing() {
    let enrollment = given_more(served(&["one"]), [issue("one", "key", "1")]);
    assert_eq!(enrollment.decide(&issue("one", "key", "2")), Ok(vec![]));
    assert_eq!(enrollment.identity.expect("issued").certificate.serial, "1");
}

#[test]
fn a_used_challenge_issues_nothing_to_another_key() {
    let enrollment = given_more(served(&["one"]), [issue("one", "key", "1")]);
    assert_eq!(enrollment.decide(&issue("one", "stranger", "2")), Err(Refusal::ChallengeUsed));
}

#[test]
fn an_expired_challenge_issues_nothing() {
    let Command::IssueIdentity { challenge, transaction, certificate, .. } = issue("one", "key", "1") else {
        unreachable!()
    };
    let late = Command::IssueIdentity {
        now: NOW.plus_seconds(3_600),
        challenge,
        transaction,
        certificate,
        device_enrolled: false,
    };
    assert_eq!(served(&["one"]).decide(&late), Err(Refusal::ExpiredChallenge));
}

#[test]
fn an_unknown_challenge_issues_nothing() {
    assert_eq!(served(&["one"]).decide(&issue("made-up", "key", "1")), Err(Refusal::UnknownChallenge));
}

#[test]
fn a_profile_taken_again_replaces_the_unused_identity() {
    let enrollment =
        given_more(served(&["one"]), [issue("one", "key", "1"), serve_mdm(EnrollmentKind::DeviceEnrollment, "two")]);
    let happened = then(&enrollment, &issue("two", "new-key", "2"));
    assert_eq!(happened[0], Event::IdentityRevoked { fingerprint: "fingerprint-1".into() });
    let enrollment = happened.iter().fold(enrollment, Enrollment::evolve);
    assert_eq!(enrollment.identity.expect("issued").certificate.serial, "2");
}

#[test]
fn once_the_device_is_enrolled_no_profile_is_served_and_no_challenge_issues() {
    let enrollment = served(&["one"]);
    let serve = Command::ServeMdmProfile {
        verified_by: None,
        profile: profile(EnrollmentKind::DeviceEnrollment),
        challenge: secret("two"),
        challenge_expires: NOW.plus_seconds(1),
        device_enrolled: true,
    };
    assert_eq!(enrollment.decide(&serve), Err(Refusal::DeviceEnrolled));
    let Command::IssueIdentity { now, challenge, transaction, certificate, .. } = issue("one", "key", "1") else {
        unreachable!()
    };
    let late = Command::IssueIdentity { now, challenge, transaction, certificate, device_enrolled: true };
    assert_eq!(enrollment.decide(&late), Err(Refusal::DeviceEnrolled));
}

#[test]
fn a_refused_enrollment_revokes_the_identity_that_came_of_it() {
    let enrollment = given_more(served(&["one"]), [issue("one", "key", "1")]);
    let happened = then(&enrollment, &Command::Refuse { why: EnrollmentRefusal::WrongMode, device_enrolled: false });
    assert_eq!(happened[1], Event::IdentityRevoked { fingerprint: "fingerprint-1".into() });
    let enrollment = happened.iter().fold(enrollment, Enrollment::evolve);
    assert_eq!(enrollment.identity, None);
    assert_eq!(enrollment.decide(&issue("one", "key", "2")), Err(Refusal::OutOfStep(enrollment.step())));
}

#[test]
fn an_enrolled_devices_identity_is_never_revoked_by_a_refusal() {
    let enrollment = given_more(served(&["one"]), [issue("one", "key", "1")]);
    let refuse = Command::Refuse { why: EnrollmentRefusal::AccountDrivenOnly, device_enrolled: true };
    assert_eq!(enrollment.decide(&refuse), Ok(vec![]));
}

#[test]
fn an_abandoned_enrollment_revokes_the_identity_that_was_never_used() {
    let enrollment =
        given_more(served(&["one"]), [issue("one", "key", "1"), Command::Abandon { device_enrolled: false }]);
    assert_eq!((enrollment.end, enrollment.identity), (Some(End::Abandoned), None));
}
