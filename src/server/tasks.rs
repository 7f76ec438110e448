//! What runs beside the requests, always from the committed log: projections, reactions, figures.

use super::sign_ins;
use crate::app::App;
use crate::app::{suppressed, throttles};
use crate::reactions;
use events::store::{Followed, ReadError};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub fn start(app: &App, tasks: &mut JoinSet<()>) {
    tasks.spawn(watch(app.clone(), app.engine.failed()));
    tasks.spawn(watch(app.clone(), app.keys.failed()));
    tasks.spawn(project(app.clone()));
    tasks.spawn(count(app.clone()));
    tasks.spawn(reactions::run(app.clone()));
    tasks.spawn(suppressed::keep_writing(app.clone()));
    tasks.spawn(throttles::keep_on(app.clone()));
}

/// Tells when the log or the key store has stopped for good.
async fn watch(app: App, mut failed: watch::Receiver<Option<String>>) {
    // An error: the store is gone, and with it whatever could fail.
    if let Ok(why) = failed.wait_for(Option::is_some).await {
        app.health.fail(why.clone().unwrap_or_default());
    }
}

/// Feeds the projections. They stop where the log cannot be read; the server goes on and says that it is not ready.
async fn project(app: App) {
    if let Err(error) = app.projections.run(app.log.clone()).await {
        tracing::error!(%error, "the projections stopped");
        app.metrics.alarm("projections-stopped");
    }
}

/// Counts events as they are committed.
async fn count(app: App) {
    if let Err(error) = count_until_the_end(&app).await {
        tracing::error!(%error, "the log cannot be read");
        app.metrics.alarm("log-unreadable");
        app.health.problem("log", error.to_string());
    }
}

async fn count_until_the_end(app: &App) -> Result<(), ReadError> {
    let head = app.log.store().head().await?;
    app.metrics.log_position(head.map_or(0, |position| position.0));
    let mut follow = app.log.follow(head);
    while let Some(followed) = follow.next().await? {
        if let Followed::Events(events) = followed {
            for recorded in &events {
                app.metrics.event(&recorded.event.event_type);
                sign_ins::count(app, &recorded.event);
            }
            if let Some(last) = events.last() {
                app.metrics.log_position(last.position.0);
            }
        }
    }
    Ok(())
}
