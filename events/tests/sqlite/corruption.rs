//! A flipped byte is found at the next read: its stream is refused, readers of the log stop there, nothing is skipped.

use crate::older::as_format_1;
use events::envelope::{Position, Revision};
use events::store::StoreLifecycle as _;
use events::store::contract::{events, stream};
use events::store::sqlite::verify::verify;
use events::store::sqlite::{FILE, SqliteStore};
use events::store::{AppendError, EventStore, Expected, ReadError};
use tempfile::TempDir;

/// Creates a log with stream a at positions 1 to 3, b at 4 and 5, a again at 6, and runs `statement` on its file.
async fn damaged(statement: &str) -> (TempDir, SqliteStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    store.append(&stream("a"), Expected::NoStream, events(0..3)).await.unwrap();
    store.append(&stream("b"), Expected::NoStream, events(3..5)).await.unwrap();
    store.append(&stream("a"), Expected::Any, events(5..6)).await.unwrap();
    assert_eq!(verify(directory.path()).unwrap().events, 6);
    let changed = rusqlite::Connection::open(directory.path().join(FILE)).unwrap().execute(statement, []).unwrap();
    assert_eq!(changed, 1, "{statement}");
    (directory, store)
}

/// One damage for each stored part of an event.
const DAMAGES: [&str; 8] = [
    "UPDATE log SET envelope = replace(envelope, '\"number\":1', '\"number\":9') WHERE position = 2",
    "UPDATE log SET envelope = substr(envelope, 1, 100) WHERE position = 2",
    "UPDATE log SET envelope = '' WHERE position = 2",
    "UPDATE log SET crc = crc + 1 WHERE position = 2",
    "UPDATE log SET leaf = zeroblob(32) WHERE position = 2",
    "UPDATE log SET leaf = x'00' WHERE position = 2",
    "UPDATE log SET event_id = zeroblob(16) WHERE position = 2",
    "DELETE FROM log WHERE position = 2",
];

