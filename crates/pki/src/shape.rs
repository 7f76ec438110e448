//! Checks the structure of a CMS message before anything in it is hashed, decoded or verified. It is the only gate in
//! front of OpenSSL.
//!
//! OpenSSL's work depends on what the sender chose: it hashes the content once for each entry of `digestAlgorithms`,
//! decodes the key of each certificate when it parses it (an elliptic curve with explicit parameters costs most), and
//! verifies with keys of any size. An attacker needs no identity for this. So this module parses the structure first,
//! in one pass over the bytes, and rejects everything that no device or client sends. Devices sign in BER of
//! indefinite length, which is parsed like DER.

use super::ber::{
    self, BIT_STRING, CONSTRUCTED_OCTET_STRING, CONTEXT_0, CONTEXT_1, INTEGER, Members, OBJECT_IDENTIFIER,
    OCTET_STRING, PRIMITIVE_CONTEXT_0, SEQUENCE, SET, Value,
};

/// Maximum number of values in a message. A message with four certificates has some four hundred, and a content of 64
/// KiB in pieces of 512 bytes adds 128. The names in certificates cost the most for each value.
const MOST_PARTS: usize = 1_024;
/// The signer's certificate and its chain to the root.
pub const MOST_CERTIFICATES: usize = 4;
/// Maximum size of a certificate in bytes. Those of devices and SCEP clients have less than 2 KiB.
const LARGEST_CERTIFICATE: usize = 4 * 1024;
/// Maximum number of signed attributes, and of unsigned ones. SCEP uses seven (RFC 8894 section 3.2.1).
const MOST_ATTRIBUTES: usize = 16;
const LARGEST_ATTRIBUTES: usize = 4 * 1024;
const LARGEST_RSA_BITS: usize = 4_096;
/// The usual exponent is 65,537. A longer one makes verifying as slow as signing.
const LARGEST_EXPONENT_BITS: usize = 17;
/// An uncompressed point of P-521 and the byte with the number of unused bits.
const LARGEST_POINT: usize = 134;

// Object identifiers, without tag and length.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// P-256, P-384, P-521.
const CURVES: [&[u8]; 3] = [
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    &[0x2b, 0x81, 0x04, 0x00, 0x22],
    &[0x2b, 0x81, 0x04, 0x00, 0x23],
];
/// SHA-1, then SHA-256, SHA-384, SHA-512 and SHA-224.
const DIGESTS: [&[u8]; 5] = [
    &[0x2b, 0x0e, 0x03, 0x02, 0x1a],
    &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
    &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
    &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
    &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04],
];

/// Why a message is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadShape {
    #[error("it is not a CMS message, or has too many parts")]
    NotCms,
    #[error("it is not signed")]
    NotSigned,
    #[error("it must have exactly one signer")]
    NotOneSigner,
    #[error("it must name exactly one digest, the one of its signer")]
    Digests,
    #[error("its digest is neither SHA-1 nor SHA-2")]
    Digest,
    #[error(
        "it may contain at most {MOST_CERTIFICATES} X.509 certificates of at most {LARGEST_CERTIFICATE} bytes each, and no revocation lists"
    )]
    Certificates,
    #[error(
        "a key must be RSA of at most {LARGEST_RSA_BITS} bits with an exponent of at most {LARGEST_EXPONENT_BITS}, or on the named curve P-256, P-384 or P-521"
    )]
    Key,
    #[error("it may have at most {MOST_ATTRIBUTES} attributes, of at most {LARGEST_ATTRIBUTES} bytes in total")]
    Attributes,
}

/// A SignedData with one signer that costs no more to verify than a device's message.
#[derive(Debug)]
pub struct Signed<'a> {
    digest: &'a [u8],
    content: Option<Value<'a>>,
}

