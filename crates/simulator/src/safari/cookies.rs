//! Cookies, with the rules of the `__Host-` prefix (draft-ietf-httpbis-rfc6265bis §4.1.3.2). A cookie that breaks the
//! rules is an error here and not silently dropped, because it is a mistake of the server.

use super::SafariError;
use reqwest::{Response, header};
use url::Url;

#[derive(Debug, Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
}

#[derive(Debug, Clone)]
struct Cookie {
    origin: String,
    path: String,
    name: String,
    value: String,
}

impl Jar {
    /// Stores the cookies of a response.
    ///
    /// # Errors
    /// Returns an error if a cookie breaks the rules of its prefix.
    pub(crate) fn take(&mut self, url: &Url, response: &Response) -> Result<(), SafariError> {
        for header in response.headers().get_all(header::SET_COOKIE) {
            self.set(url, &String::from_utf8_lossy(header.as_bytes()))?;
        }
        Ok(())
    }

    fn set(&mut self, url: &Url, text: &str) -> Result<(), SafariError> {
        let mut parts = text.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return Ok(()) };
        let attributes: Vec<(String, String)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(key, value)| (key.to_lowercase(), value.to_owned()))
            .collect();
        let attribute = |key: &str| attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        let host_rules =
            attribute("secure").is_some() && attribute("domain").is_none() && attribute("path") == Some("/");
        if name.starts_with("__Host-") && !(host_rules && url.scheme() == "https") {
            return Err(SafariError::Cookie(format!("{name}: __Host- needs Secure, Path=/ and no Domain")));
        }
        let origin = url.origin().ascii_serialization();
        self.cookies.retain(|cookie| (&cookie.origin, cookie.name.as_str()) != (&origin, name));
        let expired = attribute("max-age").and_then(|age| age.parse::<i64>().ok()).is_some_and(|age| age <= 0);
        if !expired {
            let path = attribute("path").unwrap_or("/").to_owned();
            self.cookies.push(Cookie { origin, path, name: name.to_owned(), value: value.to_owned() });
        }
        Ok(())
    }

    /// Returns the `Cookie` header for a request.
    pub(crate) fn header_for(&self, url: &Url) -> Option<String> {
        let origin = url.origin().ascii_serialization();
        let fits = |cookie: &&Cookie| cookie.origin == origin && url.path().starts_with(&cookie.path);
        let pairs: Vec<String> =
            self.cookies.iter().filter(fits).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        Url::parse("https://enroll.example/enroll").unwrap()
    }

    #[test]
    fn a_cookie_is_kept_replaced_and_deleted() {
        let mut jar = Jar::default();
        jar.set(&url(), "__Host-a=1; Secure; Path=/; HttpOnly").unwrap();
        jar.set(&url(), "__Host-a=2; Secure; Path=/").unwrap();
        assert_eq!(jar.header_for(&url()).as_deref(), Some("__Host-a=2"));
        assert_eq!(jar.header_for(&Url::parse("https://other.example/").unwrap()), None);
        jar.set(&url(), "__Host-a=; Secure; Path=/; Max-Age=0").unwrap();
        assert_eq!(jar.header_for(&url()), None);
    }

    #[test]
    fn a_host_cookie_that_breaks_the_rules_is_refused() {
        let mut jar = Jar::default();
        for wrong in ["__Host-a=1; Path=/", "__Host-a=1; Secure", "__Host-a=1; Secure; Path=/; Domain=example"] {
            assert!(jar.set(&url(), wrong).is_err(), "{wrong}");
        }
    }
}
