//! Writes the counts of suppressed events: rejections of unauthenticated clients, and events of single devices.

use crate::app::App;
use std::time::Duration;

/// Interval at which the counts are checked.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Writes each count when it is due, while the server runs.
pub(crate) async fn keep_writing(app: App) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        write_due(&app).await;
    }
}

/// Writes the counts that are due now: each once a minute for ten minutes, then once an hour.
pub async fn write_due(app: &App) {
    write(app, false).await;
}

/// Writes all counts, for example when the server stops.
pub async fn write_all(app: &App) {
    write(app, true).await;
}

async fn write(app: &App, all: bool) {
    sign_in::sum_up_refusals(&app.sign_in, all).await;
    devices::sum_up(&app.devices, all).await;
}
