mod addresses;
mod claim;
mod draws;
mod ends;
mod known;
mod queue;
mod renewal;
mod times;

use super::{Command, CommandState, Device, Phase, Refusal};
use crate::Aggregate;
use crate::examples::{ADA, ENROLLMENT, NOW, body, certificate, command_id, device_enrollment, push, user_enrollment};
use events::Timestamp;
use events::device::{
    CommandPayload, CommandStatus, DeviceEvent as Event, DeviceIdentifiers, InventoryValue, Priority, PushAddress,
    UnenrolledBy,
};
use events::enrollment::{EnrollmentKind, OsVersion};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

#[track_caller]
fn given(commands: impl IntoIterator<Item = Command>) -> Device {
    given_more(Device::default(), commands)
}

#[track_caller]
fn given_more(device: Device, commands: impl IntoIterator<Item = Command>) -> Device {
    commands.into_iter().fold(device, |device, command| {
        let happened = device.decide(&command).expect("what is given is possible");
        happened.iter().fold(device, Device::evolve)
    })
}

fn authenticate(identifiers: DeviceIdentifiers, certificate: &str, text: &str) -> Command {
    Command::Authenticate {
        person: ADA,
        intended: identifiers.kind(),
        identifiers,
        certificate: certificate.into(),
        topic: "com.apple.mgmt.External.example".into(),
        os_version: OsVersion::parse("17.5"),
        build_version: None,
        product_name: Some("iPhone14,5".into()),
        body: body(text),
    }
}

fn token_update(identifiers: DeviceIdentifiers, token: &str) -> Command {
    token_update_by("cert", identifiers, token)
}

/// A TokenUpdate signed with this certificate.
fn token_update_by(certificate: &str, identifiers: DeviceIdentifiers, token: &str) -> Command {
    let body = body(&format!("token-{token}-{certificate}"));
    Command::TokenUpdate { identifiers, push: push(token), certificate: certificate.into(), body }
}

fn check_out() -> Command {
    Command::CheckOut { body: body("check-out") }
}

fn queue(n: u128, request_type: &str) -> Command {
    Command::QueueCommand {
        id: command_id(n),
        request_type: request_type.into(),
        payload: CommandPayload::Plain(format!("<plist>{request_type}</plist>")),
        unenrolls: request_type == "RemoveProfile",
        priority: Priority::Normal,
        expires: None,
    }
}

/// Same as `queue`, with this priority and expiry.
fn queue_on(n: u128, request_type: &str, priority: Priority, expires: Option<Timestamp>) -> Command {
    let Command::QueueCommand { id, request_type, payload, unenrolls, .. } = queue(n, request_type) else {
        unreachable!()
    };
    Command::QueueCommand { id, request_type, payload, unenrolls, priority, expires }
}

fn cancel(n: u128) -> Command {
    Command::CancelCommand { id: command_id(n) }
}

fn answer(n: u128, status: CommandStatus, text: &str) -> Command {
    Command::AnswerCommand {
        id: command_id(n),
        status,
        errors: vec![],
        rejection: None,
        body: body(text),
        left_out: BTreeSet::new(),
        inventory: BTreeMap::new(),
        apps: BTreeMap::new(),
        attestation: None,
    }
}

fn next() -> Command {
    Command::NextCommand { not_now: vec![], now: NOW }
}

fn enrolled() -> Device {
    given([authenticate(user_enrollment("E1"), "cert", "a"), token_update(user_enrollment("E1"), "t1")])
}

#[test]
fn a_device_is_enrolled_by_its_first_token_update_and_not_before() {
    let device = given([authenticate(user_enrollment("E1"), "cert", "a")]);
    assert_eq!(device.phase, Phase::Authenticated);
    let device = given_more(device, [token_update(user_enrollment("E1"), "t1")]);
    assert_eq!(device.phase, Phase::Enrolled);
}

#[test]
fn the_mode_that_arrives_must_be_the_mode_that_was_issued() {
    let Command::Authenticate { person, certificate, topic, body, .. } =
        authenticate(device_enrollment("U1"), "cert", "a")
    else {
        unreachable!()
    };
    let command = Command::Authenticate {
        person,
        intended: EnrollmentKind::UserEnrollment,
        identifiers: device_enrollment("U1"),
        certificate,
        topic,
        os_version: None,
        build_version: None,
        product_name: None,
        body,
    };
    let refusal =
        Refusal::WrongMode { intended: EnrollmentKind::UserEnrollment, arrived: EnrollmentKind::DeviceEnrollment };
    assert_eq!(Device::default().decide(&command), Err(refusal));
}

