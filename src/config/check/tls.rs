//! Checks the TLS certificate for what iPhones and iPads require: its name, its chain, and the App Transport Security
//! rules for keys, signatures and validity (support.apple.com/103769; from OS 27 on also for device management,
//! support.apple.com/126655).

use super::certificates::days;
use super::reading::Reading;
use findings::{Finding, Severity};

use crate::config::{Config, acceptor};
use openssl::nid::Nid;
use openssl::pkey::Id;
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder, X509StoreRef};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use pki::PkiFiles;
use std::net::IpAddr;
use url::Url;

/// iOS 13 and later reject TLS certificates with a longer validity (support.apple.com/103769).
const LONGEST_DAYS: i32 = 825;
const SHORTEST_RSA: u32 = 2048;
const CURVES: [Nid; 3] = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];
const BROKEN_DIGESTS: [Nid; 4] = [Nid::SHA1, Nid::MD5, Nid::MD4, Nid::SHA224];

/// Codes of findings that are errors but do not stop `serve`; it starts with an alarm. An installation that worked with
/// older devices must not stop for all devices.
pub(crate) const ALARMING: [&str; 6] = [
    "certificate-expired",
    "tls-key-weak",
    "tls-signature-weak",
    "tls-without-server-auth",
    "tls-certificate-self-signed",
    "tls-chain-incomplete",
];

/// A certificate with its intermediates as a server presents them, and the roots to verify it against.
pub(crate) struct Presented<'a> {
    /// The setting that the findings name.
    pub about: &'a str,
    /// Not empty. The server's own certificate comes first.
    pub chain: &'a [X509],
    /// The private root that people install, if there is one.
    pub root: Option<&'a X509Ref>,
    /// The roots that this machine trusts; `None` if none were found.
    pub public: Option<&'a X509StoreRef>,
}

/// Checks the configured TLS certificate.
pub(crate) fn check(config: &Config, reading: &Reading, public: &Option<X509Store>) -> Vec<Finding> {
    let about = "pki.tls_certificate";
    let chain = reading.chain(about);
    if chain.is_empty() {
        return Vec::new();
    }
    let presented = Presented { about, chain, root: reading.first("pki.tls_root"), public: public.as_deref() };
    let mut of_portal = Vec::from_iter(check_name(about, "server.public_url", &config.server.public_url, &chain[0]));
    let mut of_all = presented.faults();
    of_all.extend(presented.trust());
    // Behind a proxy, people and devices see the proxy's certificate, which is not known here; `check-config --live`
    // checks that one. If devices have their own listener, they see the configured one.
    let behind_proxy = !config.server.trusted_proxies.is_empty();
    if behind_proxy {
        soften(&mut of_portal);
    }
    if behind_proxy && config.devices.listen.is_none() {
        soften(&mut of_all);
    }
    let mut findings = of_portal;
    if let (Some(url), Some(_)) = (&config.devices.url, config.devices.listen) {
        findings.extend(check_name(about, "devices.url", url, &chain[0]));
    }
    findings.extend(of_all);
    findings
}

/// Checks that the listeners can use the certificate and the key: OpenSSL's security level rejects some readable ones.
/// `serve` loads them behind a proxy too.
pub(crate) fn refused(pki: &PkiFiles) -> Option<Finding> {
    let why = acceptor::build(pki).err()?;
    let wrong = format!("the server's TLS library refuses the certificate or its key: {why}");
    let mend = "have it issued for a key of RSA 2048 bits or more, or of the curve P-256, P-384 or P-521, and signed with SHA-256 \
                throughout the chain";
    Some(Finding::error("tls-certificate-unusable", "pki.tls_certificate", wrong, mend))
}

fn soften(findings: &mut [Finding]) {
    findings.iter_mut().for_each(|finding| finding.severity = finding.severity.max(Severity::Warning));
}

