//! When a count of what was suppressed is written: once a minute for ten minutes, then once an hour.

use events::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
/// So many counts are written a minute apart.
const BY_THE_MINUTE: u32 = 10;

/// The counts of one flood. It is over, and the next one begins by the minute again, when an hour passes without anything to
/// count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cadence {
    written: u32,
    /// When counting began, or when the last count was written.
    since: Option<Timestamp>,
    last: Timestamp,
}

impl Cadence {
    /// Something is counted instead of written.
    pub fn counts(&mut self, now: Timestamp) {
        if self.is_over(now) {
            *self = Cadence { since: Some(now), ..Cadence::default() };
        }
        self.last = now;
    }

    /// Whether the count is to be written now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let interval = if self.written < BY_THE_MINUTE { MINUTE } else { HOUR };
        self.since.is_some_and(|since| now.seconds_since(since) >= interval)
    }

    /// The count was written.
    pub fn wrote(&mut self, now: Timestamp) {
        self.written = self.written.saturating_add(1);
        self.since = Some(now);
    }

    /// Whether nothing is to be remembered any more, as long as nothing is counted.
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
