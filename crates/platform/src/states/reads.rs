//! Reads of states from the disk, on a few blocking threads. A thread goes on with the next read that waits, so that
//! many reads at once cost few switches between threads.

use super::file::StateFile;
use events::log::Log;
use events::store::ReadError;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Maximum number of threads that read: as many as the log has connections for.
const MOST_THREADS: usize = 8;

/// Number of waiting reads for each thread from which on another thread helps. With a fast disk, two threads keep a
/// server of two cores busy.
const WAITING: usize = 16;

/// How long the next read may have waited until another thread helps: the others wait for a disk, or for a key that is
/// being destroyed.
const PATIENCE: Duration = Duration::from_millis(5);

/// What is read.
pub(super) struct Files {
    pub log: Log,
    /// `None`: states are kept in memory only.
    pub states: Option<Arc<StateFile>>,
}

/// The queue of reads.
pub(super) struct Reads {
    shared: Arc<Shared>,
}

struct Shared {
    files: Files,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Instant, Read)>,
    /// Number of threads that read.
    threads: usize,
}

type Read = Box<dyn FnOnce(&Files) + Send>;

impl Reads {
    pub(super) fn of(files: Files) -> Reads {
        Reads { shared: Arc::new(Shared { files, queue: Mutex::default() }) }
    }

    /// Runs `read` on a blocking thread.
    ///
    /// # Errors
    /// Returns an error if `read` panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Files) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, answered) = oneshot::channel();
        let read: Read = Box::new(move |files| {
            // The caller may have given up.
            let _ = answer.send(read(files));
        });
        if self.shared.add(read) {
            let shared = Arc::clone(&self.shared);
            tokio::task::spawn_blocking(move || shared.read_all());
        }
        answered.await.map_err(|_| ReadError::Unavailable("a read of a state panicked".into()))
    }
}

impl Shared {
    // Returns whether one more thread has to read.
    fn add(&self, read: Read) -> bool {
        let (mut queue, now) = (self.queue(), Instant::now());
        queue.waiting.push_back((now, read));
        let is_long = queue.waiting.len() > queue.threads * WAITING;
        let is_slow = queue.waiting.front().is_some_and(|(since, _)| now - *since > PATIENCE);
        let is_short = (is_long || is_slow) && queue.threads < MOST_THREADS;
        queue.threads += usize::from(is_short);
        is_short
    }

    fn read_all(&self) {
        while let Some(read) = self.next() {
            // The hook has reported a panic. The other reads go on.
            let _ = catch_unwind(AssertUnwindSafe(|| read(&self.files)));
        }
    }

    // `None`: no read waits, and this thread ends.
    fn next(&self) -> Option<Read> {
        let mut queue = self.queue();
        let read = queue.waiting.pop_front();
        queue.threads -= usize::from(read.is_none());
        read.map(|(_, read)| read)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::personal::keys::{MasterKey, SqliteKeyStore};
    use events::store::sqlite::SqliteStore;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;

    fn reads() -> (tempfile::TempDir, Reads) {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(directory.path()).unwrap();
        let master = MasterKey::from_bytes([7; 32]);
        let keys = SqliteKeyStore::create(&directory.path().join("keys.db"), master, |bytes| bytes.fill(1)).unwrap();
        (directory, Reads::of(Files { log: Log::new(Arc::new(store), Arc::new(keys)), states: None }))
    }

    #[tokio::test]
    async fn many_reads_at_once_are_answered_by_a_few_threads() {
        let (_directory, reads) = reads();
        // A thread that ends while reads are still added is replaced, so the number of different threads says nothing.
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let all = (0..1_000).map(|nth| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            reads.run(move |_| {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                std::thread::yield_now();
                running.fetch_sub(1, SeqCst);
                nth
            })
        });
        let answers = futures_util::future::join_all(all).await;
        assert!(answers.into_iter().map(Result::unwrap).eq(0..1_000), "each read has its own answer");
        let most = most.load(SeqCst);
        assert!((1..=MOST_THREADS).contains(&most), "{most} reads at once");
        let ended = async {
            while reads.shared.queue().threads > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.expect("all of them end");
    }

    #[tokio::test]
    async fn a_read_that_panics_fails_alone() {
        let (_directory, reads) = reads();
        let (panicked, answered) = tokio::join!(reads.run(|_| panic!("as planned")), reads.run(|_| 7));
        let () = panicked.unwrap_err().to_string().find("panicked").map(drop).unwrap();
        assert_eq!(answered.unwrap(), 7);
        assert_eq!(reads.run(|_| 8).await.unwrap(), 8);
    }
}
