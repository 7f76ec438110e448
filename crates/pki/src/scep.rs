//! The SCEP protocol (RFC 8894), message in, message out: no HTTP, no challenge book, no decision who gets a certificate.
//!
//! A request goes through three gates, cheapest first, so that strangers cannot make the server decrypt for nothing:
//! [`SignedMessage::verify`] (size, structure, signature; no secret of ours), [`SignedMessage::open`] (our private key),
//! then the caller's own check of the challenge or of the certificate being renewed. [`answer`] closes the exchange.

pub mod answer;
pub mod authority;
mod message;
mod oid;
mod request;

pub use message::{Exchange, SignedMessage, Unanswerable, VerifyError};
pub use request::{PkiRequest, RequestKind};

/// No request is larger: a CSR for RSA 4096, enveloped and signed, is under 8 KiB.
pub const LARGEST_MESSAGE: usize = 64 * 1024;

/// `messageType` (RFC 8894 section 3.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageType {
    /// For a first certificate, proven by a challenge.
    PkcsReq,
    /// For another one, proven by the one there is.
    RenewalReq,
    /// CertPoll, GetCert, GetCRL: known, and answered with `badRequest`, since nothing of ours is ever pending.
    Unsupported,
}

/// `failInfo` (RFC 8894 section 3.2.1.4): why there is no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailInfo {
    BadAlg,
    /// The signature is wrong, or what was enveloped is not readable. One answer for all of it: whoever could tell a
    /// wrong padding from a wrong CSR could decrypt other people's requests with us (Bleichenbacher, Vaudenay).
    BadMessageCheck,
    /// Understood and refused: no such challenge, an operation we do not have.
    BadRequest,
    BadTime,
    /// No certificate of ours that could be renewed.
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

/// What is wrong with a request, for the operator. The requester is told its [`FailInfo`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Digest, cipher or key that is not accepted.
    Algorithm,
    /// contentType or messageDigest is missing, or says something else.
    Attributes,
    Signature,
    /// The content is no EnvelopedData that can be read.
    Envelope,
    /// The envelope is not for the registration authority's key, or was damaged.
    Decryption,
    /// What was in the envelope is no PKCS #10 request, or its own signature is wrong.
    Request,
    Operation,
    /// A renewal that is signed with no certificate of ours.
    Certificate,
}

impl Fault {
    /// What the requester is told.
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

/// The message in a GET (`?operation=PKIOperation&message=…`): base64. A `+` that lost its escape arrives as a space, and
/// some clients leave the padding out.
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
