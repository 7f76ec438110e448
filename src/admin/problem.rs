//! Answers that are no page: what happened, what to do, and a code that finds it in the log.

use super::pages::{self, ProblemPage};
use crate::web::visible::visible_line;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder, ResponseError};
use plural::counted;
use std::fmt;
use uuid::Uuid;

/// Characters of a parameter's name that are shown.
const LONGEST_NAME: usize = 40;

#[derive(Debug)]
pub enum Problem {
    /// Nobody is signed in; `next` is where they wanted to go.
    SignedOut {
        next: String,
    },
    /// The first proof was given; the second factor is asked for before anything else.
    SecondFactor {
        next: String,
    },
    /// A second factor is needed, and there is none yet.
    SetUpFactor,
    /// What they want to change takes a proof of these minutes.
    Confirm {
        next: String,
    },
    /// Signed in, but without the role this takes.
    NotAllowed,
    /// The form was not filled in on a page of ours, or long ago.
    Forged,
    NotFound,
    /// The set-up link was used, replaced, or is too old.
    LinkDead,
    Method,
    Bad(&'static str),
    /// A parameter of the address is not understood.
    Parameter {
        name: String,
        why: String,
    },
    /// It cannot be done in the state things are in.
    Refused(String),
    Throttled {
        seconds: i64,
    },
    /// Our fault. `code` is in the server's log beside the cause.
    Unavailable {
        code: Uuid,
        during: During,
    },
}

/// What was being done when something of ours failed. Of a form nobody is told that nothing was done: an append whose outcome
/// is not known may have been written, and of several devices some may have it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum During {
    /// A page was to be shown; no form was sent.
    Reading,
    /// A form was acted on.
    Acting,
    /// The form was acted on and that is recorded; the page that says so cannot be shown.
    Reporting,
}

impl Problem {
    pub fn bad(what: &'static str) -> Problem {
        Problem::Bad(what)
    }

    /// A parameter of the address is not understood. A long name is cut: it is whatever somebody wrote.
    pub fn parameter(name: &str, why: String) -> Problem {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        Problem::Parameter { name: visible_line(&name).into_owned(), why }
    }

    /// The same problem, told of a parameter of the address.
    pub fn of(self, name: &str) -> Problem {
        match self {
            Problem::Bad(why) => Problem::parameter(name, why.to_owned()),
            Problem::NotFound => Problem::parameter(name, "It is not an id.".to_owned()),
            other => other,
        }
    }

    /// Something of ours does not work: the cause goes to the server's log, its code to the page.
    pub fn unavailable(cause: impl fmt::Display, code: Uuid) -> Problem {
        tracing::error!(%code, %cause, "a page of the console cannot be shown");
        Problem::Unavailable { code, during: During::Acting }
    }

    /// The same problem of a page that reports what was done.
    pub fn reporting(self) -> Problem {
        self.during(During::Reporting)
    }

    /// The same problem of a request that only reads.
    pub fn reading(self) -> Problem {
        self.during(During::Reading)
    }

    fn during(self, during: During) -> Problem {
        match self {
            Problem::Unavailable { code, .. } => Problem::Unavailable { code, during },
            other => other,
        }
    }

    fn page(&self) -> ProblemPage {
        let (heading, what, advice) = match self {
            Problem::SignedOut { .. } => ("Signed out", "You are not signed in.".to_owned(), "Sign in and try again."),
            Problem::SecondFactor { .. } | Problem::SetUpFactor => {
                ("One more step", "A second factor is asked for.".to_owned(), "Give it, and you are in.")
            }
            Problem::Confirm { .. } => (
                "Is it you?",
                "This takes a proof of the last few minutes.".to_owned(),
                "Confirm that it is you, then do it again.",
            ),
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
            Problem::LinkDead => (
                "The link does not work",
                "It was used, replaced by another one, or is older than 24 hours.".to_owned(),
                "Whoever runs the server makes another with `muster user set-up-link`.",
            ),
            Problem::Method => (
                "Not understood",
                "The page was called in a way it does not know.".to_owned(),
                "Open the list of devices and use the buttons on the pages.",
            ),
            Problem::Bad(what) => ("Not understood", (*what).to_owned(), "Go back and correct it."),
            Problem::Parameter { name, why } => (
                "Not understood",
                format!("The address has “{name}”, which this page does not understand. {why}"),
                "Correct it in the address, or leave it out.",
            ),
            Problem::Refused(why) => ("Not possible", why.clone(), "Open the record again to see how it stands."),
            Problem::Throttled { seconds } => (
                "Too many attempts",
                format!("Too many attempts failed. Wait {}.", counted(*seconds, "second")),
                "Muster locks no account: after that you can go on as usual.",
            ),
            Problem::Unavailable { during: During::Reading, .. } => (
                "Something is not working",
                "The server cannot show this page at the moment. What you did before is kept.".to_owned(),
                "Try again in a minute. If it stays like this, give the code to whoever runs the server.",
            ),
            Problem::Unavailable { during: During::Acting, .. } => (
                "Something is not working",
                "The server could not finish this. Some of it may have been done.".to_owned(),
                "Look at the record or the audit trail before you do it again. If it stays like this, give the code to \
                 whoever runs the server.",
            ),
            Problem::Unavailable { during: During::Reporting, .. } => (
                "It was done, but cannot be shown",
                "What you asked for is recorded. Only the page that reports it cannot be shown.".to_owned(),
                "Do not send it again: the record and the audit trail show it. Give the code to whoever runs the server.",
            ),
        };
        let code = match self {
            Problem::Unavailable { code, .. } => Some(projections::audit::help_code(*code)),
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
            Problem::SignedOut { .. }
            | Problem::SecondFactor { .. }
            | Problem::SetUpFactor
            | Problem::Confirm { .. } => StatusCode::SEE_OTHER,
            Problem::NotAllowed | Problem::Forged => StatusCode::FORBIDDEN,
            Problem::NotFound | Problem::LinkDead => StatusCode::NOT_FOUND,
            Problem::Method => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Bad(_) | Problem::Parameter { .. } => StatusCode::BAD_REQUEST,
            Problem::Refused(_) => StatusCode::CONFLICT,
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
        response.insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(pages::problem(&self.page()))
    }
}

// To a page that leads back afterwards.
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
            let page = Problem::Unavailable { code: Uuid::nil(), during }.page();
            let said = format!("{} {} {}", page.heading, page.what, page.advice).to_lowercase();
            assert!(!said.contains("nothing"), "{during:?}: {said}");
        }
    }

    #[test]
    fn a_page_that_reports_an_act_says_that_it_was_done() {
        let problem = Problem::unavailable("a template is wrong", Uuid::nil()).reporting();
        assert!(problem.page().what.contains("is recorded"));
        assert_eq!(problem.status_code(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(matches!(Problem::NotFound.reporting(), Problem::NotFound));
    }
}
