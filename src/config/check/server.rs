//! Checks the addresses in `[server]`, `[push]` and `[devices]`.

use crate::config::Config;
use findings::Finding;
use std::net::{IpAddr, SocketAddr};
use url::Url;

pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(check_address("public-url", "server.public_url", &config.server.public_url));
    findings.extend(check_devices(config));
    findings.extend(check_push_url(&config.push.base_url));
    findings.extend(check_taken(config));
    let metrics = config.server.metrics_listen;
    if !metrics.ip().is_loopback() {
        findings.push(Finding::warning(
            "metrics-not-on-loopback",
            "server.metrics_listen",
            format!("{metrics} can be reached from other machines, and it requires no authentication"),
            "listen on 127.0.0.1 or [::1], or make sure that a firewall admits only the monitoring system",
        ));
    }
    findings
}

// Devices that use a TLS client certificate need a URL, and a listener or proxy there that requests the certificate.
fn check_devices(config: &Config) -> Vec<Finding> {
    let devices = &config.devices;
    let mut findings = Vec::new();
    if let Some(url) = &devices.url {
        findings.extend(check_address("devices-url", "devices.url", url));
        if devices.listen.is_none() && !devices.client_cert_header {
            findings.push(Finding::error(
                "devices-not-asked",
                "devices.url",
                "nothing requests a client certificate at this address, and devices do not sign their messages",
                "set devices.listen, or devices.client_cert_header if a proxy passes the certificate on",
            ));
        }
    } else if devices.listen.is_some() {
        findings.push(Finding::error(
            "devices-listener-without-url",
            "devices.listen",
            "no device uses this listener, because devices.url is not set",
            "set devices.url to the address by which devices reach it, such as \"https://mdm.example.com:8443\"",
        ));
    }
    if devices.client_cert_header && config.server.trusted_proxies.is_empty() {
        findings.push(Finding::error(
            "client-cert-header-without-proxy",
            "devices.client_cert_header",
            "no proxy is trusted, so the header is never used",
            "add the proxy's address to server.trusted_proxies",
        ));
    }
    findings
}

// `kind` is the prefix of the finding codes.
fn check_address(kind: &'static str, about: &str, text: &str) -> Option<Finding> {
    let [not_a_url, not_https, with_path] = match kind {
        "public-url" => ["public-url-not-a-url", "public-url-not-https", "public-url-with-path"],
        _ => ["devices-url-not-a-url", "devices-url-not-https", "devices-url-with-path"],
    };
    let url = match Url::parse(text) {
        Ok(url) if url.has_host() => url,
        _ => {
            let mend = "use the address that people type, such as \"https://enroll.example.com\"";
            return Some(Finding::error(not_a_url, about, format!("{text:?} is not a URL"), mend));
        }
    };
    if url.scheme() != "https" {
        let mend = "begin it with https://, because iOS enrolls over TLS only";
        return Some(Finding::error(not_https, about, format!("{text:?} is not https"), mend));
    }
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() || text.ends_with('/') {
        let wrong = format!("{text:?} has more than scheme, host name and port");
        let mend = format!("write it as \"{}\": Muster appends the paths", url.origin().ascii_serialization());
        return Some(Finding::error(with_path, about, wrong, &mend));
    }
    None
}

// The list is in the order of binding: of two equal addresses, the second bind fails.
fn check_taken(config: &Config) -> Vec<Finding> {
    let mut listened =
        vec![("server.listen", config.server.listen), ("server.metrics_listen", config.server.metrics_listen)];
    listened.extend(config.devices.listen.map(|address| ("devices.listen", address)));
    let mut findings = Vec::new();
    for (number, (about, address)) in listened.iter().enumerate() {
        if let Some((other, _)) = listened[..number].iter().find(|(_, before)| collide(*before, *address)) {
            let wrong = format!("{address} is already used by {other}: the server cannot listen on it twice");
            let mend = format!("use another port for one of the two (0 selects any free port), here or in {other}");
            findings.push(Finding::error("address-listened-on-twice", about, wrong, &mend));
        }
    }
    findings
}

// 0.0.0.0 covers every IPv4 address of the machine. [::] covers every address with the Linux default
// (net.ipv6.bindv6only = 0).
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |all: IpAddr, ip: IpAddr| all.is_unspecified() && (all.is_ipv6() || ip.is_ipv4());
    let (first, second) = (one.ip(), other.ip());
    one.port() == other.port() && one.port() != 0 && (first == second || covers(first, second) || covers(second, first))
}

fn check_push_url(text: &str) -> Option<Finding> {
    let fits = Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host() && url.query().is_none());
    (!fits).then(|| {
        Finding::error(
            "push-url-not-https",
            "push.base_url",
            format!("{text:?} is not an https URL"),
            "use \"https://api.push.apple.com\", unless this is a trial with your own push server",
        )
    })
}
