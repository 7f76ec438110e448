//! Serves the portal's stylesheet and its script. The script is optional: it only makes some things easier.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::sync::LazyLock;

const STYLE: &str = include_str!("../../templates/portal/portal.css");

const SCRIPT: &str = include_str!("../../templates/portal/portal.js");

/// Version in the addresses of stylesheet and script: 12 hex digits of the SHA-256 of both contents. Changed content
/// therefore gets a new address.
pub(crate) static STYLE_VERSION: LazyLock<String> =
    LazyLock::new(|| hex::encode(&openssl::sha::sha256([STYLE, SCRIPT].concat().as_bytes())[..6]));

pub(crate) async fn stylesheet() -> HttpResponse {
    asset("text/css; charset=utf-8", STYLE)
}

pub(crate) async fn script() -> HttpResponse {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

fn asset(content_type: &'static str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(body)
}