/// Checks that the certificate is for the host name in `address`, the value of `setting`.
pub(crate) fn check_name(about: &str, setting: &str, address: &str, certificate: &X509Ref) -> Option<Finding> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_ascii_lowercase();
    let names = certificate.subject_alt_names();
    let address = host.parse::<IpAddr>().ok();
    let matches = names.iter().flatten().any(|name| match (name.dnsname(), name.ipaddress(), address) {
        (Some(name), _, None) => is_for(&name.to_ascii_lowercase(), &host),
        (_, Some(bytes), Some(IpAddr::V4(address))) => bytes == address.octets(),
        (_, Some(bytes), Some(IpAddr::V6(address))) => bytes == address.octets(),
        _ => false,
    });
    (!matches).then(|| {
        let wrong =
            format!("the certificate is not for {host}, the name in {setting} (only subject alternative names count)");
        let mend = format!("get a certificate for that name too, or correct {setting}");
        Finding::error("tls-certificate-for-another-name", about, wrong, &mend)
    })
}

// RFC 6125: a wildcard stands for exactly one whole label, the first.
fn is_for(name: &str, host: &str) -> bool {
    name == host
        || name.strip_prefix("*.").is_some_and(|rest| host.split_once('.').is_some_and(|(_, parent)| parent == rest))
}

impl Presented<'_> {
    /// Returns what App Transport Security rejects in the certificate, independent of its issuer.
    pub(crate) fn faults(&self) -> Vec<Finding> {
        let mut faults = Vec::new();
        let own = &self.chain[0];
        for certificate in self.chain.iter().map(|one| &**one).chain(self.root) {
            faults.extend(weak_key(certificate).map(|why| {
                let mend = "have it issued for a key of RSA 2048 bits or more, or of the curve P-256, P-384 or P-521";
                self.fault("tls-key-weak", format!("{}: {why}", name_of(certificate)), mend)
            }));
            // Clients do not verify a root's signature of itself.
            if !is_self_signed(certificate) && has_weak_signature(certificate) {
                let wrong = format!(
                    "{}: the certificate is signed with a broken digest (SHA-1 or older)",
                    name_of(certificate)
                );
                faults.push(self.fault("tls-signature-weak", wrong, "have it reissued with SHA-256"));
            }
        }
        if !is_for_servers(own) {
            let wrong = "the certificate's extended key usage lacks serverAuth, which iOS 13 and later require";
            faults.push(self.fault("tls-without-server-auth", wrong, "have it reissued with serverAuth"));
        }
        let term = days(own.not_before(), own.not_after()).unwrap_or_default();
        if term > LONGEST_DAYS {
            let wrong = format!("the certificate is valid for {term} days; iOS refuses more than {LONGEST_DAYS}");
            faults.push(self.fault("tls-certificate-too-long", wrong, "get one for 825 days or fewer"));
        }
        if is_self_signed(own) {
            let wrong = "the certificate is self-signed: devices with OS 27 refuse it even if it is trusted";
            let mend =
                "issue it from a separate root (`muster init --trial` shows how), and set that root as pki.tls_root";
            faults.push(self.fault("tls-certificate-self-signed", wrong, mend));
        }
        faults
    }

    /// Checks that a device can build a chain from the certificate to a root.
    pub(crate) fn trust(&self) -> Option<Finding> {
        if self.public.is_some_and(|store| verifies(self.chain, store)) {
            return self.root.map(|_| {
                let wrong = "the TLS certificate is publicly trusted: people do not need to install a root";
                let mend = "remove tls_root and set skip_ca_profile = true with `muster settings apply`";
                Finding::note("tls-root-not-needed", "pki.tls_root", wrong, mend)
            });
        }
        let Some(root) = self.root else { return Some(self.untrusted()) };
        let mut store = timeless()?;
        store.add_cert(root.to_owned()).ok()?;
        if !verifies(self.chain, &store.build()) {
            let wrong = "the certificate does not chain to pki.tls_root: devices will refuse the server even after installing that root";
            let mend = "put the intermediates after the certificate in its file, or set the root that issued it";
            return Some(self.fault("tls-chain-not-of-root", wrong, mend));
        }
        let wrong = "the chain is not publicly trusted: people must install the root in the certificate step";
        let mend = "keep that step enabled (`skip_ca_profile = false`), or get a certificate from a public CA";
        Some(Finding::note("tls-chain-private", self.about, wrong, mend))
    }

    // The chain leads neither to a root that this machine trusts nor to a configured one.
    fn untrusted(&self) -> Finding {
        let mend = "put the intermediates after the certificate in its file, or set the private root as pki.tls_root";
        let ends_in_a_root = self.chain.last().is_some_and(|last| is_self_signed(last));
        if self.public.is_none() || ends_in_a_root {
            let wrong = "the chain is not publicly trusted (according to this machine's roots), and there is no tls_root \
                         for people to install: devices will refuse the server";
            return Finding::warning("tls-chain-not-trusted", self.about, wrong, mend);
        }
        let wrong = "the chain is incomplete: it ends at a certificate whose issuer is neither in the file nor among this \
                     machine's roots, and there is no tls_root";
        self.fault("tls-chain-incomplete", wrong, mend)
    }

    fn fault(&self, code: &'static str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding::error(code, self.about, wrong, mend)
    }
}

