//! The only page of the console with a script, because browsers offer passkeys only to scripts. Staff without passkeys
//! use one-time codes.

use super::pages::show_alone;
use super::problem::Problem;
use super::render::view;
use super::session::{Staff, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;

#[derive(Serialize)]
struct PasskeyPage<'a> {
    csrf: &'a str,
    next: &'a str,
    /// The action that continues afterwards; empty if there is none.
    act: String,
    action: &'a str,
    back: &'a str,
    adding: bool,
    /// JSON for the script.
    options: &'a str,
    label: &'a str,
}

view!(passkey, Alone, PasskeyPage<'_> { csrf, next, act, action, back, adding, options, label });

/// Addresses around a passkey page: the form's target, the way back, and the page that follows.
pub(crate) struct Way<'a> {
    pub action: &'a str,
    pub back: &'a str,
    pub next: &'a str,
    pub act: String,
}

/// Returns whether a page of this path loads the script; its Content-Security-Policy then permits it.
pub(crate) fn has_script(path: &str) -> bool {
    path.ends_with("/passkey") || path.ends_with("/passkey/begin")
}

/// Asks the browser to sign with a passkey.
///
/// # Errors
/// Returns an error if the template cannot be rendered.
pub(crate) fn ask(staff: &Staff, options: &str, way: Way<'_>) -> Result<HttpResponse, Problem> {
    let Way { action, back, next, act } = way;
    let page = PasskeyPage { csrf: &staff.csrf, next, act, action, back, adding: false, options, label: "" };
    show_alone(StatusCode::OK, "Use a passkey", &page, staff.correlation())
}

/// Asks the browser for a new passkey.
///
/// # Errors
/// Returns an error if the template cannot be rendered.
pub(crate) fn add(staff: &Staff, options: &str, action: &str, back: &str) -> Result<HttpResponse, Problem> {
    let label = &staff.session.browser;
    let page =
        PasskeyPage { csrf: &staff.csrf, next: "", act: String::new(), action, back, adding: true, options, label };
    show_alone(StatusCode::OK, "Add a passkey", &page, staff.correlation())
}

/// Redirects to a page that continues to `next` afterwards.
pub(crate) fn with_next(path: &str, next: &str) -> HttpResponse {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    see_other(&format!("{path}?{query}"))
}

pub(crate) async fn script() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "public, max-age=600"))
        .body(include_str!("../../templates/admin/passkey.js"))
}
