//! The sign-in step at another site: the way to an identity provider, and the way back from it.
//!
//! The way there is a page of ours that leads on by itself, not the answer to the form: browsers hold every redirect
//! after a form against `form-action` (CSP Level 3 §6.4.1), and where a provider sends people on to is its own affair.

use super::problem::Problem;
use super::render::Page;
use super::sign_in::{Notice, conclude, keep, not_yet};
use super::submission::Submission;
use super::visitor::{Answered, Visitor, see_other};
use crate::app::App;
use crate::web::content::content;
use crate::web::host_cookie;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use enroll::Entrance;
use enroll::redirect::{self, Departure, Posted, arrive, depart};
use events::enrollment::Platform;
use serde::Serialize;
use sign_in::redirect::{Back, Place, metadata as document};
use url::Url;

/// Holds the ticket of the browser that posted an answer, until it shows it one hop later.
const TICKET_COOKIE: &str = "__Host-muster-answer";

/// An answer that is posted: base64 in a form, where a few of its characters take three bytes.
pub const LIMIT: usize = 2 * sign_in::redirect::assertion::LARGEST;

/// Leads on to a provider.
#[derive(Debug, Clone, Serialize)]
pub struct LeavingPage {
    /// Where to: the name of the site, for people who look where they go.
    pub site: String,
    pub address: String,
    /// Signing out, not in.
    pub out: bool,
}

impl Page for LeavingPage {
    const TEMPLATE: &'static str = "leaving";
}

content!(LeavingPage { site, address, out });

/// Somebody taps "Sign in with …".
pub async fn leave(form: Submission, provider: Path<String>) -> Answered {
    let visitor = form.visitor;
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    match depart(&visitor.app.enroll, &entrance(&visitor, platform), &provider).await? {
        Departure::NotOffered => Err(Problem::NotFound),
        Departure::Not(outcome) => conclude(visitor, outcome, Notice::SingleSignOn).await,
        Departure::To { address, opened } => {
            let mut response = lead_on(&visitor, &address, false)?;
            if let Some((enrollment, secret)) = opened {
                keep(&mut response, &visitor, enrollment, &secret)?;
            }
            Ok(response)
        }
    }
}

/// The provider sends somebody back. A GET, because the protocol has it so; what it brings works once, in one browser.
pub async fn back(visitor: Visitor, provider: Path<String>, back: Query<Back>) -> Answered {
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    match arrive(&visitor.app.enroll, &entrance(&visitor, platform), &provider, &back).await? {
        None => Err(Problem::NotFound),
        Some(outcome) => conclude(visitor, outcome, Notice::SingleSignOn).await,
    }
}

/// What a provider that speaks SAML makes the browser post: from its site, so there is no cookie and no token of ours, and
/// it carries no session's authority. What it proves waits in the visit until the browser comes by with its cookie.
pub async fn consume(visitor: Visitor, provider: Path<String>, form: Form<Vec<(String, String)>>) -> Answered {
    let field = form.iter().find(|(name, _)| name == "SAMLResponse").map(|(_, value)| value.as_str());
    let field = field.ok_or(Problem::Bad)?;
    let platform = visitor.on_ios()?;
    match redirect::take(&visitor.app.enroll, &entrance(&visitor, platform), &provider, field).await? {
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

/// One hop after the post: here the browser shows the cookie that it began with, and the ticket for what it posted.
pub async fn return_from_post(visitor: Visitor, request: HttpRequest, provider: Path<String>) -> Answered {
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

/// For whom our metadata document is asked.
#[derive(Debug, serde::Deserialize)]
pub struct Wanted {
    /// `portal` or `console`: for providers that keep one address alone. Left out: both.
    place: Option<String>,
}

/// Our metadata document, for the administrator of a provider that speaks SAML.
pub async fn metadata(app: Data<App>, provider: Path<String>, wanted: Query<Wanted>) -> Answered {
    let place = match wanted.place.as_deref() {
        None => None,
        Some("portal") => Some(Place::Portal),
        Some("console") => Some(Place::Console),
        Some(_) => return Err(Problem::Bad),
    };
    let text = document(&app.sign_in, &provider, place).ok_or(Problem::NotFound)?;
    Ok(HttpResponse::Ok().content_type("application/samlmetadata+xml; charset=utf-8").body(text))
}

/// The page that leads on.
///
/// # Errors
/// If a template is wrong.
pub fn lead_on(visitor: &Visitor, address: &Url, out: bool) -> Answered {
    let site = address.host_str().unwrap_or_default().to_owned();
    let mut response = visitor.page(&LeavingPage { site, address: address.to_string(), out })?;
    let refresh = HeaderValue::from_str(&format!("0; url={address}")).map_err(Problem::internal)?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    Ok(response)
}

// What was known when the visit began still holds: device and language are the visit's, not those of the way back.
fn entrance(visitor: &Visitor, platform: Platform) -> Entrance<'_> {
    let opened = visitor.session.as_ref().and_then(|session| session.visit.opened.as_ref());
    Entrance {
        visit: visitor.session.as_ref().map(|session| session.enrollment),
        source: visitor.source,
        user_agent: &visitor.user_agent,
        platform: opened.map_or(platform, |opened| opened.platform),
        language: opened.map_or(visitor.language.tag(), |opened| &opened.language),
        link: visitor.link.clone(),
    }
}
