//! Which refusals are written and which are only counted, so that strangers cannot fill the log or hide what they do to an
//! account.
//!
//! A refusal is written as long as its source has a share left; beyond that, the account it is about has ten an hour of its
//! own; beyond that, it is counted. Whether the source has a share left does not depend on the name that was typed.

use events::Timestamp;
use events::staff::StaffId;
use identity::throttle::network;
use platform::budgets::{Allowance, Counted, Shares, Tally};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// What a refusal costs that opens a visit, in bytes of the log: two events and the visit's key.
pub const VISIT_BYTES: i64 = 3_000;
/// What one refusal costs, in bytes of the log.
pub const REFUSAL_BYTES: i64 = 1_000;

/// Events of one source: sixty at once, then one a second.
const OF_SOURCE: Allowance = Allowance { burst: 60, refill: 1_000_000 };
/// Events of one account beyond its sources' shares: ten an hour.
const OF_ACCOUNT: Allowance = Allowance { burst: 10, refill: 360_000_000 };
/// Events of one account after its first proof: thirty at once, then one a minute. Somebody may be using a stolen password.
const AFTER_FIRST_PROOF: Allowance = Allowance { burst: 30, refill: 60_000_000 };
/// That an account has to wait (429) is written once a minute, after its first proof.
const HELD_UP: Allowance = Allowance { burst: 1, refill: 60_000_000 };

/// Bytes a day of refusals through the shares of sources: unknown names, and whoever is refused before a name is known.
const STRANGERS: Allowance = Allowance::a_day(10_000_000);
/// Bytes a day of refusals through the shares of accounts, without [`STAFF`].
const KNOWN: Allowance = Allowance::a_day(9_000_000);
/// Bytes a day kept for accounts that work at the console.
const STAFF: Allowance = Allowance::a_day(1_000_000);
/// Bytes a day of one source in either: an eighth.
const ONE_SOURCE: Allowance = Allowance::a_day(10_000_000 / 8);

/// So many accounts are counted apart; more are counted with the strangers.
const ACCOUNTS: usize = 10_000;

/// The account that a refused sign-in was about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum About {
    /// At the console, or with a token of the API.
    Staff(StaffId),
    /// At the portal: the id of an `account-` stream. `staff`: the account also works at the console.
    Account { name: String, staff: bool },
}

impl About {
    fn is_staff(&self) -> bool {
        match self {
            About::Staff(_) => true,
            About::Account { staff, .. } => *staff,
        }
    }
}

/// Shares of sources and accounts, and what exceeded them.
#[derive(Debug)]
pub struct RefusalBudget {
    of_source: Shares<IpAddr>,
    of_account: Shares<About>,
    after_first_proof: Shares<StaffId>,
    held_up: Shares<StaffId>,
    strangers: Shares<()>,
    strangers_of_source: Shares<IpAddr>,
    known: Shares<()>,
    staff: Shares<()>,
    known_of_source: Shares<IpAddr>,
    suppressed: Mutex<Tally>,
    suppressed_about: Mutex<HashMap<About, Tally>>,
    /// Refusals whose stream or key is damaged.
    not_written: Mutex<Tally>,
}

impl RefusalBudget {
    pub(crate) fn new() -> RefusalBudget {
        RefusalBudget {
            of_source: Shares::new(OF_SOURCE),
            of_account: Shares::new(OF_ACCOUNT),
            after_first_proof: Shares::new(AFTER_FIRST_PROOF),
            held_up: Shares::new(HELD_UP),
            strangers: Shares::new(STRANGERS),
            strangers_of_source: Shares::new(ONE_SOURCE),
            known: Shares::new(KNOWN),
            staff: Shares::new(STAFF),
            known_of_source: Shares::new(ONE_SOURCE),
            suppressed: Mutex::default(),
            suppressed_about: Mutex::default(),
            not_written: Mutex::default(),
        }
    }

    /// Takes room for a refusal of `bytes` from the share of its source.
    pub fn through_source(&self, now: Timestamp, source: IpAddr, bytes: i64) -> bool {
        let source = network(source);
        let room = self.of_source.has(now, &source, 1)
            && self.strangers_of_source.has(now, &source, bytes)
            && self.strangers.has(now, &(), bytes);
        if room {
            self.of_source.take(now, source, 1);
            self.strangers_of_source.take(now, source, bytes);
            self.strangers.take(now, (), bytes);
        }
        room
    }

    /// Takes room from the share of the account that the refusal is about.
    pub fn through_account(&self, now: Timestamp, about: &About, source: IpAddr) -> bool {
        self.of_account.has(now, about, 1)
            && self.take_known(now, about.is_staff(), source)
            && self.of_account.take(now, about.clone(), 1)
    }

    /// Takes room for a refusal after the first proof of this account.
    pub fn after_first_proof(&self, now: Timestamp, account: StaffId, source: IpAddr) -> bool {
        self.after_first_proof.has(now, &account, 1)
            && self.take_known(now, true, source)
            && self.after_first_proof.take(now, account, 1)
    }

    /// Whether it is written now that this account has to wait. That takes nothing from its other shares.
    pub fn held_up(&self, now: Timestamp, account: StaffId) -> bool {
        self.held_up.take(now, account, 1)
    }

