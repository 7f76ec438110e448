//! What the surfaces for people have in common: where a request comes from, cookies, headers, forgery of requests.
//!
//! The surfaces never import each other; what two of them need alike has its place here.

pub(crate) mod content;
pub mod forgery;
pub mod headers;
pub mod methods;
pub mod qr;
pub mod visible;
pub mod visit_code;

use crate::app::App;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use connections::Connection;
use connections::room::Identity;
use std::net::IpAddr;
use std::sync::Arc;

/// The address a request comes from: the peer's, unless the peer is a configured reverse proxy; then the last address in
/// `X-Forwarded-For` that no trusted proxy has. What stands further left anybody could have written.
pub fn source(request: &HttpRequest, trusted_proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    if !trusted_proxies.contains(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let mut chain: Vec<IpAddr> = Vec::new();
    for address in forwarded.flat_map(|value| value.split(',')) {
        match address.trim().parse::<IpAddr>() {
            Ok(address) => chain.push(address.to_canonical()),
            // Nothing left of something unreadable can be believed.
            Err(_) => chain.clear(),
        }
    }
    chain.into_iter().rev().find(|address| !trusted_proxies.contains(address)).or(Some(peer))
}

/// Notes who has proven to send this: their connection does not count among those of strangers, which go first when there is no room.
pub fn has_proven(app: &App, request: &HttpRequest, identity: Identity) {
    if let Some(connection) = request.conn_data::<Arc<Connection>>() {
        app.connections.proven(connection, identity);
    }
}

/// A cookie for this host alone that scripts cannot read and that goes with no request from another site.
/// `name` begins with `__Host-`.
pub fn host_cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax).finish()
}

/// The same, kept for so many hours even if the browser is ended in between.
pub fn lasting_host_cookie(name: &'static str, value: String, hours: u32) -> Cookie<'static> {
    let mut cookie = host_cookie(name, value);
    cookie.set_max_age(actix_web::cookie::time::Duration::hours(i64::from(hours)));
    cookie
}

/// Takes the cookie away from the browser.
pub fn no_cookie(name: &'static str) -> Cookie<'static> {
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
