//! The index by stream is built behind the log, may be lost or damaged at any time, and never leads to a wrong answer.

use crate::again;
use crate::older::as_format_1;
use events::Recorded;
use events::envelope::{Revision, StreamName};
use events::store::StoreLifecycle as _;
use events::store::contract::{events, stream};
use events::store::sqlite::{FILE, SqliteStore};
use events::store::{AppendError, EventStore, Expected, ReadError};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const INDEX: &str = "index.db";
const STREAMS: u32 = 40;

/// Appends to [`STREAMS`] streams in turn.
async fn fill(store: &SqliteStore, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let name = stream(&(number % STREAMS).to_string());
        let last = (number / STREAMS).checked_sub(1);
        let expected = last.map_or(Expected::NoStream, |last| Expected::Exact(Revision(u64::from(last))));
        store.append(&name, expected, events(number..number + 1)).await.unwrap();
    }
}

/// Checks every stream of a log of `count` events against the log itself, in parts of two sizes.
async fn assert_whole(store: &SqliteStore, count: u32) {
    let log = store.read_all(None, 1_000_000).await.unwrap();
    assert_eq!(log.len(), count as usize);
    // Only the process that writes answers for a head at once.
    let writes = store.watch_head().is_some();
    for n in 0..STREAMS {
        let name = stream(&n.to_string());
        let wanted: Vec<_> = log.iter().filter(|event| event.stream == name).cloned().collect();
        for limit in [3, 1_000] {
            assert_eq!(read(store, &name, limit).await, wanted, "{name}");
        }
        let here = store.stream_head_here(&name);
        let head = store.stream_head(&name).await.unwrap();
        assert_eq!(here, writes.then_some(head), "{name}");
        let last = wanted.last().map(|event| (event.revision, event.event.id));
        assert_eq!(head.map(|head| (head.revision, head.id)), last, "{name}");
    }
    assert_eq!(store.stream_head_here(&stream("none")), writes.then_some(None));
    assert_eq!(store.stream_head(&stream("none")).await.unwrap(), None);
}

async fn read(store: &SqliteStore, name: &StreamName, limit: usize) -> Vec<Recorded> {
    let mut all = Vec::new();
    loop {
        let page = store.read_stream(name, Revision(all.len() as u64), limit).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Overwrites the first page of a table.
fn garble(index: &Path, table: &str) {
    let page = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: u64 = rusqlite::Connection::open(index).unwrap().query_row(page, [table], |row| row.get(0)).unwrap();
    let file = std::fs::File::options().write(true).open(index).unwrap();
    file.write_all_at(&[0xa5; 8_192], (page - 1) * 8_192).unwrap();
}

#[tokio::test]
async fn a_lost_damaged_older_or_foreign_index_is_rebuilt_at_the_start() {
    let root = tempfile::tempdir().unwrap();
    let (directory, other, older) = (root.path().join("log"), root.path().join("other"), root.path().join("older.db"));
    let store = SqliteStore::create(&other).unwrap();
    fill(&store, 0..900).await;
    store.close().await;
    let store = SqliteStore::create(&directory).unwrap();
    fill(&store, 0..200).await;
    store.close().await;
    std::fs::copy(directory.join(INDEX), &older).unwrap();
    let mut count = 200;
    let damages: [&dyn Fn(&Path); 9] = [
        &|index| std::fs::remove_file(index).unwrap(),
        &|index| assert!(std::fs::copy(&older, index).is_ok()),
        &|index| assert!(std::fs::copy(other.join(INDEX), index).is_ok()),
        &|index| std::fs::write(index, "no database, though long enough to be one. ".repeat(400)).unwrap(),
        &|index| std::fs::write(index, "").unwrap(),
        &|index| drop(rusqlite::Connection::open(index).unwrap().execute("UPDATE origin SET position = 9999", [])),
        &|index| garble(index, "origin"),
        &|index| garble(index, "runs"),
        &|index| garble(index, "blocks"),
    ];
    for damage in damages {
        damage(&directory.join(INDEX));
        let store = SqliteStore::open(&directory).unwrap();
        assert_whole(&store, count).await;
        fill(&store, count..count + 45).await;
        count += 45;
        assert_whole(&store, count).await;
        store.close().await;
    }
}

#[tokio::test]
async fn an_index_that_is_damaged_while_it_is_used_is_rebuilt_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..600).await;
    store.close().await;
    let store = SqliteStore::open(directory.path()).unwrap();
    fill(&store, 600..650).await;
    // Blocks and runs that are lost, and blocks that are shorter than they were and that lead to no event.
    for damage in [
        "DELETE FROM blocks",
        "DELETE FROM runs",
        "UPDATE blocks SET entries = substr(entries, 1, 12)",
        "UPDATE blocks SET entries = zeroblob(length(entries))",
    ] {
        // A new file after each rebuild.
        let index = rusqlite::Connection::open(directory.path().join(INDEX)).unwrap();
        assert!(index.execute(damage, []).unwrap() > 0, "{damage}");
        drop(index);
        scrub(&store).await;
        assert_whole_when_ready(&store, 650).await;
    }
    assert_eq!(store.findings().all(), [], "the log is intact");
}

