//! One frozen sample of every event type in every version that was ever written. Each must remain readable.
//!
//! A sample is never changed after the release of a program version that writes it. To change a payload, raise the
//! event's version with a step in `upcast.rs` and add a sample. The old sample stays and must still be readable.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use events::Event;
use events::upcast::{current_version, upcast};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    category: String,
    #[serde(rename = "type")]
    event_type: String,
    version: u16,
    data: Value,
}

fn samples() -> Vec<(String, Sample)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut samples: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let sample = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), sample)
        })
        .collect();
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

/// Returns the names of all events of a category, as listed in the parser's error for an unknown name.
fn event_types(category: &str) -> BTreeSet<String> {
    let error = Event::from_parts(category, "?", json!({})).unwrap_err();
    let (_, expected) = error.why.split_once("expected").unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_sample_of_every_version_is_read_today() {
    for (file, sample) in samples() {
        assert_eq!(file, format!("{}.v{}.json", sample.event_type, sample.version));
        let data = upcast(&sample.event_type, sample.version, sample.data).unwrap();
        let event = Event::from_parts(&sample.category, &sample.event_type, data);
        let event = event.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(event.category(), sample.category, "{file}");
        assert_eq!(event.type_name(), sample.event_type, "{file}");
    }
}

#[test]
fn an_event_is_written_today_as_its_newest_sample_says() {
    for (file, sample) in samples() {
        if sample.version == current_version(&sample.event_type) {
            let event = Event::from_parts(&sample.category, &sample.event_type, sample.data.clone()).unwrap();
            assert_eq!(event.to_parts(), (sample.event_type, sample.data), "{file}");
        }
    }
}

#[test]
fn every_event_has_a_sample_of_each_version_up_to_todays() {
    let there: BTreeSet<String> = samples().into_iter().map(|(file, _)| file).collect();
    let mut wanted = BTreeSet::new();
    for category in Event::CATEGORIES {
        let types = event_types(category);
        assert!(!types.is_empty(), "{category}");
        for event_type in types {
            wanted.extend((1..=current_version(&event_type)).map(|version| format!("{event_type}.v{version}.json")));
        }
    }
    assert_eq!(there, wanted);
}
