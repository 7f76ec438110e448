//! `check-config --live`: connects to the addresses that devices use, through a proxy if there is one, and checks the
//! certificate and the TLS parameters against the requirements of devices (support.apple.com/126655, from OS 27 on).

use crate::config::Config;
use crate::config::acceptor::GROUPS;
use crate::config::check::certificates;
use crate::config::check::tls::{Presented, check_name, public_roots};
use findings::{Finding, Severity};
use openssl::error::ErrorStack;
use openssl::ssl::{
    ConnectConfiguration, HandshakeError, SslConnector, SslMethod, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use plural::counted;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;
use url::Url;
use world::World;
use world::regular_file;

/// Timeout for the connection, and for each answer of the handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// TLS 1.2 cipher suites of App Transport Security: forward secrecy with ECDHE, and AES. All TLS 1.3 suites qualify.
const SUITES: &str = "ECDHE+AESGCM:ECDHE+AES";
/// Cipher suites without forward secrecy, with DHE, or with CBC (the digest names select the non-AEAD ones).
const WEAK_SUITES: &str = "kDHE:kRSA:SHA1:SHA256:SHA384:!PSK:!SRP:@SECLEVEL=0";
/// Every cipher suite, to find out what a server offers instead.
const ANY_SUITE: &str = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";
/// Every group: a server whose key is on another curve completes a handshake only with a client that supports that
/// curve (RFC 8422 section 5.1).
const ANY_GROUP: &str = "?X25519:?P-256:?P-384:?P-521:?X448:?P-192:?P-224:?ffdhe2048:?ffdhe3072";
/// OpenSSL's error codes of received alerts: the alert number plus `SSL_AD_REASON_OFFSET`.
const ALERTS: std::ops::Range<i32> = 1_000..1_256;

/// What a handshake offers.
struct Offer {
    suites: &'static str,
    groups: &'static str,
    oldest: SslVersion,
    newest: SslVersion,
}

/// The offer of devices.
const OF_DEVICES: Offer =
    Offer { suites: SUITES, groups: GROUPS, oldest: SslVersion::TLS1_2, newest: SslVersion::TLS1_3 };
/// Excludes TLS 1.3, in which a key on an unsupported curve can never sign.
const ANYTHING: Offer =
    Offer { suites: ANY_SUITE, groups: ANY_GROUP, oldest: SslVersion::TLS1, newest: SslVersion::TLS1_2 };
const OLD_VERSIONS: Offer = Offer { newest: SslVersion::TLS1_1, ..ANYTHING };
const WEAK: Offer = Offer { suites: WEAK_SUITES, oldest: SslVersion::TLS1_2, ..ANYTHING };

/// Reason why the handshake failed.
struct Failed {
    why: String,
    /// The server answered with a TLS alert: it supports TLS but accepts nothing that was offered.
    alert: bool,
}

impl Failed {
    fn new(why: impl ToString) -> Failed {
        Failed { why: why.to_string(), alert: false }
    }
}

/// Result of a handshake with an address.
struct Seen {
    chain: Vec<X509>,
    version: String,
    suite: String,
    /// Extended Master Secret (RFC 7627); TLS 1.3 always includes it.
    master_secret: bool,
}

/// Returns a line for each address that works, and findings for each one that does not.
pub(crate) async fn steps(config: &Config) -> Vec<Result<String, Finding>> {
    let mut told = Vec::new();
    let addresses =
        [("server.public_url", Some(&config.server.public_url)), ("devices.url", config.devices.url.as_ref())];
    for (setting, address) in addresses {
        // Port 0 (in trials): only the running server knows the actual port.
        let any_port = |address: &&String| Url::parse(address).is_ok_and(|url| url.port() == Some(0));
        let Some(address) = address.filter(|address| !any_port(address)) else { continue };
        let (asked, root) = (address.clone(), config.pki.tls_root.clone());
        let checked = tokio::task::spawn_blocking(move || check(setting, &asked, root.as_deref())).await;
        match checked {
            Ok(lines) => told.extend(lines),
            Err(error) => told.push(Err(unreachable(setting, address, &error.to_string()))),
        }
    }
    told
}

fn check(setting: &str, address: &str, root: Option<&std::path::Path>) -> Vec<Result<String, Finding>> {
    let Ok(url) = Url::parse(address) else { return Vec::new() };
    let seen = match connect(&url, &OF_DEVICES) {
        Ok(seen) => seen,
        Err(failed) => return refused(setting, address, root, &url, &failed).into_iter().map(Err).collect(),
    };
    let weak = weak(setting, address, &url);
    let findings = judge(setting, address, root, &seen);
    if findings.iter().any(|found| found.severity < Severity::Note) {
        return findings.into_iter().chain(weak).map(Err).collect();
    }
    let chain = counted(seen.chain.len(), "certificate");
    let line = format!("{address}: {} with {}, {chain} in the chain", seen.version, seen.suite);
    std::iter::once(Ok(line)).chain(weak.map(Err)).collect()
}

/// The devices' handshake failed. Finds out what the server offers instead.
fn refused(setting: &str, address: &str, root: Option<&std::path::Path>, url: &Url, failed: &Failed) -> Vec<Finding> {
    let other = connect(url, &ANYTHING);
    let instead = match &other {
        Ok(seen) => format!("it offers {} with {}", seen.version, seen.suite),
        Err(_) if failed.alert => format!("it ends the handshake: {}", failed.why),
        Err(_) => return vec![unreachable(setting, address, &failed.why)],
    };
    let wrong = format!(
        "{address} offers no TLS that devices accept (TLS 1.2 or later with ECDHE and AES, and a key of RSA or of the curve P-256, P-384 \
         or P-521): {instead}"
    );
    let mend = "configure the proxy there to offer TLS 1.3, or TLS 1.2 with ECDHE-…-AES…-GCM suites, and use a certificate with such a key";
    let mut findings = vec![Finding::error("tls-suites", setting, wrong, mend)];
    findings.extend(other.iter().flat_map(|seen| judge(setting, address, root, seen)));
    findings
}

/// Finds weak options that the server also offers.
fn weak(setting: &str, address: &str, url: &Url) -> Option<Finding> {
    let also = [connect(url, &OLD_VERSIONS), connect(url, &WEAK)];
    let also: Vec<String> =
        also.into_iter().flatten().map(|seen| format!("{} with {}", seen.version, seen.suite)).collect();
    (!also.is_empty()).then(|| {
        let wrong = format!("{address} also accepts {}, which devices with OS 27 do not use", also.join(" and "));
        let mend =
            "configure the proxy there to offer only TLS 1.2 and later with ECDHE-…-GCM suites, unless other clients need more";
        Finding::warning("tls-weak-offered", setting, wrong, mend)
    })
}

fn judge(setting: &str, address: &str, root: Option<&std::path::Path>, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !seen.master_secret {
        let wrong = format!("{address} does not use Extended Master Secret in TLS 1.2 (RFC 7627)");
        findings.push(Finding::error("tls-suites", setting, wrong, "update the proxy's TLS library, or offer TLS 1.3"));
    }
    let Some(own) = seen.chain.first() else {
        findings.push(unreachable(setting, address, "it presents no certificate"));
        return findings;
    };
    let root = root.and_then(|path| X509::from_pem(&regular_file::read(path).ok()?).ok());
    let public = public_roots();
    let presented = Presented { about: setting, chain: &seen.chain, root: root.as_deref(), public: public.as_deref() };
    findings.extend(check_name(setting, setting, address, own));
    let now = World::system().now();
    findings.extend(seen.chain.iter().filter_map(|one| certificates::check_term(setting, one, now)));
    findings.extend(presented.faults());
    findings.extend(presented.trust());
    findings
}

fn unreachable(setting: &str, address: &str, why: &str) -> Finding {
    let wrong = format!("{address} cannot be reached with TLS from here: {why}");
    let mend = "start the server (and the proxy); check name, port and firewall. If the address is only reachable from outside, run \
                this check there";
    Finding::warning("public-url-unreachable", setting, wrong, mend)
}

fn connect(url: &Url, offer: &Offer) -> Result<Seen, Failed> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses = (host, port).to_socket_addrs().map_err(Failed::new)?;
    let mut failed = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return handshake(stream, host, offer),
            Err(error) => failed = format!("{address}: {error}"),
        }
    }
    Err(Failed::new(failed))
}

