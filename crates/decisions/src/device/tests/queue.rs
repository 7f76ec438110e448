//! The command queue: order, cancellation and expiry, and that no command blocks the others forever.

use super::*;
use crate::device::Draws;
use crate::examples::sealed;
use events::device::{AnswerFault, AppStatus, CommandPayload};
use proptest::prelude::*;

fn next_id(device: &Device) -> Option<events::device::CommandId> {
    device.next_command(&[]).map(|command| command.id)
}

#[test]
fn the_most_urgent_command_comes_first_and_among_equals_the_oldest() {
    let device = given_more(
        enrolled(),
        [
            queue_on(1, "ProfileList", Priority::Background, None),
            queue(2, "InstallProfile"),
            queue(3, "InstallProfile"),
            queue_on(4, "DeviceLock", Priority::Urgent, None),
        ],
    );
    let mut device = device;
    for n in [4, 2, 3, 1] {
        assert_eq!(next_id(&device), Some(command_id(n)));
        device = given_more(device, [next(), answer(n, CommandStatus::Acknowledged, &format!("done {n}"))]);
    }
    assert_eq!(next_id(&device), None);
}

#[test]
fn a_command_that_is_called_off_is_never_sent_again_and_stays_in_the_record() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), next(), cancel(1)]);
    assert_eq!(next_id(&device), None);
    assert_eq!(device.commands[0].status, CommandState::Cancelled);
    assert!(!device.wants_push, "no command is left that needs a push");
    assert_eq!(device.decide(&cancel(1)), Ok(vec![]), "a second cancellation changes nothing");
    assert_eq!(device.decide(&cancel(9)), Err(Refusal::UnknownCommand));
}

#[test]
fn what_a_device_did_before_it_was_called_off_is_written_down_once() {
    let device = given_more(enrolled(), [queue(1, "DeviceLock"), next(), cancel(1)]);
    let happened = device.decide(&answer(1, CommandStatus::Acknowledged, "locked")).expect("taken");
    assert_eq!(happened.len(), 1, "{happened:?}");
    let device = happened.iter().fold(device, Device::evolve);
    assert_eq!(device.decide(&answer(1, CommandStatus::Acknowledged, "locked, again")), Ok(vec![]));
    assert_eq!(
        device.decide(&cancel(1)),
        Err(Refusal::AnsweredCommand { request_type: "DeviceLock".into() }),
        "the command is already answered"
    );
    let never_sent = given_more(enrolled(), [queue(1, "DeviceLock"), cancel(1)]);
    assert_eq!(never_sent.decide(&answer(1, CommandStatus::Acknowledged, "made up")), Ok(vec![]));
}

fn ask(n: u128, payload: CommandPayload) -> Command {
    let Command::QueueCommand { id, request_type, unenrolls, priority, expires, .. } = queue(n, "DeviceInformation")
    else {
        unreachable!()
    };
    Command::QueueCommand { id, request_type, payload, unenrolls, priority, expires }
}

#[test]
fn the_text_of_a_settled_question_is_forgotten_and_the_question_is_still_known() {
    let plain = |text: &str| CommandPayload::Plain(text.repeat(200));
    let device = given_more(enrolled(), [ask(1, plain("question ")), next()]);
    assert_eq!(device.commands[0].payload, plain("question "), "the device may ask for it again");
    let device = given_more(device, [answer(1, CommandStatus::Acknowledged, "done")]);
    assert_eq!(device.commands[0].payload, CommandPayload::Plain(String::new()));
    assert_eq!(device.decide(&ask(1, plain("question "))), Ok(vec![]));
    assert_eq!(device.decide(&ask(1, plain("another "))), Err(Refusal::DuplicateCommand));
    assert_eq!(device.decide(&ask(1, plain(""))), Err(Refusal::DuplicateCommand));
}

