//! Checks `shared_networks`: the ranges are valid and not wider than a network of one organization.

use super::Findings;
use crate::shared_networks::Cidr;
use events::settings::Settings;
use std::collections::BTreeSet;

/// Maximum of `people`: more than the people of any network behind one address.
const MOST_PEOPLE: u32 = 100_000;
/// Shortest allowed prefix for IPv4 and IPv6. A wider range hardly belongs to one organization.
const WIDEST: (u32, u32) = (8, 32);

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for network in &settings.shared_networks {
        let key = format!("shared_networks {:?}", network.cidr);
        match Cidr::parse(&network.cidr) {
            Err(why) => findings.wrong(format!("{key}: {why}; give a range such as \"192.0.2.0/24\"")),
            Ok(cidr) => {
                let widest = if cidr.is_ipv4() { WIDEST.0 } else { WIDEST.1 };
                if cidr.prefix() < widest {
                    findings
                        .wrong(format!("{key}: the range is too wide for one organization; give /{widest} or longer"));
                }
            }
        }
        if !(1..=MOST_PEOPLE).contains(&network.people) {
            findings.wrong(format!("{key}: people is {}; give a number from 1 to {MOST_PEOPLE}", network.people));
        }
        if !seen.insert(&network.cidr) {
            findings.wrong(format!("{key} is listed twice; remove one"));
        }
    }
}
