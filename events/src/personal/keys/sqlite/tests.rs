//! Tests of the position of the log in the key store, and of damaged and missing keys.

use super::SqliteKeyStore;
use crate::background::Lane;
use crate::personal::KeyName;
use crate::personal::keys::{Held, KeyError, KeyStore, MasterKey, know_at_most, same};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn store() -> (TempDir, PathBuf, SqliteKeyStore) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.db");
    let keys = SqliteKeyStore::create(&path, master(), fill).unwrap();
    (directory, path, keys)
}

fn master() -> MasterKey {
    MasterKey::from_bytes([1; 32])
}

fn fill(bytes: &mut [u8]) {
    bytes.fill(7);
}

fn opened(path: &Path) -> SqliteKeyStore {
    SqliteKeyStore::open(path, master(), fill).unwrap()
}

fn name(id: u32) -> KeyName {
    KeyName::of("person", id)
}

#[test]
fn the_write_ahead_log_is_used_again_while_an_import_makes_many_keys_in_few_commits() {
    let (_directory, path, keys) = store();
    let size = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    let mut sizes = Vec::new();
    for batch in 0..60_u32 {
        // Their order is not that of the names, as with HMACs.
        let names: Vec<KeyName> = (0..1_000).map(|of| name((batch * 1_000 + of).wrapping_mul(2_654_435_761))).collect();
        keys.ensure(&names).unwrap();
        sizes.push(size());
    }
    let kept_its_size = sizes.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(kept_its_size >= 20, "{sizes:?}");
}

#[test]
fn how_far_the_log_was_is_kept_with_the_next_change_of_keys_and_at_the_end() {
    let (_directory, path, keys) = store();
    assert_eq!(keys.log_seen(), 0);
    keys.log_reached(7);
    assert_eq!(keys.log_seen(), 0, "nothing was written yet");
    keys.ensure(&[name(1)]).unwrap();
    assert_eq!(keys.log_seen(), 7);
    keys.log_reached(5);
    keys.log_reached(9);
    drop(keys);
    assert_eq!(opened(&path).log_seen(), 9, "written on drop, and never lower than before");
}

#[test]
fn how_far_the_log_is_can_be_written_down_without_a_change_of_keys() {
    let (_directory, path, keys) = store();
    keys.log_reached(7);
    keys.keep_log_seen().unwrap();
    keys.keep_log_seen().unwrap();
    assert_eq!((keys.log_seen(), keys.sequence()), (7, 0));
    let reader = SqliteKeyStore::open_read_only(&path, master(), fill).unwrap();
    assert_eq!(reader.log_seen(), 7);
}

#[test]
fn a_log_that_was_set_back_is_followed_from_where_it_ends() {
    let (_directory, path, keys) = store();
    keys.log_reached(9);
    keys.keep_log_seen().unwrap();
    keys.accept_log(4).unwrap();
    assert_eq!(keys.log_seen(), 4);
    keys.log_reached(5);
    keys.keep_log_seen().unwrap();
    drop(keys);
    assert_eq!(opened(&path).log_seen(), 5);
}

#[test]
fn a_copy_of_the_store_knows_no_more_of_the_log_than_the_copy_of_the_log_has() {
    let (_directory, path, keys) = store();
    keys.log_reached(9);
    keys.keep_log_seen().unwrap();
    drop(keys);
    let seen = |head| {
        know_at_most(&Connection::open(&path).unwrap(), head).unwrap();
        opened(&path).log_seen()
    };
    assert_eq!((seen(12), seen(6)), (9, 6));
}

#[test]
fn damaged_keys_are_named_and_destroyed_ones_are_not_among_them() {
    let (_directory, path, keys) = store();
    keys.ensure(&[name(1), name(2), name(3)]).unwrap();
    keys.destroy(&name(3)).unwrap();
    assert_eq!(keys.damaged().unwrap(), []);
    drop(keys);
    let alter = "UPDATE key SET wrapped = zeroblob(60) WHERE name = 'person-2'";
    Connection::open(&path).unwrap().execute(alter, []).unwrap();
    let keys = opened(&path);
    assert_eq!(keys.damaged().unwrap(), [name(2)]);
    assert_eq!(keys.missing(&[name(1), name(2), name(4)]).unwrap(), [name(4)]);
    keys.give_up(&[name(1), name(2)], &BTreeSet::new(), 0).unwrap();
    assert!(matches!(keys.key(&name(1)).unwrap(), Held::Key(_)), "the key was intact");
    assert!(matches!(keys.key(&name(2)).unwrap(), Held::Lost));
    assert_eq!(keys.sequence(), 5, "three created, one destroyed, one lost");
}

