//! OpenID Connect sign-in in real browsers. Browsers check redirects after a form against `form-action`, and decide
//! which cookies to send from another site.

use crate::single_sign_on::console::open_to_staff;
use crate::single_sign_on::provider::{self, Provider};
use crate::single_sign_on::{SCHOOL, school, secret_beside};
use fantoccini::Locator;
use harness::browser::walk::Journey;
use harness::browser::{Axe, Browser, Engine, Looks, PHONE, arrive, browser, language_of, look_at, speak};
use harness::cast::{Scene, Visitor};
use harness::ports;
use simulator::model::Family;

async fn tap(browser: &Browser, css: &str) {
    let element = browser.client.find(Locator::Css(css)).await;
    element.unwrap_or_else(|error| panic!("no {css}: {error}")).click().await.unwrap();
}

async fn main_text(browser: &Browser) -> String {
    browser.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap()
}

async fn walk(engine: Engine, test: &str, language: &str, dark: bool) {
    if provider::installed(test).is_none() {
        return;
    }
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark, language };
    let Some(browser) = browser(engine, test, &looks).await else { return };
    let axe = Axe::of(engine, test);
    let mut provider = Provider::at(ports::free());
    let issuer = provider.issuer();
    let scene = Scene::set_with(|config| {
        let secret = secret_beside(config);
        config.identity.openid_connect.push(provider::configuration(SCHOOL, &issuer, secret));
    });
    let scene = scene.await;
    scene.server.settings(|settings| settings.sign_in.enrollment.single_sign_on = vec![SCHOOL.into()]).await;
    provider.start(&scene.server, &[SCHOOL]);
    let (here, there) = (scene.server.url(), provider.issuer());

    browser.client.goto(&scene.address()).await.unwrap();
    arrive(&browser, &format!("{here}/enroll/sign-in")).await;
    speak(&browser, language).await;
    look_at(&browser, axe.as_ref(), &format!("{test}-1-sign-in")).await;

    // The person cancels at the provider, sees a message here, and tries again.
    tap(&browser, "form#with-school button").await;
    arrive(&browser, &format!("{there}/log-in/")).await;
    look_at(&browser, None, &format!("{test}-2-provider")).await;
    tap(&browser, "button[name=cancel]").await;
    arrive(&browser, &format!("{here}/enroll/sso/school/callback")).await;
    assert_eq!(language_of(&browser).await.as_deref(), Some(language), "the language is kept after the round trip");
    look_at(&browser, axe.as_ref(), &format!("{test}-3-not-through")).await;

    tap(&browser, "form#with-school button").await;
    log_in(&browser, &there, "alice").await;
    arrive(&browser, &format!("{here}/enroll/ownership")).await;

    // Signs out here and at the provider.
    tap(&browser, "footer form[action='/enroll/sign-out'] button").await;
    arrive(&browser, &format!("{there}/session/end")).await;
    look_at(&browser, None, &format!("{test}-4-log-out")).await;
    tap(&browser, "button[name=logout]").await;
    arrive(&browser, &format!("{here}/enroll/sign-in")).await;

    // The provider asks for the login again, because the person is also signed out there.
    tap(&browser, "form#with-school button").await;
    log_in(&browser, &there, "alice").await;
    arrive(&browser, &format!("{here}/enroll/ownership")).await;
    assert!(!main_text(&browser).await.is_empty());

    let mut journey = Journey::new(browser, axe, scene.walk(visitor), test);
    journey.run(&scene.address()).await;
    let Journey { browser, walk, .. } = &mut journey;
    assert!(walk.device.is_managed());
    scene.answer_first_commands(&mut walk.device).await;
    let footer = browser.client.find(Locator::Css("footer")).await.unwrap().text().await.unwrap();
    assert!(footer.contains("alice"), "{footer}");
    journey.browser.close().await;
    scene.strike().await;
}

async fn log_in(browser: &Browser, there: &str, name: &str) {
    arrive(browser, &format!("{there}/log-in/")).await;
    browser.client.find(Locator::Id("login")).await.unwrap().send_keys(name).await.unwrap();
    tap(browser, "form button[type=submit]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_enrolls_through_their_identity_provider_in_chromium() {
    walk(Engine::Chromium, "single-sign-on-chromium", "en", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_enrolls_through_their_identity_provider_in_webkit() {
    walk(Engine::WebKit, "single-sign-on-webkit", "de", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_enrolls_through_their_identity_provider_in_japanese_and_in_the_dark() {
    walk(Engine::Chromium, "single-sign-on-ja-dark", "ja", true).await;
}

/// The same for staff: the console has its own policy for redirects and its own cookies.
async fn staff(engine: Engine, test: &str) {
    if provider::installed(test).is_none() {
        return;
    }
    let user_agent = Visitor::personal(Family::IPhone, "17.5").hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(browser) = browser(engine, test, &looks).await else { return };
    let axe = Axe::of(engine, test);
    let Some((server, provider)) = school(test).await else { return };
    open_to_staff(&server).await;
    let (here, there) = (server.url(), provider.issuer());
    browser.client.goto(&format!("{here}/console/audit")).await.unwrap();
    arrive(&browser, &format!("{here}/console/sign-in")).await;
    look_at(&browser, axe.as_ref(), &format!("{test}-1-sign-in")).await;

    tap(&browser, "form#with-school button").await;
    arrive(&browser, &format!("{there}/log-in/")).await;
    tap(&browser, "button[name=cancel]").await;
    arrive(&browser, &format!("{here}/console/sso/school/callback")).await;
    look_at(&browser, axe.as_ref(), &format!("{test}-2-not-through")).await;

    tap(&browser, "form#with-school button").await;
    log_in(&browser, &there, "alice").await;
    // The page that they wanted to open first.
    arrive(&browser, &format!("{here}/console/audit")).await;
    look_at(&browser, axe.as_ref(), &format!("{test}-3-in")).await;
    browser.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_signs_in_through_their_identity_provider_in_chromium() {
    staff(Engine::Chromium, "staff-single-sign-on-chromium").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_signs_in_through_their_identity_provider_in_webkit() {
    staff(Engine::WebKit, "staff-single-sign-on-webkit").await;
}
