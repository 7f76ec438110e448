//! Reads the certificate that a request claims to come from: the TLS client certificate, the one that a proxy passes
//! on, or the signer of the body. [`devices::identify`] then checks for all three whose certificate it is and
//! whether it is valid.

use super::signature::{self, BadSignature};
use crate::mdm::Mdm;
use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::error::BlockingError;
use actix_web::web::block;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::ssl::SslRef;
use openssl::x509::{X509, X509Ref, X509StoreContextRef};
use pki::shape;

/// Limit for the base64 text of a certificate in the header, in bytes: longer than that of any certificate that this
/// server issues.
const LONGEST_CERTIFICATE: usize = 16 * 1024;

/// Maximum size in bytes of a body whose signature is verified on the thread that serves connections. A poll has 700
/// bytes, a check-in 2,000.
const SMALL_BODY: usize = 8 * 1024;

/// The TLS client certificate. The handshake has proved that the client holds the key.
struct Presented(X509);

/// Stores the TLS client certificate with its connection. Resumed TLS sessions have the certificate too.
pub(crate) fn note_certificate(tls: &SslRef, extensions: &mut Extensions) {
    if let Some(certificate) = tls.peer_certificate() {
        extensions.insert(Presented(certificate));
    }
}

/// Returns whether a client's certificate chain is small enough to verify: few certificates, and keys that are cheap to
/// verify with. Called before the client's signature is verified.
pub(crate) fn is_fair(presented: &X509StoreContextRef) -> bool {
    let Some(chain) = presented.chain() else { return true };
    let is_fair = |certificate: &X509Ref| certificate.to_der().is_ok_and(|der| shape::is_fair_certificate(&der));
    chain.len() <= shape::MOST_CERTIFICATES && chain.iter().all(is_fair)
}

/// Claimed sender of a message.
pub(crate) enum Claimed {
    /// Already proven, by TLS at this server or at a trusted proxy.
    Presented(X509),
    /// Signed; [`Claimed::verify`] proves it.
    Signed(signature::Claimed),
}

/// Reason why a request has no usable sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoClaim {
    #[error(transparent)]
    Signature(#[from] BadSignature),
    #[error("the message is signed with a different certificate than the TLS client certificate")]
    TwoCertificates,
    #[error("the Client-Cert header of the proxy cannot be parsed")]
    ProxyHeader,
    #[error("the proxy passed on two Client-Cert headers: configure it to remove the header that clients send")]
    TwoProxyHeaders,
}

impl Claimed {
    /// Reads the claimed sender of a request.
    ///
    /// # Errors
    /// Returns an error if the request has no certificate or signature, an unreadable one, or two that differ.
    pub(crate) fn of(request: &HttpRequest, app: &Mdm) -> Result<Claimed, NoClaim> {
        let presented = match request.conn_data::<Presented>() {
            Some(Presented(certificate)) => Some(certificate.clone()),
            None => passed_on(request, app)?,
        };
        let header = request.headers().get("mdm-signature");
        match (presented, header) {
            (Some(certificate), None) => Ok(Claimed::Presented(certificate)),
            (presented, header) => {
                let header = header.map(|value| value.as_bytes()).unwrap_or_default();
                let signed = signature::Claimed::from_header(header)?;
                if presented.is_some_and(|presented| *presented != *signed.certificate()) {
                    return Err(NoClaim::TwoCertificates);
                }
                Ok(Claimed::Signed(signed))
            }
        }
    }

    pub(crate) fn certificate(&self) -> &X509Ref {
        match self {
            Claimed::Presented(certificate) => certificate,
            Claimed::Signed(signed) => signed.certificate(),
        }
    }

    /// Returns whether TLS proved it already, at this server or at a trusted proxy.
    pub(crate) fn is_proven(&self) -> bool {
        matches!(self, Claimed::Presented(_))
    }

    /// Runs `work`, which verifies a body of `bytes` bytes: at once if the body is small, on a blocking thread
    /// otherwise. The signature of a small body takes about 60 microseconds to verify, less than the switch to another
    /// thread.
    ///
    /// # Errors
    /// Returns an error if the blocking thread panicked.
    pub(crate) async fn verifying<T: Send + 'static>(
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BlockingError> {
        if bytes <= SMALL_BODY { Ok(work()) } else { block(work).await }
    }

    /// Proves that the holder of the certificate's key sent exactly this body.
    ///
    /// # Errors
    /// Returns an error if the signature is invalid for this body.
    pub(crate) fn verify(&self, body: &[u8]) -> Result<(), BadSignature> {
        match self {
            Claimed::Presented(_) => Ok(()),
            Claimed::Signed(signed) => signed.verify(body),
        }
    }
}

// Certificates are public, so anyone can write one into the header. The header is read only if
// `devices.client_cert_header` is on and the connection comes from a trusted proxy.
fn passed_on(request: &HttpRequest, app: &Mdm) -> Result<Option<X509>, NoClaim> {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let trusted = peer.is_some_and(|peer| app.web.trusted_proxies.contains(&peer));
    if !app.client_cert_header || !trusted {
        return Ok(None);
    }
    let mut headers = request.headers().get_all("client-cert");
    match (headers.next(), headers.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => client_cert(value.as_bytes()).map(Some).ok_or(NoClaim::ProxyHeader),
        (Some(_), Some(_)) => Err(NoClaim::TwoProxyHeaders),
    }
}

// RFC 9440 section 2.2: a byte sequence of RFC 8941, that is, the DER as base64 between colons.
fn client_cert(value: &[u8]) -> Option<X509> {
    let inner = value.trim_ascii().strip_prefix(b":")?.strip_suffix(b":")?;
    if inner.len() > LONGEST_CERTIFICATE {
        return None;
    }
    X509::from_der(&STANDARD.decode(inner).ok()?).ok()
}
