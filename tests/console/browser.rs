//! The pages of the console in real browsers, in desktop and phone sizes; accessibility.

mod console;
mod imports;
mod invitations;
mod links;
mod migration;
mod passkeys;

use events::staff::Privilege;
use fantoccini::Locator;
use harness::TestServer;
use harness::browser::console::{DESK_BROWSER, PASSWORD, sign_in};
use harness::browser::{Axe, Browser, Engine, Looks, browser, look_at, wait_for};
use harness::desk;

/// An administrator who looks at a server in a real browser.
pub struct Sight {
    pub browser: Browser,
    pub server: TestServer,
    pub url: String,
    /// The same administrator without a browser.
    pub helper: desk::Browser,
    axe: Option<Axe>,
    test: &'static str,
}

impl Sight {
    /// Signs in to a new server. `None` without the browser: the test is left out.
    pub async fn begin(engine: Engine, test: &'static str, size: (u32, u32), dark: bool) -> Option<Sight> {
        let looks = Looks { user_agent: DESK_BROWSER, width: size.0, height: size.1, dark, language: "en" };
        let browser = browser(engine, test, &looks).await?;
        let server = TestServer::start().await;
        server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
        let (url, helper) = (server.url(), desk::Browser::new(&server));
        sign_in(&browser, &url, "root").await;
        helper.sign_in("root", PASSWORD).await;
        Some(Sight { browser, server, url, helper, axe: Axe::of(engine, test), test })
    }

    pub async fn open(&self, path: &str) {
        self.browser.client.goto(&format!("{}{path}", self.url)).await.unwrap();
    }

    /// Opens a page that contains `text`, and checks it.
    pub async fn look(&self, path: &str, text: &str, name: &str) {
        self.open(path).await;
        let main = self.browser.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
        assert!(main.contains(text), "{path} does not contain {text:?} but {main:?}");
        self.look_here(name).await;
    }

    /// Checks the page that is open.
    pub async fn look_here(&self, name: &str) {
        look_at(&self.browser, self.axe.as_ref(), &format!("{}-{name}", self.test)).await;
    }

    pub async fn click(&self, selector: &str) {
        self.browser.client.find(Locator::Css(selector)).await.unwrap().click().await.unwrap();
    }

    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.browser.client.find(Locator::Css(selector)).await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn wait_for(&self, selector: &str) {
        wait_for(&self.browser, selector).await;
    }

    pub async fn end(self) {
        self.browser.close().await;
        self.server.stop().await;
    }
}
