//! The migration board: the state of each record, its history and days, filters and pages.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

mod lists;

use crate::support::*;
use events::device::{BodyHash, DeviceEvent, DeviceId};
use events::enrollment::EnrollmentEvent;
use events::invitation::{
    InvitationDelivery, InvitationEvent, InvitationId, InvitationToken, Recipient, RecipientDetails, RenewalCause,
    WaveEvent, WaveId,
};
use events::migration::MigrationException;
use events::person::PersonEvent;
use events::record::{
    ImportId, LinkBand, LinkProof, OwnerAttribute, OwnerKey, PersonalDetails, PreviousAnswer, PreviousKind,
    RecordDetails, RecordEvent, RecordField, RecordId, RecordOwner, RestoredRecord,
};
use events::{Personal, Timestamp};
use projections::Projections;
use projections::migration::{BoardRow, MigrationState, days, history, late, of_records};
use uuid::Uuid;

const DAY: i64 = 86_400;

fn record(nth: u128) -> RecordId {
    RecordId(Uuid::from_u128(0x5000 + nth))
}

fn import(nth: u128) -> ImportId {
    ImportId(Uuid::from_u128(0x6000 + nth))
}

fn invitation(nth: u128) -> InvitationId {
    InvitationId(Uuid::from_u128(0x7000 + nth))
}

fn wave(nth: u128) -> WaveId {
    WaveId(Uuid::from_u128(0x8000 + nth))
}

fn details(nth: u128) -> RecordDetails {
    let personal = PersonalDetails {
        source_id: nth.to_string(),
        device_name: Some(format!("old phone {nth}")),
        user_name: Some(format!("User{nth}")),
        full_name: Some(format!("User Number {nth}")),
        ..PersonalDetails::default()
    };
    RecordDetails {
        kind: PreviousKind::PersonalDeviceProfile,
        product_name: Some("iPhone12,1".into()),
        model_name: None,
        os_version: Some("15.7.1".into()),
        last_contact: Some(NOON.plus_seconds(-DAY)),
        enrolled_at: None,
        profile_identifier: None,
        site: Some("Graz".into()),
        personal: Personal::new(record(nth).key(), personal),
    }
}

fn imported(nth: u128, owner: Option<RecordOwner>) -> RecordEvent {
    let hmac = format!("{nth:032x}");
    RecordEvent::PreviousRecordImported {
        import: import(1),
        source: "Jamf Pro".into(),
        details: Box::new(details(nth)),
        owner_keys: vec![OwnerKey { provider: "main".into(), attribute: OwnerAttribute::Mail, hmac }],
        names: vec![],
        owner,
    }
}

fn unique(nth: u128) -> Option<RecordOwner> {
    Some(RecordOwner::Unique { person: person(nth) })
}

fn proposed(successor: DeviceId, band: LinkBand) -> RecordEvent {
    RecordEvent::LinkProposed { successor, evidence: vec![], score: 5, band, proof: LinkProof::default() }
}

fn issued(record: Option<RecordId>, wave: Option<WaveId>) -> InvitationEvent {
    let details = Personal::new(person(1).key(), RecipientDetails::default());
    InvitationEvent::InvitationIssued {
        recipient: Recipient { person: None, keys: vec![], details },
        record,
        wave,
        delivery: InvitationDelivery::ByHand,
        language: "en".into(),
        expires: later(30 * DAY),
    }
}

fn begun(name: &str) -> WaveEvent {
    WaveEvent::WaveBegun {
        name: name.into(),
        delivery: InvitationDelivery::Mail,
        language: "en".into(),
        most_per_hour: 50,
        valid_days: 14,
        remind_after_days: 3,
        most_reminders: 2,
        deadline: later(30 * DAY),
    }
}

fn said(record: RecordId, removed: Option<bool>) -> EnrollmentEvent {
    EnrollmentEvent::PreviousRecordAnswered { record, answer: PreviousAnswer::ThisDevice, removed }
}

fn confirmed(successor: DeviceId) -> RecordEvent {
    RecordEvent::LinkConfirmed { successor, proof: LinkProof::default() }
}

async fn row(projections: &Projections, record: RecordId) -> Option<BoardRow> {
    of_records(projections, vec![record]).await.unwrap().pop()
}

/// A desk whose projections follow each event before the state is asked for.
struct Board {
    desk: Desk,
    projections: Projections,
}

