//! `[server]` and `[push]`: addresses.

use super::Finding;
use crate::config::Config;
use url::Url;

pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(check_public_url(&config.server.public_url));
    findings.extend(check_push_url(&config.push.base_url));
    let metrics = config.server.metrics_listen;
    if !metrics.ip().is_loopback() {
        findings.push(Finding::warning(
            "metrics-not-on-loopback",
            "server.metrics_listen",
            format!("{metrics} can be reached from other machines, and asks nobody who they are"),
            "listen on 127.0.0.1 or [::1], or make sure that a firewall lets only the monitoring through",
        ));
    }
    findings
}

fn check_public_url(text: &str) -> Option<Finding> {
    let about = "server.public_url";
    let url = match Url::parse(text) {
        Ok(url) if url.has_host() => url,
        _ => {
            let mend = "give the address people type, such as \"https://enroll.example.com\"";
            return Some(Finding::error("public-url-not-a-url", about, format!("{text:?} is no address"), mend));
        }
    };
    if url.scheme() != "https" {
        let mend = "begin it with https://: iOS enrolls over TLS only";
        return Some(Finding::error("public-url-not-https", about, format!("{text:?} is not https"), mend));
    }
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() || text.ends_with('/') {
        let wrong = format!("{text:?} is more than scheme, name and port");
        let mend = format!("write it as \"{}\": Muster puts the paths behind it", url.origin().ascii_serialization());
        return Some(Finding::error("public-url-with-path", about, wrong, &mend));
    }
    None
}

fn check_push_url(text: &str) -> Option<Finding> {
    let fits = Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host() && url.query().is_none());
    (!fits).then(|| {
        Finding::error(
            "push-url-not-https",
            "push.base_url",
            format!("{text:?} is no https address"),
            "write \"https://api.push.apple.com\", unless this is a trial with a push server of your own",
        )
    })
}
