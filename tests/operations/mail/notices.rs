//! The owner of a retired record is told by mail, and the outcome is an event.

use super::invitations::sending_through;
use crate::waves::record_with;
use events::Event;
use events::device::DeviceId;
use events::invitation::MailFailure;
use events::record::{LinkProof, PersonalDetails, RecordEvent, RecordId};
use harness::desk::{enrolled, write};
use harness::mail_server::{MailServer, is_here};
use harness::{TestServer, test_name, waiting};

/// Writes that a record of Ada was linked to her enrollment, and that it may be retired.
async fn retired(server: &TestServer, nth: u128, may_be_retired: bool) -> (RecordId, DeviceId) {
    let now = server.app().platform.world.now();
    let successor = enrolled(server, "ada", now).await;
    let personal = PersonalDetails { mail: Some("ada@people.example".into()), ..PersonalDetails::default() };
    let record = record_with(server, nth, true, personal).await;
    let proof = LinkProof { may_be_retired, is_same_device: false };
    write(server, &record.stream(), now, RecordEvent::LinkConfirmed { successor, proof }).await;
    (record, successor)
}

async fn notified(server: &TestServer, record: RecordId) -> Vec<Option<MailFailure>> {
    let entries = server.log_of(&record.stream()).await;
    let outcome = |event| match event {
        Event::Record(RecordEvent::RetirementNotified { failed, .. }) => Some(failed),
        _ => None,
    };
    entries.into_iter().filter_map(|entry| outcome(entry.event)).collect()
}

async fn until_notified(server: &TestServer, record: RecordId) -> Vec<Option<MailFailure>> {
    waiting::until("the outcome", async || !notified(server, record).await.is_empty()).await;
    notified(server, record).await
}

#[tokio::test]
async fn an_owner_is_told_once_that_their_record_was_retired_and_of_no_other_link() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["auth"]);
    let (mut server, _) = sending_through(&mails).await;
    let (other, _) = retired(&server, 1, false).await;
    let (record, _) = retired(&server, 2, true).await;
    assert_eq!(until_notified(&server, record).await, [None]);
    server.restart().await;
    server.timer_looked().await;
    let [mail] = &mails.mails()[..] else { panic!("one mail: {:#?}", mails.mails()) };
    assert_eq!(mail.to, ["ada@people.example"]);
    assert_eq!(mail.header("Subject"), "Example School: the earlier record of your device was retired");
    assert_eq!((notified(&server, record).await, notified(&server, other).await), (vec![None], vec![]));
    server.stop().await;
}

#[tokio::test]
async fn an_owner_whom_the_mail_server_refuses_or_who_has_no_mail_server_is_not_told_and_an_event_says_so() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["refuse"]);
    let (server, _) = sending_through(&mails).await;
    let (record, _) = retired(&server, 1, true).await;
    assert_eq!(until_notified(&server, record).await, [Some(MailFailure::Refused)]);
    server.stop().await;

    let server = TestServer::start().await;
    let (record, _) = retired(&server, 1, true).await;
    assert_eq!(until_notified(&server, record).await, [Some(MailFailure::NotConfigured)]);
    server.stop().await;
}

#[tokio::test]
async fn a_notice_that_cannot_be_sent_is_tried_again_and_given_up_after_two_days() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["no-tls"]);
    let (server, clock) = sending_through(&mails).await;
    let (record, _) = retired(&server, 1, true).await;
    let asked = || mails.transcript().matches("EHLO").count();
    waiting::until("the first attempt", async || asked() > 0).await;
    clock.advance_seconds(61);
    waiting::until("the second attempt", async || asked() > 1).await;
    assert_eq!(notified(&server, record).await, []);
    clock.advance_seconds(2 * 86_400);
    assert_eq!(until_notified(&server, record).await, [Some(MailFailure::NotSecure)]);
    assert!(mails.mails().is_empty());
    server.stop().await;
}