#[test]
fn a_token_update_without_authenticate_is_refused() {
    let command = token_update(user_enrollment("E1"), "t1");
    assert_eq!(Device::default().decide(&command), Err(Refusal::NotAuthenticated));
    assert_eq!(Device::default().decide(&check_out()), Err(Refusal::NotAuthenticated));
}

#[test]
fn a_message_that_comes_twice_changes_nothing() {
    let device = enrolled();
    assert_eq!(device.decide(&authenticate(user_enrollment("E1"), "cert", "a")), Ok(vec![]));
    assert_eq!(device.decide(&token_update(user_enrollment("E1"), "t1")), Ok(vec![]));
}

#[test]
fn an_old_token_update_played_again_does_not_bring_the_old_token_back() {
    let device = given_more(enrolled(), [token_update(user_enrollment("E1"), "t2")]);
    let device = given_more(device, [token_update(user_enrollment("E1"), "t1")]);
    assert_eq!(device.push.expect("enrolled").token.text(), "t2");
}

#[test]
fn another_device_cannot_speak_with_this_ones_certificate() {
    assert_eq!(enrolled().decide(&token_update(user_enrollment("E2"), "t")), Err(Refusal::OtherDevice));
    assert_eq!(enrolled().decide(&authenticate(user_enrollment("E2"), "cert", "b")), Err(Refusal::OtherDevice));
}

#[test]
fn after_check_out_only_a_new_certificate_revives() {
    let device = given_more(enrolled(), [check_out()]);
    assert_eq!(device.phase, Phase::CheckedOut);
    assert_eq!(
        device.decide(&authenticate(user_enrollment("E1"), "cert", "b")),
        Err(Refusal::Ended(Phase::CheckedOut))
    );
    assert_eq!(device.decide(&token_update(user_enrollment("E1"), "t9")), Err(Refusal::Ended(Phase::CheckedOut)));
    let device = given_more(device, [authenticate(user_enrollment("E2"), "new-cert", "b")]);
    assert_eq!(device.phase, Phase::Authenticated);
}

#[test]
fn a_token_update_without_unlock_token_keeps_the_one_that_came_before() {
    let with_unlock = PushAddress { unlock_token: Some(push("unlock").token), ..push("t1") };
    let device = given([
        authenticate(device_enrollment("U1"), "cert", "a"),
        Command::TokenUpdate {
            identifiers: device_enrollment("U1"),
            push: with_unlock,
            certificate: "cert".into(),
            body: body("x"),
        },
        token_update(device_enrollment("U1"), "t2"),
    ]);
    let push = device.push.expect("enrolled");
    assert_eq!((push.token.text(), push.unlock_token.expect("kept").text()), ("t2", "unlock"));
}

#[test]
fn a_command_is_delivered_again_under_its_id_until_answered_and_recorded_once() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo")]);
    assert_eq!(device.decide(&next()), Ok(vec![Event::MdmCommandDelivered { command: command_id(1) }]));
    let device = given_more(device, [next()]);
    assert_eq!(device.decide(&next()), Ok(vec![]));
    assert_eq!(device.next_command(&[]).expect("still there").id, command_id(1));
    let device = given_more(device, [answer(1, CommandStatus::Acknowledged, "done")]);
    assert_eq!(device.next_command(&[]), None);
    assert_eq!(device.decide(&answer(1, CommandStatus::Acknowledged, "done again")), Ok(vec![]));
}

#[test]
fn a_command_that_is_put_off_is_skipped_in_this_conversation_and_stays_queued() {
    let device = given_more(
        enrolled(),
        [queue(1, "InstallProfile"), queue(2, "SecurityInfo"), next(), answer(1, CommandStatus::NotNow, "not now")],
    );
    assert_eq!(device.commands[0].status, CommandState::Deferred);
    assert_eq!(device.next_command(&[command_id(1)]).expect("the second").id, command_id(2));
    let device = given_more(device, [next(), answer(2, CommandStatus::Acknowledged, "done")]);
    assert_eq!(device.next_command(&[command_id(1)]), None, "not again in this conversation");
    assert_eq!(device.next_command(&[]).expect("the first").id, command_id(1));
    assert!(device.wants_push_again);
}

