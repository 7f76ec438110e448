//! Error responses of the API: a stable code and a message that says what to do.

use crate::admin::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use plural::counted;
use serde_json::json;
use std::fmt;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) enum ApiProblem {
    NoToken,
    /// Same response for an unknown program, a wrong token, a disabled account and a missing privilege.
    Unauthorized,
    Throttled {
        seconds: i64,
    },
    Bad(&'static str),
    /// A query parameter is invalid.
    Parameter {
        name: String,
        why: String,
    },
    UnknownCursor,
    NotFound,
    Method,
    /// The client accepts none of the supported content encodings.
    Encoding,
    /// Internal error. The server's log contains `code` together with the cause.
    Unavailable {
        code: Uuid,
    },
}

impl ApiProblem {
    pub(crate) fn unavailable(cause: impl fmt::Display, code: Uuid) -> ApiProblem {
        tracing::error!(%code, %cause, "the API cannot answer");
        ApiProblem::Unavailable { code }
    }

    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            ApiProblem::NoToken => (
                StatusCode::UNAUTHORIZED,
                "no_token",
                "send the token in the Authorization header: Bearer api-…".to_owned(),
            ),
            ApiProblem::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "the token is unknown or no longer valid; create a new one with `muster user rotate-token`".to_owned(),
            ),
            ApiProblem::Throttled { seconds } => (
                StatusCode::TOO_MANY_REQUESTS,
                "throttled",
                format!("too many requests with a wrong token: wait {}", counted(*seconds, "second")),
            ),
            ApiProblem::Bad(what) => (StatusCode::BAD_REQUEST, "bad_request", (*what).to_owned()),
            ApiProblem::Parameter { name, why } => (StatusCode::BAD_REQUEST, "bad_request", format!("{name}: {why}")),
            ApiProblem::UnknownCursor => (
                StatusCode::BAD_REQUEST,
                "unknown_cursor",
                "`after` names an unknown id: start again without `after`".to_owned(),
            ),
            ApiProblem::NotFound => (
                StatusCode::NOT_FOUND,
                "not_found",
                "there is no such resource: use /api/v1/devices, /api/v1/records, /api/v1/imports, /api/v1/links or /api/v1/audit"
                    .to_owned(),
            ),
            ApiProblem::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the method is not allowed: use GET or HEAD".to_owned(),
            ),
            ApiProblem::Encoding => (
                StatusCode::NOT_ACCEPTABLE,
                "not_acceptable",
                "Accept-Encoding permits no encoding that is available: allow identity or gzip".to_owned(),
            ),
            ApiProblem::Unavailable { code } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                format!(
                    "the server cannot answer at the moment: try again later; the server’s log has the cause under {code}"
                ),
            ),
        }
    }
}

// The API uses the filters of the console's pages, and therefore their errors.
impl From<Problem> for ApiProblem {
    fn from(problem: Problem) -> ApiProblem {
        match problem {
            Problem::Bad(what) => ApiProblem::Bad(what),
            Problem::Parameter { name, why } => ApiProblem::Parameter { name, why },
            _ => ApiProblem::Bad("a filter is not valid"),
        }
    }
}

impl fmt::Display for ApiProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().2)
    }
}

impl ResponseError for ApiProblem {
    fn status_code(&self) -> StatusCode {
        self.parts().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code, message) = self.parts();
        let mut response = HttpResponse::build(status);
        match self {
            // RFC 6750, section 3: the response names an error only if the request had a token.
            ApiProblem::NoToken => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"muster\""));
            }
            ApiProblem::Unauthorized => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"muster\", error=\"invalid_token\""));
            }
            ApiProblem::Throttled { seconds } => {
                response.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            _ => {}
        }
        let mut error = json!({ "code": code, "message": message });
        if let ApiProblem::Parameter { name, .. } = self {
            error["parameter"] = name.as_str().into();
        }
        response.json(json!({ "error": error }))
    }
}

impl Responder for ApiProblem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}