impl Board {
    async fn new() -> Board {
        let desk = Desk::new();
        let projections = desk.projections().await;
        tokio::spawn({
            let (projections, log) = (projections.clone(), desk.log.clone());
            async move { projections.run(log).await }
        });
        Board { desk, projections }
    }

    async fn import(&self, nth: u128, owner: Option<RecordOwner>, at: Timestamp) -> RecordId {
        self.desk.write(&record(nth).stream(), at, imported(nth, owner)).await;
        record(nth)
    }

    async fn note(&self, record: RecordId, seconds: i64, event: RecordEvent) {
        self.desk.write(&record.stream(), later(seconds), event).await;
    }

    async fn invite(&self, nth: u128, seconds: i64, event: InvitationEvent) {
        self.desk.write(&invitation(nth).stream(), later(seconds), event).await;
    }

    async fn folded(&self) -> &Projections {
        if let Some(head) = self.desk.log.store().head().await.unwrap() {
            self.projections.wait_for(head).await.unwrap();
        }
        &self.projections
    }

    async fn state(&self, record: RecordId) -> Option<MigrationState> {
        row(self.folded().await, record).await.map(|row| row.state)
    }

    async fn check_out(&self, device: DeviceId, seconds: i64) {
        let gone = DeviceEvent::DeviceCheckedOut { body: BodyHash("02".into()) };
        self.desk.write(&device.stream(), later(seconds), gone).await;
    }
}

/// Writes events for every table of the board.
pub(crate) async fn a_bit_of_each(desk: &Desk) {
    let record = RecordId(Uuid::from_u128(0x5900));
    desk.write(&record.stream(), NOON, imported(0x900, None)).await;
    desk.write(&wave(1).stream(), NOON, begun("Pilot")).await;
    desk.write(&wave(1).stream(), NOON, WaveEvent::WaveRecordsAdded { records: vec![record] }).await;
    desk.write(&invitation(1).stream(), NOON, issued(Some(record), Some(wave(1)))).await;
}

#[tokio::test]
async fn an_imported_record_goes_through_each_state() {
    let board = Board::new().await;
    let old = board.import(1, unique(1), NOON).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToInvite));
    board.invite(1, 10, issued(Some(old), None)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Invited));
    let enrollment = DeviceId(Uuid::from_u128(0x1001)).enrollment();
    let opened = InvitationEvent::InvitationOpened { enrollment, token: InvitationToken::Link };
    board.invite(1, 20, opened).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Opened));
    let used = InvitationEvent::InvitationUsed { enrollment, person: person(1), token: InvitationToken::Link };
    board.invite(1, 30, used).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Opened), "a sign-in is no enrollment");
    board.desk.write(&enrollment.stream(), later(40), said(old, Some(true))).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Removed));
    let new = board.desk.enroll(1, person(1), "ada", later(50)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Enrolled));
    assert_eq!(row(&board.projections, old).await.unwrap().successor, Some(new));
    board.note(old, 200, proposed(new, LinkBand::Weak)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Enrolled), "a weak link is nothing to confirm");
    board.note(old, 210, proposed(new, LinkBand::Probable)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToConfirm));
    board.note(old, 220, confirmed(new)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Done));
    board.note(old, 230, RecordEvent::LinkUndone { successor: new }).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToConfirm), "the state before");
    let told: Vec<_> = history(&board.projections, old, 100).await.unwrap().iter().map(|period| period.state).collect();
    use MigrationState::*;
    assert_eq!(told, [ToInvite, Invited, Opened, Removed, Enrolled, ToConfirm, Done, ToConfirm]);
}

#[tokio::test]
async fn an_exception_is_over_everything_but_done_and_its_end_gives_the_state_before() {
    let board = Board::new().await;
    let old = board.import(1, unique(1), NOON).await;
    let new = board.desk.enroll(1, person(1), "ada", later(50)).await;
    board.note(old, 200, proposed(new, LinkBand::Strong)).await;
    board.note(old, 210, RecordEvent::MigrationExceptionMade { why: MigrationException::DeviceTooOld }).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Exception));
    let shown = row(&board.projections, old).await.unwrap();
    assert_eq!(shown.exception, Some(MigrationException::DeviceTooOld));
    board.note(old, 220, confirmed(new)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Done));
    board.note(old, 230, RecordEvent::LinkUndone { successor: new }).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Exception));
    board.note(old, 240, RecordEvent::MigrationExceptionEnded {}).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToConfirm));
}

