//! Headers that every page carries.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// Sets what must be on every answer of a surface for people. `policy` is its Content-Security-Policy; answers that set
/// `Cache-Control` themselves (stylesheets) keep it, all others are never stored.
///
/// # Panics
/// If the policy is no header value; policies are written in this program.
pub fn secure(headers: &mut HeaderMap, policy: &str) {
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // For browsers that do not know `frame-ancestors`.
    let frame = if policy.contains("frame-ancestors 'self'") { "SAMEORIGIN" } else { "DENY" };
    headers.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static(frame));
    let policy = HeaderValue::from_str(policy).expect("a policy is made of visible characters");
    headers.insert(HeaderName::from_static("content-security-policy"), policy);
    // Which answers are compressed is not known here; a cache that keeps one asks again for another encoding (RFC 9110 section 12.5.5).
    let vary = HeaderName::from_static("vary");
    if !headers.contains_key(&vary) {
        headers.insert(vary, HeaderValue::from_static("accept-encoding"));
    }
    let cache = HeaderName::from_static("cache-control");
    if !headers.contains_key(&cache) {
        headers.insert(cache, HeaderValue::from_static("no-store"));
    }
}

/// Tells browsers to come by HTTPS only, for a year. For publicly trusted certificates alone: whoever removed a private
/// root could not come back to enroll again.
pub fn strict_transport(headers: &mut HeaderMap) {
    let name = HeaderName::from_static("strict-transport-security");
    headers.insert(name, HeaderValue::from_static("max-age=31536000"));
}

/// A policy for pages that are only looked at, in a frame on a page of ours: no scripts, no forms, no links that lead anywhere.
pub const LOOKED_AT: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; \
                             object-src 'none'; frame-ancestors 'self'; sandbox allow-same-origin";

/// A policy under which a page loads nothing but stylesheets and images of ours, is framed by nobody, and sends its forms
/// to us or to `form_action`.
pub fn content_security_policy(form_action: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'{}{form_action}; base-uri 'none'; \
         object-src 'none'; frame-ancestors 'none'",
        if form_action.is_empty() { "" } else { " " }
    )
}
