//! The whole way of a migration in real browsers: an imported record, the mail of a wave, the enrollment, the link that
//! an administrator confirms, and the board.

use crate::previous::{import_by, operator};
use decisions::wave::Plan;
use events::invitation::InvitationDelivery;
use events::record::RecordId;
use events::staff::Privilege;
use fantoccini::Locator;
use harness::account::{link, trust};
use harness::browser::console::{DESK_BROWSER, PASSWORD as STAFF_PASSWORD, sign_in};
use harness::browser::walk::Journey;
use harness::browser::{Axe, Browser, DESK, Engine, Looks, PHONE, arrive, browser, look_at, wait_for};
use harness::cast::{PASSWORD, Scene, Visitor};
use harness::mail_server::{MailServer, Taken, is_here};
use harness::waiting::seen;
use mail::Mail;
use reqwest::StatusCode;
use simulator::account::Tokens;
use simulator::acts::Nobody;
use simulator::device::Device;
use simulator::model::Family;
use simulator::trust::reckless;
use world::World;

const DAY: i64 = 86_400;
const RECORD: &str = r#"{"source_id": "35", "kind": "personal-device-profile", "product_name": "iPhone14,5",
    "model_name": "iPhone 13", "user_name": "ada", "full_name": "Ada Lovelace", "mail": "ada@people.example",
    "enrolled_at": "2021-03-04T09:10:11Z", "last_contact": "2026-01-01T10:00:00Z"}"#;
const RULE: &str = "[[owner]]\nfield = \"user_name\"\nprovider = \"local\"\nattribute = \"user_name\"\n";

/// Which way the person enrolls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With profiles from the portal.
    Portal,
    /// In a sheet of Settings that has Safari's cookies.
    Settings,
    /// In a sheet of Settings that knows nothing of Safari.
    SettingsAlone,
}

async fn set(mails: &MailServer) -> (Scene, RecordId) {
    let section: Mail = toml::from_str(&mails.keys(&mails.login())).unwrap();
    let scene = Scene::set_in(World::system(), |config| config.mail = Some(section)).await;
    scene.server.settings(|settings| settings.organization = "Example School".into()).await;
    scene.server.add_user("root", STAFF_PASSWORD, &[Privilege::Administrator]).await;
    let record = import_by(&scene, RECORD, RULE).await;
    scene.server.caught_up().await;
    (scene, record)
}

/// Invites the owner of the record by mail, and returns the mail.
async fn mailed(scene: &Scene, mails: &MailServer, record: RecordId) -> Taken {
    let app = scene.server.app();
    let plan = Plan {
        name: "Pilot".into(),
        delivery: InvitationDelivery::Mail,
        language: "en".into(),
        most_per_hour: 10,
        valid_days: 14,
        remind_after_days: 3,
        most_reminders: 1,
        deadline: app.platform.world.now().plus_seconds(30 * DAY),
    };
    let wave = app.invitations.wave_of("pilot");
    app.invitations.begin_wave(wave, &plan, &[record], &operator(scene)).await.unwrap();
    let mail = seen("the mail", async || mails.mails().into_iter().next()).await;
    assert!(mail.encrypted && mail.to == ["ada@people.example"], "{mail:#?}");
    mail
}

