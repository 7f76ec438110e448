//! Delays the answers to rejected sign-ins to a multiple of 250 ms, after all events are written, so that timing does
//! not reveal which names exist. The work differs between names: a directory does not always take the same time, an
//! existing local account needs more reads and decryption than a missing one, and whether a refusal is written or only
//! counted may depend on the account.

use std::time::Duration;
use tokio::time::Instant;

/// Refusals are answered at a multiple of this time after the attempt began. It is longer than a refusal takes on an
/// idle server.
const BEAT: Duration = Duration::from_millis(250);

/// The beat of one attempt, counted from its beginning. An attempt whose password was not checked has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat(Option<Instant>);

impl Beat {
    pub(super) fn since(begun: Instant) -> Beat {
        Beat(Some(begun))
    }

    pub(super) fn none() -> Beat {
        Beat(None)
    }

    /// Waits for the next beat. Returns at once if there is none.
    pub async fn wait(self) {
        let Some(begun) = self.0 else { return };
        let beats = u32::try_from(begun.elapsed().as_millis() / BEAT.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
        tokio::time::sleep_until(begun + BEAT.saturating_mul(beats)).await;
    }
}
