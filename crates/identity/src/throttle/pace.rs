//! Delays refusals of a source. An attempt that is refused without a check costs little, but a flood of them would
//! still take time from others: after a few at once, the answers to one source are sent one after the other.

use super::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Number of answers to one source that are sent at once.
const AT_ONCE: u32 = 32;
/// Interval between the answers after that.
const EVERY: Duration = Duration::from_millis(50);
/// Maximum delay of an answer, because a waiting client holds a connection.
const LONGEST: Duration = Duration::from_secs(10);
/// Maximum number of sources that are tracked.
const SOURCES: usize = 10_000;

/// Digest of the source.
type Key = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Time when all pending answers to a source are due.
    until: Mutex<HashMap<Key, Instant>>,
}

impl Pace {
    /// Waits until this source may be answered.
    pub(super) async fn keep(&self, source: Key) {
        let delay = self.delay(source, Instant::now());
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    fn delay(&self, source: Key, now: Instant) -> Duration {
        let mut until = lock(&self.until);
        if until.len() >= SOURCES {
            until.retain(|_, until| *until > now);
        }
        if until.len() >= SOURCES && !until.contains_key(&source) {
            return Duration::ZERO;
        }
        let mine = until.entry(source).or_insert(now);
        *mine = ((*mine).max(now) + EVERY).min(now + EVERY * AT_ONCE + LONGEST);
        (*mine - now).saturating_sub(EVERY * AT_ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_answers_come_at_once_then_one_after_the_other_and_none_takes_for_ever() {
        let (pace, now) = (Pace::default(), Instant::now());
        let delays: Vec<Duration> = (0..1_000).map(|_| pace.delay([1; 32], now)).collect();
        assert!(delays[..AT_ONCE as usize].iter().all(Duration::is_zero));
        assert_eq!(delays[AT_ONCE as usize..][..3], [EVERY, EVERY * 2, EVERY * 3]);
        assert_eq!(delays[999], LONGEST);
        assert_eq!(pace.delay([2; 32], now), Duration::ZERO, "another source is not concerned");
        let later = now + LONGEST + EVERY * AT_ONCE;
        assert_eq!(pace.delay([1; 32], later), Duration::ZERO, "without new attempts the delay ends");
    }

    #[test]
    fn a_flood_from_everywhere_fills_no_memory() {
        let (pace, now) = (Pace::default(), Instant::now());
        for nth in 0..SOURCES + 100 {
            let mut source = [0; 32];
            source[..8].copy_from_slice(&(nth as u64).to_be_bytes());
            pace.delay(source, now);
        }
        assert_eq!(lock(&pace.until).len(), SOURCES);
    }
}
