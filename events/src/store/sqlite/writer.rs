//! The single writer thread. It takes all waiting appends, writes them in one transaction, syncs once and answers all.

use super::append::{Answer, Request, Waiting, insert};
use super::batch::Lookups;
use super::index::builder::Builder;
use super::index::handle::Index;
use super::index::recent::RecentEvents;
use super::index::tail::Sizes;
use super::lock::Lock;
use super::open_error::OpenError;
use super::pool::Readers;
use super::row::{Here, is_damage, unreadable};
use super::tables::Tables;
use crate::envelope::{Position, Revision};
use crate::store::AppendError;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// Maximum number of appends in one transaction, and of waiting appends.
const BATCH: usize = 1_024;

/// Number of 8 KiB pages in the write-ahead log that triggers a checkpoint.
const CHECKPOINT_PAGES: i32 = 1_000;

enum Message {
    Append(Waiting),
    Close(oneshot::Sender<()>),
}

/// Handle of the writer thread. Dropping it writes the queued appends and ends the thread.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Message>>,
    head: watch::Receiver<Option<Position>>,
    failed: watch::Receiver<Option<String>>,
    index: Arc<Index>,
    thread: Mutex<Option<JoinHandle<()>>>,
    #[cfg(any(test, feature = "contract"))]
    faults: Arc<super::fault::Faults>,
    #[cfg(any(test, feature = "contract"))]
    durability: super::durability::Durability,
}

impl Writer {
    pub(super) fn start(
        mut connection: Connection,
        lock: Lock,
        readers: Arc<Readers>,
        sizes: Sizes,
    ) -> Result<Writer, OpenError> {
        let sqlite = |error| OpenError::Sqlite { path: readers.path().to_owned(), error };
        let wal_pages = Arc::new(AtomicI32::new(0));
        let counter = Arc::clone(&wal_pages);
        connection
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                counter.store(pages, Ordering::Relaxed);
                Ok(())
            }))
            .map_err(sqlite)?;
        let tables = Tables::of(&connection).map_err(sqlite)?;
        let position = tables.head(&connection).map_err(sqlite)?.map(Position);
        let keys: Option<u64> =
            connection.query_row("SELECT value FROM key_sequence", [], |row| row.get(0)).map_err(sqlite)?;
        let (queue, waiting) = mpsc::channel(BATCH);
        let (head_sender, head) = watch::channel(position);
        let (failed_sender, failed) = watch::channel(None);
        let builder = Builder::start(readers.path(), &connection, failed_sender.clone(), sizes)?;
        let index = Arc::clone(builder.index());
        readers.use_index(Arc::clone(&index));
        #[cfg(any(test, feature = "contract"))]
        let faults = Arc::<super::fault::Faults>::default();
        #[cfg(any(test, feature = "contract"))]
        let durability = super::durability::Durability::of(&connection).map_err(sqlite)?;
        let thread = Thread {
            connection,
            readers: Arc::clone(&readers),
            keys,
            wal_pages,
            waiting,
            head: head_sender,
            failed: failed_sender,
            lookups: Lookups::new(tables, Arc::clone(&index)),
            builder,
            #[cfg(any(test, feature = "contract"))]
            faults: Arc::clone(&faults),
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("log-writer".into())
            .spawn(move || thread.run())
            .map_err(|error| super::open_error::file_error(readers.path(), error))?;
        Ok(Writer {
            queue: Some(queue),
            head,
            failed,
            index,
            thread: Mutex::new(Some(thread)),
            #[cfg(any(test, feature = "contract"))]
            faults,
            #[cfg(any(test, feature = "contract"))]
            durability,
        })
    }

    pub(super) async fn append(&self, request: Request) -> Answer {
        let (reply, answer) = oneshot::channel();
        let message = Message::Append(Waiting { request, reply });
        match &self.queue {
            Some(queue) if queue.send(message).await.is_ok() => {}
            _ => return Err(AppendError::Unavailable(self.why_ended())),
        }
        // No answer: the thread ended while the append was queued or being written.
        answer.await.unwrap_or_else(|_| Err(AppendError::Unknown(self.why_ended())))
    }

    fn why_ended(&self) -> String {
        self.failed.borrow().clone().unwrap_or_else(|| "it was closed".into())
    }

    pub(super) fn head(&self) -> Option<Position> {
        *self.head.borrow()
    }

    pub(super) fn watch_head(&self) -> watch::Receiver<Option<Position>> {
        self.head.clone()
    }

    pub(super) fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.clone()
    }

    pub(super) fn index(&self) -> &Arc<Index> {
        &self.index
    }

    #[cfg(any(test, feature = "contract"))]
    pub(super) fn durability(&self) -> &super::durability::Durability {
        &self.durability
    }

    #[cfg(any(test, feature = "contract"))]
    pub(super) fn faults(&self) -> &super::fault::Faults {
        &self.faults
    }

    pub(super) async fn close(&self) {
        let (done, ended) = oneshot::channel();
        if let Some(queue) = &self.queue
            && queue.send(Message::Close(done)).await.is_ok()
        {
            // In both cases the thread has ended.
            let _ = ended.await;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Ensures that the lock is free when the store is dropped. A panic was already reported on `failed`.
            let _ = thread.join();
        }
    }
}

