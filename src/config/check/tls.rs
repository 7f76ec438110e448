//! What iPhones and iPads ask of a server's TLS certificate: its name, its chain, and what App Transport Security demands of keys,
//! signatures and validity (support.apple.com/103769; from OS 27 on also of device management, support.apple.com/126655).

use super::certificates::{Reading, days};
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

/// iOS 13 and later refuse TLS certificates that are valid for longer (support.apple.com/103769).
const LONGEST_DAYS: i32 = 825;
const SHORTEST_RSA: u32 = 2048;
const CURVES: [Nid; 3] = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];
const BROKEN_DIGESTS: [Nid; 4] = [Nid::SHA1, Nid::MD5, Nid::MD4, Nid::SHA224];

/// Findings with these codes are errors, but `serve` starts with an alarm: an installation that worked with older devices must
/// not stop for all of them.
pub const ALARMING: [&str; 6] = [
    "certificate-expired",
    "tls-key-weak",
    "tls-signature-weak",
    "tls-without-server-auth",
    "tls-certificate-self-signed",
    "tls-chain-incomplete",
];

/// A certificate with its intermediates as a server presents them, and what devices are to hold it against.
pub struct Presented<'a> {
    /// The setting that the findings are about.
    pub about: &'a str,
    /// Not empty; the server's own certificate first.
    pub chain: &'a [X509],
    /// The private root that people install, if there is one.
    pub root: Option<&'a X509Ref>,
    /// The roots this machine trusts; `None` if it has none.
    pub public: Option<&'a X509StoreRef>,
}

/// The certificate of the configuration.
pub fn check(config: &Config, reading: &Reading, public: &Option<X509Store>) -> Vec<Finding> {
    let about = "pki.tls_certificate";
    let chain = reading.chain(about);
    if chain.is_empty() {
        return Vec::new();
    }
    let presented = Presented { about, chain, root: reading.first("pki.tls_root"), public: public.as_deref() };
    let mut of_portal = Vec::from_iter(check_name(about, "server.public_url", &config.server.public_url, &chain[0]));
    let mut of_all = presented.faults();
    of_all.extend(presented.trust());
    // Behind a proxy people and devices see the proxy's certificate, which is not known here: `--live` looks at that one.
    // A listener of their own shows devices this one.
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

/// Whether the listeners can use certificate and key: OpenSSL's security level refuses some that can be read. `serve` loads them behind a
/// proxy too.
pub fn refused(pki: &PkiFiles) -> Option<Finding> {
    let why = acceptor::build(pki).err()?;
    let wrong = format!("the server's TLS library refuses certificate or key: {why}");
    let mend = "have it issued for a key of RSA 2048 bits or more, or of the curve P-256, P-384 or P-521, and signed with SHA-256 \
                throughout the chain";
    Some(Finding::error("tls-certificate-unusable", "pki.tls_certificate", wrong, mend))
}

fn soften(findings: &mut [Finding]) {
    findings.iter_mut().for_each(|finding| finding.severity = finding.severity.max(Severity::Warning));
}

/// Whether the certificate is for the name in `address`, which `setting` gives.
pub fn check_name(about: &str, setting: &str, address: &str, certificate: &X509Ref) -> Option<Finding> {
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
        let wrong = format!("it is not for {host}, the name in {setting} (subject alternative names count)");
        let mend = format!("get a certificate for that name too, or correct {setting}");
        Finding::error("tls-certificate-for-another-name", about, wrong, &mend)
    })
}

// RFC 6125: a star stands for exactly one whole label, the first.
fn is_for(name: &str, host: &str) -> bool {
    name == host
        || name.strip_prefix("*.").is_some_and(|rest| host.split_once('.').is_some_and(|(_, parent)| parent == rest))
}

