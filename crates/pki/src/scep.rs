//! The SCEP protocol (RFC 8894): parses requests and creates answers. It contains no HTTP, no storage of challenges
//! and no decision about who gets a certificate.
//!
//! A request passes three checks, the cheapest first, so that strangers cannot make the server decrypt for nothing:
//! [`SignedMessage::verify`] (size, structure, signature; needs no private key), [`SignedMessage::open`] (needs the
//! private key), and the caller's check of the challenge or of the certificate being renewed. [`answer`] creates the
//! answer.

pub mod answer;
pub mod authority;
mod message;
mod oid;
mod request;

pub use message::{Exchange, SignedMessage, Unanswerable, VerifyError};
pub use request::{PkiRequest, RequestKind};

/// Maximum size of a request in bytes. An enveloped and signed CSR for RSA 4096 has less than 8 KiB.
pub const LARGEST_MESSAGE: usize = 64 * 1024;

/// `messageType` (RFC 8894 section 3.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageType {
    /// Request for a first certificate, authorized by a challenge.
    PkcsReq,
    /// Request for another certificate, authorized by the existing one.
    RenewalReq,
    /// CertPoll, GetCert, GetCRL: recognized and answered with `badRequest`, because this server never leaves a
    /// request pending.
    Unsupported,
}

/// `failInfo` (RFC 8894 section 3.2.1.4): why no certificate is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailInfo {
    BadAlg,
    /// The signature is wrong, or the envelope cannot be read. All of these get the same answer: an attacker who
    /// could tell a wrong padding from a wrong CSR could use the server to decrypt other people's requests
    /// (Bleichenbacher, Vaudenay).
    BadMessageCheck,
    /// Parsed and refused: unknown challenge, or an unsupported operation.
    BadRequest,
    BadTime,
    /// The request is not signed with a certificate of this server that could be renewed.
    BadCertId,
}

impl FailInfo {
    fn code(self) -> &'static str {
        match self {
            FailInfo::BadAlg => "0",
            FailInfo::BadMessageCheck => "1",
            FailInfo::BadRequest => "2",
            FailInfo::BadTime => "3",
            FailInfo::BadCertId => "4",
        }
    }
}

/// The problem of a request, for the operator. The requester receives only its [`FailInfo`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A digest, cipher or key is not accepted.
    Algorithm,
    /// contentType or messageDigest is missing or wrong.
    Attributes,
    Signature,
    /// The content is not a readable EnvelopedData.
    Envelope,
    /// The envelope is not encrypted to the registration authority's key, or is damaged.
    Decryption,
    /// The content of the envelope is not a PKCS #10 request, or its signature is wrong.
    Request,
    Operation,
    /// A renewal that is not signed with a certificate of this server.
    Certificate,
}

impl Fault {
    /// Returns the `failInfo` that the requester receives.
    pub fn fail_info(self) -> FailInfo {
        match self {
            Fault::Algorithm => FailInfo::BadAlg,
            Fault::Attributes | Fault::Signature | Fault::Envelope => FailInfo::BadMessageCheck,
            Fault::Decryption | Fault::Request => FailInfo::BadMessageCheck,
            Fault::Operation => FailInfo::BadRequest,
            Fault::Certificate => FailInfo::BadCertId,
        }
    }
}

/// A request that is answered with a failure: HTTP 200 and a CertRep made by [`answer::fail`].
#[derive(Debug)]
pub struct Refused {
    pub exchange: Box<Exchange>,
    pub why: FailInfo,
    pub fault: Fault,
}

impl Refused {
    fn of(exchange: Exchange, fault: Fault) -> Refused {
        Refused { exchange: Box::new(exchange), why: fault.fail_info(), fault }
    }
}

/// Decodes the message of a GET (`?operation=PKIOperation&message=…`) from base64. A `+` that was not escaped arrives
/// as a space, and some clients omit the padding.
pub fn message_of_query(message: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let message: String = message.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    LENIENT.decode(message.replace(' ', "+")).ok()
}

#[cfg(test)]
mod tests;
