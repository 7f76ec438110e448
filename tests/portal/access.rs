//! Who may enroll what: rules, limits, terms of use, and devices for others, through the real server.

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

/// A server that may ask this directory; it is switched on for enrollment.
pub async fn server_with(slapd: &Slapd) -> TestServer {
    let directory = harness::directory::config(slapd);
    let server = TestServer::start_with(World::system(), |config| config.identity.directory.push(directory)).await;
    server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;
    server
}

/// Settings as a file would hold them.
pub fn toml_settings(text: &str) -> Settings {
    toml::from_str(text).unwrap()
}

/// Access rules as a settings file would hold them.
pub fn rules(text: &str) -> Vec<AccessRule> {
    toml_settings(text).access
}

/// A visitor with an iPhone of this version.
pub fn guest(server: &TestServer, version: &str) -> Guest {
    Guest::new(server, &iphone(version))
}

/// What a person reads on the page, blanks put in order.
pub fn text(answer: &Answer) -> String {
    let page = Html::parse_document(&answer.body);
    let parts = Selector::parse("main, footer").unwrap();
    let words: Vec<&str> = page.select(&parts).flat_map(|part| part.text()).collect();
    words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything that happened on visits.
pub async fn visits(server: &TestServer) -> Vec<EnrollmentEvent> {
    entries(server).await.into_iter().filter_map(|entry| EnrollmentEvent::try_from(entry.event).ok()).collect()
}

/// The same with who did it.
pub async fn entries(server: &TestServer) -> Vec<Entry> {
    let log = server.whole_log().await;
    log.into_iter().filter(|entry| entry.stream.category() == "enrollment").collect()
}
