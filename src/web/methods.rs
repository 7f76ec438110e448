//! Methods of requests: what is read is read with GET and HEAD, and an answer to another method names those that there are.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::ALLOW;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};

/// A resource that is read.
pub trait Read {
    /// Answers GET, and HEAD as GET without the body (RFC 9110 section 9.3.2), which the encoder leaves out. Not for what GET uses up.
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

/// `answer` in place of the framework's own to a wrong method, which is empty, with its `Allow` (RFC 9110 section 15.5.6).
pub fn refused(by_framework: ServiceResponse<BoxBody>, mut answer: HttpResponse) -> ServiceResponse<BoxBody> {
    if let Some(allowed) = by_framework.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allowed.clone());
    }
    by_framework.into_response(answer)
}
