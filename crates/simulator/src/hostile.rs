//! Messages with which an attacker causes work for a server: valid signed messages, changed in each way that was
//! found to cost the most. They are well-formed, so a library does all the work before it rejects them.

use crate::ber::{self, CONTEXT_0, OCTET_STRING, SEQUENCE, SET};
use openssl::bn::BigNum;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Builder};

/// A list of revoked certificates, `[1]`, which follows the certificates.
const CONTEXT_1: u8 = 0xa1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The content is hashed once for each entry of `digestAlgorithms`.
    ManyDigests,
    TwoDigests,
    /// One digest, but not the signer's.
    AnotherDigest,
    ManySigners,
    /// Each is parsed, and its key decoded.
    ManyCertificates,
    FiveCertificates,
    /// One certificate whose name has thousands of parts.
    LongName,
    RevocationLists,
    /// An RSA key of 16,384 bits.
    HugeRsa,
    /// An exponent as long as the modulus.
    LongExponent,
    /// An elliptic curve given by its parameters instead of its name.
    ExplicitCurve,
    ManyAttributes,
    LongAttributes,
    ManyUnsignedAttributes,
}

impl Shape {
    pub const EVERY: [Shape; 14] = [
        Shape::ManyDigests,
        Shape::TwoDigests,
        Shape::AnotherDigest,
        Shape::ManySigners,
        Shape::ManyCertificates,
        Shape::FiveCertificates,
        Shape::LongName,
        Shape::RevocationLists,
        Shape::HugeRsa,
        Shape::LongExponent,
        Shape::ExplicitCurve,
        Shape::ManyAttributes,
        Shape::LongAttributes,
        Shape::ManyUnsignedAttributes,
    ];

    /// Returns a name for files.
    pub fn name(self) -> String {
        let words = format!("{self:?}").chars().fold(String::new(), |mut name, c| {
            if c.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
            name
        });
        format!("shape-{words}")
    }
}

/// Changes a valid SignedData (DER, one signer with its certificate) so that it is expensive to verify. The result
/// has fewer than `most` bytes. `key` signs what has to be signed again.
///
/// # Errors
/// Returns an error if OpenSSL fails.
pub fn spoiled(honest: &[u8], shape: Shape, most: usize, key: &PKeyRef<Private>) -> Result<Vec<u8>, ErrorStack> {
    let room = most.saturating_sub(honest.len() + 64);
    let mut parts = Parts::of(honest);
    match shape {
        Shape::ManyDigests => parts.digests = filled(&ber::algorithm(&[1, 3, 14, 3, 2, 26], true), room),
        Shape::TwoDigests => {
            parts.digests = [parts.digests, ber::algorithm(&[2, 16, 840, 1, 101, 3, 4, 2, 3], true)].concat();
        }
        Shape::AnotherDigest => parts.digests = ber::algorithm(&[2, 16, 840, 1, 101, 3, 4, 2, 3], true),
        Shape::ManySigners => parts.signers = filled(&parts.signers, room),
        Shape::ManyCertificates => parts.certificates = filled(&parts.certificates, room),
        Shape::FiveCertificates => parts.certificates = parts.certificates.repeat(5),
        Shape::LongName => parts.certificates.extend(long_name(room)?),
        Shape::RevocationLists => parts.lists = ber::encode(CONTEXT_1, &[]),
        Shape::HugeRsa => parts.certify(&*rsa(16_384, 17)?, key)?,
        Shape::LongExponent => parts.certify(&*rsa(3_072, 3_072)?, key)?,
        Shape::ExplicitCurve => parts.certify(&*explicit_curve()?, key)?,
        Shape::ManyAttributes => parts.with_attributes(CONTEXT_0, &filled(&attribute(16), room)),
        Shape::LongAttributes => parts.with_attributes(CONTEXT_0, &attribute(4 * 1024)),
        Shape::ManyUnsignedAttributes => parts.with_attributes(CONTEXT_1, &filled(&attribute(16), room)),
    }
    Ok(parts.message())
}

/// The members of a SignedData.
struct Parts {
    version: Vec<u8>,
    digests: Vec<u8>,
    content: Vec<u8>,
    certificates: Vec<u8>,
    lists: Vec<u8>,
    signers: Vec<u8>,
}

impl Parts {
    fn of(message: &[u8]) -> Parts {
        let inside = members(content(&members(content(message))[1]))[0].clone();
        let [version, digests, content_info, certificates, signers] = &members(content(&inside))[..] else {
            unreachable!("an honest message with certificates has five members")
        };
        Parts {
            version: version.clone(),
            digests: content(digests).to_vec(),
            content: content_info.clone(),
            certificates: content(certificates).to_vec(),
            lists: Vec::new(),
            signers: content(signers).to_vec(),
        }
    }

    fn message(&self) -> Vec<u8> {
        let signed_data = ber::constructed(
            SEQUENCE,
            &[
                &self.version,
                &ber::encode(SET, &self.digests),
                &self.content,
                &ber::encode(CONTEXT_0, &self.certificates),
                &self.lists,
                &ber::encode(SET, &self.signers),
            ],
        );
        let inside = ber::encode(CONTEXT_0, &signed_data);
        ber::constructed(SEQUENCE, &[&ber::oid(super::signature::SIGNED_DATA), &inside])
    }

