//! Decides how long to wait before the next try and when to give up. It uses no clock and no randomness of its own.

use super::{PushOutcome, Trouble};
use std::time::Duration;

/// What to do after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The notification needs no further try.
    Settled,
    /// Try again, but not before `after` has passed.
    Again { after: Duration, trouble: Trouble },
    /// Give up. The caller records it and may try again much later.
    Leave,
}

/// Number of tries for one notification before giving up. Tries do not count while no notification gets through.
pub(crate) const TRIES: u32 = 5;

/// If the push service asks for a longer pause than this for one device, the notification is given up.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Maximum pause that a `Retry-After` header can cause, because a proxy may have sent it.
const LONGEST_OBEYED: Duration = Duration::from_secs(3_600);

/// Decides after the `tries`-th counted try ended with `outcome`. `chance`, from 0 to 1, spreads tries that would
/// otherwise happen at the same time.
pub(crate) fn next(tries: u32, outcome: &PushOutcome, chance: f64) -> Next {
    let PushOutcome::RetryLater { trouble, after_seconds, .. } = outcome else { return Next::Settled };
    let after = delay(*trouble, tries, *after_seconds, chance);
    let too_long = *trouble == Trouble::Device && after > LONGEST_WAIT;
    if tries >= TRIES || too_long { Next::Leave } else { Next::Again { after, trouble: *trouble } }
}

/// Returns the pause after `failures` failures in a row: doubled each time up to a maximum, half of it random. It is
/// never shorter than the pause that the push service asked for, which is also spread.
pub(crate) fn delay(trouble: Trouble, failures: u32, after_seconds: Option<u64>, chance: f64) -> Duration {
    let (first, most) = match trouble {
        Trouble::Device => (2, 60),
        Trouble::Service => (1, 60),
        // The trouble remains until a person corrects it.
        Trouble::Certificate => (5, 300),
    };
    let doubled = first << failures.saturating_sub(1).min(16);
    let ours = Duration::from_secs(doubled.min(most)).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
    let theirs = Duration::from_secs(after_seconds.unwrap_or(0)).min(LONGEST_OBEYED);
    ours.max(theirs.mul_f64(1.0 + chance.clamp(0.0, 1.0) / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(trouble: Trouble, after_seconds: Option<u64>) -> PushOutcome {
        PushOutcome::RetryLater { trouble, status: Some(503), reason: "ServiceUnavailable".into(), after_seconds }
    }

    fn after(next: Next) -> f64 {
        let Next::Again { after, .. } = next else { panic!("{next:?}") };
        after.as_secs_f64()
    }

    #[test]
    fn given_an_answer_that_settles_it_then_nothing_is_tried_again() {
        let accepted = PushOutcome::Accepted { apns_id: None };
        let gone = PushOutcome::Unregistered { reason: "Unregistered".into(), since_unix_ms: None };
        let fault = super::super::Fault::Token;
        let bad = PushOutcome::Rejected { status: 400, reason: "BadDeviceToken".into(), fault };
        for outcome in [accepted, gone, bad] {
            assert_eq!(next(1, &outcome, 0.5), Next::Settled, "{outcome:?}");
        }
    }

    #[test]
    fn given_failure_after_failure_then_waits_double_up_to_a_bound() {
        let waits = |trouble| (1..=20).map(move |failures| delay(trouble, failures, None, 1.0).as_secs());
        assert_eq!(waits(Trouble::Service).take(8).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(waits(Trouble::Device).take(7).collect::<Vec<_>>(), [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(waits(Trouble::Certificate).take(8).collect::<Vec<_>>(), [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(delay(Trouble::Service, u32::MAX, None, 1.0).as_secs(), 60);
    }

    #[test]
    fn given_many_that_failed_together_then_they_come_back_spread_over_half_of_the_time() {
        let at = |chance| after(next(4, &later(Trouble::Service, None), chance));
        assert_eq!((at(0.0), at(0.5), at(1.0)), (4.0, 6.0, 8.0));
        assert_eq!(at(7.0), 8.0, "a chance above 1 counts as 1");
    }

    #[test]
    fn given_retry_after_then_nothing_is_sent_before_and_not_all_at_once_after_it() {
        let at = |chance| after(next(1, &later(Trouble::Service, Some(120)), chance));
        assert_eq!((at(0.0), at(1.0)), (120.0, 132.0));
        // A requested pause does not shorten the own pause.
        assert_eq!(after(next(4, &later(Trouble::Service, Some(1)), 1.0)), 8.0);
        assert_eq!(after(next(1, &later(Trouble::Service, Some(u64::MAX)), 0.0)), 3_600.0);
    }

    #[test]
    fn given_a_device_that_is_to_be_left_alone_for_long_then_it_is() {
        assert_eq!(next(1, &later(Trouble::Device, Some(3_600)), 0.0), Next::Leave);
        assert_eq!(after(next(1, &later(Trouble::Device, Some(60)), 0.0)), 60.0);
    }

    #[test]
    fn given_the_last_try_then_it_is_left() {
        for trouble in [Trouble::Device, Trouble::Service, Trouble::Certificate] {
            assert!(matches!(next(TRIES - 1, &later(trouble, None), 0.0), Next::Again { .. }), "{trouble:?}");
            assert_eq!(next(TRIES, &later(trouble, None), 0.0), Next::Leave, "{trouble:?}");
        }
    }
}
