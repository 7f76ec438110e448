//! Invitations that Muster sends by mail: the outcome is an event, faults are tried again, people are reminded.

use ::invitations::{Invitee, Request};
use ::mail::Mail;
use events::Event;
use events::invitation::{InvitationDelivery, InvitationEvent, InvitationId, MailFailure, RenewalCause};
use harness::mail_server::{MailServer, Taken, is_here};

use harness::{TestServer, test_name, waiting};
use platform::context::Context;
use std::sync::Arc;
use uuid::Uuid;
use world::{Clock as _, ManualClock, SystemClock, World};

pub(super) const DAY: i64 = 86_400;

/// A server that sends through this mail server, and its clock.
pub(super) async fn sending_through(mails: &MailServer) -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let section: Mail = toml::from_str(&mails.keys(&mails.login())).unwrap();
    let server = TestServer::start_with(World::at(Arc::clone(&clock) as _), |config| config.mail = Some(section)).await;
    (server, clock)
}

async fn invite(server: &TestServer, who: &str) -> InvitationId {
    let (app, address) = (server.app(), format!("{who}@people.example"));
    let id = app.invitations.id_of(who);
    let request = Request {
        id,
        invitee: Invitee::Mail { address, full_name: Some("Ada Example".into()) },
        wave: None,
        delivery: InvitationDelivery::Mail,
        language: "en".into(),
        expires: app.platform.world.now().plus_seconds(90 * DAY),
    };
    app.invitations.issue(&request, &Context::operator(Uuid::from_u128(1))).await.unwrap();
    id
}

async fn history(server: &TestServer, id: InvitationId) -> Vec<InvitationEvent> {
    let entries = server.log_of(&id.stream()).await;
    let of = |event| match event {
        Event::Invitation(event) => event,
        other => panic!("{other:?}"),
    };
    entries.into_iter().map(|entry| of(entry.event)).collect()
}

pub(super) async fn happened(server: &TestServer, id: InvitationId, what: &str, is: impl Fn(&InvitationEvent) -> bool) {
    waiting::until(what, async || history(server, id).await.iter().any(&is)).await;
}

pub(super) async fn arrived(mails: &MailServer, count: usize) -> Vec<Taken> {
    waiting::until("the mails arrive", async || mails.mails().len() >= count).await;
    let taken = mails.mails();
    assert_eq!(taken.len(), count, "{taken:#?}");
    taken
}

fn failures(events: &[InvitationEvent]) -> Vec<(MailFailure, Option<u16>, bool)> {
    let failure = |event: &InvitationEvent| match event {
        InvitationEvent::InvitationNotSent { why, code, is_final, .. } => Some((*why, *code, *is_final)),
        _ => None,
    };
    events.iter().filter_map(failure).collect()
}

pub(super) fn is_sent(event: &InvitationEvent) -> bool {
    matches!(event, InvitationEvent::InvitationSent { .. })
}

#[tokio::test]
async fn an_invitation_arrives_with_its_link_and_code_and_is_recorded_as_sent() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["auth"]);
    let (server, _) = sending_through(&mails).await;
    let id = invite(&server, "ada").await;
    let [mail] = &arrived(&mails, 1).await[..] else { panic!("one mail") };
    assert!(mail.encrypted && mail.authenticated);
    assert_eq!(mail.to, ["ada@people.example"]);
    assert_eq!(mail.header("Subject"), "Example School: please enroll your device");
    assert_eq!(mail.link(), server.app().invitations.link(id, 0));
    let code = server.app().invitations.code(id, 0).await.unwrap();
    assert!(mail.body.contains(&code) && mail.body.contains("Hello Ada Example,"), "{}", mail.body);
    happened(&server, id, "the mail is recorded as sent", is_sent).await;
    assert!(!server.metrics().await.contains("people.example"));
    server.stop().await;
    assert_eq!(mails.mails().len(), 1);
}

#[tokio::test]
async fn a_recipient_whom_the_mail_server_refuses_is_not_tried_again_and_others_are_sent() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["refuse"]);
    let (server, clock) = sending_through(&mails).await;
    let id = invite(&server, "ada").await;
    happened(&server, id, "the refusal is recorded", |event| {
        matches!(event, InvitationEvent::InvitationNotSent { .. })
    })
    .await;
    clock.advance_seconds(2 * DAY);
    let other = invite(&server, "grace").await;
    happened(&server, other, "the other one is tried", |event| {
        matches!(event, InvitationEvent::InvitationNotSent { .. })
    })
    .await;
    assert_eq!(failures(&history(&server, id).await), [(MailFailure::Refused, Some(550), true)]);
    waiting::until("the alarm", async || server.metrics().await.contains("{alarm=\"mail-not-sent\"} 2")).await;
    server.stop().await;
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_is_tried_again_a_minute_later() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["later"]);
    let (server, clock) = sending_through(&mails).await;
    let id = invite(&server, "ada").await;
    happened(&server, id, "the refusal is recorded", |event| {
        matches!(event, InvitationEvent::InvitationNotSent { .. })
    })
    .await;
    assert_eq!(failures(&history(&server, id).await), [(MailFailure::RefusedForNow, Some(451), false)]);
    server.caught_up().await;
    let metrics = server.metrics().await;
    assert!(metrics.contains("{alarm=\"mail-not-sent\"} 0"), "trying later is no reason for an alarm: {metrics}");
    clock.advance_seconds(61);
    arrived(&mails, 1).await;
    happened(&server, id, "the mail is recorded as sent", is_sent).await;
    server.stop().await;
}

