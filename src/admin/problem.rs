//! Answers that are no page: what happened, what to do, and a code that finds it in the log.

use super::pages::{self, ProblemPage};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use std::fmt;
use uuid::Uuid;

#[derive(Debug)]
pub enum Problem {
    /// Nobody is signed in; `next` is where they wanted to go.
    SignedOut {
        next: String,
    },
    /// Signed in, but without the role this takes.
    NotAllowed,
    /// The form was not filled in on a page of ours, or long ago.
    Forged,
    NotFound,
    Method,
    Bad(&'static str),
    /// It cannot be done in the state things are in.
    Refused(String),
    Throttled {
        seconds: i64,
    },
    /// Our fault. `code` is in the server's log beside the cause.
    Unavailable {
        code: Uuid,
    },
}

impl Problem {
    pub fn bad(what: &'static str) -> Problem {
        Problem::Bad(what)
    }

    /// Something of ours does not work: the cause goes to the server's log, its code to the page.
    pub fn unavailable(cause: impl fmt::Display, code: Uuid) -> Problem {
        tracing::error!(%code, %cause, "a page of the console cannot be shown");
        Problem::Unavailable { code }
    }

    fn page(&self) -> ProblemPage {
        let (heading, what, advice) = match self {
            Problem::SignedOut { .. } => ("Signed out", "You are not signed in.".to_owned(), "Sign in and try again."),
            Problem::NotAllowed => (
                "Not allowed",
                "Your account does not have the role that this takes.".to_owned(),
                "An administrator can do it, or can give you the role.",
            ),
            Problem::Forged => (
                "The form has expired",
                "The form does not belong to your session, so nothing was done.".to_owned(),
                "Open the page again and repeat it there.",
            ),
            Problem::NotFound => (
                "Not found",
                "There is nothing at this address, or there was nothing at that time.".to_owned(),
                "Look for it in the list of devices or in the audit trail.",
            ),
            Problem::Method => (
                "Not understood",
                "The page was called in a way it does not know.".to_owned(),
                "Open the list of devices and use the buttons on the pages.",
            ),
            Problem::Bad(what) => ("Not understood", (*what).to_owned(), "Go back and correct it."),
            Problem::Refused(why) => ("Not possible", why.clone(), "Open the record again to see how it stands."),
            Problem::Throttled { seconds } => (
                "Too many attempts",
                format!("Too many sign-ins failed. Wait {seconds} seconds."),
                "Nothing is locked: after that you can sign in as usual.",
            ),
            Problem::Unavailable { .. } => (
                "Something is not working",
                "The server could not do this. Nothing was changed.".to_owned(),
                "Try again in a minute. If it stays like this, give the code to whoever runs the server.",
            ),
        };
        let code = match self {
            Problem::Unavailable { code } => Some(projections::audit::help_code(*code)),
            _ => None,
        };
        ProblemPage { heading, what, advice, code }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.page().what)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Problem::SignedOut { .. } => StatusCode::SEE_OTHER,
            Problem::NotAllowed | Problem::Forged => StatusCode::FORBIDDEN,
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::Method => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Bad(_) => StatusCode::BAD_REQUEST,
            Problem::Refused(_) => StatusCode::CONFLICT,
            Problem::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Problem::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Problem::SignedOut { next } => {
                let query: String =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
                return response.insert_header((LOCATION, format!("/console/sign-in?{query}"))).finish();
            }
            Problem::Throttled { seconds } => {
                response.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            _ => {}
        }
        response.insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(pages::problem(&self.page()))
    }
}

impl Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}