fn handshake(stream: TcpStream, host: &str, offer: &Offer) -> Result<Seen, Failed> {
    stream.set_read_timeout(Some(PATIENCE)).map_err(Failed::new)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(Failed::new)?;
    let configured = client(offer).map_err(Failed::new)?.verify_hostname(false);
    let stream = configured.connect(host, stream).map_err(|error| match error {
        HandshakeError::Failure(failed) | HandshakeError::WouldBlock(failed) => {
            let errors = failed.error().ssl_error().map_or(&[][..], |stack| stack.errors());
            let alert = errors.iter().any(|error| ALERTS.contains(&error.reason_code()));
            Failed { why: failed.error().to_string(), alert }
        }
        HandshakeError::SetupFailure(error) => Failed::new(error),
    })?;
    Ok(seen(&stream))
}

fn client(offer: &Offer) -> Result<ConnectConfiguration, ErrorStack> {
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    // The handshake accepts any chain. Separate checks then report its faults one by one.
    connector.set_verify(SslVerifyMode::NONE);
    connector.set_security_level(0);
    connector.set_min_proto_version(Some(offer.oldest))?;
    connector.set_max_proto_version(Some(offer.newest))?;
    connector.set_cipher_list(offer.suites)?;
    connector.set_groups_list(offer.groups)?;
    connector.build().configure()
}

fn seen(stream: &SslStream<TcpStream>) -> Seen {
    let ssl = stream.ssl();
    let chain = ssl.peer_cert_chain().map(|chain| chain.iter().map(ToOwned::to_owned).collect());
    Seen {
        chain: chain.unwrap_or_default(),
        version: ssl.version_str().to_owned(),
        suite: ssl.current_cipher().map(|cipher| cipher.name().to_owned()).unwrap_or_default(),
        master_secret: ssl.version2() == Some(SslVersion::TLS1_3) || ssl.extms_support() == Some(true),
    }
}
