//! HTTP methods: readable resources answer GET and HEAD, and a response to another method names the allowed ones.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::ALLOW;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};

/// Adds handlers for reading a resource.
pub(crate) trait Read {
    /// Answers GET, and HEAD like GET (RFC 9110 section 9.3.2); the encoder leaves out the body of a HEAD response. Not
    /// for resources that a GET consumes.
    #[must_use]
    fn read<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static;
}

impl Read for Resource {
    fn read<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.route(web::get().to(handler.clone())).route(web::head().to(handler))
    }
}

/// Replaces the framework's empty response to a wrong method with `answer`, and keeps its `Allow` header (RFC 9110
/// section 15.5.6).
pub(crate) fn refused(by_framework: ServiceResponse<BoxBody>, mut answer: HttpResponse) -> ServiceResponse<BoxBody> {
    if let Some(allowed) = by_framework.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allowed.clone());
    }
    by_framework.into_response(answer)
}
