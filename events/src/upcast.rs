//! Yesterday's payloads made today's: one small pure function for each old version, applied in a chain on read, so that
//! every reader knows the newest version only.

mod settings;

use serde_json::{Value, json};

/// The schema version in which an event of this type is written now.
pub fn current_version(event_type: &str) -> u16 {
    current(STEPS, event_type)
}

/// The payload of `event_type` in its newest version.
///
/// # Errors
/// If `version` is newer than this program knows.
pub fn upcast(event_type: &str, version: u16, data: Value) -> Result<Value, TooNew> {
    climb(STEPS, event_type, version, data)
}

fn current(steps: &[Step], event_type: &str) -> u16 {
    steps.iter().filter(|step| step.event_type == event_type).map(|step| step.from + 1).max().unwrap_or(1)
}

fn climb(steps: &[Step], event_type: &str, version: u16, data: Value) -> Result<Value, TooNew> {
    let current = current(steps, event_type);
    if version > current {
        return Err(TooNew { event_type: event_type.into(), version, current });
    }
    Ok((version..current).fold(data, |data, from| {
        match steps.iter().find(|step| step.event_type == event_type && step.from == from) {
            Some(step) => (step.upgrade)(data),
            None => data,
        }
    }))
}

/// An event was written by a newer version of the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "event {event_type} has schema version {version}, this program knows {current}: run the newer Muster that wrote it"
)]
pub struct TooNew {
    pub event_type: String,
    pub version: u16,
    pub current: u16,
}

struct Step {
    event_type: &'static str,
    from: u16,
    upgrade: fn(Value) -> Value,
}

/// Every change of a payload so far, oldest first.
const STEPS: &[Step] = &[
    // Commands had no priority and did not expire; every payload was plain.
    Step {
        event_type: "MdmCommandQueued",
        from: 1,
        upgrade: |mut data| {
            if let Value::Object(data) = &mut data {
                data.insert("priority".into(), json!("normal"));
                data.insert("expires".into(), Value::Null);
            }
            data
        },
    },
    Step { event_type: "SettingsChanged", from: 1, upgrade: settings::changed },
    // Each record was an event of its own.
    Step { event_type: "PreviousRecordFound", from: 1, upgrade: |data| json!({ "records": [data], "count": 1 }) },
    // No source was named.
    Step {
        event_type: "RefusalsSuppressed",
        from: 1,
        upgrade: |data| json!({ "count": data["count"], "sources": [], "others": data["count"] }),
    },
    // A record ended as soon as another device said the same UDID, whatever proved it.
    Step {
        event_type: "DeviceSuperseded",
        from: 1,
        upgrade: |mut data| {
            if let Value::Object(data) = &mut data {
                data.insert("evidence".into(), json!("claimed"));
                data.insert("revivable_until".into(), Value::Null);
            }
            data
        },
    },
    // What was not told was not kept: the account is sealed, and reads as if all was told.
    Step { event_type: "SingleSignOnProven", from: 1, upgrade: |data| data },
    // Who vouched was not kept.
    Step {
        event_type: "UnknownStaffRefused",
        from: 1,
        upgrade: |mut data| {
            if let Value::Object(data) = &mut data {
                data.insert("provider".into(), Value::Null);
            }
            data
        },
    },
    // What a provider did not tell was taken for empty.
    Step {
        event_type: "AccessDecided",
        from: 1,
        upgrade: |mut data| {
            if let Some(access) = data.get_mut("access").and_then(Value::as_object_mut) {
                access.insert("untold".into(), json!([]));
            }
            data
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    // The history of an event that had a name, then a family name, then both in one.
    const STEPS: &[Step] = &[
        Step { event_type: "Named", from: 1, upgrade: |data| json!({ "name": data["name"], "family": null }) },
        Step { event_type: "Named", from: 2, upgrade: |data| json!({ "names": [data["name"], data["family"]] }) },
        Step { event_type: "Other", from: 1, upgrade: |_| json!("upgraded") },
    ];

    #[test]
    fn a_payload_climbs_from_its_version_to_the_newest_step_by_step() {
        let today = |version, data| climb(STEPS, "Named", version, data).expect("a known version");
        assert_eq!(today(1, json!({ "name": "a" })), json!({ "names": ["a", null] }));
        assert_eq!(today(2, json!({ "name": "a", "family": "b" })), json!({ "names": ["a", "b"] }));
        assert_eq!(today(3, json!({ "names": [] })), json!({ "names": [] }));
        assert_eq!(current(STEPS, "Named"), 3);
    }

    #[test]
    fn an_event_without_steps_stays_as_it_is_in_version_one() {
        assert_eq!(current(STEPS, "Still"), 1);
        assert_eq!(climb(STEPS, "Still", 1, json!(7)), Ok(json!(7)));
    }

    #[test]
    fn a_version_of_the_future_is_an_error_that_says_so() {
        let error = climb(STEPS, "Named", 4, json!({})).expect_err("unknown");
        assert_eq!((error.version, error.current), (4, 3));
        assert!(error.to_string().contains("newer Muster"), "{error}");
    }

    #[test]
    fn no_step_is_missing_or_there_twice() {
        for steps in [STEPS, super::STEPS] {
            for step in steps {
                let same = |other: &&Step| other.event_type == step.event_type && other.from == step.from;
                assert_eq!(steps.iter().filter(same).count(), 1, "{} {}", step.event_type, step.from);
                let before = |other: &Step| other.event_type == step.event_type && other.from + 1 == step.from;
                assert!(step.from == 1 || steps.iter().any(before), "{} {}", step.event_type, step.from);
            }
        }
    }
}
