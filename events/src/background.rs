//! Threads of low priority, for work of which there may be much: reading, opening and folding the events of an import,
//! or of a whole log after an upgrade. Messages of devices come first meanwhile.
//!
//! **Locks.** On a busy machine such a thread may be preempted for long while it holds a lock. So it takes only locks
//! of the followers of the log (the opened events of a batch, the connection that the projections write with), and
//! locks that are held for some instructions: those of caches, of pools of connections, of the findings and of the
//! metrics. It reads keys with a connection of its own.

use std::cell::Cell;
use std::sync::OnceLock;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// Maximum number of background threads that block at the same time: some followers of the log that each read, open
/// and fold.
const MOST_THREADS: usize = 8;

/// Which threads do a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Those of the caller's runtime.
    Usual,
    /// Those of low priority.
    Background,
}

impl Lane {
    /// Runs a future, with the blocking work that it starts.
    pub fn spawn<T: Send + 'static>(self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.handle().spawn(work)
    }

    /// Runs work that blocks.
    pub fn spawn_blocking<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        self.handle().spawn_blocking(work)
    }

    fn handle(self) -> Handle {
        match self {
            Lane::Usual => Handle::current(),
            Lane::Background => background().unwrap_or_else(Handle::current),
        }
    }
}

thread_local! {
    static HERE: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether this is a thread of low priority.
pub(crate) fn is_here() -> bool {
    HERE.get()
}

// One runtime for the process, started when it is first needed. It has its own threads, since the priority of a thread
// cannot be raised again. `None`: the system refuses more threads.
fn background() -> Option<Handle> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| start().inspect_err(|error| tracing::error!(%error, "cannot start background threads")).ok());
    RUNTIME.get().and_then(Option::as_ref).map(|runtime| runtime.handle().clone())
}

fn start() -> std::io::Result<Runtime> {
    let lower = || {
        HERE.set(true);
        if let Err(error) = world::priority::lower() {
            tracing::warn!(%error, "cannot lower the priority of a background thread");
        }
    };
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).max_blocking_threads(MOST_THREADS).thread_name("muster-behind").on_thread_start(lower);
    builder.enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn background_work_runs_on_threads_of_its_own_also_if_it_blocks() {
        let name = || std::thread::current().name().map(str::to_owned);
        let blocks = async move { tokio::task::spawn_blocking(name).await.unwrap() };
        for named in [
            Lane::Background.spawn(async move { name() }).await.unwrap(),
            Lane::Background.spawn(blocks).await.unwrap(),
            Lane::Background.spawn_blocking(name).await.unwrap(),
        ] {
            assert_eq!(named.as_deref(), Some("muster-behind"));
        }
        assert_ne!(Lane::Usual.spawn_blocking(name).await.unwrap().as_deref(), Some("muster-behind"));
    }
}
