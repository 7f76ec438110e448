//! When a refusal is answered: on a beat, after everything about it was written, so that its time does not tell which names
//! there are. A directory cannot be made to take always as long; an account of ours that is there costs more reading and
//! unsealing than one that is not; and whether a refusal is written or counted may depend on the account.

use std::time::Duration;
use tokio::time::Instant;

/// Refusals are answered this long after their beginning, or twice, three times …: longer than a refusal takes when nobody
/// else is there.
const BEAT: Duration = Duration::from_millis(250);

/// The beat of one attempt, counted from its beginning. One that was not judged has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat(Option<Instant>);

impl Beat {
    pub(super) fn since(begun: Instant) -> Beat {
        Beat(Some(begun))
    }

    pub(super) fn none() -> Beat {
        Beat(None)
    }

    /// Waits for the next beat.
    pub async fn wait(self) {
        let Some(begun) = self.0 else { return };
        let beats = u32::try_from(begun.elapsed().as_millis() / BEAT.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
        tokio::time::sleep_until(begun + BEAT.saturating_mul(beats)).await;
    }
}
