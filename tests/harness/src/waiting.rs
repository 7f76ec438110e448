//! Waiting for what happens by itself: reactions, projections, timers, the next page of a browser.

use std::time::{Duration, Instant};

/// How long anything may take before its test fails: no measure of speed, but long enough for a machine under load.
pub const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

/// What is seen in the end; `None` if it has not come within [`PATIENCE`].
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

/// What is seen in the end; the test fails if it does not come.
pub async fn seen<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    sought(look).await.unwrap_or_else(|| panic!("{what}: it did not come within {PATIENCE:?}"))
}

/// Until it is so; the test fails if it never is.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    seen(what, async || is_so().await.then_some(())).await;
}