#[test]
fn a_command_that_is_put_off_again_after_a_push_wants_another_push() {
    let not_now = || answer(1, CommandStatus::NotNow, "not now");
    let device = given_more(enrolled(), [queue(1, "InstallProfile"), next(), not_now()]);
    assert_eq!(device.decide(&not_now()), Ok(vec![]));
    let device = given_more(device, [Command::RecordPush { apns_id: None, again: false, put_offs: None }]);
    assert!(!device.wants_push_again);
    assert!(given_more(device, [not_now()]).wants_push_again);
}

#[test]
fn a_command_that_is_put_off_while_a_push_is_on_its_way_wants_another_push() {
    let not_now = answer(1, CommandStatus::NotNow, "not now");
    let device = given_more(enrolled(), [queue(1, "InstallProfile"), next(), not_now]);
    let sent_before = Command::RecordPush { apns_id: None, again: true, put_offs: Some(0) };
    let happened = device.decide(&sent_before).unwrap();
    assert_eq!(happened, [Event::DevicePushed { apns_id: None, put_off_since: true }]);
    assert!(given_more(device, [sent_before]).wants_push_again);
}

#[test]
fn an_answer_to_an_unknown_command_changes_nothing() {
    assert_eq!(enrolled().decide(&answer(9, CommandStatus::Error, "x")), Ok(vec![]));
}

#[test]
fn a_queued_command_wants_one_push_and_a_device_that_came_by_itself_none() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo")]);
    assert!(device.wants_push);
    let pushed = Command::RecordPush { apns_id: None, again: false, put_offs: None };
    let after = given_more(device.clone(), [pushed.clone()]);
    assert_eq!(after.decide(&pushed), Ok(vec![]));
    assert!(!given_more(device, [next()]).wants_push);
}

#[test]
fn a_push_that_failed_is_wanted_again_unless_the_token_is_dead() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo")]);
    assert!(given_more(device.clone(), [push_failure("t1", None)]).wants_push_again);
    assert!(!given_more(device, [push_failure("t1", Some(NOW))]).wants_push_again);
}

fn push_failure(token: &str, unregistered_since: Option<events::Timestamp>) -> Command {
    Command::RecordPushFailure {
        to: push(token),
        status: None,
        reason: "no answer".into(),
        unregistered_since,
        again: false,
    }
}

#[test]
fn what_became_of_an_old_token_is_no_news() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), token_update(user_enrollment("E1"), "t2")]);
    assert_eq!(device.decide(&push_failure("t1", Some(NOW))), Ok(vec![]));
    assert!(given_more(device, [push_failure("t1", Some(NOW))]).push_dead_since.is_none());
}

#[test]
fn a_token_that_was_called_dead_lives_again_when_the_device_says_it_again() {
    let same = || token_update(user_enrollment("E1"), "t1");
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), push_failure("t1", Some(NOW))]);
    assert!(device.push_dead_since.is_some());
    let device = given_more(device, [same()]);
    assert!(device.push_dead_since.is_none() && device.wants_push);
    assert_eq!(device.decide(&same()), Ok(vec![]), "once");
}

#[test]
fn an_old_token_played_again_does_not_revive_a_dead_one() {
    let device = given_more(enrolled(), [token_update(user_enrollment("E1"), "t2"), queue(1, "SecurityInfo")]);
    let device = given_more(device, [push_failure("t2", Some(NOW))]);
    assert_eq!(device.decide(&token_update(user_enrollment("E1"), "t1")), Ok(vec![]));
}

#[test]
fn a_command_queued_twice_with_one_id_is_queued_once() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo")]);
    assert_eq!(device.decide(&queue(1, "SecurityInfo")), Ok(vec![]));
    assert_eq!(device.decide(&queue(1, "DeviceLock")), Err(Refusal::DuplicateCommand));
}

#[test]
fn nothing_is_queued_for_a_device_that_is_not_enrolled() {
    let waiting = given([authenticate(user_enrollment("E1"), "cert", "a")]);
    assert_eq!(waiting.decide(&queue(1, "SecurityInfo")), Err(Refusal::NotEnrolled(Phase::Authenticated)));
    let gone = given_more(enrolled(), [check_out()]);
    assert_eq!(gone.decide(&queue(1, "SecurityInfo")), Err(Refusal::Ended(Phase::CheckedOut)));
}