#[test]
fn of_a_settled_command_that_may_be_answered_or_installed_or_is_sealed_nothing_is_forgotten() {
    let plain = CommandPayload::Plain("question".into());
    let late = given_more(enrolled(), [ask(1, plain.clone()), next(), cancel(1)]);
    assert_eq!(late.commands[0].payload, plain);
    let never_sent = given_more(enrolled(), [ask(1, plain.clone()), cancel(1)]);
    assert_eq!(never_sent.commands[0].payload, CommandPayload::Plain(String::new()));
    let sealed = CommandPayload::Sealed(sealed("code"));
    let done = || [next(), answer(1, CommandStatus::Acknowledged, "done")];
    let secret = given_more(given_more(enrolled(), [ask(1, sealed.clone())]), done());
    assert_eq!(secret.commands[0].payload, sealed);
    let install = given_more(enrolled(), [queue(1, "InstallProfile")]);
    let before = install.commands[0].payload.clone();
    assert_eq!(given_more(install, done()).commands[0].payload, before);
}

#[test]
fn a_command_whose_time_is_over_is_not_handed_out_even_before_the_timer_comes_by() {
    let later = NOW.plus_seconds(60);
    let device =
        given_more(enrolled(), [queue_on(1, "DeviceLock", Priority::Urgent, Some(later)), queue(2, "SecurityInfo")]);
    assert_eq!(device.decide(&Command::ExpireCommands { now: NOW }), Ok(vec![]));
    let poll = Command::NextCommand { not_now: vec![], now: later };
    let happened = device.decide(&poll).expect("asked");
    assert_eq!(
        happened,
        [Event::MdmCommandExpired { command: command_id(1) }, Event::MdmCommandDelivered { command: command_id(2) }]
    );
    let device = happened.iter().fold(device, Device::evolve);
    assert_eq!(next_id(&device), Some(command_id(2)));
    assert_eq!(device.decide(&Command::ExpireCommands { now: later }), Ok(vec![]), "once");
}

#[test]
fn an_app_waits_for_the_name_that_its_prompt_says() {
    let device = given_more(
        enrolled(),
        [queue(1, "Settings"), queue(2, "InstallApplication"), queue(3, "SecurityInfo"), next()],
    );
    let device = given_more(device, [answer(1, CommandStatus::NotNow, "not now")]);
    assert_eq!(device.next_command(&[command_id(1)]).expect("the question").id, command_id(3));
    let device = given_more(device, [next(), answer(3, CommandStatus::Acknowledged, "told")]);
    assert_eq!(device.next_command(&[command_id(1)]), None, "the app also waits");
    let device = given_more(device, [answer(1, CommandStatus::Acknowledged, "named")]);
    assert_eq!(next_id(&device), Some(command_id(2)));
}

#[test]
fn how_an_app_stands_is_reported_when_it_changes_and_belongs_to_the_command_that_installs_it() {
    let app = |status| BTreeMap::from([("org.example.app".to_owned(), status)]);
    let told = |n: u128, text: &str, status| Command::AnswerCommand {
        id: command_id(n),
        status: CommandStatus::Acknowledged,
        errors: vec![],
        rejection: None,
        body: body(text),
        left_out: BTreeSet::new(),
        inventory: BTreeMap::new(),
        apps: app(status),
        attestation: None,
    };
    let device =
        given_more(enrolled(), [queue(1, "InstallApplication"), next(), told(1, "told a", AppStatus::Prompting)]);
    assert_eq!(device.commands[0].app.as_deref(), Some("org.example.app"));
    let device = given_more(device, [queue(2, "ManagedApplicationList"), next()]);
    let same = device.decide(&told(2, "told b", AppStatus::Prompting)).expect("taken");
    assert!(matches!(same[..], [Event::MdmCommandAnswered { .. }]), "{same:?}");
    let device = given_more(device, [told(2, "told c", AppStatus::Managed)]);
    assert_eq!(device.apps["org.example.app"], AppStatus::Managed);
    let gone = given_more(device, [check_out(), authenticate(user_enrollment("E2"), "new-cert", "z")]);
    assert!(gone.apps.is_empty(), "managed apps end with the management");
}

/// The reaction of a simulated device to a command.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Habit {
    Does,
    /// Answers with NotNow this many times.
    PutsOff(u8),
    NeverDoes,
}

fn habit() -> impl Strategy<Value = Habit> {
    prop_oneof![3 => Just(Habit::Does), 2 => (1..3u8).prop_map(Habit::PutsOff), 1 => Just(Habit::NeverDoes)]
}

