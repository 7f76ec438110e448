//! The page that redirects to an identity provider. As at the portal, it redirects by itself, because browsers check
//! redirects after a form against `form-action`.

use super::pages::show_alone;
use super::problem::Problem;
use super::render::view;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Serialize;
use url::Url;
use uuid::Uuid;

#[derive(Serialize)]
struct Leaving<'a> {
    site: &'a str,
    address: &'a str,
    /// The redirect is for signing out.
    out: bool,
}

view!(leaving, Alone, Leaving<'_> { site, address, out });

/// Returns the page that redirects. If it cannot be made, the server's log contains the cause with `code`.
///
/// # Errors
/// Returns an error if the template cannot be rendered or the address is not a valid header value.
pub(crate) fn lead_on(code: Uuid, address: &Url, out: bool) -> Result<HttpResponse, Problem> {
    let page = Leaving { site: address.host_str().unwrap_or_default(), address: address.as_str(), out };
    let mut response = show_alone(StatusCode::OK, "One moment", &page, code)?;
    let refresh = HeaderValue::from_str(&format!("0; url={address}"));
    let refresh = refresh.map_err(|error| Problem::unavailable(error, code))?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    Ok(response)
}
