//! Full and read-only disks: the append fails, the store stops, and no acknowledged event is lost.

use crate::again;
use events::envelope::{Position, Revision};
use events::store::StoreLifecycle as _;
use events::store::contract::{event_with, stream};
use events::store::sqlite::verify::verify;
use events::store::sqlite::{OpenError, SqliteStore};
use events::store::{AppendError, Appended, EventStore, Expected};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Appends until an error. Returns the number of acknowledged events and the error.
async fn until_full(store: &SqliteStore, from: u32) -> (u32, AppendError) {
    for number in from..from + 10_000 {
        if let Err(error) = one(store, number).await {
            return (number, error);
        }
    }
    panic!("the disk is never full");
}

async fn one(store: &SqliteStore, number: u32) -> Result<Appended, AppendError> {
    let event = event_with(number, json!({ "number": number, "filling": "x".repeat(4_000) }));
    let expected = if number == 0 { Expected::NoStream } else { Expected::Exact(Revision(u64::from(number) - 1)) };
    store.append(&stream("a"), expected, vec![event]).await
}

async fn assert_stopped(store: &SqliteStore) {
    let mut failed = store.failed();
    let told = tokio::time::timeout(Duration::from_secs(120), failed.wait_for(Option::is_some)).await;
    assert!(told.unwrap().is_ok(), "the store signals that the server must exit");
    let later = one(store, 9_999).await;
    assert!(matches!(later, Err(AppendError::Unavailable(_))), "{later:?}");
}

/// Checks that every acknowledged event exists, and at most one more, whose outcome was unknown.
async fn assert_kept(store: &SqliteStore, acknowledged: u32) {
    let there = store.read_stream(&stream("a"), Revision(0), 20_000).await.unwrap().len();
    assert!(
        [acknowledged as usize, acknowledged as usize + 1].contains(&there),
        "{acknowledged} acknowledged, {there} there"
    );
}

#[tokio::main]
async fn fills_up(directory: &Path, free: impl FnOnce()) {
    let store = SqliteStore::create(&directory.join("log")).unwrap();
    let (acknowledged, error) = until_full(&store, 0).await;
    assert!(acknowledged > 0, "{error}");
    assert!(matches!(error, AppendError::Unavailable(_) | AppendError::Unknown(_)), "{error:?}");
    assert_stopped(&store).await;
    assert_kept(&store, acknowledged).await;
    store.close().await;
    free();
    let store = SqliteStore::open(&directory.join("log")).unwrap();
    assert_kept(&store, acknowledged).await;
    let repeated = one(&store, acknowledged).await.unwrap();
    assert_eq!(
        repeated.position,
        Position(u64::from(acknowledged) + 1),
        "stored exactly once, also if the failed append had been stored"
    );
    store.close().await;
    assert_eq!(verify(store.directory()).unwrap().events, u64::from(acknowledged) + 1);
}

#[test]
fn on_a_full_disk_the_store_stops_and_goes_on_when_there_is_room_again() {
    const NAME: &str = "disk::on_a_full_disk_the_store_stops_and_goes_on_when_there_is_room_again";
    if let Some(directory) = again::directory() {
        let filler = directory.join("filler");
        std::fs::write(&filler, vec![0; 1_000_000]).unwrap();
        return fills_up(&directory, || std::fs::remove_file(&filler).unwrap());
    }
    let directory = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=3m none \"$MUSTER_TEST_DIRECTORY\" &&";
    let Some(mut command) = again::command_that_mounts(NAME, directory.path(), mount) else {
        return left_out(NAME, "this machine does not let us mount a small file system (unshare)");
    };
    assert!(command.status().unwrap().success());
}

#[test]
fn a_file_that_may_not_grow_stops_the_store() {
    const NAME: &str = "disk::a_file_that_may_not_grow_stops_the_store";
    if let Some(directory) = again::directory() {
        let lift = || {
            let pid = std::process::id().to_string();
            assert!(Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap().success());
        };
        return fills_up(&directory, lift);
    }
    let directory = tempfile::tempdir().unwrap();
    // 512-byte blocks: 1 MB for the write-ahead log or the file. The signal XFSZ is ignored, since it would kill the
    // process before the error occurs.
    let limit = "trap '' XFSZ; ulimit -S -f 2000;";
    assert!(again::command(NAME, directory.path(), limit).status().unwrap().success());
}

#[test]
fn a_read_only_data_directory_is_refused_by_its_name() {
    const NAME: &str = "disk::a_read_only_data_directory_is_refused_by_its_name";
    if let Some(directory) = again::directory() {
        let log = directory.join("log");
        drop(SqliteStore::create(&log).unwrap());
        let mount = |how: &str| Command::new("mount").args(["-o", how]).arg(&directory).status().unwrap();
        assert!(mount("remount,ro").success());
        for error in [SqliteStore::open(&log).err(), SqliteStore::create(&directory.join("new")).err()] {
            let error = error.unwrap();
            assert!(matches!(error, OpenError::File { .. }), "{error:?}");
            assert!(error.to_string().contains(&*directory.to_string_lossy()), "{error}");
            assert!(error.to_string().contains("must be able to write"), "{error}");
        }
        assert!(mount("remount,rw").success());
        return drop(SqliteStore::open(&log).unwrap());
    }
    let directory = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=3m none \"$MUSTER_TEST_DIRECTORY\" &&";
    let Some(mut command) = again::command_that_mounts(NAME, directory.path(), mount) else {
        return left_out(NAME, "this machine does not let us mount a file system read-only (unshare)");
    };
    assert!(command.status().unwrap().success());
}

// Writes past the test runner, which captures the output of tests.
fn left_out(test: &str, why: &str) {
    use std::io::Write as _;
    // One write, so that the output of other tests does not split the line.
    let line = format!("left out: {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
