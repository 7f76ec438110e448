//! Histories in a real log.

use events::personal::keys::{KeyStore as _, MasterKey, SqliteKeyStore};
use events::store::sqlite::SqliteStore;
use events::store::{EventStore as _, StoreLifecycle as _};
use events::{Event, KeyName, Position};
use histories::{Installation, NoRoom, Plan, Sizes, fill, write};
use std::collections::BTreeSet;
use std::path::Path;
use world::{Room, World};

/// Number of events that are read at once.
const PAGE: usize = 5_000;

async fn written(directory: &Path, devices: u32) -> Installation {
    let mut installation = Installation::create(directory).await.expect("a log");
    let mut last = 0.0;
    let written = write(&mut installation, Plan::of(devices), |_, share| {
        assert!(share >= last, "{share} after {last}");
        last = share;
    });
    let written = written.await.expect("histories");
    // Two events are those of the empty log.
    let head = installation.store().head().await.expect("the log").expect("events");
    assert_eq!(head, Position(written.events + 2));
    installation
}

async fn events(installation: &Installation) -> Vec<events::Entry> {
    let (log, mut entries) = (installation.log(), Vec::new());
    loop {
        let after = entries.last().map(|entry: &events::Entry| entry.position);
        let page = log.page(after, PAGE).await.expect("a page");
        if page.is_empty() {
            return entries;
        }
        entries.extend(page);
    }
}

#[tokio::test]
async fn a_written_history_is_read_as_it_was_planned_and_erased_people_have_no_readable_field() {
    let directory = tempfile::tempdir().unwrap();
    let installation = written(directory.path(), 1_500).await;
    let entries = events(&installation).await;
    assert!(entries.windows(2).all(|two| two[0].at <= two[1].at), "time goes backwards");

    let erased = |entry: &events::Entry| match &entry.event {
        Event::Person(events::person::PersonEvent::PersonErased {}) => Some(format!("person-{}", entry.stream.id())),
        Event::Record(events::record::RecordEvent::PreviousRecordShredded {}) => {
            Some(format!("record-{}", entry.stream.id()))
        }
        _ => None,
    };
    let erased: BTreeSet<KeyName> = entries.iter().filter_map(erased).map(KeyName).collect();
    assert!(erased.iter().any(|key| key.0.starts_with("person-")), "nobody was erased");
    assert!(erased.iter().any(|key| key.0.starts_with("record-")), "no record was shredded");
    let mut gone = 0;
    for entry in &entries {
        let mut readable = Vec::new();
        events::personal::personal_keys(&entry.event.to_parts().1, &mut readable);
        let source = entry.source.as_ref().filter(|source| source.get().is_some()).map(|source| source.key());
        readable.extend(source.cloned());
        let wrong: Vec<_> = readable.iter().filter(|key| erased.contains(key)).collect();
        assert!(wrong.is_empty(), "{} {} has readable fields of {wrong:?}", entry.stream, entry.event.type_name());
        gone += usize::from(entry.source.as_ref().is_some_and(|source| source.get().is_none()));
    }
    assert!(gone > 10, "{gone} erased source addresses");
    installation.close().await;
}

#[tokio::test]
async fn a_second_process_opens_the_log_and_every_key_is_there() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), 60).await.close().await;
    let store = SqliteStore::open(directory.path()).unwrap();
    let path = directory.path().join("keys.db");
    let keys = SqliteKeyStore::open(&path, MasterKey::from_bytes([7; 32]), World::fill).unwrap();
    assert_eq!(store.key_sequence().await.unwrap(), Some(keys.sequence()));
    let mut names = Vec::new();
    for recorded in store.read_all(None, 100_000).await.unwrap() {
        events::personal::sealed_keys(&recorded.event.data, &mut names);
        events::personal::sealed_keys(&recorded.event.source, &mut names);
    }
    assert!(names.len() > 1_000, "{} sealed fields", names.len());
    assert_eq!(keys.missing(&names).unwrap(), vec![]);
    store.close().await;
}

#[tokio::test]
async fn a_disk_without_room_is_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    Installation::create(&data).await.unwrap().close().await;
    MasterKey::from_bytes([7; 32]).write_file(&directory.path().join("master.key")).unwrap();
    std::fs::write(directory.path().join("muster.toml"), "public_url = \"https://mdm.example.com\"\n").unwrap();
    let plan = Plan::of(50);
    let needed = Sizes::of(&plan).needed();

    let before = std::fs::read(data.join("events.db")).unwrap();
    let small = Room { free: needed - 1, total: needed };
    let refused = fill(directory.path(), plan, &small, |_, _| {}).await.unwrap_err();
    assert_eq!(refused.downcast_ref::<NoRoom>().map(|refused| refused.needed), Some(needed));
    assert!(refused.to_string().contains("nothing was written"), "{refused}");
    assert_eq!(std::fs::read(data.join("events.db")).unwrap(), before);

    let room = Room { free: needed, total: needed };
    let (written, _) = fill(directory.path(), plan, &room, |_, _| {}).await.unwrap();
    assert!(written.events > 1_000);
    let store = SqliteStore::open(&data).unwrap();
    let served = store.read_all(None, 10_000).await.unwrap();
    let served = served.iter().find(|recorded| recorded.event.event_type == "MdmProfileServed").unwrap();
    assert_eq!(served.event.data["profile"]["check_in_url"], "https://mdm.example.com/mdm/checkin");
    store.close().await;
    let again = fill(directory.path(), plan, &room, |_, _| {}).await.unwrap_err();
    assert!(again.to_string().contains("has histories already"), "{again}");
}

#[tokio::test]
async fn a_directory_without_an_installation_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let room = Room { free: u64::MAX, total: u64::MAX };
    let refused = fill(directory.path(), Plan::of(1), &room, |_, _| {}).await.unwrap_err();
    assert!(format!("{refused:#}").contains("muster init"), "{refused:#}");
}

#[tokio::test]
async fn the_log_takes_less_than_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), 1_000).await.close().await;
    let (expected, taken) = (Sizes::of(&Plan::of(1_000)), Sizes::in_directory(directory.path()));
    let ratio = |expected: u64, taken: u64| taken as f64 / expected as f64;
    let log = ratio(expected.log, taken.log);
    assert!((0.8..1.1).contains(&log), "the log takes {log} of what was expected");
    let keys = ratio(expected.keys, taken.keys);
    // A small file has room in its pages.
    assert!((0.7..1.2).contains(&keys), "the keys take {keys} of what was expected");
    assert!(taken.index <= expected.index + 1_000_000, "{} bytes of index", taken.index);
}
