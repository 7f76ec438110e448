//! Personal fields are sealed before they are stored, can be opened with their keys, and read as erased without them.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use events::device::InventoryValue;
use events::envelope::EventId;
use events::personal::keys::{DataKey, Held, KeyError, KeyStore, MasterKey, SqliteKeyStore};
use events::personal::{Gone, SealError, open, personal_keys, seal, sealed_keys};
use events::{KeyName, Personal};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

#[expect(clippy::disallowed_methods, reason = "tests have no World")]
fn randomness(bytes: &mut [u8]) {
    openssl::rand::rand_bytes(bytes).unwrap();
}

fn store() -> (TempDir, SqliteKeyStore) {
    let directory = tempfile::tempdir().unwrap();
    let keys = SqliteKeyStore::create(&directory.path().join("keys.db"), master(), randomness).unwrap();
    (directory, keys)
}

fn master() -> MasterKey {
    MasterKey::from_bytes([1; 32])
}

fn name(id: &str) -> KeyName {
    KeyName::of("person", id)
}

fn id(number: u128) -> EventId {
    EventId(Uuid::from_u128(number))
}

fn anna() -> Value {
    json!({ "name": Personal::new(name("1"), "Anna".to_owned()), "list": [{ "a/b~": Personal::new(name("2"), 7) }] })
}

fn sealed(keys: &dyn KeyStore, event: EventId, mut value: Value) -> Value {
    let mut names = Vec::new();
    personal_keys(&value, &mut names);
    keys.ensure(&names).unwrap();
    seal(keys, event, "/data", &mut value).unwrap();
    value
}

#[test]
fn a_sealed_field_shows_its_key_and_nothing_of_its_value_and_opens_again() {
    let (_directory, keys) = store();
    let mut value = sealed(&keys, id(1), anna());
    let text = value.to_string();
    assert!(!text.contains("Anna") && text.contains("person-1") && text.contains("$sealed"), "{text}");
    let mut names = Vec::new();
    sealed_keys(&value, &mut names);
    names.sort();
    assert_eq!(names, [name("1"), name("2")]);
    open(&keys, id(1), "/data", &mut value).unwrap();
    assert_eq!(value, anna());
}

#[test]
fn sealing_the_same_event_again_gives_the_same_bytes_and_another_value_another_nonce() {
    let (_directory, keys) = store();
    let field = |value: &str| json!(Personal::new(name("1"), value.to_owned()));
    let first = sealed(&keys, id(1), field("Anna"));
    assert_eq!(first, sealed(&keys, id(1), field("Anna")));
    let nonce = |value: &Value| value["$sealed"]["box"].as_str().unwrap()[..16].to_owned();
    assert_ne!(nonce(&first), nonce(&sealed(&keys, id(1), field("Berta"))));
    assert_ne!(nonce(&first), nonce(&sealed(&keys, id(2), field("Anna"))));
}

#[test]
fn a_box_opens_in_its_own_event_at_its_own_place_only() {
    let (_directory, keys) = store();
    let original = sealed(&keys, id(1), json!({ "a": Personal::new(name("1"), "x".to_owned()), "b": 0 }));
    let altered = |mut value: Value, event: EventId| open(&keys, event, "/data", &mut value);
    let mut moved = original.clone();
    moved["b"] = moved["a"].take();
    assert!(matches!(altered(moved, id(1)), Err(SealError::Altered(place)) if place == "/data/b"));
    assert!(matches!(altered(original.clone(), id(2)), Err(SealError::Altered(_))));
    let mut bent = original.clone();
    bent["a"]["$sealed"]["box"] = json!("AAAA");
    assert!(matches!(altered(bent, id(1)), Err(SealError::Altered(_))));
    let mut other_key = original.clone();
    keys.ensure(&[name("9")]).unwrap();
    other_key["a"]["$sealed"]["key"] = json!("person-9");
    assert!(matches!(altered(other_key, id(1)), Err(SealError::Altered(_))));
    altered(original, id(1)).unwrap();
}

#[test]
fn a_field_whose_key_was_destroyed_reads_as_erased_and_is_kept_so() {
    let (_directory, keys) = store();
    let mut value = sealed(&keys, id(1), anna());
    keys.destroy(&name("1")).unwrap();
    open(&keys, id(1), "/data", &mut value).unwrap();
    let erased: Personal<String> = serde_json::from_value(value["name"].clone()).unwrap();
    assert_eq!((erased.get(), erased.text(), erased.key()), (None, "", &name("1")));
    let kept: Personal<u8> = serde_json::from_value(value["list"][0]["a/b~"].clone()).unwrap();
    assert_eq!(kept.get(), Some(&7));
    // An erased field stays erased when it is written back.
    let again = json!(erased);
    assert_eq!(sealed(&keys, id(2), again.clone()), again);
}

