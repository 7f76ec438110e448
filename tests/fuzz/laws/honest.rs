//! What honest messages cost in processor time, as the measure for all others: nobody makes the server work more than twice as
//! much as the costliest honest message of the same length does.

use super::limits::processor_time;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use simulator::certificate_request::{self_signed, subject};
use simulator::signature::Identity;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// Lengths in between cost what the next smaller one does.
const STEP: usize = 4 * 1024;
/// A machine that is busy with something else evicts what a message needs from its caches.
const TIMES: usize = 20;

/// Honest messages of a kind, and how such a message is read.
pub struct Honest {
    /// Those whose content has so many bytes.
    pub make: fn(usize) -> Vec<Vec<u8>>,
    pub read: fn(&[u8]),
    costs: Mutex<BTreeMap<usize, Duration>>,
}

impl Honest {
    pub const fn new(make: fn(usize) -> Vec<Vec<u8>>, read: fn(&[u8])) -> Honest {
        Honest { make, read, costs: Mutex::new(BTreeMap::new()) }
    }

    /// # Panics
    /// If the input costs more than twice as much, each time it is read.
    pub fn costs_as_much_as(&self, input: &[u8]) {
        let honest = self.cost(input.len() / STEP * STEP);
        let least = (0..TIMES).map(|_| self.once(input)).find(|took| *took <= 2 * honest);
        assert!(
            least.is_some(),
            "{} bytes of input cost more than twice the {honest:?} of an honest message",
            input.len()
        );
    }

    fn cost(&self, length: usize) -> Duration {
        let mut costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        *costs.entry(length).or_insert_with(|| {
            let least = |message: &Vec<u8>| (0..TIMES).map(|_| self.once(message)).min().unwrap_or_default();
            (self.make)(length).iter().map(least).max().unwrap_or_default()
        })
    }

    fn once(&self, input: &[u8]) -> Duration {
        let begun = processor_time();
        (self.read)(input);
        processor_time() - begun
    }
}

/// Those who sign honestly, with the keys that take longest to verify with.
pub static SIGNERS: LazyLock<[Identity; 2]> = LazyLock::new(|| {
    let curve = EcGroup::from_curve_name(Nid::SECP384R1).expect("a curve");
    let rsa = PKey::from_rsa(Rsa::generate(4096).expect("a key")).expect("a key");
    [rsa, PKey::from_ec_key(EcKey::generate(&curve).expect("a key")).expect("a key")].map(named)
});

fn named(key: PKey<Private>) -> Identity {
    self_signed(&subject(&[("CN".into(), "a device".into())]).expect("a name"), &key).expect("signed")
}
