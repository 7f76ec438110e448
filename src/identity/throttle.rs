//! Slows down guessing without locking anybody out: counts failures only, by (name, source) and by source.
//!
//! Why not the `governor` crate: its limiters count every attempt when it begins and cannot take one back, so a school
//! behind one address that signs in correctly would be throttled. Here only a failure counts, when it is one. So that a
//! thousand guesses begun at once do not all pass before the first has failed, attempts wait for their turn: those of
//! one name from one source are judged one after the other, those of one source a few at a time.

use crate::world::{Timestamp, World};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many failures may come at once, and one more each time so many seconds pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub burst: i64,
    pub refill_seconds: i64,
}

/// One name from one source: five tries, then one a minute.
pub const BY_NAME_AND_SOURCE: Allowance = Allowance { burst: 5, refill_seconds: 60 };
/// One source, whatever the names: sixty failures, then one every five seconds; a school is one address.
pub const BY_SOURCE: Allowance = Allowance { burst: 60, refill_seconds: 5 };
/// So many attempts of one source are judged at a time: no more than these can fail beyond the allowance.
const TURNS_OF_SOURCE: usize = 4;
/// So many attempts of one source may wait; more are sent away for a moment.
const LONGEST_LINE: usize = 256;
const LINE_SECONDS: i64 = 5;
/// No more keys than this are remembered.
pub const CAPACITY: usize = 50_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Source(IpAddr),
    NameAndSource(String, IpAddr),
}

/// Counts failures. When each key will have paid all its failures off is all that is remembered (GCRA).
#[derive(Debug, Default)]
pub struct Throttle {
    paid_off: Mutex<HashMap<Key, Timestamp>>,
    /// Who waits for a turn or has one.
    lines: Mutex<HashMap<Key, Arc<Semaphore>>>,
}

/// An attempt whose turn it is, until it is dropped.
#[derive(Debug)]
#[must_use = "an attempt that fails must be counted with `Throttle::failed`"]
pub struct Attempt {
    keys: Keys,
    _turns: [OwnedSemaphorePermit; 2],
}

type Keys = [(Key, Allowance); 2];

/// Too many failures: try again after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub i64);

impl Throttle {
    /// Begins an attempt of `name` (a digest, never the text) from `source`, when it is its turn.
    ///
    /// # Errors
    /// How long to wait, if too many failed. Waiting is enough; nothing is locked.
    pub async fn begin(&self, world: &World, name: &str, source: IpAddr) -> Result<Attempt, RetryAfter> {
        let keys = keys(name, source);
        self.check(world.now(), &keys)?;
        let [of_name, of_source] = self.line_up(&keys)?;
        let turns = [turn(of_name).await, turn(of_source).await];
        // Those before may have failed in the meantime.
        self.check(world.now(), &keys)?;
        Ok(Attempt { keys, _turns: turns })
    }

    /// The attempt failed: it counts.
    pub fn failed(&self, now: Timestamp, attempt: Attempt) {
        self.count(now, &attempt.keys);
    }

    fn check(&self, now: Timestamp, keys: &Keys) -> Result<(), RetryAfter> {
        let paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys.iter().map(|(key, allowance)| wait(paid_off.get(key), *allowance, now)).max().unwrap_or(0);
        if wait > 0 { Err(RetryAfter(wait)) } else { Ok(()) }
    }

    fn count(&self, now: Timestamp, keys: &Keys) {
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut paid_off, now);
        for (key, allowance) in keys {
            let until = paid_off.entry(key.clone()).or_insert(now);
            *until = (*until).max(now).plus_seconds(allowance.refill_seconds);
        }
    }

    // Everybody in a line holds its semaphore: a line that nobody else holds is empty and forgotten.
    fn line_up(&self, [(of_name, _), (of_source, _)]: &Keys) -> Result<[Arc<Semaphore>; 2], RetryAfter> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        if lines.get(of_source).is_some_and(|line| Arc::strong_count(line) > LONGEST_LINE) {
            return Err(RetryAfter(LINE_SECONDS));
        }
        let mut line =
            |key: &Key, turns| Arc::clone(lines.entry(key.clone()).or_insert_with(|| Arc::new(Semaphore::new(turns))));
        Ok([line(of_name, 1), line(of_source, TURNS_OF_SOURCE)])
    }
}

async fn turn(line: Arc<Semaphore>) -> OwnedSemaphorePermit {
    line.acquire_owned().await.expect("no line is ever closed")
}

fn keys(name: &str, source: IpAddr) -> Keys {
    let source = network(source);
    [(Key::NameAndSource(name.to_owned(), source), BY_NAME_AND_SOURCE), (Key::Source(source), BY_SOURCE)]
}

// Seconds until one more failure fits into the allowance.
fn wait(paid_off: Option<&Timestamp>, allowance: Allowance, now: Timestamp) -> i64 {
    let Some(paid_off) = paid_off else { return 0 };
    let room = now.plus_seconds((allowance.burst - 1) * allowance.refill_seconds);
    let micros = paid_off.0 - room.0;
    if micros <= 0 { 0 } else { (micros + 999_999) / 1_000_000 }
}

