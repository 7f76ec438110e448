//! Waits for asynchronous results: reactions, projections, timers, the next page of a browser.

use std::time::{Duration, Instant};

/// The time that anything may take before its test fails. It does not measure speed; it is long enough for a machine
/// under load.
pub const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

/// Polls until `look` returns a value; returns `None` if it does not within [`PATIENCE`].
pub async fn sought<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let seen = look().await;
        if seen.is_some() || begun.elapsed() > PATIENCE {
            return seen;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Polls until `look` returns a value; the test fails if it does not within [`PATIENCE`].
pub async fn seen<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    sought(look).await.unwrap_or_else(|| panic!("{what}: not within {PATIENCE:?}"))
}

/// Waits until `is_so` returns true; the test fails if it does not within [`PATIENCE`].
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    seen(what, async || is_so().await.then_some(())).await;
}
