//! Background tasks. The projections, reactions and metrics read the committed log.

use super::{damage, disk, late, scrub, sign_ins};
use crate::app::App;
use crate::app::older_log;
use crate::app::suppressed;
use crate::reactions;
use events::log::Next;
use events::store::ReadError;
use platform::backoff::Backoff;
use projections::last_seen;
use sign_in::throttles;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use telemetry::Alarm;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Interval at which the disposable databases are checked for detected damage.
const LOOK_FOR_DAMAGE: Duration = Duration::from_secs(5);

/// Wait before counting events restarts after an error: the first wait and the longest one.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(600);

/// Starts all background tasks. `stop`: ends the reactions.
pub(crate) fn start(app: &App, tasks: &mut JoinSet<()>, stop: &watch::Sender<bool>) {
    tasks.spawn(watch(app.clone(), app.platform.engine.failed()));
    tasks.spawn(watch(app.clone(), app.platform.keys.failed()));
    tasks.spawn(damage::report(app.clone()));
    tasks.spawn(scrub::run(app.clone()));
    tasks.spawn(disk::run(app.clone()));
    tasks.spawn(late::run(app.clone()));
    tasks.spawn(project(app.clone()));
    tasks.spawn(report_stopped(app.clone()));
    tasks.spawn(report_damage(app.clone()));
    tasks.spawn(count(app.clone()));
    tasks.spawn(reactions::run(app.clone(), stop.subscribe()));
    tasks.spawn(suppressed::keep_writing(app.clone()));
    tasks.spawn(throttles::keep_on(Arc::clone(&app.sign_in)));
    tasks.spawn(older_log::keep_on(app.clone()));
    tasks.spawn(write_memory(app.clone()));
    tasks.spawn(import_uploads(app.clone()));
}

/// Checks and imports the files that staff upload. A stop in the middle leaves the import unfinished; it can be
/// repeated.
async fn import_uploads(app: App) {
    app.uploads.run().await;
}

/// Reports when the log or the key store has stopped for good.
async fn watch(app: App, mut failed: watch::Receiver<Option<String>>) {
    // An error means that the store was dropped, so it cannot fail any more.
    if let Ok(why) = failed.wait_for(Option::is_some).await {
        app.platform.health.fail(why.clone().unwrap_or_default());
    }
}

/// Feeds the projections. They stop at an unreadable position of the log. The server keeps running and reports not
/// ready.
async fn project(app: App) {
    if let Err(error) = app.platform.projections.run(app.platform.log.clone()).await {
        tracing::error!(%error, "the projections stopped");
        app.platform.metrics.alarm(Alarm::ProjectionsStopped);
    }
}

/// Stores the last contacts of devices and the folded states every two seconds. After an error the contacts are stored
/// with the next ones.
async fn write_memory(app: App) {
    loop {
        tokio::time::sleep(Duration::from_secs(last_seen::WRITE_SECONDS)).await;
        app.platform.store_states().await;
        if let Err(error) = last_seen::write(&app.platform.projections).await {
            tracing::warn!(%error, "cannot store when devices were last seen");
        }
    }
}

/// Raises an alarm for each projection that stops while the others run.
async fn report_stopped(app: App) {
    let mut health = app.platform.projections.watch();
    let mut told = BTreeSet::new();
    loop {
        let stopped: Vec<_> = health.borrow_and_update().stopped_alone.keys().copied().collect();
        told.retain(|projection| stopped.contains(projection));
        for projection in stopped {
            if told.insert(projection) {
                app.platform.metrics.alarm(Alarm::ProjectionsStopped);
            }
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

/// Raises an alarm once for each database file that is found damaged while the server runs.
async fn report_damage(app: App) {
    let (mut projections, mut states, mut sessions) = (false, false, false);
    loop {
        for (told, damage) in [
            (&mut projections, app.platform.projections.damage().is_some()),
            (&mut states, app.platform.damage_of_states().is_some()),
            (&mut sessions, app.sign_in.staff_sessions.damage().is_some()),
        ] {
            if damage && !*told {
                *told = true;
                app.platform.metrics.alarm(Alarm::DatabaseDamaged);
            }
        }
        tokio::time::sleep(LOOK_FOR_DAMAGE).await;
    }
}

/// Counts events as they are committed. An unreadable event is not counted; `damage` reports it.
async fn count(app: App) {
    let mut backoff = Backoff::new(AGAIN_AFTER, AGAIN_AFTER_AT_MOST);
    let mut is_told = false;
    while let Err(error) = count_until_the_end(&app).await {
        if !is_told && error.corruption().is_none() {
            is_told = true;
            tracing::error!(%error, "cannot read the event log");
            app.platform.metrics.alarm(Alarm::LogUnreadable);
            app.platform.health.problem("log", error.to_string());
        }
        backoff.wait().await;
    }
}

async fn count_until_the_end(app: &App) -> Result<(), ReadError> {
    let head = app.platform.log.store().head().await?;
    app.platform.metrics.log_position(head.map_or(0, |position| position.0));
    let mut follower = app.platform.log.follow(head);
    loop {
        match follower.next().await? {
            Next::Events(events) => {
                for recorded in events.recorded() {
                    app.platform.metrics.event(&recorded.event.event_type);
                    sign_ins::count(app, &recorded.event);
                }
                app.platform.metrics.log_position(events.last().0);
            }
            Next::Unreadable(..) | Next::CaughtUp => {}
            Next::Closed => return Ok(()),
        }
    }
}
