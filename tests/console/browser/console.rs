//! Staff use the console in real browsers: sign-in, the inventory, a device, the audit trail.

use crate::enrollments::stuck;
use devices::commands::build::{self, AppName};
use events::device::CommandId;
use events::staff::Privilege;
use events::{Actor, ActorKind};
use fantoccini::Locator;
use harness::browser::console::{DESK_BROWSER, PASSWORD, sign_in};
use harness::browser::{Axe, Browser, DESK, Engine, Looks, PHONE, browser, look_at, wait_for};
use harness::cast::{Scene, Visitor, id_of};
use harness::profiles::profile;
use platform::context::Context;
use simulator::device::Device;
use simulator::model::Family;

async fn look_around(engine: Engine, test: &str, (width, height): (u32, u32), dark: bool) {
    let looks = Looks { user_agent: DESK_BROWSER, width, height, dark, language: "en" };
    let Some(browser) = browser(engine, test, &looks).await else { return };
    let axe = Axe::of(engine, test);
    let scene = Scene::set().await;
    scene.server.add_user("grace", PASSWORD, &[Privilege::Administrator, Privilege::Auditor]).await;
    let device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let mut other = scene.enroll(Visitor::institutional(Family::IPad, "16.4")).await;
    refuses_an_app(&scene, &mut other).await;
    let stuck = stuck(&scene.server, scene.server.app().platform.world.now()).await;
    let url = scene.server.url();
    browser.client.goto(&format!("{url}/console/sign-in")).await.unwrap();
    look_at(&browser, axe.as_ref(), &format!("{test}-sign-in")).await;
    sign_in(&browser, &url, "grace").await;
    let pages = [
        ("devices", "/console/devices".to_owned(), "ada"),
        ("device", format!("/console/devices/{}", id_of(&device)), "iPhone"),
        ("institutional", format!("/console/devices/{}", id_of(&other)), "no licence is assigned"),
        ("audit", "/console/audit".to_owned(), "enrolled"),
        ("audit-filtered", "/console/audit?type=UserSignedIn".to_owned(), "ada"),
        ("links", "/console/links".to_owned(), "Re-enrollments"),
        ("funnel", "/console/funnel".to_owned(), "Choosing the ownership"),
        ("visits", "/console/visits".to_owned(), "Nobody signed in"),
        ("preview", "/console/preview?page=ca&version=17.5".to_owned(), "Taps do nothing here"),
        ("visit", format!("/console/visits/{}", id_of(&device)), "There is nothing more to do"),
        ("visit-stuck", format!("/console/visits/{stuck}"), "Has to sign in"),
        ("settings", "/console/settings".to_owned(), "organization"),
        ("settings-change", "/console/settings/change".to_owned(), "Change the settings"),
        ("lock", format!("/console/devices/{}/commands/lock", id_of(&device)), "Locks the screen"),
        ("erase", format!("/console/devices/{}/commands/erase", id_of(&other)), "You cannot undo this"),
        ("ask", format!("/console/devices/{}/commands/ask", id_of(&other)), "What to request"),
        ("commands", "/console/commands".to_owned(), "First a rehearsal"),
        ("install-profile", "/console/commands/install-profile".to_owned(), "Rehearse"),
        ("clear-passcode", "/console/commands/clear-passcode".to_owned(), "Rehearse"),
    ];
    for (name, path, text) in pages {
        browser.client.goto(&format!("{url}{path}")).await.unwrap();
        let main = browser.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
        assert!(main.contains(text), "{path} does not contain {text:?} but {main:?}");
        look_at(&browser, axe.as_ref(), &format!("{test}-{name}")).await;
    }
    // On the last page, a rehearsal: the personal device would refuse the command, the other would accept it.
    browser.client.find(Locator::Css("input[name=which][value=all]")).await.unwrap().click().await.unwrap();
    browser.client.find(Locator::Css("main form button")).await.unwrap().click().await.unwrap();
    wait_for(&browser, "main table.list").await;
    let main = browser.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
    assert!(main.contains("1 would accept it, 1 would not"), "{main:?}");
    look_at(&browser, axe.as_ref(), &format!("{test}-rehearsal")).await;
    // After a wrong phrase the list is still shown.
    browser.client.find(Locator::Id("confirm")).await.unwrap().send_keys("clear 1").await.unwrap();
    browser.client.find(Locator::Css("main form button")).await.unwrap().click().await.unwrap();
    wait_for(&browser, "#wrong").await;
    look_at(&browser, axe.as_ref(), &format!("{test}-rehearsal-wrong")).await;
    browser.client.goto(&format!("{url}/console/settings/change")).await.unwrap();
    what_would_change(&browser, axe.as_ref(), test).await;
    // The WebDriver of WebKit cannot choose files.
    if engine == Engine::Chromium {
        let form = format!("{url}/console/devices/{}/commands/install-profile", id_of(&other));
        profiles_with_findings(&browser, axe.as_ref(), test, &form).await;
    }
    browser.close().await;
    scene.strike().await;
}

