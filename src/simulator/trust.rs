//! Which TLS servers a device trusts: the public roots, and those that its user switched on in Certificate Trust Settings.

use openssl::asn1::Asn1Time;
use openssl::x509::X509;
use reqwest::tls::{Certificate, TlsInfo};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The trust of one device; its Safari shares it.
#[derive(Clone, Default)]
pub struct Trust {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// Installed by a profile, not trusted for TLS by that alone (iOS 10.3 and later).
    installed: Vec<X509>,
    trusted: Vec<X509>,
    client: Option<reqwest::Client>,
}

impl Trust {
    /// A certificate came with a profile.
    pub fn install(&self, certificate: X509) {
        self.change(|inner| inner.installed.push(certificate));
    }

    /// Settings › General › About › Certificate Trust Settings: switches on every root that was installed.
    pub fn switch_on(&self) -> usize {
        self.change(|inner| {
            inner.trusted.append(&mut inner.installed);
            inner.client = None;
            inner.trusted.len()
        })
    }

    /// How many roots are switched on.
    pub fn trusted(&self) -> usize {
        self.change(|inner| inner.trusted.len())
    }

    /// A client that believes only servers this device trusts.
    ///
    /// # Errors
    /// If the TLS library cannot be set up.
    pub fn client(&self) -> Result<reqwest::Client, reqwest::Error> {
        self.change(|inner| {
            if let Some(client) = &inner.client {
                return Ok(client.clone());
            }
            let client = builder(&inner.trusted)?.build()?;
            inner.client = Some(client.clone());
            Ok(client)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn builder(trusted: &[X509]) -> Result<reqwest::ClientBuilder, reqwest::Error> {
    let mut builder = plain();
    for root in trusted {
        builder = builder.add_root_certificate(Certificate::from_der(&root.to_der().unwrap_or_default())?);
    }
    Ok(builder)
}

/// A client that asks nobody: for those who proceed in spite of the warning.
///
/// # Errors
/// If the TLS library cannot be set up.
pub fn reckless() -> Result<reqwest::Client, reqwest::Error> {
    plain().danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true).build()
}

fn plain() -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).tls_info(true);
    builder.timeout(Duration::from_secs(60)).connect_timeout(Duration::from_secs(20))
}

/// Whether an error is that the server's certificate is not trusted.
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

/// The certificate that a server showed.
pub fn shown(response: &reqwest::Response) -> Option<X509> {
    X509::from_der(response.extensions().get::<TlsInfo>()?.peer_certificate()?).ok()
}

/// What iOS 13 and later demand of a server's certificate beyond a trusted chain (support.apple.com 103769).
///
/// # Errors
/// What is wrong with it.
pub fn check_server_certificate(certificate: &X509) -> Result<(), String> {
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
