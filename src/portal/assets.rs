//! The stylesheet.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};

const STYLE: &str = include_str!("../../templates/portal/portal.css");

/// Part of the stylesheet's address: another release may have another stylesheet, and this one is kept for long.
pub const STYLE_VERSION: &str = env!("CARGO_PKG_VERSION");

pub async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(STYLE)
}
