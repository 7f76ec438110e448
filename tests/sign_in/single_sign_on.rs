//! Sign-in with OpenID Connect: at a real identity provider, and at a hostile one.

mod account;
mod as_they_are;
mod browser;
pub mod console;
pub mod hostile;
mod live;
mod owners;
pub mod provider;
pub mod round_trip;
mod short_cuts;
pub mod tokens;
mod untold;

use events::Event;
use events::enrollment::{EnrollmentEvent, SingleSignOnFault};
use events::system::RefusalEvent;
use harness::guest::{Answer, Guest, iphone};
use harness::{TestServer, ports};
use identity::config::OpenIdConnect;
use muster::config::Config;
use provider::{AtProvider, Provider};
use std::path::PathBuf;
use world::World;

/// The name of the provider in the configuration.
pub const SCHOOL: &str = "school";

/// Writes the client secret into a file in the data directory. Returns its path.
pub fn secret_beside(config: &Config) -> PathBuf {
    let path = config.store.directory.join("client-secret");
    std::fs::write(&path, format!("{}\n", provider::SECRET)).unwrap();
    path
}

/// Starts a server whose portal offers these providers. `change` adjusts the configuration of each.
pub async fn server_with(world: World, issuers: &[(&str, String)], change: impl Fn(&mut OpenIdConnect)) -> TestServer {
    let server = TestServer::start_with(world, |config| {
        let secret = secret_beside(config);
        for (name, issuer) in issuers {
            let mut one = provider::configuration(name, issuer, secret.clone());
            change(&mut one);
            config.identity.openid_connect.push(one);
        }
    });
    let server = server.await;
    let names: Vec<String> = issuers.iter().map(|(name, _)| (*name).to_owned()).collect();
    server.settings(|settings| settings.sign_in.enrollment.single_sign_on = names).await;
    server
}

/// Starts a server and a real provider that its portal offers. Returns `None` if the provider is not installed.
pub async fn school(test: &str) -> Option<(TestServer, Provider)> {
    school_with(test, World::system(), |_| {}).await
}

pub async fn school_with(
    test: &str,
    world: World,
    change: impl Fn(&mut OpenIdConnect),
) -> Option<(TestServer, Provider)> {
    provider::installed(test)?;
    let mut provider = Provider::at(ports::free());
    // The server starts before its provider.
    let server = server_with(world, &[(SCHOOL, provider.issuer())], change).await;
    provider.start(&server, &[SCHOOL]);
    Some((server, provider))
}

pub fn guest(server: &TestServer) -> Guest {
    Guest::new(server, &iphone("17.5"))
}

/// Taps the button. Returns the provider's address to which the page leads.
pub async fn set_out(guest: &mut Guest, name: &str) -> String {
    let answer = press(guest, name).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let onward = answer.link("onward");
    assert_eq!(answer.header("refresh"), format!("0; url={onward}"));
    onward
}

/// Taps the button. Returns the answer.
pub async fn press(guest: &mut Guest, name: &str) -> Answer {
    guest.get("/enroll/sign-in").await;
    guest.post(&format!("/enroll/sign-in/{name}"), &[]).await
}

/// Complete sign-in: taps the button, logs in at the provider, and returns.
pub async fn sign_in(server: &TestServer, guest: &mut Guest, login: &str) -> Answer {
    let onward = set_out(guest, SCHOOL).await;
    let back = AtProvider::new(server).log_in(&onward, login).await;
    guest.get(&back).await
}

/// Returns a parameter of the address's query.
pub fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Returns every event of every enrollment.
pub async fn enrollment_events(server: &TestServer) -> Vec<EnrollmentEvent> {
    let events = server.events_of("enrollment").await;
    events.into_iter().filter_map(|event| EnrollmentEvent::try_from(event).ok()).collect()
}

/// Returns the reasons of refused answers in the order of the log, both in enrollments and without an enrollment.
pub async fn faults(server: &TestServer) -> Vec<SingleSignOnFault> {
    let log = server.whole_log().await;
    let fault = |event| match event {
        Event::Enrollment(EnrollmentEvent::SingleSignOnRefused { why, .. }) => Some(why),
        Event::Refusal(RefusalEvent::ResponseRefused { why, .. }) => Some(why),
        _ => None,
    };
    log.into_iter().filter_map(|entry| fault(entry.event)).collect()
}

/// Asserts that the person only learned that their password is not the problem.
#[track_caller]
pub fn assert_told_not_now(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.body.contains("You cannot sign in right now."), "{}", answer.body);
    assert!(answer.body.contains("Your password is not the problem"), "{}", answer.body);
    for told in ["issuer", "refused", "redirect", "127.0.0.1"] {
        assert!(!answer.body.contains(told), "the page says {told:?}: {}", answer.body);
    }
}

/// Asserts that the person was told that it took too long, and can start again with one tap.
#[track_caller]
pub fn assert_told_too_late(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert!(answer.body.contains("That took too long."), "{}", answer.body);
    assert!(answer.body.contains("action=\"/enroll/sign-in/school\""), "{}", answer.body);
}

/// Asserts that the person only learned that sign-in failed, and that they may try again.
#[track_caller]
pub fn assert_told_nothing(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert!(answer.body.contains("Sign-in failed."), "{}", answer.body);
    assert!(answer.body.contains("You were not signed in. Please try again."), "{}", answer.body);
    assert!(answer.body.contains("id=\"with-school\""), "{}", answer.body);
    for told in ["nonce", "issuer", "signature", "expired", "state", "127.0.0.1"] {
        assert!(!answer.body.contains(told), "the page says {told:?}: {}", answer.body);
    }
}
