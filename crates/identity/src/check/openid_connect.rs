//! Offline checks of `[[identity.openid_connect]]`.

use crate::config::{ALGORITHMS, OpenIdConnect};
use findings::{Finding, files};
use url::Url;
use world::regular_file;

pub(super) fn check(providers: &[OpenIdConnect], public_url: &str) -> Vec<Finding> {
    providers.iter().flat_map(|one| check_one(one, public_url)).collect()
}

fn check_one(provider: &OpenIdConnect, public_url: &str) -> Vec<Finding> {
    let about = |key: &str| format!("identity.openid_connect.{}.{key}", provider.name);
    let mut findings: Vec<Finding> = check_issuer(provider, &about("issuer")).into_iter().collect();
    findings.extend(check_algorithms(provider, &about("algorithms")));
    findings.extend(check_audiences(provider, &about("audiences")));
    findings.extend(check_secret(provider, &about("client_secret")));
    findings.extend(provider.root.as_deref().and_then(|path| files::missing(&about("root"), path)));
    findings.push(addresses(provider, &about("client_id"), public_url.trim_end_matches('/')));
    findings
}

fn check_issuer(provider: &OpenIdConnect, about: &str) -> Option<Finding> {
    let issuer = &provider.issuer;
    let Ok(url) = Url::parse(issuer) else {
        let mend = "copy it exactly from \"issuer\" in the provider's metadata";
        return Some(Finding::error("issuer-not-a-url", about, format!("{issuer:?} is not a URL"), mend));
    };
    if !provider.may_be_asked(&url) {
        let wrong = format!("{issuer:?} is not https: an attacker on the network could impersonate the provider");
        let mend = "use https://; plain http is allowed only for a trial on this machine";
        return Some(Finding::error("issuer-not-https", about, wrong, mend));
    }
    let extra = url.query().is_some() || url.fragment().is_some();
    extra.then(|| {
        let mend = "remove the query or fragment (OpenID Connect Discovery 1.0 §3)";
        Finding::error("issuer-with-query", about, format!("{issuer:?} has a query or fragment"), mend)
    })
}

fn check_algorithms(provider: &OpenIdConnect, about: &str) -> Vec<Finding> {
    let mend = format!("use one or more of {}", ALGORITHMS.join(", "));
    if provider.algorithms.is_empty() {
        return vec![Finding::error("algorithms-empty", about, "no signature would be accepted", &mend)];
    }
    let unknown = provider.algorithms.iter().filter(|name| !ALGORITHMS.contains(&name.as_str()));
    let finding = |name: &String| {
        let wrong = match name.as_str() {
            "none" => "\"none\" accepts unsigned tokens, so anyone could impersonate anyone".to_owned(),
            name if name.starts_with("HS") => format!("{name:?} signs with a shared secret"),
            name => format!("{name:?} is not supported"),
        };
        Finding::error("algorithm-refused", about, wrong, &mend)
    };
    unknown.map(finding).collect()
}

fn check_audiences(provider: &OpenIdConnect, about: &str) -> Option<Finding> {
    let empty = provider.audiences.iter().any(|audience| audience.trim().is_empty());
    empty.then(|| {
        let mend = "copy each value from the token's aud, or omit the setting";
        Finding::error("audience-empty", about, "an audience is empty", mend)
    })
}

fn check_secret(provider: &OpenIdConnect, about: &str) -> Vec<Finding> {
    let path = &provider.client_secret;
    if let Some(missing) = files::missing(about, path) {
        return vec![missing];
    }
    let mut findings: Vec<Finding> = files::readable_by_others(about, path).into_iter().collect();
    let text = regular_file::read_to_string(path).unwrap_or_default();
    if text.lines().next().unwrap_or_default().trim().is_empty() {
        let wrong = format!("the first line of {} is empty", path.display());
        findings.push(Finding::error("client-secret-empty", about, wrong, "write the client secret there"));
    }
    findings
}

// The administrator of the provider must register these addresses there and cannot guess them.
fn addresses(provider: &OpenIdConnect, about: &str, here: &str) -> Finding {
    let name = &provider.name;
    let mut mend = format!(
        "register these addresses at the provider: {here}/enroll/sso/{name}/callback for people who enroll, \
         {here}/console/sso/{name}/callback for staff"
    );
    if provider.sign_out_at_provider {
        mend.push_str(&format!(
            ", and {here}/enroll/sign-in and {here}/console/sign-in as addresses after signing out"
        ));
    }
    let wrong = format!("the provider needs the redirect addresses of the client {:?}", provider.client_id);
    Finding::note("redirect-addresses", about, wrong, &mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn codes(secret: &Path, change: impl FnOnce(&mut OpenIdConnect)) -> Vec<&'static str> {
        let text = format!(
            r#"name = "school"
               title = "Example School"
               issuer = "https://id.example.com/"
               client_id = "muster"
               client_secret = {secret:?}"#
        );
        let mut provider: OpenIdConnect = toml::from_str(&text).unwrap();
        change(&mut provider);
        check_one(&provider, "https://enroll.example.com").into_iter().map(|finding| finding.code).collect()
    }

    fn secret(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn an_issuer_is_asked_by_https_only_but_for_a_trial_on_this_machine() {
        let file = secret("s3cret");
        let issuer = |issuer: &str| codes(file.path(), |provider| provider.issuer = issuer.into());
        for fine in ["https://id.example.com", "http://127.0.0.1:4100", "http://localhost:8080/realm", "http://[::1]:1"]
        {
            assert_eq!(issuer(fine), ["redirect-addresses"], "{fine}");
        }
        assert_eq!(issuer("http://id.example.com"), ["issuer-not-https", "redirect-addresses"]);
        assert_eq!(issuer("http://127.0.0.1.example.com"), ["issuer-not-https", "redirect-addresses"]);
        assert_eq!(issuer("id.example.com"), ["issuer-not-a-url", "redirect-addresses"]);
        assert_eq!(issuer("https://id.example.com?tenant=1"), ["issuer-with-query", "redirect-addresses"]);
    }

    #[test]
    fn an_audience_has_a_name() {
        let file = secret("s3cret");
        let with = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            codes(file.path(), |provider| provider.audiences = names)
        };
        assert_eq!(with(&["300000000000000001"]), ["redirect-addresses"]);
        assert_eq!(with(&["300000000000000001", " "]), ["audience-empty", "redirect-addresses"]);
    }

    #[test]
    fn no_algorithm_with_a_shared_secret_can_be_configured() {
        let file = secret("s3cret");
        let with = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            codes(file.path(), |provider| provider.algorithms = names).len() - 1
        };
        assert_eq!(with(&ALGORITHMS), 0);
        assert_eq!(with(&["RS256", "HS256"]), 1);
        assert_eq!(with(&["none", "rs256", "HS512"]), 3);
        assert_eq!(with(&[]), 1);
    }

    #[test]
    fn the_client_secret_is_there_and_nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(codes(Path::new("/no/such/file"), |_| {}), ["file-unreadable", "redirect-addresses"]);
        assert_eq!(codes(secret("\ns3cret").path(), |_| {}), ["client-secret-empty", "redirect-addresses"]);
        let open = secret("s3cret");
        std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(codes(open.path(), |_| {}).len(), 2);
    }
}
