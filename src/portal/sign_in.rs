//! The sign-in step: somebody says who they are.

use super::account::onward;
use super::browser::Browser;
use super::problem::Problem;
use super::render::Page;
use super::single_sign_on::lead_on;
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, KNOWN_COOKIE, SESSION_COOKIE, Session, Visitor, see_other};
use crate::app::App;
use crate::web::content::content;
use crate::web::{lasting_host_cookie, no_cookie, visit_code};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, cookie::Cookie};
use decisions::visit::{Command, FIRST_ACCOUNT_DRIVEN_ONLY, Step, Visit};
use enroll::account_driven::link::Purpose;
use enroll::{Credentials, Entrance, Outcome, at_portal};
use events::enrollment::{EnrollmentId, EnrollmentMode, Ownership, help_code};
use events::settings::Settings;
use secrecy::SecretString;
use serde::Serialize;
use sign_in::KNOWN_FOR_DAYS;
use sign_in::redirect::{self, Offer};

#[derive(Debug, Clone, Default, Serialize)]
pub struct SignInPage {
    /// User name and password did not let them in.
    pub refused: bool,
    /// They did not get through at an identity provider.
    pub not_through: bool,
    /// The provider or directory cannot be asked.
    pub not_now: bool,
    /// They were at the provider for too long.
    pub too_late: bool,
    /// The password was right, and the directory wants another.
    pub change_password: bool,
    pub wait_minutes: Option<i64>,
    /// A device of their own is enrolled in Settings and not here: keys of what to do there, in order.
    pub own_steps: &'static [&'static str],
    /// A device of the organization may be enrolled here.
    pub others_here: bool,
    /// They do not get on: where to find help is said.
    pub stuck: bool,
    /// A button each.
    pub providers: Vec<Offer>,
    /// There is a form for user name and password.
    pub password: bool,
    /// There is no way at all to sign in.
    pub nobody: bool,
    /// What was typed already, in Settings.
    pub user_name: String,
    /// Their device is enrolled: they sign in so that it stays so.
    pub again: bool,
}

impl Page for SignInPage {
    const TEMPLATE: &'static str = "sign_in";
}

content!(SignInPage {
    refused,
    not_through,
    not_now,
    too_late,
    change_password,
    own_steps among [SETTINGS_WAY, &[]],
    others_here,
    stuck,
    wait_minutes among [Some(7_i64), Some(1), None],
    providers,
    password,
    nobody,
    user_name,
    again,
});

/// Where a device of their own begins.
const SETTINGS_WAY: &[&str] = &["stopped-account-open", "stopped-account-sign-in", "stopped-account-account"];

/// Which way did not lead in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Password,
    SingleSignOn,
    /// None: it is not to be had at the moment.
    NotNow,
    /// The answer came too late.
    TooLate,
    /// The password was right, and the directory wants another.
    ChangePassword,
}

impl SignInPage {
    pub fn of(visitor: &Visitor) -> SignInPage {
        // Who came from Settings is where they have to be.
        let Some(link) = &visitor.link else {
            return SignInPage::offered(&visitor.app, &visitor.settings, visitor.browser);
        };
        let again = link.purpose == Purpose::SignInAgain;
        SignInPage { again, ..SignInPage::ways_in(&visitor.app, &visitor.settings) }
    }

    /// What is offered to who opens the portal in this browser.
    pub fn offered(app: &App, settings: &Settings, browser: Browser) -> SignInPage {
        let page = SignInPage::ways_in(app, settings);
        if !own_in_settings(settings, browser) {
            return page;
        }
        let page = SignInPage { own_steps: SETTINGS_WAY, ..page };
        match settings.ownership_kinds.contains(&Ownership::Institutional) {
            true => SignInPage { others_here: true, ..page },
            // Nobody signs in here only to read that it is the wrong place.
            false => SignInPage { providers: vec![], password: false, ..page },
        }
    }

    fn ways_in(app: &App, settings: &Settings) -> SignInPage {
        let ways = &settings.sign_in.enrollment;
        let providers = app.sign_in.providers.offers(&ways.single_sign_on);
        let password = ways.local_accounts || !ways.directories.is_empty();
        // What the settings name is not in the configuration, and nothing else is left.
        let nobody = !password && providers.is_empty();
        let not_now = nobody && !ways.single_sign_on.is_empty();
        SignInPage { nobody: nobody && !not_now, not_now, providers, password, stuck: nobody, ..SignInPage::default() }
    }
}

// Since iOS 18 there is no other way for personal devices.
fn own_in_settings(settings: &Settings, browser: Browser) -> bool {
    let Browser::Safari(platform) = browser else { return false };
    platform.version.is_some_and(|version| version >= FIRST_ACCOUNT_DRIVEN_ONLY)
        && settings.account_driven.mode(platform.family, &settings.ownership_kinds) == Some(EnrollmentMode::Byod)
}

pub async fn show(visitor: Visitor) -> Answered {
    not_yet(&visitor)?;
    visitor.page(&SignInPage::of(&visitor))
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
        link: visitor.link.clone(),
    };
    let known_browser = visitor.known_browser.as_deref();
    let given = Credentials { user_name: &user_name, password: &password, known_browser };
    let outcome = at_portal(&visitor.app.enroll, &entrance, &given).await?;
    conclude(visitor, outcome, Notice::Password).await
}

