//! Answers of the API that are no data: a stable code, and what to do in words.

use crate::admin::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use plural::counted;
use serde_json::json;
use std::fmt;
use uuid::Uuid;

#[derive(Debug)]
pub enum ApiProblem {
    NoToken,
    /// The same for an unknown program, a wrong token, a disabled account and a missing privilege.
    Unauthorized,
    Throttled {
        seconds: i64,
    },
    Bad(&'static str),
    /// A parameter of the address is not understood.
    Parameter {
        name: String,
        why: String,
    },
    UnknownCursor,
    NotFound,
    Method,
    /// No encoding that there is here is accepted.
    Encoding,
    /// Our fault. `code` is in the server's log beside the cause.
    Unavailable {
        code: Uuid,
    },
}

impl ApiProblem {
    pub fn unavailable(cause: impl fmt::Display, code: Uuid) -> ApiProblem {
        tracing::error!(%code, %cause, "the API cannot answer");
        ApiProblem::Unavailable { code }
    }

    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            ApiProblem::NoToken => (
                StatusCode::UNAUTHORIZED,
                "no_token",
                "give the token in the header Authorization, as Bearer api-…".to_owned(),
            ),
            ApiProblem::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "the token is not, or not any more, one that is accepted; `muster user rotate-token` makes another"
                    .to_owned(),
            ),
            ApiProblem::Throttled { seconds } => (
                StatusCode::TOO_MANY_REQUESTS,
                "throttled",
                format!("too many tokens were wrong: wait {}", counted(*seconds, "second")),
            ),
            ApiProblem::Bad(what) => (StatusCode::BAD_REQUEST, "bad_request", (*what).to_owned()),
            ApiProblem::Parameter { name, why } => (StatusCode::BAD_REQUEST, "bad_request", format!("{name}: {why}")),
            ApiProblem::UnknownCursor => (
                StatusCode::BAD_REQUEST,
                "unknown_cursor",
                "there is nothing with the id that `after` gives: begin again without it".to_owned(),
            ),
            ApiProblem::NotFound => {
                (StatusCode::NOT_FOUND, "not_found", "there is /api/v1/devices and /api/v1/audit".to_owned())
            }
            ApiProblem::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "it is read with GET or HEAD".to_owned())
            }
            ApiProblem::Encoding => (
                StatusCode::NOT_ACCEPTABLE,
                "not_acceptable",
                "it is sent as it is, or compressed with gzip: let Accept-Encoding permit one of them".to_owned(),
            ),
            ApiProblem::Unavailable { code } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                format!("something of the server's does not work: try again; its log has the cause under {code}"),
            ),
        }
    }
}

// The filters are those of the console's pages, and so is what may be wrong with them.
impl From<Problem> for ApiProblem {
    fn from(problem: Problem) -> ApiProblem {
        match problem {
            Problem::Bad(what) => ApiProblem::Bad(what),
            Problem::Parameter { name, why } => ApiProblem::Parameter { name, why },
            _ => ApiProblem::Bad("a filter is not understood"),
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
            // RFC 6750, section 3: an error is named only where a token was given.
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
