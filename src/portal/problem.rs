//! Problem pages: what happened, what to do, and a help code that finds the events.

use super::render::Page;
use crate::web::content::content;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, ResponseError};
use decisions::enrollment::Refusal;
use events::store::{AppendError, ReadError};
use platform::PerformError;
use serde::Serialize;
use sign_in::SignInError;

/// Reason why a request is not answered with its page. The middleware turns it into a problem page or a redirect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// Not an error: the person's current step is on another page, and the request is redirected there.
    #[error("the person's current step is on another page: {0}")]
    Elsewhere(&'static str),
    #[error("no such page")]
    NotFound,
    #[error("method not allowed")]
    Method,
    #[error("the form or query cannot be parsed")]
    Bad,
    #[error("too large")]
    TooLarge,
    #[error("the form token is invalid or belongs to an earlier session")]
    Forged,
    #[error("the link has expired, was altered, or belongs to another step")]
    Link,
    #[error("the link from Settings has expired, was altered, or was used by another browser")]
    AccountLink,
    #[error("the enrollment exceeded its limit for this action")]
    TooOften,
    #[error("the profile does not support this version of iOS")]
    Version,
    #[error("no push certificate is configured")]
    NoPush,
    #[error("unavailable: {0}")]
    Unavailable(String),
    #[error("{0}")]
    Internal(String),
}

impl Problem {
    pub(crate) fn internal(error: impl std::fmt::Display) -> Problem {
        Problem::Internal(error.to_string())
    }

    /// Maps the status of an answer that the framework made itself to a problem.
    pub(crate) fn of_status(status: StatusCode) -> Problem {
        match status {
            StatusCode::NOT_FOUND => Problem::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Problem::Method,
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
            status if status.is_client_error() => Problem::Bad,
            status => Problem::Internal(format!("answered with {status}")),
        }
    }

    /// Returns the page that describes the problem. The page's frame adds the help code, which finds the events or the
    /// line in the server's log.
    pub(crate) fn page(&self) -> ProblemPage {
        let (title, what, action) = match self {
            Problem::Elsewhere(_) | Problem::NotFound => {
                ("problem-not-found-title", "problem-not-found", "problem-not-found-do")
            }
            Problem::Method => ("problem-method-title", "problem-method", "problem-method-do"),
            Problem::Bad => ("problem-bad-title", "problem-bad", "problem-bad-do"),
            Problem::TooLarge => ("problem-large-title", "problem-large", "problem-large-do"),
            Problem::Forged => ("problem-forged-title", "problem-forged", "problem-forged-do"),
            Problem::Link => ("problem-link-title", "problem-link", "problem-link-do"),
            Problem::AccountLink => ("problem-account-title", "problem-account", "problem-account-do"),
            Problem::TooOften => ("problem-too-often-title", "problem-too-often", "problem-too-often-do"),
            Problem::Version => ("problem-version-title", "problem-version", "problem-version-do"),
            Problem::NoPush => ("problem-push-title", "problem-push", "problem-push-do"),
            Problem::Unavailable(_) => ("problem-unavailable-title", "problem-unavailable", "problem-unavailable-do"),
            Problem::Internal(_) => ("problem-internal-title", "problem-internal", "problem-internal-do"),
        };
        ProblemPage { title, what, action, in_settings: matches!(self, Problem::AccountLink) }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Problem::Elsewhere(_) => StatusCode::SEE_OTHER,
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::Method => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Bad => StatusCode::BAD_REQUEST,
            Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Forged | Problem::Version => StatusCode::FORBIDDEN,
            Problem::Link | Problem::AccountLink => StatusCode::GONE,
            Problem::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Problem::NoPush | Problem::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Problem::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Problem::Elsewhere(path) => response.insert_header((LOCATION, *path)),
            problem => {
                response.extensions_mut().insert(problem.clone());
                &mut response
            }
        }
        .finish()
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProblemPage {
    pub title: &'static str,
    pub what: &'static str,
    #[serde(rename = "do")]
    pub action: &'static str,
    /// The enrollment began in Settings and must be started again there, not at the portal.
    pub in_settings: bool,
}

impl Page for ProblemPage {
    const TEMPLATE: &'static str = "problem";
}

content!(ProblemPage {
    title among ["problem-internal-title"],
    what among ["problem-internal"],
    action among ["problem-internal-do"],
    in_settings,
});

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        // A damaged log is also reported as unavailable: the server's operator repairs it, and the same request may
        // work afterwards.
        Problem::Unavailable(error.to_string())
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Problem {
        Problem::Unavailable(error.to_string())
    }
}

impl From<PerformError<Refusal>> for Problem {
    fn from(error: PerformError<Refusal>) -> Problem {
        match error {
            // `/enroll` redirects to the page of the current step.
            PerformError::Refused(Refusal::OutOfStep(_)) => Problem::Elsewhere("/enroll"),
            PerformError::Refused(Refusal::TooOften) => Problem::TooOften,
            PerformError::Refused(refusal) => Problem::internal(refusal),
            PerformError::Append(error) => error.into(),
            PerformError::Read(error) => error.into(),
        }
    }
}

impl From<PerformError<decisions::person::Refusal>> for Problem {
    fn from(error: PerformError<decisions::person::Refusal>) -> Problem {
        match error {
            PerformError::Refused(refusal) => Problem::internal(refusal),
            PerformError::Append(error) => error.into(),
            PerformError::Read(error) => error.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Problem {
        match error {
            SignInError::Unavailable(error) => Problem::Unavailable(error.to_string()),
            SignInError::Append(error) => error.into(),
            SignInError::Read(error) => error.into(),
            SignInError::Refused(why) => Problem::Internal(why),
        }
    }
}

impl From<handlebars::RenderError> for Problem {
    fn from(error: handlebars::RenderError) -> Problem {
        Problem::internal(error)
    }
}