#[tokio::test]
async fn a_revoked_or_expired_invitation_is_to_be_repeated_and_a_renewed_one_is_valid_again() {
    let board = Board::new().await;
    let old = board.import(1, unique(1), NOON).await;
    board.invite(1, 10, issued(Some(old), None)).await;
    board.invite(1, 20, InvitationEvent::InvitationExpired {}).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToInvite));
    let renewed =
        InvitationEvent::InvitationRenewed { generation: 1, cause: RenewalCause::SentAgain, expires: later(60 * DAY) };
    board.invite(1, 30, renewed).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Invited));
    board.invite(2, 40, issued(Some(old), None)).await;
    board.invite(1, 50, InvitationEvent::InvitationRevoked {}).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Invited), "the newest invitation counts");
    board.invite(2, 60, InvitationEvent::InvitationRevoked {}).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToInvite));
    board.invite(3, 70, issued(None, None)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToInvite), "an invitation without a record");
}

#[tokio::test]
async fn a_record_that_is_missing_is_gone_without_an_invitation_and_removed_with_one() {
    let board = Board::new().await;
    let (plain, invited) = (board.import(1, unique(1), NOON).await, board.import(2, unique(2), NOON).await);
    board.invite(1, 10, issued(Some(invited), None)).await;
    for old in [plain, invited] {
        board.note(old, 100, RecordEvent::PreviousRecordMissing { import: import(2) }).await;
    }
    assert_eq!(board.state(plain).await, Some(MigrationState::Gone));
    assert_eq!(board.state(invited).await, Some(MigrationState::Removed));
    assert_eq!(row(&board.projections, invited).await.unwrap().removed, Some(later(100)));
    board.note(plain, 110, RecordEvent::PreviousRecordReturned { import: import(3) }).await;
    assert_eq!(board.state(plain).await, Some(MigrationState::ToInvite));
    let left = board.import(3, Some(RecordOwner::Left {}), later(120)).await;
    assert_eq!(board.state(left).await, Some(MigrationState::Gone));
    board.note(left, 130, RecordEvent::PreviousRecordOwnerResolved { owner: unique(3).unwrap() }).await;
    assert_eq!(board.state(left).await, Some(MigrationState::ToInvite));
    board.note(left, 140, RecordEvent::PreviousRecordShredded {}).await;
    assert_eq!(board.state(left).await, Some(MigrationState::Gone));
}

#[tokio::test]
async fn what_was_removed_three_days_ago_without_an_enrollment_is_late() {
    let board = Board::new().await;
    let old = board.import(1, unique(1), NOON).await;
    let enrollment = DeviceId(Uuid::from_u128(0x1009)).enrollment();
    board.desk.write(&enrollment.stream(), later(100), said(old, Some(true))).await;
    board.desk.write(&enrollment.stream(), later(200), said(old, Some(true))).await;
    let projections = board.folded().await;
    assert_eq!(late(projections, later(99)).await.unwrap(), 0);
    assert_eq!(late(projections, later(100)).await.unwrap(), 1, "the first time counts");
    board.desk.write(&enrollment.stream(), later(300), said(old, Some(false))).await;
    assert_eq!(late(board.folded().await, later(1_000)).await.unwrap(), 0, "they said that it is still there");
    board.desk.write(&enrollment.stream(), later(400), said(old, Some(true))).await;
    assert_eq!(late(board.folded().await, later(1_000)).await.unwrap(), 1);
    board.desk.enroll(1, person(1), "ada", later(500)).await;
    assert_eq!(late(board.folded().await, later(1_000)).await.unwrap(), 0);
}

#[tokio::test]
async fn an_enrollment_of_this_installation_is_on_the_board_while_it_is_invited_or_a_link_is_open_or_confirmed() {
    let board = Board::new().await;
    let first = board.desk.enroll(1, person(1), "ada", NOON).await;
    let old = RecordId::of_device(first);
    assert_eq!(board.state(old).await, None);
    let new = board.desk.enroll(2, person(1), "ada", later(500)).await;
    board.note(old, 600, proposed(new, LinkBand::Weak)).await;
    assert_eq!(board.state(old).await, None);
    board.note(old, 610, proposed(new, LinkBand::Strong)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToConfirm));
    board.note(old, 620, RecordEvent::LinkRejected { successor: new }).await;
    assert_eq!(board.state(old).await, None, "it is another phone of the same person");
    board.note(old, 630, RecordEvent::LinkUndone { successor: new }).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToConfirm));
    board.note(old, 640, proposed(new, LinkBand::None)).await;
    assert_eq!(board.state(old).await, None);
    board.invite(1, 700, issued(Some(old), None)).await;
    let shown = row(board.folded().await, old).await.unwrap();
    assert_eq!(shown.state, MigrationState::Invited, "the other phone was enrolled before the invitation");
    assert_eq!((shown.source.as_str(), shown.is_imported), ("Muster", false));
    assert_eq!(shown.owner.user_name.as_deref(), Some("ada"));
    board.check_out(first, 800).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Removed));
    assert_eq!(row(&board.projections, old).await.unwrap().removed, Some(later(800)));
    let third = board.desk.enroll(3, person(1), "ada", later(900)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Enrolled));
    board.check_out(third, 1_000).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Removed), "the new enrollment ended too");
}

