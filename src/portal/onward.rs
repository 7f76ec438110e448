//! Leads a visitor to their current step. At the end of an account-driven flow this is Settings.

use super::steps;
use super::visitor::{Answered, Session, Visitor, see_other};
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use decisions::visit::{Command, Step, Visit};
use enroll::account_driven::discovery::REDIRECT_URL;
use platform::named_secret::{self, Kind};
use platform::secrets::hash;

/// Redirect address at which the device receives its token (Apple, "Implementing the simple authentication
/// user-enrollment flow").
const AUTHENTICATION_RESULTS: &str = "apple-remotemanagement-user-login://authentication-results?access-token=";

/// Redirects to the page of the visit's current step. At the end of an account-driven flow it redirects to Settings.
///
/// # Errors
/// Returns an error if the event log cannot be read or written.
pub(crate) async fn onward(visitor: &Visitor, session: &Session, visit: &Visit) -> Answered {
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
pub(crate) async fn hand_over(visitor: &Visitor, session: &Session, visit: &Visit) -> Answered {
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
