//! Only a Muster log is opened, by one process at a time and with its own keys. Everything else is an error that says
//! what to do.

use crate::typed::{key_store, randomness};
use events::personal::keys::{self, KeyError, MasterKey, SqliteKeyStore};
use events::store::StoreLifecycle as _;
use events::store::contract::{events, stream};
use events::store::sqlite::durability::Durability;
use events::store::sqlite::{FILE, OpenError, SqliteStore};
use events::store::{AppendError, EventStore, Expected};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_mistyped_path_is_an_error_that_names_init_and_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mistyped = directory.path().join("mistyped");
    let error = SqliteStore::open(&mistyped).err().unwrap();
    assert!(matches!(error, OpenError::Missing(_)));
    assert!(error.to_string().contains("muster init"), "{error}");
    assert!(!mistyped.exists());
    assert!(matches!(SqliteStore::open(directory.path()), Err(OpenError::Missing(_))));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_second_log_is_not_made_where_there_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    store.append(&stream("a"), Expected::NoStream, events(0..1)).await.unwrap();
    drop(store);
    assert!(matches!(SqliteStore::create(directory.path()), Err(OpenError::Exists(_))));
    assert!(SqliteStore::open(directory.path()).unwrap().head().await.unwrap().is_some());
}

#[tokio::test]
async fn a_second_writer_is_kept_out_and_a_reader_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let writer = SqliteStore::create(directory.path()).unwrap();
    assert!(matches!(SqliteStore::open(directory.path()), Err(OpenError::Locked(_))));
    let reader = SqliteStore::open_read_only(directory.path()).unwrap();
    assert!(reader.read_all(None, 10).await.unwrap().is_empty());
    let appended = writer.append(&stream("a"), Expected::NoStream, events(0..2)).await.unwrap();
    assert_eq!(reader.read_all(None, 10).await.unwrap().len(), 2);
    assert_eq!(reader.head().await.unwrap(), Some(appended.position));
    let refused = reader.append(&stream("a"), Expected::Any, events(2..3)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
}

#[test]
fn a_file_that_is_no_log_and_a_log_of_the_future_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE);
    std::fs::write(&file, "not a database, though long enough to be looked at as one. ".repeat(100)).unwrap();
    assert!(matches!(SqliteStore::open(directory.path()), Err(OpenError::NotALog(_))));
    std::fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(SqliteStore::open(directory.path()), Err(OpenError::NotALog(_))));
    std::fs::remove_file(&file).unwrap();
    drop(SqliteStore::create(directory.path()).unwrap());
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteStore::open(directory.path()), Err(OpenError::TooNew { format: 99, .. })));
}

#[test]
fn the_file_is_set_up_as_measured() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    let pragma =
        |name: &str| file.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
    assert_eq!(pragma("page_size"), rusqlite::types::Value::Integer(8_192));
    assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".into()));
    assert!(rusqlite::version_number() >= 3_051_003);
    let mode = std::fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(store);
}

#[test]
fn a_key_store_refuses_a_wrong_master_key_and_never_makes_one_by_opening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(keys::FILE);
    let other = || MasterKey::from_bytes([8; 32]);
    assert!(matches!(SqliteKeyStore::open(&path, other(), randomness), Err(KeyError::Missing(_))));
    assert!(!path.exists());
    drop(key_store(directory.path()));
    assert!(matches!(SqliteKeyStore::open(&path, other(), randomness), Err(KeyError::WrongMasterKey(_))));
    assert!(matches!(SqliteKeyStore::create(&path, other(), randomness), Err(KeyError::Exists(_))));
    drop(key_store(directory.path()));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_master_key_file_is_private_and_written_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master.key");
    let refused = |path: &std::path::Path| MasterKey::read_file(path).err().unwrap().to_string();
    assert!(refused(&path).contains("master.key"));
    let key = MasterKey::from_bytes([9; 32]);
    key.write_file(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(MasterKey::read_file(&path).unwrap().fingerprint(), key.fingerprint());
    assert!(key.write_file(&path).is_err(), "a master key is never replaced");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(refused(&path).contains("chmod 600"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, "abc").unwrap();
    assert!(refused(&path).contains("64 hex digits"));
}

#[tokio::test]
async fn what_is_answered_is_on_the_disk_in_the_log_and_in_the_key_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    let keys = key_store(directory.path());
    let durable = Durability { journal_mode: "wal".into(), synchronous: 2, wal_autocheckpoint: 0, page_size: 8192 };
    assert_eq!(store.durability(), Some(&durable));
    assert_eq!(keys.durability().unwrap(), durable);
    store.close().await;
    drop((store, keys));
    let again = SqliteStore::open(directory.path()).unwrap();
    assert_eq!(again.durability(), Some(&durable));
    assert_eq!(key_store(directory.path()).durability().unwrap(), durable);
}
