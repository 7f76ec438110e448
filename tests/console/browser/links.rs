//! Staff look at links, a person and a record in real browsers, and decide about a link.

use crate::links::{LIST, imported, own, page, person_of, propose, proposed};
use events::record::RecordId;
use events::staff::Privilege;
use fantoccini::Locator;
use harness::TestServer;
use harness::browser::console::{DESK_BROWSER, PASSWORD, sign_in};
use harness::browser::{Axe, DESK, Engine, Looks, PHONE, browser, look_at, wait_for};
use harness::desk;

/// A name without a place to break it.
const LONG: &str = "F2LXJ0AAAA9,ada,Ada,IPHONEOFADALOVELACEOFTHEDEPARTMENTOFANALYTICALENGINES,iPhone 14,\
    PersonalDeviceProfile,2024-05-04T05:06:07Z,3";

async fn look_around(engine: Engine, test: &str, (width, height): (u32, u32), dark: bool) {
    let looks = Looks { user_agent: DESK_BROWSER, width, height, dark, language: "en" };
    let Some(browser) = browser(engine, test, &looks).await else { return };
    let axe = Axe::of(engine, test);
    let server = TestServer::start().await;
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    let url = server.url();
    sign_in(&browser, &url, "root").await;
    let look = async |path: &str, text: &str, name: &str| {
        browser.client.goto(&format!("{url}{path}")).await.unwrap();
        let main = browser.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
        assert!(main.contains(text), "{path} does not contain {text:?} but {main:?}");
        look_at(&browser, axe.as_ref(), &format!("{test}-{name}")).await;
    };
    look(LIST, "There is no such link", "links-empty").await;

    let helper = desk::Browser::new(&server);
    helper.sign_in("root", PASSWORD).await;
    let (old, new) = proposed(&server, "adalovelace.of.the.department.of.analytical.engines").await;
    let person = person_of(&server, new).await;
    let record = imported(&server, &helper, "9", LONG).await;
    own(&server, record, person).await;
    propose(&server, record, new, 9).await;
    look(LIST, "same person +3", "links").await;
    look(&page(new), "May the old record be retired?", "device").await;
    look(&page(old), "May this record be retired?", "device-old").await;
    look(&format!("/console/records/{record}"), "May this record be retired?", "record").await;
    look(&format!("/console/people/{person}"), "they are probably one phone", "person").await;

    browser.client.goto(&format!("{url}{LIST}")).await.unwrap();
    browser.client.find(Locator::Css(".decide summary")).await.unwrap().click().await.unwrap();
    look_at(&browser, axe.as_ref(), &format!("{test}-links-decide")).await;
    browser.client.find(Locator::Css(".decide form button")).await.unwrap().click().await.unwrap();
    wait_for(&browser, ".done").await;
    look_at(&browser, axe.as_ref(), &format!("{test}-links-confirmed")).await;
    look(&format!("{LIST}?state=confirmed"), "Confirmed", "links-of-a-state").await;
    let late = crate::links::decide(&helper, (record, new), "reject", "list").await;
    assert_eq!(late.status, 409);
    crate::links::decide(&helper, (RecordId::of_device(old), new), "reject", "list").await;
    look(&format!("/console/people/{person}"), "Rejected", "person-decided").await;
    look("/console/records", "Imports", "records").await;
    browser.close().await;
    server.stop().await;
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