struct Thread {
    connection: Connection,
    // Receives the damage that appends find.
    readers: Arc<Readers>,
    // The key sequence in the file.
    keys: Option<u64>,
    wal_pages: Arc<AtomicI32>,
    waiting: mpsc::Receiver<Message>,
    head: watch::Sender<Option<Position>>,
    failed: watch::Sender<Option<String>>,
    lookups: Lookups,
    // Ends before the lock is released, so that two processes never write the index.
    builder: Builder,
    #[cfg(any(test, feature = "contract"))]
    faults: Arc<super::fault::Faults>,
    _lock: Lock,
}

/// Why the thread cannot continue, and what that means for the appends of the current batch.
enum Stop {
    /// An error before the commit: nothing was written.
    Before(rusqlite::Error),
    /// An error of the commit: it is unknown whether the batch was written.
    Commit(rusqlite::Error),
}

/// Result of a transaction.
enum Attempt {
    Written(Vec<Answer>),
    /// The append at index `nth` of the batch found damage; nothing is written.
    Damaged {
        nth: usize,
        error: rusqlite::Error,
    },
}

fn corrupt(request: &Request, why: &str) -> AppendError {
    AppendError::Corrupt { stream: request.stream().clone(), revision: Revision(0), why: why.to_owned() }
}

impl Thread {
    fn run(mut self) {
        let _panicked = Panicked(self.failed.clone());
        let mut batch = Vec::with_capacity(BATCH);
        let mut closing = None;
        while closing.is_none() {
            match self.waiting.blocking_recv() {
                Some(Message::Append(waiting)) => batch.push(waiting),
                Some(Message::Close(done)) => closing = Some(done),
                None => break,
            }
            while batch.len() < BATCH && closing.is_none() {
                match self.waiting.try_recv() {
                    Ok(Message::Append(waiting)) => batch.push(waiting),
                    Ok(Message::Close(done)) => closing = Some(done),
                    Err(_) => break,
                }
            }
            if let Err(why) = self.write(&mut batch).and_then(|()| self.checkpoint_if_due()) {
                return self.fail(&why);
            }
        }
        self.close(closing);
    }

    // Writes the batch and sends the answers.
    fn write(&mut self, batch: &mut Vec<Waiting>) -> Result<(), String> {
        if batch.is_empty() {
            return Ok(());
        }
        // Two events with one revision were found: nothing more is written.
        if let Some(why) = self.failed.borrow().clone() {
            return Err(why);
        }
        if !self.builder.index().has_room() {
            let why = "too many events wait for the index by stream (index.db)";
            batch.drain(..).for_each(|waiting| drop(waiting.reply.send(Err(AppendError::Unavailable(why.into())))));
            return Ok(());
        }
        match self.transact(batch) {
            Ok(answers) => {
                for (waiting, answer) in batch.drain(..).zip(answers) {
                    // The caller may have stopped waiting; then no answer is needed.
                    let _ = waiting.reply.send(answer);
                }
                Ok(())
            }
            Err(stop) => {
                let (why, unknown) = match &stop {
                    Stop::Before(error) => (error.to_string(), false),
                    Stop::Commit(error) => (error.to_string(), true),
                };
                // Set before the answers are sent, so that a caller with an error never sees a working store.
                self.failed.send_replace(Some(why.clone()));
                for waiting in batch.drain(..) {
                    let error =
                        if unknown { AppendError::Unknown(why.clone()) } else { AppendError::Unavailable(why.clone()) };
                    let _ = waiting.reply.send(Err(error));
                }
                Err(why)
            }
        }
    }

