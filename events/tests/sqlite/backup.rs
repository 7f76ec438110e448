//! A backup taken under load is a complete log with all its keys; a restored log continues where the backup ended.

use crate::typed::{chosen, enrollment, log, opened};
use events::personal::keys;
use events::store::StoreLifecycle as _;
use events::store::sqlite::backup::{self, BackupError, Manifest};
use events::store::sqlite::{FILE, SqliteStore};
use events::store::{EventStore, Expected};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn fill(store: &Arc<SqliteStore>, enrollments: std::ops::Range<u128>) {
    let log = log(store);
    for number in enrollments {
        let enrollment = enrollment(number);
        log.append(&enrollment.stream(), Expected::NoStream, vec![opened(enrollment, "Safari"), chosen(enrollment, 1)])
            .await
            .unwrap();
    }
}

fn backup(directory: &Path, destination: &Path) -> Result<Manifest, BackupError> {
    backup::backup(directory, destination, |_| Ok(())).map(|(manifest, ())| manifest)
}

fn restore(source: &Path, directory: &Path) -> Result<Manifest, BackupError> {
    backup::restore(source, directory, || Ok(()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_every_key_of_its_events_and_can_be_restored() {
    let root = tempfile::tempdir().unwrap();
    let (live, copy, back) = (root.path().join("live"), root.path().join("copy"), root.path().join("back"));
    let store = Arc::new(SqliteStore::create(&live).unwrap());
    fill(&store, 1..20).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (store, stop) = (store.clone(), stop.clone());
        async move {
            let log = log(&store);
            for number in 1_000.. {
                let enrollment = enrollment(number);
                log.append(&enrollment.stream(), Expected::NoStream, vec![opened(enrollment, "Safari")]).await.unwrap();
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    let before = store.head().await.unwrap();
    let (from, to) = (live.clone(), copy.clone());
    let manifest = tokio::task::spawn_blocking(move || backup(&from, &to)).await.unwrap().unwrap();
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    assert!(manifest.position >= before && manifest.position <= store.head().await.unwrap());
    assert_eq!(manifest.keys, manifest.streams, "each enrollment has its key");
    // The keys were copied after the log. Their `log_seen` position is still not later than the end of the copied log.
    let seen: u64 = rusqlite::Connection::open(copy.join(keys::FILE))
        .unwrap()
        .query_row("SELECT position FROM log_seen", [], |row| row.get(0))
        .unwrap();
    assert!(seen > 0 && seen <= manifest.position.unwrap().0, "{seen}");
    // Restoring checks that the keys are not older than the log.

    let restored = restore(&copy, &back).unwrap();
    assert_eq!(restored, manifest);
    let again = Arc::new(SqliteStore::open(&back).unwrap());
    assert_eq!(again.head().await.unwrap(), manifest.position);
    let opened_events = log(&again).page(None, 10_000).await.unwrap();
    assert_eq!(opened_events, log(&store).page(None, opened_events.len()).await.unwrap());
    assert!(opened_events.iter().all(|entry| entry.source.as_ref().is_some_and(|source| source.get().is_some())));
    fill(&again, 900..901).await;
}

#[tokio::test]
async fn a_backup_that_was_altered_or_lost_a_key_is_not_restored() {
    let root = tempfile::tempdir().unwrap();
    let live = root.path().join("live");
    let store = Arc::new(SqliteStore::create(&live).unwrap());
    fill(&store, 1..4).await;
    store.close().await;
    for (n, (file, damage)) in [
        (FILE, "UPDATE log SET envelope = replace(envelope, 'personal', 'institut') WHERE position = 2"),
        (FILE, "DELETE FROM log WHERE position = 6"),
        (keys::FILE, "DELETE FROM key WHERE name LIKE 'visit-%2'"),
        (keys::FILE, "UPDATE about SET sequence = sequence - 1"),
    ]
    .into_iter()
    .enumerate()
    {
        let (copy, back) = (root.path().join(format!("copy{n}")), root.path().join(format!("back{n}")));
        backup(&live, &copy).unwrap();
        assert_eq!(rusqlite::Connection::open(copy.join(file)).unwrap().execute(damage, []).unwrap(), 1);
        let error = restore(&copy, &back).unwrap_err();
        assert!(!back.join(FILE).exists() && !back.join(keys::FILE).exists(), "{damage}: {error}");
    }
}

#[tokio::test]
async fn a_key_that_was_missing_before_is_named_and_the_backup_is_made_and_can_be_restored() {
    let root = tempfile::tempdir().unwrap();
    let (live, copy, back) = (root.path().join("live"), root.path().join("copy"), root.path().join("back"));
    let store = Arc::new(SqliteStore::create(&live).unwrap());
    fill(&store, 1..4).await;
    store.close().await;
    let keys = rusqlite::Connection::open(live.join(keys::FILE)).unwrap();
    let name: String =
        keys.query_row("DELETE FROM key WHERE name LIKE 'visit-%2' RETURNING name", [], |row| row.get(0)).unwrap();
    drop(keys);
    let manifest = backup(&live, &copy).unwrap();
    assert_eq!(manifest.missing_keys, [events::KeyName(name)]);
    assert_eq!(backup::verify(&copy).unwrap(), manifest);
    assert_eq!(restore(&copy, &back).unwrap(), manifest);
}

#[tokio::test]
async fn what_is_wrong_with_an_empty_file_is_told_of_it_and_not_of_its_copy() {
    let root = tempfile::tempdir().unwrap();
    let live = root.path().join("live");
    fill(&Arc::new(SqliteStore::create(&live).unwrap()), 1..2).await;
    for file in [keys::FILE, FILE] {
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(live.join(format!("{file}{end}")));
        }
        std::fs::write(live.join(file), "").unwrap();
        let told = backup(&live, &root.path().join("copy")).unwrap_err().to_string();
        assert!(told.contains(live.join(file).to_str().unwrap()) && !told.contains("unfinished"), "{told}");
        assert_eq!(names(root.path()), ["live"]);
    }
}

#[tokio::test]
async fn a_shorter_log_than_the_manifest_promises_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (live, copy) = (root.path().join("live"), root.path().join("copy"));
    let store = Arc::new(SqliteStore::create(&live).unwrap());
    fill(&store, 1..4).await;
    backup(&live, &copy).unwrap();
    let connection = rusqlite::Connection::open(copy.join(FILE)).unwrap();
    connection.execute("DELETE FROM log WHERE position > 4", []).unwrap();
    drop(connection);
    assert!(matches!(restore(&copy, &root.path().join("back")), Err(BackupError::Altered { .. })));
}

#[tokio::test]
async fn nothing_is_ever_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let (live, copy) = (root.path().join("live"), root.path().join("copy"));
    let store = Arc::new(SqliteStore::create(&live).unwrap());
    assert!(matches!(backup(&live, &copy), Err(BackupError::NoKeys(_))));
    fill(&store, 1..2).await;
    backup(&live, &copy).unwrap();
    assert!(matches!(backup(&live, &copy), Err(BackupError::NotEmpty(_))));
    assert!(matches!(restore(&copy, &live), Err(BackupError::LogThere(_))));
    assert!(matches!(restore(root.path(), &root.path().join("x")), Err(BackupError::NoManifest { .. })));
    let names = |path: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&copy), ["backup.json", FILE, keys::FILE], "a copy is three files and nothing else");
}

