//! The unavoidable work: operations with keys, and bytes on the disk before an answer.

use super::AT_ONCE;
use super::client::{Kind, Way};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::{Signer, Verifier};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Bytes of a stored event.
const EVENT: usize = 600;

#[derive(Clone, Copy)]
pub struct Limit {
    /// Duration of one operation with a private RSA-2048 key, and with a public one.
    pub private: Duration,
    pub public: Duration,
    /// One event's share of a synced write, if all concurrent events are written to a plain file and synced together.
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
        let write = || file.write_all(&bytes).and_then(|()| file.sync_data()).expect("the disk accepts the write");
        let synced = mean(100, write) / u32::try_from(AT_ONCE).expect("not that many");
        Limit { private: mean(200, || drop(sign())), public: mean(2_000, verify), synced }
    }

    /// Messages per second if this machine did nothing else. In TLS, devices open a new connection for each message,
    /// and their own work runs on this machine too.
    pub fn rate(&self, kind: Kind, way: Way) -> f64 {
        let computed = match way {
            // Verify two signatures: the one of the message, and the CA's in the certificate.
            Way::Signature => self.public * 2,
            // On each side: one signature, the verification of the other side's signature, and of the CA's signature in
            // its certificate.
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
