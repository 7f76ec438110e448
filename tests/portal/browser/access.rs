//! Tests of the pages for access rules, limits and terms of use.

use crate::access::rules;
use events::enrollment::{OsVersion, Ownership};
use events::settings::{Limits, Settings, Terms, VersionRange};
use events::staff::Privilege;
use fantoccini::Locator;
use harness::browser::walk::Journey;
use harness::browser::{Axe, Engine, Looks, PHONE, browser, look_at, wait_for};
use harness::cast::{self, Scene, Visitor};
use harness::directory::slapd::{self, Slapd};
use harness::test_name;
use simulator::model::Family;

fn terms() -> Terms {
    let english = "Your device stays **yours**. We manage only what we put on it.\n\n* Keep a passcode.\n* Tell us when you \
                   lose the device.\n\nMore at [our site](https://school.example/terms).";
    let japanese = "デバイスは**あなた**のものです。\n\n* パスコードを設定してください。";
    Terms {
        version: "2026-09".into(),
        text: [("en".to_owned(), english.to_owned()), ("ja".to_owned(), japanese.to_owned())].into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_enrolls_a_device_for_another_person_who_has_terms_to_accept() {
    let test = "for-another";
    if !slapd::is_here(test_name!()) {
        return;
    }
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let slapd = Slapd::start();
    let directory = harness::directory::config(&slapd);
    let scene = Scene::set_with(|config| config.identity.directory.push(directory)).await;
    scene.server.add_user("carol", cast::PASSWORD, &[Privilege::Enroll, Privilege::EnrollForOthers]).await;
    scene
        .server
        .settings(|settings| {
            settings.sign_in.enrollment.directories = vec!["main".into()];
            settings.terms = [(Ownership::Personal, terms())].into();
        })
        .await;
    let mut walk = scene.walk(visitor);
    walk.person.user_name = "carol".into();
    walk.enrolls_for = Some("ada".into());
    let mut journey = Journey::new(browser, Axe::load(test), walk, test);
    journey.run(&scene.address()).await;
    let wanted = ["sign-in", "for-whom", "ownership", "terms", "ca", "managed-apple-id", "mdm", "complete"]
        .map(|page| format!("/enroll/{page}"));
    assert_eq!(journey.pages, wanted);
    journey.browser.close().await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_is_said_to_be_unknown_where_it_was_typed() {
    let test = "for-nobody";
    if !slapd::is_here(test_name!()) {
        return;
    }
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: true, language: "de" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let slapd = Slapd::start();
    let directory = harness::directory::config(&slapd);
    let scene = Scene::set_with(|config| config.identity.directory.push(directory)).await;
    scene.server.add_user("carol", cast::PASSWORD, &[Privilege::Enroll, Privilege::EnrollForOthers]).await;
    scene.server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;
    let mut walk = scene.walk(visitor);
    walk.person.user_name = "carol".into();
    let mut journey = Journey::new(browser, Axe::load(test), walk, test);
    journey.walk_to("/enroll/for-whom", &scene.address()).await;
    let client = &journey.browser.client;
    client.find(Locator::Css("#for_user")).await.unwrap().send_keys("nobody").await.unwrap();
    client.find(Locator::Css("#continue button[type=submit]")).await.unwrap().click().await.unwrap();
    let alert = wait_for(&journey.browser, "[role=alert]").await;
    assert!(alert.text().await.unwrap().contains("niemanden mit diesem Benutzernamen"));
    assert_eq!(
        client.find(Locator::Css("#for_user")).await.unwrap().prop("value").await.unwrap().as_deref(),
        Some("nobody")
    );
    look_at(&journey.browser, Axe::load(test).as_ref(), test).await;
    journey.browser.close().await;
    scene.strike().await;
}

/// Walks ada to the page that stops her under these settings, and returns its text.
async fn stopped(test: &str, language: &str, family: Family, change: impl FnOnce(&mut Settings)) -> Option<String> {
    let visitor = Visitor::institutional(family, "17.5");
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language };
    let browser = browser(Engine::Chromium, test, &looks).await?;
    let scene = Scene::set().await;
    let rule = "[[access]]\nname = 'All'\nwho = 'everyone'\nenroll = ['institutional']\ndevices_per_person = 1";
    scene.server.settings(|settings| settings.access = rules(rule)).await;
    scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    scene.server.settings(change).await;
    let mut journey = Journey::new(browser, None, scene.walk(visitor), test);
    let text = journey.walk_to("/enroll/stopped", &scene.address()).await;
    look_at(&journey.browser, Axe::load(test).as_ref(), test).await;
    journey.browser.close().await;
    scene.strike().await;
    Some(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_too_many_devices_reads_which_and_what_to_do() {
    let Some(text) = stopped("too-many-devices", "en", Family::IPhone, |_| {}).await else { return };
    assert!(text.contains("at a time: 1.") && text.contains("Enrolled devices"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_too_old_a_version_reads_which_is_needed_in_their_language() {
    let eighteen = VersionRange { minimum: OsVersion::parse("18"), maximum: None };
    let change = |settings: &mut Settings| {
        settings.access.clear();
        settings.ownership_kinds = [Ownership::Institutional].into();
        settings.limits = Limits { versions: [(Ownership::Institutional, eighteen)].into(), ..Limits::default() };
    };
    let Some(text) = stopped("version-below", "ja", Family::IPhone, change).await else { return };
    assert!(text.contains("17.5") && text.contains("18以降"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_no_rule_permits_anything_reads_whom_to_ask() {
    let nobody = |settings: &mut Settings| settings.access = rules("[[access]]\nname = 'None'\nwho = 'everyone'");
    let Some(text) = stopped("not-permitted", "de", Family::IPhone, nobody).await else { return };
    assert!(text.contains("fragen Sie Ihren Helpdesk"), "{text}");
}
