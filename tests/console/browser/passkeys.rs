//! A passkey in a real browser with the driver's virtual authenticator (WebAuthn, §11). It is added, used to sign in,
//! and used to confirm a change. Also checks the pages of second factors and staff.

use events::staff::{Privilege, Purpose, StaffEvent};
use fantoccini::Locator;
use fantoccini::wd::WebDriverCompatibleCommand;
use harness::TestServer;
use harness::browser::{Axe, Browser, DESK, Engine, Looks, PHONE, browser, look_at};
use harness::desk::Browser as Client;
use harness::waiting::sought;
use reqwest::Method;
use serde_json::json;
use staff::administration::{Answer, Request, execute};
use url::{ParseError, Url};

const PASSWORD: &str = "the keys of the whole school";
const DESK_BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15";

/// Adds a platform authenticator, such as a phone or laptop has. It always reports a present and verified user.
#[derive(Debug)]
struct AddAuthenticator;

impl WebDriverCompatibleCommand for AddAuthenticator {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/webauthn/authenticator", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let authenticator = json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": true,
        });
        (Method::POST, Some(authenticator.to_string()))
    }
}

struct Enrollment<'a> {
    browser: &'a Browser,
    url: String,
    axe: Option<Axe>,
    test: &'a str,
}

impl Enrollment<'_> {
    async fn open(&self, path: &str) {
        self.browser.client.goto(&format!("{}{path}", self.url)).await.unwrap();
    }

    async fn fill(&self, id: &str, text: &str) {
        self.browser.client.find(Locator::Id(id)).await.unwrap().send_keys(text).await.unwrap();
    }

    async fn click(&self, selector: &str) {
        self.browser.client.find(Locator::Css(selector)).await.unwrap().click().await.unwrap();
    }

    async fn at(&self, path: &str) {
        let there = async || {
            self.browser.client.current_url().await.is_ok_and(|url| url.path() == path)
                && self.browser.client.find(Locator::Css("main h1")).await.is_ok()
        };
        self.sees(path, there).await;
    }

    async fn heading(&self, text: &str) {
        let there = async || match self.browser.client.find(Locator::Css("main h1")).await {
            Ok(heading) => heading.text().await.is_ok_and(|heading| heading == text),
            Err(_) => false,
        };
        self.sees(text, there).await;
    }

    async fn sees(&self, what: &str, mut is_there: impl AsyncFnMut() -> bool) {
        if sought(async || is_there().await.then_some(())).await.is_none() {
            let why = "return document.getElementById('passkey-trouble')?.dataset.why || document.body.innerText";
            let why = self.browser.client.execute(why, vec![]).await;
            panic!("no {what}: {why:?} at {:?}", self.browser.client.current_url().await);
        }
    }

    async fn look(&self, name: &str) {
        look_at(self.browser, self.axe.as_ref(), &format!("{}-{name}", self.test)).await;
    }

    async fn sign_in(&self) {
        self.open("/console/sign-in").await;
        self.fill("user_name", "grace").await;
        self.fill("password", PASSWORD).await;
        self.click("main form button").await;
    }
}

async fn walk(test: &str, (width, height): (u32, u32), dark: bool) {
    let looks = Looks { user_agent: DESK_BROWSER, width, height, dark, language: "en" };
    let Some(browser) = browser(Engine::Chromium, test, &looks).await else { return };
    let server = TestServer::start().await;
    server.add_user("grace", PASSWORD, &[Privilege::Administrator]).await;
    server.settings(|settings| settings.second_factors.required_for = [Privilege::Administrator].into()).await;
    browser.client.issue_cmd(AddAuthenticator).await.expect("the driver supports virtual authenticators");
    let enrollment = Enrollment { browser: &browser, url: server.url(), axe: Axe::load(test), test };

    enrollment.sign_in().await;
    enrollment.at("/console/account/factors/new").await;
    enrollment.look("factor-new").await;
    enrollment.click("form[action$='passkey/begin'] button").await;
    enrollment.at("/console/account/factors/passkey").await;
    enrollment.look("passkey-add").await;
    enrollment.click("#passkey button").await;
    enrollment.heading("Recovery codes").await;
    enrollment.look("recovery-codes").await;
    enrollment.click("main a.btn").await;
    enrollment.at("/console/devices").await;

    enrollment.open("/console/account").await;
    enrollment.look("account").await;
    enrollment.click(".who button").await;
    enrollment.at("/console/sign-in").await;
    enrollment.sign_in().await;
    enrollment.at("/console/second-factor").await;
    enrollment.look("second-factor").await;
    enrollment.click("form[action$='passkey/begin'] button").await;
    enrollment.at("/console/devices").await;

    enrollment.open("/console/confirm?next=/console/staff").await;
    enrollment.look("confirm").await;
    enrollment.click("form[action$='passkey/begin'] button").await;
    enrollment.at("/console/staff").await;
    enrollment.look("staff").await;

    let events: Vec<StaffEvent> =
        server.events_of("staff").await.into_iter().filter_map(|event| StaffEvent::try_from(event).ok()).collect();
    assert!(events.iter().any(|event| matches!(event, StaffEvent::PasskeyAdded { .. })));
    for wanted in [Purpose::SignIn, Purpose::Confirmation] {
        let used = |event: &&StaffEvent| matches!(event, StaffEvent::PasskeyUsed { purpose, .. } if *purpose == wanted);
        assert_eq!(events.iter().filter(used).count(), 1, "{wanted:?}");
    }

    // Other pages: the set-up of one-time codes, another person's account, the first account.
    enrollment.open("/console/account/factors/new").await;
    enrollment.click("form[action$='one-time-codes/begin'] button").await;
    enrollment.at("/console/account/factors/one-time-codes").await;
    enrollment.look("one-time-codes").await;
    let other = Client::signed_in(&server, "ada", &[Privilege::Auditor, Privilege::HelpDesk]).await;
    server.caught_up().await;
    enrollment.open("/console/staff").await;
    enrollment.click("tbody th a[href*='/console/staff/']").await;
    enrollment.heading("ada of Example School").await;
    for summary in browser.client.find_all(Locator::Css("summary")).await.unwrap() {
        summary.click().await.unwrap();
    }
    enrollment.look("staff-member").await;
    drop(other);
    let Answer::Done { said } = execute(&server.app().staff, Request::SetUpLink).await else { panic!("no link") };
    browser.client.goto(said.lines().last().unwrap()).await.unwrap();
    enrollment.look("set-up").await;
    browser.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_added_and_signs_in_at_a_desk() {
    walk("passkeys-desk", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_added_and_signs_in_on_a_phone_in_the_dark() {
    walk("passkeys-phone-dark", PHONE, true).await;
}
