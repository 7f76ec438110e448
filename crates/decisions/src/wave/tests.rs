use super::*;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn begin() -> Command {
    Command::Begin(Plan {
        name: "Biology".into(),
        delivery: InvitationDelivery::Mail,
        language: "en".into(),
        most_per_hour: 10,
        valid_days: 30,
        remind_after_days: 7,
        most_reminders: 2,
        deadline: NOW,
    })
}

fn add(count: u128) -> Command {
    Command::AddRecords((0..count).map(|n| RecordId(Uuid::from_u128(n))).collect())
}

fn given(commands: &[Command]) -> Wave {
    commands.iter().fold(Wave::default(), |wave, command| {
        let happened = wave.decide(command).expect("permitted");
        happened.iter().fold(wave, Wave::evolve)
    })
}

#[test]
fn a_wave_is_begun_once_paused_resumed_and_ended() {
    assert_eq!(given(&[begin()]).decide(&begin()), Ok(vec![]));
    assert!(given(&[begin(), Command::Pause]).is_paused);
    assert!(!given(&[begin(), Command::Pause, Command::Resume]).is_paused);
    let ended = given(&[begin(), Command::End]);
    assert_eq!(ended.decide(&Command::End), Ok(vec![]));
    assert_eq!(ended.decide(&Command::Resume), Err(Refusal::Ended));
    assert_eq!(ended.decide(&add(1)), Err(Refusal::Ended));
    assert_eq!(Wave::default().decide(&add(1)), Err(Refusal::Unknown));
    assert_eq!(Wave::default().decide(&Command::End), Err(Refusal::Unknown));
}

#[test]
fn records_are_added_in_bounded_numbers() {
    assert_eq!(given(&[begin(), add(500), add(500)]).records, 1_000);
    assert_eq!(given(&[begin()]).decide(&add(501)), Err(Refusal::TooMany));
    let full = Wave { records: MOST_RECORDS, ..given(&[begin()]) };
    assert_eq!(full.decide(&add(1)), Err(Refusal::TooMany));
    assert_eq!(full.decide(&add(0)), Ok(vec![]));
}

#[test]
fn the_deadline_passes_once_and_not_before_its_time() {
    let pass = |now| Command::PassDeadline { open: 3, now };
    assert_eq!(given(&[begin()]).decide(&pass(NOW.plus_seconds(-1))), Ok(vec![]));
    let passed = given(&[begin(), pass(NOW)]);
    assert!(passed.is_deadline_passed);
    assert_eq!(passed.decide(&pass(NOW)), Ok(vec![]));
}

#[test]
fn a_code_leads_to_one_invitation_for_ever() {
    let (one, other) = (InvitationId(Uuid::from_u128(1)), InvitationId(Uuid::from_u128(2)));
    let reserved = Code::default().decide(&Reserve(one)).expect("free");
    let code = reserved.iter().fold(Code::default(), Code::evolve);
    assert_eq!(code.decide(&Reserve(one)), Ok(vec![]));
    assert_eq!(code.decide(&Reserve(other)), Err(CodeTaken));
}
