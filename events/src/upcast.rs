//! Converts payloads of old schema versions to the newest. There is one small pure function for each old version. They
//! are applied in a chain on read, so that readers know only the newest version.

mod settings;

use serde_json::{Map, Value, json};

/// Returns the newest schema version of this event type, the one that new events are written in.
pub fn current_version(event_type: &str) -> u16 {
    current(STEPS, event_type)
}

/// Converts a payload of `event_type` to its newest version.
///
/// # Errors
/// Returns an error if `version` is newer than this program knows.
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

/// An event that a newer version of Muster wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "event {event_type} has schema version {version}, this program knows {current}: run the newer Muster that wrote it"
)]
pub struct TooNew {
    pub event_type: String,
    /// Schema version of the event, from 1.
    pub version: u16,
    /// Newest schema version that this program knows.
    pub current: u16,
}

struct Step {
    event_type: &'static str,
    from: u16,
    upgrade: fn(Value) -> Value,
}

/// All payload changes so far, oldest first.
const STEPS: &[Step] = &[
    // Version 1: commands had no priority and no expiry; every payload was plain text.
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
    // Version 2 held all settings of schema 1.
    Step { event_type: "SettingsChanged", from: 2, upgrade: settings::with_reenrollment },
    // Version 3 held all settings of schema 2.
    Step { event_type: "SettingsChanged", from: 3, upgrade: settings::with_invitations },
    // Version 1: each record was a separate event.
    Step { event_type: "PreviousRecordFound", from: 1, upgrade: |data| json!({ "records": [data], "count": 1 }) },
    // Version 1: no sources were stored.
    Step {
        event_type: "RefusalsSuppressed",
        from: 1,
        upgrade: |data| json!({ "count": data["count"], "sources": [], "others": data["count"] }),
    },
    // Version 1: a record ended as soon as another device reported the same UDID, whatever the evidence.
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
    // Version 1 did not store which fields the provider had omitted. The account is sealed and cannot be changed here;
    // it reads as if no field was omitted.
    Step { event_type: "SingleSignOnProven", from: 1, upgrade: |data| data },
    // Version 1 did not store the identity provider.
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
    // Version 1: the keys of a person were always an event of their own, and no values without a provider were stored.
    Step {
        event_type: "PersonKnown",
        from: 1,
        upgrade: |data| with(data, [("keys", json!([])), ("names", json!([]))]),
    },
    Step { event_type: "PersonKeysNoted", from: 1, upgrade: |data| with(data, [("names", json!([]))]) },
    Step { event_type: "PreviousRecordImported", from: 1, upgrade: |data| with(data, [("names", json!([]))]) },
    Step { event_type: "PreviousRecordChanged", from: 1, upgrade: |data| with(data, [("names", json!([]))]) },
    // Version 1 did not store what was found out about the owners.
    Step { event_type: "ImportFinished", from: 1, upgrade: |data| with(data, [("owners", Value::Null)]) },
    // Version 1 treated an attribute that the provider had omitted as empty.
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

fn with<const N: usize>(mut data: Value, fields: [(&str, Value); N]) -> Value {
    if let Value::Object(data) = &mut data {
        data.extend(fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>());
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    // An event type that first had a name, then also a family name, then one list of both.
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
