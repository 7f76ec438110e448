//! An enrollment issues one identity, with one of the served challenges.

use super::*;

#[test]
fn of_many_servings_the_first_to_issue_kills_the_challenges_of_the_rest() {
    let visit = given_more(served(&["one", "two"]), [issue("two", "key", "1")]);
    assert_eq!(visit.decide(&issue("one", "other", "2")), Err(Refusal::UnknownChallenge));
}

#[test]
fn a_repeated_request_with_the_same_key_changes_nothing() {
    let visit = given_more(served(&["one"]), [issue("one", "key", "1")]);
    assert_eq!(visit.decide(&issue("one", "key", "2")), Ok(vec![]));
    assert_eq!(visit.identity.expect("issued").certificate.serial, "1");
}

#[test]
fn a_used_challenge_issues_nothing_to_another_key() {
    let visit = given_more(served(&["one"]), [issue("one", "key", "1")]);
    assert_eq!(visit.decide(&issue("one", "stranger", "2")), Err(Refusal::ChallengeUsed));
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
    let visit =
        given_more(served(&["one"]), [issue("one", "key", "1"), serve_mdm(EnrollmentKind::DeviceEnrollment, "two")]);
    let happened = then(&visit, &issue("two", "new-key", "2"));
    assert_eq!(happened[0], Event::IdentityRevoked { fingerprint: "fingerprint-1".into() });
    let visit = happened.iter().fold(visit, Visit::evolve);
    assert_eq!(visit.identity.expect("issued").certificate.serial, "2");
}

#[test]
fn once_the_device_is_enrolled_no_profile_is_served_and_no_challenge_issues() {
    let visit = served(&["one"]);
    let serve = Command::ServeMdmProfile {
        verified_by: None,
        profile: profile(EnrollmentKind::DeviceEnrollment),
        challenge: secret("two"),
        challenge_expires: NOW.plus_seconds(1),
        device_enrolled: true,
    };
    assert_eq!(visit.decide(&serve), Err(Refusal::DeviceEnrolled));
    let Command::IssueIdentity { now, challenge, transaction, certificate, .. } = issue("one", "key", "1") else {
        unreachable!()
    };
    let late = Command::IssueIdentity { now, challenge, transaction, certificate, device_enrolled: true };
    assert_eq!(visit.decide(&late), Err(Refusal::DeviceEnrolled));
}

#[test]
fn a_refused_enrollment_revokes_the_identity_that_came_of_it() {
    let visit = given_more(served(&["one"]), [issue("one", "key", "1")]);
    let happened = then(&visit, &Command::Refuse { why: EnrollmentRefusal::WrongMode, device_enrolled: false });
    assert_eq!(happened[1], Event::IdentityRevoked { fingerprint: "fingerprint-1".into() });
    let visit = happened.iter().fold(visit, Visit::evolve);
    assert_eq!(visit.identity, None);
    assert_eq!(visit.decide(&issue("one", "key", "2")), Err(Refusal::OutOfStep(visit.step())));
}

#[test]
fn an_enrolled_devices_identity_is_never_revoked_by_a_refusal() {
    let visit = given_more(served(&["one"]), [issue("one", "key", "1")]);
    let refuse = Command::Refuse { why: EnrollmentRefusal::AccountDrivenOnly, device_enrolled: true };
    assert_eq!(visit.decide(&refuse), Ok(vec![]));
}

#[test]
fn an_abandoned_visit_revokes_the_identity_that_was_never_used() {
    let visit = given_more(served(&["one"]), [issue("one", "key", "1"), Command::Abandon { device_enrolled: false }]);
    assert_eq!((visit.end, visit.identity), (Some(End::Abandoned), None));
}
