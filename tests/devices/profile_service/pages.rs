//! Tests of the pages in a real browser at phone size, in all languages.

use super::scene;
use events::settings::ProfileService as Setting;
use harness::browser::accessibility::Axe;
use harness::browser::driver::{Engine, Looks};
use harness::browser::walk::Journey;
use harness::browser::{PHONE, browser, look_at};
use harness::cast::Visitor;
use harness::profile_service::ASKS;
use simulator::model::Family;
use simulator::trust;

const LANGUAGES: [&str; 3] = ["en", "de", "ja"];

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_that_the_device_is_checked_and_leads_on_in_every_language() {
    for language in LANGUAGES {
        let test = format!("verified-{language}");
        let visitor = Visitor::institutional(Family::IPhone, "26.1");
        let user_agent = visitor.hardware.user_agent();
        let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language };
        let Some(browser) = browser(Engine::Chromium, &test, &looks).await else { return };
        let (scene, _file) = scene(true, ASKS).await;
        let walk = scene.walk(visitor);
        let mut journey = Journey::new(browser, Axe::load(&test), walk, &test);
        journey.run(&scene.address()).await;
        assert!(journey.walk.device.is_managed(), "{language}");
        scene.answer_first_commands(&mut journey.walk.device).await;
        journey.browser.close().await;
        scene.strike().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_device_is_refused_reads_why_in_every_language() {
    let only_genuine = Setting { enabled: true, genuine_devices_only: true };
    for (language, told) in
        [("en", "prove to be from Apple"), ("de", "dass sie von Apple sind"), ("ja", "Apple製であることを証明できる")]
    {
        let test = format!("not-genuine-{language}");
        let visitor = Visitor::institutional(Family::IPad, "17.5");
        let user_agent = Visitor::institutional(Family::IPhone, "17.5").hardware.user_agent();
        let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language };
        let Some(browser) = browser(Engine::Chromium, &test, &looks).await else { return };
        let (scene, _file) = scene(false, only_genuine.clone()).await;
        let walk = scene.walk(visitor);
        let mut journey = Journey::new(browser, Axe::load(&test), walk, &test);
        journey.walk_to("/enroll/mdm", &scene.address()).await;
        let link = journey.browser.client.find(fantoccini::Locator::Css("a#profile")).await.unwrap();
        let address = link.prop("href").await.unwrap().unwrap();
        let answer = trust::reckless().unwrap().get(&address).send().await.unwrap();
        journey.walk.device.download(answer.bytes().await.unwrap().to_vec());
        assert!(journey.walk.device.install().await.is_err());
        let page = journey.walk_to("/enroll/stopped", &scene.address()).await;
        assert!(page.contains(told), "{page}");
        look_at(&journey.browser, Axe::load(&test).as_ref(), &test).await;
        journey.browser.close().await;
        scene.strike().await;
    }
}