#[tokio::test]
async fn a_head_that_a_damaged_index_gave_is_forgotten_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..2_560).await;
    store.close().await;
    let store = SqliteStore::open(directory.path()).unwrap();
    fill(&store, 2_560..2_800).await;
    store.close().await;
    let store = SqliteStore::open(directory.path()).unwrap();
    until_read(&store).await;
    let index = rusqlite::Connection::open(directory.path().join(INDEX)).unwrap();
    let newest = "(SELECT id FROM runs ORDER BY up_to DESC LIMIT 1)";
    assert!(index.execute(&format!("DELETE FROM blocks WHERE run = {newest}"), []).unwrap() > 0);
    drop(index);
    let damaged = store.stream_head(&stream("3")).await.unwrap().unwrap();
    assert_eq!(damaged.revision, Revision(63), "nothing shows yet that events are missing");
    scrub(&store).await;
    assert_whole_when_ready(&store, 2_800).await;
    assert_eq!(store.known_head(&stream("3")).map(|head| head.revision), Some(Revision(69)));
    let conflict = store.append(&stream("3"), Expected::Exact(Revision(63)), events(9_000..9_001)).await;
    assert!(matches!(conflict, Err(AppendError::Conflict { .. })), "{conflict:?}");
    store.append(&stream("3"), Expected::Exact(Revision(69)), events(9_000..9_001)).await.unwrap();
}

/// Alters a bit of each block, which SQLite does not notice.
fn flip_a_bit(index: &Path, bit: usize) {
    let index = rusqlite::Connection::open(index).unwrap();
    let mut select = index.prepare("SELECT first, entries FROM blocks").unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let rows: Vec<(Vec<u8>, Vec<u8>)> = select.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap();
    for (first, mut entries) in rows {
        entries[bit / 8] ^= 1 << (bit % 8);
        let set = "UPDATE blocks SET entries = ?2 WHERE first = ?1";
        assert_eq!(index.execute(set, rusqlite::params![first, entries]).unwrap(), 1);
    }
}

#[tokio::test]
async fn an_altered_block_of_the_index_is_noticed_by_its_first_reader() {
    let directory = tempfile::tempdir().unwrap();
    let made = || std::fs::metadata(directory.path().join(INDEX)).unwrap().ino();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..200).await;
    store.close().await;
    // In the key of the first stream, and in the low bits of its first position: another event of the log.
    for (bit, reader) in [(0, 0), (18 * 8, 1), (0, 2), (18 * 8, 3)] {
        let store = SqliteStore::open(directory.path()).unwrap();
        until_read(&store).await;
        flip_a_bit(&directory.path().join(INDEX), bit);
        let before = made();
        let last = Revision(4);
        match reader {
            0 => assert_eq!(store.read_stream(&stream("3"), Revision(0), 9).await.unwrap().len(), 5),
            1 => assert_eq!(store.stream_head(&stream("3")).await.unwrap().map(|head| head.revision), Some(last)),
            2 => assert!(store.mentions(&stream("3"), "\"number\":163").await.unwrap()),
            _ => {
                // Refused, as with any damage that the writer meets. The next attempt waits for the new index.
                let refused = store.append(&stream("3"), Expected::Exact(Revision(2)), events(900..901)).await;
                assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
                let conflict = store.append(&stream("3"), Expected::Exact(Revision(2)), events(900..901)).await;
                assert!(matches!(conflict, Err(AppendError::Conflict { .. })), "{conflict:?}");
            }
        }
        assert_whole_when_ready(&store, 200).await;
        assert_ne!(made(), before, "the index was made again");
        assert_eq!(store.findings().all(), [], "the log is intact");
        store.close().await;
    }
}

