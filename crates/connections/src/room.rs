//! Counts connections by holder, and selects the connection to close if there is no room.

use events::device::DeviceId;
use events::person::PersonId;
use events::staff::StaffId;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Proven identity of a connection's peer. A device stays the same identity whichever of its certificates it uses, in
/// TLS or under its bodies, before and after a renewal. People and programs stay the same identity in each of their
/// sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identity {
    /// A device, with the person it is enrolled for.
    Device(DeviceId, PersonId),
    /// A person at the portal.
    Person(PersonId),
    /// A staff member at the console.
    Staff(StaffId),
    /// A program with an API token.
    Program(StaffId),
}

impl Identity {
    /// Returns the kind's name in the log.
    pub fn kind(self) -> &'static str {
        match self {
            Identity::Device(..) => "device",
            Identity::Person(_) => "person",
            Identity::Staff(_) => "staff member",
            Identity::Program(_) => "API token",
        }
    }

    // Returns the holder whose share the connections use. A person has one share for all their devices.
    fn holder(self) -> Holder {
        match self {
            Identity::Device(_, person) | Identity::Person(person) => Holder::Person(person),
            Identity::Staff(_) | Identity::Program(_) => Holder::Other(self),
        }
    }

    /// Returns the id, which is neither a secret nor a name.
    pub fn id(self) -> String {
        match self {
            Identity::Device(id, _) => id.to_string(),
            Identity::Person(id) => id.to_string(),
            Identity::Staff(id) | Identity::Program(id) => id.to_string(),
        }
    }
}

/// Holder of a share of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Person(PersonId),
    Other(Identity),
}

/// Number of connections of one holder that are never closed to make room: a browser opens six.
pub(crate) const KEPT: usize = 8;
/// Number of connections for each identity of a person, on average, that are never closed either: a device opens one
/// or two, and some people have enrolled a hundred devices.
pub(crate) const KEPT_OF_EACH: usize = 2;

/// A connection that is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// A connection without a proven identity.
    Unproven(u64),
    /// A connection with this proven identity, and its number.
    Of(Identity, u64),
}

/// Connections that can be closed to make room, by number; lower numbers are older.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    unproven: HashMap<IpAddr, BTreeSet<u64>>,
    proven: HashMap<Holder, Theirs>,
    /// Identities of the connections with a proven one.
    identities: HashMap<u64, Identity>,
}

/// Connections of one holder, by identity.
#[derive(Debug, Default)]
struct Theirs {
    of_each: HashMap<Identity, BTreeSet<u64>>,
    count: usize,
}

impl Theirs {
    fn keeps(&self) -> usize {
        KEPT.max(KEPT_OF_EACH * self.of_each.len())
    }

    // Selects a connection of the identity with the most connections.
    fn victim(&self, is_idle: impl Fn(u64) -> bool) -> Option<Victim> {
        let (identity, held) = fullest(&self.of_each)?;
        let oldest = held.iter().find(|number| is_idle(**number)).or(held.first())?;
        Some(Victim::Of(*identity, *oldest))
    }

    fn oldest(&self) -> Option<u64> {
        self.of_each.values().filter_map(|held| held.first().copied()).min()
    }
}

impl Holders {
    /// Adds a connection without a proven identity.
    pub(crate) fn add(&mut self, source: IpAddr, number: u64) {
        self.unproven.entry(source).or_default().insert(number);
    }

    /// Assigns a connection to an identity. If several identities use one connection, the last one counts.
    pub(crate) fn prove(&mut self, source: IpAddr, number: u64, identity: Identity) {
        if self.identities.get(&number) != Some(&identity) {
            self.remove(source, number);
            let theirs = self.proven.entry(identity.holder()).or_default();
            theirs.of_each.entry(identity).or_default().insert(number);
            theirs.count += 1;
            self.identities.insert(number, identity);
        }
    }

    /// Removes a connection that is closed or being closed.
    pub(crate) fn remove(&mut self, source: IpAddr, number: u64) {
        forget(&mut self.unproven, &source, number);
        let Some(identity) = self.identities.remove(&number) else { return };
        if let Some(theirs) = self.proven.get_mut(&identity.holder()) {
            forget(&mut theirs.of_each, &identity, number);
            theirs.count -= 1;
            if theirs.count == 0 {
                self.proven.remove(&identity.holder());
            }
        }
    }

    /// Selects the connection to close for a new one. The holder with the most connections loses one. This is either a
    /// source without a proven identity, or a holder with more than its protected number; if both have the same
    /// number, it is the source. A source loses its oldest connection. A holder loses the oldest without a request in
    /// progress, else the oldest, of its identity with the most connections. Sources are not limited by their number
    /// of identities: a school has many.
    pub(crate) fn victim(&self, is_idle: impl Fn(u64) -> bool) -> Option<Victim> {
        let strangers = fullest(&self.unproven);
        let above = self.proven.values().filter(|theirs| theirs.count > theirs.keeps());
        let holder = above.max_by_key(|theirs| (theirs.count, Reverse(theirs.oldest())));
        match (strangers, holder) {
            (Some((_, strangers)), Some(theirs)) if strangers.len() >= theirs.count => unproven(strangers),
            (_, Some(theirs)) => theirs.victim(is_idle),
            (Some((_, strangers)), None) => unproven(strangers),
            (None, None) => None,
        }
    }
}

