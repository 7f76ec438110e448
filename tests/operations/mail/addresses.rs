//! What a later import changes about invitations: the address of a mail that is sent again, whom an invitation is for,
//! and who is reminded.

use super::invitations::{DAY, arrived, happened, is_sent, sending_through};
use crate::waves::record_with;
use ::invitations::{AgainError, Invitee, NotIssued, Request};
use decisions::migration::{Command as OfMigration, Migration};
use decisions::record::{Command as OfRecord, Record};
use events::invitation::{InvitationDelivery, InvitationEvent, InvitationId, RenewalCause};
use events::person::PersonId;
use events::personal::Personal;
use events::record::{ImportId, PersonalDetails, RecordId, RecordOwner};
use harness::desk::enrolled;
use harness::mail_server::{MailServer, is_here};
use harness::{TestServer, test_name};
use platform::context::Context;
use projections::migration::{MigrationState, of_records};
use uuid::Uuid;

fn operator() -> Context {
    Context::operator(Uuid::from_u128(1))
}

fn details(mail: &str) -> PersonalDetails {
    PersonalDetails { mail: Some(mail.into()), ..PersonalDetails::default() }
}

async fn invite(server: &TestServer, record: RecordId, delivery: InvitationDelivery) -> InvitationId {
    let app = server.app();
    let id = app.invitations.id_of(&format!("{record}"));
    let request = Request {
        id,
        invitee: Invitee::Record(record),
        wave: None,
        delivery,
        language: "en".into(),
        expires: app.platform.world.now().plus_seconds(90 * DAY),
    };
    app.invitations.issue(&request, &operator()).await.unwrap();
    id
}

/// Imports the record again with another address.
async fn change_address(server: &TestServer, record: RecordId, mail: &str) {
    let platform = &server.app().platform;
    let (known, _) = platform.load::<Record>(&record.stream()).await.unwrap();
    let mut row = known.details.clone().unwrap();
    let personal = PersonalDetails { mail: Some(mail.into()), ..row.personal.get().unwrap().clone() };
    row.personal = Personal::new(record.key(), personal);
    let command = OfRecord::Import {
        import: ImportId(Uuid::from_u128(10)),
        source: "Jamf Pro".into(),
        details: Box::new(row),
        owner_keys: known.owner_keys.iter().cloned().collect(),
        names: vec![],
        owner: known.owner,
    };
    platform.perform::<Record>(&record.stream(), &command, &operator()).await.unwrap();
    server.reacted().await;
}

async fn own(server: &TestServer, record: RecordId, owner: RecordOwner) {
    let platform = &server.app().platform;
    let (known, _) = platform.load::<Record>(&record.stream()).await.unwrap();
    let resolve = OfRecord::ResolveOwner { keys: known.owner_keys.clone(), owner };
    platform.perform::<Record>(&record.stream(), &resolve, &operator()).await.unwrap();
    server.reacted().await;
}

async fn is_revoked(server: &TestServer, id: InvitationId) -> bool {
    server.app().invitations.state(id).await.unwrap().is_revoked
}

async fn send_again(server: &TestServer, id: InvitationId) -> Result<u32, AgainError> {
    let app = server.app();
    let generation = app.invitations.state(id).await.unwrap().generation;
    let expires = app.platform.world.now().plus_seconds(90 * DAY);
    app.invitations.renew_from(id, generation, RenewalCause::SentAgain, expires, &operator()).await
}

#[tokio::test]
async fn a_mail_that_is_sent_again_goes_to_the_address_that_the_record_has_by_then() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["auth"]);
    let (server, _) = sending_through(&mails).await;
    let record = record_with(&server, 1, true, details("adda@people.example")).await;
    let id = invite(&server, record, InvitationDelivery::Mail).await;
    happened(&server, id, "the mail is sent", is_sent).await;
    change_address(&server, record, "ada@people.example").await;
    assert!(!is_revoked(&server, id).await, "the owner is the same");
    assert_eq!(send_again(&server, id).await.unwrap(), 1);
    let taken = arrived(&mails, 2).await;
    let to: Vec<_> = taken.iter().map(|mail| mail.to[0].as_str()).collect();
    assert_eq!(to, ["adda@people.example", "ada@people.example"]);
    server.stop().await;
}

