//! Schedule for writing counts of suppressed events: once a minute for ten minutes, then once an hour.

use events::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
/// Number of counts that are written at an interval of one minute.
const BY_THE_MINUTE: u32 = 10;

/// Schedule of one flood. The flood ends if nothing is counted for an hour; the next one starts with the one-minute
/// interval again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cadence {
    written: u32,
    /// Time when counting began or the last count was written.
    since: Option<Timestamp>,
    last: Timestamp,
}

impl Cadence {
    /// Reports that an event was counted instead of written.
    pub fn counts(&mut self, now: Timestamp) {
        if self.is_over(now) {
            *self = Cadence { since: Some(now), ..Cadence::default() };
        }
        self.last = now;
    }

    /// Returns whether the count is due to be written.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let interval = if self.written < BY_THE_MINUTE { MINUTE } else { HOUR };
        self.since.is_some_and(|since| now.seconds_since(since) >= interval)
    }

    /// Reports that the count was written.
    pub fn wrote(&mut self, now: Timestamp) {
        self.written = self.written.saturating_add(1);
        self.since = Some(now);
    }

    /// Returns whether the flood has ended, so that nothing needs to be remembered.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.since.is_none() || now.seconds_since(self.last) >= HOUR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    #[test]
    fn a_day_of_suppression_is_written_ten_times_by_the_minute_and_then_by_the_hour() {
        let mut cadence = Cadence::default();
        let mut written = Vec::new();
        for second in 0..86_400 {
            let now = NOW.plus_seconds(second);
            cadence.counts(now);
            if cadence.is_due(now) {
                cadence.wrote(now);
                written.push(second);
            }
        }
        assert_eq!(written[..11], [60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 4_200]);
        assert_eq!(written.len(), 10 + 23);
    }

    #[test]
    fn after_an_hour_of_quiet_it_begins_by_the_minute_again() {
        let mut cadence = Cadence::default();
        for minute in 0..20 {
            cadence.counts(NOW.plus_seconds(60 * minute));
            cadence.wrote(NOW.plus_seconds(60 * minute));
        }
        let later = NOW.plus_seconds(20 * 60 + 3_600);
        assert!(cadence.is_over(later));
        cadence.counts(later);
        assert!(!cadence.is_due(later.plus_seconds(59)) && cadence.is_due(later.plus_seconds(60)));
    }
}
