//! Ways from one page of the console to the next, none of which leads out of it.

use super::{COOKIE, Staff};
use crate::admin::problem::Problem;
use crate::web::host_cookie;
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;

/// A page of the console to go on to. Anything else somebody may have put into the address leads home.
pub fn local<'a>(next: &'a str, home: &'a str) -> &'a str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let ours = next.starts_with("/console/") && !next.starts_with("/console/sign-") && !next.contains("//");
    if plain && ours { next } else { home }
}

/// To another page of the console.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path.to_owned())).finish()
}

/// The session goes on under another key, if there is one.
///
/// # Errors
/// If the cookie cannot be set.
pub fn with_key(mut response: HttpResponse, key: Option<String>, staff: &Staff) -> Result<HttpResponse, Problem> {
    if let Some(key) = key {
        response.add_cookie(&host_cookie(COOKIE, key)).map_err(|error| staff.broken(error))?;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn after_sign_in_nobody_is_sent_to_another_site() {
        let home = "/console/devices";
        assert_eq!(local("/console/audit?type=DeviceEnrolled", home), "/console/audit?type=DeviceEnrolled");
        for next in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https:evil.example",
            "https://evil.example/console/",
            "/console//evil.example",
            "/console/\r\nSet-Cookie: a=b",
            "/console/\\evil",
            "/enroll",
            "/console/sign-in",
        ] {
            assert_eq!(local(next, home), home, "{next:?}");
        }
    }
}
