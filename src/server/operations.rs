//! `/metrics`, `/healthz` and `/readyz`, on a listener of their own.

use crate::app::App;
use crate::web::methods::Read as _;
use actix_web::http::header::ContentType;
use actix_web::middleware::Compress;
use actix_web::{HttpResponse, web};
use projections::commands;

/// What is asked for again and again, and neither counted nor logged.
pub const PATHS: [&str; 3] = ["/metrics", "/healthz", "/readyz"];

pub fn routes(config: &mut web::ServiceConfig) {
    let [metrics_at, health_at, ready_at] = PATHS;
    config
        .service(web::resource(metrics_at).read(metrics).wrap(Compress::default()))
        .service(web::resource(health_at).read(healthz))
        .service(web::resource(ready_at).read(readyz));
}

async fn metrics(app: web::Data<App>) -> HttpResponse {
    if let Ok(lag) = app.projections_lag().await {
        app.metrics.lag("all", lag);
    }
    if let Ok(count) = commands::waiting(&app.projections).await {
        app.metrics.commands_waiting(count);
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(app.metrics.render())
}

/// The process answers.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body("ok\n")
}

/// The server can do its work: the store takes events, the projections follow it, the settings can be read.
async fn readyz(app: web::Data<App>) -> HttpResponse {
    // Every page needs them: read before it is said that there are pages. What is damaged is among the findings then, with its place.
    let settings = app.settings().await.err();
    let mut problems = app.health.problems();
    problems.extend(settings.map(|why| ("settings", format!("they cannot be read, and pages need them: {why}"))));
    problems.extend(app.log_damage().map(|why| ("log", why)));
    problems.extend(app.projections_trouble().await.map(|why| ("projections", why)));
    problems.extend(app.read_side_troubles());
    if problems.is_empty() {
        return HttpResponse::Ok().content_type(ContentType::plaintext()).body("ready\n");
    }
    let lines: String = problems.iter().map(|(part, why)| format!("{part}: {why}\n")).collect();
    HttpResponse::ServiceUnavailable().content_type(ContentType::plaintext()).body(lines)
}
