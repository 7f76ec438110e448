//! `/metrics`, `/healthz` and `/readyz`, on a listener of their own.

use super::late;
use crate::app::App;
use crate::web::methods::Read as _;
use actix_web::http::header::ContentType;
use actix_web::middleware::Compress;
use actix_web::{HttpResponse, web};
use events::Position;
use platform::damaged;
use projections::commands;
use sign_in::staff_sessions;
use std::time::Duration;

/// Paths that are polled often. Their requests are neither counted nor logged.
pub(crate) const PATHS: [&str; 3] = ["/metrics", "/healthz", "/readyz"];

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let [metrics_at, health_at, ready_at] = PATHS;
    config
        .service(web::resource(metrics_at).read(metrics).wrap(Compress::default()))
        .service(web::resource(health_at).read(healthz))
        .service(web::resource(ready_at).read(readyz));
}

async fn metrics(app: web::Data<App>) -> HttpResponse {
    if let Ok(head) = app.platform.log.store().head().await {
        tell_progress(&app, head);
    }
    if let Ok(count) = commands::waiting(&app.platform.projections).await {
        app.platform.metrics.commands_waiting(count);
    }
    // Without an answer, the metric keeps the number of before.
    let _ = late::count(&app).await;
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(app.platform.metrics.render())
}

// `head`: the position of the log's last event.
fn tell_progress(app: &App, head: Option<Position>) {
    let (metrics, health) = (&app.platform.metrics, app.platform.projections.health());
    let head = head.map_or(0, |head| head.0);
    let lag = |position: Option<Position>| head.saturating_sub(position.map_or(0, |position| position.0));
    metrics.lag("all", lag(health.position));
    for (name, one) in &health.each {
        let lag = lag(one.position);
        metrics.lag(name, lag);
        let age = if lag > 0 { one.progressed.elapsed() } else { Duration::ZERO };
        metrics.progress(name, age, health.stopped_alone.contains_key(name));
    }
}

/// Liveness: the process responds.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body("ok\n")
}

/// Readiness: the store accepts events, the projections follow the log, and the settings can be read.
async fn readyz(app: web::Data<App>) -> HttpResponse {
    let streams = app.platform.engine.obstacle();
    // Every page needs the settings, so they are read first. If they are damaged, this read also adds the damage, with
    // its position, to the findings. While no stream can be read, it would only wait.
    let settings = if streams.is_none() { app.settings.current().await.err() } else { None };
    let mut problems = app.platform.health.problems();
    problems.extend(settings.map(|why| ("settings", format!("they cannot be read, but every page needs them: {why}"))));
    problems.extend(app.platform.log_damage().map(|why| ("log", why)));
    problems.extend(streams.map(|why| ("streams", why)));
    problems.extend(app.platform.projections_trouble().await.map(|why| ("projections", why)));
    problems.extend(read_side_troubles(&app));
    if problems.is_empty() {
        return HttpResponse::Ok().content_type(ContentType::plaintext()).body("ready\n");
    }
    let lines: String = problems.iter().map(|(part, why)| format!("{part}: {why}\n")).collect();
    HttpResponse::ServiceUnavailable().content_type(ContentType::plaintext()).body(lines)
}

/// Returns the problems of the read side, each with the name of its part.
fn read_side_troubles(app: &App) -> Vec<(&'static str, String)> {
    let stopped = app.platform.projections.health().stopped_alone.into_iter();
    let mut troubles: Vec<_> = stopped.map(|(projection, why)| (projection, why.to_string())).collect();
    let damage = app.sign_in.staff_sessions.damage();
    troubles.extend(damage.map(|why| ("sessions", damaged(staff_sessions::FILE, &why))));
    troubles
}
