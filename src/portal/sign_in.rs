//! Step 1: somebody says who they are.

use super::problem::Problem;
use super::render::Page;
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, SESSION_COOKIE, Session, Visitor, see_other};
use crate::app::sign_in::{Entrance, Outcome, at_portal};
use crate::enrollment::visit::{Command, Step, Visit};
use crate::web::{lasting_host_cookie, no_cookie};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, cookie::Cookie};
use events::enrollment::EnrollmentId;
use secrecy::SecretString;
use serde::Serialize;

#[derive(Debug, Clone, Default, Serialize)]
pub struct SignInPage {
    pub refused: bool,
    pub wait_minutes: Option<i64>,
}

impl Page for SignInPage {
    const TEMPLATE: &'static str = "sign_in";
}

pub async fn show(visitor: Visitor) -> Answered {
    not_yet(&visitor)?;
    visitor.page(&SignInPage::default())
}

pub async fn take(mut form: Submission) -> Answered {
    let user_name = form.take("user_name").unwrap_or_default();
    let password = SecretString::from(form.take("password").unwrap_or_default());
    let visitor = form.visitor;
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    let entrance = Entrance {
        visit: visitor.session.as_ref().map(|session| session.enrollment),
        source: visitor.source,
        user_agent: &visitor.user_agent,
        platform,
        language: visitor.language.tag(),
    };
    match at_portal(&visitor.app, &entrance, &user_name, &password).await? {
        Outcome::SignedIn { enrollment, secret } => {
            let visit = visitor.app.visit(enrollment).await?;
            let mut response = see_other(steps::path(visit.step()));
            set(&mut response, session_cookie(&visitor, enrollment, &secret))?;
            Ok(response)
        }
        Outcome::OutOfStep => Err(Problem::Elsewhere("/enroll")),
        Outcome::Refused { opened, retry_after } => refused(visitor, opened, retry_after),
    }
}

// The same page and status whatever the reason; only a throttled one says how long to wait.
fn refused(mut visitor: Visitor, opened: Option<(EnrollmentId, String)>, retry_after: Option<i64>) -> Answered {
    let cookie = opened.as_ref().map(|(enrollment, secret)| session_cookie(&visitor, *enrollment, secret));
    // The form on the page must go with the session that begins with it.
    if let (Some((enrollment, _)), Some(cookie)) = (opened, &cookie) {
        visitor.session = Some(Session::begun(enrollment, cookie.value().to_owned()));
    }
    let (status, page) = match retry_after {
        None => (StatusCode::UNAUTHORIZED, SignInPage { refused: true, wait_minutes: None }),
        Some(seconds) => {
            let minutes = (seconds + 59) / 60;
            (StatusCode::TOO_MANY_REQUESTS, SignInPage { refused: false, wait_minutes: Some(minutes) })
        }
    };
    let mut response = visitor.page_with(status, &page)?;
    if let Some(cookie) = cookie {
        set(&mut response, cookie)?;
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// Ends the session here and on the server: a copy of the cookie is worth nothing any more.
pub async fn leave(form: Submission) -> Answered {
    let visitor = form.visitor;
    if let Some(session) = &visitor.session {
        let stream = session.enrollment.stream();
        visitor.app.perform::<Visit>(&stream, &Command::SignOut, &session.context(visitor.source)).await?;
    }
    let mut response = see_other(steps::path(Step::SignIn));
    set(&mut response, no_cookie(SESSION_COOKIE))?;
    Ok(response)
}

// Somebody who has signed in stands further on.
fn not_yet(visitor: &Visitor) -> Result<(), Problem> {
    visitor.on_ios()?;
    match visitor.session.as_ref().map(|session| session.visit.step()) {
        None | Some(Step::Open | Step::SignIn) => Ok(()),
        Some(step) => Err(Problem::Elsewhere(steps::path(step))),
    }
}

// As long as the session: people leave for Settings, and iOS may end Safari in the meantime.
fn session_cookie(visitor: &Visitor, enrollment: EnrollmentId, secret: &str) -> Cookie<'static> {
    lasting_host_cookie(SESSION_COOKIE, format!("{enrollment}.{secret}"), visitor.settings.abandon_after_hours)
}

fn set(response: &mut HttpResponse, cookie: Cookie<'static>) -> Result<(), Problem> {
    response.add_cookie(&cookie).map_err(Problem::internal)
}