fn name_of(certificate: &X509Ref) -> String {
    let name = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next();
    let name = name.and_then(|entry| entry.data().to_string().ok());
    name.unwrap_or_else(|| "a certificate without a common name".into())
}

fn weak_key(certificate: &X509Ref) -> Option<String> {
    let Ok(key) = certificate.public_key() else { return Some("the key cannot be read".into()) };
    match key.id() {
        Id::RSA | Id::RSA_PSS if key.bits() < SHORTEST_RSA => Some(format!("the RSA key has {} bits", key.bits())),
        Id::RSA | Id::RSA_PSS => None,
        Id::EC => {
            let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
            (!curve.is_some_and(|curve| CURVES.contains(&curve))).then(|| {
                let named = curve.and_then(|curve| curve.long_name().ok()).unwrap_or("unnamed");
                format!("the key is on the curve {named}")
            })
        }
        _ => Some("the key is neither RSA nor on an elliptic curve that devices support".into()),
    }
}

fn has_weak_signature(certificate: &X509Ref) -> bool {
    let algorithm = certificate.signature_algorithm().object().nid();
    algorithm.signature_algorithms().is_some_and(|algorithms| BROKEN_DIGESTS.contains(&algorithms.digest))
}

fn is_for_servers(certificate: &X509Ref) -> bool {
    use der::Decode as _;
    use der::oid::db::rfc5280::ID_KP_SERVER_AUTH;
    use x509_cert::ext::pkix::ExtendedKeyUsage;
    let parsed = certificate.to_der().ok().and_then(|der| x509_cert::Certificate::from_der(&der).ok());
    let usage = parsed.and_then(|parsed| parsed.tbs_certificate.get::<ExtendedKeyUsage>().ok().flatten());
    usage.is_some_and(|(_, usage)| usage.0.contains(&ID_KP_SERVER_AUTH))
}

fn is_self_signed(certificate: &X509Ref) -> bool {
    certificate.issued(certificate) == X509VerifyResult::OK
        && certificate.public_key().is_ok_and(|key| certificate.verify(&key).unwrap_or(false))
}

// The store ignores validity periods: another check covers them for each certificate, with the server's own clock.
fn timeless() -> Option<X509StoreBuilder> {
    let mut store = X509StoreBuilder::new().ok()?;
    store.set_flags(X509VerifyFlags::NO_CHECK_TIME).ok()?;
    Some(store)
}

fn verifies(chain: &[X509], store: &X509StoreRef) -> bool {
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
    context.init(store, &chain[0], &intermediates, X509StoreContextRef::verify_cert).unwrap_or(false)
}

/// Returns the roots that this machine trusts; `None` if no bundle is found.
pub(crate) fn public_roots() -> Option<X509Store> {
    const BUNDLES: [&str; 4] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let pem = BUNDLES.iter().find_map(|bundle| std::fs::read(bundle).ok())?;
    let mut store = timeless()?;
    for root in X509::stack_from_pem(&pem).ok()? {
        store.add_cert(root).ok()?;
    }
    Some(store.build())
}