#[tokio::test]
async fn a_mail_server_without_starttls_gets_no_mail_and_stops_all_mails_until_it_can_be_used() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["no-tls"]);
    let (server, clock) = sending_through(&mails).await;
    let mut all = Vec::new();
    for nth in 0..6 {
        all.push(invite(&server, &format!("person{nth}")).await);
    }
    let failed = async || {
        let mut failed = 0;
        for id in &all {
            failed += failures(&history(&server, *id).await).len();
        }
        failed
    };
    waiting::until("a mail fails", async || failed().await > 0).await;
    clock.advance_seconds(30);
    server.timer_looked().await;
    // Those that were under way at the same time.
    let first = failed().await;
    assert!((1..=4).contains(&first), "{first}");
    clock.advance_seconds(31);
    waiting::until("one mail tries the server", async || failed().await > first).await;
    server.timer_looked().await;
    assert_eq!(failed().await, first + 1, "one mail alone tries whether the server can be used again");
    assert!(mails.mails().is_empty());
    assert!(!mails.transcript().contains("MAIL FROM"), "{}", mails.transcript());
    server.stop().await;
}

#[tokio::test]
async fn a_person_who_does_not_come_is_reminded_with_a_new_link_twice_and_never_after_a_revocation() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["auth"]);
    let (server, clock) = sending_through(&mails).await;
    let (id, revoked) = (invite(&server, "ada").await, invite(&server, "grace").await);
    for id in [id, revoked] {
        happened(&server, id, "the mail is sent", is_sent).await;
    }
    server.app().invitations.revoke(revoked, &Context::operator(Uuid::from_u128(2))).await.unwrap();
    let mut links =
        vec![arrived(&mails, 2).await.iter().find(|mail| mail.to[0].starts_with("ada")).unwrap().link().to_owned()];
    for nth in 1..=2 {
        server.caught_up().await;
        clock.advance_seconds(7 * DAY + 1);
        let taken = arrived(&mails, 2 + nth).await;
        let reminder = taken.last().unwrap();
        assert_eq!(reminder.header("Subject"), "Example School: your device is not enrolled yet");
        links.push(reminder.link().to_owned());
        let generation = u32::try_from(nth).unwrap();
        happened(
            &server,
            id,
            "the reminder is sent",
            |event| matches!(event, InvitationEvent::InvitationSent { generation: sent } if *sent == generation),
        )
        .await;
    }
    assert_eq!(links, [0, 1, 2].map(|generation| server.app().invitations.link(id, generation)));
    server.caught_up().await;
    clock.advance_seconds(30 * DAY);
    server.timer_looked().await;
    server.timer_looked().await;
    let renewed = history(&server, id)
        .await
        .into_iter()
        .filter(|event| matches!(event, InvitationEvent::InvitationRenewed { cause: RenewalCause::Reminder, .. }));
    assert_eq!(renewed.count(), 2);
    assert_eq!(mails.mails().len(), 4);
    server.stop().await;
}

#[tokio::test]
async fn no_more_mails_are_sent_in_an_hour_than_the_settings_permit_also_after_a_restart() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["auth"]);
    let (mut server, clock) = sending_through(&mails).await;
    server.settings(|settings| settings.invitations.most_mails_per_hour = 2).await;
    for nth in 0..5 {
        invite(&server, &format!("person{nth}")).await;
    }
    arrived(&mails, 2).await;
    // The projections may not have folded the outcomes yet: the new process counts them nevertheless.
    server.restart().await;
    server.timer_looked().await;
    clock.advance_seconds(1_800);
    server.timer_looked().await;
    assert_eq!(mails.mails().len(), 2);
    clock.advance_seconds(1_801);
    let mut recipients: Vec<String> = arrived(&mails, 4).await.into_iter().map(|mail| mail.to[0].clone()).collect();
    recipients.sort();
    recipients.dedup();
    assert_eq!(recipients.len(), 4, "nobody gets two");
    server.stop().await;
}