#[tokio::test]
async fn batches_and_rebuilds_in_small_parts_lose_nothing_across_restarts() {
    let directory = tempfile::tempdir().unwrap();
    drop(SqliteStore::create(directory.path()).unwrap());
    let indexed = || -> u64 {
        let index = rusqlite::Connection::open(directory.path().join(INDEX)).unwrap();
        index.query_row("SELECT position FROM origin", [], |row| row.get(0)).unwrap()
    };
    let mut count = 0;
    // No batch ends where the events of a start end.
    for (run, batch) in [37, 150, 7, 401].into_iter().enumerate() {
        let store = SqliteStore::open_with_batches(directory.path(), batch).unwrap();
        fill(&store, count..count + 1_111).await;
        count += 1_111;
        assert!(indexed() + 2 * u64::from(batch) >= u64::from(count), "appends wait for the index");
        assert_whole(&store, count).await;
        store.close().await;
        assert_eq!(indexed(), u64::from(count));
        if run % 2 == 0 {
            std::fs::remove_file(directory.path().join(INDEX)).unwrap();
        }
    }
    let store = SqliteStore::open_with_batches(directory.path(), 93).unwrap();
    assert_whole(&store, count).await;
}

// Waits until the store has read the index, which it does once after it was opened.
async fn until_read(store: &SqliteStore) {
    for _ in 0..12_000 {
        if store.has_read_index() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the index is not read");
}

#[tokio::test]
async fn an_altered_block_of_the_index_is_noticed_by_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let made = || std::fs::metadata(directory.path().join(INDEX)).unwrap().ino();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..200).await;
    store.close().await;
    flip_a_bit(&directory.path().join(INDEX), 18 * 8);
    // Held open, so that no new file gets its number.
    let (before, _held) = (made(), std::fs::File::open(directory.path().join(INDEX)).unwrap());
    let store = SqliteStore::open(directory.path()).unwrap();
    until_read(&store).await;
    assert_whole_when_ready(&store, 200).await;
    assert_ne!(made(), before, "the index was made again");
}

async fn scrub(store: &SqliteStore) {
    assert!(store.scrub(None, usize::MAX).await.unwrap().ended);
}

// The rebuild begins when the damage is met, and readers wait for it.
async fn assert_whole_when_ready(store: &SqliteStore, count: u32) {
    for _ in 0..12_000 {
        if store.obstacle().is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.obstacle(), None);
    assert_whole(store, count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_and_reads_at_the_same_time_do_not_pass_for_damage() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::create(directory.path()).unwrap());
    let made = std::fs::metadata(directory.path().join(INDEX)).unwrap().ino();
    let appending = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for number in 0..1_500 {
                store.append(&stream("a"), Expected::Any, events(number..number + 1)).await.unwrap();
            }
        }
    });
    let mut read = 0;
    while !appending.is_finished() {
        let from = Revision(read);
        read += store.read_stream(&stream("a"), from, 10_000).await.unwrap().len() as u64;
    }
    appending.await.unwrap();
    let now = std::fs::metadata(directory.path().join(INDEX)).unwrap().ino();
    assert_eq!(now, made, "the index was not made again");
}

#[tokio::test]
async fn an_index_that_cannot_be_written_is_told_and_completed_when_it_can_be() {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..100).await;
    store.close().await;
    let store = SqliteStore::open(directory.path()).unwrap();
    fill(&store, 100..150).await;
    // What a process that dies now leaves: 50 events that are not indexed.
    for file in [FILE, "events.db-wal", INDEX] {
        std::fs::copy(directory.path().join(file), other.path().join(file)).unwrap();
    }
    let holder = rusqlite::Connection::open(other.path().join(INDEX)).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = SqliteStore::open(other.path()).unwrap();
    let mut told = None;
    for _ in 0..12_000 {
        told = store.obstacle();
        if told.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(told.is_some_and(|why| why.contains("cannot be added to index.db")));
    assert_whole(&store, 150).await;
    holder.execute_batch("ROLLBACK").unwrap();
    assert_whole_when_ready(&store, 150).await;
}

#[tokio::test]
async fn whoever_waits_for_the_index_can_append_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..400).await;
    store.close().await;
    drop(store);
    std::fs::remove_file(directory.path().join(INDEX)).unwrap();
    let store = SqliteStore::open_with_batches(directory.path(), 2).unwrap();
    assert!(store.obstacle().is_some_and(|why| why.contains("being rebuilt")));
    store.indexed().await;
    assert_eq!(store.obstacle(), None);
    fill(&store, 400..401).await;
}