    // Replaces the key in the signer's certificate under the same name. The signature is then wrong, which a verifier
    // finds out last.
    fn certify(&mut self, public_key: &PKeyRef<Public>, key: &PKeyRef<Private>) -> Result<(), ErrorStack> {
        let honest = X509::from_der(&self.certificates)?;
        let mut builder = like(&honest)?;
        builder.set_subject_name(honest.subject_name())?;
        builder.set_pubkey(public_key)?;
        builder.sign(key, MessageDigest::sha256())?;
        self.certificates = builder.build().to_der()?;
        Ok(())
    }

    fn with_attributes(&mut self, tag: u8, attributes: &[u8]) {
        let mut signer = members(content(&self.signers));
        let attributes = ber::encode(tag, attributes);
        // Version, name and digest come before the signed attributes; the unsigned ones are last.
        if tag == CONTEXT_0 {
            signer.retain(|member| member[0] != CONTEXT_0);
            signer.insert(3, attributes);
        } else {
            signer.push(attributes);
        }
        self.signers = ber::encode(SEQUENCE, &signer.concat());
    }
}

fn filled(value: &[u8], room: usize) -> Vec<u8> {
    value.repeat((room / value.len()).max(2))
}

fn attribute(length: usize) -> Vec<u8> {
    ber::attribute(&[1, 2, 840, 113_549, 1, 9, 16, 2, 999], &ber::encode(OCTET_STRING, &vec![0; length]))
}

fn like(honest: &X509) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(honest.serial_number())?;
    builder.set_issuer_name(honest.issuer_name())?;
    builder.set_not_before(honest.not_before())?;
    builder.set_not_after(honest.not_after())?;
    Ok(builder)
}

// Built by hand: a name with thousands of parts, each as short as possible. The certificate's signature is invalid.
fn long_name(room: usize) -> Result<Vec<u8>, ErrorStack> {
    let part = ber::encode(
        SET,
        &ber::constructed(SEQUENCE, &[&ber::oid(&[2, 5, 4, 3]), &ber::encode(ber::UTF8_STRING, b"a")]),
    );
    let name = ber::encode(SEQUENCE, &filled(&part, room.saturating_sub(400)));
    let key = rsa(1_024, 17)?.public_key_to_der()?;
    let time = ber::encode(0x17, b"250101000000Z");
    let algorithm = ber::algorithm(&[1, 2, 840, 113_549, 1, 1, 11], true);
    let to_be_signed = ber::constructed(
        SEQUENCE,
        &[
            &ber::unsigned(&[7]),
            &algorithm,
            &ber::encode(SEQUENCE, &[]),
            &ber::constructed(SEQUENCE, &[&time, &time]),
            &name,
            &key,
        ],
    );
    Ok(ber::constructed(SEQUENCE, &[&to_be_signed, &algorithm, &ber::encode(ber::BIT_STRING, &[0; 129])]))
}

// Creates only a public key: generating a key pair of this size takes minutes.
fn rsa(bits: usize, exponent_bits: usize) -> Result<PKey<Public>, ErrorStack> {
    let odd = |bits: usize| {
        let mut bytes = vec![0xa5u8; bits / 8];
        bytes.insert(0, if bits.is_multiple_of(8) { 0 } else { 1 });
        if let Some(last) = bytes.last_mut() {
            *last |= 1;
        }
        BigNum::from_slice(&bytes)
    };
    PKey::from_rsa(Rsa::from_public_components(odd(bits)?, odd(exponent_bits)?)?)
}

fn explicit_curve() -> Result<PKey<Public>, ErrorStack> {
    let mut group = EcGroup::from_curve_name(Nid::SECP521R1)?;
    group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
    let private = EcKey::generate(&group)?;
    PKey::from_ec_key(EcKey::from_public_key(&group, private.public_key())?)
}

// Parses only definite lengths: the valid messages are in DER.
fn header(value: &[u8]) -> (usize, usize) {
    match usize::from(value[1]) {
        short @ 0..=0x7f => (2, short),
        long => {
            let octets = &value[2..2 + (long & 0x7f)];
            (2 + octets.len(), octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)))
        }
    }
}

fn content(value: &[u8]) -> &[u8] {
    let (header, length) = header(value);
    &value[header..header + length]
}

fn members(mut content: &[u8]) -> Vec<Vec<u8>> {
    let mut members = Vec::new();
    while !content.is_empty() {
        let (header, length) = header(content);
        let (member, rest) = content.split_at(header + length);
        members.push(member.to_vec());
        content = rest;
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate_request::{self_signed, subject};
    use crate::signature::{self, Digest, Style};
    use openssl::pkcs7::Pkcs7;

    #[test]
    fn a_library_reads_them_all_before_it_says_no() {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let identity = self_signed(&subject(&[("CN".into(), "a device".into())]).unwrap(), &key).unwrap();
        let style = Style { digest: Digest::Sha256, signed_attributes: true, indefinite: false };
        let honest = signature::attached(b"content", &identity, &[], style).unwrap();
        for shape in Shape::EVERY {
            let message = spoiled(&honest, shape, 60_000, &key).unwrap();
            assert!(message.len() < 60_000, "{shape:?}: {} bytes", message.len());
            assert!(Pkcs7::from_der(&message).is_ok(), "{shape:?}");
        }
        assert_eq!(Shape::ManyUnsignedAttributes.name(), "shape-many-unsigned-attributes");
    }
}