/// The code in a mail, such as `7KQ-3M2`.
fn code_of(mail: &Taken) -> &str {
    let is_code = |word: &&str| {
        word.split_once('-').is_some_and(|halves| halves.0.len() == 3 && halves.1.len() == 3)
            && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let mut words = mail.body.split_whitespace().map(|word| word.trim_end_matches('.'));
    words.find(is_code).unwrap_or_else(|| panic!("no code: {}", mail.body))
}

async fn press(browser: &Browser, css: &str) {
    wait_for(browser, css).await.click().await.unwrap();
}

async fn text_of(browser: &Browser) -> String {
    wait_for(browser, "main").await.text().await.unwrap()
}

/// The person says which earlier record is this device, and that they removed its management.
async fn tell_of_record(browser: &Browser, record: RecordId) {
    arrive(browser, "/enroll/previous").await;
    press(browser, &format!("label[for='this_device-{record}']")).await;
    press(browser, "#continue button[type=submit]").await;
    press(browser, "button[name=removed][value=yes]").await;
}

async fn in_portal(journey: &mut Journey<'_>, scene: &Scene, record: RecordId, invitation: &str) {
    journey.walk_to("/enroll/sign-in", invitation).await;
    wait_for(&journey.browser, "#invited").await;
    journey.walk_to("/enroll/previous", &scene.address()).await;
    tell_of_record(&journey.browser, record).await;
    arrive(&journey.browser, "/enroll/ownership").await;
    journey.run(&scene.address()).await;
    scene.answer_first_commands(&mut journey.walk.device).await;
}

/// Sends the last form of the sheet for the browser, which does not know the address of Settings that follows, and
/// returns the token in it.
async fn send_last_form(browser: &Browser, scene: &Scene) -> String {
    let read = "const form = document.querySelector('#continue'); return [form.action, \
                new URLSearchParams(new FormData(form)).toString()]";
    let form = browser.client.execute(read, vec![]).await.unwrap();
    let cookies = browser.client.get_all_cookies().await.unwrap();
    let cookies: Vec<String> = cookies.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect();
    let agent = browser.client.execute("return navigator.userAgent", vec![]).await.unwrap();
    let request = reckless().unwrap().post(form[0].as_str().unwrap()).header("origin", scene.server.url());
    let request = request.header("user-agent", agent.as_str().unwrap()).header("cookie", cookies.join("; "));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form[1].as_str().unwrap().to_owned()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    let there = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!(there.scheme(), "apple-remotemanagement-user-login");
    there.query_pairs().find(|(name, _)| name == "access-token").unwrap().1.into_owned()
}

/// The person signs in on the sheet that Settings opens, and the device installs what it gets.
async fn in_sheet(sheet: &Browser, scene: &Scene, record: RecordId, device: &mut Device, code: &str) {
    trust(&scene.server, device);
    let address = format!("{}{}", scene.server.url(), link(&scene.server, device, "mdm-byod").await);
    sheet.client.goto(&format!("{address}?user-identifier=ada")).await.unwrap();
    press(sheet, "#invitation summary").await;
    wait_for(sheet, "#code").await.send_keys(code).await.unwrap();
    press(sheet, "#invitation button").await;
    wait_for(sheet, "#invited").await;
    wait_for(sheet, "#password").await.send_keys(PASSWORD).await.unwrap();
    press(sheet, "#continue button[type=submit]").await;
    tell_of_record(sheet, record).await;
    wait_for(sheet, "#managed_apple_id").await.send_keys("ada@appleid.example.com").await.unwrap();
    let token = send_last_form(sheet, scene).await;
    let base_url = format!("{}/mdm/account/mdm-byod", scene.server.url()).parse().unwrap();
    let information = device.machine_info(true).unwrap();
    let given = device.ask_for_profile(&base_url, &information, Some(&token)).await.unwrap();
    assert_eq!(given.status, 200);
    device.install_by_account(&given.body, "mdm-byod", Tokens::lasting(token), &mut Nobody).await.unwrap();
    scene.answer_first_commands(device).await;
}

async fn walk(engine: Engine, test: &'static str, ios: &str, way: Way) {
    if !is_here(test) {
        return;
    }
    let visitor = Visitor::personal(Family::IPhone, ios);
    let user_agent = visitor.hardware.user_agent();
    let looks = Looks { user_agent: &user_agent, width: PHONE.0, height: PHONE.1, dark: false, language: "en" };
    let Some(safari) = browser(engine, test, &looks).await else { return };
    let mails = MailServer::start(&["auth"]);
    let (scene, record) = set(&mails).await;
    let mail = mailed(&scene, &mails, record).await;
    let mut journey = Journey::new(safari, Axe::of(engine, test), scene.walk(visitor), test);
    if way == Way::Portal {
        in_portal(&mut journey, &scene, record, mail.link()).await;
    } else {
        let shown = journey.walk_to("/enroll/sign-in", mail.link()).await;
        look_at(&journey.browser, Axe::of(engine, test).as_ref(), &format!("{test}-settings")).await;
        let code = code_of(&mail);
        assert!(shown.contains(code) && shown.contains("Sign In to Work or School Account"), "{code}: {shown}");
        let device = &mut journey.walk.device;
        if way == Way::Settings {
            in_sheet(&journey.browser, &scene, record, device, code).await;
        } else {
            let sheet = Browser::start(engine, &looks).await;
            in_sheet(&sheet, &scene, record, device, code).await;
            sheet.close().await;
        }
    }
    // Another person who got the mail finds that it was used.
    let stranger = Browser::start(engine, &looks).await;
    stranger.client.goto(mail.link()).await.unwrap();
    assert!(text_of(&stranger).await.contains("This invitation was used already."));
    stranger.close().await;
    journey.browser.close().await;
    confirm(engine, test, &scene).await;
    assert!(journey.walk.device.is_managed());
    scene.strike().await;
}

/// An administrator confirms the one proposal, and the board says that the record is done.
async fn confirm(engine: Engine, test: &str, scene: &Scene) {
    scene.server.reacted().await;
    let looks = Looks { user_agent: DESK_BROWSER, width: DESK.0, height: DESK.1, dark: false, language: "en" };
    let desk = Browser::start(engine, &looks).await;
    let (url, axe) = (scene.server.url(), Axe::of(engine, test));
    sign_in(&desk, &url, "root").await;
    let board = format!("{url}/console/migration");
    desk.client.goto(&board).await.unwrap();
    assert!(text_of(&desk).await.contains("0 of 1 done"));
    assert_eq!(desk.client.find_all(Locator::Css(".board tbody tr")).await.unwrap().len(), 1);
    look_at(&desk, axe.as_ref(), &format!("{test}-board-before")).await;
    desk.client.goto(&format!("{url}/console/links")).await.unwrap();
    look_at(&desk, axe.as_ref(), &format!("{test}-proposal")).await;
    press(&desk, ".decide summary").await;
    press(&desk, ".decide form button").await;
    wait_for(&desk, ".done").await;
    scene.server.reacted().await;
    desk.client.goto(&board).await.unwrap();
    assert!(text_of(&desk).await.contains("1 of 1 done"));
    look_at(&desk, axe.as_ref(), &format!("{test}-board-after")).await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_mail_to_done_on_ios_17_in_webkit() {
    walk(Engine::WebKit, "mailed-17-webkit", "17.5", Way::Portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_mail_to_done_on_ios_17_in_chromium() {
    walk(Engine::Chromium, "mailed-17-chromium", "17.5", Way::Portal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_mail_to_done_through_settings_on_ios_18_in_webkit() {
    walk(Engine::WebKit, "mailed-18-webkit", "18.2", Way::Settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_mail_to_done_through_settings_on_ios_18_in_chromium() {
    walk(Engine::Chromium, "mailed-18-chromium", "18.2", Way::SettingsAlone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_mail_to_done_through_settings_on_ios_27_in_webkit() {
    walk(Engine::WebKit, "mailed-27-webkit", "27.0", Way::SettingsAlone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_mail_to_done_through_settings_on_ios_27_in_chromium() {
    walk(Engine::Chromium, "mailed-27-chromium", "27.0", Way::Settings).await;
}
