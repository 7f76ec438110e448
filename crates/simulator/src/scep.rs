//! SCEP as `profiled` on a device does it (RFC 8894): requests the CA, sends a PKCSReq and opens the CertRep.

pub mod answer;

use crate::ber::{self, CONTEXT_0, OCTET_STRING, PRINTABLE_STRING, SEQUENCE, SET};
use crate::certificate_request::{certification_request, self_signed, subject};
use crate::chance;
use crate::keys::KeyPool;
use crate::model::IosVersion;
use crate::profile::ScepPayload;
use crate::signature::{CONTENT_TYPE, DATA, Digest, Identity, MESSAGE_DIGEST, SIGNED_DATA, signer_info};
use answer::Sent;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;
use openssl::hash::hash;
use openssl::nid::Nid;
use openssl::pkcs7::Pkcs7;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::X509;

/// Attributes of a SCEP message, 2.16.840.1.113733.1.9.n (RFC 8894 §3.2.1).
pub(crate) const fn scep_attribute(number: u32) -> [u32; 8] {
    [2, 16, 840, 1, 113_733, 1, 9, number]
}

/// Why no certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum ScepError {
    #[error("the SCEP server cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the SCEP server answered {operation} with status {status}")]
    Status { operation: &'static str, status: u16 },
    #[error("the SCEP server configuration is not supported: {0}")]
    Configuration(String),
    #[error("the SCEP server returned an invalid response: {0}")]
    InvalidResponse(String),
    /// CertRep FAILURE with its failInfo.
    #[error("the SCEP server refused the request: failInfo {0}")]
    Refused(String),
    #[error("the SCEP server has not decided yet")]
    Pending,
    #[error("the request cannot be made: {0}")]
    OpenSsl(#[from] ErrorStack),
}

/// How the messages are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protection {
    pub digest: Digest,
    /// AES-128 in CBC mode; otherwise 3DES.
    pub aes: bool,
}

impl Protection {
    /// Older devices use 3DES and SHA-1, whatever the server supports. Newer ones use its capabilities.
    pub fn of(ios: IosVersion, capabilities: &str) -> Protection {
        let can = |word: &str| capabilities.lines().any(|line| line.trim() == word || line.trim() == "SCEPStandard");
        let newer = ios >= IosVersion::new(14, 0);
        Protection {
            digest: if newer && can("SHA-256") { Digest::Sha256 } else { Digest::Sha1 },
            aes: newer && can("AES"),
        }
    }

    fn cipher(self) -> Cipher {
        if self.aes { Cipher::aes_128_cbc() } else { Cipher::des_ede3_cbc() }
    }
}

/// Certificates in the answer to GetCACert: requests are encrypted to `encryption`, and answers are signed by one of
/// `certificates`.
pub struct Authority {
    pub certificates: Vec<X509>,
    pub encryption: X509,
}

/// Gets a certificate for a new key, as the profile says.
///
/// # Errors
/// Returns what a device would show.
pub async fn enroll(
    http: &reqwest::Client,
    payload: &ScepPayload,
    ios: IosVersion,
    keys: &KeyPool,
) -> Result<Identity, ScepError> {
    let key = keys.take(payload.key_size).await?;
    let requester = self_signed(&subject(&payload.subject)?, &key)?;
    let certificate = exchange(http, payload, ios, Request { kind: PKCS_REQ, key: &key, signer: &requester }).await?;
    Ok(Identity::new(certificate, key))
}

/// Renews `current` with a new key. The request is signed with the certificate that is renewed, without a challenge
/// (RFC 8894 §3.3.1.2).
///
/// # Errors
/// Returns the same errors as [`enroll`].
pub async fn renew(
    http: &reqwest::Client,
    payload: &ScepPayload,
    ios: IosVersion,
    current: &Identity,
    key: PKey<Private>,
) -> Result<Identity, ScepError> {
    let payload = ScepPayload { challenge: None, ..payload.clone() };
    let certificate = exchange(http, &payload, ios, Request { kind: RENEWAL_REQ, key: &key, signer: current }).await?;
    Ok(Identity::new(certificate, key))
}