#[tokio::test]
async fn a_damaged_event_is_corrupt_its_stream_refused_and_other_streams_served() {
    for damage in DAMAGES {
        let (_directory, store) = damaged(damage).await;
        let error = store.read_stream(&stream("a"), Revision(0), 10).await.unwrap_err();
        assert!(matches!(error, ReadError::Corrupt { .. }), "{damage}: {error}");
        let refused = store.append(&stream("a"), Expected::Exact(Revision(3)), events(6..7)).await;
        assert!(matches!(refused, Err(AppendError::Corrupt { .. })), "{damage}: {refused:?}");
        assert_eq!(store.read_stream(&stream("b"), Revision(0), 10).await.unwrap().len(), 2, "{damage}");
        store.append(&stream("b"), Expected::Exact(Revision(1)), events(7..8)).await.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_first_page_is_told_as_corruption_by_whoever_opens_the_file() {
    for (from, to) in [(0, 16), (68, 72)] {
        let directory = tempfile::tempdir().unwrap();
        drop(SqliteStore::create(directory.path()).unwrap());
        let store = SqliteStore::open(directory.path()).unwrap();
        let path = directory.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[from..to].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        let error = store.read_stream(&stream("a"), Revision(0), 10).await.unwrap_err();
        assert!(matches!(error, ReadError::Corrupt { .. }), "{from}: {error}");
        assert_eq!(store.findings().all().len(), 1, "{from}");
    }
}

#[tokio::test]
async fn readers_of_the_log_stop_at_a_damaged_event_and_never_pass_it() {
    for damage in DAMAGES {
        let (_directory, store) = damaged(damage).await;
        let before = store.read_all(None, 100).await.unwrap();
        assert_eq!(before.iter().map(|event| event.position.0).collect::<Vec<_>>(), [1], "{damage}");
        for _ in 0..2 {
            match store.read_all(Some(Position(1)), 100).await.unwrap_err() {
                ReadError::Corrupt { position, .. } => assert_eq!(position, 2, "{damage}"),
                other => panic!("{damage}: {other}"),
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_lost_its_end_or_was_mixed_up_is_refused() {
    for damage in [
        "DELETE FROM log WHERE position = 6",
        "UPDATE log SET position = 9 WHERE position = 6",
        "UPDATE log SET envelope = (SELECT envelope FROM log WHERE position = 5), stream = 'contract-b', revision = 2
            WHERE position = 6",
    ] {
        let (directory, store) = damaged(damage).await;
        let answer = store.read_stream(&stream("a"), Revision(0), 10).await;
        assert!(matches!(answer, Err(ReadError::Corrupt { .. })), "{damage}: {answer:?}");
        store.close().await;
        assert!(verify(directory.path()).is_err(), "{damage}");
    }
}

#[tokio::test]
async fn a_stream_of_format_1_that_lost_its_end_is_refused() {
    for damage in ["DELETE FROM events WHERE position = 6", "UPDATE streams SET version = 9 WHERE name = 'contract-a'"]
    {
        let (directory, store) = damaged("UPDATE log SET crc = crc WHERE position = 1").await;
        store.close().await;
        as_format_1(directory.path());
        let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
        assert_eq!(file.execute(damage, []).unwrap(), 1);
        drop(file);
        assert!(verify(directory.path()).is_err(), "{damage}");
        let store = SqliteStore::open(directory.path()).unwrap();
        let answer = store.read_stream(&stream("a"), Revision(0), 10).await;
        assert!(matches!(answer, Err(ReadError::Corrupt { .. })), "{damage}: {answer:?}");
        assert_eq!(store.read_stream(&stream("b"), Revision(0), 10).await.unwrap().len(), 2, "{damage}");
    }
}

#[tokio::test]
async fn verify_names_the_damaged_event() {
    for damage in DAMAGES {
        let (directory, store) = damaged(damage).await;
        store.close().await;
        let error = verify(directory.path()).unwrap_err().to_string();
        assert!(error.contains("position 2"), "{damage}: {error}");
    }
}

#[tokio::test]
async fn verify_finds_a_leaf_hash_that_was_forged_with_its_checksum() {
    let (directory, store) = damaged("UPDATE log SET leaf = zeroblob(32) WHERE position = 2").await;
    let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    let envelope: String = file.query_row("SELECT envelope FROM log WHERE position = 2", [], |row| row.get(0)).unwrap();
    let crc = crc32c::crc32c_append(crc32c::crc32c(&[0; 32]), envelope.as_bytes());
    file.execute("UPDATE log SET crc = ?1 WHERE position = 2", [crc]).unwrap();
    store.close().await;
    let error = verify(directory.path()).unwrap_err().to_string();
    assert!(error.contains("leaf hash"), "{error}");
}

#[tokio::test]
async fn an_event_of_another_stream_is_not_given_out_whatever_its_revision() {
    // Each stream's entry in the index leads to the other's first event, with a checksum that fits.
    let (directory, store) = damaged("UPDATE log SET position = position WHERE position = 1").await;
    store.close().await;
    let index = rusqlite::Connection::open(directory.path().join("index.db")).unwrap();
    let block = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (run, first, mut entries): (i64, Vec<u8>, Vec<u8>) =
        index.query_row("SELECT run, first, entries FROM blocks", [], block).unwrap();
    // An entry has 16 bytes of the stream's key, its first revision, the number of bytes that follow, and positions.
    let second = 18 + usize::from(entries[17]);
    entries.swap(18, second + 18);
    let end = entries.len() - 4;
    let sum = crc32c::crc32c_append(crc32c::crc32c(&run.to_le_bytes()), &first);
    let sum = crc32c::crc32c_append(sum, &entries[..end]);
    entries[end..].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(index.execute("UPDATE blocks SET entries = ?1", [entries]).unwrap(), 1);
    drop(index);
    let store = SqliteStore::open(directory.path()).unwrap();
    for name in ["a", "b"] {
        let answer = store.read_stream(&stream(name), Revision(0), 10).await;
        assert!(matches!(answer, Err(ReadError::Corrupt { revision: 0, .. })), "{name}: {answer:?}");
    }
}
