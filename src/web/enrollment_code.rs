//! Attaches the help code of an enrollment to its request, for the log line about the request.

use actix_web::dev::ServiceResponse;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};

struct EnrollmentCode(String);

/// Records that the request belongs to the enrollment with this code.
pub(crate) fn note(request: &HttpRequest, code: String) {
    tracing::Span::current().record("help.code", code.as_str());
    request.extensions_mut().insert(EnrollmentCode(code));
}

/// Records that the enrollment with this code began with the request.
pub(crate) fn note_begun(response: &mut HttpResponse, code: String) {
    response.extensions_mut().insert(EnrollmentCode(code));
}

/// Returns the recorded code, if any.
pub(crate) fn of<B>(response: &ServiceResponse<B>) -> Option<String> {
    let begun = response.response().extensions().get::<EnrollmentCode>().map(|code| code.0.clone());
    begun.or_else(|| response.request().extensions().get::<EnrollmentCode>().map(|code| code.0.clone()))
}
