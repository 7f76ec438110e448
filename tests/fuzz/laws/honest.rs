//! Law about processor time. Valid messages are the measure: no input may cost more than twice as much as the most
//! expensive valid message of the same length.

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

/// Lengths in between use the cost of the next smaller step.
const STEP: usize = 4 * 1024;
/// Number of tries. A busy machine evicts the data of a message from its caches.
const TIMES: usize = 20;

/// Valid messages of one kind, and the function that reads such a message.
pub struct Honest {
    /// Creates the messages whose content has this many bytes.
    pub make: fn(usize) -> Vec<Vec<u8>>,
    pub read: fn(&[u8]),
    costs: Mutex<BTreeMap<usize, Duration>>,
}

impl Honest {
    pub const fn new(make: fn(usize) -> Vec<Vec<u8>>, read: fn(&[u8])) -> Honest {
        Honest { make, read, costs: Mutex::new(BTreeMap::new()) }
    }

    /// Checks that the input costs at most twice as much as a valid message.
    ///
    /// # Panics
    ///
    /// Panics if the input costs more than twice as much each time it is read.
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

/// Signers of valid messages, with the keys that take longest to verify.
pub static SIGNERS: LazyLock<[Identity; 2]> = LazyLock::new(|| {
    let curve = EcGroup::from_curve_name(Nid::SECP384R1).expect("a curve");
    let rsa = PKey::from_rsa(Rsa::generate(4096).expect("a key")).expect("a key");
    [rsa, PKey::from_ec_key(EcKey::generate(&curve).expect("a key")).expect("a key")].map(named)
});

fn named(key: PKey<Private>) -> Identity {
    self_signed(&subject(&[("CN".into(), "a device".into())]).expect("a name"), &key).expect("signed")
}
