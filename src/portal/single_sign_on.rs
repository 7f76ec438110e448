//! Single sign-on at the portal: the redirect to an identity provider and the return from it.
//!
//! The redirect is a page that redirects by itself, not the answer to the form. Browsers check every redirect after a
//! form against `form-action` (CSP Level 3 §6.4.1), and the addresses to which a provider redirects further are
//! unknown to this server.

use super::leaving::lead_on;
use super::problem::Problem;
use super::sign_in::{Notice, conclude, keep, not_yet};
use super::submission::Submission;
use super::visitor::{Answered, Visitor, see_other};
use crate::portal::Portal;
use crate::web::host_cookie;
use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use enroll::Entrance;
use enroll::redirect::{self, BeginOutcome, Posted};
use events::enrollment::Platform;
use sign_in::redirect::{Back, Place, metadata as document};

/// Holds the ticket of a browser that posted a SAML response, until the browser returns it with the next request.
const TICKET_COOKIE: &str = "__Host-muster-answer";

/// Maximum size in bytes of a posted SAML response: base64 in a form, where some characters take three bytes.
pub(crate) const LIMIT: usize = 2 * sign_in::redirect::assertion::LARGEST;

/// Handles a tap on "Sign in with …".
pub(crate) async fn begin(form: Submission, provider: Path<String>) -> Answered {
    let visitor = form.visitor;
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    match redirect::begin(&visitor.app.enroll, &entrance(&visitor, platform), &provider).await? {
        BeginOutcome::NotOffered => Err(Problem::NotFound),
        BeginOutcome::Not(outcome) => conclude(visitor, outcome, Notice::SingleSignOn).await,
        BeginOutcome::To { address, opened } => {
            let mut response = lead_on(&visitor, &address, false)?;
            if let Some((id, secret)) = opened {
                keep(&mut response, &visitor, id, &secret)?;
            }
            Ok(response)
        }
    }
}

/// Handles the return from a provider by GET, as OpenID Connect requires. Its parameters work once, in one browser.
pub(crate) async fn finish(visitor: Visitor, provider: Path<String>, back: Query<Back>) -> Answered {
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    match redirect::finish(&visitor.app.enroll, &entrance(&visitor, platform), &provider, &back).await? {
        None => Err(Problem::NotFound),
        Some(outcome) => conclude(visitor, outcome, Notice::SingleSignOn).await,
    }
}

/// Handles an answer that the browser posts from the provider's site. The cross-site request carries no cookie
/// and no CSRF token, and has no session's authority. What the answer proves is kept in the enrollment until the
/// browser comes with its cookie.
pub(crate) async fn consume(visitor: Visitor, provider: Path<String>, form: Form<Vec<(String, String)>>) -> Answered {
    let platform = visitor.on_ios()?;
    match redirect::take(&visitor.app.enroll, &entrance(&visitor, platform), &provider, &form).await? {
        None => Err(Problem::NotFound),
        Some(Posted::GoOn { ticket }) => {
            let mut response = see_other(&format!("/enroll/sso/{}/return", *provider));
            if let Some(ticket) = ticket {
                response.add_cookie(&host_cookie(TICKET_COOKIE, ticket)).map_err(Problem::internal)?;
            }
            Ok(response)
        }
        Some(Posted::In(outcome)) => conclude(visitor, outcome, Notice::SingleSignOn).await,
    }
}

/// Handles the request after the post: the browser shows its session cookie and the ticket for its post.
pub(crate) async fn return_from_post(visitor: Visitor, request: HttpRequest, provider: Path<String>) -> Answered {
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    let ticket = request.cookie(TICKET_COOKIE).map(|cookie| cookie.value().to_owned());
    match redirect::return_from_post(&visitor.app.enroll, &entrance(&visitor, platform), &provider, ticket.as_deref())
        .await?
    {
        None => Err(Problem::NotFound),
        Some(outcome) => conclude(visitor, outcome, Notice::SingleSignOn).await,
    }
}

/// Query parameters of the metadata document.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Wanted {
    /// `portal` or `console`, for providers that accept only one address. `None` means both.
    place: Option<String>,
}

/// Returns this server's SAML metadata document, for the administrator of a provider.
pub(crate) async fn metadata(app: Data<Portal>, provider: Path<String>, wanted: Query<Wanted>) -> Answered {
    let place = match wanted.place.as_deref() {
        None => None,
        Some("portal") => Some(Place::Portal),
        Some("console") => Some(Place::Console),
        Some(_) => return Err(Problem::Bad),
    };
    let text = document(&app.sign_in, &provider, place).ok_or(Problem::NotFound)?;
    Ok(HttpResponse::Ok().content_type("application/samlmetadata+xml; charset=utf-8").body(text))
}

// Device and language of the enrollment apply, not those of the returning request.
fn entrance(visitor: &Visitor, platform: Platform) -> Entrance<'_> {
    let opened = visitor.session.as_ref().and_then(|session| session.enrollment.opened.as_ref());
    Entrance {
        enrollment: visitor.session.as_ref().map(|session| session.id),
        source: visitor.source,
        user_agent: &visitor.user_agent,
        platform: opened.map_or(platform, |opened| opened.platform),
        language: opened.map_or(visitor.language.tag(), |opened| &opened.language),
        link: visitor.link.clone(),
    }
}
