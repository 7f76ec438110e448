//! The typed log returns the events that were appended, and stores their personal fields sealed.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use events::enrollment::SignInMethodName;
use events::envelope::{EventId, NewEvent, Position, Revision};
use events::log::Viewed;
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::personal::keys::{DataKey, Held, KeyError, KeyStore, MasterKey, SqliteKeyStore};
use events::store::sqlite::SqliteStore;
use events::store::{AppendError, Expected, ReadError};
use events::{Actor, ActorKind, Draft, Event, KeyName, Log, Personal, StreamName, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

const ANNA: PersonId = PersonId(Uuid::from_u128(0xa));

#[expect(clippy::disallowed_methods, reason = "tests have no World")]
fn randomness(bytes: &mut [u8]) {
    openssl::rand::rand_bytes(bytes).unwrap();
}

fn empty() -> (TempDir, Log) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    let master = MasterKey::from_bytes([1; 32]);
    let keys = SqliteKeyStore::create(&directory.path().join("keys.db"), master, randomness).unwrap();
    (directory, Log::new(Arc::new(store), Arc::new(keys)))
}

fn draft(number: u128, event: PersonEvent) -> Draft {
    Draft {
        id: EventId(Uuid::from_u128(number)),
        at: Timestamp(1_700_000_000_000_000),
        actor: Actor::new(ActorKind::Person, ANNA),
        source: Some(Personal::new(ANNA.key(), "192.0.2.7".into())),
        correlation: Uuid::from_u128(1),
        causation: Some(EventId(Uuid::from_u128(9))),
        event: event.into(),
    }
}

fn known(number: u128) -> Draft {
    let attributes = PersonAttributes {
        display_name: Some(Personal::new(ANNA.key(), "Anna Beispiel".into())),
        ..PersonAttributes::default()
    };
    draft(
        number,
        PersonEvent::PersonKnown {
            method: SignInMethodName::LocalAccount,
            account: "x".into(),
            attributes,
            keys: vec![],
            names: vec![],
        },
    )
}

