//! `/metrics`, `/healthz` and `/readyz`, on a listener of their own.

use crate::app::App;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use events::store::ReadError;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/metrics", web::get().to(metrics))
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz));
}

/// How far the projections may be behind, in positions, before the server says that it is not ready.
const READY_LAG: u64 = 1_000;

async fn metrics(app: web::Data<App>) -> HttpResponse {
    if let Ok(lag) = lag(&app).await {
        app.metrics.lag("all", lag);
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(app.metrics.render())
}

/// The process answers.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body("ok\n")
}

/// The server can do its work: the store takes events, the projections follow it.
async fn readyz(app: web::Data<App>) -> HttpResponse {
    let mut problems = app.health.problems();
    problems.extend(projections(&app).await.map(|why| ("projections", why)));
    if problems.is_empty() {
        return HttpResponse::Ok().content_type(ContentType::plaintext()).body("ready\n");
    }
    let lines: String = problems.iter().map(|(part, why)| format!("{part}: {why}\n")).collect();
    HttpResponse::ServiceUnavailable().content_type(ContentType::plaintext()).body(lines)
}

/// What is wrong with the projections.
async fn projections(app: &App) -> Option<String> {
    let health = app.projections.health();
    if let Some(stopped) = health.stopped {
        return Some(stopped.to_string());
    }
    match lag(app).await {
        Err(error) => Some(error.to_string()),
        Ok(lag) if lag > READY_LAG => Some(format!("{lag} positions behind the log")),
        Ok(_) if !health.caught_up => Some("not caught up with the log yet".into()),
        Ok(_) => None,
    }
}

async fn lag(app: &App) -> Result<u64, ReadError> {
    let head = app.log.store().head().await?.map_or(0, |position| position.0);
    let reached = app.projections.health().position.map_or(0, |position| position.0);
    Ok(head.saturating_sub(reached))
}
