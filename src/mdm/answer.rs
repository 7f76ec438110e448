//! Responses to devices. An enrolled device removes its management on a 401 and, from iOS 17 on, on a 403 with the code
//! `com.apple.unrecognized.device`. So responses are an enum in which only [`Answer::Unenroll`] and
//! [`Answer::SignInAgain`] send a 401 or a 403 with a body. [`guard`] replaces every other such response with 503 ("try
//! again later").

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, Responder};
use events::enrollment::OsVersion;
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;

/// First version that unenrolls on a 403 with a code (mdm/errors/unrecognized.device.yaml). Apple prefers this to 401.
const FIRST_UNRECOGNIZED_DEVICE: OsVersion = OsVersion::new(17, 0);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The message was accepted.
    Ok,
    /// No (further) command: a body of zero bytes, not an empty property list.
    Empty,
    /// A command, as an XML property list.
    Command(Vec<u8>),
    /// A signed profile.
    Profile(Vec<u8>),
    /// The server has ended management of this device, which its stream records. The device removes its profile.
    Unenroll { os_version: Option<OsVersion> },
    /// Account-driven enrollment: the user must sign in again. `method` is the value of `WWW-Authenticate`.
    SignInAgain { method: String },
    /// The body or its signature is invalid.
    BadRequest,
    /// The server refuses the request: the certificate is unknown, the message names another device or topic, or the
    /// server refuses the enrollment or its profile. The 403 has no body, so it changes nothing on the device.
    Forbidden,
    /// The declaration or endpoint does not exist.
    NotFound,
    /// The requested service will never exist: devices continue without it.
    Gone,
    /// Server-side failure: the device tries again.
    Unavailable,
}

/// Marks a response that intentionally removes management or asks for sign-in.
struct Deliberate;

impl Answer {
    pub(crate) fn into_response(self) -> HttpResponse {
        match self {
            Answer::Ok | Answer::Empty => HttpResponse::Ok().finish(),
            Answer::Command(body) => HttpResponse::Ok().content_type("application/xml; charset=UTF-8").body(body),
            Answer::Profile(signed) => HttpResponse::Ok().content_type(pki::profile::CONTENT_TYPE).body(signed),
            Answer::Unenroll { os_version } => unenroll(os_version),
            Answer::SignInAgain { method } => {
                deliberate(HttpResponse::Unauthorized().insert_header((WWW_AUTHENTICATE, method)).finish())
            }
            Answer::BadRequest => HttpResponse::BadRequest().finish(),
            Answer::Forbidden => HttpResponse::Forbidden().finish(),
            Answer::NotFound => HttpResponse::NotFound().finish(),
            Answer::Gone => HttpResponse::Gone().finish(),
            Answer::Unavailable => unavailable(),
        }
    }
}

fn unenroll(os_version: Option<OsVersion>) -> HttpResponse {
    deliberate(if os_version.is_some_and(|version| version >= FIRST_UNRECOGNIZED_DEVICE) {
        HttpResponse::Forbidden().json(serde_json::json!({ "code": "com.apple.unrecognized.device" }))
    } else {
        HttpResponse::Unauthorized().finish()
    })
}

fn deliberate(mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(Deliberate);
    response
}

fn unavailable() -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "30")).finish()
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.into_response()
    }
}

/// Middleware around every device endpoint. Replaces each 401, and each 403 with a body, that was not made by an
/// [`Answer`] with 503. A panic in a handler becomes 503 too.
///
/// # Errors
/// Returns the wrapped handler's error unless its status would remove management; such an error becomes 503.
pub(crate) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let held_back = |status: StatusCode| {
        tracing::error!(status = status.as_u16(), "replaced a response that would remove management with 503");
    };
    // Unwind safe: handlers change state only by appending events, so an interrupted handler leaves no partial change.
    let Ok(outcome) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
        tracing::error!("a handler for devices panicked");
        return Err(InternalError::from_response("a handler panicked", unavailable()).into());
    };
    match outcome {
        Ok(response) if is_safe(response.response()) => Ok(response.map_into_boxed_body()),
        Ok(response) => {
            held_back(response.status());
            Ok(response.into_response(unavailable()))
        }
        Err(error) => match error.as_response_error().status_code() {
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                held_back(status);
                Err(InternalError::from_response(error, unavailable()).into())
            }
            _ => Err(error),
        },
    }
}

