//! Monitors free space on the log's disk. A full disk stops the server for everybody, so writes that unauthenticated
//! clients can cause are suppressed before that.

use events::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use world::Room;

/// A disk is nearly full if less than 1/`LEAST_FREE` of it is free …
const LEAST_FREE: u64 = 10;
/// … or if it will be full within this number of seconds at the current rate.
const SOON_SECONDS: i64 = 24 * 3_600;
/// The current rate is measured over the last hour, once at least half an hour is known: a single copied file is not a
/// rate.
const RATE_OVER_SECONDS: i64 = 3_600;
const LEAST_KNOWN_SECONDS: i64 = 1_800;

/// Measured free space.
#[derive(Debug, Default)]
pub struct Disk {
    samples: Mutex<VecDeque<(Timestamp, u64)>>,
    nearly_full: AtomicBool,
}

impl Disk {
    /// Records the current free space. Returns whether the disk has just become nearly full.
    pub fn note(&self, now: Timestamp, room: Room) -> bool {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.retain(|(at, _)| (0..=RATE_OVER_SECONDS).contains(&now.seconds_since(*at)));
        samples.push_back((now, room.free));
        let nearly_full = room.free < room.total / LEAST_FREE || is_full_soon(&samples);
        let before = self.nearly_full.swap(nearly_full, Ordering::Relaxed);
        nearly_full && !before
    }

    /// Returns whether less than a tenth is free, or the disk will be full within a day at the current rate.
    pub fn is_nearly_full(&self) -> bool {
        self.nearly_full.load(Ordering::Relaxed)
    }
}

fn is_full_soon(samples: &VecDeque<(Timestamp, u64)>) -> bool {
    let (Some((begun, then)), Some((ended, now))) = (samples.front(), samples.back()) else { return false };
    let seconds = ended.seconds_since(*begun);
    let used = u128::from(then.saturating_sub(*now));
    seconds >= LEAST_KNOWN_SECONDS
        && used * SOON_SECONDS.unsigned_abs() as u128 > u128::from(*now) * u128::from(seconds.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const GIGABYTE: u64 = 1_000_000_000;

    fn free(gigabytes: u64) -> Room {
        Room { free: gigabytes * GIGABYTE, total: 100 * GIGABYTE }
    }

    #[test]
    fn a_disk_of_which_less_than_a_tenth_is_free_is_nearly_full_and_told_once() {
        let disk = Disk::default();
        assert!(!disk.note(NOW, free(10)) && !disk.is_nearly_full());
        assert!(disk.note(NOW, free(9)) && disk.is_nearly_full());
        assert!(!disk.note(NOW, free(8)) && disk.is_nearly_full());
        assert!(!disk.note(NOW, free(50)) && !disk.is_nearly_full());
    }

    #[test]
    fn a_disk_that_is_full_within_a_day_at_the_present_rate_is_nearly_full() {
        let disk = Disk::default();
        // At two gigabytes per hour, 50 gigabytes last a day and an hour; 47 last less than a day.
        for minute in 0..=30 {
            let room = Room { free: 51 * GIGABYTE - minute * GIGABYTE / 30, ..free(0) };
            assert!(!disk.note(NOW.plus_seconds(minute as i64 * 60), room), "{minute}");
        }
        assert!(disk.note(NOW.plus_seconds(3_600), free(47)));
        // Usage of more than an hour ago does not count.
        assert!(!disk.note(NOW.plus_seconds(7_300), free(47)) && !disk.is_nearly_full());
    }

    #[test]
    fn a_file_that_is_copied_once_is_no_rate() {
        let disk = Disk::default();
        assert!(!disk.note(NOW, free(90)));
        assert!(!disk.note(NOW.plus_seconds(600), free(60)));
    }
}
