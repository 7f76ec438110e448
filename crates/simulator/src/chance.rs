//! The simulator's own time and randomness: it has no part in the server's world.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

/// A device's clock: the machine's, which a test may set forward.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now_in_milliseconds() / 1_000
    }

    /// Milliseconds since 1970.
    #[expect(clippy::disallowed_methods, reason = "a simulated device has a clock of its own")]
    pub fn now_in_milliseconds(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX) + self.ahead.load(Ordering::SeqCst) * 1_000
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// Random bytes.
///
/// # Panics
/// If the operating system gives no randomness.
#[expect(clippy::disallowed_methods, reason = "a simulated device draws its own random numbers")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    openssl::rand::rand_bytes(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// A random UUID, in capitals as Apple writes them.
pub fn uuid() -> String {
    uuid::Builder::from_random_bytes(bytes()).into_uuid().to_string().to_uppercase()
}

/// `length` random characters of `alphabet`.
pub fn text(alphabet: &str, length: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let pick = |_| {
        let number = u32::from_be_bytes(bytes()) as usize;
        alphabet[number % alphabet.len()]
    };
    (0..length).map(pick).collect()
}

/// An index below `bound`, or 0.
pub fn index(bound: usize) -> usize {
    usize::try_from(u32::from_be_bytes(bytes())).unwrap_or_default() % bound.max(1)
}
