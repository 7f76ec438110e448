//! Single sign-on of staff: the redirect to an identity provider and the return from it.

use super::form::Genuine;
use super::leaving::lead_on;
use super::problem::Problem;
use super::session::address;
use super::session::{local, see_other};
use super::sign_in::{SignInPage, Wish, broken, enter, form, set_cookie};
use crate::admin::Console;
use crate::web::{host_cookie, no_cookie};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use sign_in::redirect::Back;
use sign_in::redirect::assertion::LARGEST;
use staff::redirect::{self, StaffBeginOutcome, StaffFinishOutcome, StaffPosted};
use std::net::{IpAddr, Ipv6Addr};

/// Holds the secret of a sign-in at a provider until the browser returns. It is a separate cookie, so that the state
/// before sign-in is independent of the session that results.
pub(crate) const COOKIE: &str = "__Host-muster-console-sso";

/// Holds the ticket of a browser that posted a SAML response, until the browser returns it with the next request.
const TICKET_COOKIE: &str = "__Host-muster-console-answer";

/// Maximum size in bytes of a posted SAML response: base64 in a form, where some characters take three bytes.
pub(crate) const LIMIT: usize = 2 * LARGEST;

/// Same message for every reason: unknown, not permitted, or not authentic.
const REFUSED: &str = "You were not signed in. Try again: you have 15 minutes to sign in. Your account also needs a role at the console: administrator, auditor or help desk. The reason is in the server’s log.";

/// Handles a click on "Sign in with …".
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn begin(
    app: Data<Console>,
    request: HttpRequest,
    provider: Path<String>,
    Genuine(wish): Genuine<Wish>,
) -> Result<HttpResponse, Problem> {
    let next = local(&wish.next, "");
    match redirect::begin(&app.staff, &provider, next, source(&app, &request))
        .await
        .map_err(|error| broken(&app, error))?
    {
        StaffBeginOutcome::NotOffered => Err(Problem::NotFound),
        StaffBeginOutcome::NotNow => refused(&app, &request, next).await,
        StaffBeginOutcome::To { address, secret } => {
            let mut response = lead_on(app.platform.world.uuid(), &address, false)?;
            set_cookie(&mut response, host_cookie(COOKIE, secret), &app)?;
            Ok(response)
        }
    }
}

/// Handles the return from a provider by GET, as OpenID Connect requires. Its parameters work once, in one browser.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn finish(
    app: Data<Console>,
    request: HttpRequest,
    provider: Path<String>,
    back: Query<Back>,
) -> Result<HttpResponse, Problem> {
    let secret = secret(&request);
    let finished = redirect::finish(&app.staff, &provider, secret.as_deref(), &back, source(&app, &request)).await;
    conclude(&app, &request, finished.map_err(|error| broken(&app, error))?).await
}

/// Handles an answer that the browser posts from the provider's site. The cross-site request carries no cookie
/// and no CSRF token, and has no session's authority.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn consume(
    app: Data<Console>,
    request: HttpRequest,
    provider: Path<String>,
    fields: Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let taken = redirect::take(&app.staff, &provider, &fields, source(&app, &request)).await;
    let StaffPosted { ticket } = taken.map_err(|error| broken(&app, error))?.ok_or(Problem::NotFound)?;
    let mut response = see_other(&format!("/console/sso/{provider}/return"));
    if let Some(ticket) = ticket {
        set_cookie(&mut response, host_cookie(TICKET_COOKIE, ticket), &app)?;
    }
    Ok(response)
}

/// Handles the request after the post: the browser shows the cookie of its sign-in and the ticket for its post.
///
/// # Errors
/// Returns an error if the session store or the event log is unavailable.
pub(crate) async fn return_from_post(
    app: Data<Console>,
    request: HttpRequest,
    provider: Path<String>,
) -> Result<HttpResponse, Problem> {
    let ticket = request.cookie(TICKET_COOKIE).map(|cookie| cookie.value().to_owned());
    let finished =
        redirect::return_from_post(&app.staff, &provider, secret(&request).as_deref(), ticket.as_deref()).await;
    conclude(&app, &request, finished.map_err(|error| broken(&app, error))?).await
}

async fn conclude(
    app: &Console,
    request: &HttpRequest,
    outcome: Option<StaffFinishOutcome>,
) -> Result<HttpResponse, Problem> {
    match outcome {
        None => Err(Problem::NotFound),
        Some(StaffFinishOutcome::Refused { next }) => refused(app, request, &next).await,
        Some(StaffFinishOutcome::Proven { proof, next }) => {
            let Some(mut response) = enter(app, request, &proof, &next).await? else {
                return refused(app, request, &next).await;
            };
            set_cookie(&mut response, no_cookie(COOKIE), app)?;
            set_cookie(&mut response, no_cookie(TICKET_COOKIE), app)?;
            Ok(response)
        }
    }
}

async fn refused(app: &Console, request: &HttpRequest, next: &str) -> Result<HttpResponse, Problem> {
    form(app, request, StatusCode::UNAUTHORIZED, SignInPage::of(app, next).await?.refusing(REFUSED))
}

fn source(app: &Console, request: &HttpRequest) -> IpAddr {
    address(app, request).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

fn secret(request: &HttpRequest) -> Option<String> {
    request.cookie(COOKIE).map(|cookie| cookie.value().to_owned())
}
