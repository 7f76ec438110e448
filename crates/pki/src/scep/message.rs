//! The outer layer of a request: CMS SignedData with the SCEP attributes (RFC 8894 section 3.2).

use super::{Fault, LARGEST_MESSAGE, MessageType, Refused, oid};
use crate::shape::{BadShape, Signed};
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Any, Decode, Encode, Tag, Tagged};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::pkey::{Id, PKeyRef, Public};
use openssl::stack::Stack;
use openssl::x509::X509;
use x509_cert::attr::Attribute;

/// Allowed key sizes. Recipients must decrypt, so keys are RSA (RFC 8894 section 2.1). The maximum limits the work
/// that a stranger can cause.
const KEY_BITS: std::ops::RangeInclusive<u32> = 2048..=4096;

/// The values that an answer needs: what it must repeat, and the requester's certificate.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Byte for byte as in the request.
    pub(super) transaction_id: String,
    /// 1 to 64 bytes; RFC 8894 §3.2.1.5 requires 16.
    pub(super) sender_nonce: Vec<u8>,
    /// Certificate that signed the request. The answer is encrypted to it.
    pub(super) requester: X509,
    /// Digest of the answer: as strong as the request's, at least SHA-256.
    pub(super) digest: ObjectIdentifier,
    /// Cipher of the request's envelope, which the client therefore supports. `None` until the envelope is parsed.
    pub(super) cipher: Option<ObjectIdentifier>,
}

impl Exchange {
    pub fn transaction_id(&self) -> &str {
        &self.transaction_id
    }

    /// Returns the certificate that signed the request.
    pub fn requester(&self) -> &X509 {
        &self.requester
    }
}

/// A request with a valid signature. Its sender and content are not checked yet.
#[derive(Debug)]
pub struct SignedMessage {
    pub(super) message_type: MessageType,
    pub(super) exchange: Exchange,
    /// The envelope.
    pub(super) content: Vec<u8>,
}

/// Not a SCEP request that could be answered: HTTP 400. The text is for the log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SCEP request: {0}")]
pub struct Unanswerable(pub &'static str);

#[derive(Debug)]
pub enum VerifyError {
    Unanswerable(Unanswerable),
    Refused(Refused),
}

impl From<Unanswerable> for VerifyError {
    fn from(error: Unanswerable) -> VerifyError {
        VerifyError::Unanswerable(error)
    }
}

impl SignedMessage {
    /// Checks size, structure and signature. Needs no private key.
    ///
    /// # Errors
    /// Returns [`VerifyError::Unanswerable`] if there is no requester to answer, otherwise the refusal to send.
    pub fn verify(body: &[u8]) -> Result<SignedMessage, VerifyError> {
        if body.len() > LARGEST_MESSAGE {
            return Err(Unanswerable("it is too large").into());
        }
        Signed::of(body).map_err(|why| Unanswerable(unfit(why)))?;
        // Clients send BER with indefinite lengths. OpenSSL parses it and writes DER, which the `cms` crate requires.
        let mut message = CmsContentInfo::from_der(body).map_err(|_| Unanswerable("it is not a CMS message"))?;
        let der = message.to_der().map_err(|_| Unanswerable("it cannot be encoded again"))?;
        let (signed, signer) = only_signer(&der)?;
        let attributes = Attributes::of(&signer)?;
        let requester = certificate_of(&signed, &signer)?;
        let exchange = Exchange {
            transaction_id: attributes.transaction_id()?,
            sender_nonce: attributes.octets(oid::SENDER_NONCE, "senderNonce")?,
            requester,
            digest: stronger(signer.digest_alg.oid),
            cipher: None,
        };
        match check(&mut message, &signed, &signer, &attributes, &exchange) {
            Ok(content) => {
                let message_type = attributes.message_type()?;
                Ok(SignedMessage { message_type, exchange, content })
            }
            Err(fault) => Err(VerifyError::Refused(Refused::of(exchange, fault))),
        }
    }

    pub fn message_type(&self) -> MessageType {
        self.message_type
    }

    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }
}

// Errors of the check before OpenSSL. An unsupported digest gets a proper answer before anything is hashed (see
// `check`).
fn unfit(why: BadShape) -> &'static str {
    match why {
        BadShape::NotCms => "it is not a CMS message",
        BadShape::NotSigned => "it is not signed",
        BadShape::NotOneSigner => "it must have exactly one signer",
        BadShape::Digests | BadShape::Digest => "it must name exactly one digest, the one of its signer",
        BadShape::Certificates => "it contains too many or too large certificates, or revocation lists",
        BadShape::Key => "it contains a key of an unsupported kind or size",
        BadShape::Attributes => "it has too many attributes",
    }
}

fn only_signer(der: &[u8]) -> Result<(SignedData, SignerInfo), Unanswerable> {
    let outer = ContentInfo::from_der(der).map_err(|_| Unanswerable("it is not a ContentInfo"))?;
    if outer.content_type != oid::SIGNED_DATA {
        return Err(Unanswerable("it is not signed"));
    }
    let signed: SignedData = outer.content.decode_as().map_err(|_| Unanswerable("its SignedData cannot be read"))?;
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err(Unanswerable("it must have exactly one signer"));
    };
    let signer = signer.clone();
    Ok((signed, signer))
}

