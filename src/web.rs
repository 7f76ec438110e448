//! Shared by the portal, the console and the device endpoints: source addresses, cookies, headers, protection against
//! request forgery.
//!
//! The surfaces never import each other, so code that two of them need is here.

pub(crate) mod content;
pub(crate) mod enrollment_code;
pub(crate) mod escape;
pub(crate) mod forgery;
pub(crate) mod headers;
pub(crate) mod methods;
pub(crate) mod qr;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use connections::room::Identity;
use connections::{Connection, Connections};
use std::net::IpAddr;
use std::sync::Arc;

/// What every surface gets of the configuration and of the listeners.
#[derive(Clone)]
pub struct Web {
    /// Addresses of reverse proxies whose `X-Forwarded-For` is trusted (`server.trusted_proxies`).
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether the TLS certificate chains to a private root (`pki.tls_root`), which devices do not trust by themselves.
    pub private_root: bool,
    pub connections: Connections,
}

/// Returns the source address of a request. This is the peer's address, unless the peer is a configured reverse proxy.
/// In that case it is the last address in `X-Forwarded-For` that is not a trusted proxy. A client can forge the
/// addresses further left.
pub(crate) fn source(request: &HttpRequest, trusted_proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    if !trusted_proxies.contains(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let mut chain: Vec<IpAddr> = Vec::new();
    for address in forwarded.flat_map(|value| value.split(',')) {
        match address.trim().parse::<IpAddr>() {
            Ok(address) => chain.push(address.to_canonical()),
            // An address to the left of an unparsable one cannot be trusted.
            Err(_) => chain.clear(),
        }
    }
    chain.into_iter().rev().find(|address| !trusted_proxies.contains(address)).or(Some(peer))
}

/// Records the proven identity of a request's sender. Its connection then no longer counts as unauthenticated;
/// unauthenticated connections of one source are limited together
/// (docs/decisions/19-work-time-and-connections-have-bounds-before-identity.md).
pub(crate) fn has_proven(web: &Web, request: &HttpRequest, identity: Identity) {
    if let Some(connection) = request.conn_data::<Arc<Connection>>() {
        web.connections.proven(connection, identity);
    }
}

/// Builds a session cookie for this host only: `HttpOnly`, `Secure`, and `SameSite=Lax`. `name` begins with `__Host-`.
pub(crate) fn host_cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax).finish()
}

/// Same as [`host_cookie`], but kept for `hours` hours, even if the browser is closed.
pub(crate) fn lasting_host_cookie(name: &'static str, value: String, hours: u32) -> Cookie<'static> {
    let mut cookie = host_cookie(name, value);
    cookie.set_max_age(actix_web::cookie::time::Duration::hours(i64::from(hours)));
    cookie
}

/// Builds a cookie that removes the one of this name from the browser.
pub(crate) fn no_cookie(name: &'static str) -> Cookie<'static> {
    let mut cookie = host_cookie(name, String::new());
    cookie.make_removal();
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn from(peer: &str, forwarded: Option<&str>, trusted: &[&str]) -> Option<String> {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:4711").parse().unwrap());
        if let Some(forwarded) = forwarded {
            request = request.insert_header(("x-forwarded-for", forwarded));
        }
        let trusted: Vec<IpAddr> = trusted.iter().map(|address| address.parse().unwrap()).collect();
        source(&request.to_http_request(), &trusted).map(|address| address.to_string())
    }

    #[test]
    fn a_stranger_cannot_choose_the_address_that_is_recorded() {
        assert_eq!(from("192.0.2.7", Some("203.0.113.9"), &[]).as_deref(), Some("192.0.2.7"));
        assert_eq!(from("192.0.2.7", Some("203.0.113.9"), &["192.0.2.1"]).as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn behind_trusted_proxies_the_last_address_they_did_not_add_themselves_counts() {
        let proxies = ["192.0.2.1", "192.0.2.2"];
        let forged = Some("198.51.100.66, 203.0.113.9, 192.0.2.2");
        assert_eq!(from("192.0.2.1", forged, &proxies).as_deref(), Some("203.0.113.9"));
        assert_eq!(from("192.0.2.1", Some("203.0.113.9, nonsense"), &proxies).as_deref(), Some("192.0.2.1"));
        assert_eq!(from("192.0.2.1", None, &proxies).as_deref(), Some("192.0.2.1"));
    }
}
