//! Watches for records whose old management was removed some days ago and whose owners have not enrolled: their phones
//! are managed by nobody.

use crate::app::App;
use projections::ProjectionError;
use projections::migration::{LATE_AFTER_DAYS, late};
use std::time::Duration;
use telemetry::Alarm;

const LOOK: Duration = Duration::from_secs(10);

/// Looks periodically. Each time that there are more such records than before is one alarm.
pub(super) async fn run(app: App) {
    let mut before = 0;
    loop {
        // A projection that stopped has an alarm of its own.
        if let Ok(count) = count(&app).await {
            if count > before {
                tracing::warn!(
                    alarm = Alarm::RemovedNotEnrolled.label(),
                    records = count,
                    days = LATE_AFTER_DAYS,
                    "old management was removed and the owners have not enrolled: see /console/migration?late=yes"
                );
                app.platform.metrics.alarm(Alarm::RemovedNotEnrolled);
            }
            before = count;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Returns the number of such records, and sets the metric.
pub(super) async fn count(app: &App) -> Result<u64, ProjectionError> {
    let until = app.platform.world.now().plus_seconds(-LATE_AFTER_DAYS * 86_400);
    let count = late(&app.platform.projections, until).await?;
    app.platform.metrics.removed_not_enrolled(count);
    Ok(count)
}