impl<'a> Signed<'a> {
    /// Checks the structure of a message. The digest is checked by `Signed::uses_sha`, because SCEP answers
    /// unsupported ones.
    ///
    /// # Errors
    /// Returns what is wrong with the message.
    pub fn of(message: &'a [u8]) -> Result<Signed<'a>, BadShape> {
        let mut members = signed_data(message, MOST_PARTS)?;
        members.next(INTEGER).ok_or(BadShape::NotCms)?;
        let named = members.next(SET).ok_or(BadShape::NotCms)?;
        let content = content(&mut members)?;
        let certificates = members.next(CONTEXT_0);
        if members.next(CONTEXT_1).is_some() {
            // Revocation lists, which are never needed here.
            return Err(BadShape::Certificates);
        }
        let signers = members.only(SET).ok_or(BadShape::NotCms)?;
        let signer = signers.members(SET).and_then(|signers| signers.only(SEQUENCE)).ok_or(BadShape::NotOneSigner)?;
        let digest = signer_info(signer)?;
        let named = named.members(SET).and_then(|named| named.only(SEQUENCE)).ok_or(BadShape::Digests)?;
        if algorithm(named) != Some(digest) {
            return Err(BadShape::Digests);
        }
        if let Some(certificates) = certificates {
            look_over_certificates(certificates)?;
        }
        Ok(Signed { digest, content })
    }

    /// Checks that the digest is SHA-1 or SHA-2.
    ///
    /// # Errors
    ///
    /// Returns an error for any other digest.
    pub(crate) fn uses_sha(&self) -> Result<(), BadShape> {
        DIGESTS.contains(&self.digest).then_some(()).ok_or(BadShape::Digest)
    }

    /// Returns the content inside the message without verification; `None` if there is none.
    pub fn content(&self) -> Option<Vec<u8>> {
        self.content.and_then(ber::octets)
    }
}

/// Returns the content of a SignedData of any size and from any signer. Nothing is decoded or verified, so no other
/// limit applies.
pub fn content_of(message: &[u8]) -> Option<Vec<u8>> {
    let mut members = signed_data(message, message.len()).ok()?;
    members.next(INTEGER)?;
    members.next(SET)?;
    content(&mut members).ok().flatten().and_then(ber::octets)
}

/// Returns whether the message is an EnvelopedData for one recipient with key transport, so that it costs at most one
/// decryption.
pub(crate) fn is_one_envelope(message: &[u8]) -> bool {
    let check = || {
        let mut members = inside(message, ENVELOPED_DATA, MOST_PARTS)?.ok()?;
        members.next(INTEGER)?;
        // Certificates of an originator would come before this field, and their keys would be decoded.
        members.next(SET)?.members(SET)?.only(SEQUENCE)
    };
    check().is_some()
}

/// Returns whether it is a PKCS #10 request (RFC 2986) with an RSA or EC key of an accepted size, which
/// limits the cost of its verification.
pub(crate) fn is_fair_request(request: &[u8]) -> bool {
    let check = || {
        let mut members = ber::first(request, MOST_PARTS)?.members(SEQUENCE)?;
        let mut info = members.next(SEQUENCE)?.members(SEQUENCE)?;
        info.next(INTEGER)?;
        info.next(SEQUENCE)?;
        look_over_key(info.next(SEQUENCE)?).ok()
    };
    check().is_some()
}

/// Returns whether it is a certificate of at most 4 KiB with an RSA or EC key of an accepted size, which limits the
/// cost of its verification.
pub fn is_fair_certificate(certificate: &[u8]) -> bool {
    ber::first(certificate, MOST_PARTS).is_some_and(|certificate| look_over_certificate(certificate).is_ok())
}

// Returns the members of the content of a ContentInfo with this type; `None` if it is not a ContentInfo.
fn inside<'a>(message: &'a [u8], of_type: &[u8], most_parts: usize) -> Option<Result<Members<'a>, BadShape>> {
    let mut outer = ber::first(message, most_parts)?.members(SEQUENCE)?;
    if outer.next(OBJECT_IDENTIFIER)?.content != of_type {
        return Some(Err(BadShape::NotSigned));
    }
    outer.only(CONTEXT_0)?.members(CONTEXT_0)?.only(SEQUENCE)?.members(SEQUENCE).map(Ok)
}

fn signed_data(message: &[u8], most_parts: usize) -> Result<Members<'_>, BadShape> {
    inside(message, SIGNED_DATA, most_parts).unwrap_or(Err(BadShape::NotCms))
}

// Parses an EncapsulatedContentInfo with an OCTET STRING or without content.
fn content<'a>(members: &mut Members<'a>) -> Result<Option<Value<'a>>, BadShape> {
    let mut read = || {
        let mut info = members.next(SEQUENCE)?.members(SEQUENCE)?;
        info.next(OBJECT_IDENTIFIER)?;
        if info.is_at_end() {
            return Some(None);
        }
        let mut inside = info.only(CONTEXT_0)?.members(CONTEXT_0)?;
        let octets = inside.next(OCTET_STRING).or_else(|| inside.next(CONSTRUCTED_OCTET_STRING))?;
        inside.is_at_end().then_some(Some(octets))
    };
    read().ok_or(BadShape::NotCms)
}

