//! What cannot be done without: operations with keys, and bytes on the disk before anything is answered.

use super::AT_ONCE;
use super::client::{Kind, Way};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::{Signer, Verifier};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Bytes of an event as it is stored.
const EVENT: usize = 600;

#[derive(Clone, Copy)]
pub struct Limit {
    /// One operation with a private RSA-2048 key, with the public one.
    pub private: Duration,
    pub public: Duration,
    /// An event's share, where as many as are under way are written to a plain file and synced together.
    pub synced: Duration,
}

impl Limit {
    pub fn measure() -> Limit {
        let key = PKey::from_rsa(Rsa::generate(2048).expect("a key is made")).expect("a key");
        let sign = || {
            let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
            signer.sign_oneshot_to_vec(b"a message").expect("signed")
        };
        let signature = sign();
        let verify = || {
            let mut verifier = Verifier::new(MessageDigest::sha256(), &key).expect("a verifier");
            assert!(verifier.verify_oneshot(&signature, b"a message").expect("verified"));
        };
        let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
        let bytes = vec![b'x'; EVENT * AT_ONCE];
        let write = || file.write_all(&bytes).and_then(|()| file.sync_data()).expect("a disk that takes it");
        let synced = mean(100, write) / u32::try_from(AT_ONCE).expect("not that many");
        Limit { private: mean(200, || drop(sign())), public: mean(2_000, verify), synced }
    }

    /// Messages a second, if nothing else were to be done, on this machine: devices in TLS connect anew for each, and what
    /// they do for it is done here as well.
    pub fn rate(&self, kind: Kind, way: Way) -> f64 {
        let computed = match way {
            // The message's signature; the CA's under the certificate.
            Way::Signature => self.public * 2,
            // On either side one signature and the check of the other's; the CA's under both certificates.
            Way::MutualTls => self.private * 2 + self.public * 4,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let written = if kind == Kind::Poll { Duration::ZERO } else { self.synced };
        1.0 / (computed.as_secs_f64() / cores as f64 + written.as_secs_f64())
    }
}

fn mean(times: u32, mut work: impl FnMut()) -> Duration {
    let begun = Instant::now();
    (0..times).for_each(|_| work());
    begun.elapsed() / times
}
