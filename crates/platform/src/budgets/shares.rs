//! Rate limits with a separate share for each key (source, account, device), so that no key can use up the whole
//! budget.

use events::Timestamp;
use identity::throttle::make_room;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

const DAY: i64 = 24 * 3600 * 1_000_000;

/// Size of a share, in units that the budget defines: events, bytes, departures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Maximum number of units at once.
    pub burst: i64,
    /// Microseconds until one more unit is available.
    pub refill: i64,
}

impl Allowance {
    /// Permits at most `most` units in any 24 hours: half at once, the other half spread over the day.
    pub const fn a_day(most: i64) -> Allowance {
        Allowance { burst: most / 2, refill: DAY / (most / 2) }
    }
}

/// One allowance for each key. Only the time at which a share will be full again is stored (GCRA).
#[derive(Debug)]
pub struct Shares<K> {
    allowance: Allowance,
    paid_off: Mutex<HashMap<K, Timestamp>>,
}

impl<K: Eq + Hash> Shares<K> {
    pub fn new(allowance: Allowance) -> Shares<K> {
        Shares { allowance, paid_off: Mutex::default() }
    }

    /// Returns whether the share of `whose` has `cost` units left. Takes nothing.
    pub fn has(&self, now: Timestamp, whose: &K, cost: i64) -> bool {
        let paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        self.fits(self.after(now, paid_off.get(whose), cost), now)
    }

    /// Takes `cost` units from the share of `whose` if they are available; they refill over time. Returns whether they
    /// were taken.
    pub fn take(&self, now: Timestamp, whose: K, cost: i64) -> bool {
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        let after = self.after(now, paid_off.get(&whose), cost);
        let fits = self.fits(after, now);
        if fits {
            make_room(&mut paid_off, now);
            paid_off.insert(whose, after);
        }
        fits
    }

    /// Returns `cost` units that were taken to the share.
    pub fn give_back(&self, whose: &K, cost: i64) {
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = paid_off.get_mut(whose) {
            until.0 -= cost * self.allowance.refill;
        }
    }

    fn after(&self, now: Timestamp, until: Option<&Timestamp>, cost: i64) -> Timestamp {
        Timestamp(until.map_or(now, |until| (*until).max(now)).0 + cost * self.allowance.refill)
    }

    fn fits(&self, after: Timestamp, now: Timestamp) -> bool {
        after.0 <= now.0 + self.allowance.burst * self.allowance.refill
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::throttle::CAPACITY;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const TEN: Allowance = Allowance { burst: 10, refill: 1_000_000 };

    #[test]
    fn each_has_a_share_of_their_own_and_it_comes_back_with_time() {
        let shares = Shares::new(TEN);
        assert_eq!((0..100).filter(|_| shares.take(NOW, "greedy", 1)).count(), 10);
        assert!(shares.take(NOW, "modest", 1));
        assert_eq!((0..100).filter(|_| shares.take(NOW.plus_seconds(3), "greedy", 1)).count(), 3);
    }

    #[test]
    fn what_does_not_fit_takes_nothing_and_what_is_given_back_can_be_taken_again() {
        let shares = Shares::new(TEN);
        assert!(!shares.take(NOW, "one", 11));
        assert!(shares.has(NOW, &"one", 10) && shares.take(NOW, "one", 10));
        assert!(!shares.has(NOW, &"one", 1));
        shares.give_back(&"one", 4);
        assert!(!shares.take(NOW, "one", 5) && shares.take(NOW, "one", 4));
    }

    #[test]
    fn a_daily_allowance_is_never_exceeded_in_any_day() {
        let shares = Shares::new(Allowance::a_day(1_000));
        for offset in [0, 40_000, 86_400, 100_000] {
            let taken = (0..86_400).filter(|second| shares.take(NOW.plus_seconds(offset + second), offset, 1)).count();
            assert!((990..=1_000).contains(&taken), "{taken}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_greediest_stays_known() {
        let shares = Shares::new(TEN);
        assert!((0..100_000).any(|_| !shares.take(NOW, 0, 1)), "the share ends");
        for other in 1..=60_000 {
            shares.take(NOW, other, 1);
        }
        assert!(shares.paid_off.lock().unwrap().len() <= CAPACITY);
        assert!(!shares.take(NOW, 0, 1));
    }
}