fn priority() -> impl Strategy<Value = Priority> {
    prop_oneof![Just(Priority::Urgent), Just(Priority::Normal), Just(Priority::Background)]
}

/// One conversation: the device is woken and asks until there is no command left. A command answered with NotNow is not
/// sent again.
fn converse(mut device: Device, habits: &mut [Habit], sent: &mut Vec<usize>) -> Device {
    device = given_more(device, [Command::RecordPush { apns_id: None, again: true, put_offs: None }]);
    let mut not_now = vec![];
    for turn in 0.. {
        assert!(turn < 100, "the conversation does not end");
        let poll = Command::NextCommand { not_now: not_now.clone(), now: NOW };
        device = given_more(device, [poll]);
        let Some(command) = device.next_command(&not_now).map(|command| command.id) else { return device };
        let nth = (0..habits.len()).find(|n| command_id(*n as u128) == command).expect("a command of this test");
        sent.push(nth);
        let status = match &mut habits[nth] {
            Habit::Does => CommandStatus::Acknowledged,
            Habit::PutsOff(0) => CommandStatus::Acknowledged,
            Habit::PutsOff(times) => {
                *times -= 1;
                CommandStatus::NotNow
            }
            Habit::NeverDoes => CommandStatus::NotNow,
        };
        let text = format!("{} {}", nth, sent.len());
        device = given_more(device, [answer(nth as u128, status, &text)]);
        not_now = device.commands.iter().filter(|c| c.status == CommandState::Deferred).map(|c| c.id).collect();
    }
    device
}

proptest! {
    #[test]
    fn no_command_keeps_another_from_being_done(
        wants in proptest::collection::vec((habit(), priority()), 1..7)
    ) {
        let mut device = enrolled();
        for (n, (_, priority)) in wants.iter().enumerate() {
            device = given_more(device, [queue_on(n as u128, "SecurityInfo", *priority, None)]);
        }
        let mut habits: Vec<Habit> = wants.iter().map(|(habit, _)| *habit).collect();
        let mut sent = vec![];
        // Each conversation tries at least one of the deferred commands, in turn.
        for _ in 0..(wants.len() * 4) {
            device = converse(device, &mut habits, &mut sent);
        }
        for (n, (habit, _)) in wants.iter().enumerate() {
            let command = device.command(command_id(n as u128)).expect("queued");
            let done = command.status == CommandState::Answered;
            prop_assert_eq!(done, *habit != Habit::NeverDoes, "{} {:?}", n, habit);
        }
    }

    #[test]
    fn what_is_called_off_or_answered_or_over_is_never_sent(
        steps in proptest::collection::vec((0..5u8, 0..4u128), 1..40)
    ) {
        let mut device = enrolled();
        let mut over = std::collections::BTreeSet::new();
        for (n, (step, id)) in steps.into_iter().enumerate() {
            let text = format!("answer {n}");
            let command = match step {
                0 => queue_on(id, "SecurityInfo", Priority::Normal, (id % 2 == 0).then(|| NOW.plus_seconds(10))),
                1 => cancel(id),
                2 => answer(id, CommandStatus::Acknowledged, &text),
                3 => Command::ExpireCommands { now: NOW.plus_seconds(20) },
                _ => next(),
            };
            if let Ok(happened) = device.decide(&command) {
                for event in &happened {
                    match event {
                        Event::MdmCommandCancelled { command }
                        | Event::MdmCommandExpired { command }
                        | Event::MdmCommandAnswered { command, .. } => { over.insert(*command); }
                        Event::MdmCommandDelivered { command } => prop_assert!(!over.contains(command)),
                        _ => {}
                    }
                }
                device = happened.iter().fold(device, Device::evolve);
            }
            if let Some(next) = device.next_command(&[]) {
                prop_assert!(!over.contains(&next.id), "{:?}", next);
            }
        }
    }
}

