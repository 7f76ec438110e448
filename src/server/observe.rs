//! Middleware that counts, times and logs each request of people and devices. It logs the route pattern, because a raw
//! path may contain a secret link token. Messages of devices that succeeded are logged at level `debug`, everything
//! else at `info`.

use super::operations;
use crate::app::App;
use crate::web::enrollment_code;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, web};
use std::time::Instant;
use tracing::{Instrument as _, field};

/// Middleware for `actix_web::middleware::from_fn`.
///
/// # Errors
/// Returns the error of the wrapped handler.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = Instant::now();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".into());
    let method = request.method().clone();
    let app = request.app_data::<web::Data<App>>().cloned();
    // Handlers log problems of a message. The span adds the request to these lines.
    let span = tracing::error_span!(
        "request",
        surface = surface(&route),
        route,
        device.id = field::Empty,
        help.code = field::Empty
    );
    let answer = next.call(request).instrument(span).await;
    if operations::PATHS.contains(&route.as_str()) {
        return answer;
    }
    let status = match &answer {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let took = begun.elapsed();
    if let Some(app) = app {
        app.platform.metrics.request(surface(&route), &route, status.as_u16(), took);
    }
    // One macro for both levels: the level of a line is part of its static metadata.
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                surface = surface(&route),
                route,
                http.method = %method,
                http.status = status.as_u16(),
                help.code = answer.as_ref().ok().and_then(enrollment_code::of),
                duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "answered"
            )
        };
    }
    // The log of events has what a device reported, the metrics have the counts. Thousands of polls a second would
    // hide every other line.
    if is_routine(&route, status) {
        line!(debug);
    } else {
        line!(info);
    }
    answer
}

/// Returns whether the request is a message of a device that succeeded.
fn is_routine(route: &str, status: StatusCode) -> bool {
    surface(route) == "device" && status.is_success()
}

/// Returns the surface that a route belongs to.
fn surface(route: &str) -> &'static str {
    let first = route.trim_start_matches('/').split('/').next().unwrap_or_default();
    match first {
        "mdm" | "scep" => "device",
        "console" | "api" => "console",
        "unmatched" => "none",
        _ => "portal",
    }
}

#[cfg(test)]
mod tests {
    use super::{is_routine, surface};
    use actix_web::http::StatusCode;

    #[test]
    fn only_messages_of_devices_that_succeeded_are_routine() {
        assert!(is_routine("/mdm/command", StatusCode::OK) && is_routine("/scep", StatusCode::OK));
        assert!(!is_routine("/mdm/command", StatusCode::FORBIDDEN));
        assert!(!is_routine("/mdm/checkin", StatusCode::SERVICE_UNAVAILABLE));
        assert!(!is_routine("/enroll/ownership", StatusCode::OK));
    }

    #[test]
    fn every_route_has_its_surface() {
        for (route, expected) in [
            ("/", "portal"),
            ("/enroll/ownership", "portal"),
            ("/mdm/checkin", "device"),
            ("/scep", "device"),
            ("/console/devices/{id}", "console"),
            ("/api/v1/audit", "console"),
            ("unmatched", "none"),
        ] {
            assert_eq!(surface(route), expected, "{route}");
        }
    }
}