/// messageType of a request (RFC 8894 §3.2.1.2).
const PKCS_REQ: &str = "19";
const RENEWAL_REQ: &str = "17";

struct Request<'a> {
    kind: &'a str,
    key: &'a PKey<Private>,
    signer: &'a Identity,
}

async fn exchange(
    http: &reqwest::Client,
    payload: &ScepPayload,
    ios: IosVersion,
    request: Request<'_>,
) -> Result<X509, ScepError> {
    let capabilities = get(http, payload, "GetCACaps").await?;
    let protection = Protection::of(ios, &String::from_utf8_lossy(&capabilities));
    let authority = authority(&get(http, payload, "GetCACert").await?)?;
    check_fingerprint(payload, &authority)?;
    let name = subject(&payload.subject)?;
    let challenge = payload.challenge.as_deref();
    let csr = certification_request(&name, challenge, request.key, protection.digest)?;
    let (message, sent) = pki_message(&csr, request.kind, request.signer, &authority, protection)?;
    let answer = post(http, payload, message).await?;
    answer::open(&answer, &sent, request.signer, &authority)
}

async fn get(http: &reqwest::Client, payload: &ScepPayload, operation: &'static str) -> Result<Vec<u8>, ScepError> {
    let name = payload.name.as_deref().unwrap_or_default();
    let query = [("operation", operation), ("message", name)];
    read(http.get(&payload.url).query(&query), operation).await
}

async fn post(http: &reqwest::Client, payload: &ScepPayload, message: Vec<u8>) -> Result<Vec<u8>, ScepError> {
    let request = http.post(&payload.url).query(&[("operation", "PKIOperation")]);
    read(request.header("Content-Type", "application/x-pki-message").body(message), "PKIOperation").await
}

async fn read(request: reqwest::RequestBuilder, operation: &'static str) -> Result<Vec<u8>, ScepError> {
    let response = request.header("User-Agent", "profiled/1.0 CFNetwork/1408.0.4 Darwin/22.5.0").send().await?;
    match response.status().as_u16() {
        200 => Ok(response.bytes().await?.to_vec()),
        status => Err(ScepError::Status { operation, status }),
    }
}

/// Parses the answer to GetCACert: one certificate, or a degenerate PKCS#7 with several (RFC 8894 §4.2.1).
///
/// # Errors
/// Returns an error if it is neither, or contains no certificate that a request could be encrypted to.
pub fn authority(answer: &[u8]) -> Result<Authority, ScepError> {
    let certificates = match X509::from_der(answer) {
        Ok(single) => vec![single],
        Err(_) => bundle(answer).ok_or_else(|| ScepError::Configuration("GetCACert contains no certificate".into()))?,
    };
    let encrypts = |certificate: &&X509| {
        let rsa = certificate.public_key().is_ok_and(|key| key.id() == openssl::pkey::Id::RSA);
        rsa && key_usage_allows_encipherment(certificate)
    };
    // The RA is preferred. A CA that may also encipher is the second choice.
    let encryption = certificates.iter().filter(encrypts).min_by_key(|certificate| is_ca(certificate)).cloned();
    let encryption = encryption.ok_or_else(|| {
        ScepError::Configuration("no certificate of the CA has an RSA key for encipherment".to_owned())
    })?;
    Ok(Authority { certificates, encryption })
}

fn bundle(answer: &[u8]) -> Option<Vec<X509>> {
    let signed = Pkcs7::from_der(answer).ok()?;
    let certificates: Vec<X509> = signed.signed()?.certificates()?.iter().map(ToOwned::to_owned).collect();
    (!certificates.is_empty()).then_some(certificates)
}

fn extensions(certificate: &X509) -> String {
    let text = certificate.to_text().unwrap_or_default();
    String::from_utf8_lossy(&text).into_owned()
}

