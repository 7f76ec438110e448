//! The stylesheet.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::sync::LazyLock;

const STYLE: &str = include_str!("../../templates/portal/portal.css");

/// Part of the stylesheet's address, made of its content: another stylesheet has another address.
pub static STYLE_VERSION: LazyLock<String> =
    LazyLock::new(|| hex::encode(&openssl::sha::sha256(STYLE.as_bytes())[..6]));

pub async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(STYLE)
}
