//! Finds the number of people who share an address, from `shared_networks` of the settings.

use events::settings::SharedNetwork;
use std::net::IpAddr;

/// A range of addresses, such as `192.0.2.0/24` or `2001:db8::/48`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    address: IpAddr,
    prefix: u32,
}

impl Cidr {
    /// Parses a range. An address without a prefix length is a range of one address.
    ///
    /// # Errors
    /// Returns a message if the address or prefix length is invalid, or the address has bits beyond the prefix.
    pub(crate) fn parse(text: &str) -> Result<Cidr, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| format!("{address:?} is not an IP address"))?;
        let longest = bits(address).1;
        let prefix = match prefix {
            None => longest,
            Some(text) => text.parse().map_err(|_| format!("/{text} is not a prefix length"))?,
        };
        if prefix > longest {
            return Err(format!("/{prefix} is longer than an address of {longest} bits"));
        }
        let cidr = Cidr { address, prefix };
        if bits(address).0 & !cidr.mask() != 0 {
            return Err(format!("{text} has bits beyond its prefix: use the first address of the range"));
        }
        Ok(cidr)
    }

    pub(crate) fn prefix(self) -> u32 {
        self.prefix
    }

    pub(crate) fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }

    fn contains(self, address: IpAddr) -> bool {
        let same_family = self.address.is_ipv4() == address.is_ipv4();
        same_family && bits(address).0 & self.mask() == bits(self.address).0
    }

    fn mask(self) -> u128 {
        let longest = bits(self.address).1;
        let all = if longest == 32 { u128::from(u32::MAX) } else { u128::MAX };
        all.checked_shl(longest - self.prefix).unwrap_or(0) & all
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u32::from(address).into(), 32),
        IpAddr::V6(address) => (address.into(), 128),
    }
}

/// Returns the number of people who share `source`, from the narrowest range that contains it.
pub fn people(networks: &[SharedNetwork], source: IpAddr) -> Option<u32> {
    let source = source.to_canonical();
    let ranges = networks.iter().filter_map(|network| Some((Cidr::parse(&network.cidr).ok()?, network.people)));
    let holding = ranges.filter(|(range, _)| range.contains(source));
    holding.max_by_key(|(range, _)| range.prefix).map(|(_, people)| people)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people_at(source: &str) -> Option<u32> {
        let network = |cidr: &str, people| SharedNetwork { cidr: cidr.into(), people };
        let networks = [
            network("192.0.2.0/24", 900),
            network("192.0.2.7", 20),
            network("2001:db8:1::/48", 500),
            network("0.0.0.0/0", 1),
        ];
        people(&networks, source.parse().unwrap())
    }

    #[test]
    fn the_narrowest_range_that_holds_an_address_says_how_many_people_share_it() {
        assert_eq!(people_at("192.0.2.1"), Some(900));
        assert_eq!(people_at("192.0.2.7"), Some(20));
        assert_eq!(people_at("::ffff:192.0.2.1"), Some(900), "an IPv4-mapped IPv6 address counts as IPv4");
        assert_eq!(people_at("2001:db8:1:2::3"), Some(500));
        assert_eq!(people_at("2001:db8:2::3"), None);
        assert_eq!(people_at("198.51.100.1"), Some(1));
    }

    #[test]
    fn what_is_no_range_is_told_as_that() {
        for (text, why) in [
            ("school", "not an IP address"),
            ("192.0.2.0/33", "longer than"),
            ("192.0.2.0/x", "not a prefix length"),
            ("192.0.2.1/24", "bits beyond"),
        ] {
            assert!(Cidr::parse(text).unwrap_err().contains(why), "{text}");
        }
    }
}
