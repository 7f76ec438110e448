//! Looks at the room on the disk of the log, for metrics, the alarm and what is suppressed when there is little.

use crate::app::App;
use std::time::Duration;
use telemetry::Alarm;
use world::Room;

const LOOK: Duration = Duration::from_secs(30);

/// Looks again and again.
pub(super) async fn run(app: App) {
    let directory = app.config.store.directory.clone();
    loop {
        match app.platform.world.disks.room(&directory) {
            Ok(room) => note(&app, room),
            Err(error) => tracing::warn!(%error, "the room on the disk of the log is not known"),
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
            "the disk of the log is nearly full: refusals of strangers are not written any more"
        );
        app.platform.metrics.alarm(Alarm::DiskNearlyFull);
    }
}
