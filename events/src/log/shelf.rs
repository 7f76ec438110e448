//! The batches that some follower has not received yet, and the memory that they take.

use super::batch::Batch;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The place of one batch. It is dropped when every follower has received it.
pub(super) struct Slot {
    /// `None`: the batch was dropped before, to make room.
    batch: Mutex<Option<Arc<Batch>>>,
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Slot {
    /// Returns the batch; `None` if the follower was too slow for it.
    pub(super) fn batch(&self) -> Option<Arc<Batch>> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn empty(&self) {
        if self.batch.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.empty();
    }
}

/// All places in order of position. What a follower is processing does not count: it is bounded by the follower.
pub(super) struct Shelf {
    slots: VecDeque<Weak<Slot>>,
    /// Bytes of all batches.
    taken: Arc<AtomicUsize>,
}

impl Shelf {
    pub(super) fn new(taken: Arc<AtomicUsize>) -> Shelf {
        Shelf { slots: VecDeque::new(), taken }
    }

    pub(super) fn put(&mut self, batch: Arc<Batch>) -> Arc<Slot> {
        let bytes = batch.bytes();
        self.taken.fetch_add(bytes, Ordering::Relaxed);
        let slot = Arc::new(Slot { batch: Mutex::new(Some(batch)), bytes, taken: Arc::clone(&self.taken) });
        self.slots.push_back(Arc::downgrade(&slot));
        slot
    }

    /// Drops the oldest batches until the others take less than `most` bytes.
    pub(super) fn make_room(&mut self, most: usize) {
        while let Some(oldest) = self.slots.front() {
            match oldest.upgrade() {
                Some(_) if self.taken.load(Ordering::Relaxed) < most => return,
                Some(slot) => slot.empty(),
                None => {}
            }
            self.slots.pop_front();
        }
    }
}
