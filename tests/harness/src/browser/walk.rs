//! Walks a person through the steps of the portal in a real browser. The simulated device of the person gets the
//! profiles.

use super::{Axe, Browser, is_loaded, look_at};
use crate::waiting::{sought, until};
use fantoccini::Locator;
use simulator::trust;
use simulator::walk::{Ownership, Walk};

/// A walk in a real browser. `pages` lists the paths of the pages that were shown, in order; consecutive repeats count
/// once.
pub struct Journey<'a> {
    pub browser: Browser,
    axe: Option<Axe>,
    pub walk: Walk,
    name: &'a str,
    pub pages: Vec<String>,
}

impl<'a> Journey<'a> {
    pub fn new(browser: Browser, axe: Option<Axe>, walk: Walk, name: &'a str) -> Journey<'a> {
        Journey { browser, axe, walk, name, pages: Vec::new() }
    }

    /// Walks until this page is shown, and returns its text.
    pub async fn walk_to(&mut self, page: &str, address: &str) -> String {
        self.browser.client.goto(address).await.unwrap();
        for _ in 0..24 {
            let path = self.path().await;
            if path == page {
                return self.browser.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
            }
            self.next(&path).await;
        }
        panic!("the walk does not reach {page}");
    }

    pub async fn run(&mut self, address: &str) {
        self.browser.client.goto(address).await.unwrap();
        for _ in 0..24 {
            let path = self.path().await;
            if self.pages.last() != Some(&path) {
                look_at(&self.browser, self.axe.as_ref(), &format!("{}-{}", self.name, path.replace('/', "-"))).await;
                self.pages.push(path.clone());
            }
            if path == "/enroll/complete" {
                return self.finish().await;
            }
            self.next(&path).await;
        }
        panic!("the walk does not reach the last page: {:?}", self.pages);
    }

    async fn next(&mut self, path: &str) {
        let person = self.walk.person.clone();
        match path {
            "/enroll/sign-in" => {
                self.fill("user_name", &person.user_name).await;
                self.fill("password", &person.password).await;
            }
            "/enroll/for-whom" => {
                let other = self.walk.enrolls_for.clone().expect("the walk enrolls for another person");
                self.fill("for_user", &other).await;
            }
            "/enroll/ownership" => {
                let value = if person.ownership == Ownership::Personal { "personal" } else { "institutional" };
                let choice = format!("input[name=ownership][value={value}]");
                self.browser.client.find(Locator::Css(&choice)).await.unwrap().click().await.unwrap();
            }
            "/enroll/managed-apple-id" => self.fill("managed_apple_id", &person.managed_apple_id).await,
            "/enroll/ca" => {
                self.install().await;
                self.walk.device.trust.switch_on();
            }
            "/enroll/mdm" => self.install().await,
            _ => {}
        }
        self.tap_continue().await;
    }

    async fn fill(&self, name: &str, text: &str) {
        let field = self.browser.client.find(Locator::Css(&format!("input[name={name}]"))).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    // Every tap leads to another page; the driver does not wait for it.
    async fn tap_continue(&self) {
        let before = self.path().await;
        let button = Locator::Css("form#continue button[type=submit]");
        self.browser.client.find(button).await.expect("the page has a button to continue").click().await.unwrap();
        let elsewhere = async || (self.path().await != before && is_loaded(&self.browser).await).then_some(());
        let arrived = sought(elsewhere).await;
        assert!(arrived.is_some(), "{before} leads to no other page: {}", self.browser.client.source().await.unwrap());
    }

    // A desktop browser only downloads a profile; iOS hands it over to Settings.
    async fn install(&mut self) {
        let link = self.browser.client.find(Locator::Css("a#profile")).await.expect("the page links to a profile");
        let address = link.prop("href").await.unwrap().unwrap();
        let answer = trust::reckless().unwrap().get(&address).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/x-apple-aspen-config");
        self.walk.device.download(answer.bytes().await.unwrap().to_vec());
        self.walk.device.install().await.unwrap();
    }

    // The last page reloads itself until the device has enrolled; this loop reloads it more often.
    async fn finish(&self) {
        let finished = async || {
            self.browser.client.refresh().await.unwrap();
            self.browser.client.find(Locator::Css("meta[http-equiv=refresh]")).await.is_err()
                && self.browser.client.find(Locator::Css("main.happy")).await.is_ok()
        };
        until("the completed state of the last page", finished).await;
    }

    async fn path(&self) -> String {
        self.browser.client.current_url().await.unwrap().path().to_owned()
    }
}
