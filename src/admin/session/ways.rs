//! Redirects within the console. None of them leaves it.

use super::{COOKIE, Staff};
use crate::admin::problem::Problem;
use crate::web::host_cookie;
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;

/// Returns `next` if a browser that resolves it stays in the console, else `home`.
///
/// Browsers read `\` as `/`, drop tabs and line ends, and decode `%2e` before they resolve `..` (WHATWG URL Standard,
/// "path state"). The path is therefore accepted only if it needs no resolving: plain characters, no `%`, no segment
/// of dots only.
pub(crate) fn local<'a>(next: &'a str, home: &'a str) -> &'a str {
    let (path, query) = next.split_once('?').unwrap_or((next, ""));
    let segments = path.strip_prefix("/console/").unwrap_or_default();
    let plain = |segment: &str| {
        let spelled = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        segment.bytes().all(spelled) && segment.bytes().any(|byte| byte != b'.')
    };
    let ours = segments.split('/').all(plain) && !segments.starts_with("sign-");
    let harmless = query.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\#".contains(&byte));
    if ours && harmless { next } else { home }
}

/// Redirects to another page of the console.
pub(crate) fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path.to_owned())).finish()
}

/// Sets the session's new key as cookie, if there is one.
///
/// # Errors
/// Returns an error if the cookie cannot be set.
pub(crate) fn with_key(
    mut response: HttpResponse,
    key: Option<String>,
    staff: &Staff,
) -> Result<HttpResponse, Problem> {
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
        for next in
            ["/console/audit?type=DeviceEnrolled&q=a%2Fb", "/console/devices/0190a5c2-0000-7000-8000-000000000001"]
        {
            assert_eq!(local(next, home), next);
        }
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
            "/console/../enroll",
            "/console/devices/..",
            "/console/./../enroll",
            "/console/%2e%2e/enroll",
            "/console/.%2E/enroll",
            "/console/%2Fevil.example",
            "/console/%5cevil.example",
            "/console/%73ign-out",
            "/console/..;/enroll",
            "/console/\tdevices",
            "/console/dev\u{85}ices",
            "/console/audit?a=\\evil",
            "/console/audit?a=\n",
            "/console/audit#//evil.example",
            "/console/",
            "/console",
            "/CONSOLE/audit",
            " /console/audit",
            "javascript:/console/audit",
        ] {
            assert_eq!(local(next, home), home, "{next:?}");
        }
    }
}
