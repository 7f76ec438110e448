//! The contract suite, run against files in temporary directories.

use async_trait::async_trait;
use events::envelope::Position;
use events::store::EventStore;
use events::store::StoreLifecycle as _;
use events::store::contract::{Factory, Fault, Subject, all};
use events::store::sqlite::{FILE, SqliteStore};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// A directory, and the number of stores created in it.
struct Files(TempDir, AtomicUsize);

struct OnDisk {
    directory: PathBuf,
    store: Arc<SqliteStore>,
}

#[async_trait]
impl Factory for Files {
    async fn empty(&self) -> Box<dyn Subject> {
        let directory = self.0.path().join(self.1.fetch_add(1, Ordering::Relaxed).to_string());
        let store = Arc::new(SqliteStore::create(&directory).unwrap());
        Box::new(OnDisk { directory, store })
    }
}

#[async_trait]
impl Subject for OnDisk {
    fn store(&self) -> Arc<dyn EventStore> {
        self.store.clone()
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = Arc::new(SqliteStore::open(&self.directory).unwrap());
    }

    async fn fail_next_append(&mut self, fault: Fault) {
        self.store.fail_next_commit(fault);
    }

    async fn damage(&mut self, position: Position) {
        let file = rusqlite::Connection::open(self.directory.join(FILE)).unwrap();
        let alter = "UPDATE events SET envelope = replace(envelope, 'contract', 'contrakt') WHERE position = ?1";
        assert_eq!(file.execute(alter, [position.0]).unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sqlite_store_keeps_the_contract() {
    all(&Files(tempfile::tempdir().unwrap(), AtomicUsize::new(0))).await;
}
