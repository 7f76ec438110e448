//! Error responses of the console: what happened, what to do, and a code that finds the cause in the log.

use super::render::{self, ProblemPage};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder, ResponseError};
use names::visible::visible_line;
use plural::counted;
use projections::ProjectionError;
use std::any::Any;
use std::fmt;
use uuid::Uuid;

/// Maximum number of characters shown of a parameter's name.
const LONGEST_NAME: usize = 40;

#[derive(Debug)]
pub(crate) enum Problem {
    /// The visitor is not signed in; `next` is the requested page.
    SignedOut {
        next: String,
    },
    /// The first factor was accepted; the second factor must be given before anything else.
    SecondFactor {
        next: String,
    },
    /// A second factor is required, but none is set up yet.
    SetUpFactor,
    /// The requested action needs a confirmation of the last minutes.
    Confirm {
        next: String,
    },
    /// The staff member lacks the required role.
    NotAllowed,
    /// The form did not come from a page of this session, or has expired.
    Forged,
    NotFound,
    /// The set-up link was used, replaced, or has expired.
    LinkDead,
    Method,
    Bad(&'static str),
    /// A query parameter is invalid.
    Parameter {
        name: String,
        why: String,
    },
    /// The current state does not permit the action.
    Refused(String),
    /// The link was decided otherwise in the meantime, or another one has its place; `href` is the page to look at.
    LinkRefused {
        why: String,
        href: String,
    },
    /// An upload is not possible now; the text says why.
    Busy(String),
    /// The uploaded file is not accepted; the text says why.
    FileRefused(String),
    FileTooLarge(String),
    FileGone(String),
    Throttled {
        seconds: i64,
    },
    /// Internal error. The server's log contains `code` together with the cause.
    Unavailable {
        code: Uuid,
        during: During,
        /// How far the projection that the page needs is built, in percent of the log; `None` if that is not the cause.
        building: Option<u64>,
    },
}

/// What the server did when the error occurred. For a form, the page never claims that nothing was done: an append
/// with unknown outcome may have been written, and of several devices some may already have the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum During {
    /// A page was requested; no form was sent.
    Reading,
    /// A form was being processed.
    Acting,
    /// The form was processed and the result is recorded, but the page that reports it cannot be shown.
    Reporting,
}

impl Problem {
    pub(crate) fn bad(what: &'static str) -> Problem {
        Problem::Bad(what)
    }

    /// A query parameter is invalid.
    pub(crate) fn parameter(name: &str, why: String) -> Problem {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        Problem::Parameter { name: visible_line(&name).into_owned(), why }
    }

    /// Attributes the problem to a query parameter.
    pub(crate) fn of(self, name: &str) -> Problem {
        match self {
            Problem::Bad(why) => Problem::parameter(name, why.to_owned()),
            Problem::NotFound => Problem::parameter(name, "It is not a valid id.".to_owned()),
            other => other,
        }
    }

    /// Internal error: logs the cause and puts its code on the page.
    pub(crate) fn unavailable(cause: impl fmt::Display + 'static, code: Uuid) -> Problem {
        tracing::error!(%code, %cause, "cannot serve a page of the console");
        let building = match (&cause as &dyn Any).downcast_ref() {
            Some(ProjectionError::Building { percent, .. }) => Some(*percent),
            _ => None,
        };
        Problem::Unavailable { code, during: During::Acting, building }
    }

    /// The same problem while reporting what was done.
    pub(crate) fn reporting(self) -> Problem {
        self.during(During::Reporting)
    }

    /// The same problem in a request that only reads.
    pub(crate) fn reading(self) -> Problem {
        self.during(During::Reading)
    }

    fn during(self, during: During) -> Problem {
        match self {
            Problem::Unavailable { code, building, .. } => Problem::Unavailable { code, during, building },
            other => other,
        }
    }

