//! Invitations at the console: who may issue them, what each page shows and to whom, forms that are refused or sent
//! twice, waves, and the files with links.

mod exports;
mod forms;
mod roles;
pub mod waves;
mod web_clips;

use events::invitation::{InvitationDelivery, InvitationId, WaveId};
use events::person::PersonId;
use events::record::{RecordEvent, RecordId, RecordOwner};
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::{Answer, Browser, enrolled, write};
use invitations::{Invitee, Request};
use mail::{Mail, Tls};
use std::collections::BTreeMap;
use world::World;

pub const LIST: &str = "/console/invitations";
pub const WAVES: &str = "/console/waves";

pub async fn administrator(server: &TestServer) -> Browser {
    Browser::signed_in(server, "root", &[Privilege::Administrator]).await
}

/// A server that has a mail server in its configuration. Nothing listens at its address.
pub async fn with_mail() -> TestServer {
    TestServer::start_with(World::system(), |config| {
        config.mail = Some(Mail {
            host: "localhost".into(),
            port: Some(9),
            tls: Tls::StartTls,
            user_name: None,
            password_file: None,
            from: "muster@example.org".into(),
            bounces_to: None,
            ca_file: None,
            hello_name: None,
        });
    })
    .await
}

/// A person who has signed in before.
pub async fn person(server: &TestServer, name: &str) -> PersonId {
    let device = enrolled(server, name, server.app().platform.world.now()).await;
    crate::links::person_of(server, device).await
}

/// Imports records whose rows have these ids, one per name, and says whose they are.
pub async fn records(server: &TestServer, root: &Browser, names: &[&str], owner: PersonId) -> Vec<RecordId> {
    let rows: Vec<String> = (0..names.len())
        .map(|nth| {
            format!(
                "{},F2LXJ0{nth:05},{n},{n} Lovelace,{n}’s phone,iPhone 13,PersonalDeviceProfile,2024-03-04T05:06:07Z,1",
                nth + 1,
                n = names[nth]
            )
        })
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    crate::imports::import(server, root, &[("source", "Old Jamf")], crate::imports::export(&rows)).await;
    let id = |nth: usize| server.app().imports.record_id("Old Jamf", &(nth + 1).to_string());
    let ids: Vec<RecordId> = (0..names.len()).map(id).collect();
    for record in &ids {
        let event = RecordEvent::PreviousRecordOwnerResolved { owner: RecordOwner::Unique { person: owner } };
        write(server, &record.stream(), server.app().platform.world.now(), event).await;
    }
    server.caught_up().await;
    ids
}

/// Issues an invitation as the server does for a wave.
pub async fn issued(
    server: &TestServer,
    invitee: Invitee,
    wave: Option<WaveId>,
    delivery: InvitationDelivery,
) -> InvitationId {
    let service = &server.app().invitations;
    let request = Request {
        id: service.id_of(&server.app().platform.world.random_uuid().to_string()),
        invitee,
        wave,
        delivery,
        language: "en".into(),
        expires: server.app().platform.world.now().plus_seconds(86_400),
    };
    let context = platform::context::Context::operator(server.app().platform.world.random_uuid());
    service.issue(&request, &context).await.unwrap();
    server.caught_up().await;
    request.id
}

/// The link and the code of the first generation.
pub async fn secrets(server: &TestServer, invitation: InvitationId) -> [String; 2] {
    let service = &server.app().invitations;
    let link = service.link(invitation, 0);
    let secret = link.rsplit('.').next().unwrap().to_owned();
    [secret, service.code(invitation, 0).await.unwrap()]
}

/// The form of a page with these values instead of its own.
pub fn form<'a>(page: &Answer, fields: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = page.hidden().into_iter().collect();
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    all.into_iter().collect()
}

pub async fn post(browser: &Browser, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(path, &fields).await
}

/// Issues an invitation with the form of the console, and returns the answer.
pub async fn invite(browser: &Browser, query: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(&format!("{LIST}/new{query}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let usual = [("delivery", "by_hand"), ("language", "en"), ("days", "30")];
    let fields = [&usual, fields].concat();
    post(browser, LIST, &form(&page, &fields)).await
}

/// The types of the events of all invitations.
pub async fn happened(server: &TestServer) -> Vec<String> {
    server.events_of("invitation").await.iter().map(|event| event.type_name()).collect()
}