#[test]
fn what_a_personal_device_does_not_take_cannot_be_queued_and_the_refusal_says_why() {
    let Err(Refusal::CommandForbidden { request_type, why }) = enrolled().decide(&queue(1, "EraseDevice")) else {
        panic!("a personal device must not be erased")
    };
    assert_eq!(request_type, "EraseDevice");
    assert!(!why.is_empty());
    let institutional =
        given([authenticate(device_enrollment("U1"), "cert", "a"), token_update(device_enrollment("U1"), "t")]);
    assert!(institutional.decide(&queue(1, "EraseDevice")).is_ok());
}

#[test]
fn only_what_changed_is_reported() {
    let report = |n: u128, model: &str, text: &str| Command::AnswerCommand {
        id: command_id(n),
        status: CommandStatus::Acknowledged,
        errors: vec![],
        rejection: None,
        body: body(text),
        left_out: BTreeSet::new(),
        inventory: BTreeMap::from([
            ("Model".to_owned(), InventoryValue::Plain(json!(model))),
            ("OSVersion".to_owned(), InventoryValue::Plain(json!("17.5"))),
        ]),
        apps: BTreeMap::new(),
        attestation: None,
    };
    let device = given_more(enrolled(), [queue(1, "DeviceInformation"), queue(2, "DeviceInformation")]);
    let device = given_more(device, [report(1, "A", "one")]);
    let happened = device.decide(&report(2, "B", "two")).expect("accepted");
    let changes = BTreeMap::from([("Model".to_owned(), InventoryValue::Plain(json!("B")))]);
    assert_eq!(happened[1], Event::InventoryReported { changes });
}

#[test]
fn the_acknowledged_removal_of_the_profile_ends_management_and_the_check_out_after_it_does_not_change_by_whom() {
    let device = given_more(enrolled(), [queue(1, "RemoveProfile"), next()]);
    let happened = device.decide(&answer(1, CommandStatus::Acknowledged, "removed")).expect("accepted");
    assert_eq!(happened[1], Event::DeviceUnenrolled { by: UnenrolledBy::Server });
    let device = happened.iter().fold(device, Device::evolve);
    assert_eq!(given_more(device, [check_out()]).phase, Phase::Unenrolled);
}

#[test]
fn a_removal_that_failed_does_not_end_management() {
    let device = given_more(enrolled(), [queue(1, "RemoveProfile"), answer(1, CommandStatus::Error, "no")]);
    assert_eq!(device.phase, Phase::Enrolled);
}

#[test]
fn what_was_asked_of_one_management_is_not_asked_of_the_next() {
    let device = given_more(enrolled(), [queue(1, "RemoveProfile"), check_out()]);
    let again = [authenticate(user_enrollment("E2"), "new-cert", "b"), token_update(user_enrollment("E2"), "t9")];
    let device = given_more(device, again);
    assert_eq!(device.phase, Phase::Enrolled);
    assert_eq!(device.next_command(&[]), None);
    assert!(!device.wants_push);
    assert_eq!(device.decide(&answer(1, CommandStatus::Acknowledged, "late")), Ok(vec![]));
}

#[test]
fn what_the_old_token_was_woken_for_in_vain_the_new_one_is_woken_for() {
    let pushed = Command::RecordPush { apns_id: None, again: false, put_offs: None };
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), pushed]);
    assert!(given_more(device, [token_update(user_enrollment("E1"), "t2")]).wants_push);
}

#[test]
fn a_push_for_what_waits_unanswered_is_written_down_and_for_nothing_is_not() {
    let again = Command::RecordPush { apns_id: None, again: true, put_offs: None };
    assert_eq!(enrolled().decide(&again), Ok(vec![]));
    let pushed = Command::RecordPush { apns_id: None, again: false, put_offs: None };
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), pushed]);
    assert_eq!(device.decide(&again), Ok(vec![Event::DevicePushed { apns_id: None, put_off_since: false }]));
}

