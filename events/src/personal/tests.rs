//! Tests of unreadable personal values, and of the keys that the master key wraps and derives.

use super::keys::{DataKey, MasterKey};
use super::{Gone, KEY_DAMAGED, KEY_LOST, KeyName, Personal, is_placeholder, mark_damaged};
use serde_json::{Value, json};

fn key() -> KeyName {
    KeyName::of("person", 1)
}

fn gone(marker: &str) -> Personal<String> {
    serde_json::from_value(json!({ marker: { "key": "person-1" } })).unwrap()
}

#[test]
fn a_value_that_is_gone_says_why_and_is_shown_in_words_that_are_no_name() {
    for (marker, why, shown, printed) in [
        ("$erased", Gone::Erased, None, "Personal(person-1, erased)"),
        ("$lost", Gone::Lost, Some("(key lost)"), "Personal(person-1, key lost)"),
        ("$damaged", Gone::Damaged, Some("(key damaged)"), "Personal(person-1, key damaged)"),
    ] {
        let value = gone(marker);
        assert_eq!((value.gone(), value.get(), value.text()), (Some(why), None, ""), "{marker}");
        assert_eq!(value.shown(), shown);
        assert_eq!(format!("{value:?}"), printed);
        assert_eq!(
            json!(value),
            json!({ marker: { "key": "person-1" } }),
            "an unreadable value is serialized unchanged"
        );
    }
    assert!(is_placeholder(KEY_LOST) && is_placeholder(KEY_DAMAGED) && !is_placeholder("Anna"));
}

#[test]
fn only_a_damaged_key_makes_a_value_unknown() {
    assert_eq!(gone("$damaged").damaged_key(), Some(&key()));
    assert_eq!((gone("$erased").damaged_key(), gone("$lost").damaged_key()), (None, None));
    let there = Personal::new(key(), "Anna".to_owned());
    assert_eq!((there.damaged_key(), there.gone(), there.shown()), (None, None, Some("Anna")));
}

#[test]
fn a_value_goes_to_another_key_as_it_is() {
    let other = KeyName::of("person", 2);
    let moved = Personal::new(key(), "Anna".to_owned()).under(other.clone());
    assert_eq!((moved.key(), moved.text()), (&other, "Anna"));
    assert_eq!(gone("$lost").under(other).gone(), Some(Gone::Lost));
}

#[test]
fn a_field_that_cannot_be_sealed_becomes_a_word_and_what_is_no_field_stays() {
    let mut field = json!(Personal::new(key(), "192.0.2.7".to_owned()));
    mark_damaged(&mut field);
    assert_eq!(field, json!({ "$damaged": { "key": "person-1" } }));
    for mut data in [json!({ "name": "Anna" }), json!("Anna"), Value::Null, field] {
        let before = data.clone();
        mark_damaged(&mut data);
        assert_eq!(data, before);
    }
}

#[test]
fn a_wrapped_key_opens_under_its_own_name_and_master_key_only() {
    let (master, other) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
    let wrapped = master.wrap(&key(), &DataKey::from_bytes([3; 32]));
    assert!(master.unwrap(&key(), &wrapped) == Some(DataKey::from_bytes([3; 32])));
    assert!(master.unwrap(&KeyName::of("person", 2), &wrapped).is_none());
    assert!(other.unwrap(&key(), &wrapped).is_none());
    assert!(master.unwrap(&key(), &wrapped[..wrapped.len() - 1]).is_none(), "a truncated key");
    assert!(!wrapped.windows(32).any(|bytes| bytes == [3; 32]));
}

#[test]
fn each_purpose_has_a_key_of_its_own_which_tells_nothing_of_the_master_key() {
    let master = MasterKey::from_bytes([1; 32]);
    let derived = [master.derive("sessions"), master.derive("accounts"), [1; 32]];
    assert!(derived[0] != derived[1] && derived[0] != derived[2] && derived[1] != derived[2]);
    assert_eq!(
        master.derive("sessions"),
        MasterKey::from_bytes([1; 32]).derive("sessions"),
        "derived keys are the same in each process"
    );
    assert_eq!(master.fingerprint(), hex::encode(master.derive("fingerprint")));
    assert_ne!(master.fingerprint(), MasterKey::from_bytes([2; 32]).fingerprint());
}