async fn destroy(log: &Log, name: KeyName) {
    let keys = Arc::clone(log.keys());
    tokio::task::spawn_blocking(move || keys.destroy(&name)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_draft_comes_back_as_an_entry_and_nothing_personal_is_in_the_files() {
    let (directory, log) = empty();
    let appended = log.append(&ANNA.stream(), Expected::NoStream, vec![known(1)]).await.unwrap();
    let entries = log.read(&ANNA.stream()).await.unwrap();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    let wanted = known(1);
    assert_eq!((entry.id, entry.at, &entry.actor), (wanted.id, wanted.at, &wanted.actor));
    assert_eq!((&entry.source, entry.causation, &entry.event), (&wanted.source, wanted.causation, &wanted.event));
    assert_eq!((entry.revision, entry.position), (appended.revision, appended.position));
    assert_eq!(log.page(None, 10).await.unwrap(), entries);
    let mut read = 0;
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        read += bytes.len();
        for personal in ["Anna", "Beispiel", "192.0.2.7"] {
            assert!(!bytes.windows(personal.len()).any(|window| window == personal.as_bytes()), "{personal}");
        }
    }
    assert!(read > 8_192);
}

#[tokio::test]
async fn a_repeated_append_of_sealed_events_is_written_once() {
    let (_directory, log) = empty();
    let first = log.append(&ANNA.stream(), Expected::NoStream, vec![known(1), known(2)]).await.unwrap();
    let again = log.append(&ANNA.stream(), Expected::NoStream, vec![known(1), known(2)]).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(log.read(&ANNA.stream()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn after_the_key_is_destroyed_the_history_stands_with_erased_fields_and_nothing_new_is_sealed() {
    let (_directory, log) = empty();
    log.append(&ANNA.stream(), Expected::NoStream, vec![known(1)]).await.unwrap();
    destroy(&log, ANNA.key()).await;
    let entries = log.read(&ANNA.stream()).await.unwrap();
    assert_eq!(entries[0].source.as_ref().unwrap().get(), None);
    let Event::Person(PersonEvent::PersonKnown { attributes, .. }) = &entries[0].event else { panic!("{entries:?}") };
    assert_eq!(attributes.display_name.as_ref().unwrap().text(), "");
    let refused = log.append(&ANNA.stream(), Expected::Any, vec![known(2)]).await;
    assert!(matches!(&refused, Err(AppendError::Unavailable(why)) if why.contains("destroyed")), "{refused:?}");
    let erased = Draft { source: None, ..draft(3, PersonEvent::PersonErased {}) };
    log.append(&ANNA.stream(), Expected::Exact(Revision(0)), vec![erased]).await.unwrap();
    assert_eq!(log.read(&ANNA.stream()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn nothing_is_written_when_a_key_cannot_be_made_durable() {
    struct Broken;
    impl KeyStore for Broken {
        fn failed(&self) -> tokio::sync::watch::Receiver<Option<String>> {
            tokio::sync::watch::channel(None).1
        }
        fn ensure(&self, _: &[KeyName]) -> Result<(), KeyError> {
            Err(KeyError::Unavailable("the disk is full".into()))
        }
        fn key(&self, _: &KeyName) -> Result<Held, KeyError> {
            Ok(Held::Key(DataKey::from_bytes([0; 32])))
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
    let (_directory, log) = empty();
    let broken = Log::new(Arc::clone(log.store()), Arc::new(Broken));
    let refused = broken.append(&ANNA.stream(), Expected::NoStream, vec![known(1)]).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert_eq!(log.store().head().await.unwrap(), None);
}

#[tokio::test]
async fn an_event_of_a_newer_program_stops_the_reader_and_names_its_place() {
    let (_directory, log) = empty();
    let stream = ANNA.stream();
    let raw = |number: u128, event_type: &str, version: u16| NewEvent {
        id: EventId(Uuid::from_u128(number)),
        event_type: event_type.into(),
        version,
        at: Timestamp(0),
        actor: Actor::new(ActorKind::System, "test"),
        source: Value::Null,
        correlation: Uuid::nil(),
        causation: None,
        data: json!({}),
    };
    let other = StreamName::of("person", "2");
    log.store().append(&stream, Expected::NoStream, vec![raw(1, "PersonForgotten", 1)]).await.unwrap();
    log.store().append(&other, Expected::NoStream, vec![raw(2, "PersonErased", 2)]).await.unwrap();
    for (stream, position) in [(stream, 1), (other, 2)] {
        match log.read(&stream).await {
            Err(ReadError::Corrupt { position: at, why, .. }) => {
                assert_eq!(Position(at), Position(position));
                assert!(why.contains("Muster"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_stream_longer_than_a_page_is_read_whole() {
    let (_directory, log) = empty();
    let erased = |number| Draft { source: None, ..draft(number, PersonEvent::PersonErased {}) };
    for tens in 0..21 {
        let drafts = (tens * 100..tens * 100 + 100).map(erased).collect();
        log.append(&ANNA.stream(), Expected::Any, drafts).await.unwrap();
    }
    let revisions: Vec<u64> = log.read(&ANNA.stream()).await.unwrap().iter().map(|entry| entry.revision.0).collect();
    assert_eq!(revisions, (0..2_100).collect::<Vec<_>>());
    assert_eq!(log.read_from(&ANNA.stream(), Revision(2_000)).await.unwrap().len(), 100);
}

const OTHER: PersonId = PersonId(Uuid::from_u128(0xb));

/// Reopens the log after the key `name` was damaged in the file.
fn with_damaged_key(directory: &TempDir, log: Log, name: &KeyName) -> Log {
    let store = Arc::clone(log.store());
    drop(log);
    let path = directory.path().join("keys.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(file.execute("UPDATE key SET wrapped = zeroblob(60) WHERE name = ?1", [&name.0]).unwrap(), 1);
    drop(file);
    Log::new(store, Arc::new(SqliteKeyStore::open(&path, MasterKey::from_bytes([1; 32]), randomness).unwrap()))
}

/// Returns an event in the stream of [`OTHER`]. Its name is sealed with `key` (OTHER's or ANNA's), and its source
/// address with ANNA's key.
fn known_of_other(number: u128, key: KeyName) -> Draft {
    let display_name = Some(Personal::new(key, "Anna Beispiel".into()));
    let attributes = PersonAttributes { display_name, ..PersonAttributes::default() };
    draft(
        number,
        PersonEvent::PersonKnown {
            method: SignInMethodName::LocalAccount,
            account: "x".into(),
            attributes,
            keys: vec![],
            names: vec![],
        },
    )
}

fn shown(entry: &events::Entry) -> [Option<&str>; 2] {
    let Event::Person(PersonEvent::PersonKnown { attributes, .. }) = &entry.event else { panic!("{entry:?}") };
    [entry.source.as_ref().unwrap().shown(), attributes.display_name.as_ref().unwrap().shown()]
}

#[tokio::test]
async fn a_damaged_key_holds_up_only_the_stream_of_whom_it_belongs_to_and_is_told() {
    let (directory, log) = empty();
    log.append(&ANNA.stream(), Expected::NoStream, vec![known(1)]).await.unwrap();
    let others = vec![known_of_other(2, OTHER.key()), known_of_other(3, ANNA.key())];
    log.append(&OTHER.stream(), Expected::NoStream, others).await.unwrap();
    let log = with_damaged_key(&directory, log, &ANNA.key());
    let read = log.read(&OTHER.stream()).await.unwrap();
    let damaged = Some("(key damaged)");
    assert_eq!((shown(&read[0]), shown(&read[1])), ([damaged, Some("Anna Beispiel")], [damaged, damaged]));
    let told = log.store().findings().all();
    assert!(told.len() == 1 && told[0].to_string().contains("restore the newest keys.db"), "{told:?}");
    // Decisions need the contents of the person's own stream, so reading it fails. A reader that only displays events
    // continues.
    assert!(matches!(log.read(&ANNA.stream()).await, Err(ReadError::Corrupt { .. })));
    let viewed = log.view(log.store().read_all(None, 10).await.unwrap()).await;
    assert_eq!((viewed.entries.len(), viewed.damaged.iter().collect::<Vec<_>>()), (3, vec![&ANNA.key()]));
    assert!(viewed.error.is_none());
    assert_eq!(shown(&viewed.entries[0]), [damaged, damaged]);
    assert_eq!(log.store().findings().all().len(), 1, "reported only once");
}

#[tokio::test]
async fn an_event_is_written_without_the_address_whose_key_is_damaged_and_never_without_its_fields() {
    let (directory, log) = empty();
    log.append(&OTHER.stream(), Expected::NoStream, vec![known_of_other(1, ANNA.key())]).await.unwrap();
    let log = with_damaged_key(&directory, log, &ANNA.key());
    let refused = log.append(&OTHER.stream(), Expected::Any, vec![known_of_other(2, ANNA.key())]).await;
    assert!(matches!(&refused, Err(AppendError::DamagedKey(why)) if why.contains("person-")), "{refused:?}");
    // A field that reads as damaged is not written back: if it were, its value could never be read again.
    let entry = log.read(&OTHER.stream()).await.unwrap().remove(0);
    let again = Draft { event: entry.event, ..draft(3, PersonEvent::PersonErased {}) };
    let refused = log.append(&OTHER.stream(), Expected::Any, vec![again]).await;
    assert!(matches!(&refused, Err(AppendError::DamagedKey(_))), "{refused:?}");
    for _ in 0..2 {
        let written = vec![known_of_other(4, OTHER.key()), known_of_other(5, OTHER.key())];
        log.append(&OTHER.stream(), Expected::Exact(Revision(0)), written).await.unwrap();
    }
    let read = log.read(&OTHER.stream()).await.unwrap();
    assert_eq!(read.len(), 3, "the repeated append is not stored twice");
    assert_eq!(shown(&read[1]), [Some("(key damaged)"), Some("Anna Beispiel")]);
    assert_eq!(log.store().findings().all().len(), 1);
}

#[tokio::test]
async fn a_box_that_was_altered_under_a_whole_key_is_corruption_wherever_it_stands() {
    let (_directory, log) = empty();
    log.append(&OTHER.stream(), Expected::NoStream, vec![known_of_other(1, OTHER.key())]).await.unwrap();
    let mut recorded = log.store().read_all(None, 1).await.unwrap();
    let sealed = recorded[0].event.source["$sealed"]["box"].as_str().unwrap().to_owned();
    recorded[0].event.source["$sealed"]["box"] = json!(format!("AAAA{}", &sealed[4..]));
    let viewed = log.view(recorded).await;
    assert!(matches!(viewed.error, Some(ReadError::Corrupt { ref why, .. }) if why.contains("/source")), "{viewed:?}");
}

#[tokio::test]
async fn the_events_before_one_that_cannot_be_read_are_opened_and_that_one_is_named() {
    let (_directory, log) = empty();
    let drafts = (1..=3).map(|number| known_of_other(number, OTHER.key())).collect();
    log.append(&OTHER.stream(), Expected::NoStream, drafts).await.unwrap();
    let mut recorded = log.store().read_all(None, 10).await.unwrap();
    let whole = log.view(recorded.clone()).await;
    assert_eq!((whole.entries.len(), whole.error.is_none()), (3, true));
    recorded[1].event.version = 99;
    let Viewed { entries, error, .. } = log.view(recorded.clone()).await;
    assert_eq!(entries, whole.entries[..1]);
    let Some(ReadError::Corrupt { position, revision, .. }) = error else { panic!("{error:?}") };
    assert_eq!((Position(position), revision), (recorded[1].position, 1));
    assert!(log.open(recorded).await.is_err(), "a reader that decides gets nothing");
}
