//! Tests of the pages outside of the steps: for a desktop, for another browser, for an iPad that reports Macintosh; for
//! people who may not enroll; about what the organization sees; for an unknown address.

use harness::browser::walk::Journey;
use harness::browser::{Axe, DESK, Engine, Looks, PHONE, browser, look_at, speak, wait_for};
use harness::cast::{Scene, Visitor};
use simulator::model::Family;

const DESKTOP: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const IPAD: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 \
                    Safari/605.1.15";
const CHROME_ON_IOS: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                             Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1";

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_beside_the_way_can_be_read_by_everybody() {
    let test = "beside-the-way";
    let iphone = Visitor::personal(Family::IPhone, "17.5").hardware.user_agent();
    let pages = [
        ("desktop", DESKTOP, "/enroll", DESK),
        ("which-device", IPAD, "/enroll", PHONE),
        ("other-browser", CHROME_ON_IOS, "/enroll", PHONE),
        ("about", &iphone, "/enroll/about", PHONE),
        ("problem", &iphone, "/enroll/no-such-page", PHONE),
    ];
    let scene = Scene::set().await;
    let axe = Axe::load(test);
    for (name, user_agent, path, (width, height)) in pages {
        let looks = Looks { user_agent, width, height, dark: false, language: "en" };
        let Some(browser) = browser(Engine::Chromium, test, &looks).await else { break };
        browser.client.goto(&format!("{}{path}", scene.server.url())).await.unwrap();
        look_at(&browser, axe.as_ref(), &format!("{test}-{name}")).await;
        browser.close().await;
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_personal_iphone_with_ios_18_reads_where_to_go() {
    let test = "account-driven";
    let visitor = Visitor::personal(Family::IPhone, "18.2");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let scene = Scene::set().await;
    let mut journey = Journey::new(browser, None, scene.walk(visitor), test);
    let text = journey.walk_to("/enroll/stopped", &scene.address()).await;
    assert!(text.contains("Sign In to Work or School Account"), "{text}");
    look_at(&journey.browser, Axe::load(test).as_ref(), test).await;
    journey.browser.close().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_there_in_another_language_and_a_password_can_be_looked_at() {
    let test = "typed";
    let user_agent = Visitor::personal(Family::IPhone, "17.5").hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let scene = Scene::set().await;
    browser.client.goto(&format!("{}/enroll/sign-in", scene.server.url())).await.unwrap();
    let field = async |id: &str| wait_for(&browser, &format!("#{id}")).await;
    field("user_name").await.send_keys("ada@school").await.unwrap();
    field("password").await.send_keys("secret").await.unwrap();
    speak(&browser, "de").await;
    let value = async |id: &str| field(id).await.prop("value").await.unwrap().unwrap();
    assert_eq!((value("user_name").await.as_str(), value("password").await.as_str()), ("ada@school", ""));
    field("password").await.send_keys("secret").await.unwrap();
    let kind = async || field("password").await.attr("type").await.unwrap().unwrap();
    assert_eq!(kind().await, "password");
    field("show-password").await.click().await.unwrap();
    assert_eq!(kind().await, "text");
    look_at(&browser, Axe::load(test).as_ref(), test).await;
    field("show-password").await.click().await.unwrap();
    assert_eq!(kind().await, "password");
    // After a reload, the fields are empty.
    browser.client.refresh().await.unwrap();
    assert_eq!(value("user_name").await, "");
    browser.close().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_chosen_or_changed_is_there_in_another_language() {
    let test = "chosen";
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let scene = Scene::set().await;
    let mut journey = Journey::new(browser, None, scene.walk(visitor), test);
    journey.walk_to("/enroll/ownership", &scene.address()).await;
    wait_for(&journey.browser, "#institutional").await.click().await.unwrap();
    speak(&journey.browser, "de").await;
    let chosen = wait_for(&journey.browser, "#institutional:checked").await;
    assert_eq!(chosen.attr("value").await.unwrap().as_deref(), Some("institutional"));
    // The page is filled in with the Managed Apple ID that was entered before.
    journey.walk_to("/enroll/mdm", &scene.address()).await;
    journey.browser.client.goto(&format!("{}/enroll/managed-apple-id?change", scene.server.url())).await.unwrap();
    let field = wait_for(&journey.browser, "#managed_apple_id").await;
    assert_ne!(field.prop("value").await.unwrap().unwrap(), "");
    field.clear().await.unwrap();
    field.send_keys("other@example.com").await.unwrap();
    speak(&journey.browser, "en").await;
    let field = wait_for(&journey.browser, "#managed_apple_id").await;
    assert_eq!(field.prop("value").await.unwrap().as_deref(), Some("other@example.com"));
    journey.browser.close().await;
    scene.strike().await;
}