#[test]
fn a_device_is_taken_for_what_it_runs_now_and_not_for_what_it_enrolled_with() {
    // Declarative management requires iOS 15.
    let newer = |device: Device, version: &str| {
        let told = [("OSVersion".to_owned(), InventoryValue::Plain(version.into()))].into();
        device.evolve(&Event::InventoryReported { changes: told })
    };
    let device = Device { os_version: OsVersion::parse("14.2"), ..enrolled() };
    assert!(device.decide(&queue(1, "DeclarativeManagement")).is_err());
    let device = newer(device, "17.0");
    assert!(device.decide(&queue(1, "DeclarativeManagement")).is_ok());
    let renewed = Device { os_version: OsVersion::parse("18.1"), ..device };
    assert_eq!(
        renewed.version(),
        OsVersion::parse("18.1"),
        "the version in the renewal is newer than in the last answer"
    );
}

fn pushed() -> Command {
    Command::RecordPush { apns_id: None, again: false, put_offs: None }
}

#[test]
fn who_is_told_nothing_more_because_an_answer_was_too_large_is_woken_again_for_what_waits() {
    let device = given_more(enrolled(), [queue(1, "SecurityInfo"), queue(2, "DeviceInformation"), pushed(), next()]);
    let too_large = |n| Command::ResultTooLarge {
        id: Some(command_id(n)),
        bytes: 5_000_000,
        body: Some(body(&format!("too large {n}"))),
    };
    let device = given_more(device, [too_large(1)]);
    assert!(device.wants_push_again);
    let device = given_more(device, [pushed(), next(), too_large(2)]);
    assert!(!device.wants_push_again, "no command waits");
    assert_eq!(device.decide(&too_large(2)), Ok(vec![]), "a replay settles no further command");
}

fn settle(n: u128, text: &str) -> Command {
    Command::SettleUnreadable { id: command_id(n), why: [AnswerFault::NotAPropertyList].into(), body: body(text) }
}

#[test]
fn given_an_answer_that_cannot_be_read_then_its_command_is_settled_once_and_the_next_one_comes() {
    let device = given_more(enrolled(), [queue(1, "RemoveProfile"), queue(2, "SecurityInfo"), next()]);
    let happened = device.decide(&settle(1, "broken")).expect("taken");
    let why = vec![AnswerFault::NotAPropertyList];
    let unreadable = Event::MdmAnswerUnreadable { command: command_id(1), why, in_part: false, body: body("broken") };
    assert_eq!(happened, [unreadable]);
    let device = happened.iter().fold(device, Device::evolve);
    assert_eq!((device.phase, next_id(&device)), (Phase::Enrolled, Some(command_id(2))));
    assert_eq!(device.decide(&settle(2, "broken")), Ok(vec![]), "a replay settles nothing");
    assert_eq!(device.decide(&settle(1, "broken, too")), Ok(vec![]));
    assert_eq!(device.decide(&settle(9, "of nothing")), Ok(vec![]));
    let cancelled = given_more(enrolled(), [queue(1, "DeviceLock"), cancel(1)]);
    assert_eq!(cancelled.decide(&settle(1, "never sent")), Ok(vec![]));
}

#[test]
fn given_an_answer_of_which_something_was_left_out_then_that_is_said_beside_the_answer() {
    let device = given_more(enrolled(), [queue(1, "DeviceInformation"), next()]);
    let cut = |status| match answer(1, status, "cut") {
        Command::AnswerCommand { id, status, errors, rejection, body, inventory, apps, attestation, .. } => {
            let left_out = [AnswerFault::Number, AnswerFault::Characters].into();
            Command::AnswerCommand { id, status, errors, rejection, body, left_out, inventory, apps, attestation }
        }
        other => other,
    };
    let happened = device.decide(&cut(CommandStatus::Acknowledged)).expect("taken");
    let [Event::MdmCommandAnswered { .. }, Event::MdmAnswerUnreadable { why, in_part: true, .. }] = &happened[..]
    else {
        panic!("{happened:?}")
    };
    assert_eq!(why[..], [AnswerFault::Characters, AnswerFault::Number]);
    let device = happened.iter().fold(device, Device::evolve);
    assert_eq!(device.commands[0].answer, Some(CommandStatus::Acknowledged));
    let put_off = given_more(enrolled(), [queue(1, "DeviceInformation"), next()]);
    let happened = put_off.decide(&cut(CommandStatus::NotNow)).expect("taken");
    assert_eq!(happened.len(), 1, "a deferred command will be answered again");
}

