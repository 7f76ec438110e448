//! A share of a budget for each who draws on it, so that nobody uses up what is there for all.

use super::budget::Allowance;
use crate::identity::throttle::make_room;
use events::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// When each share will be whole again is all that is remembered (GCRA).
#[derive(Debug)]
pub struct Shares<K> {
    allowance: Allowance,
    paid_off: Mutex<HashMap<K, Timestamp>>,
}

impl<K: Eq + Hash> Shares<K> {
    pub fn new(allowance: Allowance) -> Shares<K> {
        Shares { allowance, paid_off: Mutex::default() }
    }

    /// Whether something is left of the share of `whose`; what is taken comes back with time.
    pub fn take(&self, now: Timestamp, whose: K) -> bool {
        let Allowance { burst, refill } = self.allowance;
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut paid_off, now);
        let until = paid_off.entry(whose).or_insert(now);
        let next = (*until).max(now).0 + refill;
        let left = next <= now.0 + burst * refill;
        if left {
            *until = Timestamp(next);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::throttle::CAPACITY;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const TEN: Allowance = Allowance { burst: 10, refill: 1_000_000 };

    #[test]
    fn each_has_a_share_of_their_own_and_it_comes_back_with_time() {
        let shares = Shares::new(TEN);
        assert_eq!((0..100).filter(|_| shares.take(NOW, "greedy")).count(), 10);
        assert!(shares.take(NOW, "modest"));
        assert_eq!((0..100).filter(|_| shares.take(NOW.plus_seconds(3), "greedy")).count(), 3);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_greediest_stays_known() {
        let shares = Shares::new(TEN);
        while shares.take(NOW, 0) {}
        for other in 1..=60_000 {
            shares.take(NOW, other);
        }
        assert!(shares.paid_off.lock().unwrap().len() <= CAPACITY);
        assert!(!shares.take(NOW, 0));
    }
}
