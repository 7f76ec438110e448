//! Signatures of devices. `Mdm-Signature` is a detached CMS over the body of a message. Its form is taken from real
//! messages of 2021: BER of indefinite length, SHA-1, no signed attributes, the signer's certificate and nothing
//! else. Messages that a device signs with its factory identity contain the content, in pieces, and the signer's
//! chain.

use crate::ber::{self, CONSTRUCTED_OCTET_STRING, CONTEXT_0, OCTET_STRING, SEQUENCE, SET};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;
use openssl::x509::X509;
use std::sync::OnceLock;

/// A key and the certificate that was issued for it.
#[derive(Clone)]
pub struct Identity {
    pub certificate: X509,
    pub key: PKey<Private>,
    /// HTTP client whose connections present this identity; created at first use.
    pub(crate) client: OnceLock<reqwest::Client>,
}

impl Identity {
    pub fn new(certificate: X509, key: PKey<Private>) -> Identity {
        Identity { certificate, key, client: OnceLock::new() }
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({:?})", self.certificate.subject_name())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    Sha1,
    Sha256,
}

/// CMS options of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub digest: Digest,
    pub signed_attributes: bool,
    /// BER with outer values of indefinite length; otherwise DER.
    pub indefinite: bool,
}

impl Style {
    /// CMS options used by real iPhones.
    pub const REAL: Style = Style { digest: Digest::Sha1, signed_attributes: false, indefinite: true };

    /// All combinations: each digest, without and with attributes, in DER and BER.
    pub fn every() -> [Style; 8] {
        let digest = |n: usize| if n < 4 { Digest::Sha1 } else { Digest::Sha256 };
        std::array::from_fn(|n| Style { digest: digest(n), signed_attributes: n & 2 != 0, indefinite: n & 1 != 0 })
    }
}

/// Content inside a message is written in pieces of this many bytes.
const PIECE: usize = 512;

pub const DATA: &[u32] = &[1, 2, 840, 113_549, 1, 7, 1];
pub const SIGNED_DATA: &[u32] = &[1, 2, 840, 113_549, 1, 7, 2];
pub(crate) const CONTENT_TYPE: &[u32] = &[1, 2, 840, 113_549, 1, 9, 3];
pub(crate) const MESSAGE_DIGEST: &[u32] = &[1, 2, 840, 113_549, 1, 9, 4];

impl Digest {
    pub(crate) fn algorithm(self) -> MessageDigest {
        match self {
            Digest::Sha1 => MessageDigest::sha1(),
            Digest::Sha256 => MessageDigest::sha256(),
        }
    }

    pub fn identifier(self) -> Vec<u8> {
        match self {
            Digest::Sha1 => ber::algorithm(&[1, 3, 14, 3, 2, 26], true),
            Digest::Sha256 => ber::algorithm(&[2, 16, 840, 1, 101, 3, 4, 2, 1], true),
        }
    }

    /// Returns the signature algorithm with this digest: PKCS#1 v1.5 or ECDSA (RFC 5754 §3).
    pub(crate) fn signature_identifier(self, key: Id) -> Vec<u8> {
        match (self, key) {
            (Digest::Sha1, Id::EC) => ber::algorithm(&[1, 2, 840, 10045, 4, 1], false),
            (Digest::Sha256, Id::EC) => ber::algorithm(&[1, 2, 840, 10045, 4, 3, 2], false),
            (Digest::Sha1, _) => ber::algorithm(&[1, 2, 840, 113_549, 1, 1, 5], true),
            (Digest::Sha256, _) => ber::algorithm(&[1, 2, 840, 113_549, 1, 1, 11], true),
        }
    }
}

/// Returns the value of the `Mdm-Signature` header for `body`.
///
/// # Errors
/// Returns an error if OpenSSL cannot sign with this key.
pub fn mdm_signature(body: &[u8], identity: &Identity, style: Style) -> Result<String, ErrorStack> {
    Ok(STANDARD.encode(detached(body, identity, style)?))
}

/// Returns the detached CMS (RFC 5652 §5).
///
/// # Errors
/// Returns an error if OpenSSL cannot sign with this key.
pub fn detached(body: &[u8], identity: &Identity, style: Style) -> Result<Vec<u8>, ErrorStack> {
    signed_data(body, &[], identity, &[], style)
}