#[tokio::test]
async fn apns_that_no_longer_knows_a_device_removes_it_until_a_push_is_accepted_again() {
    let board = Board::new().await;
    let device = board.desk.enroll(1, person(1), "ada", NOON).await;
    let old = RecordId::of_device(device);
    board.invite(1, 100, issued(Some(old), None)).await;
    let dead = |status| DeviceEvent::PushFailed { status: Some(status), reason: "".into(), unregistered_since: None };
    board.desk.write(&device.stream(), later(110), dead(503)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Invited));
    board.desk.write(&device.stream(), later(120), dead(410)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Removed));
    let pushed = DeviceEvent::DevicePushed { apns_id: None, put_off_since: false };
    board.desk.write(&device.stream(), later(130), pushed).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Invited));
}

#[tokio::test]
async fn one_new_phone_does_not_stand_for_two_earlier_ones() {
    let board = Board::new().await;
    let (one, two) = (board.import(1, unique(1), NOON).await, board.import(2, unique(1), NOON).await);
    let new = board.desk.enroll(1, person(1), "ada", later(50)).await;
    assert_eq!(board.state(one).await, Some(MigrationState::Enrolled));
    assert_eq!(board.state(two).await, Some(MigrationState::Enrolled), "it may be either");
    board.note(one, 200, proposed(new, LinkBand::Probable)).await;
    board.note(one, 210, confirmed(new)).await;
    assert_eq!(board.state(two).await, Some(MigrationState::ToInvite), "it was the other one");
    board.note(one, 220, RecordEvent::LinkUndone { successor: new }).await;
    assert_eq!(board.state(two).await, Some(MigrationState::Enrolled));
    board.note(two, 230, proposed(new, LinkBand::Probable)).await;
    board.note(two, 240, RecordEvent::LinkRejected { successor: new }).await;
    assert_eq!(board.state(two).await, Some(MigrationState::ToInvite), "it is not this one");
}

#[tokio::test]
async fn an_enrollment_of_a_person_with_more_than_twenty_records_says_nothing_about_them() {
    let board = Board::new().await;
    for nth in 1..=20 {
        board.import(nth, unique(1), NOON).await;
    }
    board.desk.enroll(1, person(1), "ada", later(50)).await;
    assert_eq!(board.state(record(20)).await, Some(MigrationState::Enrolled));
    board.import(21, unique(1), NOON).await;
    for nth in [1, 20, 21] {
        assert_eq!(board.state(record(nth)).await, Some(MigrationState::ToInvite), "{nth}");
    }
    board.note(record(21), 100, RecordEvent::PreviousRecordOwnerResolved { owner: RecordOwner::Several {} }).await;
    assert_eq!(board.state(record(1)).await, Some(MigrationState::Enrolled));
}

#[tokio::test]
async fn a_record_with_other_keys_has_no_owner_until_it_is_resolved_again() {
    let board = Board::new().await;
    let old = board.import(1, unique(1), NOON).await;
    board.desk.enroll(1, person(1), "ada", later(50)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Enrolled));
    let changed = |hmac: &str, fields: &[RecordField]| RecordEvent::PreviousRecordChanged {
        import: import(2),
        changed: fields.to_vec(),
        details: Box::new(details(1)),
        owner_keys: vec![OwnerKey { provider: "main".into(), attribute: OwnerAttribute::Mail, hmac: hmac.into() }],
        names: vec![],
    };
    board.note(old, 200, changed(&format!("{:032x}", 1), &[RecordField::Site])).await;
    assert_eq!(board.state(old).await, Some(MigrationState::Enrolled), "the keys of before");
    board.note(old, 210, changed("ff", &[RecordField::Mail])).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToInvite));
}

