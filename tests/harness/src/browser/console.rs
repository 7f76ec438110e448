//! Uses the console in a real browser.

use super::Browser;
use crate::waiting::until;
use fantoccini::Locator;

pub const PASSWORD: &str = "the keys of the whole school";
pub const DESK_BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15";

/// Signs in with [`PASSWORD`].
pub async fn sign_in(browser: &Browser, url: &str, user_name: &str) {
    browser.client.goto(&format!("{url}/console")).await.unwrap();
    browser.client.find(Locator::Id("user_name")).await.unwrap().send_keys(user_name).await.unwrap();
    browser.client.find(Locator::Id("password")).await.unwrap().send_keys(PASSWORD).await.unwrap();
    browser.client.find(Locator::Css("main form button")).await.unwrap().click().await.unwrap();
    // The driver does not wait for the page that a click leads to.
    let elsewhere = async || browser.client.current_url().await.is_ok_and(|url| url.path() != "/console/sign-in");
    until("the page after the sign-in", elsewhere).await;
}