/// Returns a CMS with `content` inside. The certificates of `chain` follow the signer's.
///
/// # Errors
/// Returns an error if OpenSSL cannot sign with this key.
pub fn attached(content: &[u8], identity: &Identity, chain: &[X509], style: Style) -> Result<Vec<u8>, ErrorStack> {
    let inside = if style.indefinite {
        let pieces: Vec<Vec<u8>> = content.chunks(PIECE).map(|piece| ber::encode(OCTET_STRING, piece)).collect();
        ber::indefinite(CONTEXT_0, &[&ber::indefinite(CONSTRUCTED_OCTET_STRING, &[&pieces.concat()])])
    } else {
        ber::encode(CONTEXT_0, &ber::encode(OCTET_STRING, content))
    };
    signed_data(content, &inside, identity, chain, style)
}

fn signed_data(
    content: &[u8],
    inside: &[u8],
    identity: &Identity,
    chain: &[X509],
    style: Style,
) -> Result<Vec<u8>, ErrorStack> {
    let outer = if style.indefinite { ber::indefinite } else { ber::constructed };
    let attributes = if style.signed_attributes { attributes_of(content, style.digest)? } else { Vec::new() };
    let signer_info = signer_info(content, identity, style.digest, &attributes)?;
    let mut certificates = identity.certificate.to_der()?;
    for certificate in chain {
        certificates.extend(certificate.to_der()?);
    }
    let signed_data = outer(
        SEQUENCE,
        &[
            &ber::unsigned(&[1]),
            &ber::encode(SET, &style.digest.identifier()),
            &outer(SEQUENCE, &[&ber::oid(DATA), inside]),
            &ber::encode(CONTEXT_0, &certificates),
            &ber::encode(SET, &signer_info),
        ],
    );
    Ok(outer(SEQUENCE, &[&ber::oid(SIGNED_DATA), &outer(CONTEXT_0, &[&signed_data])]))
}

fn attributes_of(body: &[u8], digest: Digest) -> Result<Vec<Vec<u8>>, ErrorStack> {
    let hashed = hash(digest.algorithm(), body)?;
    Ok(vec![
        ber::attribute(CONTENT_TYPE, &ber::oid(DATA)),
        ber::attribute(MESSAGE_DIGEST, &ber::encode(OCTET_STRING, &hashed)),
    ])
}

/// Returns a SignerInfo over `content`, or over `attributes` if there are any. Attributes are signed as a SET OF,
/// although they are sent as `[0]` (RFC 5652 §5.4).
pub fn signer_info(
    content: &[u8],
    identity: &Identity,
    digest: Digest,
    attributes: &[Vec<u8>],
) -> Result<Vec<u8>, ErrorStack> {
    let (signed, sent) = if attributes.is_empty() {
        (content.to_vec(), Vec::new())
    } else {
        (ber::set_of(SET, attributes.to_vec()), ber::set_of(CONTEXT_0, attributes.to_vec()))
    };
    let mut signer = Signer::new(digest.algorithm(), &identity.key)?;
    let signature = signer.sign_oneshot_to_vec(&signed)?;
    Ok(ber::constructed(
        SEQUENCE,
        &[
            &ber::unsigned(&[1]),
            &issuer_and_serial_number(&identity.certificate)?,
            &digest.identifier(),
            &sent,
            &digest.signature_identifier(identity.key.id()),
            &ber::encode(OCTET_STRING, &signature),
        ],
    ))
}

