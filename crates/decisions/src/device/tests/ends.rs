//! Answers after the end of management, records hidden from lists, and the commands that a push was sent for.

use super::*;
use events::device::{DeviceId, SupersessionEvidence};
use uuid::Uuid;

const OTHER: DeviceId = DeviceId(Uuid::from_u128(99));

fn superseded() -> Device {
    let evidence = SupersessionEvidence::Attestation;
    given_more(enrolled(), [Command::Supersede { by: OTHER, evidence, now: NOW }])
}

#[test]
fn a_device_that_left_and_repeats_itself_is_told_that_its_management_ended() {
    let left = given_more(enrolled(), [check_out()]);
    for said in [authenticate(user_enrollment("E1"), "cert", "a"), token_update(user_enrollment("E1"), "t1")] {
        assert_eq!(left.decide(&said), Err(Refusal::Ended(Phase::CheckedOut)), "{said:?}");
        assert_eq!(enrolled().decide(&said), Ok(vec![]), "the message changes nothing while the device is managed");
    }
}

#[test]
fn the_check_out_of_a_record_that_ended_on_a_proof_is_no_news() {
    assert_eq!(superseded().phase, Phase::Superseded);
    assert_eq!(superseded().decide(&check_out()), Ok(vec![]));
}

#[test]
fn a_record_is_hidden_and_shown_again_once_each_and_none_is_made_by_hiding_it() {
    let nobody = Device::default();
    for command in [Command::Archive, Command::Restore] {
        assert_eq!(nobody.decide(&command), Err(Refusal::NotEnrolled(Phase::Unknown)));
    }
    assert_eq!(enrolled().decide(&Command::Restore), Ok(vec![]));
    let hidden = given_more(enrolled(), [Command::Archive]);
    assert!(hidden.archived);
    assert_eq!(hidden.decide(&Command::Archive), Ok(vec![]));
    assert!(!given_more(hidden, [Command::Restore]).archived);
}

#[test]
fn a_push_was_for_what_was_put_off_before_it_and_not_for_what_was_put_off_since() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), next(), answer(1, CommandStatus::NotNow, "1")]);
    let push = |put_offs| device.decide(&Command::RecordPush { apns_id: None, again: false, put_offs }).expect("taken");
    let pushed = |put_off_since| vec![Event::DevicePushed { apns_id: None, put_off_since }];
    assert_eq!((push(Some(0)), push(Some(1)), push(None)), (pushed(true), pushed(false), pushed(false)));
}

#[test]
fn apple_counts_its_days_by_the_hardware_over_the_end_of_a_management() {
    let ask =
        Command::RequestAttestation { id: command_id(7), payload: CommandPayload::Plain("<plist/>".into()), now: NOW };
    let asked = given_more(enrolled(), [ask, Command::NoteClaim { others: vec![OTHER], count: 1 }, check_out()]);
    let again = given_more(asked.clone(), [authenticate(user_enrollment("E1"), "another cert", "b")]);
    assert_eq!(again.claims.ask_again_after, asked.claims.ask_again_after);
    assert!(
        again.claims.ask_again_after.is_some() && again.claims.others.is_empty(),
        "the new enrollment has no claim yet"
    );
}

#[test]
fn contact_is_watched_from_a_later_enrollment_to_the_next_contact_and_only_of_a_managed_device() {
    let watch = Command::WatchContact { successor: DeviceId(Uuid::from_u128(77)) };
    let watched = given_more(enrolled(), [watch.clone()]);
    assert!(watched.contact_watched);
    assert_eq!(watched.decide(&watch), Ok(vec![]));
    assert!(!given_more(watched.clone(), [Command::HearFrom]).contact_watched);
    let left = given_more(enrolled(), [check_out()]);
    assert_eq!(left.decide(&watch), Ok(vec![]), "no contact is expected");
}
