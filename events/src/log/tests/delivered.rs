//! Every follower receives the log: each event once, in order, whatever the others do.

use super::memory::{ANNA, MemoryStore, append, log};
use crate::Position;
use crate::log::feed::MOST_BYTES;
use crate::log::{Follower, Log, Next};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A follower, and what it received.
struct Reader {
    follower: Follower,
    after: u64,
    /// Positions of the events, and of the unreadable ones.
    received: Vec<u64>,
    unreadable: Vec<u64>,
}

impl Reader {
    fn after(log: &Log, after: u64) -> Reader {
        let position = (after > 0).then_some(Position(after));
        Reader { follower: log.follow(position), after, received: Vec::new(), unreadable: Vec::new() }
    }

    fn take(&mut self, next: &Next) {
        match next {
            Next::Events(events) => {
                let positions = events.recorded().iter().map(|recorded| recorded.position.0);
                self.received.extend(positions);
                assert_eq!(self.received.last(), Some(&events.last().0));
            }
            Next::Unreadable(_, position) => {
                self.received.push(position.0);
                self.unreadable.push(position.0);
            }
            Next::CaughtUp | Next::Closed => {}
        }
    }

    async fn next(&mut self) -> Next {
        self.follower.await_by(true);
        let next = tokio::time::timeout(Duration::from_secs(20), self.follower.next()).await;
        let next = next.expect("a follower is told within 20 seconds").expect("a log that can be read");
        self.follower.await_by(false);
        self.take(&next);
        next
    }

    // Drops the future if nothing arrives at once.
    async fn glance(&mut self) {
        let next = tokio::select! {
            biased;
            next = self.follower.next() => next.expect("a log that can be read"),
            () = tokio::task::yield_now() => return,
        };
        self.take(&next);
        if let Some(more) = self.follower.ready() {
            self.take(&Next::Events(more));
        }
    }

    async fn read_to(&mut self, head: u64) {
        while self.received.last().copied().unwrap_or(self.after) < head {
            self.next().await;
        }
    }

    fn check(&self, head: u64, corrupt: &[u64]) {
        assert_eq!(self.received, (self.after + 1..=head).collect::<Vec<_>>(), "each event once and in order");
        let wanted: Vec<u64> = corrupt.iter().copied().filter(|at| (self.after + 1..=head).contains(at)).collect();
        assert_eq!(self.unreadable, wanted);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    /// Appends events of which a few exceed the memory for batches.
    AppendLarge(usize),
    /// A follower that begins at this part of the log, in percent.
    Begin(u8),
    Drop(usize),
    /// A follower receives what has arrived, and drops the future if nothing has.
    Glance(usize),
    /// A follower receives everything that was appended.
    CatchUp(usize),
    Damage(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..5).prop_map(Step::Append),
        1 => (250_usize..1_200).prop_map(Step::Append),
        1 => (1_usize..4).prop_map(Step::AppendLarge),
        3 => (0_u8..=100).prop_map(Step::Begin),
        1 => any::<usize>().prop_map(Step::Drop),
        4 => any::<usize>().prop_map(Step::Glance),
        4 => any::<usize>().prop_map(Step::CatchUp),
        1 => (0_u8..4).prop_map(Step::Damage),
    ]
}

async fn walk(steps: Vec<Step>) {
    let (log, store, _) = log();
    let (mut readers, mut corrupt): (Vec<Reader>, Vec<u64>) = (Vec::new(), Vec::new());
    let head = async |store: &Arc<MemoryStore>| {
        let store: &dyn crate::store::EventStore = store.as_ref();
        store.head().await.unwrap().map_or(0, |position| position.0)
    };
    for step in steps {
        let nth = |nth: usize| (!readers.is_empty()).then(|| nth % readers.len());
        match step {
            Step::Append(count) => append(&log, count, &ANNA.key(), "Anna").await,
            Step::AppendLarge(count) => append(&log, count, &ANNA.key(), &"x".repeat(MOST_BYTES / 2)).await,
            Step::Begin(part) => {
                readers.push(Reader::after(&log, head(&store).await * u64::from(part) / 100));
            }
            Step::Drop(of) => drop(nth(of).map(|of| readers.remove(of))),
            Step::Glance(of) => {
                if let Some(of) = nth(of) {
                    readers[of].glance().await;
                }
            }
            Step::CatchUp(of) => {
                if let Some(of) = nth(of) {
                    let head = head(&store).await;
                    readers[of].read_to(head).await;
                }
            }
            Step::Damage(later) => {
                // Events that were delivered already cannot become unreadable for this test.
                let at = head(&store).await + 1 + u64::from(later);
                store.damage(at);
                corrupt.push(at);
            }
        }
    }
    append(&log, 5, &ANNA.key(), "Anna").await;
    let head = head(&store).await;
    corrupt.sort_unstable();
    corrupt.dedup();
    for reader in &mut readers {
        reader.read_to(head).await;
        reader.check(head, &corrupt);
    }
    drop(readers);
    assert_eq!(log.feed.taken.load(Ordering::SeqCst), 0, "what every follower has takes no memory");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn each_follower_receives_the_log_once_and_in_order_whatever_the_others_do(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(walk(steps));
    }
}

#[tokio::test]
async fn a_follower_that_takes_nothing_fills_no_memory_and_the_others_neither_stop_nor_read_themselves() {
    let (log, store, _) = log();
    let (mut slow, mut fast) = (Reader::after(&log, 0), Reader::after(&log, 0));
    for reader in [&mut slow, &mut fast] {
        while !matches!(reader.next().await, Next::CaughtUp) {}
    }
    let large = "x".repeat(MOST_BYTES / 4);
    for head in 1..=12 {
        append(&log, 1, &ANNA.key(), &large).await;
        fast.read_to(head).await;
        let taken = log.feed.taken.load(Ordering::SeqCst);
        assert!(taken < 2 * MOST_BYTES, "{taken} bytes after {head} events");
    }
    assert!((1..=12).all(|position| store.times_read(position) == 1), "only the slow one reads on its own");
    slow.read_to(12).await;
    fast.check(12, &[]);
    slow.check(12, &[]);
}

#[tokio::test]
async fn all_followers_end_when_the_log_closes_after_they_received_the_rest() {
    let (log, store, _) = log();
    let (mut joined, mut late) = (Reader::after(&log, 0), Reader::after(&log, 0));
    while !matches!(joined.next().await, Next::CaughtUp) {}
    append(&log, 3, &ANNA.key(), "Anna").await;
    store.close();
    for reader in [&mut joined, &mut late] {
        while !matches!(reader.next().await, Next::Closed) {}
        reader.check(3, &[]);
    }
    while !matches!(joined.next().await, Next::Closed) {}
}