    fn take_known(&self, now: Timestamp, staff: bool, source: IpAddr) -> bool {
        let source = network(source);
        let room = self.known_of_source.has(now, &source, REFUSAL_BYTES)
            && (self.known.take(now, (), REFUSAL_BYTES) || (staff && self.staff.take(now, (), REFUSAL_BYTES)));
        room && self.known_of_source.take(now, source, REFUSAL_BYTES)
    }

    /// Counts a refusal that is not written: for the account it is about, or of its source alone.
    pub fn count(&self, now: Timestamp, about: Option<&About>, source: IpAddr) {
        if let Some(about) = about {
            let mut tallies = self.suppressed_about.lock().unwrap_or_else(PoisonError::into_inner);
            if tallies.len() >= ACCOUNTS {
                tallies.retain(|_, tally| !tally.is_over(now));
            }
            if tallies.len() < ACCOUNTS || tallies.contains_key(about) {
                return tallies.entry(about.clone()).or_default().count(now, source);
            }
        }
        self.suppressed.lock().unwrap_or_else(PoisonError::into_inner).count(now, source);
    }

    /// Counts a refusal that cannot be written, since its stream or key is damaged.
    pub fn count_not_written(&self, now: Timestamp, source: IpAddr) {
        self.not_written.lock().unwrap_or_else(PoisonError::into_inner).count(now, source);
    }

    /// The count of those that could not be written, if it is to be told now, or in any case (`all`).
    pub fn take_not_written(&self, now: Timestamp, all: bool) -> Option<Counted> {
        self.not_written.lock().unwrap_or_else(PoisonError::into_inner).take(now, all)
    }

    /// The counts that are to be written now, or every one (`all`).
    pub fn take_counted(&self, now: Timestamp, all: bool) -> Vec<(Option<About>, Counted)> {
        let strangers = self.suppressed.lock().unwrap_or_else(PoisonError::into_inner).take(now, all);
        let mut counted: Vec<_> = strangers.into_iter().map(|counted| (None, counted)).collect();
        let mut tallies = self.suppressed_about.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.retain(|about, tally| {
            counted.extend(tally.take(now, all).map(|counted| (Some(about.clone()), counted)));
            !tally.is_over(now)
        });
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn address(nth: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + nth).to_be_bytes())
    }

    fn administrator() -> About {
        About::Staff(StaffId(Uuid::from_u128(1)))
    }

    fn person(nth: u32) -> About {
        About::Account { name: nth.to_string(), staff: false }
    }

    #[test]
    fn a_flood_from_one_source_takes_no_share_of_another() {
        let budget = RefusalBudget::new();
        let flood = (0..10_000).filter(|_| budget.through_source(NOW, address(1), VISIT_BYTES)).count();
        assert_eq!(flood, 60);
        assert!((0..5).all(|_| budget.through_source(NOW, address(2), VISIT_BYTES)));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_share() {
        let budget = RefusalBudget::new();
        let host = |host: u16| IpAddr::from([0x2001, 0xdb8, 1, 2, 0, 0, 0, host]);
        assert_eq!((0..1_000).filter(|nth| budget.through_source(NOW, host(*nth), REFUSAL_BYTES)).count(), 60);
    }

    #[test]
    fn an_account_has_ten_an_hour_wherever_they_come_from() {
        let budget = RefusalBudget::new();
        let hour = |from: i64| {
            let written = |nth: &u32| {
                budget.through_account(NOW.plus_seconds(from + i64::from(*nth)), &administrator(), address(*nth))
            };
            (0..3_600).filter(written).count()
        };
        // Ten at once, and what comes back in the hour.
        assert_eq!(hour(0), 19);
        assert_eq!(hour(3_600), 10);
    }

    #[test]
    fn a_day_of_a_flood_from_one_source_is_an_eighth_and_from_everywhere_ten_megabytes() {
        let day = |source: &dyn Fn(i64) -> IpAddr| {
            let budget = RefusalBudget::new();
            let written = |second: &i64| budget.through_source(NOW.plus_seconds(*second), source(*second), VISIT_BYTES);
            (0..86_400).filter(written).count() as i64 * VISIT_BYTES
        };
        let one = day(&|_| address(1));
        assert!((1_200_000..=1_250_000).contains(&one), "{one}");
        let all = day(&|second| address(2 + second as u32));
        assert!((8_500_000..=10_000_000).contains(&all), "{all}");
    }

    #[test]
    fn when_the_budget_of_accounts_is_used_up_a_megabyte_is_left_for_staff() {
        let budget = RefusalBudget::new();
        let used = (0..20_000).filter(|nth| budget.through_account(NOW, &person(*nth), address(*nth))).count();
        assert_eq!(used, 4_500, "half a day's budget at once");
        assert!(!budget.through_account(NOW, &person(20_001), address(20_001)));
        assert!(budget.through_account(NOW, &administrator(), address(20_001)));
    }

    #[test]
    fn what_is_not_written_is_counted_by_account_or_by_source() {
        let budget = RefusalBudget::new();
        for _ in 0..3 {
            budget.count(NOW, Some(&administrator()), address(1));
        }
        budget.count(NOW, None, address(2));
        assert!(budget.take_counted(NOW, false).is_empty());
        let counted = budget.take_counted(NOW.plus_seconds(60), false);
        let of = |about: Option<About>, source, count| (about, Counted { sources: vec![(source, count)], others: 0 });
        assert_eq!(counted, [of(None, address(2), 1), of(Some(administrator()), address(1), 3)]);
        assert!(budget.take_counted(NOW.plus_seconds(60), true).is_empty());
    }
}