#[tokio::test]
async fn an_undone_import_takes_its_records_off_the_board_and_an_older_one_comes_back() {
    let board = Board::new().await;
    let old = board.import(1, unique(1), NOON).await;
    board.note(old, 10, RecordEvent::PreviousRecordMissing { import: import(2) }).await;
    let restored = RestoredRecord {
        import: import(1),
        details: details(1),
        owner_keys: vec![],
        earlier_keys: vec![],
        names: vec![],
        owner: unique(1),
        missing_since: None,
    };
    let undone = RecordEvent::PreviousRecordImportUndone { import: import(2), restored: Some(Box::new(restored)) };
    board.note(old, 20, undone).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToInvite));
    board.note(old, 30, RecordEvent::PreviousRecordImportUndone { import: import(1), restored: None }).await;
    assert_eq!(board.state(old).await, None);
    let told = days(&board.projections, None, (NOON, NOON)).await.unwrap();
    assert!(told[0].counts.is_empty(), "{told:?}");
    board.import(1, unique(1), later(40)).await;
    assert_eq!(board.state(old).await, Some(MigrationState::ToInvite));
}

#[tokio::test]
async fn an_erased_owner_leaves_a_record_without_names_that_is_gone() {
    let board = Board::new().await;
    let old = board.import(1, unique(1), NOON).await;
    board.desk.write(&person(1).stream(), NOON, known(person(1), "ada")).await;
    let shown = row(board.folded().await, old).await.unwrap();
    assert_eq!(shown.owner.user_name.as_deref(), Some("ada"));
    assert_eq!(shown.device_name.as_deref(), Some("old phone 1"));
    board.desk.write(&person(1).stream(), later(100), PersonEvent::PersonErased {}).await;
    let shown = row(board.folded().await, old).await.unwrap();
    assert_eq!(shown.state, MigrationState::Gone);
    assert!(shown.owner.is_erased);
    let told = (shown.owner.person, shown.owner.name, shown.owner.user_name, shown.device_name);
    assert_eq!(told, (None, None, None, None));
    let dump = format!("{:?}", board.projections.dump().await.unwrap());
    assert!(!dump.contains("old phone 1") && !dump.contains("User1") && !dump.contains("User Number"));
}

#[tokio::test]
async fn the_days_are_the_sums_of_the_histories_and_a_rebuild_gives_the_same_rows() {
    let board = Board::new().await;
    for nth in 1..=4 {
        board.import(nth, unique(nth), later(0)).await;
    }
    board.invite(1, DAY, issued(Some(record(1)), None)).await;
    board.invite(2, DAY + 60, issued(Some(record(2)), None)).await;
    let new = board.desk.enroll(1, person(1), "ada", later(3 * DAY)).await;
    board.note(record(1), 3 * DAY + 600, proposed(new, LinkBand::Strong)).await;
    board.note(record(1), 4 * DAY, confirmed(new)).await;
    board.note(record(3), 4 * DAY, RecordEvent::MigrationExceptionMade { why: MigrationException::Stays }).await;
    let projections = board.folded().await;
    let told = days(projections, Some("Jamf Pro".into()), (NOON, later(9 * DAY))).await.unwrap();
    let mut histories = Vec::new();
    for nth in 1..=4 {
        histories.extend(history(projections, record(nth), 100).await.unwrap());
    }
    let offsets: Vec<i64> = told.iter().map(|day| (day.day.0 - told[0].day.0) / (DAY * 1_000_000)).collect();
    assert_eq!(offsets, [0, 1, 3, 4], "days on which something changed");
    for day in &told {
        let end = day.day.plus_seconds(DAY);
        for state in MigrationState::ALL {
            let is_in = |period: &&projections::migration::StatePeriod| {
                period.state == state && period.from < end && period.until.is_none_or(|until| until >= end)
            };
            let expected = u64::try_from(histories.iter().filter(is_in).count()).unwrap();
            assert_eq!(day.counts.get(&state).copied().unwrap_or_default(), expected, "{state:?} on {day:?}");
        }
    }
    let later_on = days(projections, None, (later(2 * DAY), later(3 * DAY))).await.unwrap();
    assert_eq!((later_on[0].counts.clone(), later_on.len()), (told[1].counts.clone(), 2), "from the middle");
    assert!(days(projections, Some("Intune".into()), (NOON, NOON)).await.unwrap()[0].counts.is_empty());
    let live = projections.dump().await.unwrap();
    assert_eq!(projections.rebuild(&board.desk.log).await.unwrap().changed, Some(vec![]));
    assert_eq!(projections.dump().await.unwrap(), live);
}