/// Returns the certificate in the message that the signer names.
fn certificate_of(signed: &SignedData, signer: &SignerInfo) -> Result<X509, Unanswerable> {
    let SignerIdentifier::IssuerAndSerialNumber(name) = &signer.sid else {
        return Err(Unanswerable("it does not identify its signer by issuer and serial number"));
    };
    let certificates = signed.certificates.iter().flat_map(|set| set.0.iter());
    let mut named = certificates.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => {
            let tbs = &certificate.tbs_certificate;
            (tbs.issuer == name.issuer && tbs.serial_number == name.serial_number).then_some(certificate)
        }
        CertificateChoices::Other(_) => None,
    });
    let (Some(certificate), None) = (named.next(), named.next()) else {
        return Err(Unanswerable("it must contain its signer's certificate exactly once"));
    };
    let der = certificate.to_der().map_err(|_| Unanswerable("its signer's certificate cannot be read"))?;
    X509::from_der(&der).map_err(|_| Unanswerable("its signer's certificate cannot be read"))
}

fn check(
    message: &mut CmsContentInfo,
    signed: &SignedData,
    signer: &SignerInfo,
    attributes: &Attributes<'_>,
    exchange: &Exchange,
) -> Result<Vec<u8>, Fault> {
    let digest = signer.digest_alg.oid;
    if ![oid::SHA1, oid::SHA224, oid::SHA256, oid::SHA384, oid::SHA512].contains(&digest) {
        return Err(Fault::Algorithm);
    }
    let key = exchange.requester.public_key().map_err(|_| Fault::Algorithm)?;
    if !acceptable(&key) {
        return Err(Fault::Algorithm);
    }
    // OpenSSL compares messageDigest with the content. contentType is compared here (RFC 5652 section 11.1).
    let content_type = attributes.one(oid::CONTENT_TYPE).and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
    if content_type != Some(signed.encap_content_info.econtent_type) || attributes.one(oid::MESSAGE_DIGEST).is_none() {
        return Err(Fault::Attributes);
    }
    verify_signature(message, &exchange.requester).ok_or(Fault::Signature)
}

/// Verifies the signature with exactly this certificate. Its issuer is not checked, because the certificate of a new
/// client is self-signed.
fn verify_signature(message: &mut CmsContentInfo, requester: &X509) -> Option<Vec<u8>> {
    let mut only = Stack::new().ok()?;
    only.push(requester.clone()).ok()?;
    let flags = CMSOptions::BINARY | CMSOptions::NOINTERN | CMSOptions::NO_SIGNER_CERT_VERIFY;
    let mut content = Vec::new();
    message.verify(Some(&only), None, None, Some(&mut content), flags).ok()?;
    Some(content)
}

/// Returns whether the key is RSA with 2048 to 4096 bits and a sufficiently large exponent (NIST SP 800-56B: above
/// 2^16).
pub(super) fn acceptable(key: &PKeyRef<Public>) -> bool {
    let exponent_is_fine = |key: &PKeyRef<Public>| {
        key.rsa().is_ok_and(|rsa| rsa.e().num_bits() > 16 && rsa.e().num_bits() <= 64 && rsa.e().is_odd())
    };
    key.id() == Id::RSA && KEY_BITS.contains(&key.bits()) && exponent_is_fine(key)
}

fn stronger(digest: ObjectIdentifier) -> ObjectIdentifier {
    if [oid::SHA384, oid::SHA512].contains(&digest) { digest } else { oid::SHA256 }
}

/// The signed attributes. Each attribute that is used must occur once, with one value.
struct Attributes<'a>(Vec<&'a Attribute>);

impl<'a> Attributes<'a> {
    fn of(signer: &'a SignerInfo) -> Result<Attributes<'a>, Unanswerable> {
        let attributes = signer.signed_attrs.as_ref().ok_or(Unanswerable("it has no signed attributes"))?;
        Ok(Attributes(attributes.iter().collect()))
    }

    fn one(&self, wanted: ObjectIdentifier) -> Option<&'a Any> {
        let mut found = self.0.iter().filter(|attribute| attribute.oid == wanted);
        let (Some(attribute), None) = (found.next(), found.next()) else { return None };
        let [value] = attribute.values.as_slice() else { return None };
        Some(value)
    }

    fn text(&self, wanted: ObjectIdentifier) -> Option<&'a str> {
        let value = self.one(wanted).filter(|value| value.tag() == Tag::PrintableString)?;
        std::str::from_utf8(value.value()).ok()
    }

    fn octets(&self, wanted: ObjectIdentifier, name: &'static str) -> Result<Vec<u8>, Unanswerable> {
        let missing = match name {
            "senderNonce" => Unanswerable("its senderNonce is missing, repeated or too long"),
            _ => Unanswerable("an attribute is missing"),
        };
        let value = self.one(wanted).and_then(|value| value.decode_as::<OctetStringRef<'_>>().ok());
        let bytes = value.map(|value| value.as_bytes().to_vec());
        bytes.filter(|bytes| (1..=64).contains(&bytes.len())).ok_or(missing)
    }

    /// Returns the transactionID. Its length is limited because the answer repeats it, and it must be printable ASCII
    /// because it is logged.
    fn transaction_id(&self) -> Result<String, Unanswerable> {
        let text = self.text(oid::TRANSACTION_ID);
        let fine =
            |text: &&str| (1..=128).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        text.filter(fine).map(str::to_owned).ok_or(Unanswerable("its transactionID is missing, repeated or too long"))
    }

    fn message_type(&self) -> Result<MessageType, Unanswerable> {
        match self.text(oid::MESSAGE_TYPE) {
            Some("19") => Ok(MessageType::PkcsReq),
            Some("17") => Ok(MessageType::RenewalReq),
            Some("20" | "21" | "22") => Ok(MessageType::Unsupported),
            _ => Err(Unanswerable("its messageType is not one of RFC 8894")),
        }
    }
}
