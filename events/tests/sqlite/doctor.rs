//! The doctor names every fault of a log, and none of a sound one.

use crate::older::as_format_1;
use events::store::StoreLifecycle as _;
use events::store::contract::{events, stream};
use events::store::sqlite::doctor::{Examined, Fault, examine};
use events::store::sqlite::{FILE, SqliteStore};
use events::store::{EventStore, Expected, ReadError};
use std::path::Path;
use tempfile::TempDir;

/// Creates a closed log: streams 0 to 9 in turn, 10 events each.
async fn log() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    for number in 0..100 {
        store.append(&stream(&(number % 10).to_string()), Expected::Any, events(number..number + 1)).await.unwrap();
    }
    store.close().await;
    directory
}

fn examined(directory: &Path) -> (Examined, Vec<Fault>) {
    let mut faults = Vec::new();
    let examined = examine(directory, |fault| faults.push(fault)).unwrap();
    assert_eq!(examined.faults, faults.len() as u64);
    (examined, faults)
}

fn damage(directory: &Path, file: &str, statements: &str) {
    rusqlite::Connection::open(directory.join(file)).unwrap().execute_batch(statements).unwrap();
}

#[tokio::test]
async fn a_sound_log_of_either_format_has_no_fault_with_and_without_its_index() {
    let directory = log().await;
    let sound = Examined { events: 100, streams: 10, faults: 0 };
    assert_eq!(examined(directory.path()).0, sound);
    std::fs::remove_file(directory.path().join("index.db")).unwrap();
    assert_eq!(examined(directory.path()).0, sound);
    as_format_1(directory.path());
    assert_eq!(examined(directory.path()).0, sound);
}

#[tokio::test]
async fn both_events_of_a_double_revision_are_named() {
    let directory = log().await;
    let twice =
        "INSERT INTO log SELECT 101, stream, revision, event_id, leaf, crc, envelope FROM log WHERE position = 57";
    damage(directory.path(), FILE, twice);
    let (_, faults) = examined(directory.path());
    let [Fault::DoubleRevision { stream: of, revision, first, second }] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!((of, revision.0), (&stream("6"), 5));
    assert_eq!((first.position.0, second.position.0), (57, 101));
}

#[tokio::test]
async fn missing_and_damaged_events_are_named_and_the_rest_is_read() {
    let directory = log().await;
    let statements = "DELETE FROM log WHERE position = 12; UPDATE log SET crc = crc + 1 WHERE position = 35;
        UPDATE log SET stream = 'contract-0' WHERE position = 70;";
    damage(directory.path(), FILE, statements);
    let (examined, faults) = examined(directory.path());
    assert_eq!((examined.events, examined.streams), (100, 10));
    let place = |fault: &Fault| match fault {
        Fault::Unreadable(ReadError::Corrupt { position, .. }) => ("unreadable", *position),
        Fault::Gap { at, .. } => ("gap", at.position.0),
        other => panic!("{other:?}"),
    };
    let places: Vec<_> = faults.iter().map(place).collect();
    // The next event of each stream shows the gap. The event at 70 is intact, but a reader of its stream misses it.
    assert_eq!(places, [("unreadable", 12), ("gap", 22), ("unreadable", 35), ("gap", 45), ("unreadable", 70)]);
}

#[tokio::test]
async fn an_index_that_leads_elsewhere_is_told() {
    for statements in ["DELETE FROM blocks", "UPDATE origin SET position = 5000"] {
        let directory = log().await;
        damage(directory.path(), "index.db", statements);
        let (_, faults) = examined(directory.path());
        assert!(matches!(&faults[..], [Fault::Index(_)]), "{statements}: {faults:?}");
    }
}
