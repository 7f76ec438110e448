//! Account-driven enrollment: the device opens an authentication link in Settings, and the person signs in as at the
//! portal. The flow ends with a redirect instead of a page. Only Settings understands the redirect's address, which
//! gives the device its access token.

use super::browser::Browser;
use super::problem::Problem;
use super::render::Page;
use super::sign_in::SignInPage;
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, Session, Visitor, see_other};
use crate::web::content::content;
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Path, Query};
use decisions::visit::{Command, Step, Visit};
use enroll::account_driven::discovery::{CLIENT_ID, REDIRECT_URL};
use enroll::account_driven::link::{AccountLink, Purpose};
use events::enrollment::Platform;
use platform::named_secret::{self, Kind};
use platform::secrets::hash;
use serde::{Deserialize, Serialize};

/// Name of the form field that holds the account link.
pub const FIELD: &str = "account";

/// Redirect address at which the device receives its token (Apple, "Implementing the simple authentication
/// user-enrollment flow").
const AUTHENTICATION_RESULTS: &str = "apple-remotemanagement-user-login://authentication-results?access-token=";

/// Longest accepted `state` in bytes; devices send shorter ones.
const LONGEST_STATE: usize = 512;

/// Query parameters that the device adds to the link.
#[derive(Deserialize)]
pub struct Added {
    /// User name typed in Settings. It only fills in a field; it proves nothing.
    #[serde(rename = "user-identifier")]
    user_identifier: Option<String>,
    /// Same as `user_identifier`, sent by a device that requests an authorization code (RFC 6749 section 4.1.1).
    login_hint: Option<String>,
    response_type: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    state: Option<String>,
}

impl Added {
    /// Returns the device's `state` if it requests an authorization code. Only a request with the expected client and
    /// redirect address is valid.
    fn wanted_code(&self) -> Result<Option<&str>, Problem> {
        let Some(response_type) = &self.response_type else { return Ok(None) };
        let known = response_type == "code"
            && self.client_id.as_deref() == Some(CLIENT_ID)
            && self.redirect_uri.as_deref() == Some(REDIRECT_URL);
        let state = self.state.as_deref().filter(|state| known && (1..=LONGEST_STATE).contains(&state.len()));
        state.map(Some).ok_or(Problem::Bad)
    }
}

/// Last page of the flow, shown if the person reloads it. Normally the device receives its token without this page.
#[derive(Debug, Clone, Serialize)]
pub struct HandOverPage {}

impl Page for HandOverPage {
    const TEMPLATE: &'static str = "hand_over";
}

content!(HandOverPage {});

pub async fn show(mut visitor: Visitor, token: Path<String>, added: Query<Added>) -> Answered {
    enter(&mut visitor, &token).await?;
    // Puts `state` into the forms. The first submitted form stores it in the stream, so it survives every method of
    // signing in.
    if let (Some(state), Some(link)) = (added.wanted_code()?, &mut visitor.link) {
        link.state = Some(state.to_owned());
    }
    match visitor.session.as_ref().map(|session| session.visit.step()) {
        None | Some(Step::SignIn | Step::SignInAgain) => {
            let typed = added.user_identifier.as_deref().or(added.login_hint.as_deref());
            let user_name: String = typed.unwrap_or_default().chars().take(128).collect();
            visitor.page(&SignInPage { user_name, ..SignInPage::of(&visitor) })
        }
        Some(step) => Err(Problem::Elsewhere(steps::path(step))),
    }
}

/// Attaches the link with this token to the visitor. A portal session for another enrollment is dropped, because it
/// does not belong to this flow.
///
/// # Errors
/// Returns an error if the link was not issued by this server or is no longer open; the person must then start again
/// in Settings. Returns an error if the event log cannot be read.
pub async fn enter(visitor: &mut Visitor, token: &str) -> Result<(), Problem> {
    let link = AccountLink::parse(token, &visitor.app.platform.secrets, &visitor.app.platform.world)
        .ok_or(Problem::AccountLink)?;
    visitor.session.take_if(|session| session.enrollment != link.enrollment);
    let visit = match &visitor.session {
        Some(session) => session.visit.clone(),
        None => visitor.app.platform.visit(link.enrollment).await?,
    };
    let (family, waits) = match link.purpose {
        // After the link is opened, only the browser that opened it can continue.
        Purpose::Enroll { family, .. } => (Some(family), visit.opened.is_none() || visitor.session.is_some()),
        Purpose::SignInAgain => {
            let family = visit.opened.as_ref().map(|opened| opened.platform.family);
            (family, visit.sign_in_again.is_some() || visitor.session.is_some())
        }
    };
    let family = family.filter(|_| waits).ok_or(Problem::AccountLink)?;
    // The device reported its family in Settings; the user agent is ignored.
    visitor.browser = Browser::Safari(Platform { family, version: visitor.version() });
    visitor.link = Some(link);
    Ok(())
}

pub async fn show_hand_over(visitor: Visitor) -> Answered {
    visitor.at(Step::HandOver)?;
    visitor.page(&HandOverPage {})
}

pub async fn take_hand_over(form: Submission) -> Answered {
    let visitor = form.visitor;
    let session = visitor.at(Step::HandOver)?;
    hand_over(&visitor, session, &session.visit).await
}

/// Redirects to the page of the visit's current step. At the end of an account-driven flow it redirects to Settings.
///
/// # Errors
/// Returns an error if the event log cannot be read or written.
pub async fn onward(visitor: &Visitor, session: &Session, visit: &Visit) -> Answered {
    match visit.step() {
        Step::HandOver => hand_over(visitor, session, visit).await,
        step => Ok(see_other(steps::path(step))),
    }
}

/// Gives the device an access token, or an authorization code if it requested one. The event is written before the
/// answer is sent. A device that loses the answer gets another token.
///
/// # Errors
/// Returns an error if the event log cannot be read or written.
async fn hand_over(visitor: &Visitor, session: &Session, visit: &Visit) -> Answered {
    let (app, enrollment) = (&visitor.app, session.enrollment);
    let (secret, now) = (app.platform.world.secret(), app.platform.world.now());
    let (command, address) = match &visit.authorization {
        None => {
            let token = named_secret::text(Kind::Access, enrollment.0, &secret);
            let command = Command::IssueAccessToken { token: hash(&secret), now };
            (command, format!("{AUTHENTICATION_RESULTS}{token}"))
        }
        Some(state) => {
            let code = named_secret::text(Kind::Code, enrollment.0, &secret);
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code)
                .append_pair("state", state)
                .finish();
            (Command::IssueAuthorizationCode { code: hash(&secret), now }, format!("{REDIRECT_URL}?{query}"))
        }
    };
    // Apple requires 308. A browser would accept 303, but this client is Settings.
    app.platform.perform::<Visit>(&enrollment.stream(), &command, &session.context(visitor.source)).await?;
    Ok(HttpResponse::PermanentRedirect().insert_header((LOCATION, address)).finish())
}
