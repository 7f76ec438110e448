//! The only time and chance: everything else gets them from here, so that tests bring their own.

use events::envelope::EventId;
pub use events::envelope::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn at(start: Timestamp) -> ManualClock {
        ManualClock(AtomicI64::new(start.0))
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Time and chance, handed to whoever needs them.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<dyn Clock>,
}

impl World {
    /// The machine's clock and OpenSSL's random numbers.
    pub fn system() -> World {
        World { clock: Arc::new(SystemClock) }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Random bytes fit for secrets.
    ///
    /// # Panics
    /// If the operating system gives no randomness: nothing can be done safely then.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0u8; N];
        World::fill(&mut bytes);
        bytes
    }

    /// Fills bytes with randomness fit for secrets: what the key store is given to make keys with.
    ///
    /// # Panics
    /// If the operating system gives no randomness: nothing can be done safely then.
    #[expect(clippy::disallowed_methods, reason = "the one place that draws random numbers")]
    pub fn fill(bytes: &mut [u8]) {
        openssl::rand::rand_bytes(bytes).expect("the operating system gives randomness");
    }

    /// Some number from 0 to 1: spreads what would otherwise happen all at once.
    pub fn chance(&self) -> f64 {
        f64::from(u32::from_be_bytes(self.random())) / f64::from(u32::MAX)
    }

    /// A fresh UUIDv7.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().0 / 1_000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
    }

    /// A fresh id for an event, made before the first try to append it.
    pub fn event_id(&self) -> EventId {
        EventId(self.uuid())
    }

    /// A fresh random UUID (version 4), which tells nothing, not even its time.
    pub fn random_uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random()).into_uuid()
    }

    /// A secret of 256 bits, base64url without padding.
    pub fn secret(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.random::<32>())
    }
}
