//! Looks at the room on the disk of the log, for metrics, the alarm and what is suppressed when there is little.

use crate::app::App;
use crate::app::disk::Room;
use crate::telemetry::Alarm;
use std::path::Path;
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(30);

/// Looks again and again.
pub(super) async fn run(app: App) {
    let directory = app.config.store.directory.clone();
    loop {
        match room(&directory) {
            Ok(room) => note(&app, room),
            Err(error) => tracing::warn!(%error, "the room on the disk of the log is not known"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn note(app: &App, room: Room) {
    app.metrics.disk_free(room.free);
    if app.disk.note(app.world.now(), room) {
        let Room { free, total } = room;
        tracing::error!(
            free,
            total,
            "the disk of the log is nearly full: refusals of strangers are not written any more"
        );
        app.metrics.alarm(Alarm::DiskNearlyFull);
    }
}

fn room(directory: &Path) -> std::io::Result<Room> {
    let told = rustix::fs::statvfs(directory)?;
    let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
    Ok(Room { free: bytes(told.f_bavail), total: bytes(told.f_blocks) })
}