#[tokio::test]
async fn another_process_reads_streams_while_they_are_written_and_without_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..300).await;
    store.close().await;
    let store = SqliteStore::open(directory.path()).unwrap();
    fill(&store, 300..400).await;
    let reader = SqliteStore::open_read_only(directory.path()).unwrap();
    assert_whole(&reader, 400).await;
    fill(&store, 400..450).await;
    assert_whole(&reader, 450).await;
    store.close().await;
    std::fs::remove_file(directory.path().join(INDEX)).unwrap();
    assert_whole(&reader, 450).await;
    assert!(!directory.path().join(INDEX).exists(), "a reader makes no index");
}

#[tokio::test]
async fn another_process_reads_streams_although_the_index_is_damaged() {
    for damage in ["DELETE FROM runs", "UPDATE blocks SET entries = zeroblob(100)"] {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(directory.path()).unwrap();
        fill(&store, 0..300).await;
        store.close().await;
        let index = rusqlite::Connection::open(directory.path().join(INDEX)).unwrap();
        assert!(index.execute(damage, []).unwrap() > 0, "{damage}");
        let reader = SqliteStore::open_read_only(directory.path()).unwrap();
        assert_whole(&reader, 300).await;
    }
}

#[tokio::test]
async fn a_log_of_format_1_is_read_by_another_process_before_and_after_it_becomes_format_2() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..300).await;
    store.close().await;
    as_format_1(directory.path());
    let reader = SqliteStore::open_read_only(directory.path()).unwrap();
    assert_whole(&reader, 300).await;
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_whole(&store, 300).await;
    fill(&store, 300..500).await;
    assert_whole(&store, 500).await;
    assert_whole(&reader, 500).await;
    let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    let format: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(format, 2, "an older program refuses it");
    let old: i64 = file.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(old, 300, "the old tables are only read");
}

#[tokio::test]
async fn two_events_with_one_revision_stop_the_store_and_both_are_named() {
    // The rebuild in small parts finds them when it makes one run of all.
    for rebuilds_by in [None, Some(20)] {
        assert_both_are_named(rebuilds_by).await;
    }
}

async fn assert_both_are_named(rebuilds_by: Option<u32>) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..100).await;
    store.close().await;
    let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    // An intact event is there twice, as two processes that write at the same time would leave it.
    let twice =
        "INSERT INTO log SELECT 101, stream, revision, event_id, leaf, crc, envelope FROM log WHERE position = 50";
    file.execute(twice, []).unwrap();
    drop(file);
    if rebuilds_by.is_some() {
        std::fs::remove_file(directory.path().join(INDEX)).unwrap();
    }
    let store = match rebuilds_by {
        Some(events) => SqliteStore::open_with_batches(directory.path(), events).unwrap(),
        None => SqliteStore::open(directory.path()).unwrap(),
    };
    let mut failed = store.failed();
    let told = tokio::time::timeout(Duration::from_secs(120), failed.wait_for(Option::is_some)).await.unwrap();
    let why = told.unwrap().clone().unwrap();
    for word in ["positions 50 and 101", "muster log doctor", "contract-9"] {
        assert!(why.contains(word), "{why}");
    }
    let refused = store.append(&stream("0"), Expected::Any, events(900..901)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
}

/// Makes a closed log of 100 events of which the index has 60.
async fn index_behind() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (index, older) = (directory.path().join(INDEX), directory.path().join("older"));
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..60).await;
    store.close().await;
    std::fs::copy(&index, &older).unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    fill(&store, 60..100).await;
    store.close().await;
    std::fs::rename(&older, &index).unwrap();
    directory
}

const TWICE: &str =
    "INSERT INTO log SELECT 101, stream, revision, event_id, leaf, crc, envelope FROM log WHERE position = 80;";

