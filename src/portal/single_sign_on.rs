//! Step 1 at another site: the way to an identity provider, and the way back from it.
//!
//! The way there is a page of ours that leads on by itself, not the answer to the form: browsers hold every redirect
//! after a form against `form-action` (CSP Level 3 §6.4.1), and where a provider sends people on to is its own affair.

use super::problem::Problem;
use super::render::Page;
use super::sign_in::{Notice, conclude, keep, not_yet};
use super::submission::Submission;
use super::visitor::{Answered, Visitor};
use crate::app::sign_in::Entrance;
use crate::app::sign_in::single_sign_on::{Back, Departure, arrive, depart};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Path, Query};
use events::enrollment::Platform;
use serde::Serialize;
use url::Url;

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

/// Somebody taps "Sign in with …".
pub async fn leave(form: Submission, provider: Path<String>) -> Answered {
    let visitor = form.visitor;
    let platform = visitor.on_ios()?;
    not_yet(&visitor)?;
    match depart(&visitor.app, &entrance(&visitor, platform), &provider).await? {
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
    match arrive(&visitor.app, &entrance(&visitor, platform), &provider, &back).await? {
        None => Err(Problem::NotFound),
        Some(outcome) => conclude(visitor, outcome, Notice::SingleSignOn).await,
    }
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
    }
}