#[test]
fn nothing_is_sealed_under_a_destroyed_key() {
    let (_directory, keys) = store();
    keys.ensure(&[name("1"), name("2")]).unwrap();
    keys.destroy(&name("1")).unwrap();
    assert!(matches!(seal(&keys, id(1), "/data", &mut anna()), Err(KeyError::Destroyed(key)) if key == name("1")));
    assert!(matches!(keys.ensure(&[name("1")]), Err(KeyError::Destroyed(_))), "a destroyed key is never created again");
    keys.destroy(&name("3")).unwrap();
    assert!(
        matches!(keys.ensure(&[name("3")]), Err(KeyError::Destroyed(_))),
        "not even if it was destroyed before it was created"
    );
}

#[test]
fn what_a_stranger_calls_a_box_or_a_marker_stays_data() {
    let (_directory, keys) = store();
    keys.ensure(&[name("1")]).unwrap();
    let traps = json!([
        { "$sealed": { "key": "person-1", "box": "AAAA" } },
        { "$personal": { "key": "person-1", "value": 1, "more": 2 } },
        { "$personal": ["person-1", 1] },
        { "$personal": { "key": "person-1", "value": 1 }, "beside": 3 },
        { "$$sealed": {}, "$": 1, "$$": 2, "plain$": 3 },
    ]);
    let mut value = traps.clone();
    seal(&keys, id(1), "/data", &mut value).unwrap();
    open(&keys, id(1), "/data", &mut value).unwrap();
    assert_eq!(value, traps);
    // An object in the exact form of a marker passes through `literal`, like everything that a device reports.
    let marker = json!({ "$personal": { "key": "person-1", "value": 1 } });
    let told = InventoryValue::Plain(marker.clone());
    let mut value = json!(told);
    let mut names = Vec::new();
    personal_keys(&value, &mut names);
    assert_eq!(names, []);
    seal(&keys, id(1), "/data", &mut value).unwrap();
    open(&keys, id(1), "/data", &mut value).unwrap();
    assert_eq!(serde_json::from_value::<InventoryValue>(value).unwrap(), told);
}

fn json_values() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        "[$a-c]{0,3}",
        Just("$sealed".into()),
        Just("$personal".into()),
        Just("$erased".into()),
        Just("key".into()),
        Just("box".into()),
        Just("value".into())
    ];
    let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), ".{0,5}".prop_map(Value::from)];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_device_tells_comes_back_as_it_was(told in json_values()) {
        let keys = Fixed;
        for told in [InventoryValue::Plain(told.clone()), InventoryValue::Personal(Personal::new(name("1"), told))] {
            let mut value = json!({ "changes": { "DeviceName": told } });
            seal(&keys, id(1), "/data", &mut value).unwrap();
            open(&keys, id(1), "/data", &mut value).unwrap();
            prop_assert_eq!(serde_json::from_value::<InventoryValue>(value["changes"]["DeviceName"].take()).unwrap(), told);
        }
    }
}

/// A key store that returns the same key for every name.
struct Fixed;

impl KeyStore for Fixed {
    fn failed(&self) -> tokio::sync::watch::Receiver<Option<String>> {
        tokio::sync::watch::channel(None).1
    }
    fn ensure(&self, _: &[KeyName]) -> Result<(), KeyError> {
        Ok(())
    }
    fn key(&self, _: &KeyName) -> Result<Held, KeyError> {
        Ok(Held::Key(DataKey::from_bytes([3; 32])))
    }
    fn sequence(&self) -> u64 {
        0
    }
    fn destructions(&self) -> u64 {
        0
    }
    fn set_owner(&self, _: &KeyName, _: &KeyName) -> Result<(), KeyError> {
        Ok(())
    }
    fn destroy(&self, _: &KeyName) -> Result<(), KeyError> {
        Ok(())
    }
}

#[test]
fn a_key_handed_over_goes_with_its_owner() {
    let (_directory, keys) = store();
    let (enrollment, person, other) = (KeyName::of("visit", 1), name("1"), name("2"));
    keys.ensure(&[enrollment.clone(), person.clone(), other.clone()]).unwrap();
    keys.set_owner(&enrollment, &person).unwrap();
    keys.destroy(&person).unwrap();
    assert!(!keys.key(&enrollment).unwrap().is_there() && !keys.key(&person).unwrap().is_there());
    assert!(keys.key(&other).unwrap().is_there());
}