    fn page(&self) -> ProblemPage {
        let (heading, what, advice) = match self {
            Problem::SignedOut { .. } => ("Signed out", "You are not signed in.".to_owned(), "Sign in and try again."),
            Problem::SecondFactor { .. } | Problem::SetUpFactor => {
                ("One more step", "A second factor is required.".to_owned(), "Provide it to continue.")
            }
            Problem::Confirm { .. } => {
                ("Confirm it’s you", "Confirm it’s you to continue.".to_owned(), "After that, repeat the action.")
            }
            Problem::NotAllowed => (
                "Not allowed",
                "Your account does not have the required role.".to_owned(),
                "Ask an administrator to do this or to give you the role.",
            ),
            Problem::Forged => (
                "The form has expired",
                "The form does not belong to your session, so nothing was done.".to_owned(),
                "Open the page again and repeat the action there.",
            ),
            Problem::NotFound => (
                "Not found",
                "There is nothing at this address, or there was nothing at the given time.".to_owned(),
                "Look for it in the list of devices or in the audit trail.",
            ),
            Problem::LinkDead => (
                "The link does not work",
                "It was already used, was replaced by another link, or is older than 24 hours.".to_owned(),
                "On the server, create a new link with `muster user set-up-link`.",
            ),
            Problem::Method => (
                "Invalid request",
                "This page does not support the way in which it was opened.".to_owned(),
                "Open the list of devices and use the buttons on the pages.",
            ),
            Problem::Bad(what) => ("Invalid request", (*what).to_owned(), "Go back and correct the input."),
            Problem::Parameter { name, why } => (
                "Invalid request",
                format!("The parameter “{name}” in the address is not valid. {why}"),
                "Correct the parameter or remove it.",
            ),
            Problem::Refused(why) => ("Not possible", why.clone(), "Open the record again to see its current state."),
            Problem::LinkRefused { why, .. } => ("Not possible", why.clone(), "Nothing was changed."),
            Problem::Busy(why) => ("Not now", why.clone(), "Nothing was done. The page Imports shows what goes on."),
            Problem::FileRefused(why) | Problem::FileTooLarge(why) => {
                ("The file was not accepted", why.clone(), "Nothing was imported.")
            }
            Problem::FileGone(why) => ("The file is gone", why.clone(), "What was imported before stays."),
            Problem::Throttled { seconds } => (
                "Too many attempts",
                format!("Too many attempts failed. Wait {}.", counted(*seconds, "second")),
                "After that, you can continue as usual. Muster does not lock accounts.",
            ),
            Problem::Unavailable { during: During::Reading, building: Some(percent), .. } => (
                "This page is being built",
                format!("After an upgrade, the server builds it from the log: {percent} % so far."),
                "Open it again in some minutes. Devices are served meanwhile, and nothing is lost.",
            ),
            Problem::Unavailable { during: During::Reading, .. } => (
                "Something went wrong",
                "The server cannot show this page at the moment. Your earlier changes are saved.".to_owned(),
                "Try again in a minute. If the problem stays, give the code to the person who runs the server.",
            ),
            Problem::Unavailable { during: During::Acting, .. } => (
                "Something went wrong",
                "The server could not finish this. A part of it may have been done.".to_owned(),
                "Check the record or the audit trail before you repeat the action. If the problem stays, give the code to the \
                 person who runs the server.",
            ),
            Problem::Unavailable { during: During::Reporting, .. } => (
                "Done, but the result cannot be shown",
                "Your action is recorded. Only the page with the result cannot be shown.".to_owned(),
                "Do not repeat the action. The record and the audit trail show it. Give the code to the person who runs the \
                 server.",
            ),
        };
        let code = match self {
            Problem::Unavailable { code, .. } => Some(projections::audit::help_code(*code)),
            _ => None,
        };
        let go = match self {
            Problem::LinkRefused { href, .. } => Some(href.clone()),
            _ => None,
        };
        ProblemPage { heading, what, advice, code, go }
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
            Problem::SignedOut { .. }
            | Problem::SecondFactor { .. }
            | Problem::SetUpFactor
            | Problem::Confirm { .. } => StatusCode::SEE_OTHER,
            Problem::NotAllowed | Problem::Forged => StatusCode::FORBIDDEN,
            Problem::NotFound | Problem::LinkDead | Problem::FileGone(_) => StatusCode::NOT_FOUND,
            Problem::Method => StatusCode::METHOD_NOT_ALLOWED,
            Problem::FileTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Bad(_) | Problem::Parameter { .. } | Problem::FileRefused(_) => StatusCode::BAD_REQUEST,
            Problem::Refused(_) | Problem::LinkRefused { .. } | Problem::Busy(_) => StatusCode::CONFLICT,
            Problem::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Problem::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Problem::SignedOut { next } => return lead(&mut response, "/console/sign-in", next),
            Problem::SecondFactor { next } => return lead(&mut response, "/console/second-factor", next),
            Problem::SetUpFactor => return lead(&mut response, "/console/account/factors/new", ""),
            Problem::Confirm { next } => return lead(&mut response, "/console/confirm", next),
            Problem::Throttled { seconds } => {
                response.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            _ => {}
        }
        response.insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(render::problem(&self.page()))
    }
}

// Redirects to a page that returns to `next` afterwards.
fn lead(response: &mut HttpResponseBuilder, path: &str, next: &str) -> HttpResponse {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    let address = if next.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    response.insert_header((LOCATION, address)).finish()
}

impl Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fault_of_ours_says_that_nothing_was_done() {
        for during in [During::Reading, During::Acting, During::Reporting] {
            let page = Problem::Unavailable { code: Uuid::nil(), during, building: None }.page();
            let said = format!("{} {} {}", page.heading, page.what, page.advice).to_lowercase();
            assert!(!said.contains("nothing"), "{during:?}: {said}");
        }
    }

    #[test]
    fn a_page_whose_projection_is_built_says_how_far_it_is_unless_a_form_was_sent() {
        let building =
            || Problem::unavailable(ProjectionError::Building { projection: "audit", percent: 42 }, Uuid::nil());
        let page = building().reading().page();
        assert!(page.heading.contains("being built") && page.what.contains("42 %"), "{} {}", page.heading, page.what);
        assert_eq!(building().reading().status_code(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(building().page().what.contains("may have been done"));
    }

    #[test]
    fn a_page_that_reports_an_act_says_that_it_was_done() {
        let problem = Problem::unavailable("a template is wrong", Uuid::nil()).reporting();
        assert!(problem.page().what.contains("is recorded"));
        assert_eq!(problem.status_code(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(matches!(Problem::NotFound.reporting(), Problem::NotFound));
    }
}
