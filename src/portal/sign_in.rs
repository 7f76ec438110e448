//! The sign-in step of the portal.

use super::browser::Browser;
use super::leaving::lead_on;
use super::onward::onward_from_sign_in;
use super::problem::Problem;
use super::render::Page;
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, KNOWN_COOKIE, SESSION_COOKIE, Session, Visitor, see_other};
use crate::portal::Portal;
use crate::web::content::content;
use crate::web::{enrollment_code, lasting_host_cookie, no_cookie};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, cookie::Cookie};
use decisions::enrollment::{Command, Enrollment, FIRST_ACCOUNT_DRIVEN_ONLY, Step};
use enroll::account_driven::link::Purpose;
use enroll::{Credentials, Entrance, SignInOutcome, at_portal};
use events::enrollment::{EnrollmentId, EnrollmentMode, Ownership, help_code};
use events::settings::Settings;
use secrecy::SecretString;
use serde::Serialize;
use sign_in::KNOWN_FOR_DAYS;
use sign_in::redirect::{self, Offer};

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct SignInPage {
    /// The sign-in with user name and password was rejected.
    pub refused: bool,
    /// The sign-in at an identity provider failed.
    pub not_through: bool,
    /// The provider or directory cannot be reached.
    pub not_now: bool,
    /// The person stayed at the provider for too long.
    pub too_late: bool,
    /// The password is right, but the directory requires a new one.
    pub change_password: bool,
    pub wait_minutes: Option<i64>,
    /// Text keys of the instructions for Settings, in order; not empty if a personal device must be enrolled in
    /// Settings instead of here.
    pub own_steps: &'static [&'static str],
    /// A device of the organization can be enrolled here.
    pub others_here: bool,
    /// The person cannot continue, so the page shows where to find help.
    pub stuck: bool,
    /// Identity providers, each with a button.
    pub providers: Vec<Offer>,
    /// The page has a form for user name and password.
    pub password: bool,
    /// No sign-in method is available.
    pub nobody: bool,
    /// User name that was already typed in Settings.
    pub user_name: String,
    /// The device is enrolled, and the person signs in again so that it stays enrolled.
    pub again: bool,
    /// An invitation is open in the enrollment.
    pub invited: bool,
    /// Code of that invitation, for the sign-in in Settings.
    pub invitation_code: Option<String>,
    /// Text key of the reason why a code was refused.
    pub wrong_code: Option<&'static str>,
    /// The page has a form for the code of an invitation.
    pub asks_for_code: bool,
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
    invited,
    invitation_code,
    wrong_code among [Some("invitation-code-wrong"), None],
    asks_for_code,
});

/// Instructions for starting the enrollment of a personal device in Settings.
const SETTINGS_WAY: &[&str] = &["stopped-account-open", "stopped-account-sign-in", "stopped-account-account"];

/// Reason why a sign-in did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    Password,
    SingleSignOn,
    /// The provider or directory is unavailable at the moment.
    NotNow,
    /// The provider's answer arrived too late.
    TooLate,
    /// The password is right, but the directory requires a new one.
    ChangePassword,
}

impl SignInPage {
    pub(crate) fn of(visitor: &Visitor) -> SignInPage {
        // A device that came from Settings is already in the right place.
        let page = match &visitor.link {
            None => SignInPage::offered(&visitor.app, &visitor.settings, visitor.browser),
            Some(link) => {
                let again = link.purpose == Purpose::SignInAgain;
                SignInPage { again, ..SignInPage::ways_in(&visitor.app, &visitor.settings) }
            }
        };
        let invited = visitor.session.as_ref().is_some_and(|session| session.enrollment.invitation.is_some());
        SignInPage { invited, asks_for_code: !invited && !page.again && !page.nobody, ..page }
    }

    /// Returns the sign-in page of a visitor, with the code of their invitation if they have to sign in in Settings.
    ///
    /// # Errors
    /// Returns an error if the event log cannot be read.
    pub(crate) async fn with_code(visitor: &Visitor) -> Result<SignInPage, Problem> {
        let page = SignInPage::of(visitor);
        let invitation = visitor.session.as_ref().and_then(|session| session.enrollment.invitation);
        let Some(invitation) = invitation.filter(|_| !page.own_steps.is_empty()) else { return Ok(page) };
        let invitations = &visitor.app.invitations;
        let generation = invitations.state(invitation).await?.generation;
        let invitation_code = Some(invitations.code(invitation, generation).await?);
        Ok(SignInPage { invitation_code, ..page })
    }

    /// Returns the sign-in page for someone who opens the portal in this browser.
    pub(crate) fn offered(app: &Portal, settings: &Settings, browser: Browser) -> SignInPage {
        let page = SignInPage::ways_in(app, settings);
        if !own_in_settings(settings, browser) {
            return page;
        }
        let page = SignInPage { own_steps: SETTINGS_WAY, ..page };
        match settings.ownership_kinds.contains(&Ownership::Institutional) {
            true => SignInPage { others_here: true, ..page },
            // No sign-in is offered, because it would only lead to a page that sends the person to Settings.
            false => SignInPage { providers: vec![], password: false, ..page },
        }
    }

    fn ways_in(app: &Portal, settings: &Settings) -> SignInPage {
        let ways = &settings.sign_in.enrollment;
        let providers = app.sign_in.providers.offers(&ways.single_sign_on);
        let password = ways.local_accounts || !ways.directories.is_empty();
        // `not_now` below: the settings name providers that are not in the configuration, and no other method is left.
        let nobody = !password && providers.is_empty();
        let not_now = nobody && !ways.single_sign_on.is_empty();
        SignInPage { nobody: nobody && !not_now, not_now, providers, password, stuck: nobody, ..SignInPage::default() }
    }
}