fn issuer_and_serial_number(certificate: &X509) -> Result<Vec<u8>, ErrorStack> {
    let issuer = certificate.issuer_name().to_der()?;
    let serial = certificate.serial_number().to_bn()?.to_vec();
    Ok(ber::constructed(SEQUENCE, &[&issuer, &ber::unsigned(&serial)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate_request::{self_signed, subject};
    use openssl::cms::{CMSOptions, CmsContentInfo};
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::rsa::Rsa;
    use openssl::x509::store::X509StoreBuilder;
    use std::process::Command;

    fn identity(key: PKey<Private>) -> Identity {
        self_signed(&subject(&[("CN".into(), "a device".into())]).unwrap(), &key).unwrap()
    }

    fn rsa() -> Identity {
        identity(PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap())
    }

    fn ecdsa() -> Identity {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        identity(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
    }

    fn verifies(cms: &[u8], body: &[u8]) -> bool {
        let nobody = X509StoreBuilder::new().unwrap().build();
        let flags = CMSOptions::BINARY | CMSOptions::NO_SIGNER_CERT_VERIFY;
        CmsContentInfo::from_der(cms).unwrap().verify(None, Some(&nobody), Some(body), None, flags).is_ok()
    }

    #[test]
    fn every_style_is_verified_by_openssl_and_covers_the_body() {
        for signer in [rsa(), ecdsa()] {
            for style in Style::every() {
                let cms = detached(b"<plist/>", &signer, style).unwrap();
                assert!(verifies(&cms, b"<plist/>"), "{style:?}");
                assert!(!verifies(&cms, b"<plist> "), "{style:?}");
            }
        }
    }

    #[test]
    fn the_real_style_has_indefinite_lengths_and_no_signed_attributes() {
        let cms = detached(b"body", &rsa(), Style::REAL).unwrap();
        assert_eq!(cms[..2], [0x30, 0x80]);
        assert_eq!(cms[13..17], [0xa0, 0x80, 0x30, 0x80]);
        assert_eq!(cms[cms.len() - 6..], [0; 6]);
        // SHA-1 with RSA directly follows the digest, so there are no attributes in between.
        let algorithms = [Digest::Sha1.identifier(), Digest::Sha1.signature_identifier(Id::RSA)].concat();
        assert!(cms.windows(algorithms.len()).any(|window| window == algorithms));
    }

    #[test]
    fn a_content_inside_is_what_openssl_finds_in_every_style() {
        let (signer, content) = (rsa(), vec![b'x'; 3 * PIECE + 7]);
        for style in Style::every() {
            let cms = attached(&content, &signer, &[ecdsa().certificate], style).unwrap();
            let nobody = X509StoreBuilder::new().unwrap().build();
            let flags = CMSOptions::BINARY | CMSOptions::NO_SIGNER_CERT_VERIFY;
            let mut found = Vec::new();
            let mut message = CmsContentInfo::from_der(&cms).unwrap();
            message.verify(None, Some(&nobody), None, Some(&mut found), flags).unwrap();
            assert_eq!(found, content, "{style:?}");
        }
    }

    /// Like the beginning of a `x-apple-aspen-deviceinfo` value in the documentation of a vendor.
    #[test]
    fn the_real_style_has_its_content_in_a_constructed_octet_string() {
        let cms = attached(b"body", &rsa(), &[], Style::REAL).unwrap();
        let head = [&[0x30, 0x80][..], &ber::oid(DATA), &[0xa0, 0x80, 0x24, 0x80, 0x04, 4], b"body", &[0; 6]].concat();
        assert!(cms.windows(head.len()).any(|window| window == head));
    }

    #[test]
    fn the_openssl_command_verifies_the_real_style_where_it_is_installed() {
        if Command::new("openssl").arg("version").output().is_err() {
            return test_support::left_out("there is no openssl command here");
        }
        let folder = tempfile::tempdir().unwrap();
        let (cms, body) = (folder.path().join("signature"), folder.path().join("body"));
        std::fs::write(&cms, detached(b"body\r\n", &rsa(), Style::REAL).unwrap()).unwrap();
        std::fs::write(&body, b"body\r\n").unwrap();
        let mut command = Command::new("openssl");
        command.args(["cms", "-verify", "-binary", "-noverify", "-inform", "DER", "-in"]).arg(&cms);
        let output = command.arg("-content").arg(&body).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Compares the order of tags and kinds of length with the real sample, up to the certificate, which depends on
    /// the CA.
    #[test]
    fn it_has_the_shape_of_the_real_sample_where_shared_is_there() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/mdm-signature/header.b64");
        let Ok(text) = std::fs::read_to_string(path) else {
            return test_support::left_out(&format!("{path} is missing"));
        };
        let text: String = text.split_whitespace().collect();
        let real = STANDARD.decode(text).unwrap();
        let ours = detached(b"body", &rsa(), Style::REAL).unwrap();
        // Up to and including the tag and the length form of the certificates.
        assert_eq!(ours[..50], real[..50]);
    }
}
