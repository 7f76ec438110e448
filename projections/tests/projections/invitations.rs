//! Invitations and waves: their states, lists and what is due, and that names vanish with an erased person.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use crate::mails::{begun, invitation, issued, wave};
use crate::support::*;
use events::Personal;
use events::enrollment::{EnrollmentId, SignInMethodName};
use events::invitation::{
    InvitationDelivery, InvitationEvent, InvitationId, InvitationRefusal, InvitationToken, MailFailure, NotInvited,
    Recipient, RecipientDetails, RenewalCause, WaveEvent, WaveId,
};
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::record::{OwnerAttribute, OwnerKey, RecordId};
use projections::Projections;
use projections::invitations::{
    self, InvitationFilter, InvitationRow, InvitationState, by_id, counts, due_to_expire, list, made_since, of_person,
    of_record, sealed_for,
};
use projections::waves::{self, MemberState};
use std::collections::BTreeMap;
use uuid::Uuid;

const DAY: i64 = 86_400;
const HOME: EnrollmentId = EnrollmentId(Uuid::from_u128(0x7300));

fn record(n: u128) -> RecordId {
    RecordId(Uuid::from_u128(0x7200 + n))
}

fn key(hmac: &str) -> OwnerKey {
    OwnerKey { provider: "main".into(), attribute: OwnerAttribute::Mail, hmac: hmac.into() }
}

/// An invitation of a mail address that nobody is known to have.
pub(crate) fn to_address(n: u128, hmac: &str) -> InvitationEvent {
    let details = RecipientDetails { full_name: Some("Ada".into()), mail: Some("ada@school.example".into()) };
    let details = Personal::new(invitation(n).key(), details);
    let recipient = Recipient { person: None, keys: vec![key(hmac)], details };
    let (delivery, language, expires) = (InvitationDelivery::Mail, "de".to_owned(), later(90 * DAY));
    InvitationEvent::InvitationIssued { recipient, record: None, wave: None, delivery, language, expires }
}

fn to_person(n: u128, person: PersonId) -> InvitationEvent {
    let details = Personal::new(person.key(), RecipientDetails::default());
    let recipient = Recipient { person: Some(person), keys: vec![], details };
    let (delivery, language, expires) = (InvitationDelivery::ByHand, "en".to_owned(), later(10 * DAY));
    let record = Some(record(n));
    InvitationEvent::InvitationIssued { recipient, record, wave: None, delivery, language, expires }
}

pub(crate) fn of_wave(n: u128, of: WaveId) -> InvitationEvent {
    match issued(n, InvitationDelivery::ByHand, Some(of)) {
        InvitationEvent::InvitationIssued { recipient, wave, delivery, language, expires, .. } => {
            let record = Some(record(n));
            InvitationEvent::InvitationIssued { recipient, record, wave, delivery, language, expires }
        }
        other => other,
    }
}

fn known(person: PersonId, hmac: &str) -> PersonEvent {
    let sealed = |text: &str| Some(Personal::new(person.key(), text.to_owned()));
    let attributes = PersonAttributes {
        display_name: sealed("Ada Lovelace"),
        mail: sealed("lovelace@school.example"),
        ..PersonAttributes::default()
    };
    let (method, account) = (SignInMethodName::Directory, "00".to_owned());
    PersonEvent::PersonKnown { method, account, attributes, keys: vec![key(hmac)], names: vec![] }
}

pub(crate) fn added(records: impl IntoIterator<Item = u128>) -> WaveEvent {
    WaveEvent::WaveRecordsAdded { records: records.into_iter().map(record).collect() }
}

async fn write(desk: &Desk, n: u128, at: i64, event: InvitationEvent) {
    desk.write(&invitation(n).stream(), later(at), event).await;
}

async fn row(projections: &Projections, n: u128) -> InvitationRow {
    by_id(projections, invitation(n)).await.unwrap().unwrap()
}

fn not_sent(is_final: bool) -> InvitationEvent {
    InvitationEvent::InvitationNotSent { generation: 0, why: MailFailure::Refused, code: Some(550), is_final }
}

