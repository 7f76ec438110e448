//! Account-driven enrollment: the device opens an authentication link in Settings, and the person signs in as at the
//! portal. The flow ends with a redirect instead of a page. Only Settings understands the redirect's address, which
//! gives the device its access token.

use super::account_link::enter;
use super::onward::hand_over;
use super::problem::Problem;
use super::render::Page;
use super::sign_in::SignInPage;
use super::steps;
use super::submission::Submission;
use super::visitor::{Answered, Visitor};
use crate::web::content::content;
use actix_web::web::{Path, Query};
use decisions::enrollment::Step;
use enroll::account_driven::discovery::{CLIENT_ID, REDIRECT_URL};
use serde::{Deserialize, Serialize};

/// Longest accepted `state` in bytes; devices send shorter ones.
const LONGEST_STATE: usize = 512;

/// Query parameters that the device adds to the link.
#[derive(Deserialize)]
pub(crate) struct Added {
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
pub(crate) struct HandOverPage {}

impl Page for HandOverPage {
    const TEMPLATE: &'static str = "hand_over";
}

content!(HandOverPage {});

pub(crate) async fn show(mut visitor: Visitor, token: Path<String>, added: Query<Added>) -> Answered {
    enter(&mut visitor, &token).await?;
    // Puts `state` into the forms. The first submitted form stores it in the stream, so it survives every method of
    // signing in.
    if let (Some(state), Some(link)) = (added.wanted_code()?, &mut visitor.link) {
        link.state = Some(state.to_owned());
    }
    match visitor.session.as_ref().map(|session| session.enrollment.step()) {
        None | Some(Step::SignIn | Step::SignInAgain) => {
            let typed = added.user_identifier.as_deref().or(added.login_hint.as_deref());
            let user_name: String = typed.unwrap_or_default().chars().take(128).collect();
            visitor.page(&SignInPage { user_name, ..SignInPage::of(&visitor) })
        }
        Some(step) => Err(Problem::Elsewhere(steps::path(step))),
    }
}

pub(crate) async fn show_hand_over(visitor: Visitor) -> Answered {
    visitor.at(Step::HandOver)?;
    visitor.page(&HandOverPage {})
}

pub(crate) async fn take_hand_over(form: Submission) -> Answered {
    let visitor = form.visitor;
    let session = visitor.at(Step::HandOver)?;
    hand_over(&visitor, session, &session.enrollment).await
}