#[test]
fn a_destroyed_key_leaves_memory_and_is_counted_and_others_stay_in_memory() {
    let (_directory, keys) = store();
    let (enrollment, person, other) = (KeyName::of("visit", 1), name("1"), name("2"));
    let all = [enrollment.clone(), person.clone(), other.clone()];
    assert!(!all.iter().any(|key| keys.is_ready(key)));
    keys.ensure(&all).unwrap();
    assert!(all.iter().all(|key| keys.is_ready(key)) && keys.destructions() == 0);
    keys.set_owner(&enrollment, &person).unwrap();
    keys.destroy(&person).unwrap();
    assert!(!keys.is_ready(&enrollment) && !keys.is_ready(&person) && keys.is_ready(&other));
    assert_eq!(keys.destructions(), 1);
    assert!(keys.key(&other).unwrap().is_there());
}

#[test]
fn keys_that_exist_are_ensured_without_a_write() {
    let (directory, keys) = store();
    keys.ensure(&[name("1"), name("2")]).unwrap();
    drop(keys);
    let again = SqliteKeyStore::open(&directory.path().join("keys.db"), master(), randomness).unwrap();
    // Every commit fails from now on.
    again.fail_commits().unwrap();
    again.ensure(&[name("1"), name("2")]).unwrap();
    assert!(again.ensure(&[name("3")]).is_err(), "a key that does not exist is written");
    assert!(again.ensure(&[name("1")]).is_ok(), "a key in memory needs no file");
}

#[test]
fn a_key_that_is_handed_over_again_is_not_written_again() {
    let (_directory, keys) = store();
    keys.ensure(&[name("1"), name("2")]).unwrap();
    keys.set_owner(&KeyName::of("visit", 1), &name("1")).unwrap();
    assert!(keys.is_ready(&KeyName::of("visit", 1)), "it was made");
    // Every commit fails from now on.
    keys.fail_commits().unwrap();
    keys.set_owner(&KeyName::of("visit", 1), &name("1")).unwrap();
    assert!(keys.set_owner(&KeyName::of("visit", 1), &name("2")).is_err(), "another owner is written");
}

#[test]
fn a_key_handed_over_to_a_destroyed_one_is_destroyed_and_a_circle_ends() {
    let (_directory, keys) = store();
    keys.ensure(&[name("1"), name("2"), name("3")]).unwrap();
    keys.set_owner(&name("1"), &name("2")).unwrap();
    keys.set_owner(&name("2"), &name("1")).unwrap();
    keys.destroy(&name("1")).unwrap();
    assert!(!keys.key(&name("2")).unwrap().is_there());
    keys.set_owner(&name("3"), &name("2")).unwrap();
    assert!(!keys.key(&name("3")).unwrap().is_there());
}

#[test]
fn keys_outlive_the_process_and_open_under_their_own_name_only() {
    let (directory, keys) = store();
    keys.ensure(&[name("1"), name("2")]).unwrap();
    let value = sealed(&keys, id(1), anna());
    let path = keys.path().to_owned();
    drop(keys);
    let keys = SqliteKeyStore::open(&path, master(), randomness).unwrap();
    let mut opened = value.clone();
    open(&keys, id(1), "/data", &mut opened).unwrap();
    assert_eq!(opened, anna());
    drop(keys);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute(
        "UPDATE key SET wrapped = (SELECT wrapped FROM key WHERE name = 'person-2') WHERE name = 'person-1'",
        [],
    )
    .unwrap();
    let keys = SqliteKeyStore::open(&path, master(), randomness).unwrap();
    assert!(matches!(keys.key(&name("1")), Err(KeyError::Altered(key)) if key == name("1")));
    drop(directory);
}

#[test]
fn a_destroyed_key_is_nowhere_in_the_files() {
    let (directory, keys) = store();
    let names: Vec<KeyName> = (0..200).map(|n| name(&n.to_string())).collect();
    keys.ensure(&names).unwrap();
    let file = rusqlite::Connection::open(keys.path()).unwrap();
    let doomed: Vec<Vec<u8>> = (0..200)
        .step_by(7)
        .map(|n| {
            file.query_row("SELECT wrapped FROM key WHERE name = ?1", [format!("person-{n}")], |row| row.get(0))
                .unwrap()
        })
        .collect();
    drop(file);
    assert_eq!(found(directory.path(), &doomed), doomed.len(), "the keys are in the files before they are destroyed");
    for n in (0..200).step_by(7) {
        keys.destroy(&name(&n.to_string())).unwrap();
    }
    assert_eq!(found(directory.path(), &doomed), 0);
    assert!(keys.key(&name("1")).unwrap().is_there());
}

