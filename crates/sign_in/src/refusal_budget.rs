//! Decides which refused sign-ins are written to the log and which are only counted, so that unauthenticated clients
//! can neither fill the log nor hide an attack on an account.
//!
//! A refusal is written if the budget of its source has room. Otherwise it is written if the account has room: each
//! account has ten refusals an hour of its own. Otherwise it is counted. The budget of the source does not depend on
//! the name that was typed.

use events::Timestamp;
use events::staff::StaffId;
use identity::throttle::network;
use platform::budgets::{Allowance, Counted, Shares, Tally};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Size in bytes of a refusal that opens an enrollment: two events and the enrollment's key.
pub const ENROLLMENT_BYTES: i64 = 3_000;
/// Size in bytes of one refusal in the log.
pub const REFUSAL_BYTES: i64 = 1_000;

/// Events of one source: 60 at once, then one a second.
const OF_SOURCE: Allowance = Allowance { burst: 60, refill: 1_000_000 };
/// Events of one account beyond the budget of their source: ten at once, then ten an hour.
const OF_ACCOUNT: Allowance = Allowance { burst: 10, refill: 360_000_000 };
/// Events of one account after its first proof: 30 at once, then one a minute. An attacker may be using a stolen
/// password.
const AFTER_FIRST_PROOF: Allowance = Allowance { burst: 30, refill: 60_000_000 };
/// Events that an account must wait (429) after its first proof: one a minute.
const HELD_UP: Allowance = Allowance { burst: 1, refill: 60_000_000 };

/// Bytes a day of refusals that use the budget of a source, for all sources together. These are refusals of unknown
/// names and refusals before a name is known, among others.
const STRANGERS: Allowance = Allowance::a_day(10_000_000);
/// Bytes a day of refusals that use the budget of an account, for all accounts together, without [`STAFF`].
const KNOWN: Allowance = Allowance::a_day(9_000_000);
/// Bytes a day reserved for accounts of the staff.
const STAFF: Allowance = Allowance::a_day(1_000_000);
/// Bytes a day of one source in each of the two: an eighth.
const ONE_SOURCE: Allowance = Allowance::a_day(10_000_000 / 8);

/// Maximum number of accounts that are counted separately. Refusals of further accounts are counted by source.
const ACCOUNTS: usize = 10_000;

/// The account that a refused sign-in was about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum About {
    /// An account at the console, or an API client.
    Staff(StaffId),
    /// An account at the portal. `name` is the id of its `account-` stream. `staff` is set if the account also has a
    /// privilege for the console.
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

/// Budgets of sources and accounts, and the counts of the refusals that exceeded them.
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

    /// Takes room for a refusal of `bytes` bytes from the budget of its source. Returns `false` if there is none.
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

    /// Takes room for a refusal from the budget of its account. Returns `false` if there is none.
    pub(crate) fn through_account(&self, now: Timestamp, about: &About, source: IpAddr) -> bool {
        self.of_account.has(now, about, 1)
            && self.take_known(now, about.is_staff(), source)
            && self.of_account.take(now, about.clone(), 1)
    }

    /// Takes room for a refusal after the first proof of this account. Returns `false` if there is none.
    pub(crate) fn after_first_proof(&self, now: Timestamp, account: StaffId, source: IpAddr) -> bool {
        self.after_first_proof.has(now, &account, 1)
            && self.take_known(now, true, source)
            && self.after_first_proof.take(now, account, 1)
    }

    /// Takes room for the event that this account must wait. Uses none of its other budgets. Returns `false` if there
    /// is no room.
    pub fn held_up(&self, now: Timestamp, account: StaffId) -> bool {
        self.held_up.take(now, account, 1)
    }

    fn take_known(&self, now: Timestamp, staff: bool, source: IpAddr) -> bool {
        let source = network(source);
        let room = self.known_of_source.has(now, &source, REFUSAL_BYTES)
            && (self.known.take(now, (), REFUSAL_BYTES) || (staff && self.staff.take(now, (), REFUSAL_BYTES)));
        room && self.known_of_source.take(now, source, REFUSAL_BYTES)
    }

    /// Counts a refusal that is not written: for its account if there is one, otherwise only by source.
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

    /// Counts a refusal that cannot be written because its stream or key is damaged.
    pub(crate) fn count_not_written(&self, now: Timestamp, source: IpAddr) {
        self.not_written.lock().unwrap_or_else(PoisonError::into_inner).count(now, source);
    }

    /// Takes the count of refusals that could not be written, if it is due or `all` is set.
    pub(crate) fn take_not_written(&self, now: Timestamp, all: bool) -> Option<Counted> {
        self.not_written.lock().unwrap_or_else(PoisonError::into_inner).take(now, all)
    }

    /// Takes the counts that are due, or all counts if `all` is set.
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
        let flood = (0..10_000).filter(|_| budget.through_source(NOW, address(1), ENROLLMENT_BYTES)).count();
        assert_eq!(flood, 60);
        assert!((0..5).all(|_| budget.through_source(NOW, address(2), ENROLLMENT_BYTES)));
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
        // Ten at once, and the nine that are refilled within the hour.
        assert_eq!(hour(0), 19);
        assert_eq!(hour(3_600), 10);
    }

    #[test]
    fn a_day_of_a_flood_from_one_source_is_an_eighth_and_from_everywhere_ten_megabytes() {
        let day = |source: &dyn Fn(i64) -> IpAddr| {
            let budget = RefusalBudget::new();
            let written =
                |second: &i64| budget.through_source(NOW.plus_seconds(*second), source(*second), ENROLLMENT_BYTES);
            (0..86_400).filter(written).count() as i64 * ENROLLMENT_BYTES
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
