//! Who a request says it is from: the certificate presented in TLS, the one a proxy passes on, or the one that signed the
//! body. Whose certificate that is, and whether it is in force, is one question behind all three
//! ([`devices::identify`]).

use super::signature::{self, BadSignature};
use crate::app::App;
use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::ssl::SslRef;
use openssl::x509::{X509, X509Ref, X509StoreContextRef};
use pki::shape;

/// Longer than any certificate that we issue.
const LONGEST_CERTIFICATE: usize = 16 * 1024;

/// The certificate that a client presented when it connected; TLS has proved that it holds the key.
struct Presented(X509);

/// Keeps the client's certificate beside its connection. It comes with resumed sessions, too.
pub fn note_certificate(tls: &SslRef, extensions: &mut Extensions) {
    if let Some(certificate) = tls.peer_certificate() {
        extensions.insert(Presented(certificate));
    }
}

/// Whether certificates may be presented in TLS: those of a device are few, and their keys cost no more to verify with than
/// they must. Asked before the client's signature is verified.
pub fn is_fair(presented: &X509StoreContextRef) -> bool {
    let Some(chain) = presented.chain() else { return true };
    let is_fair = |certificate: &X509Ref| certificate.to_der().is_ok_and(|der| shape::is_fair_certificate(&der));
    chain.len() <= shape::MOST_CERTIFICATES && chain.iter().all(is_fair)
}

/// Who a message is from, as far as it says.
pub enum Claimed {
    /// Proven already: by TLS here, or at a proxy that we trust.
    Presented(X509),
    /// Proven by [`Claimed::verify`].
    Signed(signature::Claimed),
}

/// Why a request does not say who it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoClaim {
    #[error(transparent)]
    Signature(#[from] BadSignature),
    #[error("the message is signed by another certificate than its connection's")]
    TwoCertificates,
    #[error("the Client-Cert header of a proxy is not understood")]
    ProxyHeader,
    #[error("a proxy passed on two Client-Cert headers: it does not remove those of clients")]
    TwoProxyHeaders,
}

impl Claimed {
    /// Reads what a request says.
    ///
    /// # Errors
    /// If it says nothing, something unreadable, or two things.
    pub fn of(request: &HttpRequest, app: &App) -> Result<Claimed, NoClaim> {
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

    pub fn certificate(&self) -> &X509Ref {
        match self {
            Claimed::Presented(certificate) => certificate,
            Claimed::Signed(signed) => signed.certificate(),
        }
    }

    /// Whether TLS proved it already, here or at a proxy that we trust.
    pub fn is_proven(&self) -> bool {
        matches!(self, Claimed::Presented(_))
    }

    /// Proves that the holder of the certificate's key sent exactly this body.
    ///
    /// # Errors
    /// If a signature does not fit.
    pub fn verify(&self, body: &[u8]) -> Result<(), BadSignature> {
        match self {
            Claimed::Presented(_) => Ok(()),
            Claimed::Signed(signed) => signed.verify(body),
        }
    }
}

// Certificates are no secrets: anybody could write one into the header. It is read only where the operator says that a
// proxy writes it, and only from that proxy itself.
fn passed_on(request: &HttpRequest, app: &App) -> Result<Option<X509>, NoClaim> {
    let config = &app.config;
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let trusted = peer.is_some_and(|peer| config.server.trusted_proxies.contains(&peer));
    if !config.devices.client_cert_header || !trusted {
        return Ok(None);
    }
    let mut headers = request.headers().get_all("client-cert");
    match (headers.next(), headers.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => client_cert(value.as_bytes()).map(Some).ok_or(NoClaim::ProxyHeader),
        (Some(_), Some(_)) => Err(NoClaim::TwoProxyHeaders),
    }
}

// RFC 9440 §2.2: a byte sequence of RFC 8941, the DER in base64 between colons.
fn client_cert(value: &[u8]) -> Option<X509> {
    let inner = value.trim_ascii().strip_prefix(b":")?.strip_suffix(b":")?;
    if inner.len() > LONGEST_CERTIFICATE {
        return None;
    }
    X509::from_der(&STANDARD.decode(inner).ok()?).ok()
}
