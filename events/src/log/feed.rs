//! The end of the log, read once for all followers of the process that have caught up.
//!
//! The events of one read are a shared batch. A batch is dropped when every follower has received it. If batches take
//! more memory than [`MOST_BYTES`], the oldest ones are dropped before: a follower that is so slow that it misses them
//! reads them from the log itself, and the others have received them.

use super::batch::Batch;
use super::reading::{Page, Reading};
use super::shelf::{Shelf, Slot};
use crate::envelope::Position;
use crate::store::{EventStore, ReadError};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;

/// Maximum size of the batches that followers do not have yet, in bytes of texts and numbers.
pub(super) const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Maximum number of items that a follower has not received yet.
const MOST_ITEMS: usize = 1_024;

/// Minimum time between two reads, unless somebody waits for the followers. Events that are appended meanwhile share
/// one read, and one transaction of each follower.
const PACE: Duration = Duration::from_millis(20);

/// How often the end of the log is read if another process writes.
const LOOK: Duration = Duration::from_millis(200);

/// What followers receive.
#[derive(Clone)]
pub(super) enum Item {
    Events(Arc<Slot>),
    /// The event at this position cannot be read.
    Unreadable(ReadError, Position),
    /// The log is closed.
    Closed,
    /// The log cannot be read further.
    Ended(ReadError),
}

/// A place at the feed.
pub(super) struct Joined {
    pub items: broadcast::Receiver<Item>,
    /// The items begin after this position.
    pub after: Option<Position>,
}

/// The shared reader. It runs while it has followers.
#[derive(Default)]
pub(super) struct Feed {
    tail: Mutex<Option<Tail>>,
    /// Bytes that batches take.
    pub(super) taken: Arc<AtomicUsize>,
    hurry: Notify,
}

struct Tail {
    items: broadcast::Sender<Item>,
    /// Position of the last event that was sent.
    at: Option<Position>,
}

impl Feed {
    /// Joins the running reader, or starts one after the position `at`.
    pub(super) fn join(self: &Arc<Feed>, store: &Arc<dyn EventStore>, at: Option<Position>) -> Joined {
        let mut tail = self.tail();
        if let Some(running) = &*tail {
            return Joined { items: running.items.subscribe(), after: running.at };
        }
        let (sender, items) = broadcast::channel(MOST_ITEMS);
        *tail = Some(Tail { items: sender.clone(), at });
        let shelf = Shelf::new(Arc::clone(&self.taken));
        let (feed, store, head) = (Arc::clone(self), Arc::downgrade(store), store.watch_head());
        let reader = Reader { feed, store, head, sender, shelf };
        // A runtime that shuts down drops the reader at once, and its end locks the tail.
        drop(tail);
        tokio::spawn(reader.run(Reading::after(at)));
        Joined { items, after: at }
    }

    /// Reads what was appended without waiting for more of it, and not in the background.
    pub(super) fn hurry(&self) {
        self.hurry.notify_one();
    }

    fn tail(&self) -> MutexGuard<'_, Option<Tail>> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Reader {
    feed: Arc<Feed>,
    // Weak, so that a reader that waits does not keep the store open.
    store: Weak<dyn EventStore>,
    // None: another process writes.
    head: Option<watch::Receiver<Option<Position>>>,
    sender: broadcast::Sender<Item>,
    shelf: Shelf,
}

impl Reader {
    async fn run(mut self, mut reading: Reading) {
        loop {
            let is_open = self.waits_for_more(reading.at()).await;
            if self.has_ended() {
                return;
            }
            let Some(store) = self.store.upgrade().filter(|_| is_open) else {
                return self.send(Item::Closed, reading.at());
            };
            let read = Instant::now();
            let next = self.next(&store, &mut reading).await;
            reading.await_by(false);
            drop(store);
            let is_end = matches!(next, Some(Item::Ended(_)));
            if let Some(item) = next {
                self.send(item, reading.at());
            }
            if is_end {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(read + PACE) => {}
                () = self.feed.hurry.notified() => reading.await_by(true),
            }
        }
    }

    // `None`: nothing was appended.
    async fn next(&mut self, store: &Arc<dyn EventStore>, reading: &mut Reading) -> Option<Item> {
        let page = loop {
            tokio::select! {
                page = reading.next(store) => break page,
                () = self.feed.hurry.notified() => {}
            }
            reading.await_by(true);
        };
        match page {
            Ok(Page::Events(recorded, lane)) => {
                self.shelf.make_room(MOST_BYTES);
                Some(Item::Events(self.shelf.put(Batch::new(recorded, lane))))
            }
            Ok(Page::Unreadable(error, position)) => Some(Item::Unreadable(error, position)),
            Ok(Page::End) => None,
            Err(error) => Some(Item::Ended(error)),
        }
    }

    // `at`: position of the last event of the item. Together with the item, so that a follower that joins misses none.
    fn send(&self, item: Item, at: Option<Position>) {
        let mut tail = self.feed.tail();
        if let Some(tail) = &mut *tail {
            tail.at = at;
        }
        // An error means that there are no followers.
        let _ = self.sender.send(item);
    }

    // Returns whether there are no followers. The next one starts another reader.
    fn has_ended(&self) -> bool {
        let mut tail = self.feed.tail();
        let has_ended = self.sender.receiver_count() == 0;
        if has_ended {
            *tail = None;
        }
        has_ended
    }

    // Returns false if the log is closed. Also ends if there are no followers.
    async fn waits_for_more(&mut self, at: Option<Position>) -> bool {
        let appended = async {
            match &mut self.head {
                Some(head) => head.wait_for(|head| *head > at).await.is_ok(),
                None => {
                    tokio::time::sleep(LOOK).await;
                    true
                }
            }
        };
        tokio::select! {
            is_open = appended => is_open,
            () = self.sender.closed() => true,
        }
    }
}

impl Drop for Reader {
    // Also if the reader's runtime shuts down: the followers then receive no more items.
    fn drop(&mut self) {
        let mut tail = self.feed.tail();
        if tail.as_ref().is_some_and(|tail| tail.items.same_channel(&self.sender)) {
            *tail = None;
        }
    }
}
