//! Links at the console: how a phone that is enrolled again is proposed and decided about, its lineage, the page of its
//! person; who may do what; and what programs read.

mod decided;
mod lists;
mod people;
mod whole;

use events::Timestamp;
use events::device::DeviceId;
use events::person::PersonId;
use events::record::{LinkBand, LinkEvidence, LinkProof, RecordEvent, RecordId, RecordOwner, Weighed};
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::{Answer, Browser, enrolled_twice, write};

pub const LIST: &str = "/console/links";

/// The possible decisions about a proposed link. Neither says that both are the same device.
pub const DECISIONS: [&str; 2] = ["Confirm: it took the record’s place", "Reject: it did not take its place"];

pub async fn administrator(server: &TestServer, name: &str) -> Browser {
    Browser::signed_in(server, name, &[Privilege::Administrator]).await
}

pub fn page(device: DeviceId) -> String {
    format!("/console/devices/{device}")
}

/// Two enrollments of one person, of which the first is proposed as an earlier record of the second.
pub async fn proposed(server: &TestServer, name: &str) -> (DeviceId, DeviceId) {
    let now = server.app().platform.world.now();
    let (old, new) = enrolled_twice(server, name, now).await;
    // The server's own look at the two comes first.
    server.reacted().await;
    propose(server, RecordId::of_device(old), new, 5).await;
    (old, new)
}

/// Proposes a link as the server does.
pub async fn propose(server: &TestServer, record: RecordId, successor: DeviceId, score: i32) {
    let rest = Weighed { evidence: LinkEvidence::SameModel {}, points: score - 3 };
    let evidence = vec![Weighed { evidence: LinkEvidence::SamePerson {}, points: 3 }, rest];
    let proof = LinkProof { may_be_retired: true, is_same_device: false };
    let band = if score < 8 { LinkBand::Probable } else { LinkBand::Strong };
    let event = RecordEvent::LinkProposed { successor, evidence, score, band, proof };
    write(server, &record.stream(), server.app().platform.world.now(), event).await;
    server.caught_up().await;
}

pub async fn own(server: &TestServer, record: RecordId, person: PersonId) {
    let event = RecordEvent::PreviousRecordOwnerResolved { owner: RecordOwner::Unique { person } };
    write(server, &record.stream(), server.app().platform.world.now(), event).await;
    server.reacted().await;
}

/// Imports one row of an export of Jamf Pro, whose first column is `id`, and returns the record.
pub async fn imported(server: &TestServer, root: &Browser, id: &str, row: &str) -> RecordId {
    use crate::imports::{export, import};
    import(server, root, &[("source", "Old Jamf")], export(&[&format!("{id},{row}")])).await;
    server.app().imports.record_id("Old Jamf", id)
}

pub async fn person_of(server: &TestServer, device: DeviceId) -> PersonId {
    server.app().platform.device(device).await.unwrap().person.unwrap()
}

pub async fn decide(browser: &Browser, pair: (RecordId, DeviceId), what: &str, from: &str) -> Answer {
    let csrf = browser.get("/console/account").await.csrf();
    browser.post(&format!("{LIST}/{}/{}/{what}", pair.0, pair.1), &[("csrf", &csrf), ("from", from)]).await
}

/// The instant as an address has it.
pub fn at(instant: Timestamp) -> String {
    instant.to_rfc3339()
}
