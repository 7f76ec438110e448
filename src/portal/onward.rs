//! Leads a visitor to their current step. At the end of an account-driven flow this is Settings.

use super::invitation_link::not_invited_path;
use super::steps;
use super::visitor::{Answered, Session, Visitor, see_other};
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use decisions::enrollment::{Command, Enrollment, Step};
use enroll::account_driven::discovery::REDIRECT_URL;
use events::invitation::InvitationRefusal;
use platform::named_secret::{self, Kind};
use platform::secrets::hash;

/// Redirect address at which the device receives its token (Apple, "Implementing the simple authentication
/// user-enrollment flow").
const AUTHENTICATION_RESULTS: &str = "apple-remotemanagement-user-login://authentication-results?access-token=";

/// Redirects to the page of the enrollment's current step. At the end of an account-driven flow it redirects to
/// Settings.
///
/// # Errors
/// Returns an error if the event log cannot be read or written.
pub(crate) async fn onward(visitor: &Visitor, session: &Session, enrollment: &Enrollment) -> Answered {
    match enrollment.step() {
        Step::HandOver => hand_over(visitor, session, enrollment).await,
        step => Ok(see_other(steps::path(step))),
    }
}

/// Like [`onward`], after the person for whom the device is has signed in. If the invitation that was opened is not
/// theirs, a page tells them once.
///
/// # Errors
/// Returns an error if the event log cannot be read or written.
pub(crate) async fn onward_from_sign_in(
    visitor: &Visitor,
    session: &Session,
    enrollment: &Enrollment,
    not_invited: Option<InvitationRefusal>,
) -> Answered {
    match not_invited {
        Some(why) => Ok(see_other(&not_invited_path(why))),
        None => onward(visitor, session, enrollment).await,
    }
}

/// Gives the device an access token, or an authorization code if it requested one. The event is written before the
/// answer is sent. A device that loses the answer gets another token.
///
/// # Errors
/// Returns an error if the event log cannot be read or written.
pub(crate) async fn hand_over(visitor: &Visitor, session: &Session, enrollment: &Enrollment) -> Answered {
    let (app, id) = (&visitor.app, session.id);
    let (secret, now) = (app.platform.world.secret(), app.platform.world.now());
    let (command, address) = match &enrollment.authorization {
        None => {
            let token = named_secret::text(Kind::Access, id.0, &secret);
            let command = Command::IssueAccessToken { token: hash(&secret), now };
            (command, format!("{AUTHENTICATION_RESULTS}{token}"))
        }
        Some(state) => {
            let code = named_secret::text(Kind::Code, id.0, &secret);
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code)
                .append_pair("state", state)
                .finish();
            (Command::IssueAuthorizationCode { code: hash(&secret), now }, format!("{REDIRECT_URL}?{query}"))
        }
    };
    // Apple requires 308. A browser would accept 303, but this client is Settings.
    app.platform.perform::<Enrollment>(&id.stream(), &command, &session.context(visitor.source)).await?;
    Ok(HttpResponse::PermanentRedirect().insert_header((LOCATION, address)).finish())
}
