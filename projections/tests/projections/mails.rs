//! Which mails and reminders are due, and how many were sent.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use crate::support::*;
use events::Personal;
use events::invitation::{
    InvitationDelivery, InvitationEvent, InvitationId, MailFailure, Recipient, RecipientDetails, RenewalCause,
    WaveEvent, WaveId,
};
use events::record::{LinkProof, RecordEvent, RecordId};
use projections::Projections;
use projections::mails::{self, Reminding};
use uuid::Uuid;

const DAY: i64 = 86_400;
const BESIDES: Reminding = Reminding { after_days: 7, most: 1 };

pub(crate) fn invitation(n: u128) -> InvitationId {
    InvitationId(Uuid::from_u128(0x7000 + n))
}

pub(crate) fn wave(n: u128) -> WaveId {
    WaveId(Uuid::from_u128(0x7100 + n))
}

pub(crate) fn issued(n: u128, delivery: InvitationDelivery, wave: Option<WaveId>) -> InvitationEvent {
    let details = Personal::new(invitation(n).key(), RecipientDetails::default());
    let recipient = Recipient { person: None, keys: vec![], details };
    let (language, expires) = ("en".into(), later(90 * DAY));
    InvitationEvent::InvitationIssued { recipient, record: None, wave, delivery, language, expires }
}

pub(crate) fn begun(most_reminders: u32) -> WaveEvent {
    WaveEvent::WaveBegun {
        name: "Biology".into(),
        delivery: InvitationDelivery::Mail,
        language: "en".into(),
        most_per_hour: 10,
        valid_days: 90,
        remind_after_days: 3,
        most_reminders,
        deadline: later(30 * DAY),
    }
}

async fn due(projections: &Projections, at: i64) -> Vec<(InvitationId, u32)> {
    let due = mails::due(projections, later(at), 10).await.unwrap();
    due.into_iter().map(|due| (due.invitation, due.generation)).collect()
}

async fn reminded(projections: &Projections, at: i64) -> Vec<InvitationId> {
    let due = mails::reminders_due(projections, later(at), BESIDES, 10).await.unwrap();
    due.into_iter().map(|due| due.invitation).collect()
}

async fn write(desk: &Desk, n: u128, at: i64, event: InvitationEvent) {
    desk.write(&invitation(n).stream(), later(at), event).await;
}

fn failed(is_final: bool) -> InvitationEvent {
    InvitationEvent::InvitationNotSent { generation: 0, why: MailFailure::Unreachable, code: None, is_final }
}