#[test]
fn a_renewal_with_the_same_key_long_after_is_another_renewal() {
    let renew = |serial, days: i64| {
        let mut identity = certificate("key", serial);
        identity.not_after = identity.not_after.plus_seconds(days * 86_400);
        Command::RenewIdentity { identity, transaction: "t".into() }
    };
    let device = given_more(enrolled(), [renew("1", 0)]);
    assert_eq!(device.decide(&renew("2", 1)), Ok(vec![]));
    assert_eq!(given_more(device, [renew("2", 300)]).renewed.len(), 2);
}

#[test]
fn a_renewal_repeated_with_the_same_key_issues_once() {
    let renew = |serial| Command::RenewIdentity { identity: certificate("key", serial), transaction: "t".into() };
    let device = given_more(enrolled(), [renew("1")]);
    assert_eq!(device.decide(&renew("2")), Ok(vec![]));
    assert_eq!(ENROLLMENT.device().enrollment(), ENROLLMENT);
}

mod any_sequence {
    use super::*;
    use proptest::prelude::*;

    fn any_command() -> impl Strategy<Value = Command> {
        let identifiers =
            prop_oneof![Just(user_enrollment("E1")), Just(user_enrollment("E2")), Just(device_enrollment("U1"))];
        let status = prop_oneof![
            Just(CommandStatus::Acknowledged),
            Just(CommandStatus::Error),
            Just(CommandStatus::CommandFormatError),
            Just(CommandStatus::NotNow)
        ];
        let request = prop_oneof![Just("SecurityInfo"), Just("RemoveProfile"), Just("EraseDevice")];
        let text = "[a-d]";
        prop_oneof![
            (identifiers.clone(), text, text).prop_map(|(id, cert, text)| authenticate(id, &cert, &text)),
            (identifiers, text).prop_map(|(id, token)| token_update(id, &token)),
            Just(check_out()),
            (0..4u128, request).prop_map(|(n, request)| queue(n, request)),
            (0..4u128).prop_map(cancel),
            Just(Command::ExpireCommands { now: NOW }),
            Just(next()),
            (0..4u128, status, text).prop_map(|(n, status, text)| answer(n, status, &text)),
            Just(Command::RecordPush { apns_id: None, again: false, put_offs: None }),
            claim::any_command(),
            Just(Command::Archive),
            Just(Command::Restore),
            renewal::any_command(),
        ]
    }

    fn assert_legal(device: &Device) {
        if device.phase == Phase::Enrolled {
            assert!(device.push.is_some() && device.person.is_some() && device.certificate.is_some());
        }
        if device.phase != Phase::Unknown {
            assert!(device.identifiers.is_some());
        }
        if device.phase.has_ended() {
            assert!(!device.wants_push && device.renewal.is_none() && device.reauthenticated.is_none());
        }
        assert!(device.revivable.is_none() || device.phase == Phase::Superseded);
        let mut ids: Vec<_> = device.commands.iter().map(|command| command.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), device.commands.len());
    }

    proptest! {
        #[test]
        fn leaves_a_legal_state_and_replay_equals_the_live_state(
            commands in proptest::collection::vec(any_command(), 0..60)
        ) {
            let mut live = Device::default();
            let mut log = vec![];
            for command in commands {
                if let Ok(happened) = live.decide(&command) {
                    live = happened.iter().fold(live, Device::evolve);
                    log.extend(happened);
                }
                assert_legal(&live);
            }
            prop_assert_eq!(Device::replay(&log), live);
        }
    }
}

#[test]
fn a_repeated_token_update_tells_the_address_again_if_its_key_was_lost() {
    let update = |token: &str| token_update(device_enrollment("A"), token);
    let mut device = given([authenticate(device_enrollment("A"), "cert", "1"), update("first"), update("second")]);
    let gone = |how: &str| serde_json::from_value(json!({ how: { "key": "device-1" } })).unwrap();
    device.push.as_mut().unwrap().token = gone("$erased");
    assert_eq!(device.decide(&update("second")), Ok(vec![]), "an erased key never comes back");
    device.push.as_mut().unwrap().token = gone("$lost");
    assert_eq!(device.decide(&update("first")), Ok(vec![]), "an address from before, played again");
    let known_again = device.decide(&update("second")).unwrap();
    let body = body("token-second-cert");
    assert_eq!(known_again, [Event::PushTokenRenewed { push: push("second"), body }]);
    let device = known_again.iter().fold(device, Device::evolve);
    assert_eq!(device.decide(&update("second")), Ok(vec![]));
}
