//! The link with which a device opens the sign-in of an account-driven enrollment. Every form of that flow contains it.

use super::browser::Browser;
use super::problem::Problem;
use super::visitor::Visitor;
use enroll::account_driven::link::{AccountLink, Purpose};
use events::enrollment::Platform;

/// Name of the form field that holds the account link.
pub(crate) const FIELD: &str = "account";

/// Attaches the link with this token to the visitor. A portal session for another enrollment is dropped, because it
/// does not belong to this flow.
///
/// # Errors
/// Returns an error if the link was not issued by this server or is no longer open; the person must then start again
/// in Settings. Returns an error if the event log cannot be read.
pub(crate) async fn enter(visitor: &mut Visitor, token: &str) -> Result<(), Problem> {
    let link = AccountLink::parse(token, &visitor.app.platform.secrets, &visitor.app.platform.world)
        .ok_or(Problem::AccountLink)?;
    visitor.session.take_if(|session| session.id != link.enrollment);
    let enrollment = match &visitor.session {
        Some(session) => session.enrollment.clone(),
        None => visitor.app.platform.enrollment(link.enrollment).await?,
    };
    let (family, waits) = match link.purpose {
        // After the link is opened, only the browser that opened it can continue.
        Purpose::Enroll { family, .. } => (Some(family), enrollment.opened.is_none() || visitor.session.is_some()),
        Purpose::SignInAgain => {
            let family = enrollment.opened.as_ref().map(|opened| opened.platform.family);
            (family, enrollment.sign_in_again.is_some() || visitor.session.is_some())
        }
    };
    let family = family.filter(|_| waits).ok_or(Problem::AccountLink)?;
    // The device reported its family in Settings; the user agent is ignored.
    visitor.browser = Browser::Safari(Platform { family, version: visitor.version() });
    visitor.link = Some(link);
    Ok(())
}