fn is_safe<B: MessageBody>(response: &HttpResponse<B>) -> bool {
    let removes = match response.status() {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => response.headers().contains_key(CONTENT_TYPE) || !response.body().size().is_eof(),
        _ => false,
    };
    !removes || response.extensions().get::<Deliberate>().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{App, error, middleware, test, web};

    async fn through_guard(
        response: impl Fn() -> Result<HttpResponse, actix_web::Error> + Clone + 'static,
    ) -> (u16, usize) {
        let handler = move || {
            let response = response();
            async move { response }
        };
        let app =
            App::new().service(web::scope("").wrap(middleware::from_fn(guard)).route("/", web::get().to(handler)));
        let app = test::init_service(app).await;
        let answer = test::call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
        let status = answer.status().as_u16();
        (status, test::read_body(answer).await.len())
    }

    #[actix_web::test]
    async fn no_fault_becomes_a_401() {
        type Fault = fn() -> Result<HttpResponse, actix_web::Error>;
        let faults: [Fault; 6] = [
            || Ok(HttpResponse::Unauthorized().finish()),
            || Ok(HttpResponse::Unauthorized().insert_header((WWW_AUTHENTICATE, "Basic")).finish()),
            || Err(error::ErrorUnauthorized("a library says so")),
            || Ok(HttpResponse::Forbidden().json(serde_json::json!({ "code": "com.apple.unrecognized.device" }))),
            || Ok(HttpResponse::Forbidden().body("<plist/>")),
            || Err(error::ErrorForbidden("com.apple.unrecognized.device")),
        ];
        for (nth, fault) in faults.into_iter().enumerate() {
            assert_eq!(through_guard(fault).await, (503, 0), "fault {nth}");
        }
    }

    #[actix_web::test]
    async fn a_handler_that_panics_has_the_device_try_again() {
        async fn panics() -> HttpResponse {
            panic!("an unexpected error")
        }
        let app = App::new().service(web::scope("").wrap(middleware::from_fn(guard)).route("/", web::get().to(panics)));
        let app = test::init_service(app).await;
        let answer = test::try_call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
        let answer = answer.expect_err("the panic is an error by now").error_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after") && answer.body().size().is_eof());
    }

    #[actix_web::test]
    async fn of_all_answers_only_unenroll_and_sign_in_again_remove_management_or_ask_for_sign_in() {
        type Case = (fn() -> Answer, u16, bool);
        let answers: [Case; 12] = [
            (|| Answer::Ok, 200, false),
            (|| Answer::Empty, 200, false),
            (|| Answer::Command(b"<plist/>".to_vec()), 200, true),
            (|| Answer::Profile(b"signed".to_vec()), 200, true),
            (|| Answer::Unenroll { os_version: Some(OsVersion::new(16, 7)) }, 401, false),
            (|| Answer::Unenroll { os_version: Some(OsVersion::new(17, 0)) }, 403, true),
            (|| Answer::SignInAgain { method: "Bearer method=\"apple-as-web\"".into() }, 401, false),
            (|| Answer::BadRequest, 400, false),
            (|| Answer::Forbidden, 403, false),
            (|| Answer::NotFound, 404, false),
            (|| Answer::Gone, 410, false),
            (|| Answer::Unavailable, 503, false),
        ];
        for (answer, status, body) in answers {
            let (got, length) = through_guard(move || Ok(answer().into_response())).await;
            assert_eq!((got, length > 0), (status, body), "{:?}", answer());
        }
    }
}
