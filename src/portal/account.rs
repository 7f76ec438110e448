//! The way that begins in Settings: the device opens a link of ours, its person signs in as at the portal, and the way ends
//! not with a page but at an address that only Settings understands, which hands the device its access token.

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

/// The form field that holds the link.
pub const FIELD: &str = "account";

/// Where the device waits for its token (Apple, "Implementing the simple authentication user-enrollment flow").
const AUTHENTICATION_RESULTS: &str = "apple-remotemanagement-user-login://authentication-results?access-token=";

/// Longer than any `state` of a device's.
const LONGEST_STATE: usize = 512;

/// What the device adds to the link.
#[derive(Deserialize)]
pub struct Added {
    /// What was typed in Settings. It fills in a field and proves nothing.
    #[serde(rename = "user-identifier")]
    user_identifier: Option<String>,
    /// The same, where the device wants an authorization code (RFC 6749 section 4.1.1).
    login_hint: Option<String>,
    response_type: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    state: Option<String>,
}

impl Added {
    /// The device's own `state`, if it wants a code; of that nothing else is open.
    fn wanted_code(&self) -> Result<Option<&str>, Problem> {
        let Some(response_type) = &self.response_type else { return Ok(None) };
        let known = response_type == "code"
            && self.client_id.as_deref() == Some(CLIENT_ID)
            && self.redirect_uri.as_deref() == Some(REDIRECT_URL);
        let state = self.state.as_deref().filter(|state| known && (1..=LONGEST_STATE).contains(&state.len()));
        state.map(Some).ok_or(Problem::Bad)
    }
}

/// The last page, for who loads it anew; at first the device is handed its token without one.
#[derive(Debug, Clone, Serialize)]
pub struct HandOverPage {}

impl Page for HandOverPage {
    const TEMPLATE: &'static str = "hand_over";
}

content!(HandOverPage {});

pub async fn show(mut visitor: Visitor, token: Path<String>, added: Query<Added>) -> Answered {
    enter(&mut visitor, &token).await?;
    // Into the forms, and with the first of them into the stream: it holds whatever way of signing in is taken.
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

/// A visitor who followed the link with this token. Another session of theirs, at the portal, is not of this way.
///
/// # Errors
/// If the link is none of ours, or waits no more: then the way begins anew in Settings.
pub async fn enter(visitor: &mut Visitor, token: &str) -> Result<(), Problem> {
    let link = AccountLink::parse(token, &visitor.app.platform.secrets, &visitor.app.platform.world)
        .ok_or(Problem::AccountLink)?;
    visitor.session.take_if(|session| session.enrollment != link.enrollment);
    let visit = match &visitor.session {
        Some(session) => session.visit.clone(),
        None => visitor.app.platform.visit(link.enrollment).await?,
    };
    let (family, waits) = match link.purpose {
        // Once it is opened, only the browser that opened it goes on.
        Purpose::Enroll { family, .. } => (Some(family), visit.opened.is_none() || visitor.session.is_some()),
        Purpose::SignInAgain => {
            let family = visit.opened.as_ref().map(|opened| opened.platform.family);
            (family, visit.sign_in_again.is_some() || visitor.session.is_some())
        }
    };
    let family = family.filter(|_| waits).ok_or(Problem::AccountLink)?;
    // The device said which family it is; what its browser calls itself does not matter.
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

/// To the page of the visit's step; at the end of a way that began in Settings, back there.
///
/// # Errors
/// If the log cannot be used.
pub async fn onward(visitor: &Visitor, session: &Session, visit: &Visit) -> Answered {
    match visit.step() {
        Step::HandOver => hand_over(visitor, session, visit).await,
        step => Ok(see_other(steps::path(step))),
    }
}

/// The device is handed a token, or a code if it wants one. The event is written before it leaves; who loses the answer gets
/// another.
///
/// # Errors
/// If the log cannot be used.
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
    app.platform.perform::<Visit>(&enrollment.stream(), &command, &session.context(visitor.source)).await?;
    // 308, as Apple asks; 303 would do for a browser, but this is not one.
    Ok(HttpResponse::PermanentRedirect().insert_header((LOCATION, address)).finish())
}
