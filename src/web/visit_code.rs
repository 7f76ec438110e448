//! Attaches the help code of a visit to its request, for the log line about the request.

use actix_web::dev::ServiceResponse;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};

struct VisitCode(String);

/// Records that the request belongs to the visit with this code.
pub(crate) fn note(request: &HttpRequest, code: String) {
    tracing::Span::current().record("help.code", code.as_str());
    request.extensions_mut().insert(VisitCode(code));
}

/// Records that the visit with this code began with the request.
pub(crate) fn note_begun(response: &mut HttpResponse, code: String) {
    response.extensions_mut().insert(VisitCode(code));
}

/// Returns the recorded code, if any.
pub(crate) fn of<B>(response: &ServiceResponse<B>) -> Option<String> {
    let begun = response.response().extensions().get::<VisitCode>().map(|code| code.0.clone());
    begun.or_else(|| response.request().extensions().get::<VisitCode>().map(|code| code.0.clone()))
}