#[tokio::test]
async fn nothing_is_put_beside_what_another_database_left() {
    let root = tempfile::tempdir().unwrap();
    let (live, copy, back) = (root.path().join("live"), root.path().join("copy"), root.path().join("back"));
    fill(&Arc::new(SqliteStore::create(&live).unwrap()), 1..2).await;
    backup(&live, &copy).unwrap();
    std::fs::create_dir(&back).unwrap();
    for left in [FILE, keys::FILE].iter().flat_map(|name| [format!("{name}-wal"), format!("{name}-journal")]) {
        std::fs::write(back.join(&left), "changes").unwrap();
        let error = restore(&copy, &back).unwrap_err();
        assert!(error.to_string().contains(&left), "{error}");
        assert_eq!(names(&back), [left.as_str(), "muster.lock"]);
        let created = match left.starts_with(FILE) {
            true => SqliteStore::create(&back).map(drop).map_err(|error| error.to_string()),
            false => create_keys(&back).map_err(|error| error.to_string()),
        };
        assert!(created.unwrap_err().contains(&left));
        std::fs::remove_file(back.join(&left)).unwrap();
    }
    // A write-ahead log without frames, and its index, contain nothing.
    for empty in [format!("{FILE}-wal"), format!("{}-wal", keys::FILE)] {
        std::fs::write(back.join(empty), "").unwrap();
    }
    std::fs::write(back.join(format!("{FILE}-shm")), [1; 32_768]).unwrap();
    restore(&copy, &back).unwrap();
    assert_eq!(names(&back), [FILE, keys::FILE, "muster.lock"]);
}