    // An append that reads a damaged page is refused, and the others are written without it. The batch is started
    // again, since SQLite accepts no writes in a transaction that found damage.
    fn transact(&mut self, batch: &[Waiting]) -> Result<Vec<Answer>, Stop> {
        let mut refused = HashMap::new();
        loop {
            let attempt = self.attempt(batch, &refused);
            self.lookups.end();
            match attempt? {
                Attempt::Written(answers) => return Ok(answers),
                Attempt::Damaged { nth, error } => {
                    self.execute("ROLLBACK").map_err(Stop::Before)?;
                    refused.insert(nth, self.refuse(&batch[nth].request, &error));
                }
            }
        }
    }

    fn attempt(&mut self, batch: &[Waiting], refused: &HashMap<usize, String>) -> Result<Attempt, Stop> {
        let before = self.head.borrow().map_or(0, |position| position.0);
        let (mut head, mut keys) = (before, self.keys);
        let (mut answers, mut written) = (Vec::with_capacity(batch.len()), RecentEvents::default());
        self.execute("BEGIN IMMEDIATE").map_err(Stop::Before)?;
        let mut insert = insert(&self.connection).map_err(Stop::Before)?;
        for (nth, Waiting { request, .. }) in batch.iter().enumerate() {
            if let Some(why) = refused.get(&nth) {
                answers.push(Err(corrupt(request, why)));
                continue;
            }
            let answer = match self.lookups.apply(&self.connection, &mut insert, head + 1, request, &mut written) {
                Err(error) if is_damage(&error) => return Ok(Attempt::Damaged { nth, error }),
                answer => answer.map_err(Stop::Before)?,
            };
            if let Ok(appended) = &answer {
                // A repeated append keeps its earlier position.
                head = head.max(appended.position.0);
                keys = keys.max(Some(request.keys));
            }
            answers.push(answer);
        }
        drop(insert);
        if keys > self.keys {
            self.raise(keys).map_err(Stop::Before)?;
        }
        self.commit().map_err(Stop::Commit)?;
        self.keys = keys;
        // Before anybody learns of the commit.
        self.builder.index().note(&written);
        if head > before {
            self.head.send_replace(Some(Position(head)));
        }
        Ok(Attempt::Written(answers))
    }

    fn refuse(&self, request: &Request, error: &rusqlite::Error) -> String {
        self.readers.note(&unreadable(error, Here { stream: Some(request.stream()), revision: 0, position: 0 }));
        error.to_string()
    }

    fn raise(&self, keys: Option<u64>) -> rusqlite::Result<()> {
        self.connection.prepare_cached("UPDATE key_sequence SET value = ?1")?.execute([keys]).map(drop)
    }

    fn execute(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([]).map(drop)
    }

    fn commit(&self) -> rusqlite::Result<()> {
        #[cfg(any(test, feature = "contract"))]
        if let Some(fault) = self.faults.take() {
            return super::fault::strike(fault, &self.connection);
        }
        self.execute("COMMIT")
    }

    fn checkpoint_if_due(&self) -> Result<(), String> {
        if self.wal_pages.load(Ordering::Relaxed) < CHECKPOINT_PAGES {
            return Ok(());
        }
        self.wal_pages.store(0, Ordering::Relaxed);
        self.checkpoint("PASSIVE")
    }

    fn checkpoint(&self, mode: &str) -> Result<(), String> {
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        self.connection.query_row(&pragma, [], |_| Ok(())).map_err(|error| format!("checkpoint: {error}"))
    }

    // Nothing more is written, synced or copied. Closing rolls back uncommitted changes.
    fn fail(mut self, why: &str) {
        tracing::error!(why, "the event log can no longer be written: this process must end");
        self.failed.send_replace(Some(why.to_owned()));
        self.waiting.close();
        while let Some(message) = self.waiting.blocking_recv() {
            match message {
                Message::Append(waiting) => {
                    let _ = waiting.reply.send(Err(AppendError::Unavailable(why.to_owned())));
                }
                Message::Close(done) => drop(done),
            }
        }
    }

    fn close(mut self, done: Option<oneshot::Sender<()>>) {
        self.waiting.close();
        let mut rest = Vec::new();
        while let Some(message) = self.waiting.blocking_recv() {
            match message {
                Message::Append(waiting) => rest.push(waiting),
                Message::Close(done) => drop(done),
            }
        }
        let written = self.write(&mut rest).and_then(|()| self.checkpoint("TRUNCATE"));
        if let Err(why) = written {
            self.failed.send_replace(Some(why));
        }
        self.builder.close();
        drop(self);
        if let Some(done) = done {
            let _ = done.send(());
        }
    }
}

/// Reports a panic of the thread.
struct Panicked(watch::Sender<Option<String>>);

impl Drop for Panicked {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.send_replace(Some("the log's writer thread panicked: report this as a defect".into()));
        }
    }
}
