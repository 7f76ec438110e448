//! Who holds the room there is, and which connection goes when there is none left.

use events::device::DeviceId;
use events::person::PersonId;
use events::staff::StaffId;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Who was proven to speak on a connection. A device is the same one whichever certificate of its own it speaks with, in TLS or under
/// its bodies, before and after a renewal; people and programs are the same ones in each of their sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identity {
    /// With the person it is enrolled for.
    Device(DeviceId, PersonId),
    /// Of the portal.
    Person(PersonId),
    /// Of the console.
    Staff(StaffId),
    /// With a token of the API.
    Program(StaffId),
}

impl Identity {
    /// The kind, as the log calls it.
    pub fn kind(self) -> &'static str {
        match self {
            Identity::Device(..) => "device",
            Identity::Person(_) => "person",
            Identity::Staff(_) => "staff member",
            Identity::Program(_) => "API token",
        }
    }

    // Whose share its connections come from: a person has one, over all their devices.
    fn holder(self) -> Holder {
        match self {
            Identity::Device(_, person) | Identity::Person(person) => Holder::Person(person),
            Identity::Staff(_) | Identity::Program(_) => Holder::Other(self),
        }
    }

    /// The id; no secret, and no name.
    pub fn id(self) -> String {
        match self {
            Identity::Device(id, _) => id.to_string(),
            Identity::Person(id) => id.to_string(),
            Identity::Staff(id) | Identity::Program(id) => id.to_string(),
        }
    }
}

/// Who has a share of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Person(PersonId),
    Other(Identity),
}

/// So many connections of one holder are never ended to make room: a browser opens six.
pub const KEPT: usize = 8;
/// Nor so many for each identity of a person on average: a device opens one or two, and some people enrolled a hundred.
pub const KEPT_OF_EACH: usize = 2;

/// A connection that is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// Nobody has proven who they are on it.
    Unproven(u64),
    Of(Identity, u64),
}

/// The connections that may have to go, by their numbers: those with lower numbers are older.
#[derive(Debug, Default)]
pub struct Holders {
    unproven: HashMap<IpAddr, BTreeSet<u64>>,
    proven: HashMap<Holder, Theirs>,
    /// Who holds which of the proven ones.
    identities: HashMap<u64, Identity>,
}

/// What one holder has, by identity.
#[derive(Debug, Default)]
struct Theirs {
    of_each: HashMap<Identity, BTreeSet<u64>>,
    count: usize,
}

impl Theirs {
    fn keeps(&self) -> usize {
        KEPT.max(KEPT_OF_EACH * self.of_each.len())
    }

    // Of the identity that holds most.
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
    /// Takes up a connection on which nobody has proven anything yet.
    pub fn add(&mut self, source: IpAddr, number: u64) {
        self.unproven.entry(source).or_default().insert(number);
    }

    /// It is held by this identity from now on. Where several speak on one connection, it is the last one's.
    pub fn prove(&mut self, source: IpAddr, number: u64, identity: Identity) {
        if self.identities.get(&number) != Some(&identity) {
            self.remove(source, number);
            let theirs = self.proven.entry(identity.holder()).or_default();
            theirs.of_each.entry(identity).or_default().insert(number);
            theirs.count += 1;
            self.identities.insert(number, identity);
        }
    }

    /// It is gone, or on its way out.
    pub fn remove(&mut self, source: IpAddr, number: u64) {
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

    /// The connection that goes for a newcomer. Whoever holds most loses one, be it a source without a proven identity, or a holder with more
    /// than is kept for it; of two that hold as many, the source. A source loses its oldest; a holder, of the identity that has most, the oldest
    /// without a request under way, where there is one. Sources are not asked how many identities they have: a school has many.
    pub fn victim(&self, is_idle: impl Fn(u64) -> bool) -> Option<Victim> {
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

// Of those that hold as many, the one that has held longest.
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
        // Another person holds less, but more than a device is kept.
        hold(&mut holders, device_of(2, 100), 1000..1008);
        let mut ended = 0;
        while let Some(Victim::Of(identity, number)) = holders.victim(|_| true) {
            assert_eq!(identity.holder(), device_of(1, 0).holder());
            holders.remove(SOURCE, number);
            ended += 1;
        }
        assert_eq!(ended, 18 * 8 - 18 * 2);
        assert!((0..18).all(|nth| holders.proven[&device_of(1, nth).holder()].of_each[&device_of(1, nth)].len() == 2));
        // Whoever enrolled a hundred iPads, each of which has one or two, is not the one to go.
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
        // Whoever speaks last on a connection holds it.
        holders.prove(SOURCE, 0, three[1]);
        assert_eq!(holders.victim(|_| true), Some(Victim::Of(three[1], 0)));
    }
}