/// Forgets what is paid off, once there are [`CAPACITY`] entries; under a flood from everywhere also the half that took
/// least.
pub fn make_room<K: Eq + Hash>(paid_off: &mut HashMap<K, Timestamp>, now: Timestamp) {
    if paid_off.len() < CAPACITY {
        return;
    }
    paid_off.retain(|_, until| *until > now);
    if paid_off.len() >= CAPACITY {
        let mut dates: Vec<Timestamp> = paid_off.values().copied().collect();
        let (_, median, _) = dates.select_nth_unstable(CAPACITY / 2);
        let median = *median;
        paid_off.retain(|_, until| *until > median);
    }
}

/// An IPv6 customer has a whole network of addresses: they count as one.
pub fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::ManualClock;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn fail(throttle: &Throttle, now: Timestamp, name: &str, source: IpAddr) -> Result<(), RetryAfter> {
        let keys = keys(name, source);
        throttle.check(now, &keys).map(|()| throttle.count(now, &keys))
    }

    fn world() -> World {
        World { clock: Arc::new(ManualClock::at(NOW)) }
    }

    #[test]
    fn after_five_failures_a_name_waits_a_minute_and_is_never_locked() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            fail(&throttle, NOW, "ada", HOME).unwrap();
        }
        assert_eq!(fail(&throttle, NOW, "ada", HOME), Err(RetryAfter(60)));
        assert_eq!(fail(&throttle, NOW.plus_seconds(59), "ada", HOME), Err(RetryAfter(1)));
        assert_eq!(fail(&throttle, NOW.plus_seconds(60), "ada", HOME), Ok(()));
    }

    #[test]
    fn waiting_is_not_made_longer_by_trying() {
        let throttle = Throttle::default();
        for _ in 0..500 {
            let _ = fail(&throttle, NOW, "ada", HOME);
        }
        assert_eq!(fail(&throttle, NOW.plus_seconds(60), "ada", HOME), Ok(()));
    }

    #[test]
    fn a_stranger_cannot_lock_out_the_owner_of_a_name() {
        let throttle = Throttle::default();
        for _ in 0..500 {
            let _ = fail(&throttle, NOW, "ada", ELSEWHERE);
        }
        assert_eq!(fail(&throttle, NOW, "ada", HOME), Ok(()));
    }

    #[tokio::test]
    async fn successes_do_not_count() {
        let throttle = Throttle::default();
        for pupil in 0..1_000 {
            drop(throttle.begin(&world(), &format!("pupil {pupil}"), HOME).await.unwrap());
        }
        assert_eq!(fail(&throttle, NOW, "ada", HOME), Ok(()));
        assert!(throttle.lines.lock().unwrap().len() <= 2, "empty lines are forgotten");
    }

    #[test]
    fn guessing_one_password_for_many_names_is_throttled_by_source() {
        let throttle = Throttle::default();
        let passed = (0..1_000).filter(|n| fail(&throttle, NOW, &format!("name {n}"), HOME).is_ok()).count();
        assert_eq!(passed, 60);
    }

    /// So many attempts at once, each of which takes a moment to be judged: how many were judged.
    async fn at_once(throttle: &Throttle, count: usize, name: impl Fn(usize) -> String, right: bool) -> usize {
        let world = world();
        let attempts = (0..count).map(|nth| {
            let name = name(nth);
            let world = &world;
            async move {
                let Ok(attempt) = throttle.begin(world, &name, HOME).await else { return 0 };
                tokio::task::yield_now().await;
                if !right {
                    throttle.failed(NOW, attempt);
                }
                1
            }
        });
        futures_util::future::join_all(attempts).await.into_iter().sum()
    }

    #[tokio::test]
    async fn attempts_at_once_wait_for_each_other_and_only_those_that_fail_count() {
        let throttle = Throttle::default();
        assert_eq!(at_once(&throttle, 100, |_| "ada".into(), true).await, 100);
        assert_eq!(at_once(&throttle, 100, |_| "ada".into(), false).await, 5);
    }

    #[tokio::test]
    async fn guesses_for_many_names_at_once_are_hardly_more_than_one_by_one() {
        let judged = at_once(&Throttle::default(), 200, |nth| format!("name {nth}"), false).await;
        assert!((60..60 + TURNS_OF_SOURCE).contains(&judged), "{judged}");
    }

    #[tokio::test]
    async fn a_line_has_an_end() {
        let judged = at_once(&Throttle::default(), 1_000, |nth| format!("name {nth}"), true).await;
        assert_eq!(judged, LONGEST_LINE);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_source() {
        let throttle = Throttle::default();
        let address = |host: u16| IpAddr::from([0x2001, 0xdb8, 1, 2, 0, 0, 0, host]);
        let passed = (0..100).filter(|host| fail(&throttle, NOW, "ada", address(*host)).is_ok()).count();
        assert_eq!(passed, 5);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_worst_offender_stays_throttled() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            fail(&throttle, NOW, "ada", HOME).unwrap();
        }
        for n in 0..60_000_u32 {
            let _ = fail(&throttle, NOW, "ada", IpAddr::from((0x0a00_0000 + n).to_be_bytes()));
        }
        assert!(throttle.paid_off.lock().unwrap().len() <= CAPACITY + 1);
        assert!(fail(&throttle, NOW, "ada", HOME).is_err());
    }
}
