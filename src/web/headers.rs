//! HTTP headers of every page.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// Sets the headers that every portal and console response must have. `policy` is the Content-Security-Policy. A
/// response that sets `Cache-Control` itself (a stylesheet) keeps it; all others are never cached.
///
/// # Panics
/// Panics if `policy` is not a valid header value. Policies are constants of this program.
pub(crate) fn secure(headers: &mut HeaderMap, policy: &str) {
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
    // For browsers that do not support `frame-ancestors`.
    let frame = if policy.contains("frame-ancestors 'self'") { "SAMEORIGIN" } else { "DENY" };
    headers.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static(frame));
    let policy = HeaderValue::from_str(policy).expect("a policy has only visible characters");
    headers.insert(HeaderName::from_static("content-security-policy"), policy);
    // It is not known here whether the response will be compressed. `Vary` makes a cache request it again for a
    // different encoding (RFC 9110 section 12.5.5).
    let vary = HeaderName::from_static("vary");
    if !headers.contains_key(&vary) {
        headers.insert(vary, HeaderValue::from_static("accept-encoding"));
    }
    let cache = HeaderName::from_static("cache-control");
    if !headers.contains_key(&cache) {
        headers.insert(cache, HeaderValue::from_static("no-store"));
    }
}

/// Tells browsers to use HTTPS only, for a year (HSTS). Only for publicly trusted certificates: with a private root, a
/// person who has removed the root could not open the portal to enroll again.
pub(crate) fn strict_transport(headers: &mut HeaderMap) {
    let name = HeaderName::from_static("strict-transport-security");
    headers.insert(name, HeaderValue::from_static("max-age=31536000"));
}

/// Policy for read-only pages that a page of this server shows in a frame: no scripts, no forms, no top-level
/// navigation.
pub(crate) const LOOKED_AT: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; \
                             object-src 'none'; frame-ancestors 'self'; sandbox allow-same-origin";

/// Returns the policy for ordinary pages: the page loads only stylesheets and images of this server, cannot be framed,
/// and can send its forms only to this server or to `form_action`.
pub(crate) fn content_security_policy(form_action: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'{}{form_action}; base-uri 'none'; \
         object-src 'none'; frame-ancestors 'none'",
        if form_action.is_empty() { "" } else { " " }
    )
}