#[tokio::test]
async fn a_destination_with_a_slash_at_its_end_is_the_same_directory() {
    let root = tempfile::tempdir().unwrap();
    let live = root.path().join("live");
    fill(&Arc::new(SqliteStore::create(&live).unwrap()), 1..2).await;
    let slashed = format!("{}/", root.path().join("copy").display());
    backup(&live, Path::new(&slashed)).unwrap();
    std::fs::create_dir(root.path().join("empty")).unwrap();
    backup(&live, &root.path().join("empty/")).unwrap();
    assert_eq!(names(root.path()), ["copy", "empty", "live"]);
}

#[tokio::test]
async fn what_fails_leaves_nothing_behind_and_what_is_made_is_nobody_elses_to_read() {
    let root = tempfile::tempdir().unwrap();
    let (live, copy, back) = (root.path().join("live"), root.path().join("copy"), root.path().join("back"));
    fill(&Arc::new(SqliteStore::create(&live).unwrap()), 1..2).await;
    backup(&live, &copy).unwrap();
    let log = std::fs::read(copy.join(FILE)).unwrap();
    std::fs::write(copy.join(FILE), &log[..log.len() / 2]).unwrap();
    restore(&copy, &back).unwrap_err();
    assert_eq!(names(&back), ["muster.lock"]);
    std::fs::write(copy.join(FILE), &log).unwrap();
    std::fs::remove_dir_all(&back).unwrap();
    restore(&copy, &back).unwrap();
    for made in [copy, back.clone()] {
        assert_eq!(std::fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700, "{}", made.display());
    }
    for file in [FILE, keys::FILE] {
        assert_eq!(std::fs::metadata(back.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    std::fs::write(live.join(FILE), &log[..log.len() / 2]).unwrap();
    let _ = backup(&live, &root.path().join("second")).unwrap_err();
    assert_eq!(names(root.path()), ["back", "copy", "live"]);
}

fn create_keys(directory: &Path) -> Result<(), keys::KeyError> {
    let master = keys::MasterKey::from_bytes([1; 32]);
    keys::SqliteKeyStore::create(&directory.join(keys::FILE), master, |bytes| bytes.fill(1)).map(drop)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_interrupted_or_still_runs_is_in_the_way_and_is_left_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let (live, copy) = (root.path().join("live"), root.path().join("copy"));
    let store = Arc::new(SqliteStore::create(&live).unwrap());
    fill(&store, 1..3).await;
    let unfinished = root.path().join("copy.unfinished");
    std::fs::create_dir(&unfinished).unwrap();
    std::fs::write(unfinished.join(FILE), "of the other one").unwrap();
    let refused = backup(&live, &copy);
    assert!(matches!(&refused, Err(BackupError::Unfinished(path)) if *path == unfinished), "{refused:?}");
    assert_eq!(std::fs::read_to_string(unfinished.join(FILE)).unwrap(), "of the other one");
    assert!(!copy.exists());
    std::fs::remove_dir_all(&unfinished).unwrap();
    backup(&live, &copy).unwrap();
}
