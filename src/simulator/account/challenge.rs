//! `WWW-Authenticate: Bearer method="apple-as-web", url="…"`, read as RFC 9110 section 11.6.1 has it.

use url::Url;

/// Sign in on a page of the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsWeb {
    pub url: Url,
}

/// Reads the header.
///
/// # Errors
/// What a device would not understand.
pub fn read(header: &str) -> Result<AsWeb, String> {
    let (scheme, parameters) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(format!("the scheme is {scheme}, not Bearer"));
    }
    let parameters = parameters_of(parameters)?;
    let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match find("method") {
        Some("apple-as-web") => {
            let url = find("url").ok_or("the parameter url is missing")?;
            let url = Url::parse(url).map_err(|error| format!("{url:?} is not an address: {error}"))?;
            if url.scheme() == "https" { Ok(AsWeb { url }) } else { Err(format!("{url} is not https")) }
        }
        Some(other) => Err(format!("the method {other} is not known")),
        None => Err("the parameter method is missing".into()),
    }
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
            assert_eq!(read(header).unwrap().url.as_str(), "https://mdm.example/a?b=c,d");
        }
        for header in [
            "Bearer",
            r#"Basic realm="x""#,
            r#"Bearer method="apple-as-web""#,
            r#"Bearer method="apple-as-web", url="http://mdm.example/""#,
            r#"Bearer method="else", url="https://mdm.example/""#,
        ] {
            assert!(read(header).is_err(), "{header}");
        }
    }
}