fn unproven(held: &BTreeSet<u64>) -> Option<Victim> {
    held.first().copied().map(Victim::Unproven)
}

// Returns the holder with the most connections; among equals the one with the oldest.
fn fullest<K>(holders: &HashMap<K, BTreeSet<u64>>) -> Option<(&K, &BTreeSet<u64>)> {
    holders.iter().max_by_key(|(_, held)| (held.len(), Reverse(held.first().copied())))
}

fn forget<K: std::hash::Hash + Eq>(holders: &mut HashMap<K, BTreeSet<u64>>, holder: &K, number: u64) {
    if let Some(held) = holders.get_mut(holder) {
        held.remove(&number);
        if held.is_empty() {
            holders.remove(holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn device(nth: u128) -> Identity {
        device_of(nth, nth)
    }

    fn device_of(person: u128, nth: u128) -> Identity {
        Identity::Device(DeviceId(Uuid::from_u128(nth)), PersonId(Uuid::from_u128(person)))
    }

    fn hold(holders: &mut Holders, identity: Identity, numbers: std::ops::Range<u64>) {
        for number in numbers {
            holders.add(SOURCE, number);
            holders.prove(SOURCE, number, identity);
        }
    }

    #[test]
    fn an_identity_that_holds_most_loses_its_oldest_idle_connection_and_keeps_a_few() {
        let mut holders = Holders::default();
        hold(&mut holders, device(1), 0..20);
        holders.add(SOURCE, 100);
        assert_eq!(holders.victim(|number| number > 4), Some(Victim::Of(device(1), 5)));
        assert_eq!(holders.victim(|_| false), Some(Victim::Of(device(1), 0)), "work is no shelter");
        (0..20 - KEPT as u64).for_each(|number| holders.remove(SOURCE, number));
        assert_eq!(holders.victim(|_| true), Some(Victim::Unproven(100)), "the newcomer, where each holds a few");
        holders.remove(SOURCE, 100);
        assert_eq!(holders.victim(|_| true), None);
    }

    #[test]
    fn strangers_of_a_source_that_holds_as_many_go_before_an_identity() {
        let mut holders = Holders::default();
        hold(&mut holders, device(1), 0..20);
        (20..39).for_each(|number| holders.add(SOURCE, number));
        assert_eq!(holders.victim(|_| true), Some(Victim::Of(device(1), 0)));
        holders.add(SOURCE, 39);
        assert_eq!(holders.victim(|_| true), Some(Victim::Unproven(20)));
    }

    #[test]
    fn many_identities_of_one_source_are_not_one_that_holds_much() {
        let mut holders = Holders::default();
        for nth in 0..500 {
            hold(&mut holders, device(nth.into()), 2 * nth..2 * nth + 2);
        }
        let staff = Identity::Staff(StaffId(Uuid::from_u128(1)));
        hold(&mut holders, staff, 1000..1009);
        assert_eq!(holders.victim(|_| true), Some(Victim::Of(staff, 1000)));
        holders.remove(SOURCE, 1000);
        assert_eq!(holders.victim(|_| true), None);
    }

    #[test]
    fn the_devices_of_a_person_have_one_share_and_two_connections_each() {
        let mut holders = Holders::default();
        for nth in 0..18 {
            hold(&mut holders, device_of(1, nth), nth as u64 * 8..nth as u64 * 8 + 8);
        }
        // Another person has fewer connections, but more than one device's protected number.
        hold(&mut holders, device_of(2, 100), 1000..1008);
        let mut ended = 0;
        while let Some(Victim::Of(identity, number)) = holders.victim(|_| true) {
            assert_eq!(identity.holder(), device_of(1, 0).holder());
            holders.remove(SOURCE, number);
            ended += 1;
        }
        assert_eq!(ended, 18 * 8 - 18 * 2);
        assert!((0..18).all(|nth| holders.proven[&device_of(1, nth).holder()].of_each[&device_of(1, nth)].len() == 2));
        // A person with a hundred iPads, each with one or two connections, loses none.
        let mut holders = Holders::default();
        for nth in 0..100 {
            hold(&mut holders, device_of(1, nth), nth as u64 * 2..nth as u64 * 2 + 2);
        }
        assert_eq!(holders.victim(|_| true), None);
        hold(&mut holders, device_of(2, 200), 1000..1009);
        assert_eq!(holders.victim(|_| true), Some(Victim::Of(device_of(2, 200), 1000)));
    }

    #[test]
    fn a_person_and_a_staff_member_and_a_program_of_one_id_are_three() {
        let mut holders = Holders::default();
        let id = Uuid::from_u128(7);
        let three = [Identity::Person(PersonId(id)), Identity::Staff(StaffId(id)), Identity::Program(StaffId(id))];
        for (nth, identity) in (0..).zip(three) {
            hold(&mut holders, identity, nth * 8..nth * 8 + 8);
        }
        assert_eq!(holders.victim(|_| true), None);
        // The last identity on a connection holds it.
        holders.prove(SOURCE, 0, three[1]);
        assert_eq!(holders.victim(|_| true), Some(Victim::Of(three[1], 0)));
    }
}
