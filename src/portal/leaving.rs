//! The page that leads on to another site: to an identity provider, or to its sign-out.

use super::problem::Problem;
use super::render::Page;
use super::visitor::{Answered, Visitor};
use crate::web::content::content;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Serialize;
use url::Url;

/// Page that redirects to a provider.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LeavingPage {
    /// Host name of the target, shown to people who check where they go.
    pub site: String,
    pub address: String,
    /// The redirect is for signing out.
    pub out: bool,
}

impl Page for LeavingPage {
    const TEMPLATE: &'static str = "leaving";
}

content!(LeavingPage { site, address, out });

/// Returns the page that redirects to the given address.
///
/// # Errors
/// Returns an error if the template cannot be rendered or the address is not a valid header value.
pub(crate) fn lead_on(visitor: &Visitor, address: &Url, out: bool) -> Answered {
    let site = address.host_str().unwrap_or_default().to_owned();
    let mut response = visitor.page(&LeavingPage { site, address: address.to_string(), out })?;
    let refresh = HeaderValue::from_str(&format!("0; url={address}")).map_err(Problem::internal)?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    Ok(response)
}
