//! Middleware of the portal: security headers, problem pages, and the answer if a handler panics.

use super::problem::Problem;
use super::render::render;
use super::texts::Language;
use super::visitor::{bare_frame, language, named_enrollment};
use crate::portal::Portal;
use crate::web::headers;
use crate::web::methods::refused;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{ContentType, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError as _, web};
use events::enrollment::{EnrollmentId, help_code};
use events::settings::Settings;
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;

/// Additional `form-action` source: the account-driven flow ends at an address that only Settings understands.
const FORM_ACTION: &str = "apple-remotemanagement-user-login:";

/// Data of the request that a problem page needs.
struct Asker {
    app: Portal,
    language: Language,
    enrollment: Option<EnrollmentId>,
}

/// Middleware for `actix_web::middleware::from_fn`.
///
/// # Errors
/// Returns an error that carries the finished problem page if the request itself is lost.
pub async fn surround(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = request.app_data::<web::Data<Portal>>().map(|app| Portal::clone(app));
    let app = app.ok_or_else(|| Problem::internal("no App"))?;
    let asker = Asker { app, language: language(request.request()), enrollment: named_enrollment(request.request()) };
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(asker.finish(response.map_into_boxed_body()).await),
        Ok(Err(error)) => {
            let problem = Problem::of_status(error.as_response_error().status_code());
            Err(asker.lost(&problem).await)
        }
        // The panic hook has already logged the panic's message.
        Err(_) => Err(asker.lost(&Problem::internal("a handler panicked")).await),
    }
}

impl Asker {
    async fn finish(&self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let told = response.response().extensions().get::<Problem>().cloned();
        let status = response.status();
        let made_by_framework = (status.is_client_error() || status.is_server_error()) && !is_html(&response);
        let problem = told.or_else(|| made_by_framework.then(|| Problem::of_status(status)));
        let mut response = match problem {
            Some(problem) => {
                let page = self.page(&problem).await;
                refused(response, page)
            }
            None => response,
        };
        let path = response.request().path().to_owned();
        self.secure(response.headers_mut(), &path);
        response
    }

    async fn lost(&self, problem: &Problem) -> Error {
        let mut page = self.page(problem).await;
        self.secure(page.headers_mut(), "");
        InternalError::from_response(problem.to_string(), page).into()
    }

    // Shows the person the help code; the log gets the code and the reason.
    async fn page(&self, problem: &Problem) -> HttpResponse {
        let status = problem.status_code();
        let code = match self.enrollment {
            Some(enrollment) => Some(help_code(enrollment)),
            None => status.is_server_error().then(|| help_code(EnrollmentId(self.app.platform.world.uuid()))),
        };
        if status.is_server_error() {
            tracing::error!(help.code = code.as_deref(), %problem, "cannot serve a page");
        }
        // If the settings cannot be read either, the page is shown with default settings, without the organization's
        // name.
        let settings = self.app.settings.current().await.unwrap_or_else(|_| Settings::default());
        let mut response = HttpResponse::build(status);
        match render(&bare_frame(self.language, &settings, code), &problem.page()) {
            Ok(html) => response.content_type(ContentType::html()).body(html),
            Err(_) => response.content_type(ContentType::plaintext()).body(problem.to_string()),
        }
    }

    fn secure(&self, map: &mut actix_web::http::header::HeaderMap, path: &str) {
        let policy = match path.starts_with("/enroll/preview/") {
            true => headers::LOOKED_AT.to_owned(),
            false => format!("{}; script-src 'self'", headers::content_security_policy(FORM_ACTION)),
        };
        headers::secure(map, &policy);
        // The address of an invitation is a secret of its recipient.
        if path.starts_with("/invitation/") {
            map.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
        }
        // If people install this server's root, a remembered HSTS would lock out a person who removed the root.
        if !self.app.web.private_root {
            headers::strict_transport(map);
        }
    }
}

fn is_html(response: &ServiceResponse<BoxBody>) -> bool {
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("text/html"))
}