impl Presented<'_> {
    /// What App Transport Security refuses in it, whoever issued it.
    pub fn faults(&self) -> Vec<Finding> {
        let mut faults = Vec::new();
        let own = &self.chain[0];
        for certificate in self.chain.iter().map(|one| &**one).chain(self.root) {
            faults.extend(weak_key(certificate).map(|why| {
                let mend = "have it issued for a key of RSA 2048 bits or more, or of the curve P-256, P-384 or P-521";
                self.fault("tls-key-weak", format!("{}: {why}", name_of(certificate)), mend)
            }));
            // Nobody checks how a root signed itself.
            if !is_self_signed(certificate) && has_weak_signature(certificate) {
                let wrong = format!("{}: it is signed with a broken digest (SHA-1 or older)", name_of(certificate));
                faults.push(self.fault("tls-signature-weak", wrong, "have it issued again with SHA-256"));
            }
        }
        if !is_for_servers(own) {
            let wrong = "its extended key usage does not name serverAuth, which iOS 13 and later ask for";
            faults.push(self.fault("tls-without-server-auth", wrong, "have it issued again with serverAuth"));
        }
        let term = days(own.not_before(), own.not_after()).unwrap_or_default();
        if term > LONGEST_DAYS {
            let wrong = format!("it is valid for {term} days; iOS refuses more than {LONGEST_DAYS}");
            faults.push(self.fault("tls-certificate-too-long", wrong, "get one for 825 days or fewer"));
        }
        if is_self_signed(own) {
            let wrong = "it is signed by itself, as its own root: devices with OS 27 refuse it even if it is trusted";
            let mend = "issue it by a root of its own (`muster init --trial` shows how), and give that as pki.tls_root";
            faults.push(self.fault("tls-certificate-self-signed", wrong, mend));
        }
        faults
    }

    /// Whether a device can follow it to a root.
    pub fn trust(&self) -> Option<Finding> {
        if self.public.is_some_and(|store| verifies(self.chain, store)) {
            return self.root.map(|_| {
                let wrong = "the TLS certificate is publicly trusted: nobody needs to install a root";
                let mend = "leave tls_root out and set skip_ca_profile = true with `muster settings apply`";
                Finding::note("tls-root-not-needed", "pki.tls_root", wrong, mend)
            });
        }
        let Some(root) = self.root else { return Some(self.untrusted()) };
        let mut store = timeless()?;
        store.add_cert(root.to_owned()).ok()?;
        if !verifies(self.chain, &store.build()) {
            let wrong = "it does not chain to pki.tls_root: devices will refuse the server after installing that root";
            let mend = "put the intermediates behind the certificate in its file, or give the root that issued it";
            return Some(self.fault("tls-chain-not-of-root", wrong, mend));
        }
        let wrong = "its chain is not publicly trusted: people have to install the root in the certificate step";
        let mend = "leave that step switched on (`skip_ca_profile = false`), or get a certificate from a public CA";
        Some(Finding::note("tls-chain-private", self.about, wrong, mend))
    }

    // Neither this machine's roots nor one of our own know it.
    fn untrusted(&self) -> Finding {
        let mend = "put the intermediates behind the certificate in its file, or give the private root as pki.tls_root";
        let ends_in_a_root = self.chain.last().is_some_and(|last| is_self_signed(last));
        if self.public.is_none() || ends_in_a_root {
            let wrong = "its chain is not publicly trusted (as far as this machine's roots tell), and there is no tls_root \
                         for people to install: devices will refuse the server";
            return Finding::warning("tls-chain-not-trusted", self.about, wrong, mend);
        }
        let wrong = "its chain is incomplete: it ends at a certificate whose issuer is neither in the file nor among this \
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
    let Ok(key) = certificate.public_key() else { return Some("its key cannot be read".into()) };
    match key.id() {
        Id::RSA | Id::RSA_PSS if key.bits() < SHORTEST_RSA => Some(format!("its RSA key has {} bits", key.bits())),
        Id::RSA | Id::RSA_PSS => None,
        Id::EC => {
            let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
            (!curve.is_some_and(|curve| CURVES.contains(&curve))).then(|| {
                let named = curve.and_then(|curve| curve.long_name().ok()).unwrap_or("unnamed");
                format!("its key is on the curve {named}")
            })
        }
        _ => Some("its key is neither RSA nor on an elliptic curve that devices know".into()),
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

// Whether in time is asked of each certificate by itself, with the server's own clock.
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

/// The roots this machine trusts; `None` where there are none to be found.
pub fn public_roots() -> Option<X509Store> {
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