#[tokio::test]
async fn an_invitation_is_revoked_when_its_record_gets_another_owner_or_none() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["auth"]);
    let (mut server, _) = sending_through(&mails).await;
    let (ada, grace) = (PersonId(Uuid::from_u128(11)), PersonId(Uuid::from_u128(12)));
    let mut invited = Vec::new();
    for nth in 1..=4 {
        let record = record_with(&server, nth, true, details("ada@people.example")).await;
        own(&server, record, RecordOwner::Unique { person: ada }).await;
        invited.push((record, invite(&server, record, InvitationDelivery::ByHand).await));
    }
    let owners = [RecordOwner::Unique { person: grace }, RecordOwner::Several {}, RecordOwner::Left {}];
    for ((record, _), owner) in invited.iter().zip(owners) {
        own(&server, *record, owner).await;
    }
    change_address(&server, invited[3].0, "ada.l@people.example").await;
    server.restart().await;
    server.reacted().await;
    let mut revoked = Vec::new();
    for (_, id) in &invited {
        revoked.push(is_revoked(&server, *id).await);
    }
    assert_eq!(revoked, [true, true, true, false], "another owner, several, left, another address of the same owner");
    let rows = of_records(&server.app().platform.projections, vec![invited[0].0]).await.unwrap();
    assert_eq!(rows[0].state, MigrationState::ToInvite, "the new owner is to be invited");
    let events = server.log_of(&invited[0].1.stream()).await;
    assert_eq!(events.len(), 2, "issued and revoked once: {events:?}");
    server.stop().await;
}

#[tokio::test]
async fn nobody_is_reminded_who_has_enrolled_a_device_whose_link_is_open() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["auth"]);
    let (server, clock) = sending_through(&mails).await;
    let came = record_with(&server, 1, true, details("ada@people.example")).await;
    let waits = record_with(&server, 2, true, details("grace@people.example")).await;
    for record in [came, waits] {
        let id = invite(&server, record, InvitationDelivery::Mail).await;
        happened(&server, id, "the mail is sent", is_sent).await;
    }
    clock.advance_seconds(60);
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let enrollment = server.app().platform.enrollment(device.enrollment()).await.unwrap();
    own(&server, came, RecordOwner::Unique { person: enrollment.owner().unwrap().person }).await;
    server.caught_up().await;
    let rows = of_records(&server.app().platform.projections, vec![came]).await.unwrap();
    assert_eq!(rows[0].state, MigrationState::Enrolled);
    clock.advance_seconds(7 * DAY + 1);
    let taken = arrived(&mails, 3).await;
    assert_eq!(taken[2].to, ["grace@people.example"]);
    server.timer_looked().await;
    server.timer_looked().await;
    assert_eq!(mails.mails().len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_while_the_migration_of_the_source_is_closed() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["auth"]);
    let (server, _) = sending_through(&mails).await;
    let record = record_with(&server, 1, true, details("ada@people.example")).await;
    let id = invite(&server, record, InvitationDelivery::Mail).await;
    happened(&server, id, "the mail is sent", is_sent).await;
    let platform = &server.app().platform;
    let stream = platform.secrets.migration("Jamf Pro").stream();
    let close = OfMigration::Close { source: "Jamf Pro".into() };
    platform.perform::<Migration>(&stream, &close, &operator()).await.unwrap();
    let refused = send_again(&server, id).await;
    assert!(matches!(refused, Err(AgainError::NotNow(NotIssued::MigrationClosed))), "{refused:?}");
    platform.perform::<Migration>(&stream, &OfMigration::Reopen, &operator()).await.unwrap();
    send_again(&server, id).await.unwrap();
    arrived(&mails, 2).await;
    assert!(!is_revoked(&server, id).await);
    server.stop().await;
}

#[tokio::test]
async fn a_mail_that_waits_while_its_migration_is_closed_is_not_sent_and_its_invitation_is_revoked() {
    if !is_here(test_name!()) {
        return;
    }
    let mails = MailServer::start(&["later"]);
    let (server, clock) = sending_through(&mails).await;
    let record = record_with(&server, 1, true, details("ada@people.example")).await;
    let id = invite(&server, record, InvitationDelivery::Mail).await;
    happened(&server, id, "the mail is to come later", |event| {
        matches!(event, InvitationEvent::InvitationNotSent { is_final: false, .. })
    })
    .await;
    let platform = &server.app().platform;
    let close = OfMigration::Close { source: "Jamf Pro".into() };
    let stream = platform.secrets.migration("Jamf Pro").stream();
    platform.perform::<Migration>(&stream, &close, &operator()).await.unwrap();
    server.caught_up().await;
    clock.advance_seconds(61);
    happened(&server, id, "the revocation", |event| matches!(event, InvitationEvent::InvitationRevoked {})).await;
    assert!(mails.mails().is_empty());
    server.stop().await;
}
