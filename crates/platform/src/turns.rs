//! Serializes appends to a stream within this process. Without turns, sixty concurrent messages of one device conflict
//! about the revision until some of them give up.

use events::StreamName;
use std::collections::HashMap;
use std::sync::{Arc, Mutex as Guarded, MutexGuard, PoisonError};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Streams at which a task has a turn or waits for one. Memory grows with the requests in flight, not with the number
/// of streams.
#[derive(Clone, Default)]
pub struct Turns(Arc<Guarded<HashMap<StreamName, Arc<Mutex<()>>>>>);

/// A turn at a stream, or a place in the queue for it. Dropping it ends it.
pub struct Turn {
    turns: Turns,
    stream: StreamName,
    guard: Option<OwnedMutexGuard<()>>,
    waited: bool,
}

impl Turns {
    /// Waits until no other task has a turn at this stream, and takes the turn.
    pub async fn at(&self, stream: &StreamName) -> Turn {
        let lock = self.lock().entry(stream.clone()).or_default().clone();
        let mut turn = Turn { turns: self.clone(), stream: stream.clone(), guard: None, waited: false };
        turn.guard = match lock.clone().try_lock_owned() {
            Ok(guard) => Some(guard),
            Err(_) => {
                turn.waited = true;
                Some(lock.lock_owned().await)
            }
        };
        turn
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamName, Arc<Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Returns whether another task had the turn before. If so, a state read earlier may be outdated.
    pub fn waited(&self) -> bool {
        self.waited
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = self.turns.lock();
        self.guard = None;
        // A count above 1 means that other tasks hold or await the turn: they cloned the `Arc` under the same lock.
        if turns.get(&self.stream).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            turns.remove(&self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn stream(id: u32) -> StreamName {
        StreamName::of("device", id)
    }

    #[tokio::test]
    async fn one_at_a_time_has_a_turn_at_a_stream_and_streams_do_not_wait_for_each_other() {
        let turns = Turns::default();
        let first = turns.at(&stream(1)).await;
        assert!(!first.waited());
        let mut second = Box::pin({
            let turns = turns.clone();
            async move { turns.at(&stream(1)).await }
        });
        assert!((&mut second).now_or_never().is_none());
        assert!(!turns.at(&stream(2)).await.waited());
        drop(first);
        assert!(second.await.waited());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_turns_that_are_over_nor_of_those_nobody_waits_for_any_more() {
        let turns = Turns::default();
        let stream = stream(1);
        let first = turns.at(&stream).await;
        {
            let mut given_up = Box::pin(turns.at(&stream));
            assert!((&mut given_up).now_or_never().is_none());
        }
        assert_eq!(turns.lock().len(), 1);
        drop(first);
        assert!(turns.lock().is_empty());
    }
}
