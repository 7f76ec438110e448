//! Measurements of a load test: rates, and the duration of each act.

use super::LoadOutcome;
use crate::acts::Act;
use std::collections::BTreeMap;
use std::time::Duration;

/// Result of a load test.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub enrolled: usize,
    pub failed: usize,
    pub elapsed: Duration,
    /// Error messages with their counts.
    pub failures: BTreeMap<String, usize>,
    durations: BTreeMap<Act, Vec<Duration>>,
}

/// Durations of one act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub act: Act,
    pub count: usize,
    pub median: Duration,
    pub ninetieth: Duration,
    pub ninety_ninth: Duration,
    pub longest: Duration,
}

impl Report {
    pub(super) fn add(&mut self, outcome: &LoadOutcome, measured: Vec<(Act, Duration)>) {
        match outcome {
            LoadOutcome::Enrolled => self.enrolled += 1,
            LoadOutcome::Failed(why) => {
                self.failed += 1;
                *self.failures.entry(why.clone()).or_default() += 1;
            }
        }
        for (act, took) in measured {
            self.durations.entry(act).or_default().push(took);
        }
    }

    /// Enrolled devices per second.
    pub fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.enrolled).unwrap_or(u32::MAX)) / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Returns one line for each act, in the order of the enrollment.
    pub fn lines(&self) -> Vec<Line> {
        let line = |(act, durations): (&Act, &Vec<Duration>)| {
            let mut sorted = durations.clone();
            sorted.sort();
            Line {
                act: *act,
                count: sorted.len(),
                median: percentile(&sorted, 50),
                ninetieth: percentile(&sorted, 90),
                ninety_ninth: percentile(&sorted, 99),
                longest: percentile(&sorted, 100),
            }
        };
        self.durations.iter().map(line).collect()
    }
}

// Returns the smallest value that is not exceeded by `percent` percent of the values ("nearest rank").
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let millis = |percent| percentile(&sorted, percent).as_millis();
        assert_eq!((millis(50), millis(90), millis(99), millis(100)), (100, 180, 198, 200));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn a_report_counts_failures_by_what_went_wrong() {
        let mut report = Report { elapsed: Duration::from_secs(2), ..Report::default() };
        report.add(&LoadOutcome::Enrolled, vec![(Act::SignIn, Duration::from_millis(3))]);
        report.add(&LoadOutcome::Failed("no answer".into()), vec![(Act::SignIn, Duration::from_millis(5))]);
        assert_eq!((report.enrolled, report.failed, report.failures["no answer"]), (1, 1, 1));
        assert!((report.rate() - 0.5).abs() < 1e-9);
        assert_eq!(report.lines()[0].longest, Duration::from_millis(5));
    }
}
