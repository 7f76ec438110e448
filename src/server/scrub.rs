//! Background scrub of the log: finds damage in parts that are rarely read.
//!
//! A pass over the whole log begins once a day and reads at most [`RATE`] bytes a second. So a log of up to 1.2 TB is
//! checked at least weekly. The position is stored in `projections/common.db`, so a pass continues after a restart. If
//! that file is lost, the pass begins again.
//!
//! Damaged positions are stored there too. After a restart they are checked first, together with the next part of the
//! log. Until then `/readyz` reports not ready, so a server with known damage never reports ready.

use crate::app::App;
use events::Position;
use events::store::ReadError;
use platform::backoff::Backoff;
use std::time::Duration;

/// Bytes per second: a light load for any disk, and a few percent of a core.
const RATE: usize = 2_000_000;
/// Bytes per part. A part is one short read transaction.
const PART_BYTES: usize = 256 * 1_024;
/// Parts between two writes of the position. A restart repeats at most 16 MB.
const PARTS_BETWEEN_NOTES: u64 = 64;
const BETWEEN_PASSES: Duration = Duration::from_secs(24 * 3_600);
/// Wait after an error: the first wait and the longest one.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
const AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(6 * 3_600);
/// Name of the position in `projections/common.db`.
const CHECKPOINT: &str = "scrub";
/// Maximum number of stored damaged positions. One is enough to be not ready.
const MOST_KEPT: usize = 1_000;
/// The part that `/readyz` reports as a problem until the first check is done.
pub(super) const PART: &str = "scrub";

/// Checks the log, pass after pass.
pub(super) async fn run(app: App) {
    let mut at = resumed(&app).await;
    let mut looked = false;
    let mut backoff = Backoff::new(AGAIN_AFTER, AGAIN_AFTER_AT_MOST);
    loop {
        let done = match looked {
            true => pass(&app, &mut at).await,
            false => first_look(&app, &mut at).await,
        };
        if !looked && done.is_ok() {
            looked = true;
            app.platform.health.solved(PART);
            continue;
        }
        match done {
            Ok(()) => {
                app.platform.metrics.scrub_completed(app.platform.world.now().0 / 1_000_000);
                at = None;
                tokio::time::sleep(BETWEEN_PASSES).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the scrub cannot read the log; it will be retried");
                backoff.wait().await;
            }
        }
    }
}

// Returns the stored position. At the end of the log it returns `None`, so that a new pass begins.
async fn resumed(app: &App) -> Option<Position> {
    let kept = app.platform.projections.checkpoint(CHECKPOINT).await.ok().flatten();
    let head = app.platform.log.store().head().await.ok().flatten();
    kept.filter(|kept| Some(*kept) < head)
}

// Checks the positions that were found damaged before, and one part of the log.
async fn first_look(app: &App, at: &mut Option<Position>) -> Result<(), ReadError> {
    for position in app.platform.projections.set_aside(CHECKPOINT, MOST_KEPT).await.unwrap_or_default() {
        app.platform.engine.scrub(position.0.checked_sub(1).map(Position), 1).await?;
        let is_damaged = app.platform.log.store().findings().all().iter().any(|found| found.position == position.0);
        if !is_damaged && let Err(error) = app.platform.projections.done(CHECKPOINT, position).await {
            tracing::warn!(%error, "cannot remove a repaired position from the list of damaged ones; it will be checked again after the next restart");
        }
    }
    *at = app.platform.engine.scrub(*at, PART_BYTES).await?.position;
    Ok(())
}

async fn pass(app: &App, at: &mut Option<Position>) -> Result<(), ReadError> {
    for part in 1u64.. {
        let done = app.platform.engine.scrub(*at, PART_BYTES).await?;
        *at = done.position;
        app.platform.metrics.scrub_position(at.map_or(0, |position| position.0));
        if done.ended || part.is_multiple_of(PARTS_BETWEEN_NOTES) {
            note(app, *at).await;
        }
        if done.ended {
            return Ok(());
        }
        tokio::time::sleep(time_for(done.bytes)).await;
    }
    Ok(())
}

async fn note(app: &App, at: Option<Position>) {
    let Some(position) = at else { return };
    // Losing the position costs only a part of a pass.
    if let Err(error) = app.platform.projections.set_checkpoint(CHECKPOINT, position).await {
        tracing::warn!(%error, "cannot store the position of the scrub");
    }
}

/// Stores a damaged position, so that it is checked first after a restart.
pub(super) async fn keep_damaged(app: &App, position: Position) {
    if let Err(error) = app.platform.projections.put_aside(CHECKPOINT, vec![position]).await {
        tracing::warn!(%error, "cannot store a damaged position; it is lost at the next restart");
    }
}

/// Returns the time that reading this many bytes must take.
fn time_for(bytes: usize) -> Duration {
    let micros = bytes as u64 * 1_000_000 / RATE as u64;
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_reads_two_megabytes_a_second_at_most_and_a_terabyte_a_week_at_least() {
        assert_eq!(time_for(2_000_000), Duration::from_secs(1));
        // The longest append is one part and gets its full time.
        assert_eq!(time_for(500_000), Duration::from_millis(250));
        let week = Duration::from_secs(7 * 24 * 3_600);
        let parts_a_week = week.as_secs_f64() / time_for(PART_BYTES).as_secs_f64();
        assert!(parts_a_week * PART_BYTES as f64 > 1.2e12);
    }
}
