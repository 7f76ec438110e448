//! Checks that certificates are valid and match their keys. [`super::tls`] checks what devices require of the TLS
//! certificate.

use super::reading::Reading;
use super::{files, push};
use crate::config::Config;
use events::Timestamp;
use findings::{Finding, Severity};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::pkey::PKey;
use openssl::x509::X509Ref;
use plural::counted;
use world::regular_file;

const DAYS_TO_RENEW: i32 = 30;

pub(crate) fn check(config: &Config, reading: &Reading, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (about, path) in files::certificates(config) {
        match reading.first(about) {
            // An expired intermediate is as bad as an expired certificate.
            Some(_) => findings.extend(reading.chain(about).iter().filter_map(|one| check_term(about, one, now))),
            None if path.is_file() => findings.push(Finding::error(
                "not-a-certificate",
                about,
                format!("there is no certificate in {}", path.display()),
                "use a PEM file: it begins with -----BEGIN CERTIFICATE-----",
            )),
            None => {}
        }
    }
    findings.extend(check_pairs(config, reading));
    findings.extend(push::check(config, reading));
    findings.extend(push::check_issuer(config, reading));
    findings
}

pub(crate) fn check_term(about: &str, certificate: &X509Ref, now: Timestamp) -> Option<Finding> {
    let now = Asn1Time::from_unix(now.0.div_euclid(1_000_000)).ok()?;
    let renew = match about {
        "push.certificate" => {
            "run `muster push request`, then Renew (not Create) at https://identity.apple.com/pushcert"
        }
        "pki.identity_ca_certificate" | "pki.registration_authority_certificate" => {
            "this certificate cannot be replaced in an existing installation: plan a new installation in which devices enroll again"
        }
        "pki.profile_signer_certificate" => {
            "renew it with an RSA or EC key, and put its intermediates after it in the file"
        }
        "pki.tls_certificate" | "server.public_url" | "devices.url" => {
            "renew it: for the name in that address, with serverAuth, for at most 825 days, a key of RSA 2048 bits or P-256, SHA-256, and \
             its intermediates in the file"
        }
        _ => "renew it",
    };
    if days(certificate.not_before(), &now)? < 0 {
        let wrong = format!("the certificate is not valid before {}", certificate.not_before());
        return Some(Finding::warning("certificate-not-yet-valid", about, wrong, "set this machine's clock, or wait"));
    }
    let left = days(&now, certificate.not_after())?;
    if left < 0 {
        let wrong = format!("the certificate expired on {}", certificate.not_after());
        // With an expired TLS certificate devices reject the server. Expiry of the other certificates has separate
        // consequences, which are reported elsewhere.
        let of_tls = about.starts_with("pki.tls_") || about.ends_with("url");
        let severity = if of_tls { Severity::Error } else { Severity::Warning };
        return Some(Finding::new(severity, "certificate-expired", about, wrong, renew));
    }
    (left < DAYS_TO_RENEW).then(|| {
        let wrong = format!("the certificate expires in {}, on {}", counted(left, "day"), certificate.not_after());
        Finding::warning("certificate-expires-soon", about, wrong, renew)
    })
}

/// Returns the number of whole days, rounded down, so that one hour late is -1.
pub(crate) fn days(from: &Asn1TimeRef, to: &Asn1TimeRef) -> Option<i32> {
    let difference = from.diff(to).ok()?;
    Some(if difference.secs < 0 { difference.days - 1 } else { difference.days })
}

fn check_pairs(config: &Config, reading: &Reading) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (about, path) in files::keys(config) {
        let certificate = format!("{}certificate", about.trim_end_matches("key"));
        let Ok(pem) = regular_file::read(path) else { continue };
        let Ok(key) = PKey::private_key_from_pem_callback(&pem, |_| Ok(0)) else {
            let wrong = format!("there is no private key in {}", path.display());
            let mend = "use a PEM file without a passphrase: it begins with -----BEGIN PRIVATE KEY-----";
            findings.push(Finding::error("not-a-key", about, wrong, mend));
            continue;
        };
        if let Some(of) = reading.first(&certificate)
            && !of.public_key().is_ok_and(|public| public.public_eq(&key))
        {
            let wrong = format!("the key does not match the (first) certificate in {certificate}");
            let mend = "use the certificate and key that were created together; in a chain, the server's own certificate comes first";
            findings.push(Finding::error("key-of-another-certificate", about, wrong, mend));
        }
    }
    findings
}
