//! A SAML sign-in in a real browser at phone size: the button, the provider's own page, and back.

use super::server_with;
use super::simplesamlphp::SimpleSaml;
use fantoccini::{Client, Locator};
use harness::browser::driver::{Engine, Looks};
use harness::browser::{PHONE, arrive, browser, language_of, look_at, speak};
use harness::guest::iphone;
use world::World;

async fn fill(client: &Client, name: &str, text: &str) {
    let field = client.find(Locator::Css(&format!("input[name={name}]"))).await.unwrap();
    field.send_keys(text).await.unwrap();
}

async fn walk(engine: Engine, test: &str, language: &str) {
    let user_agent = iphone("17.5");
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language };
    let Some(browser) = browser(engine, test, &looks).await else { return };
    let Some(idp) = SimpleSaml::start(test).await else { return browser.close().await };
    let server = server_with(World::system(), &idp.metadata().await, |_| {}).await;
    idp.knows(&server, |text| text).await;
    let client = &browser.client;
    client.goto(&format!("{}/enroll/sign-in", server.url())).await.unwrap();
    speak(&browser, language).await;
    look_at(&browser, None, &format!("{test}-sign-in")).await;
    client.find(Locator::Css("#with-school")).await.unwrap().click().await.unwrap();
    arrive(&browser, "loginuserpass.php").await;
    fill(client, "username", "alice").await;
    fill(client, "password", "alice-password").await;
    client.find(Locator::Css("[type=submit]")).await.unwrap().click().await.unwrap();
    // The provider's last page submits its form automatically.
    arrive(&browser, "/enroll/ownership").await;
    assert_eq!(language_of(&browser).await.as_deref(), Some(language), "the language is kept after the round trip");
    look_at(&browser, None, &format!("{test}-ownership")).await;
    let text = client.find(Locator::Css("body")).await.unwrap().text().await.unwrap();
    assert!(text.contains("alice"), "{text}");
    // Goes back to the previous page: the answer is not accepted again, and the person stays signed in.
    client.goto(&format!("{}/enroll/sso/school/return", server.url())).await.unwrap();
    arrive(&browser, "/enroll/ownership").await;
    browser.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_at_a_real_provider_in_chromium() {
    walk(Engine::Chromium, "saml-chromium", "ja").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_at_a_real_provider_in_webkit() {
    walk(Engine::WebKit, "saml-webkit", "de").await;
}

/// The same for staff, who have other cookies.
async fn staff(engine: Engine, test: &str) {
    let user_agent = iphone("17.5");
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: true, language: "en" };
    let Some(browser) = browser(engine, test, &looks).await else { return };
    let Some(idp) = SimpleSaml::start(test).await else { return browser.close().await };
    let server = server_with(World::system(), &idp.metadata().await, |_| {}).await;
    idp.knows(&server, |text| text).await;
    super::console::open_to(&server, "physics").await;
    let client = &browser.client;
    client.goto(&format!("{}/console/audit", server.url())).await.unwrap();
    arrive(&browser, "/console/sign-in").await;
    look_at(&browser, None, &format!("{test}-sign-in")).await;
    client.find(Locator::Css("#with-school button")).await.unwrap().click().await.unwrap();
    arrive(&browser, "loginuserpass.php").await;
    fill(client, "username", "alice").await;
    fill(client, "password", "alice-password").await;
    client.find(Locator::Css("[type=submit]")).await.unwrap().click().await.unwrap();
    arrive(&browser, "/console/audit").await;
    look_at(&browser, None, &format!("{test}-audit")).await;
    browser.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_signs_in_at_a_real_provider_in_chromium() {
    staff(Engine::Chromium, "saml-staff-chromium").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_signs_in_at_a_real_provider_in_webkit() {
    staff(Engine::WebKit, "saml-staff-webkit").await;
}
