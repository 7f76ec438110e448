//! When a refusal is answered: on a beat, so that its time does not tell which names there are. A directory cannot be made to
//! take always as long; and an account of ours that is there costs more reading and unsealing than one that is not: well
//! under a millisecond, which forty tries on a quiet machine are enough to see.

use std::time::Duration;
use tokio::time::Instant;

/// Refusals are answered this long after their beginning, or twice, three times …: longer than a refusal takes when nobody
/// else is there.
const BEAT: Duration = Duration::from_millis(250);

/// Waits for the next beat of an attempt that began then.
pub(super) async fn wait_for_the_beat(begun: Instant) {
    let beats = u32::try_from(begun.elapsed().as_millis() / BEAT.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
    tokio::time::sleep_until(begun + BEAT.saturating_mul(beats)).await;
}
