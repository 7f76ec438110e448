//! `check-config --live`: connects to the addresses that devices are given, through whatever proxy stands there, and holds what is
//! presented against what devices ask for (support.apple.com/126655, from OS 27 on).

use crate::config::Config;
use crate::config::check::tls::{Presented, check_name, public_roots};
use crate::config::check::{Finding, Severity, certificates};
use crate::world::World;
use openssl::ssl::{HandshakeError, SslConnector, SslMethod, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;
use url::Url;

/// For the connection, and for each answer of the handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// Suites of App Transport Security in TLS 1.2: forward secrecy by ECDHE, AES. Those of TLS 1.3 all do.
const SUITES: &str = "ECDHE+AESGCM:ECDHE+AES";
/// Whatever there is, to tell what a server offers instead.
const ANY_SUITE: &str = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";

/// What was seen at an address.
struct Seen {
    chain: Vec<X509>,
    version: String,
    suite: String,
    /// Extended Master Secret (RFC 7627); TLS 1.3 has it in itself.
    master_secret: bool,
}

/// A line for an address that does; findings for one that does not.
pub async fn steps(config: &Config) -> Vec<Result<String, Finding>> {
    let mut told = Vec::new();
    let addresses =
        [("server.public_url", Some(&config.server.public_url)), ("devices.url", config.devices.url.as_ref())];
    for (setting, address) in addresses {
        // Any free port, in trials: only the running server knows which.
        let any_port = |address: &&String| Url::parse(address).is_ok_and(|url| url.port() == Some(0));
        let Some(address) = address.filter(|address| !any_port(address)) else { continue };
        let (asked, root) = (address.clone(), config.pki.tls_root.clone());
        let checked = tokio::task::spawn_blocking(move || check(setting, &asked, root.as_deref())).await;
        match checked {
            Ok(Ok(line)) => told.push(Ok(line)),
            Ok(Err(findings)) => told.extend(findings.into_iter().map(Err)),
            Err(error) => told.push(Err(unreachable(setting, address, &error.to_string()))),
        }
    }
    told
}

fn check(setting: &str, address: &str, root: Option<&std::path::Path>) -> Result<String, Vec<Finding>> {
    let url = Url::parse(address).map_err(|_| Vec::new())?;
    let seen = match connect(&url, SUITES, SslVersion::TLS1_2) {
        Ok(seen) => seen,
        Err(why) => {
            // What does it offer instead?
            let Ok(other) = connect(&url, ANY_SUITE, SslVersion::TLS1) else {
                return Err(vec![unreachable(setting, address, &why)]);
            };
            let wrong = format!(
                "{address} offers {} with {}; devices ask for TLS 1.2 or later with ECDHE and AES",
                other.version, other.suite
            );
            let mend = "let the proxy there offer TLS 1.3, or TLS 1.2 with ECDHE-…-AES…-GCM suites";
            return Err(vec![Finding::error("tls-suites", setting, wrong, mend)]);
        }
    };
    let findings = judge(setting, address, root, &seen);
    if findings.iter().any(|found| found.severity < Severity::Note) {
        return Err(findings);
    }
    let count = seen.chain.len();
    Ok(format!("{address}: {} with {}, {count} certificates in the chain", seen.version, seen.suite))
}

fn judge(setting: &str, address: &str, root: Option<&std::path::Path>, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !seen.master_secret {
        let wrong = format!("{address} does without Extended Master Secret in TLS 1.2 (RFC 7627)");
        findings.push(Finding::error("tls-suites", setting, wrong, "renew the proxy's TLS library, or offer TLS 1.3"));
    }
    let Some(own) = seen.chain.first() else {
        findings.push(unreachable(setting, address, "it presents no certificate"));
        return findings;
    };
    let root = root.and_then(|path| X509::from_pem(&std::fs::read(path).ok()?).ok());
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

fn connect(url: &Url, suites: &str, oldest: SslVersion) -> Result<Seen, String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses = (host, port).to_socket_addrs().map_err(|error| error.to_string())?;
    let mut failed = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return handshake(stream, host, suites, oldest),
            Err(error) => failed = format!("{address}: {error}"),
        }
    }
    Err(failed)
}

fn handshake(stream: TcpStream, host: &str, suites: &str, oldest: SslVersion) -> Result<Seen, String> {
    let said = |error: openssl::error::ErrorStack| error.to_string();
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    let mut connector = SslConnector::builder(SslMethod::tls_client()).map_err(said)?;
    // The chain is judged by what is said of it, one fault at a time.
    connector.set_verify(SslVerifyMode::NONE);
    connector.set_security_level(0);
    connector.set_min_proto_version(Some(oldest)).map_err(said)?;
    connector.set_cipher_list(suites).map_err(said)?;
    let configured = connector.build().configure().map_err(said)?.verify_hostname(false);
    let stream = configured.connect(host, stream).map_err(|error| match error {
        HandshakeError::Failure(failed) | HandshakeError::WouldBlock(failed) => failed.error().to_string(),
        HandshakeError::SetupFailure(error) => error.to_string(),
    })?;
    Ok(seen(&stream))
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
