//! The budget of wrong codes. It is separate from that of sign-ins: wrong codes delay no sign-in.
//!
//! A source has 30 wrong codes, then one more each minute. All sources together have 300, then one more every ten
//! seconds. Beyond that, a source still has its first three, so that the failures of others block nobody's right code.
//! There are 2^30 codes: with 10,000 open invitations, guesses at the limit of all sources find one in a year with a
//! probability of 3 percent, and a code alone lets nobody in. The counts are in memory: a restart gives each source one
//! more burst.

use events::Timestamp;
use identity::throttle::network;
use platform::budgets::{Allowance, Shares};
use std::net::IpAddr;

const OF_SOURCE: Allowance = Allowance { burst: 30, refill: 60_000_000 };
const OF_ALL: Allowance = Allowance { burst: 300, refill: 10_000_000 };
/// Wrong codes of a source beyond the budget of all.
const FIRST: Allowance = Allowance { burst: 3, refill: 3_600_000_000 };

/// Seconds until a source has room for one more code.
const WAIT_SECONDS: i64 = 60;

pub(crate) struct Guesses {
    of_source: Shares<IpAddr>,
    of_all: Shares<()>,
    first: Shares<IpAddr>,
}

/// A code that is being checked. Unless it is given back, it counts as wrong.
#[must_use = "a right code is given back"]
pub struct Guess {
    source: IpAddr,
    /// The budget of all sources had room.
    pub(crate) is_of_all: bool,
}

impl Default for Guesses {
    fn default() -> Guesses {
        Guesses { of_source: Shares::new(OF_SOURCE), of_all: Shares::new(OF_ALL), first: Shares::new(FIRST) }
    }
}

impl Guesses {
    /// Takes room for one wrong code before the code is checked, so that guesses at the same time cannot exceed it.
    ///
    /// # Errors
    /// Returns the seconds to wait if there is no room.
    pub(crate) fn begin(&self, now: Timestamp, source: IpAddr) -> Result<Guess, i64> {
        let source = network(source);
        if !self.of_source.take(now, source, 1) {
            return Err(WAIT_SECONDS);
        }
        let is_of_all = self.of_all.take(now, (), 1);
        if is_of_all || self.first.take(now, source, 1) {
            return Ok(Guess { source, is_of_all });
        }
        self.of_source.give_back(&source, 1);
        Err(WAIT_SECONDS)
    }

    /// The code was right: it counts for nothing.
    pub(crate) fn give_back(&self, guess: &Guess) {
        self.of_source.give_back(&guess.source, 1);
        match guess.is_of_all {
            true => self.of_all.give_back(&(), 1),
            false => self.first.give_back(&guess.source, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn address(nth: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + nth).to_be_bytes())
    }

    fn wrong(guesses: &Guesses, now: Timestamp, source: IpAddr, count: usize) -> usize {
        (0..count).filter(|_| guesses.begin(now, source).is_ok()).count()
    }

    #[test]
    fn a_source_has_a_bounded_number_of_wrong_codes_and_gets_more_with_time() {
        let guesses = Guesses::default();
        assert_eq!(wrong(&guesses, NOW, address(1), 1_000), 30);
        assert_eq!(wrong(&guesses, NOW, address(2), 1), 1, "another source has its own");
        assert_eq!(wrong(&guesses, NOW.plus_seconds(120), address(1), 1_000), 2);
    }

    #[test]
    fn a_network_of_many_addresses_is_one_source() {
        let guesses = Guesses::default();
        let passed = (0..1_000u128).filter(|nth| {
            let source = IpAddr::from((0x2001_0db8_u128 << 96 | nth).to_be_bytes());
            guesses.begin(NOW, source).is_ok()
        });
        assert_eq!(passed.count(), 30);
    }

    #[test]
    fn all_sources_together_are_bounded_and_a_source_without_failures_is_not_blocked() {
        let guesses = Guesses::default();
        let passed: usize = (0..100).map(|nth| wrong(&guesses, NOW, address(nth), 100)).sum();
        assert_eq!(passed, 300 + 3 * 90, "ten sources use up the budget of all, and the others have their first");
        let guess = guesses.begin(NOW, address(1_000)).expect("the failures of others block nobody");
        guesses.give_back(&guess);
        assert_eq!(wrong(&guesses, NOW, address(1_000), 100), 3, "a right code costs nothing");
        assert_eq!(wrong(&guesses, NOW.plus_seconds(100), address(1_000), 100), 10, "the budget of all comes back");
    }

    #[test]
    fn right_codes_are_not_counted() {
        let guesses = Guesses::default();
        for _ in 0..1_000 {
            let guess = guesses.begin(NOW, address(1)).expect("nothing failed");
            guesses.give_back(&guess);
        }
        assert_eq!(wrong(&guesses, NOW, address(1), 1_000), 30);
    }
}
