//! Every user action is an event. Each form of the portal and the console, and each endpoint for devices, has a row.
//! The row names the event that an answer records if it refuses or changes something. The routes are read from the
//! sources, so a new route without a row fails. ARCHITECTURE.md lists the actions that intentionally record no event.

mod console;
mod devices;
mod portal;
mod reasons;

use events::Event;
use harness::TestServer;
use std::collections::BTreeSet;
use std::path::Path;

/// How a row is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The walk in the same file verifies it.
    Walked,
    /// Another test checks for this event.
    Test { event: &'static str, name: &'static str },
    /// No event is recorded, for this reason.
    None(&'static str),
}

/// Returns the events of a log between two actions.
pub struct Watch<'a> {
    server: &'a TestServer,
    seen: usize,
}

impl<'a> Watch<'a> {
    pub async fn begin(server: &'a TestServer) -> Watch<'a> {
        Watch { server, seen: server.whole_log().await.len() }
    }

    /// Returns the types of the events since the last call.
    pub async fn news(&mut self) -> Vec<String> {
        let log = self.server.whole_log().await;
        let news = log[self.seen..].iter().map(|entry| entry.event.type_name()).collect();
        self.seen = log.len();
        news
    }

    /// Returns what `of` extracts from the events since the last call.
    pub async fn news_of<T>(&mut self, of: impl Fn(Event) -> Option<T>) -> Vec<T> {
        let log = self.server.whole_log().await;
        let seen = std::mem::replace(&mut self.seen, log.len());
        log.into_iter().skip(seen).filter_map(|entry| of(entry.event)).collect()
    }

    /// Asserts that one of the events since the last call has this type.
    #[track_caller]
    pub fn left(&mut self, event: &'static str, what: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let news = self.news().await;
            assert!(news.iter().any(|name| name == event), "{caller}: {what} recorded {news:?}, not {event}");
        }
    }
}

/// Asserts that rows and routes are equal, and that each test named in a row exists in a file that contains its event.
pub fn hold(routes: &BTreeSet<String>, rows: &[(&str, Proof)]) {
    let with_row: BTreeSet<String> = rows.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(routes, &with_row, "left: the routes in the sources; right: the routes that have a row");
    let mut tests = Vec::new();
    for folder in ["tests", "crates/decisions/src"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut tests);
    }
    for (route, proof) in rows {
        if let Proof::Test { event, name } = proof {
            let test = format!("fn {name}(");
            let found = tests.iter().find(|text| text.contains(&test));
            let found = found.unwrap_or_else(|| panic!("{route}: there is no test {name}"));
            assert!(found.contains(event), "{route}: the file of {name} does not name {event}");
        }
    }
}

fn collect(folder: &Path, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("facts") {
            collect(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
}