// Since iOS 18 personal devices can only be enrolled from Settings.
pub(crate) fn own_in_settings(settings: &Settings, browser: Browser) -> bool {
    let Browser::Safari(platform) = browser else { return false };
    platform.version.is_some_and(|version| version >= FIRST_ACCOUNT_DRIVEN_ONLY)
        && settings.account_driven.mode(platform.family, &settings.ownership_kinds) == Some(EnrollmentMode::Byod)
}

pub(crate) async fn show(visitor: Visitor) -> Answered {
    not_yet(&visitor)?;
    visitor.page(&SignInPage::with_code(&visitor).await?)
}

pub(crate) async fn take(mut form: Submission) -> Answered {
    let user_name = form.take("user_name").unwrap_or_default();
    let password = SecretString::from(form.take("password").unwrap_or_default());
    let visitor = form.visitor;
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    let entrance = Entrance {
        enrollment: visitor.session.as_ref().map(|session| session.id),
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

/// Answers a sign-in: redirects a signed-in person to the next page, and shows the sign-in page with the reason to
/// anyone else.
///
/// # Errors
/// Returns an error if the event log cannot be read or written, or the page cannot be rendered.
pub(crate) async fn conclude(visitor: Visitor, outcome: SignInOutcome, notice: Notice) -> Answered {
    match outcome {
        SignInOutcome::SignedIn { enrollment: id, secret, known_browser, not_invited } => {
            let enrollment = visitor.app.platform.enrollment(id).await?;
            let session = Session::of_link(id, enrollment.clone());
            visitor.note_language(&session, visitor.language).await?;
            let mut response = onward_from_sign_in(&visitor, &session, &enrollment, not_invited).await?;
            enrollment_code::note_begun(&mut response, help_code(id));
            keep(&mut response, &visitor, id, &secret)?;
            if let Some(known) = known_browser {
                set(&mut response, lasting_host_cookie(KNOWN_COOKIE, known, KNOWN_FOR_DAYS * 24))?;
            }
            Ok(response)
        }
        SignInOutcome::OutOfStep => Err(Problem::Elsewhere("/enroll")),
        SignInOutcome::Refused { opened, retry_after } => refused(visitor, opened, retry_after, notice),
        SignInOutcome::NotNow { opened } => refused(visitor, opened, None, Notice::NotNow),
        SignInOutcome::ChangePassword { opened } => refused(visitor, opened, None, Notice::ChangePassword),
        SignInOutcome::TooLate => refused(visitor, None, None, Notice::TooLate),
    }
}

// Returns the same page and status whether the name, the password or the answer is wrong. Only a throttled sign-in
// shows how long to wait.
fn refused(
    mut visitor: Visitor,
    opened: Option<(EnrollmentId, String)>,
    retry_after: Option<i64>,
    notice: Notice,
) -> Answered {
    let cookie = opened.as_ref().map(|(id, secret)| session_cookie(&visitor, *id, secret));
    // The page's form must be bound to the session that begins with this answer.
    if let (Some((id, _)), Some(cookie)) = (opened, &cookie) {
        visitor.session = Some(Session::begun(id, cookie.value().to_owned()));
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
        enrollment_code::note_begun(&mut response, help_code(session.id));
    }
    if let Some(cookie) = cookie {
        set(&mut response, cookie)?;
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// Ends the session in the browser and on the server, so that a copy of the cookie is worthless. A person who signed
/// in at an identity provider is redirected to sign out there too.
pub(crate) async fn sign_out(form: Submission) -> Answered {
    end_session(form.visitor, &Command::SignOut).await
}

/// Ends the session with the given command.
///
/// # Errors
/// Returns an error if the event log cannot be read or written.
pub(crate) async fn end_session(mut visitor: Visitor, command: &Command) -> Answered {
    let mut onward = None;
    if let Some(session) = visitor.session.take() {
        let stream = session.id.stream();
        visitor.app.platform.perform::<Enrollment>(&stream, command, &session.context(visitor.source)).await?;
        if let Some(provider) = &session.enrollment.signed_in_at {
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

/// Permits the sign-in page only to a person who has not signed in yet.
///
/// # Errors
/// Returns [`Problem::Elsewhere`] with the page of the current step if the person has signed in already, or with
/// `/enroll` if the browser is not Safari on iOS.
pub(crate) fn not_yet(visitor: &Visitor) -> Result<(), Problem> {
    visitor.on_ios()?;
    match visitor.session.as_ref().map(|session| session.enrollment.step()) {
        None | Some(Step::Open | Step::SignIn | Step::SignInAgain) => Ok(()),
        Some(step) => Err(Problem::Elsewhere(steps::path(step))),
    }
}

/// Sets the session cookie.
///
/// # Errors
/// Returns an error if the cookie cannot be written into the response's headers.
pub(crate) fn keep(
    response: &mut HttpResponse,
    visitor: &Visitor,
    id: EnrollmentId,
    secret: &str,
) -> Result<(), Problem> {
    set(response, session_cookie(visitor, id, secret))
}

// The cookie lives as long as the session, because people leave for Settings and iOS may end Safari in the meantime.
fn session_cookie(visitor: &Visitor, id: EnrollmentId, secret: &str) -> Cookie<'static> {
    lasting_host_cookie(SESSION_COOKIE, format!("{id}.{secret}"), visitor.settings.abandon_after_hours)
}

fn set(response: &mut HttpResponse, cookie: Cookie<'static>) -> Result<(), Problem> {
    response.add_cookie(&cookie).map_err(Problem::internal)
}