// Returns the object identifier of an AlgorithmIdentifier.
fn algorithm(value: Value<'_>) -> Option<&[u8]> {
    Some(value.members(SEQUENCE)?.next(OBJECT_IDENTIFIER)?.content)
}

// Returns the signer's digest algorithm.
fn signer_info(signer: Value<'_>) -> Result<&[u8], BadShape> {
    let mut members = signer.members(SEQUENCE).ok_or(BadShape::NotCms)?;
    members.next(INTEGER).ok_or(BadShape::NotCms)?;
    members.next(SEQUENCE).or_else(|| members.next(PRIMITIVE_CONTEXT_0)).ok_or(BadShape::NotCms)?;
    let digest = members.next(SEQUENCE).and_then(algorithm).ok_or(BadShape::NotCms)?;
    look_over_attributes(members.next(CONTEXT_0))?;
    members.next(SEQUENCE).ok_or(BadShape::NotCms)?;
    members.next(OCTET_STRING).ok_or(BadShape::NotCms)?;
    look_over_attributes(members.next(CONTEXT_1))?;
    members.is_at_end().then_some(digest).ok_or(BadShape::NotCms)
}

fn look_over_attributes(attributes: Option<Value<'_>>) -> Result<(), BadShape> {
    let Some(attributes) = attributes else { return Ok(()) };
    // Both have a constructed tag.
    let count = attributes.members(attributes.tag).and_then(Members::count).ok_or(BadShape::NotCms)?;
    let few = count <= MOST_ATTRIBUTES && attributes.content.len() <= LARGEST_ATTRIBUTES;
    few.then_some(()).ok_or(BadShape::Attributes)
}

fn look_over_certificates(certificates: Value<'_>) -> Result<(), BadShape> {
    let mut certificates = certificates.members(CONTEXT_0).ok_or(BadShape::NotCms)?;
    for _ in 0..MOST_CERTIFICATES {
        if certificates.is_at_end() {
            return Ok(());
        }
        // Attribute certificates and other formats have other tags.
        look_over_certificate(certificates.next(SEQUENCE).ok_or(BadShape::Certificates)?)?;
    }
    certificates.is_at_end().then_some(()).ok_or(BadShape::Certificates)
}

fn look_over_certificate(certificate: Value<'_>) -> Result<(), BadShape> {
    if certificate.size > LARGEST_CERTIFICATE {
        return Err(BadShape::Certificates);
    }
    let key = || {
        let mut to_be_signed = certificate.members(SEQUENCE)?.next(SEQUENCE)?.members(SEQUENCE)?;
        // The version, which version 1 omits, and then the serial number.
        to_be_signed.next(CONTEXT_0);
        to_be_signed.next(INTEGER)?;
        // Signature algorithm, issuer, validity and subject.
        for _ in 0..4 {
            to_be_signed.next(SEQUENCE)?;
        }
        to_be_signed.next(SEQUENCE)
    };
    look_over_key(key().ok_or(BadShape::Certificates)?)
}

// Checks a SubjectPublicKeyInfo.
fn look_over_key(info: Value<'_>) -> Result<(), BadShape> {
    let is_fair = || {
        let mut members = info.members(SEQUENCE)?;
        let mut algorithm = members.next(SEQUENCE)?.members(SEQUENCE)?;
        let name = algorithm.next(OBJECT_IDENTIFIER)?.content;
        let bits = members.only(BIT_STRING)?.content;
        if name == RSA {
            return is_fair_rsa(bits.get(1..)?);
        }
        let curve = algorithm.only(OBJECT_IDENTIFIER)?.content;
        Some(name == EC && CURVES.contains(&curve) && bits.len() <= LARGEST_POINT)
    };
    is_fair().filter(|fair| *fair).map(|_| ()).ok_or(BadShape::Key)
}

fn is_fair_rsa(key: &[u8]) -> Option<bool> {
    let mut members = ber::first(key, 3)?.members(SEQUENCE)?;
    let (modulus, exponent) = (members.next(INTEGER)?, members.only(INTEGER)?);
    Some(bits(modulus.content) <= LARGEST_RSA_BITS && bits(exponent.content) <= LARGEST_EXPONENT_BITS)
}

fn bits(big_endian: &[u8]) -> usize {
    let significant = big_endian.iter().position(|byte| *byte != 0).map_or(&[][..], |at| &big_endian[at..]);
    let first = significant.first().map_or(0, |first| first.leading_zeros() as usize);
    significant.len() * 8 - first
}

#[cfg(test)]
mod tests;