#[tokio::test]
async fn each_event_moves_an_invitation_to_its_state() {
    let desk = Desk::new();
    let used = InvitationEvent::InvitationUsed { enrollment: HOME, person: person(1), token: InvitationToken::Code };
    let opened = InvitationEvent::InvitationOpened { enrollment: HOME, token: InvitationToken::Link };
    let renewed =
        InvitationEvent::InvitationRenewed { generation: 1, cause: RenewalCause::Reminder, expires: later(100 * DAY) };
    let refused = InvitationEvent::InvitationRefused { why: InvitationRefusal::OtherPerson, enrollment: None };
    let steps = [
        (to_address(1, "a"), InvitationState::Issued),
        (not_sent(false), InvitationState::Issued),
        (not_sent(true), InvitationState::NotSent),
        (renewed, InvitationState::Issued),
        (InvitationEvent::InvitationSent { generation: 0 }, InvitationState::Issued),
        (InvitationEvent::InvitationSent { generation: 1 }, InvitationState::Sent),
        (opened, InvitationState::Opened),
        (refused, InvitationState::Opened),
        (InvitationEvent::InvitationExpired {}, InvitationState::Expired),
        (used, InvitationState::Used),
    ];
    let projections = desk.projections().await;
    for (nth, (event, state)) in (1..).zip(steps) {
        write(&desk, 1, nth, event.clone()).await;
        desk.follow(&projections).await;
        assert_eq!(row(&projections, 1).await.state, state, "{event:?}");
    }
    let row = row(&projections, 1).await;
    assert_eq!((row.generation, row.reminders, row.failures), (1, 1, 0));
    assert_eq!((row.sent_at, row.opened_at, row.used_at), (Some(later(6)), Some(later(7)), Some(later(10))));
    assert_eq!((row.used_by, row.used_in), (Some(person(1)), Some(HOME)));
    assert_eq!((row.token.as_deref(), row.why_refused.as_deref()), (Some("code"), Some("other_person")));
    assert_eq!(row.language, "de");
    let all = counts(&projections, None).await.unwrap();
    assert_eq!(all, BTreeMap::from([(InvitationState::Used, 1)]));
    assert_eq!(counts(&projections, Some(wave(1))).await.unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn a_revoked_invitation_is_neither_due_nor_expired() {
    let desk = Desk::new();
    for n in 1..=3 {
        write(&desk, n, 1, to_person(n, person(n))).await;
    }
    write(&desk, 2, 2, InvitationEvent::InvitationRevoked {}).await;
    let projections = desk.caught_up().await;
    let due = |at| due_to_expire(&projections, later(at), 10);
    assert_eq!(due(10 * DAY - 1).await.unwrap(), []);
    assert_eq!(due(10 * DAY).await.unwrap(), [invitation(1), invitation(3)]);
    assert_eq!(due_to_expire(&projections, later(10 * DAY), 1).await.unwrap(), [invitation(1)]);
    write(&desk, 1, 10 * DAY, InvitationEvent::InvitationExpired {}).await;
    desk.follow(&projections).await;
    assert_eq!(due_to_expire(&projections, later(11 * DAY), 10).await.unwrap(), [invitation(3)]);
    assert_eq!(row(&projections, 2).await.state, InvitationState::Revoked);
}

#[tokio::test]
async fn the_list_is_filtered_and_read_page_by_page() {
    let desk = Desk::new();
    desk.write(&person(1).stream(), later(0), known(person(1), "a")).await;
    write(&desk, 1, 1, to_address(1, "a")).await;
    write(&desk, 2, 2, to_person(2, person(1))).await;
    write(&desk, 3, 3, of_wave(3, wave(1))).await;
    for n in 4..=9 {
        write(&desk, n, 4, to_person(n, person(2))).await;
    }
    let projections = desk.caught_up().await;
    let found = |filter| {
        let projections = &projections;
        async move {
            let rows = list(projections, filter, 100).await.unwrap().invitations;
            rows.into_iter().map(|row| row.invitation).collect::<Vec<InvitationId>>()
        }
    };
    let any = InvitationFilter::default;
    assert_eq!(found(InvitationFilter { wave: Some(wave(1)), ..any() }).await, [invitation(3)]);
    assert_eq!(found(InvitationFilter { record: Some(record(2)), ..any() }).await, [invitation(2)]);
    assert_eq!(found(InvitationFilter { delivery: Some(InvitationDelivery::Mail), ..any() }).await, [invitation(1)]);
    assert_eq!(found(InvitationFilter { state: Some(InvitationState::Used), ..any() }).await, []);
    for (text, ids) in [("LOVELACE", vec![invitation(2)]), ("ada@school", vec![invitation(1)]), ("_", vec![])] {
        assert_eq!(found(InvitationFilter { text: Some(text.into()), ..any() }).await, ids, "{text}");
    }
    let named = InvitationFilter { text: Some("ada".into()), ..any() };
    assert_eq!(invitations::count(&projections, named).await.unwrap(), 2);
    // The first one has a key of the person.
    let theirs: Vec<_> = of_person(&projections, person(1), 10).await.unwrap();
    assert_eq!(theirs.iter().map(|row| row.invitation).collect::<Vec<_>>(), [invitation(2), invitation(1)]);
    assert_eq!(of_record(&projections, record(2), 10).await.unwrap().len(), 1);
    let (mut after, mut read) = (None, Vec::new());
    for _ in 0..20 {
        let page = list(&projections, InvitationFilter { after, ..any() }, 2).await.unwrap();
        read.extend(page.invitations.into_iter().map(|row| row.invitation));
        let Some(next) = page.next else { break };
        after = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(read, found(any()).await);
    assert_eq!(read.len(), 9);
    assert_eq!(invitations::count(&projections, any()).await.unwrap(), 9);
}

#[tokio::test]
async fn invitations_of_the_last_hour_are_counted_by_wave_and_delivery() {
    let desk = Desk::new();
    write(&desk, 1, 1, to_address(1, "a")).await;
    write(&desk, 2, 2, of_wave(2, wave(1))).await;
    let (cause, expires) = (RenewalCause::SentAgain, later(90 * DAY));
    write(&desk, 1, 1_000, InvitationEvent::InvitationRenewed { generation: 1, cause, expires }).await;
    let projections = desk.caught_up().await;
    let made = |wave, mail_only, since| made_since(&projections, wave, mail_only, later(since));
    assert_eq!(made(None, false, 0).await.unwrap(), 3);
    assert_eq!(made(None, true, 0).await.unwrap(), 2);
    assert_eq!(made(Some(wave(1)), false, 0).await.unwrap(), 1);
    assert_eq!(made(None, false, 500).await.unwrap(), 1);
}

#[tokio::test]
async fn the_address_of_a_recipient_vanishes_with_the_person_who_has_it() {
    let desk = Desk::new();
    write(&desk, 1, 1, to_address(1, "a")).await;
    write(&desk, 2, 1, to_address(2, "b")).await;
    write(&desk, 3, 1, to_person(3, person(1))).await;
    desk.write(&person(1).stream(), later(2), known(person(1), "a")).await;
    let projections = desk.caught_up().await;
    let before = row(&projections, 1).await;
    assert_eq!((before.full_name.as_deref(), before.mail.as_deref()), (Some("Ada"), Some("ada@school.example")));
    let theirs = row(&projections, 3).await;
    assert_eq!(theirs.full_name.as_deref(), Some("Ada Lovelace"), "the name of a person is joined");
    let keys = vec!["a".to_owned()];
    assert_eq!(sealed_for(&projections, person(1), keys).await.unwrap(), [invitation(1)]);
    desk.write(&person(1).stream(), later(3), PersonEvent::PersonErased {}).await;
    desk.follow(&projections).await;
    for n in [1, 3] {
        let row = row(&projections, n).await;
        assert_eq!((row.full_name, row.mail), (None, None), "{n}");
    }
    assert!(row(&projections, 2).await.mail.is_some(), "that of somebody else stays");
}

#[tokio::test]
async fn a_wave_has_its_records_in_order_and_says_who_is_next() {
    let desk = Desk::new();
    let stream = wave(1).stream();
    desk.write(&stream, later(0), begun(2)).await;
    desk.write(&stream, later(1), added([5, 4, 3])).await;
    desk.write(&stream, later(2), added([4, 2])).await;
    write(&desk, 5, 3, of_wave(5, wave(1))).await;
    let skipped = WaveEvent::WaveRecordSkipped { record: record(4), why: NotInvited::NoMail };
    desk.write(&stream, later(4), skipped).await;
    write(&desk, 5, 5, InvitationEvent::InvitationOpened { enrollment: HOME, token: InvitationToken::Link }).await;
    let projections = desk.caught_up().await;
    assert_eq!(waves::next_to_invite(&projections, wave(1), 10).await.unwrap(), [record(3), record(2)]);
    let members = waves::members(&projections, wave(1), None, 10).await.unwrap();
    let records: Vec<RecordId> = members.iter().map(|member| member.record).collect();
    assert_eq!(records, [5, 4, 3, 2].map(record), "a record that is added twice keeps its place");
    assert_eq!(members[0].state, MemberState::Invited(invitation(5), InvitationState::Opened));
    assert_eq!(members[1].state, MemberState::Skipped(NotInvited::NoMail));
    assert_eq!(members[2].state, MemberState::Waiting);
    let rest = waves::members(&projections, wave(1), Some(members[1].place), 10).await.unwrap();
    assert_eq!(rest, members[2..]);
    let counts = waves::counts(&projections, wave(1)).await.unwrap();
    assert_eq!((counts.records, counts.waiting, counts.skipped), (4, 2, 1));
    assert_eq!(counts.invited, BTreeMap::from([(InvitationState::Opened, 1)]));
    assert_eq!(waves::of_record(&projections, record(4)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_wave_that_is_paused_or_ended_invites_nobody_and_its_deadline_is_due_once() {
    let desk = Desk::new();
    for n in 1..=3 {
        desk.write(&wave(n).stream(), later(i64::try_from(n).unwrap()), begun(2)).await;
        desk.write(&wave(n).stream(), later(10), added([n])).await;
    }
    desk.write(&wave(1).stream(), later(11), WaveEvent::WavePaused {}).await;
    desk.write(&wave(2).stream(), later(11), WaveEvent::WaveEnded {}).await;
    let projections = desk.caught_up().await;
    let inviting =
        || async { waves::inviting(&projections).await.unwrap().into_iter().map(|wave| wave.wave).collect::<Vec<_>>() };
    assert_eq!(inviting().await, [wave(3)]);
    desk.write(&wave(1).stream(), later(12), WaveEvent::WaveResumed {}).await;
    desk.follow(&projections).await;
    assert_eq!(inviting().await, [wave(1), wave(3)]);

    assert_eq!(waves::deadlines_due(&projections, later(30 * DAY - 1), 10).await.unwrap(), []);
    let due = waves::deadlines_due(&projections, later(30 * DAY), 10).await.unwrap();
    assert_eq!(due, [1, 2, 3].map(wave));
    desk.write(&wave(3).stream(), later(30 * DAY), WaveEvent::WaveDeadlinePassed { open: 1 }).await;
    desk.follow(&projections).await;
    assert_eq!(waves::deadlines_due(&projections, later(31 * DAY), 10).await.unwrap(), [wave(1), wave(2)]);
    let row = waves::by_id(&projections, wave(3)).await.unwrap().unwrap();
    assert_eq!((row.open_at_deadline, row.deadline_passed_at), (Some(1), Some(later(30 * DAY))));

    let first = waves::list(&projections, None, 2).await.unwrap();
    assert_eq!(first.waves.iter().map(|wave| wave.wave).collect::<Vec<_>>(), [wave(3), wave(2)]);
    let rest = waves::list(&projections, first.next, 2).await.unwrap();
    assert_eq!(rest.waves.iter().map(|wave| wave.wave).collect::<Vec<_>>(), [wave(1)]);
    assert!(rest.next.is_none());
}
