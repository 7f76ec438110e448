//! The state of each aggregate after one event of every type, as it is stored. **If a snapshot changes, raise `FOLD` of
//! its aggregate**: stored states of an earlier version are then not used, and states are folded from the log again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use decisions::Aggregate;
use decisions::device::Device;
use decisions::enrollment::{Credentials, Enrollment};
use decisions::hardware::Hardware;
use decisions::invitation::Invitation;
use decisions::migration::Migration;
use decisions::person::{Account, Person};
use decisions::record::{Import, Record};
use decisions::settings::Current;
use decisions::staff::{LocalAccount, UserName};
use decisions::successor::Successor;
use decisions::wave::{Code, Wave};
use events::Event;
use events::upcast::upcast;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Returns the newest sample of each type of event, in order of the types.
fn samples() -> Vec<Event> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/samples");
    let mut newest: BTreeMap<String, (u16, Event)> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let mut sample: Value = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        let version = u16::try_from(sample["version"].as_u64().unwrap()).unwrap();
        let name = sample["type"].as_str().unwrap().to_owned();
        let data = upcast(&name, version, sample["data"].take()).unwrap();
        let event = Event::from_parts(sample["category"].as_str().unwrap(), &name, data).unwrap();
        if newest.get(&name).is_none_or(|(known, _)| *known < version) {
            newest.insert(name, (version, event));
        }
    }
    newest.into_values().map(|(_, event)| event).collect()
}

/// Folds the events twice, since many events matter only after others.
fn stored<A: Aggregate>(samples: &[Event]) -> String {
    let events: Vec<A::Event> = samples.iter().filter_map(|event| A::Event::try_from(event.clone()).ok()).collect();
    assert!(!events.is_empty(), "the aggregate has samples");
    let middle = A::replay(events.iter());
    let state = A::replay(events.iter().chain(&events));
    let json = |state: &A| serde_json::to_string_pretty(state).unwrap();
    let read: A = serde_json::from_str(&json(&state)).unwrap();
    assert_eq!(json(&read), json(&state), "a stored state is read as it was");
    format!("FOLD {}\n\n{}\n\n{}\n", A::FOLD, json(&middle), json(&state))
}

#[test]
fn a_changed_fold_has_another_version() {
    let samples = samples();
    test_support::snapshots!(
        "folds",
        [
            ("account", stored::<Account>(&samples)),
            ("code", stored::<Code>(&samples)),
            ("credentials", stored::<Credentials>(&samples)),
            ("current-settings", stored::<Current>(&samples)),
            ("device", stored::<Device>(&samples)),
            ("enrollment", stored::<Enrollment>(&samples)),
            ("hardware", stored::<Hardware>(&samples)),
            ("import", stored::<Import>(&samples)),
            ("invitation", stored::<Invitation>(&samples)),
            ("local-account", stored::<LocalAccount>(&samples)),
            ("migration", stored::<Migration>(&samples)),
            ("person", stored::<Person>(&samples)),
            ("record", stored::<Record>(&samples)),
            ("successor", stored::<Successor>(&samples)),
            ("user-name", stored::<UserName>(&samples)),
            ("wave", stored::<Wave>(&samples)),
        ]
    );
}
