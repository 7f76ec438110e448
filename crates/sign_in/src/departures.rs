//! Rate limits for starting single sign-on. Each start writes events or a row before anything is proven. A successful
//! sign-in refunds its start, so only round trips that never succeed use up the limits.

use crate::redirect::Place;
use events::Timestamp;
use identity::throttle::network;
use platform::budgets::{Allowance, Shares};
use std::net::IpAddr;

/// Limit for one source: 1,000 at once, then one a minute. A whole school may start at the same time from one address.
/// At the portal each start takes about 1.5 kB of the log: less than 4 MB a day.
const OF_SOURCE: Allowance = Allowance { burst: 1_000, refill: 60_000_000 };
/// Limit for all sources together: 10,000 at once, then one every ten seconds. Less than 30 MB a day.
const OF_ALL: Allowance = Allowance { burst: 10_000, refill: 10_000_000 };
/// Limit for the first starts of a site, in addition to [`OF_ALL`]: 20 at once, then one a minute. If a few sources use
/// up [`OF_ALL`], other sites can still sign in.
const FIRST_OF_SITE: Allowance = Allowance { burst: 20, refill: 60_000_000 };
/// Limit for the first starts of all sites together: 10,000 at once, then one a second.
const FIRST_OF_ALL: Allowance = Allowance { burst: 10_000, refill: 1_000_000 };

/// Starts of single sign-on, with separate limits for visitors and staff: load at the portal does not lock an
/// administrator out.
#[derive(Debug)]
pub(crate) struct Departures {
    visitors: Bucket,
    staff: Bucket,
}

#[derive(Debug)]
struct Bucket {
    of_source: Shares<IpAddr>,
    of_all: Shares<()>,
    first_of_site: Shares<IpAddr>,
    first_of_all: Shares<()>,
}

impl Departures {
    pub(crate) fn new() -> Departures {
        let bucket = || Bucket {
            of_source: Shares::new(OF_SOURCE),
            of_all: Shares::new(OF_ALL),
            first_of_site: Shares::new(FIRST_OF_SITE),
            first_of_all: Shares::new(FIRST_OF_ALL),
        };
        Departures { visitors: bucket(), staff: bucket() }
    }

    /// Refunds one start from `source`, because the provider proved the account.
    pub(crate) fn came_back(&self, place: Place, source: IpAddr) {
        let bucket = self.of(place);
        bucket.of_source.give_back(&network(source), 1);
        bucket.of_all.give_back(&(), 1);
        bucket.first_of_site.give_back(&site(source), 1);
        bucket.first_of_all.give_back(&(), 1);
    }

    /// Takes one start for `source`. Returns `false` if the limits are used up.
    pub(crate) fn take(&self, now: Timestamp, place: Place, source: IpAddr) -> bool {
        let bucket = self.of(place);
        // A source beyond its own limit takes nothing from the shared limits.
        if !bucket.of_source.take(now, network(source), 1) {
            return false;
        }
        let first = bucket.first_of_site.take(now, site(source), 1) && bucket.first_of_all.take(now, (), 1);
        let granted = first || bucket.of_all.take(now, (), 1);
        if !granted {
            bucket.of_source.give_back(&network(source), 1);
        }
        granted
    }

    fn of(&self, place: Place) -> &Bucket {
        match place {
            Place::Portal => &self.visitors,
            Place::Console => &self.staff,
        }
    }
}

/// Returns the site of an address: the /48 of an IPv6 address, because one IPv6 customer may have a whole /48 (RFC
/// 6177).
fn site(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 80)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn gone(departures: &Departures, now: Timestamp, place: Place, source: IpAddr, tries: usize) -> usize {
        (0..tries).filter(|_| departures.take(now, place, source)).count()
    }

    fn address(nth: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + nth).to_be_bytes())
    }

    #[test]
    fn a_whole_school_may_set_out_at_the_bell() {
        let departures = Departures::new();
        assert_eq!(gone(&departures, NOW, Place::Portal, address(1), 3_000), 1_000);
        assert_eq!(gone(&departures, NOW.plus_seconds(120), Place::Portal, address(1), 10), 2);
        (0..300).for_each(|_| departures.came_back(Place::Portal, address(1)));
        assert_eq!(gone(&departures, NOW.plus_seconds(120), Place::Portal, address(1), 3_000), 300, "refunded starts");
    }

    #[test]
    fn a_source_that_used_up_its_share_stops_neither_another_nor_staff() {
        let departures = Departures::new();
        gone(&departures, NOW, Place::Portal, address(1), 50_000);
        assert_eq!(gone(&departures, NOW, Place::Portal, address(1), 1), 0);
        assert_eq!(gone(&departures, NOW, Place::Portal, address(2), 100), 100);
        assert_eq!(gone(&departures, NOW, Place::Console, address(1), 100), 100, "staff at the same address");
    }

    #[test]
    fn a_flood_from_everywhere_does_not_stop_staff() {
        let departures = Departures::new();
        let all: usize = (0..30_000).map(|nth| gone(&departures, NOW, Place::Portal, address(nth), 1)).sum();
        assert_eq!(all, 20_000);
        assert_eq!(gone(&departures, NOW, Place::Console, address(1), 1), 1);
    }

    #[test]
    fn a_few_sources_that_use_up_what_is_there_for_all_keep_nobody_else_out() {
        let departures = Departures::new();
        let all: usize = (1..=20).map(|nth| gone(&departures, NOW, Place::Portal, address(nth), 3_000)).sum();
        assert!((10_000..11_000).contains(&all), "{all}");
        assert_eq!(gone(&departures, NOW, Place::Portal, address(99), 100), 20, "the first starts of another site");
        let of_site = |network: u16| IpAddr::from([0x2001, 0xdb8, 1, network, 0, 0, 0, 1]);
        let of_one_site: usize = (0..100).map(|nth| gone(&departures, NOW, Place::Portal, of_site(nth), 1)).sum();
        assert_eq!(of_one_site, 20, "networks of one site count as one");
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_share() {
        let departures = Departures::new();
        let host = |host: u16| IpAddr::from([0x2001, 0xdb8, 1, 2, 0, 0, 0, host]);
        let all: usize = (0..3_000).map(|nth| gone(&departures, NOW, Place::Portal, host(nth), 1)).sum();
        assert_eq!(all, 1_000);
    }
}