#[test]
fn what_a_locked_device_puts_off_once_for_each_push_draws_nothing_on_its_budget() {
    let put_off = |n: u128, said: &str| answer(n, CommandStatus::NotNow, said);
    let drawn = |device: &Device, command: &Command| {
        let happened = device.decide(command).expect("taken");
        happened.iter().map(|event| device.draws(event)).filter(|draws| *draws == Draws::Event).count()
    };
    let mut device = given_more(enrolled(), [queue(1, "SecurityInfo"), queue(2, "InstallProfile"), next()]);
    for push in 0..50 {
        device = given_more(device, [pushed()]);
        for n in [1, 2] {
            let said = put_off(n, &format!("{push} {n}"));
            assert_eq!(drawn(&device, &said), 0, "push {push}, command {n}");
            device = given_more(device, [said, next()]);
        }
    }
    assert_eq!(drawn(&device, &put_off(1, "and once more, unasked")), 1);
}

#[test]
fn a_check_out_after_the_server_removed_management_is_written_once() {
    let check_out = |said: &str| Command::CheckOut { body: body(said) };
    let gone =
        given_more(enrolled(), [queue(1, "RemoveProfile"), next(), answer(1, CommandStatus::Acknowledged, "removed")]);
    assert_eq!(gone.phase, Phase::Unenrolled);
    assert_eq!(gone.decide(&check_out("1")).expect("taken").len(), 1);
    let gone = given_more(gone, [check_out("1")]);
    assert_eq!(gone.decide(&check_out("2")), Ok(vec![]));
}

#[test]
fn settled_commands_are_forgotten_but_not_those_that_installed_something_or_wait() {
    let mut device = given_more(enrolled(), [queue(1, "InstallProfile"), queue(2, "Settings")]);
    device = given_more(device, [next(), answer(1, CommandStatus::Acknowledged, "installed")]);
    for n in 10..110 {
        let asked = [queue_on(n, "SecurityInfo", Priority::Urgent, None), next()];
        device = given_more(device, asked);
        device = given_more(device, [answer(n, CommandStatus::Acknowledged, &format!("answer {n}"))]);
    }
    let kept = |n| device.command(command_id(n)).map(|command| command.status);
    assert_eq!(kept(1), Some(CommandState::Answered), "it says which profile is managed");
    assert!(kept(2).is_some_and(CommandState::is_waiting));
    assert_eq!((kept(109), kept(102), kept(101)), (Some(CommandState::Answered), Some(CommandState::Answered), None));
    assert_eq!(device.commands.len(), 10);
    assert_eq!(device.decide(&answer(50, CommandStatus::Acknowledged, "late")), Ok(vec![]));
    assert_eq!(device.decide(&cancel(50)), Err(Refusal::UnknownCommand));
    let installs = (200..600).map(|n| queue(n, "InstallApplication"));
    let ended = given_more(given_more(device, installs), [check_out()]);
    assert_eq!(ended.commands.len(), 256 + 8);
}

#[test]
fn a_message_that_had_an_effect_long_ago_may_be_forgotten_and_the_state_knows_that() {
    let mut device = enrolled();
    for n in 0..100 {
        device = given_more(device, [token_update(user_enrollment("E1"), &format!("token {n}"))]);
    }
    let said = |n: u32| match token_update(user_enrollment("E1"), &format!("token {n}")) {
        Command::TokenUpdate { body, .. } => body,
        _ => unreachable!(),
    };
    assert!(device.seen.contains(&said(99)) && device.seen.contains(&said(68)));
    assert!(device.seen.may_have_forgotten_check_in(&said(3)));
    assert_eq!(device.decide(&token_update(user_enrollment("E1"), "token 98")), Ok(vec![]));
}

#[test]
fn a_device_that_answered_many_commands_has_forgotten_no_check_in() {
    let mut device = enrolled();
    for n in 10..110 {
        device = given_more(device, [queue(n, "SecurityInfo"), next()]);
        device = given_more(device, [answer(n, CommandStatus::Acknowledged, &format!("answer {n}"))]);
    }
    assert!(device.seen.may_have_forgotten(&body("answer 10")));
    assert!(!device.seen.may_have_forgotten_check_in(&body("a new check-in")), "the log would be searched");
}
