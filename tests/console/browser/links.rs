//! Staff look at links, a person and a record in real browsers, and decide about a link.

use super::Sight;
use crate::links::{LIST, decide, imported, own, page, person_of, propose, proposed};
use events::record::RecordId;
use harness::browser::{DESK, Engine, PHONE, wait_for};
use harness::desk::renamed;

/// A name without a place to break it.
const LONG: &str = "F2LXJ0AAAA9,ada,Ada,IPHONEOFADALOVELACEOFTHEDEPARTMENTOFANALYTICALENGINES,iPhone 14,\
    PersonalDeviceProfile,2024-05-04T05:06:07Z,3";

async fn look_around(engine: Engine, test: &'static str, size: (u32, u32), dark: bool) {
    let Some(sight) = Sight::begin(engine, test, size, dark).await else { return };
    let (server, helper) = (&sight.server, &sight.helper);
    sight.look(LIST, "There are no links yet", "links-empty").await;

    let (old, new) = proposed(server, "adalovelace.of.the.department.of.analytical.engines").await;
    // A name shorter than the text beside it.
    renamed(server, old, "Ada’s iPhone", server.app().platform.world.now()).await;
    let person = person_of(server, new).await;
    let record = imported(server, helper, "9", LONG).await;
    own(server, record, person).await;
    propose(server, record, new, 9).await;
    let (of_person, of_record) = (format!("/console/people/{person}"), format!("/console/records/{record}"));
    sight.look(LIST, "same person +3", "links").await;
    sight.look(&page(new), "May the old record be retired?", "device").await;
    sight.look(&page(old), "May this record be retired?", "device-old").await;
    sight.look(&of_record, "May this record be retired?", "record").await;
    sight.look(&of_person, "A proposed link joins nothing", "person").await;

    sight.open(LIST).await;
    sight.click(".decide summary").await;
    sight.look_here("links-decide").await;
    sight.click(".decide form button").await;
    wait_for(&sight.browser, ".done").await;
    sight.look_here("links-confirmed").await;
    sight.look(&format!("{LIST}?state=confirmed"), "Confirmed", "links-of-a-state").await;
    let late = decide(helper, (record, new), "reject", "list").await;
    assert_eq!(late.status, 409);
    decide(helper, (RecordId::of_device(old), new), "reject", "list").await;
    sight.look(&of_person, "Rejected", "person-decided").await;
    sight.look("/console/records", "Imports", "records").await;
    sight.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_chromium_at_a_desk() {
    look_around(Engine::Chromium, "links-desk", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_chromium_on_a_phone_in_the_dark() {
    look_around(Engine::Chromium, "links-phone-dark", PHONE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_webkit_at_a_desk() {
    look_around(Engine::WebKit, "links-webkit", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_webkit_on_a_phone() {
    look_around(Engine::WebKit, "links-webkit-phone", PHONE, false).await;
}
