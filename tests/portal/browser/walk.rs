//! Tests of the steps of the portal in a real browser. The person's simulated device gets the profiles.

use harness::browser::walk::Journey;
use harness::browser::{Axe, Engine, Looks, PHONE, browser};
use harness::cast::{Scene, Visitor};
use simulator::device::Device;
use simulator::model::Family;

async fn enroll(
    engine: Engine,
    test: &str,
    visitor: Visitor,
    language: &str,
    dark: bool,
) -> Option<(Vec<String>, Device)> {
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark, language };
    let browser = browser(engine, test, &looks).await?;
    let scene = Scene::set().await;
    let walk = scene.walk(visitor);
    let mut journey = Journey::new(browser, Axe::of(engine, test), walk, test);
    journey.run(&scene.address()).await;
    let Journey { browser, mut walk, pages, .. } = journey;
    scene.answer_first_commands(&mut walk.device).await;
    browser.close().await;
    scene.strike().await;
    Some((pages, walk.device))
}

const PERSONAL: [&str; 6] = [
    "/enroll/sign-in",
    "/enroll/ownership",
    "/enroll/ca",
    "/enroll/managed-apple-id",
    "/enroll/mdm",
    "/enroll/complete",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_iphone_enrolls_in_chromium() {
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let Some((pages, device)) = enroll(Engine::Chromium, "personal-chromium", visitor, "en", false).await else {
        return;
    };
    assert_eq!(pages, PERSONAL);
    assert!(device.is_managed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_iphone_enrolls_in_webkit() {
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let Some((pages, device)) = enroll(Engine::WebKit, "personal-webkit", visitor, "en", false).await else { return };
    assert_eq!(pages, PERSONAL);
    assert!(device.is_managed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institutional_iphone_enrolls_in_chromium_in_japanese_and_in_the_dark() {
    let visitor = Visitor::institutional(Family::IPhone, "16.4");
    let Some((pages, device)) = enroll(Engine::Chromium, "institutional-ja-dark", visitor, "ja", true).await else {
        return;
    };
    assert_eq!(pages, ["/enroll/sign-in", "/enroll/ownership", "/enroll/ca", "/enroll/mdm", "/enroll/complete"]);
    assert!(device.is_managed());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_way_fits_at_twice_the_text_size() {
    let test = "twice-the-text";
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let user_agent = visitor.hardware.user_agent();
    // On a phone, text of twice the size leaves half the width, so the page is shown at 195 pixels.
    let looks = Looks { user_agent: &user_agent, width: PHONE.0 / 2, height: PHONE.1 / 2, dark: false, language: "de" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let scene = Scene::set().await;
    let walk = scene.walk(visitor);
    let mut journey = Journey::new(browser, None, walk, test);
    journey.run(&scene.address()).await;
    assert_eq!(journey.pages, PERSONAL);
    journey.browser.close().await;
    scene.strike().await;
}
