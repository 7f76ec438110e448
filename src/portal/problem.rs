//! When a page cannot be: what happened, what to do, and a code that finds the events.

use super::render::Page;
use crate::web::content::content;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, ResponseError};
use decisions::visit::Refusal;
use events::store::{AppendError, ReadError};
use platform::PerformError;
use serde::Serialize;
use sign_in::SignInError;

/// Why a request does not get what it asks for. The middleware turns it into a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing wrong: the person's place is on another page.
    #[error("the person stands elsewhere: {0}")]
    Elsewhere(&'static str),
    #[error("no such page")]
    NotFound,
    #[error("method not allowed")]
    Method,
    #[error("unreadable form")]
    Bad,
    #[error("too large")]
    TooLarge,
    #[error("the form is not one of ours, or of an earlier session")]
    Forged,
    #[error("the link is expired, tampered with, or of another step")]
    Link,
    #[error("the link from Settings is expired, tampered with, or was used by another browser")]
    AccountLink,
    #[error("the visit has done the same too often")]
    TooOften,
    #[error("the profile is not for this version of iOS")]
    Version,
    #[error("no push certificate is configured")]
    NoPush,
    #[error("unavailable: {0}")]
    Unavailable(String),
    #[error("{0}")]
    Internal(String),
}

impl Problem {
    pub fn internal(error: impl std::fmt::Display) -> Problem {
        Problem::Internal(error.to_string())
    }

    /// The problem behind an answer that the framework made itself.
    pub fn of_status(status: StatusCode) -> Problem {
        match status {
            StatusCode::NOT_FOUND => Problem::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Problem::Method,
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
            status if status.is_client_error() => Problem::Bad,
            status => Problem::Internal(format!("answered with {status}")),
        }
    }

    /// The page that tells it. Around it goes the help code that finds the events, or the line in the server's log.
    pub fn page(&self) -> ProblemPage {
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
pub struct ProblemPage {
    pub title: &'static str,
    pub what: &'static str,
    #[serde(rename = "do")]
    pub action: &'static str,
    /// The way began in Settings and begins there again, not at the portal.
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
        // Damage, too, is ours to mend, and the same try may work afterwards.
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
            // `/enroll` knows the right page.
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