/// Leads on whoever is in, and says so to whoever is not.
///
/// # Errors
/// If the log cannot be read.
pub async fn conclude(visitor: Visitor, outcome: Outcome, notice: Notice) -> Answered {
    match outcome {
        Outcome::SignedIn { enrollment, secret, known_browser } => {
            let visit = visitor.app.platform.visit(enrollment).await?;
            let session = Session::of_link(enrollment, visit.clone());
            visitor.note_language(&session, visitor.language).await?;
            let mut response = onward(&visitor, &session, &visit).await?;
            visit_code::note_begun(&mut response, help_code(enrollment));
            keep(&mut response, &visitor, enrollment, &secret)?;
            if let Some(known) = known_browser {
                set(&mut response, lasting_host_cookie(KNOWN_COOKIE, known, KNOWN_FOR_DAYS * 24))?;
            }
            Ok(response)
        }
        Outcome::OutOfStep => Err(Problem::Elsewhere("/enroll")),
        Outcome::Refused { opened, retry_after } => refused(visitor, opened, retry_after, notice),
        Outcome::NotNow { opened } => refused(visitor, opened, None, Notice::NotNow),
        Outcome::ChangePassword { opened } => refused(visitor, opened, None, Notice::ChangePassword),
        Outcome::TooLate => refused(visitor, None, None, Notice::TooLate),
    }
}

// The same page and status whatever is wrong with name, password or answer; only a throttled one says how long to wait.
fn refused(
    mut visitor: Visitor,
    opened: Option<(EnrollmentId, String)>,
    retry_after: Option<i64>,
    notice: Notice,
) -> Answered {
    let cookie = opened.as_ref().map(|(enrollment, secret)| session_cookie(&visitor, *enrollment, secret));
    // The form on the page must go with the session that begins with it.
    if let (Some((enrollment, _)), Some(cookie)) = (opened, &cookie) {
        visitor.session = Some(Session::begun(enrollment, cookie.value().to_owned()));
    }
    let page = SignInPage { stuck: true, ..SignInPage::of(&visitor) };
    let (status, page) = match retry_after {
        None => {
            let is = |other| notice == other;
            let (refused, not_through) = (is(Notice::Password), is(Notice::SingleSignOn));
            let (not_now, too_late) = (is(Notice::NotNow), is(Notice::TooLate));
            let change_password = is(Notice::ChangePassword);
            let status = if not_now { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::UNAUTHORIZED };
            (status, SignInPage { refused, not_through, not_now, too_late, change_password, ..page })
        }
        Some(seconds) => {
            let minutes = (seconds + 59) / 60;
            (StatusCode::TOO_MANY_REQUESTS, SignInPage { wait_minutes: Some(minutes), ..page })
        }
    };
    let mut response = visitor.page_with(status, &page)?;
    if let Some(session) = &visitor.session {
        visit_code::note_begun(&mut response, help_code(session.enrollment));
    }
    if let Some(cookie) = cookie {
        set(&mut response, cookie)?;
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// Ends the session here and on the server: a copy of the cookie is worth nothing any more. Whoever signed in at an
/// identity provider is led to sign out there too.
pub async fn leave(form: Submission) -> Answered {
    end_session(form.visitor, &Command::SignOut).await
}

/// Leaves by a command that ends the session.
///
/// # Errors
/// If the log cannot be used.
pub async fn end_session(mut visitor: Visitor, command: &Command) -> Answered {
    let mut onward = None;
    if let Some(session) = visitor.session.take() {
        let stream = session.enrollment.stream();
        visitor.app.platform.perform::<Visit>(&stream, command, &session.context(visitor.source)).await?;
        if let Some(provider) = &session.visit.signed_in_at {
            onward = redirect::sign_out(&visitor.app.sign_in, provider, steps::path(Step::SignIn)).await;
        }
    }
    let mut response = match onward {
        Some(address) => lead_on(&visitor, &address, true)?,
        None => see_other(steps::path(Step::SignIn)),
    };
    set(&mut response, no_cookie(SESSION_COOKIE))?;
    Ok(response)
}

/// Somebody who has signed in stands further on.
///
/// # Errors
/// Leads to the page where they stand.
pub fn not_yet(visitor: &Visitor) -> Result<(), Problem> {
    visitor.on_ios()?;
    match visitor.session.as_ref().map(|session| session.visit.step()) {
        None | Some(Step::Open | Step::SignIn | Step::SignInAgain) => Ok(()),
        Some(step) => Err(Problem::Elsewhere(steps::path(step))),
    }
}

/// Gives the browser the session.
///
/// # Errors
/// If the cookie cannot be written.
pub fn keep(
    response: &mut HttpResponse,
    visitor: &Visitor,
    enrollment: EnrollmentId,
    secret: &str,
) -> Result<(), Problem> {
    set(response, session_cookie(visitor, enrollment, secret))
}

// As long as the session: people leave for Settings, and iOS may end Safari in the meantime.
fn session_cookie(visitor: &Visitor, enrollment: EnrollmentId, secret: &str) -> Cookie<'static> {
    lasting_host_cookie(SESSION_COOKIE, format!("{enrollment}.{secret}"), visitor.settings.abandon_after_hours)
}

fn set(response: &mut HttpResponse, cookie: Cookie<'static>) -> Result<(), Problem> {
    response.add_cookie(&cookie).map_err(Problem::internal)
}
