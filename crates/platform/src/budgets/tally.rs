//! Counts suppressed events by source until the count is written.

use super::Cadence;
use events::Timestamp;
use identity::throttle::network;
use std::collections::HashMap;
use std::net::IpAddr;

/// Maximum number of sources named; the others are counted together.
const LARGEST_SOURCES: usize = 20;
/// Maximum number of sources counted separately between two writes; later ones are counted together.
const CAPACITY: usize = 10_000;

/// A count by source that is not written yet.
#[derive(Debug, Default)]
pub struct Tally {
    of_source: HashMap<IpAddr, u64>,
    others: u64,
    cadence: Cadence,
}

/// The counts: the sources with the most events, largest first, and all others together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    pub sources: Vec<(IpAddr, u64)>,
    pub others: u64,
}

impl Counted {
    pub fn total(&self) -> u64 {
        self.sources.iter().map(|(_, count)| count).sum::<u64>() + self.others
    }
}

impl Tally {
    /// Counts one event from `source`; an IPv6 network (/64) is one source.
    pub fn count(&mut self, now: Timestamp, source: IpAddr) {
        self.cadence.counts(now);
        let source = network(source);
        if self.of_source.len() < CAPACITY || self.of_source.contains_key(&source) {
            *self.of_source.entry(source).or_default() += 1;
        } else {
            self.others += 1;
        }
    }

    /// Returns the counts that are due, by the cadence or unconditionally (`all`), for example when the server stops.
    pub fn take(&mut self, now: Timestamp, all: bool) -> Option<Counted> {
        let empty = self.of_source.is_empty() && self.others == 0;
        if empty || !(all || self.cadence.is_due(now)) {
            return None;
        }
        self.cadence.wrote(now);
        let mut sources: Vec<_> = std::mem::take(&mut self.of_source).into_iter().collect();
        sources.sort_by_key(|(source, count)| (std::cmp::Reverse(*count), *source));
        let rest: u64 = sources.iter().skip(LARGEST_SOURCES).map(|(_, count)| count).sum();
        sources.truncate(LARGEST_SOURCES);
        Some(Counted { sources, others: std::mem::take(&mut self.others) + rest })
    }

    /// Returns whether nothing needs to be remembered.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.of_source.is_empty() && self.others == 0 && self.cadence.is_over(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn address(nth: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + nth).to_be_bytes())
    }

    #[test]
    fn the_twenty_largest_sources_are_named_and_the_rest_are_others() {
        let mut tally = Tally::default();
        for nth in 0..30 {
            (0..=nth).for_each(|_| tally.count(NOW, address(nth)));
        }
        assert_eq!(tally.take(NOW.plus_seconds(59), false), None, "not before a minute has passed");
        let counted = tally.take(NOW.plus_seconds(60), false).unwrap();
        assert_eq!((counted.sources.len(), counted.sources[0], counted.others), (20, (address(29), 30), 55));
        assert_eq!(counted.total(), 465);
        assert_eq!(tally.take(NOW.plus_seconds(60), true), None, "it is counted once");
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_what_is_remembered_is_bounded() {
        let mut tally = Tally::default();
        (0..9).for_each(|host| tally.count(NOW, IpAddr::from([0x2001, 0xdb8, 1, 2, 0, 0, 0, host])));
        let counted = tally.take(NOW, true).unwrap();
        assert_eq!(counted.sources, [("2001:db8:1:2::".parse().unwrap(), 9)]);
        (0..60_000).for_each(|nth| tally.count(NOW, address(nth)));
        assert_eq!(tally.of_source.len(), CAPACITY);
        assert_eq!(tally.take(NOW, true).unwrap().total(), 60_000);
    }
}
