//! Limits work for clients without a proven identity: opening what a foreign certificate signed, decrypting and
//! answering SCEP. A fixed number runs at a time in total, and one for each source, so that a flood from one source
//! does not delay the others.
//!
//! A school behind one address enrolls many phones at once. They wait in their own queue and are rejected only if the
//! queue is longer than any school makes it.

use identity::throttle::network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum number of concurrent tasks of all sources.
const PLACES: usize = 4;
/// Maximum number of waiting or running tasks of one source; a task takes about a millisecond.
const LONGEST_LINE: usize = 256;

#[derive(Debug)]
pub struct Strangers {
    places: Arc<Semaphore>,
    /// Queue of each source, kept alive by the tasks that wait or run. Empty queues are removed.
    lines: Mutex<HashMap<Option<IpAddr>, Arc<Semaphore>>>,
}

impl Default for Strangers {
    fn default() -> Strangers {
        Strangers { places: Arc::new(Semaphore::new(PLACES)), lines: Mutex::default() }
    }
}

/// Permission to run, until it is dropped.
#[derive(Debug)]
struct Turn {
    _of_source: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Reason why the work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    #[error("too many requests from one source at once")]
    LineFull,
    #[error("the work was cancelled: the server is stopping, or the work panicked")]
    GivenUp,
}

impl Strangers {
    /// Runs `work` on a thread for blocking work when it is its turn. The turn lasts as long as the work, even if the
    /// client has disconnected, so that a source that closes its connections gets no more than its share. Clients
    /// without a known source share one queue.
    ///
    /// # Errors
    /// Returns an error if too many tasks of this source are waiting, or the work did not finish.
    pub async fn work<T: Send + 'static>(
        &self,
        source: Option<IpAddr>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let turn = self.turn(source).await?;
        let in_turn = move || {
            let done = work();
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(in_turn).await.map_err(|_| NotDone::GivenUp)
    }

    async fn turn(&self, source: Option<IpAddr>) -> Result<Turn, NotDone> {
        let line = self.line(source.map(network))?;
        // The order matters: a task that waits in its source's queue does not occupy a place of others.
        let of_source = line.acquire_owned().await.map_err(|_| NotDone::LineFull)?;
        let of_all = self.places.clone().acquire_owned().await.map_err(|_| NotDone::LineFull)?;
        Ok(Turn { _of_source: of_source, _of_all: of_all })
    }

    fn line(&self, source: Option<IpAddr>) -> Result<Arc<Semaphore>, NotDone> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        let line = lines.entry(source).or_insert_with(|| Arc::new(Semaphore::new(1)));
        if Arc::strong_count(line) > LONGEST_LINE { Err(NotDone::LineFull) } else { Ok(line.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[tokio::test]
    async fn one_of_a_source_at_a_time_and_others_do_not_wait_for_it() {
        let strangers = Strangers::default();
        let first = strangers.turn(at("2001:db8::1")).await.unwrap();
        assert!(strangers.turn(at("2001:db8::2")).now_or_never().is_none(), "the same network waits");
        let other = strangers.turn(at("192.0.2.1")).now_or_never().unwrap().unwrap();
        drop(first);
        assert!(strangers.turn(at("2001:db8::2")).now_or_never().unwrap().is_ok());
        drop(other);
    }

    #[tokio::test]
    async fn so_many_sources_have_a_place_and_the_next_waits_for_one() {
        let strangers = Strangers::default();
        let mut turns = Vec::new();
        for nth in 0..PLACES {
            turns.push(strangers.turn(at(&format!("192.0.2.{nth}"))).await.unwrap());
        }
        let waits = strangers.turn(at("198.51.100.1"));
        tokio::pin!(waits);
        assert!(waits.as_mut().now_or_never().is_none());
        turns.pop();
        assert!(waits.await.is_ok());
    }

    #[tokio::test]
    async fn a_line_has_an_end_and_is_forgotten_when_it_is_empty() {
        let strangers = Strangers::default();
        let turn = strangers.turn(at("192.0.2.1")).await.unwrap();
        let mut waiting: Vec<_> = (1..LONGEST_LINE).map(|_| Box::pin(strangers.turn(at("192.0.2.1")))).collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        assert_eq!(strangers.turn(at("192.0.2.1")).await.err(), Some(NotDone::LineFull));
        drop((turn, waiting));
        assert!(strangers.turn(at("192.0.2.1")).await.is_ok());
        assert!(strangers.turn(at("192.0.2.2")).await.is_ok());
        assert_eq!(strangers.lines.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn whoever_goes_away_keeps_the_turn_until_the_work_is_done() {
        let strangers = Strangers::default();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let long = move || {
            begin.send(()).unwrap();
            ended.recv().unwrap();
        };
        let mut gone = Box::pin(strangers.work(at("192.0.2.1"), long));
        tokio::select! {
            _ = &mut gone => panic!("the work goes on"),
            begun = begun => begun.unwrap(),
        }
        drop(gone);
        let mut next = Box::pin(strangers.work(at("192.0.2.1"), || 7));
        assert!((&mut next).now_or_never().is_none(), "the same source waits for work that nobody waits for");
        end.send(()).unwrap();
        assert_eq!(next.await, Ok(7));
    }
}