#[tokio::test]
async fn two_events_with_one_revision_that_are_not_indexed_are_found_by_the_start() {
    let directory = index_behind().await;
    rusqlite::Connection::open(directory.path().join(FILE)).unwrap().execute_batch(TWICE).unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let why = store.failed().borrow().clone().expect("the start finds them");
    for word in ["revision 1 of", "positions 80 and 101", "muster log doctor", "contract-39"] {
        assert!(why.contains(word), "{why}");
    }
    let refused = store.append(&stream("0"), Expected::Any, events(900..901)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    store.close().await;
}

#[tokio::test]
async fn of_two_events_with_one_revision_that_are_not_indexed_a_corrupt_one_does_not_count() {
    for (corrupt, intact) in [(101, 80), (80, 101)] {
        let directory = index_behind().await;
        let damage = format!("{TWICE} UPDATE log SET crc = crc + 1 WHERE position = {corrupt};");
        rusqlite::Connection::open(directory.path().join(FILE)).unwrap().execute_batch(&damage).unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        let positions = || async {
            let read = store.read_stream(&stream("39"), Revision(0), 10).await.unwrap();
            read.iter().map(|event| event.position.0).collect::<Vec<_>>()
        };
        assert_eq!(positions().await, [40, intact]);
        store.close().await;
        let store = SqliteStore::open(directory.path()).unwrap();
        let read = store.read_stream(&stream("39"), Revision(0), 10).await.unwrap();
        assert_eq!(read.last().map(|event| event.position.0), Some(intact), "also when they are indexed");
        assert_eq!(*store.failed().borrow(), None);
    }
}

#[tokio::test]
async fn an_event_that_is_stored_under_another_stream_is_indexed_under_its_own() {
    for name in ["'contract-0'", "'no name'", "CAST(x'ff' AS TEXT)"] {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(directory.path()).unwrap();
        fill(&store, 0..200).await;
        store.close().await;
        let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
        // The last event of stream 3: no later event would show that it is missing.
        file.execute(&format!("UPDATE log SET stream = {name} WHERE position = 164"), []).unwrap();
        drop(file);
        std::fs::remove_file(directory.path().join(INDEX)).unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        assert_whole(&store, 200).await;
        scrub(&store).await;
        let found = store.findings().all();
        assert_eq!(found.len(), 1, "{found:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_damaged_revision_does_not_pass_for_a_second_event() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    fill(&store, 0..200).await;
    store.close().await;
    let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    // Stream 3: its second event claims to be the third.
    assert_eq!(file.execute("UPDATE log SET revision = 2 WHERE position = 44", []).unwrap(), 1);
    drop(file);
    std::fs::remove_file(directory.path().join(INDEX)).unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let answer = store.read_stream(&stream("3"), Revision(0), 10).await;
    assert!(matches!(answer, Err(ReadError::Corrupt { revision: 1, .. })), "{answer:?}");
    assert_eq!(store.read_stream(&stream("4"), Revision(0), 10).await.unwrap().len(), 5);
    assert_eq!(*store.failed().borrow(), None);
}

#[tokio::test]
async fn a_damaged_revision_makes_a_stream_neither_longer_nor_shorter() {
    for (revision, is_indexed) in [(10, false), (10, true), (1, true)] {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(directory.path()).unwrap();
        fill(&store, 0..200).await;
        store.close().await;
        let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
        // The last event of stream 3, its fifth.
        assert_eq!(file.execute("UPDATE log SET revision = ?1 WHERE position = 164", [revision]).unwrap(), 1);
        drop(file);
        std::fs::remove_file(directory.path().join(INDEX)).unwrap();
        let batches = if is_indexed { 50 } else { 1_000 };
        let store = SqliteStore::open_with_batches(directory.path(), batches).unwrap();
        let head = store.stream_head(&stream("3")).await.unwrap().map(|head| head.revision);
        assert_eq!(head, Some(Revision(4)), "{revision}");
        let answer = store.read_stream(&stream("3"), Revision(0), 10).await;
        assert!(matches!(answer, Err(ReadError::Corrupt { revision: 4, .. })), "{answer:?}");
        assert_eq!(*store.failed().borrow(), None);
        store.close().await;
    }
}

/// Appends to many streams at once, reads them meanwhile, and ends without closing the store.
#[tokio::main]
async fn write_and_die(directory: &Path) {
    let store = Arc::new(SqliteStore::open(directory).unwrap());
    fill(&store, 0..4_000).await;
    std::process::exit(9);
}

#[test]
fn what_was_not_indexed_when_the_process_died_is_read_at_the_start() {
    const NAME: &str = "index::what_was_not_indexed_when_the_process_died_is_read_at_the_start";
    if let Some(directory) = again::directory() {
        return write_and_die(&directory.join("log"));
    }
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    drop(SqliteStore::create(&log).unwrap());
    let status = again::command(NAME, directory.path(), "").status().unwrap();
    assert_eq!(status.code(), Some(9));
    let index = rusqlite::Connection::open(log.join(INDEX)).unwrap();
    let indexed: u64 = index.query_row("SELECT position FROM origin", [], |row| row.get(0)).unwrap();
    assert!(indexed < 4_000, "{indexed}");
    drop(index);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(&log).unwrap();
        assert_whole(&store, 4_000).await;
    });
}