fn found(directory: &Path, wanted: &[Vec<u8>]) -> usize {
    let files: Vec<Vec<u8>> =
        std::fs::read_dir(directory).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    wanted
        .iter()
        .filter(|key| files.iter().any(|file| file.windows(key.len()).any(|bytes| bytes == key.as_slice())))
        .count()
}

#[test]
fn a_personal_value_is_not_printed() {
    let field = Personal::new(name("1"), "Anna".to_owned());
    assert_eq!(format!("{field:?}"), "Personal(person-1)");
}

#[test]
fn after_a_commit_that_failed_the_key_store_writes_nothing_more_and_says_why() {
    let (_directory, keys) = store();
    keys.ensure(&[name("1")]).unwrap();
    assert_eq!(*keys.failed().borrow(), None);
    keys.fail_commits().unwrap();
    assert!(matches!(keys.ensure(&[name("2")]), Err(KeyError::Unavailable(why)) if why.contains("keys.db")));
    assert!(keys.failed().borrow().as_ref().is_some_and(|why| why.contains("a commit")));
    assert!(matches!(keys.destroy(&name("1")), Err(KeyError::Unavailable(_))));
    assert!(!keys.key(&name("2")).unwrap().is_there(), "a key that is not durable seals nothing");
    assert!(keys.key(&name("1")).unwrap().is_there());
}

