//! The canonical bytes of an event do not depend on how it was built, and parsing them returns the same event.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use events::envelope::{NewEvent, canonical, parse_canonical};
use events::proof::leaf_hash;
use events::{Actor, ActorKind, EventId, Revision, StreamName, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn name() -> impl Strategy<Value = StreamName> {
    "[a-z]{1,12}-[A-Za-z0-9-]{1,60}".prop_map(|name| StreamName::try_from(name).unwrap())
}

fn payload() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((any::<String>(), inner), 0..6).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn event()(id in any::<u128>(), event_type in "[A-Z][A-Za-z]{0,30}", version in any::<u16>(), at in any::<i64>(),
               actor in ".{0,20}", source in payload(), correlation in any::<u128>(), causation in any::<Option<u128>>(),
               data in payload()) -> NewEvent {
        NewEvent {
            id: EventId(Uuid::from_u128(id)), event_type, version, at: Timestamp(at),
            actor: Actor::new(ActorKind::Device, actor), source, correlation: Uuid::from_u128(correlation),
            causation: causation.map(|id| EventId(Uuid::from_u128(id))), data,
        }
    }
}

/// Returns the same value with the entries of its objects in a different order.
fn reordered(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut other = Map::new();
            for (name, value) in map.iter().rev() {
                other.insert(name.clone(), reordered(value));
            }
            Value::Object(other)
        }
        Value::Array(items) => items.iter().map(reordered).collect(),
        scalar => scalar.clone(),
    }
}

/// Returns whether the names of every object are sorted (RFC 8785 section 3.2.3: by UTF-16 code units), read from the
/// JSON text itself.
fn sorted(text: &serde_json::value::RawValue) -> bool {
    match text.get().as_bytes()[0] {
        b'{' => {
            let mut names: Vec<Vec<u16>> = Vec::new();
            let entries: Entries = serde_json::from_str(text.get()).unwrap();
            let below = entries.0.iter().all(|(_, value)| sorted(value));
            names.extend(entries.0.iter().map(|(name, _)| name.encode_utf16().collect()));
            below && names.is_sorted_by(|a, b| a < b)
        }
        b'[' => {
            let items: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(text.get()).unwrap();
            items.iter().all(|item| sorted(item))
        }
        _ => true,
    }
}

/// The entries of an object in the order in which they are written.
struct Entries(Vec<(String, Box<serde_json::value::RawValue>)>);

impl<'de> serde::Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Entries, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Entries;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

proptest! {
    #[test]
    fn canonical_bytes_give_the_event_back(stream in name(), revision in any::<u64>(), event in event()) {
        let bytes = canonical(&stream, Revision(revision), &event);
        let (read_stream, read_revision, read) = parse_canonical(&bytes).unwrap();
        prop_assert_eq!((&read_stream, read_revision.0, &read), (&stream, revision, &event));
        prop_assert_eq!(canonical(&read_stream, read_revision, &read), bytes);
    }

    #[test]
    fn the_order_in_which_a_payload_was_put_together_does_not_show(stream in name(), event in event()) {
        let other = NewEvent { data: reordered(&event.data), source: reordered(&event.source), ..event.clone() };
        prop_assert_eq!(canonical(&stream, Revision(0), &other), canonical(&stream, Revision(0), &event));
    }

    #[test]
    fn names_are_sorted_and_nothing_is_between(stream in name(), event in event()) {
        let bytes = canonical(&stream, Revision(0), &event);
        let text = String::from_utf8(bytes).unwrap();
        prop_assert!(sorted(serde_json::from_str(&text).unwrap()), "{}", text);
        let compact: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(compact.to_string().len(), text.len());
    }

    #[test]
    fn every_field_is_in_the_leaf_hash(stream in name(), revision in 0..u64::MAX, event in event()) {
        let hash = |revision, event: &NewEvent| leaf_hash(&canonical(&stream, Revision(revision), event));
        let original = hash(revision, &event);
        prop_assert_ne!(hash(revision + 1, &event), original);
        let changes: [fn(&mut NewEvent); 8] = [
            |event| event.id = event.id.caused("test", 0),
            |event| event.event_type.push('x'),
            |event| event.version ^= 1,
            |event| event.at.0 ^= 1,
            |event| event.actor.id.push('x'),
            |event| event.source = json!([event.source]),
            |event| event.causation = Some(event.id.caused("test", 1)),
            |event| event.data = json!([event.data]),
        ];
        for change in changes {
            let mut changed = event.clone();
            change(&mut changed);
            prop_assert_ne!(hash(revision, &changed), original);
        }
    }

    #[test]
    fn a_stream_name_is_its_category_and_its_id(stream in name()) {
        prop_assert_eq!(format!("{}-{}", stream.category(), stream.id()), stream.as_str());
        prop_assert_eq!(StreamName::of(stream.category(), stream.id()), stream);
    }

    #[test]
    fn no_text_makes_a_stream_name_of_another_form(text in "\\PC{0,12}-?\\PC{0,12}") {
        let well_formed = text.split_once('-').is_some_and(|(category, id)| {
            !category.is_empty() && category.chars().all(|c| c.is_ascii_lowercase())
                && !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        });
        prop_assert_eq!(StreamName::try_from(text).is_ok(), well_formed);
    }

    #[test]
    fn a_timestamp_is_read_as_it_is_written(seconds in -60_000_000_000i64..250_000_000_000, micros in 0..1_000_000i64) {
        let instant = Timestamp(seconds * 1_000_000 + micros);
        prop_assert_eq!(Timestamp::parse_rfc3339(&instant.to_rfc3339()), Some(instant));
    }
}

#[test]
fn a_stream_name_has_200_bytes_at_most() {
    let name = |length: usize| StreamName::try_from(format!("a-{}", "x".repeat(length - 2)));
    assert!(name(200).is_ok());
    assert!(name(201).is_err());
}

#[test]
fn the_bytes_and_the_leaf_hash_of_an_event_never_change() {
    let event = NewEvent {
        id: EventId(Uuid::from_u128(1)),
        event_type: "SignedOut".into(),
        version: 1,
        at: Timestamp(1_700_000_000_000_000),
        actor: Actor::new(ActorKind::Person, "x"),
        source: Value::Null,
        correlation: Uuid::from_u128(2),
        causation: None,
        data: json!({ "b": "ß\n", "a": [1, -2] }),
    };
    let bytes = canonical(&StreamName::of("enrollment", "1"), Revision(3), &event);
    assert_eq!(
        String::from_utf8(bytes.clone()).unwrap(),
        "{\"actor\":{\"id\":\"x\",\"kind\":\"person\"},\"at\":1700000000000000,\"causation\":null,\
         \"correlation\":\"00000000-0000-0000-0000-000000000002\",\"data\":{\"a\":[1,-2],\"b\":\"ß\\n\"},\
         \"id\":\"00000000-0000-0000-0000-000000000001\",\"revision\":3,\"source\":null,\"stream\":\"enrollment-1\",\
         \"type\":\"SignedOut\",\"version\":1}"
    );
    // RFC 6962 section 2.1: SHA-256 of a zero byte and the bytes; computed once with `openssl dgst`.
    assert_eq!(hex::encode(leaf_hash(&bytes)), LEAF);
}

const LEAF: &str = "a25979f1e890f61a6a4d2d0ba86108ec4e21c2e138c7358c3a302d000a3d148b";