#[tokio::test]
async fn a_mail_is_due_until_it_was_sent_given_up_or_its_invitation_is_over() {
    let desk = Desk::new();
    for n in 1..=5 {
        write(&desk, n, 0, issued(n, InvitationDelivery::Mail, None)).await;
    }
    write(&desk, 6, 0, issued(6, InvitationDelivery::ByHand, None)).await;
    write(&desk, 2, 1, InvitationEvent::InvitationSent { generation: 0 }).await;
    write(&desk, 3, 1, failed(true)).await;
    write(&desk, 4, 1, InvitationEvent::InvitationRevoked {}).await;
    write(&desk, 5, 1, InvitationEvent::InvitationExpired {}).await;
    let projections = desk.caught_up().await;
    assert_eq!(due(&projections, 1).await, [(invitation(1), 0)]);
    assert_eq!(mails::sent_since(&projections, later(0)).await.unwrap(), 1);
    assert_eq!(mails::sent_since(&projections, later(1)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_mail_that_failed_is_due_again_later_each_time_and_a_new_link_at_once() {
    let desk = Desk::new();
    write(&desk, 1, 0, issued(1, InvitationDelivery::Mail, None)).await;
    write(&desk, 1, 10, failed(false)).await;
    write(&desk, 2, 0, issued(2, InvitationDelivery::Mail, None)).await;
    write(&desk, 2, 10, failed(false)).await;
    write(&desk, 2, 100, failed(false)).await;
    write(&desk, 3, 0, issued(3, InvitationDelivery::Mail, None)).await;
    write(&desk, 3, 10, failed(true)).await;
    let cause = RenewalCause::SentAgain;
    write(&desk, 3, 20, InvitationEvent::InvitationRenewed { generation: 1, cause, expires: later(DAY) }).await;
    // About the link before: it changes nothing.
    write(&desk, 3, 21, InvitationEvent::InvitationSent { generation: 0 }).await;
    let projections = desk.caught_up().await;
    assert_eq!(due(&projections, 69).await, [(invitation(3), 1)]);
    assert_eq!(due(&projections, 70).await, [(invitation(3), 1), (invitation(1), 0)]);
    assert_eq!(due(&projections, 400).await, [(invitation(3), 1), (invitation(1), 0), (invitation(2), 0)]);
}

#[tokio::test]
async fn a_reminder_is_due_after_some_days_a_few_times_and_not_by_a_stopped_wave() {
    let desk = Desk::new();
    for (n, most) in [(1, 2), (2, 0), (3, 2), (4, 2)] {
        desk.write(&wave(n).stream(), later(0), begun(most)).await;
        write(&desk, n, 0, issued(n, InvitationDelivery::Mail, Some(wave(n)))).await;
        write(&desk, n, 1, InvitationEvent::InvitationSent { generation: 0 }).await;
    }
    write(&desk, 5, 0, issued(5, InvitationDelivery::Mail, None)).await;
    write(&desk, 5, 1, InvitationEvent::InvitationSent { generation: 0 }).await;
    desk.write(&wave(3).stream(), later(2), WaveEvent::WavePaused {}).await;
    desk.write(&wave(4).stream(), later(2), WaveEvent::WavePaused {}).await;
    desk.write(&wave(4).stream(), later(3), WaveEvent::WaveResumed {}).await;
    let projections = desk.caught_up().await;
    assert_eq!(reminded(&projections, 3 * DAY).await, []);
    assert_eq!(reminded(&projections, 3 * DAY + 1).await, [invitation(1), invitation(4)]);
    assert_eq!(reminded(&projections, 7 * DAY + 1).await, [invitation(1), invitation(4), invitation(5)]);

    let cause = RenewalCause::Reminder;
    let renewed = InvitationEvent::InvitationRenewed { generation: 1, cause, expires: later(90 * DAY) };
    write(&desk, 5, 8 * DAY, renewed).await;
    write(&desk, 5, 8 * DAY, InvitationEvent::InvitationSent { generation: 1 }).await;
    write(&desk, 1, 8 * DAY, InvitationEvent::InvitationExpired {}).await;
    let projections = desk.caught_up().await;
    assert_eq!(reminded(&projections, 80 * DAY).await, [invitation(4)], "one reminder is enough");
}

#[tokio::test]
async fn an_owner_has_to_be_told_of_a_retirement_until_they_were_told_or_it_was_undone() {
    let desk = Desk::new();
    let (successor, record) =
        (events::device::DeviceId(Uuid::from_u128(1)), |n: u128| RecordId(Uuid::from_u128(0x7200 + n)));
    let confirmed = |may_be_retired| {
        let proof = LinkProof { may_be_retired, is_same_device: false };
        RecordEvent::LinkConfirmed { successor, proof }
    };
    for n in 1..=4 {
        desk.write(&record(n).stream(), later(0), confirmed(n != 4)).await;
    }
    let failed = Some(MailFailure::AddressInvalid);
    desk.write(&record(2).stream(), later(1), RecordEvent::RetirementNotified { successor, failed }).await;
    desk.write(&record(3).stream(), later(1), RecordEvent::LinkUndone { successor }).await;
    let projections = desk.caught_up().await;
    let due = mails::notices_due(&projections, 10).await.unwrap();
    assert_eq!(due.into_iter().map(|due| due.record).collect::<Vec<_>>(), [record(1)]);
}
