//! Second factors of staff: sets them up in the console and signs in with them.

use crate::TestServer;
use crate::desk::{Answer, Browser};
use identity::one_time_codes::{STEP_SECONDS, code_at};

pub const NEW: &str = "/console/account/factors/new";
pub const CODES: &str = "/console/account/factors/one-time-codes";

/// Returns the code that an authenticator shows, shifted by this number of time steps.
pub fn code(server: &TestServer, seed: &str, steps: i64) -> String {
    code_at(seed, server.app().platform.world.now().plus_seconds(steps * STEP_SECONDS)).unwrap()
}

pub async fn post(browser: &Browser, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = page.csrf();
    let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    browser.post(path, &fields).await
}

/// Sets up one-time codes; returns their seed and the recovery codes that the page shows.
pub async fn set_up_codes(server: &TestServer, browser: &Browser) -> (String, Vec<String>) {
    let page = browser.get(NEW).await;
    assert_eq!(page.status, 200, "{}", page.location());
    let begun = post(browser, &page, &format!("{CODES}/begin"), &[]).await;
    assert_eq!((begun.status, begun.location()), (303, CODES));
    let page = browser.get(CODES).await;
    let seed = page.texts(".seed")[0].replace(' ', "");
    let done = post(browser, &page, CODES, &[("code", &code(server, &seed, 0))]).await;
    assert_eq!(done.status, 200, "{}", done.body);
    (seed, done.texts(".codes code"))
}

pub async fn show_code(browser: &Browser, code: &str) -> Answer {
    let page = browser.get("/console/second-factor").await;
    post(browser, &page, "/console/second-factor/code", &[("code", code)]).await
}
