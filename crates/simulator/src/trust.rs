//! TLS servers that a device trusts: those under public roots, and under roots that its user enabled in Certificate
//! Trust Settings.

use crate::signature::Identity;
use native_tls::{Certificate, TlsConnector};
use openssl::asn1::Asn1Time;
use openssl::x509::X509;
use reqwest::tls::TlsInfo;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// Idle time after which a connection is not used again, because the server may be closing it (it does so after five
/// seconds).
const IDLE: Duration = Duration::from_secs(2);

/// The trust settings of one device. Its Safari shares them.
#[derive(Clone, Default)]
pub struct Trust {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// Installed by a profile, which alone does not make them trusted for TLS (iOS 10.3 and later).
    installed: Vec<X509>,
    trusted: Vec<X509>,
    client: Option<reqwest::Client>,
}

impl Trust {
    /// Adds a certificate from a profile.
    pub fn install(&self, certificate: X509) {
        self.change(|inner| inner.installed.push(certificate));
    }

    /// Settings › General › About › Certificate Trust Settings: enables every installed root. Returns the number of
    /// enabled roots.
    pub fn switch_on(&self) -> usize {
        self.change(|inner| {
            inner.trusted.append(&mut inner.installed);
            inner.client = None;
            inner.trusted.len()
        })
    }

    /// Number of enabled roots.
    pub fn trusted(&self) -> usize {
        self.change(|inner| inner.trusted.len())
    }

    /// Returns an HTTP client that accepts only servers that this device trusts.
    ///
    /// # Errors
    /// Returns an error if the TLS library cannot be set up.
    pub fn client(&self) -> Result<reqwest::Client, TrustError> {
        self.change(|inner| {
            if let Some(client) = &inner.client {
                return Ok(client.clone());
            }
            let client = client(&inner.trusted, false)?;
            inner.client = Some(client.clone());
            Ok(client)
        })
    }

    /// Like [`Trust::client`], with connections that present an identity. The client is stored in the identity.
    ///
    /// # Errors
    /// Returns an error if the TLS library cannot be set up.
    pub(crate) fn client_of(&self, identity: &Identity) -> Result<reqwest::Client, TrustError> {
        if let Some(client) = identity.client.get() {
            return Ok(client.clone());
        }
        let (certificate, key) = (identity.certificate.to_pem()?, identity.key.private_key_to_pem_pkcs8()?);
        let trusted = self.change(|inner| inner.trusted.clone());
        let mut builder = TlsConnector::builder();
        builder.identity(native_tls::Identity::from_pkcs8(&certificate, &key)?);
        for root in &trusted {
            builder.add_root_certificate(Certificate::from_der(&root.to_der()?)?);
        }
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).pool_idle_timeout(IDLE);
        let client = client.use_preconfigured_tls(builder.build()?).timeout(Duration::from_secs(60)).build()?;
        Ok(identity.client.get_or_init(|| client).clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns a client that accepts any server, for people who proceed despite the warning.
///
/// # Errors
/// Returns an error if the TLS library cannot be set up.
pub fn reckless() -> Result<reqwest::Client, TrustError> {
    client(&[], true)
}

fn client(trusted: &[X509], reckless: bool) -> Result<reqwest::Client, TrustError> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).tls_info(true);
    let builder = builder.pool_idle_timeout(IDLE);
    let builder = builder.use_preconfigured_tls(connector(trusted, reckless)?);
    Ok(builder.timeout(Duration::from_secs(60)).connect_timeout(Duration::from_secs(20)).build()?)
}

/// Setting up TLS reads every public root, which takes milliseconds. Devices with the same trust share the setup, but
/// no connections.
static CONNECTORS: LazyLock<Mutex<HashMap<Key, TlsConnector>>> = LazyLock::new(Mutex::default);

/// The trusted roots in DER, and whether any server is accepted.
type Key = (Vec<Vec<u8>>, bool);

fn connector(trusted: &[X509], reckless: bool) -> Result<TlsConnector, TrustError> {
    let roots = trusted.iter().map(|root| root.to_der()).collect::<Result<Vec<_>, _>>()?;
    let key = (roots, reckless);
    let mut connectors = CONNECTORS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = connectors.get(&key) {
        return Ok(known.clone());
    }
    let mut builder = TlsConnector::builder();
    builder.danger_accept_invalid_certs(reckless).danger_accept_invalid_hostnames(reckless);
    builder.request_alpns(&["h2", "http/1.1"]);
    for root in &key.0 {
        builder.add_root_certificate(Certificate::from_der(root)?);
    }
    let connector = builder.build()?;
    connectors.insert(key, connector.clone());
    Ok(connector)
}

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error(transparent)]
    OpenSsl(#[from] openssl::error::ErrorStack),
    #[error(transparent)]
    Tls(#[from] native_tls::Error),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// Returns whether the error means that the server's certificate is not trusted.
pub fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("certificate verify failed") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Returns the certificate that a server presented.
pub fn shown(response: &reqwest::Response) -> Option<X509> {
    X509::from_der(response.extensions().get::<TlsInfo>()?.peer_certificate()?).ok()
}

/// Checks what iOS 13 and later require of a server's certificate beyond a trusted chain (support.apple.com 103769).
///
/// # Errors
/// Returns what is wrong with the certificate.
pub(crate) fn check_server_certificate(certificate: &X509) -> Result<(), String> {
    if certificate.subject_alt_names().is_none() {
        return Err("the certificate has no subjectAltName".into());
    }
    if certificate.public_key().is_ok_and(|key| key.rsa().is_ok() && key.bits() < 2048) {
        return Err("the certificate's RSA key is shorter than 2048 bits".into());
    }
    let since_2019 = Asn1Time::from_unix(1_561_939_200).is_ok_and(|july| certificate.not_before() >= &*july);
    let days = certificate.not_before().diff(certificate.not_after()).map(|time| time.days).unwrap_or_default();
    if since_2019 && days > 825 {
        return Err(format!("the certificate is valid for {days} days; 825 are allowed"));
    }
    let text = String::from_utf8_lossy(&certificate.to_text().unwrap_or_default()).into_owned();
    if since_2019 && !text.contains("TLS Web Server Authentication") {
        return Err("the certificate has no extended key usage serverAuth".into());
    }
    Ok(())
}