/// Makes a command fail, so that the device's page shows a failed command.
async fn refuses_an_app(scene: &Scene, device: &mut Device) {
    let (app, id) = (scene.server.app(), id_of(device));
    let context = Context::of(Actor::new(ActorKind::Operator, "a test"), None, app.platform.world.uuid());
    let command = build::install_app(&AppName::Store(7), true);
    app.devices.queue_command(id, CommandId(app.platform.world.uuid()), &command, &context).await.unwrap();
    device.poll().await.unwrap();
    scene.server.caught_up().await;
}

/// As long as Apple's longest keys. Together with the text in front of it, it is wider than a phone.
const LONG_KEY: &str = "<key>allowEnterpriseAppTrustModificationTomorrow</key><false/>";

/// Uploads a profile with a key that the device ignores, and one with a payload that Muster does not know.
async fn profiles_with_findings(browser: &Browser, axe: Option<&Axe>, test: &str, form: &str) {
    let folder = tempfile::tempdir().unwrap();
    for (name, payload_type, consent) in [
        ("profile-warned", "com.apple.applicationaccess", "input[name=consent][type=hidden]"),
        ("profile-doubted", "com.apple.tomorrow", "input[name=consent][type=checkbox]"),
    ] {
        let file = folder.path().join(format!("{name}.mobileconfig"));
        std::fs::write(&file, profile(payload_type, LONG_KEY)).unwrap();
        browser.client.goto(form).await.unwrap();
        let chosen = browser.client.find(Locator::Css("input[type=file]")).await.unwrap();
        chosen.send_keys(file.to_str().unwrap()).await.unwrap();
        browser.client.find(Locator::Css("main form button")).await.unwrap().click().await.unwrap();
        wait_for(browser, consent).await;
        look_at(browser, axe, &format!("{test}-{name}")).await;
    }
}

/// In the settings form: changes a value and opens the preview of the change.
async fn what_would_change(browser: &Browser, axe: Option<&Axe>, test: &str) {
    let text = browser.client.find(Locator::Id("text")).await.unwrap();
    let typed = text.prop("value").await.unwrap().unwrap().replace("Example School", "Another School");
    let element = serde_json::to_value(&text).unwrap();
    let type_at_once = "arguments[0].value = arguments[1]; return 0";
    browser.client.execute(type_at_once, vec![element, typed.into()]).await.unwrap();
    browser.client.find(Locator::Css("main form button")).await.unwrap().click().await.unwrap();
    // The preview has a button that applies the change.
    wait_for(browser, "form[action$=apply]").await;
    let shown = browser.client.find(Locator::Css("main pre")).await.unwrap().text().await.unwrap();
    assert_eq!(shown.trim(), r#"organization: "Example School" -> "Another School""#);
    look_at(browser, axe, &format!("{test}-settings-preview")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_in_chromium_at_a_desk() {
    look_around(Engine::Chromium, "console-desk", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_in_chromium_on_a_phone_in_the_dark() {
    look_around(Engine::Chromium, "console-phone-dark", PHONE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_in_webkit_at_a_desk() {
    look_around(Engine::WebKit, "console-webkit", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_in_webkit_on_a_phone() {
    look_around(Engine::WebKit, "console-webkit-phone", PHONE, false).await;
}
