//! Protection against cross-site request forgery (CSRF): a token in every form, bound to the user's cookie, and the
//! browser's headers that name the origin of the request.

use actix_web::HttpRequest;
use platform::secrets::Secrets;

/// Returns the form token for the cookie value `cookie` on one surface.
pub(crate) fn token(secrets: &Secrets, surface: &str, cookie: &str) -> String {
    secrets.tag("form", &[surface, cookie])
}

/// Returns whether a form with `token` is genuine and may be processed.
pub(crate) fn is_genuine(
    secrets: &Secrets,
    surface: &str,
    cookie: &str,
    token: &str,
    request: &HttpRequest,
    public_url: &str,
) -> bool {
    comes_from_here(request, public_url) && secrets.is_tag(token, "form", &[surface, cookie])
}

/// Returns whether the request comes from a page of this server, according to the browser. The header is
/// `Sec-Fetch-Site`, or `Origin` in an older browser (Safari before 16.4) that does not send `Sec-Fetch-Site`. WebKit
/// sends `Origin` with every POST, so a request with neither header comes from no browser that people enroll with.
pub(crate) fn comes_from_here(request: &HttpRequest, public_url: &str) -> bool {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    match (header("sec-fetch-site"), header("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == public_url.trim_end_matches('/'),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use events::personal::keys::MasterKey;

    const HERE: &str = "https://enroll.example.com";

    fn believed(headers: &[(&str, &str)]) -> bool {
        let request = headers.iter().fold(TestRequest::post(), |request, header| request.insert_header(*header));
        comes_from_here(&request.to_http_request(), HERE)
    }

    #[test]
    fn another_sites_forms_are_not_believed() {
        assert!(believed(&[("sec-fetch-site", "same-origin"), ("origin", HERE)]));
        assert!(believed(&[("origin", HERE)]));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!believed(&[("sec-fetch-site", site), ("origin", HERE)]), "{site}");
        }
        assert!(!believed(&[("origin", "https://evil.example")]));
        assert!(!believed(&[("origin", "null")]));
        assert!(!believed(&[]));
    }

    #[test]
    fn a_token_serves_one_cookie_on_one_surface() {
        let secrets = Secrets::derive(&MasterKey::from_bytes([7; 32]));
        let request = TestRequest::post().insert_header(("sec-fetch-site", "same-origin")).to_http_request();
        let token = token(&secrets, "console", "cookie");
        let genuine = |surface, cookie, token: &str| is_genuine(&secrets, surface, cookie, token, &request, HERE);
        assert!(genuine("console", "cookie", &token));
        assert!(!genuine("console", "another", &token));
        assert!(!genuine("portal", "cookie", &token));
        assert!(!genuine("console", "cookie", ""));
    }
}
