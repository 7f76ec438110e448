//! Monitors the free space on the disk of the log, for metrics, the alarm, and the suppression of refusal events when
//! space is low.

use crate::app::App;
use std::time::Duration;
use telemetry::Alarm;
use world::Room;

const LOOK: Duration = Duration::from_secs(30);

/// Checks the disk periodically.
pub(super) async fn run(app: App) {
    let directory = app.config.store.directory.clone();
    loop {
        match app.platform.world.disks.room(&directory) {
            Ok(room) => note(&app, room),
            Err(error) => tracing::warn!(%error, "cannot read the free space on the disk of the log"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn note(app: &App, room: Room) {
    app.platform.metrics.disk_free(room.free);
    if app.platform.disk.note(app.platform.world.now(), room) {
        let Room { free, total } = room;
        tracing::error!(
            free,
            total,
            "the disk of the log is nearly full: refusals of unknown clients are no longer recorded"
        );
        app.platform.metrics.alarm(Alarm::DiskNearlyFull);
    }
}
