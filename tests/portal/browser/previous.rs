//! Tests of the page of earlier records in real browsers.

use crate::previous::{OLD_PHONE, import, person, resolve};
use events::record::{RecordId, RecordOwner};
use fantoccini::Locator;
use harness::browser::walk::Journey;
use harness::browser::{Axe, DESK, Engine, Looks, PHONE, arrive, browser, look_at, speak, wait_for};
use harness::cast::{PASSWORD, Scene, Visitor};
use harness::waiting::until;
use simulator::device::Device;
use simulator::model::Family;
use simulator::trust;

/// Sets up a server that ada's phone is enrolled with, and that has a record of another product about ada's tablet.
async fn scene() -> (Scene, Device, RecordId) {
    let scene = Scene::set().await;
    let device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let record = import(&scene, OLD_PHONE).await;
    let ada = person(&scene, "ada").await;
    resolve(&scene, record, RecordOwner::Unique { person: ada }).await;
    (scene, device, record)
}

async fn asked(engine: Engine, test: &str, (width, height): (u32, u32), dark: bool) {
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width, height, dark, language: "en" };
    let Some(browser) = browser(engine, test, &looks).await else { return };
    let (scene, mut old, imported) = scene().await;
    let axe = Axe::of(engine, test);
    let client = &browser.client;
    client.goto(&format!("{}/enroll/sign-in", scene.server.url())).await.unwrap();
    client.find(Locator::Css("#user_name")).await.unwrap().send_keys("ada").await.unwrap();
    client.find(Locator::Css("#password")).await.unwrap().send_keys(PASSWORD).await.unwrap();
    client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
    arrive(&browser, "/enroll/previous").await;
    for language in ["ja", "de", "en"] {
        speak(&browser, language).await;
        look_at(&browser, axe.as_ref(), &format!("{test}-{language}")).await;
    }
    let own = RecordId::of_device(harness::cast::id_of(&old));
    wait_for(&browser, &format!("label[for='this_device-{imported}']")).await.click().await.unwrap();
    wait_for(&browser, &format!("label[for='this_device-{own}']")).await.click().await.unwrap();
    // Both answers are kept when the person comes back from Settings, and the page shows what happened there.
    old.remove_mdm_profile().await.unwrap();
    client.execute("document.dispatchEvent(new Event('visibilitychange'))", vec![]).await.unwrap();
    wait_for(&browser, "fieldset .ended").await;
    for record in [own, imported] {
        let chosen = wait_for(&browser, &format!("#this_device-{record}")).await.prop("checked").await.unwrap();
        assert_eq!(chosen.as_deref(), Some("true"));
    }
    look_at(&browser, axe.as_ref(), &format!("{test}-removed")).await;
    client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
    wait_for(&browser, "button[name=removed]").await;
    look_at(&browser, axe.as_ref(), &format!("{test}-asks-en")).await;
    // The answers are kept on the way back to the first page, too.
    speak(&browser, "de").await;
    wait_for(&browser, &format!("#this_device-{imported}:checked")).await;
    client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
    wait_for(&browser, "button[name=removed]").await;
    look_at(&browser, axe.as_ref(), &format!("{test}-asks-de")).await;
    client.find(Locator::Css("button[name=removed][value=yes]")).await.unwrap().click().await.unwrap();
    arrive(&browser, "/enroll/ownership").await;
    until("both answers", async || {
        let events = scene.server.events_of("enrollment").await;
        events.iter().filter(|event| event.type_name() == "PreviousRecordAnswered").count() == 2
    })
    .await;
    browser.close().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_answers_about_earlier_records_on_a_phone_in_chromium() {
    asked(Engine::Chromium, "previous-chromium", PHONE, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_answers_about_earlier_records_on_a_phone_in_webkit() {
    asked(Engine::WebKit, "previous-webkit", PHONE, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_answers_about_earlier_records_on_a_large_screen_in_the_dark() {
    asked(Engine::Chromium, "previous-desk", DESK, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_that_wait_and_that_compare_old_and_new_are_read_by_everybody() {
    let test = "before-and-now";
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let (scene, mut old, _) = scene().await;
    let axe = Axe::load(test);
    let mut journey = Journey::new(browser, None, scene.walk(visitor), test);
    journey.walk_to("/enroll/mdm", &scene.address()).await;
    let client = &journey.browser.client;
    let profile = client.find(Locator::Css("a#profile")).await.unwrap().prop("href").await.unwrap().unwrap();
    assert_eq!(trust::reckless().unwrap().get(&profile).send().await.unwrap().status().as_u16(), 200);
    client.goto(&format!("{}/enroll/complete?still", scene.server.url())).await.unwrap();
    for language in ["ja", "de", "en"] {
        speak(&journey.browser, language).await;
        wait_for(&journey.browser, ".causes").await;
        look_at(&journey.browser, axe.as_ref(), &format!("{test}-waiting-{language}")).await;
    }
    old.remove_mdm_profile().await.unwrap();
    journey.walk_to("/enroll/mdm", &format!("{}/enroll/mdm", scene.server.url())).await;
    journey.run(&format!("{}/enroll/mdm", scene.server.url())).await;
    for language in ["ja", "de", "en"] {
        speak(&journey.browser, language).await;
        wait_for(&journey.browser, ".sides").await;
        look_at(&journey.browser, axe.as_ref(), &format!("{test}-{language}")).await;
    }
    scene.answer_first_commands(&mut journey.walk.device).await;
    journey.browser.close().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_asks_goes_on_by_itself_when_the_old_management_is_removed() {
    let test = "previous-watches";
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(browser) = browser(Engine::WebKit, test, &looks).await else { return };
    let (scene, mut old, _) = scene().await;
    let axe = Axe::load(test);
    let client = &browser.client;
    client.goto(&format!("{}/enroll/sign-in", scene.server.url())).await.unwrap();
    client.find(Locator::Css("#user_name")).await.unwrap().send_keys("ada").await.unwrap();
    client.find(Locator::Css("#password")).await.unwrap().send_keys(PASSWORD).await.unwrap();
    client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
    arrive(&browser, "/enroll/previous").await;
    let own = RecordId::of_device(harness::cast::id_of(&old));
    for language in ["ja", "de", "en"] {
        speak(&browser, language).await;
        wait_for(&browser, &format!("label[for='this_device-{own}']")).await.click().await.unwrap();
        client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
        wait_for(&browser, "button[name=removed]").await;
        look_at(&browser, axe.as_ref(), &format!("{test}-{language}")).await;
    }
    old.remove_mdm_profile().await.unwrap();
    client.execute("document.dispatchEvent(new Event('visibilitychange'))", vec![]).await.unwrap();
    arrive(&browser, "/enroll/ownership").await;
    browser.close().await;
    scene.strike().await;
}