#[test]
fn a_key_store_opened_for_reading_makes_no_keys_and_no_files() {
    let (directory, keys) = store();
    keys.ensure(&[name("1")]).unwrap();
    drop(keys);
    let path = directory.path().join("keys.db");
    let before = std::fs::read(&path).unwrap();
    let keys = SqliteKeyStore::open_read_only(&path, master(), randomness).unwrap();
    assert!(keys.key(&name("1")).unwrap().is_there());
    assert!(matches!(keys.ensure(&[name("2")]), Err(KeyError::Unavailable(_))));
    assert!(matches!(keys.destroy(&name("1")), Err(KeyError::Unavailable(_))));
    drop(keys);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn the_sequence_counts_every_key_that_is_made_destroyed_or_lost_and_outlives_the_process() {
    let (_directory, keys) = store();
    assert_eq!(keys.sequence(), 0);
    keys.ensure(&[name("1"), name("2")]).unwrap();
    keys.ensure(&[name("1")]).unwrap();
    assert_eq!(keys.sequence(), 2);
    keys.set_owner(&KeyName::of("visit", 1), &name("1")).unwrap();
    assert_eq!(keys.sequence(), 3);
    keys.destroy(&name("1")).unwrap();
    assert_eq!(keys.sequence(), 5, "the enrollment's key is destroyed with it");
    keys.destroy(&name("1")).unwrap();
    assert_eq!(keys.sequence(), 5, "a second destruction is not counted");
    keys.give_up(&[name("8"), name("9")], &BTreeSet::new(), 40).unwrap();
    assert_eq!(keys.sequence(), 42);
    let path = keys.path().to_owned();
    drop(keys);
    assert_eq!(SqliteKeyStore::open_read_only(&path, master(), randomness).unwrap().sequence(), 42);
}

#[test]
fn a_lost_key_is_never_made_again_and_what_it_sealed_reads_so() {
    let (_directory, keys) = store();
    let (_elsewhere, newer) = store();
    let value = sealed(&newer, id(1), anna());
    let refused = open(&keys, id(1), "/data", &mut value.clone());
    assert!(
        matches!(refused, Err(SealError::Key(KeyError::NotThere(_)))),
        "a key that never existed does not count as erased"
    );
    assert_eq!(keys.missing(&[name("1"), name("2")]).unwrap(), [name("1"), name("2")]);
    keys.give_up(&[name("1"), name("2")], &BTreeSet::new(), newer.sequence()).unwrap();
    assert_eq!(keys.missing(&[name("1"), name("2")]).unwrap(), []);
    let mut opened = value.clone();
    open(&keys, id(1), "/data", &mut opened).unwrap();
    let lost: Personal<String> = serde_json::from_value(opened["name"].clone()).unwrap();
    assert_eq!((lost.get(), lost.gone(), lost.shown()), (None, Some(Gone::Lost), Some("(key lost)")));
    assert_eq!(sealed(&keys, id(2), json!(lost)), json!(lost), "a lost field stays lost when it is written back");
    // A new value is sealed under another key name and belongs to the same person.
    let mut again = sealed(&keys, id(3), anna());
    assert_eq!(again["name"]["$sealed"]["key"], json!("person-1~2"));
    open(&keys, id(3), "/data", &mut again).unwrap();
    let known: Personal<String> = serde_json::from_value(again["name"].clone()).unwrap();
    assert_eq!(known.text(), "Anna");
    keys.give_up(&[name("1").successor()], &BTreeSet::new(), 0).unwrap();
    assert!(keys.key(&name("1").successor()).unwrap().is_there(), "an existing key is not marked as lost");
    keys.destroy(&name("1")).unwrap();
    assert!(matches!(keys.key(&name("1").successor()).unwrap(), Held::Destroyed));
    assert!(matches!(keys.ensure(&[name("1")]), Err(KeyError::Destroyed(_))));
}

#[test]
fn a_damaged_key_store_says_so() {
    let (_directory, keys) = store();
    keys.ensure(&[name("1")]).unwrap();
    let path = keys.path().to_owned();
    drop(keys);
    let keys = SqliteKeyStore::open(&path, master(), randomness).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8_192..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let found = keys.key(&name("1")).map(|held| held.is_there());
    assert!(matches!(found, Err(KeyError::Damaged(_))), "{found:?}");
}

#[test]
fn keys_of_erased_people_are_destroyed_in_the_commit_that_raises_the_sequence() {
    let (_directory, keys) = store();
    keys.ensure(&[name("1")]).unwrap();
    keys.set_owner(&KeyName::of("visit", 1), &name("1")).unwrap();
    let erased = BTreeSet::from([name("1"), name("2")]);
    keys.give_up(&[name("3")], &erased, 40).unwrap();
    for erased in [name("1"), KeyName::of("visit", 1), name("2")] {
        assert!(matches!(keys.key(&erased).unwrap(), Held::Destroyed), "{}", erased.0);
    }
    assert!(matches!(keys.key(&name("3")).unwrap(), Held::Lost));
    // All changes are in one commit: if it fails, nothing changes.
    let (_directory, keys) = store();
    keys.ensure(&[name("1")]).unwrap();
    keys.fail_commits().unwrap();
    assert!(keys.give_up(&[name("3")], &erased, 40).is_err());
    let path = keys.path().to_owned();
    drop(keys);
    let keys = SqliteKeyStore::open(&path, master(), randomness).unwrap();
    assert_eq!(keys.sequence(), 1);
    assert!(keys.key(&name("1")).unwrap().is_there());
}

#[test]
fn a_value_is_the_same_under_the_successor_of_its_key() {
    let under = |key: KeyName| Personal::new(key, "Anna".to_owned());
    assert_eq!(under(name("1")), under(name("1").successor()));
    assert_ne!(under(name("1")), under(name("2").successor()));
    assert_ne!(under(name("1")), Personal::new(name("1"), "Anne".to_owned()));
}

#[test]
fn every_successor_of_a_key_has_its_first_name() {
    let first = name("1");
    assert_eq!(first.first(), first);
    assert_eq!(first.successor().successor().first(), first);
    let odd = KeyName("person-~x".into());
    assert_eq!((odd.first(), odd.successor().first()), (odd.clone(), odd));
}

#[test]
fn a_key_store_of_an_earlier_program_counts_its_keys_when_it_is_opened() {
    let (_directory, keys) = store();
    keys.ensure(&[name("1"), name("2"), name("3")]).unwrap();
    keys.destroy(&name("3")).unwrap();
    let path = keys.path().to_owned();
    drop(keys);
    // The file as programs created it before they counted keys.
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("ALTER TABLE about DROP COLUMN sequence; ALTER TABLE key DROP COLUMN lost").unwrap();
    drop(file);
    for _ in 0..2 {
        let reader = SqliteKeyStore::open_read_only(&path, master(), randomness).unwrap();
        assert_eq!(reader.sequence(), 3);
        assert!(reader.key(&name("1")).unwrap().is_there());
        assert!(matches!(reader.key(&name("3")).unwrap(), Held::Destroyed));
        drop(reader);
        let writer = SqliteKeyStore::open(&path, master(), randomness).unwrap();
        assert_eq!(writer.sequence(), 3);
    }
}
