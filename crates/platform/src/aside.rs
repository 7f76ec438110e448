//! Sets failing items aside for a while so that they do not block others: one minute at first, then twice as long each
//! time, up to six hours. An error is logged when its item is set aside, so repeated errors are logged as rarely.

use events::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

const FIRST_SECONDS: i64 = 60;
const MOST_SECONDS: i64 = 6 * 3_600;

/// Items that are set aside: streams, positions, kinds of errors.
pub struct Aside<K> {
    now: Timestamp,
    put: HashMap<K, Put>,
}

struct Put {
    until: Timestamp,
    seconds: i64,
}

impl<K> Default for Aside<K> {
    fn default() -> Aside<K> {
        Aside { now: Timestamp(0), put: HashMap::new() }
    }
}

impl<K: Hash + Eq> Aside<K> {
    /// Sets the current time for the following calls. An item that was not set aside again for a long time starts with
    /// one minute again.
    pub fn look(&mut self, now: Timestamp) {
        self.now = now;
        self.put.retain(|_, put| put.until.plus_seconds(MOST_SECONDS) > now);
    }

    pub fn holds(&self, key: &K) -> bool {
        self.put.get(key).is_some_and(|put| put.until > self.now)
    }

    /// Sets `key` aside from now on, for twice as long as the last time.
    pub fn put(&mut self, key: K) {
        let put = self.put.entry(key).or_insert(Put { until: self.now, seconds: FIRST_SECONDS / 2 });
        put.seconds = (put.seconds * 2).min(MOST_SECONDS);
        put.until = self.now.plus_seconds(put.seconds);
    }

    /// Returns how many items to query if `wanted` are needed: the query also returns items that are set aside, and
    /// they must not displace others.
    pub fn besides(&self, wanted: usize) -> usize {
        let held = self.put.values().filter(|put| put.until > self.now).count();
        if wanted == 0 { 0 } else { wanted + held }
    }
}

/// Limits repeated log messages: the first is logged at once, later ones less and less often.
pub struct Seldom<K>(Mutex<Aside<K>>);

impl<K> Default for Seldom<K> {
    fn default() -> Seldom<K> {
        Seldom(Mutex::default())
    }
}

impl<K: Hash + Eq> Seldom<K> {
    /// Returns whether to log the message now.
    pub fn tells(&self, now: Timestamp, key: K) -> bool {
        let mut aside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        aside.look(now);
        let tells = !aside.holds(&key);
        if tells {
            aside.put(key);
        }
        tells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_and_again_is_left_alone_twice_as_long_each_time_up_to_six_hours() {
        let (mut aside, mut now, mut times) = (Aside::default(), Timestamp(0), 0);
        while now < Timestamp(0).plus_seconds(24 * 3_600) {
            aside.look(now);
            if !aside.holds(&"device") {
                aside.put("device");
                times += 1;
            }
            assert!(!aside.holds(&"another"));
            assert_eq!((aside.besides(5), aside.besides(0)), (6, 0));
            now = now.plus_seconds(1);
        }
        assert_eq!(times, 12);
    }

    #[test]
    fn what_goes_on_is_told_at_once_and_then_ever_more_rarely() {
        let seldom = Seldom::default();
        let day = (0..24 * 3_600).map(|second| Timestamp(0).plus_seconds(second));
        assert_eq!(day.filter(|now| seldom.tells(*now, "device")).count(), 12);
        assert!(seldom.tells(Timestamp(0), "another"));
    }

    #[test]
    fn what_did_not_fail_for_long_begins_with_a_minute_again() {
        let mut aside = Aside::default();
        aside.look(Timestamp(0));
        (0..20).for_each(|_| aside.put("device"));
        aside.look(Timestamp(0).plus_seconds(2 * MOST_SECONDS));
        aside.put("device");
        aside.look(Timestamp(0).plus_seconds(2 * MOST_SECONDS + 60));
        assert!(!aside.holds(&"device"));
    }
}
