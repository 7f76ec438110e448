//! The scrub finds damage that no other reader finds: flipped bits in any event, damaged pages of tables and indexes.

use crate::older::as_format_1;
use events::envelope::Position;
use events::store::StoreLifecycle as _;
use events::store::contract::{events, stream};
use events::store::sqlite::{FILE, SqliteStore};
use events::store::{EventStore, Expected};
use std::path::Path;
use tempfile::TempDir;

const STREAMS: u32 = 20;
const EVENTS: u32 = 200;
const PAGE: usize = 8_192;

/// Creates a closed log of [`EVENTS`] events in [`STREAMS`] streams, all in one file.
async fn log() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    for number in 0..EVENTS {
        let stream = stream(&(number % STREAMS).to_string());
        store.append(&stream, Expected::Any, events(number..number + 1)).await.unwrap();
    }
    store.close().await;
    directory
}

/// Returns the places of a text in the file: the current one, and possibly remains of earlier pages.
fn places(bytes: &[u8], wanted: &str) -> Vec<usize> {
    let places: Vec<usize> = bytes
        .windows(wanted.len())
        .enumerate()
        .filter(|(_, text)| *text == wanted.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert_ne!(places, [0usize; 0], "{wanted} is not in the file");
    places
}

/// Returns the positions found by a scrub of the whole log in parts of `bytes` bytes.
async fn scrubbed(directory: &Path, bytes: usize) -> Vec<u64> {
    let store = SqliteStore::open(directory).unwrap();
    let mut at = None;
    for _ in 0..10_000 {
        let done = store.scrub(at, bytes).await.unwrap();
        at = done.position;
        if done.ended {
            return store.findings().all().iter().map(|found| found.position).collect();
        }
    }
    panic!("the scrub does not end");
}

#[tokio::test]
async fn a_sound_log_is_passed_in_parts_of_any_size() {
    let directory = log().await;
    for bytes in [1, 5_000, 1_000_000] {
        assert_eq!(scrubbed(directory.path(), bytes).await, [0u64; 0], "{bytes}");
    }
    let store = SqliteStore::open(directory.path()).unwrap();
    let part = store.scrub(Some(Position(10)), 1).await.unwrap();
    assert_eq!((part.position, part.ended), (Some(Position(11)), false));
    let empty = tempfile::tempdir().unwrap();
    let nothing = SqliteStore::create(empty.path()).unwrap().scrub(None, 1).await.unwrap();
    assert_eq!((nothing.position, nothing.ended), (None, true));
}

#[tokio::test]
async fn a_bit_that_flipped_in_an_event_is_found_at_its_position_and_the_scrub_goes_on() {
    let directory = log().await;
    let file = directory.path().join(FILE);
    let mut bytes = std::fs::read(&file).unwrap();
    for number in [3, 4, 150] {
        // The text as it is in the envelope, with its surrounding characters.
        let wanted = format!("\"data\":{{\"number\":{number}}}");
        for at in places(&bytes, &wanted) {
            bytes[at + 3] ^= 0x10;
        }
    }
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(scrubbed(directory.path(), 4_000).await, [4, 5, 151]);
}

#[tokio::test]
async fn a_missing_event_and_one_of_another_stream_are_found() {
    for damage in ["DELETE FROM log WHERE position = 24", "UPDATE log SET stream = 'contract-4' WHERE position = 24"] {
        let directory = log().await;
        rusqlite::Connection::open(directory.path().join(FILE)).unwrap().execute(damage, []).unwrap();
        assert_eq!(scrubbed(directory.path(), 100_000).await, [24], "{damage}");
    }
}

// An interior page leads to many events: all of them are reported, up to the limit of the register.
#[tokio::test]
async fn a_damaged_page_is_found_wherever_it_lies() {
    let (of_format_1, of_format_2) = (log().await, log().await);
    as_format_1(of_format_1.path());
    for directory in [of_format_1, of_format_2] {
        every_damaged_page_is_found(directory.path()).await;
    }
}

async fn every_damaged_page_is_found(directory: &Path) {
    let file = directory.join(FILE);
    let whole = std::fs::read(&file).unwrap();
    // Page 1 contains the file header: without it the log cannot be opened.
    for page in 1..whole.len() / PAGE {
        let mut bytes = whole.clone();
        // The page type byte: the page no longer belongs to a table or an index.
        bytes[page * PAGE] = 0xff;
        std::fs::write(&file, &bytes).unwrap();
        if SqliteStore::open(directory).is_err() {
            continue;
        }
        assert_ne!(scrubbed(directory, 100_000).await, [0u64; 0], "page {}", page + 1);
    }
}

#[tokio::test]
async fn an_entry_of_a_stream_of_format_1_that_does_not_lead_to_its_events_is_found() {
    for damage in [
        "UPDATE streams SET name = 'contract-other' WHERE name = 'contract-3'",
        "UPDATE streams SET version = 2 WHERE name = 'contract-3'",
        "DELETE FROM events WHERE position = 24",
    ] {
        let directory = log().await;
        as_format_1(directory.path());
        rusqlite::Connection::open(directory.path().join(FILE)).unwrap().execute(damage, []).unwrap();
        let found = scrubbed(directory.path(), 100_000).await;
        assert!(found.contains(&24) || found.contains(&84), "{damage}: {found:?}");
    }
}

#[tokio::test]
async fn an_append_that_meets_a_damaged_page_is_refused_and_the_store_goes_on() {
    let directory = log().await;
    as_format_1(directory.path());
    let file = directory.path().join(FILE);
    // The root page of the index of stream names, which every first append to a stream reads.
    let root: usize = rusqlite::Connection::open(&file)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_streams_1'", [], |row| row.get(0))
        .unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[(root - 1) * PAGE] = 0xff;
    std::fs::write(&file, &bytes).unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    for _ in 0..2 {
        let refused = store.append(&stream("3"), Expected::Any, events(900..901)).await;
        assert!(matches!(refused, Err(events::store::AppendError::Corrupt { .. })), "{refused:?}");
    }
    assert_eq!(*store.failed().borrow(), None, "the store has not failed, so the process continues");
    assert_eq!(store.findings().all().len(), 1);
    assert_eq!(store.read_all(None, 1_000).await.unwrap().len(), EVENTS as usize, "intact events can be read");
}
