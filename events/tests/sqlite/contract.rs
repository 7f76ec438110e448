//! The contract suite, run against files in temporary directories.

use crate::older::as_format_1;
use async_trait::async_trait;
use events::envelope::Position;
use events::store::EventStore;
use events::store::StoreLifecycle as _;
use events::store::contract::{Factory, Fault, Subject, all};
use events::store::sqlite::{FILE, SqliteStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// A directory, and the number of stores created in it.
struct Files {
    root: TempDir,
    made: AtomicUsize,
    reopen: fn(&Path),
}

struct OnDisk {
    directory: PathBuf,
    store: Arc<SqliteStore>,
    /// What happens to the closed log before it is opened again.
    reopen: fn(&Path),
}

#[async_trait]
impl Factory for Files {
    async fn empty(&self) -> Box<dyn Subject> {
        let directory = self.root.path().join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        let store = Arc::new(SqliteStore::create(&directory).unwrap());
        Box::new(OnDisk { directory, store, reopen: self.reopen })
    }
}

#[async_trait]
impl Subject for OnDisk {
    fn store(&self) -> Arc<dyn EventStore> {
        self.store.clone()
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        (self.reopen)(&self.directory);
        self.store = Arc::new(SqliteStore::open(&self.directory).unwrap());
    }

    async fn fail_next_append(&mut self, fault: Fault) {
        self.store.fail_next_commit(fault);
    }

    async fn damage(&mut self, position: Position) {
        let file = rusqlite::Connection::open(self.directory.join(FILE)).unwrap();
        let alter = "UPDATE log SET envelope = replace(envelope, 'contract', 'contrakt') WHERE position = ?1";
        assert_eq!(file.execute(alter, [position.0]).unwrap(), 1);
    }
}

async fn keeps_the_contract(reopen: fn(&Path)) {
    all(&Files { root: tempfile::tempdir().unwrap(), made: AtomicUsize::new(0), reopen }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sqlite_store_keeps_the_contract() {
    keeps_the_contract(|_| ()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_loses_its_index_at_each_restart_keeps_the_contract() {
    keeps_the_contract(|directory| std::fs::remove_file(directory.join("index.db")).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_begins_in_format_1_and_goes_on_in_format_2_keeps_the_contract() {
    keeps_the_contract(as_format_1).await;
}