#[test]
fn a_thread_of_low_priority_and_a_request_read_keys_without_each_others_locks() {
    let (_directory, path, keys) = store();
    keys.ensure(&[name(1)]).unwrap();
    drop(keys);
    let keys = Arc::new(opened(&path));
    let (sender, receiver) = mpsc::channel();
    let read = || {
        let (keys, sender) = (Arc::clone(&keys), sender.clone());
        move || sender.send(keys.key(&name(1)).is_ok_and(|held| held.is_there())).unwrap()
    };
    let is_read = || receiver.recv_timeout(Duration::from_secs(20)).expect("it waits for a lock");
    let of_requests = keys.lock();
    Lane::Background.spawn_blocking(read());
    assert!(is_read());
    drop(of_requests);
    assert!(!keys.is_ready(&name(1)));
    let of_the_background = keys.behind.lock().unwrap();
    std::thread::spawn(read());
    assert!(is_read());
    drop(of_the_background);
    keys.destroy(&name(1)).unwrap();
    Lane::Background.spawn_blocking(read());
    assert!(!is_read());
}

#[test]
fn a_store_that_is_there_is_not_made_again_and_says_where_it_is() {
    let (_directory, path, keys) = store();
    assert_eq!(keys.path(), path);
    assert!(SqliteKeyStore::create(&path, master(), fill).is_err());
}

#[test]
fn tags_are_the_same_in_every_byte_or_not_at_all() {
    assert!(same(b"tag", b"tag") && !same(b"tag", b"tug") && !same(b"tag", b"ta") && same(b"", b""));
}

#[test]
fn a_file_without_what_a_key_store_begins_with_is_damaged() {
    for spoil in ["DELETE FROM about", "ALTER TABLE about RENAME COLUMN master_key TO other_key", "DROP TABLE about"] {
        let (_directory, path, keys) = store();
        drop(keys);
        Connection::open(&path).unwrap().execute_batch(spoil).unwrap();
        let error = SqliteKeyStore::open(&path, master(), fill).err().unwrap();
        assert!(matches!(error, KeyError::Damaged(_)), "{spoil}: {error}");
    }
}

// Asks for the keys of each list on a thread of its own, while the connection is in use, and returns the outcomes and
// how many commits they took.
fn ensured_together(keys: &SqliteKeyStore, lists: &[&[KeyName]]) -> (Vec<Result<(), KeyError>>, u32) {
    let before = keys.commits.load(Ordering::Relaxed);
    let outcomes = std::thread::scope(|scope| {
        let in_use = keys.lock();
        let threads: Vec<_> = lists.iter().map(|names| scope.spawn(|| keys.ensure(names))).collect();
        let deadline = Instant::now() + Duration::from_secs(60);
        while keys.waiting.count() < lists.len() {
            assert!(Instant::now() < deadline, "not all of them wait");
            std::thread::yield_now();
        }
        drop(in_use);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    (outcomes, keys.commits.load(Ordering::Relaxed) - before)
}

#[test]
fn keys_that_are_asked_for_at_once_are_made_in_one_commit() {
    let (_directory, path, keys) = store();
    keys.ensure(&[name(1)]).unwrap();
    let names: Vec<[KeyName; 2]> = (2..10).map(|id| [name(id), name(1)]).collect();
    let lists: Vec<&[KeyName]> = names.iter().map(|names| &names[..]).collect();
    let (outcomes, commits) = ensured_together(&keys, &lists);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(commits, 1);
    drop(keys);
    let keys = opened(&path);
    assert!((1..10).all(|id| keys.key(&name(id)).unwrap().is_there()));
    assert_eq!(keys.sequence(), 9);
}

#[test]
fn a_request_for_a_destroyed_key_fails_alone() {
    let (_directory, path, keys) = store();
    keys.ensure(&[name(1)]).unwrap();
    keys.destroy(&name(1)).unwrap();
    let (first, destroyed, last) = ([name(2)], [name(3), name(1)], [name(4)]);
    let (outcomes, _) = ensured_together(&keys, &[&first, &destroyed, &last]);
    assert!(matches!(outcomes[..], [Ok(()), Err(KeyError::Destroyed(_)), Ok(())]), "{outcomes:?}");
    drop(keys);
    let keys = opened(&path);
    let is_there = [2, 3, 4].map(|id| keys.key(&name(id)).unwrap().is_there());
    assert_eq!(is_there, [true, false, true], "nothing is made for the one that fails");
}
