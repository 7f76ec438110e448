//! Tests: which findings count as equal, and the text of each for an operator.

use super::{Corruption, Damaged, Findings};
use crate::personal::KeyName;
use crate::store::ReadError;

fn found(stream: &str, revision: u64, position: u64, damaged: Damaged) -> Corruption {
    Corruption { stream: stream.into(), revision, position, damaged, why: "why".into() }
}

fn key(name: &str) -> Damaged {
    Damaged::Key(KeyName(name.into()))
}

/// Returns whether the second finding says more than the first.
fn is_news(first: Corruption, second: Corruption) -> bool {
    let findings = Findings::default();
    findings.add(first);
    findings.add(second);
    findings.all().len() == 2
}

#[test]
fn a_finding_is_news_unless_the_same_place_or_key_is_known() {
    let event = |stream, revision, position| found(stream, revision, position, Damaged::Event);
    for (first, second, news) in [
        (event("device-1", 3, 7), event("unknown", 0, 7), false),
        (event("device-1", 3, 7), event("device-1", 3, 8), true),
        (event("device-1", 3, 0), event("device-1", 3, 0), false),
        (event("device-1", 3, 0), event("device-1", 4, 0), true),
        (event("device-1", 3, 0), event("device-2", 3, 0), true),
        (event("device-1", 3, 0), event("device-1", 3, 7), true),
        (event("device-1", 3, 7), found("device-1", 3, 7, Damaged::Page), false),
        (found("device-1", 3, 7, Damaged::Page), found("unknown", 0, 0, Damaged::Page), false),
        (event("device-1", 3, 7), found("unknown", 0, 0, Damaged::Page), true),
        (found("device-1", 3, 7, Damaged::Page), found("device-2", 0, 0, Damaged::Page), true),
        (found("device-1", 3, 7, Damaged::Page), found("unknown", 0, 8, Damaged::Page), true),
        (found("device-1", 3, 7, key("a")), found("device-2", 0, 9, key("a")), false),
        (found("device-1", 3, 7, key("a")), found("device-1", 3, 7, key("b")), true),
        (found("device-1", 3, 7, Damaged::KeyStore), found("device-2", 0, 9, Damaged::KeyStore), false),
        (event("device-1", 3, 7), found("device-1", 3, 7, key("a")), true),
        (found("device-1", 3, 7, Damaged::KeyStore), event("device-1", 3, 7), true),
    ] {
        assert_eq!(is_news(first.clone(), second.clone()), news, "{first:?} and then {second:?}");
    }
}

#[test]
fn an_operator_is_told_the_place_as_far_as_it_is_known() {
    let told = |stream: &str, position, damaged| found(stream, 3, position, damaged).to_string();
    let event = "event 3 of stream device-1";
    assert!(told("device-1", 0, Damaged::Event).starts_with(event));
    assert!(told("device-1", 7, Damaged::Event).contains("position 7"));
    for (damaged, file) in [(Damaged::Page, "events.db"), (Damaged::KeyStore, "keys.db")] {
        let (nothing, place) = (told("unknown", 0, damaged.clone()), told("device-1", 0, damaged.clone()));
        assert!(nothing.contains(file) && !nothing.contains("event 3"), "{nothing}");
        assert!(place.contains(file) && place.contains(event), "{place}");
        assert!(told("unknown", 7, damaged).contains("position 7"));
    }
    assert_eq!(told("unknown", 0, key("person-1")), "why", "a key that was looked at by itself says it all");
    for place in [told("device-1", 0, key("person-1")), told("unknown", 7, key("person-1"))] {
        assert!(place.contains("person-1") && place.contains("event 3"), "{place}");
    }
}

#[test]
fn whoever_watches_hears_of_each_new_finding_once() {
    let findings = Findings::default();
    let mut watch = findings.watch();
    let event = || found("device-1", 3, 7, Damaged::Event);
    let (stream, why) = ("device-1".to_owned(), "why".to_owned());
    findings.note(&ReadError::Corrupt { stream, revision: 3, position: 7, damaged: Damaged::Event, why });
    assert!(watch.has_changed().unwrap());
    assert_eq!(*watch.borrow_and_update(), [event()]);
    findings.add(event());
    assert!(!watch.has_changed().unwrap());
}
