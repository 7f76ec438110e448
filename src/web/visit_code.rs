//! The help code of the visit that a request is about, for the line that the log has about the request.

use actix_web::dev::ServiceResponse;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};

struct VisitCode(String);

/// The request belongs to the visit with this code.
pub fn note(request: &HttpRequest, code: String) {
    tracing::Span::current().record("help.code", code.as_str());
    request.extensions_mut().insert(VisitCode(code));
}

/// The visit with this code began with the request.
pub fn note_begun(response: &mut HttpResponse, code: String) {
    response.extensions_mut().insert(VisitCode(code));
}

/// The code, where a visit was noted.
pub fn of<B>(response: &ServiceResponse<B>) -> Option<String> {
    let begun = response.response().extensions().get::<VisitCode>().map(|code| code.0.clone());
    begun.or_else(|| response.request().extensions().get::<VisitCode>().map(|code| code.0.clone()))
}
