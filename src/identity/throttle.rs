//! Slows down guessing without locking anybody out: counts failures only, by (name, source) and by source.
//!
//! Why not the `governor` crate: its limiters count every attempt when it begins and cannot take one back, so a school
//! behind one address that signs in correctly would be throttled. Here a begun attempt counts as failed (else a
//! thousand guesses begun at once would all pass) until [`Throttle::succeeded`] takes it back.

use crate::world::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

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
}

/// An attempt that counts as failed until it is taken back.
#[derive(Debug)]
#[must_use = "an attempt that succeeded must be taken back with `Throttle::succeeded`"]
pub struct Attempt([(Key, Allowance); 2]);

/// Too many failures: try again after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub i64);

impl Throttle {
    /// Begins an attempt of `name` (a digest, never the text) from `source`.
    ///
    /// # Errors
    /// How long to wait, if too many failed. Waiting is enough; nothing is locked.
    pub fn begin(&self, now: Timestamp, name: &str, source: IpAddr) -> Result<Attempt, RetryAfter> {
        let source = network(source);
        let keys =
            [(Key::NameAndSource(name.to_owned(), source), BY_NAME_AND_SOURCE), (Key::Source(source), BY_SOURCE)];
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys.iter().map(|(key, allowance)| wait(paid_off.get(key), *allowance, now)).max().unwrap_or(0);
        if wait > 0 {
            return Err(RetryAfter(wait));
        }
        make_room(&mut paid_off, now);
        for (key, allowance) in &keys {
            let until = paid_off.entry(key.clone()).or_insert(now);
            *until = (*until).max(now).plus_seconds(allowance.refill_seconds);
        }
        Ok(Attempt(keys))
    }

    /// The attempt did not fail: it does not count.
    pub fn succeeded(&self, Attempt(keys): Attempt) {
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, allowance) in keys {
            if let Some(until) = paid_off.get_mut(&key) {
                *until = until.plus_seconds(-allowance.refill_seconds);
            }
        }
    }
}

// Seconds until one more failure fits into the allowance.
fn wait(paid_off: Option<&Timestamp>, allowance: Allowance, now: Timestamp) -> i64 {
    let Some(paid_off) = paid_off else { return 0 };
    let room = now.plus_seconds((allowance.burst - 1) * allowance.refill_seconds);
    let micros = paid_off.0 - room.0;
    if micros <= 0 { 0 } else { (micros + 999_999) / 1_000_000 }
}

// Forgets what is paid off; under a flood from everywhere also the half that failed least.
fn make_room(paid_off: &mut HashMap<Key, Timestamp>, now: Timestamp) {
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

// An IPv6 customer has a whole network of addresses: they count as one.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn fail(throttle: &Throttle, now: Timestamp, name: &str, source: IpAddr) -> Result<(), RetryAfter> {
        throttle.begin(now, name, source).map(drop)
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

    #[test]
    fn successes_do_not_count() {
        let throttle = Throttle::default();
        for pupil in 0..1_000 {
            let attempt = throttle.begin(NOW, &format!("pupil {pupil}"), HOME).unwrap();
            throttle.succeeded(attempt);
        }
        assert_eq!(fail(&throttle, NOW, "ada", HOME), Ok(()));
    }

    #[test]
    fn guessing_one_password_for_many_names_is_throttled_by_source() {
        let throttle = Throttle::default();
        let passed = (0..1_000).filter(|n| fail(&throttle, NOW, &format!("name {n}"), HOME).is_ok()).count();
        assert_eq!(passed, 60);
    }

    #[test]
    fn attempts_begun_at_once_count_before_they_are_decided() {
        let throttle = Throttle::default();
        let begun: Vec<_> = (0..10).filter_map(|_| throttle.begin(NOW, "ada", HOME).ok()).collect();
        assert_eq!(begun.len(), 5);
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