fn key_usage_allows_encipherment(certificate: &X509) -> bool {
    let text = extensions(certificate);
    !text.contains("X509v3 Key Usage") || text.contains("Key Encipherment")
}

fn is_ca(certificate: &X509) -> bool {
    extensions(certificate).contains("CA:TRUE")
}

fn check_fingerprint(payload: &ScepPayload, authority: &Authority) -> Result<(), ScepError> {
    let Some(expected) = &payload.ca_fingerprint else { return Ok(()) };
    let algorithm = match expected.len() {
        16 => openssl::hash::MessageDigest::md5(),
        20 => openssl::hash::MessageDigest::sha1(),
        32 => openssl::hash::MessageDigest::sha256(),
        other => return Err(ScepError::Configuration(format!("CAFingerprint has {other} bytes"))),
    };
    let matches = |certificate: &X509| certificate.digest(algorithm).is_ok_and(|found| *found == **expected);
    if authority.certificates.iter().any(matches) {
        return Ok(());
    }
    Err(ScepError::Configuration("no certificate of the CA has the fingerprint that the profile names".into()))
}

/// Creates a pkiMessage with an enveloped request (RFC 8894 §3.2), and the values that its answer must match.
///
/// # Errors
/// Returns an error if OpenSSL fails.
pub fn pki_message(
    csr: &[u8],
    kind: &str,
    signer: &Identity,
    authority: &Authority,
    protection: Protection,
) -> Result<(Vec<u8>, Sent), ErrorStack> {
    let mut recipients = Stack::new()?;
    recipients.push(authority.encryption.clone())?;
    let enveloped = CmsContentInfo::encrypt(&recipients, csr, protection.cipher(), CMSOptions::BINARY)?.to_der()?;
    // The same request has the same transaction ID when it is sent again.
    let transaction_id = hex::encode_upper(hash(openssl::hash::MessageDigest::sha1(), csr)?);
    let sent = Sent { transaction_id, sender_nonce: chance::bytes() };
    let message = signed(&enveloped, signer, protection.digest, &sent, kind)?;
    Ok((message, sent))
}

fn signed(
    content: &[u8],
    signer: &Identity,
    digest: Digest,
    sent: &Sent,
    message_type: &str,
) -> Result<Vec<u8>, ErrorStack> {
    let attributes = attributes(content, digest, sent, message_type)?;
    let content_info =
        ber::constructed(SEQUENCE, &[&ber::oid(DATA), &ber::encode(CONTEXT_0, &ber::encode(OCTET_STRING, content))]);
    let signed_data = ber::constructed(
        SEQUENCE,
        &[
            &ber::unsigned(&[1]),
            &ber::encode(SET, &digest.identifier()),
            &content_info,
            &ber::encode(CONTEXT_0, &signer.certificate.to_der()?),
            &ber::encode(SET, &signer_info(content, signer, digest, &attributes)?),
        ],
    );
    Ok(ber::constructed(SEQUENCE, &[&ber::oid(SIGNED_DATA), &ber::encode(CONTEXT_0, &signed_data)]))
}

fn attributes(content: &[u8], digest: Digest, sent: &Sent, message_type: &str) -> Result<Vec<Vec<u8>>, ErrorStack> {
    let hashed = hash(digest.algorithm(), content)?;
    let printable = |text: &str| ber::encode(PRINTABLE_STRING, text.as_bytes());
    Ok(vec![
        ber::attribute(CONTENT_TYPE, &ber::oid(DATA)),
        ber::attribute(MESSAGE_DIGEST, &ber::encode(OCTET_STRING, &hashed)),
        ber::attribute(&scep_attribute(2), &printable(message_type)),
        ber::attribute(&scep_attribute(5), &ber::encode(OCTET_STRING, &sent.sender_nonce)),
        ber::attribute(&scep_attribute(7), &printable(&sent.transaction_id)),
    ])
}

/// Returns the common name of a certificate's subject.
pub fn common_name(certificate: &X509) -> Option<String> {
    let entry = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next()?;
    entry.data().to_string().ok()
}
