//! Parses `WWW-Authenticate: Bearer method="apple-as-web", url="…"`, or with `apple-oauth2` and its five parameters,
//! as RFC 9110 section 11.6.1 defines it.

use url::Url;

/// How a server lets a person sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// On a page of the server, which returns an access token.
    AsWeb(Url),
    /// With an authorization code.
    OAuth2(OAuth2),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth2 {
    pub authorization_url: Url,
    pub token_url: Url,
    /// Address that the page redirects to. Its scheme is Apple's own.
    pub redirect_url: String,
    pub client_id: String,
    pub scope: String,
}

/// Parses the header.
///
/// # Errors
/// Returns what a device would not understand.
pub fn read(header: &str) -> Result<Challenge, String> {
    let (scheme, parameters) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(format!("the scheme is {scheme}, not Bearer"));
    }
    let parameters = parameters_of(parameters)?;
    let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let required = |name: &str| find(name).ok_or_else(|| format!("the parameter {name} is missing"));
    match required("method")? {
        "apple-as-web" => https(required("url")?).map(Challenge::AsWeb),
        "apple-oauth2" => {
            let redirect_url = required("redirect-url")?;
            if !redirect_url.starts_with("apple-remotemanagement-user-login:") {
                return Err(format!("redirect-url {redirect_url} does not have Apple's scheme"));
            }
            Ok(Challenge::OAuth2(OAuth2 {
                authorization_url: https(required("authorization-url")?)?,
                token_url: https(required("token-url")?)?,
                redirect_url: redirect_url.to_owned(),
                client_id: required("client-id")?.to_owned(),
                scope: required("scope")?.to_owned(),
            }))
        }
        other => Err(format!("the method {other} is unknown")),
    }
}

fn https(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|error| format!("{url:?} is not an address: {error}"))?;
    if url.scheme() == "https" { Ok(url) } else { Err(format!("{url} is not https")) }
}

fn parameters_of(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut parameters = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(|| format!("{rest:?} has no ="))?;
        let quoted = after.strip_prefix('"').ok_or_else(|| format!("the value of {key} is not quoted"))?;
        let (value, after) = quoted.split_once('"').ok_or_else(|| format!("the value of {key} has no end"))?;
        parameters.push((key.trim().to_ascii_lowercase(), value.to_owned()));
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_the_field_are_understood_and_nothing_else() {
        for header in [
            r#"Bearer method="apple-as-web", url="https://mdm.example/a?b=c,d""#,
            r#"Bearer method="apple-as-web" url="https://mdm.example/a?b=c,d""#,
        ] {
            let url = Url::parse("https://mdm.example/a?b=c,d").unwrap();
            assert_eq!(read(header), Ok(Challenge::AsWeb(url)));
        }
        for header in [
            "Bearer",
            r#"Basic realm="x""#,
            r#"Bearer method="apple-as-web""#,
            r#"Bearer method="apple-as-web", url="http://mdm.example/""#,
            r#"Bearer method="else", url="https://mdm.example/""#,
            r#"Bearer method="apple-oauth2", authorization-url="https://mdm.example/", token-url="https://mdm.example/""#,
        ] {
            assert!(read(header).is_err(), "{header}");
        }
    }
}
