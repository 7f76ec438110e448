//! One budget for everything that strangers can make us write, so that they cannot fill the log.

use events::Timestamp;
use std::sync::{Mutex, PoisonError};

/// How much may be written.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// So much at once …
    pub burst: i64,
    /// … and one more every so many microseconds.
    pub refill: i64,
}

/// Refusals.
pub const REFUSALS: Allowance = Allowance { burst: 120, refill: 1_000_000 };
/// Refusals of one account after its first proof, beside those of strangers: thirty at once, then one a minute.
pub const AFTER_FIRST_PROOF: Allowance = Allowance { burst: 30, refill: 60_000_000 };

/// Whether a refusal may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    Write,
    /// Counted instead. `first`: of this minute; whoever gets it writes the sum when the minute is over.
    Suppress {
        first: bool,
    },
}

#[derive(Debug)]
pub struct Budget {
    allowance: Allowance,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    paid_off: Timestamp,
    suppressed: u64,
}

impl Budget {
    pub fn new(allowance: Allowance) -> Budget {
        Budget { allowance, state: Mutex::default() }
    }

    pub fn take(&self, now: Timestamp) -> Grant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Allowance { burst, refill } = self.allowance;
        let next = state.paid_off.max(now).0 + refill;
        if next <= now.0 + burst * refill {
            state.paid_off = Timestamp(next);
            return Grant::Write;
        }
        state.suppress()
    }

    /// Counts one that may not be written for another reason.
    pub fn suppress(&self) -> Grant {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).suppress()
    }

    /// How many were suppressed since this was asked last.
    pub fn drain(&self) -> u64 {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).suppressed)
    }
}

impl State {
    fn suppress(&mut self) -> Grant {
        self.suppressed += 1;
        Grant::Suppress { first: self.suppressed == 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    #[test]
    fn beyond_the_budget_refusals_are_counted_and_the_first_one_is_told_so() {
        let budget = Budget::new(REFUSALS);
        let grants: Vec<_> = (0..200).map(|_| budget.take(NOW)).collect();
        assert!(grants[..120].iter().all(|grant| *grant == Grant::Write));
        assert_eq!(grants[120], Grant::Suppress { first: true });
        assert!(grants[121..].iter().all(|grant| *grant == Grant::Suppress { first: false }));
        assert_eq!((budget.drain(), budget.drain()), (80, 0));
    }

    #[test]
    fn the_budget_comes_back_with_time() {
        let budget = Budget::new(REFUSALS);
        assert_eq!((0..200).filter(|_| budget.take(NOW) == Grant::Write).count(), 120);
        assert_eq!(budget.take(NOW.plus_seconds(1)), Grant::Write);
        assert_ne!(budget.take(NOW.plus_seconds(1)), Grant::Write);
    }
}
