//! Certificates: in force, with their own keys, for our name, trusted by devices.

use super::{Finding, files};
use crate::config::Config;
use events::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::{X509, X509Ref, X509StoreContext};
use std::collections::BTreeMap;
use std::net::IpAddr;
use url::Url;

/// iOS 13 and later refuse TLS certificates that are valid for longer (support.apple.com/103769).
const LONGEST_TLS_DAYS: i32 = 825;
/// What every push topic of MDM begins with (mdm/profiles/com.apple.mdm.yaml, `Topic`).
const TOPIC_PREFIX: &str = "com.apple.mgmt.";
const DAYS_TO_RENEW: i32 = 30;

/// The certificates that could be read, with those that follow each in its file.
pub struct Reading(BTreeMap<&'static str, Vec<X509>>);

impl Reading {
    pub fn of(config: &Config) -> Reading {
        let read = |path| X509::stack_from_pem(&std::fs::read(path).ok()?).ok();
        let certificates = files::certificates(config);
        Reading(certificates.into_iter().filter_map(|(about, path)| Some((about, read(path)?))).collect())
    }

    fn first(&self, about: &str) -> Option<&X509Ref> {
        self.0.get(about)?.first().map(|certificate| &**certificate)
    }
}

pub fn check(config: &Config, reading: &Reading, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (about, path) in files::certificates(config) {
        match reading.first(about) {
            Some(certificate) => findings.extend(check_term(about, certificate, now)),
            None if path.is_file() => findings.push(Finding::error(
                "not-a-certificate",
                about,
                format!("there is no certificate in {}", path.display()),
                "give a PEM file: it begins with -----BEGIN CERTIFICATE-----",
            )),
            None => {}
        }
    }
    findings.extend(check_pairs(config, reading));
    findings.extend(check_push(config, reading));
    findings
}

fn check_term(about: &str, certificate: &X509Ref, now: Timestamp) -> Option<Finding> {
    let now = Asn1Time::from_unix(now.0.div_euclid(1_000_000)).ok()?;
    let renew = match about {
        "push.certificate" => {
            "run `muster push request`, then Renew (not Create) at https://identity.apple.com/pushcert"
        }
        _ => "renew it; what it must say is in the documentation of `muster init`",
    };
    if days(certificate.not_before(), &now)? < 0 {
        let wrong = format!("it is valid from {} on only", certificate.not_before());
        return Some(Finding::warning("certificate-not-yet-valid", about, wrong, "set this machine's clock, or wait"));
    }
    let left = days(&now, certificate.not_after())?;
    if left < 0 {
        let wrong = format!("it expired on {}", certificate.not_after());
        return Some(Finding::warning("certificate-expired", about, wrong, renew));
    }
    (left < DAYS_TO_RENEW).then(|| {
        let wrong = format!("it expires in {left} days, on {}", certificate.not_after());
        Finding::warning("certificate-expires-soon", about, wrong, renew)
    })
}

/// Whole days, rounded towards the past, so that an hour too late is -1.
fn days(from: &Asn1TimeRef, to: &Asn1TimeRef) -> Option<i32> {
    let difference = from.diff(to).ok()?;
    Some(if difference.secs < 0 { difference.days - 1 } else { difference.days })
}

fn check_pairs(config: &Config, reading: &Reading) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (about, path) in files::keys(config) {
        let certificate = format!("{}certificate", about.trim_end_matches("key"));
        let Ok(pem) = std::fs::read(path) else { continue };
        let Ok(key) = PKey::private_key_from_pem_callback(&pem, |_| Ok(0)) else {
            let wrong = format!("there is no private key in {}", path.display());
            let mend = "give a PEM file without a passphrase: it begins with -----BEGIN PRIVATE KEY-----";
            findings.push(Finding::error("not-a-key", about, wrong, mend));
            continue;
        };
        if let Some(of) = reading.first(&certificate)
            && !of.public_key().is_ok_and(|public| public.public_eq(&key))
        {
            let wrong = format!("it is not the key of the (first) certificate in {certificate}");
            let mend = "give the two that were made together; in a chain the server's own certificate comes first";
            findings.push(Finding::error("key-of-another-certificate", about, wrong, mend));
        }
    }
    findings
}

fn check_push(config: &Config, reading: &Reading) -> Option<Finding> {
    let get_one = "run `muster push request`: it makes the request, and says who signs it and where Apple takes it";
    match (&config.push.certificate, &config.push.key) {
        (None, None) => {
            let wrong = "there is no push certificate: no MDM profile is offered, no device can enroll";
            return Some(Finding::warning("push-certificate-missing", "push.certificate", wrong, get_one));
        }
        (Some(_), Some(_)) => {}
        _ => {
            let wrong = "certificate and key are only useful together";
            return Some(Finding::error("push-pair-incomplete", "push", wrong, "set both, or neither"));
        }
    }
    let certificate = reading.first("push.certificate")?;
    let topic = certificate.subject_name().entries_by_nid(Nid::USERID).next();
    let topic = topic.and_then(|uid| uid.data().to_string().ok());
    (!topic.is_some_and(|topic| topic.starts_with(TOPIC_PREFIX))).then(|| {
        let wrong = "its subject has no topic: an MDM push certificate has a UID that begins with com.apple.mgmt.";
        Finding::error("push-certificate-without-topic", "push.certificate", wrong, get_one)
    })
}

