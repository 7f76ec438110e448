//! Budgets: limits on what strangers and single devices can make the server write or wait for.

mod devices;
mod refusals;
mod throttle;

use harness::TestServer;
use harness::desk::PASSWORD;
use harness::guest::{Answer, Guest, iphone};
use reqwest::header::{HeaderMap, HeaderValue};
use std::sync::Arc;
use world::{ManualClock, SystemClock, World};

/// Starts a server behind a proxy that reports the client's address, with a clock that the test controls.
pub async fn behind_a_proxy() -> (TestServer, Arc<ManualClock>) {
    use world::Clock as _;
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let server = TestServer::start_with(World::at(clock.clone()), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    (server, clock)
}

pub fn from(address: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_str(address).unwrap());
    headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    headers
}

/// Signs in at the portal from this address, with a browser that has no cookies.
pub async fn portal(server: &TestServer, address: &str, name: &str, password: &str) -> Answer {
    let mut guest = Guest::new(server, &iphone("17.5"));
    guest.get("/enroll/sign-in").await;
    guest.post_with("/enroll/sign-in", &[("user_name", name), ("password", password)], from(address)).await
}

/// Signs in at the console from this address, with a browser that has no cookies. Returns the HTTP status.
pub async fn console(server: &TestServer, address: &str, name: &str, password: &str) -> u16 {
    let client = server.client_with_cookies();
    let address_of = format!("{}/console/sign-in", server.url());
    let page = client.get(&address_of).send().await.unwrap().text().await.unwrap();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let form = [("csrf", csrf.as_str()), ("user_name", name), ("password", password)];
    client.post(&address_of).headers(from(address)).form(&form).send().await.unwrap().status().as_u16()
}

/// Returns whether this account can sign in at the console from this address with the right password.
pub async fn is_let_in(server: &TestServer, address: &str, name: &str) -> bool {
    console(server, address, name, PASSWORD).await == 303
}
