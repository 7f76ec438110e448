//! Tests of access rules, limits, terms of use and enrollment for others, with a real server.

mod explain;
mod for_others;
mod limits;
mod rules;
mod settings;
mod taken_away;
mod terms;
mod untold;

use events::enrollment::EnrollmentEvent;
use events::log::Entry;
use events::settings::{AccessRule, Settings};
use harness::TestServer;
use harness::directory::slapd::Slapd;
use harness::guest::{Answer, Guest, iphone};
use scraper::{Html, Selector};
use world::World;

/// Starts a server with this directory in its configuration, enabled for enrollment.
pub async fn server_with(slapd: &Slapd) -> TestServer {
    let directory = harness::directory::config(slapd);
    let server = TestServer::start_with(World::system(), |config| config.identity.directory.push(directory)).await;
    server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;
    server
}

/// Parses settings in the format of a settings file.
pub fn toml_settings(text: &str) -> Settings {
    toml::from_str(text).unwrap()
}

/// Parses access rules in the format of a settings file.
pub fn rules(text: &str) -> Vec<AccessRule> {
    toml_settings(text).access
}

/// Returns a guest with an iPhone that runs this version of iOS.
pub fn guest(server: &TestServer, version: &str) -> Guest {
    Guest::new(server, &iphone(version))
}

/// Returns the visible text of the page, with normalized white space.
pub fn text(answer: &Answer) -> String {
    let page = Html::parse_document(&answer.body);
    let parts = Selector::parse("main, footer").unwrap();
    let words: Vec<&str> = page.select(&parts).flat_map(|part| part.text()).collect();
    words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns all events of enrollments.
pub async fn enrollments(server: &TestServer) -> Vec<EnrollmentEvent> {
    entries(server).await.into_iter().filter_map(|entry| EnrollmentEvent::try_from(entry.event).ok()).collect()
}

/// Same as [`enrollments`], with the metadata of each event, such as its actor.
pub async fn entries(server: &TestServer) -> Vec<Entry> {
    let log = server.whole_log().await;
    log.into_iter().filter(|entry| entry.stream.category() == "enrollment").collect()
}