pub fn check_tls(config: &Config, reading: &Reading, public: &Option<X509Store>) -> Vec<Finding> {
    let about = "pki.tls_certificate";
    let Some(chain) = reading.0.get(about).filter(|chain| !chain.is_empty()) else { return Vec::new() };
    let mut findings = Vec::new();
    findings.extend(check_name("server.public_url", &config.server.public_url, &chain[0]));
    // Where only a proxy takes them, devices see the proxy's certificate, which is not known here.
    if let (Some(url), Some(_)) = (&config.devices.url, config.devices.listen) {
        findings.extend(check_name("devices.url", url, &chain[0]));
    }
    let term = days(chain[0].not_before(), chain[0].not_after()).unwrap_or_default();
    if term > LONGEST_TLS_DAYS {
        let wrong = format!("it is valid for {term} days; iOS refuses more than {LONGEST_TLS_DAYS}");
        findings.push(Finding::error("tls-certificate-too-long", about, wrong, "get one for 825 days or fewer"));
    }
    findings.extend(check_trust(config, reading, chain, public));
    findings
}

fn check_name(setting: &str, address: &str, certificate: &X509Ref) -> Option<Finding> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_ascii_lowercase();
    let names = certificate.subject_alt_names()?;
    let address = host.parse::<IpAddr>().ok();
    let matches = names.iter().any(|name| match (name.dnsname(), name.ipaddress(), address) {
        (Some(name), _, None) => is_for(&name.to_ascii_lowercase(), &host),
        (_, Some(bytes), Some(IpAddr::V4(address))) => bytes == address.octets(),
        (_, Some(bytes), Some(IpAddr::V6(address))) => bytes == address.octets(),
        _ => false,
    });
    (!matches).then(|| {
        let wrong = format!("it is not for {host}, the name in {setting} (subject alternative names count)");
        let mend = format!("get a certificate for that name too, or correct {setting}");
        Finding::error("tls-certificate-for-another-name", "pki.tls_certificate", wrong, &mend)
    })
}

// RFC 6125: a star stands for exactly one whole label, the first.
fn is_for(name: &str, host: &str) -> bool {
    name == host
        || name.strip_prefix("*.").is_some_and(|rest| host.split_once('.').is_some_and(|(_, parent)| parent == rest))
}

fn check_trust(config: &Config, reading: &Reading, chain: &[X509], public: &Option<X509Store>) -> Option<Finding> {
    let about = "pki.tls_certificate";
    if public.as_ref().is_some_and(|store| verifies(chain, store)) {
        return config.pki.tls_root.is_some().then(|| {
            let wrong = "the TLS certificate is publicly trusted: nobody needs to install a root";
            let mend = "leave tls_root out and set skip_ca_profile = true with `muster settings apply`";
            Finding::note("tls-root-not-needed", "pki.tls_root", wrong, mend)
        });
    }
    let Some(root) = reading.first("pki.tls_root") else {
        let wrong = "its chain is not publicly trusted (as far as this machine's roots tell), and there is no tls_root \
                     for people to install: devices will refuse the server";
        let mend = "put the intermediates behind the certificate in its file, or give the private root as pki.tls_root";
        return Some(Finding::warning("tls-chain-not-trusted", about, wrong, mend));
    };
    let mut store = X509StoreBuilder::new().ok()?;
    store.add_cert(root.to_owned()).ok()?;
    if !verifies(chain, &store.build()) {
        let wrong = "it does not chain to pki.tls_root: devices will refuse the server after installing that root";
        let mend = "put the intermediates behind the certificate in its file, or give the root that issued it";
        return Some(Finding::error("tls-chain-not-of-root", about, wrong, mend));
    }
    let wrong = "its chain is not publicly trusted: people have to install the root in steps 3 to 6";
    let mend = "leave those steps switched on, or get a certificate from a public CA";
    Some(Finding::note("tls-chain-private", about, wrong, mend))
}

// Whether in time is asked of each certificate by itself, with the server's own clock.
fn verifies(chain: &[X509], store: &openssl::x509::store::X509StoreRef) -> bool {
    let mut intermediates = match Stack::new() {
        Ok(stack) => stack,
        Err(_) => return false,
    };
    for certificate in &chain[1..] {
        if intermediates.push(certificate.clone()).is_err() {
            return false;
        }
    }
    let Ok(mut context) = X509StoreContext::new() else { return false };
    context.init(store, &chain[0], &intermediates, openssl::x509::X509StoreContextRef::verify_cert).unwrap_or(false)
}

/// The roots this machine trusts; `None` where there are none to be found.
pub fn public_roots() -> Option<X509Store> {
    const BUNDLES: [&str; 4] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let pem = BUNDLES.iter().find_map(|bundle| std::fs::read(bundle).ok())?;
    let mut store = X509StoreBuilder::new().ok()?;
    for root in X509::stack_from_pem(&pem).ok()? {
        store.add_cert(root).ok()?;
    }
    Some(store.build())
}
