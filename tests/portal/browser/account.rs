//! Tests of the pages in the sheet that Settings opens, in a real browser at phone size.

use events::enrollment::Ownership;
use events::settings::Terms;
use fantoccini::Locator;
use harness::account::{link, trust};
use harness::browser::{Axe, Engine, Looks, PHONE, browser, look_at, speak, wait_for};
use harness::cast::{PASSWORD, Scene, Visitor};
use harness::waiting::until;
use simulator::model::Family;

#[tokio::test(flavor = "multi_thread")]
async fn the_sheet_that_settings_opens_is_read_by_everybody_and_ends_at_an_address_of_settings() {
    let test = "the-sheet-of-settings";
    let visitor = Visitor::personal(Family::IPhone, "27.0");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let scene = Scene::set().await;
    let terms = Terms { version: "1".into(), text: [("en".to_owned(), "Be **kind**.".to_owned())].into() };
    scene.server.settings(|settings| settings.terms = [(Ownership::Personal, terms)].into()).await;
    let walk = scene.walk(visitor);
    trust(&scene.server, &walk.device);
    let axe = Axe::load(test);
    let address = format!("{}{}", scene.server.url(), link(&scene.server, &walk.device, "mdm-byod").await);
    let client = &browser.client;
    client.goto(&format!("{address}?user-identifier=ada%40school.example")).await.unwrap();
    for language in ["ja", "de", "en"] {
        speak(&browser, language).await;
        look_at(&browser, axe.as_ref(), &format!("{test}-sign-in-{language}")).await;
    }
    let name = client.find(Locator::Css("#user_name")).await.unwrap();
    // The language form leads back to the link. It does not keep the user name from Settings.
    name.clear().await.unwrap();
    name.send_keys("ada").await.unwrap();
    client.find(Locator::Css("#password")).await.unwrap().send_keys(PASSWORD).await.unwrap();
    client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
    wait_for(&browser, "input[name=text_hash]").await;
    look_at(&browser, axe.as_ref(), &format!("{test}-terms")).await;
    client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
    let field = wait_for(&browser, "#managed_apple_id").await;
    look_at(&browser, axe.as_ref(), &format!("{test}-managed-apple-id")).await;
    field.send_keys("ada@appleid.example.com").await.unwrap();
    client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
    // Chromium does not know this URL scheme and stays on the page. The test waits until the form has arrived, because
    // leaving the page earlier would cancel the request. A person who returns later sees a different page.
    until("the token", async || tokens(&scene).await == 1).await;
    client.goto(&format!("{}/enroll/hand-over", scene.server.url())).await.unwrap();
    wait_for(&browser, "main.happy").await;
    look_at(&browser, axe.as_ref(), &format!("{test}-hand-over")).await;
    browser.close().await;
    assert_eq!(tokens(&scene).await, 1, "only the form issues a token, the page does not");
    scene.strike().await;
}

async fn tokens(scene: &Scene) -> usize {
    let events = scene.server.events_of("enrollment").await;
    events.iter().filter(|event| event.type_name() == "AccessTokenIssued").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_waits_no_more_says_where_to_begin_again() {
    let test = "the-sheet-too-late";
    let visitor = Visitor::personal(Family::IPhone, "18.2");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: true, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let scene = Scene::set().await;
    browser.client.goto(&format!("{}/enroll/account/x", scene.server.url())).await.unwrap();
    let text = browser.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
    assert!(text.contains("Sign In to Work or School Account"), "{text}");
    look_at(&browser, Axe::load(test).as_ref(), test).await;
    browser.close().await;
    scene.strike().await;
}
