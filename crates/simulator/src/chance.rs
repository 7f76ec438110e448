//! Clock and randomness of the simulator, independent of the server's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

/// A device's clock: the machine's clock, which a test may advance.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Current time in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now_in_milliseconds() / 1_000
    }

    /// Current time in milliseconds since 1970.
    #[expect(clippy::disallowed_methods, reason = "a simulated device has a clock of its own")]
    pub(crate) fn now_in_milliseconds(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX) + self.ahead.load(Ordering::SeqCst) * 1_000
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// Returns random bytes.
///
/// # Panics
/// Panics if the operating system provides no randomness.
#[expect(clippy::disallowed_methods, reason = "a simulated device draws its own random numbers")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    openssl::rand::rand_bytes(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// Returns a random UUID in upper case, as Apple writes them.
pub fn uuid() -> String {
    uuid::Builder::from_random_bytes(bytes()).into_uuid().to_string().to_uppercase()
}

/// Returns `length` random characters of `alphabet`.
pub fn text(alphabet: &str, length: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let pick = |_| {
        let number = u32::from_be_bytes(bytes()) as usize;
        alphabet[number % alphabet.len()]
    };
    (0..length).map(pick).collect()
}

/// Returns a random index below `bound`, or 0.
pub fn index(bound: usize) -> usize {
    usize::try_from(u32::from_be_bytes(bytes())).unwrap_or_default() % bound.max(1)
}
