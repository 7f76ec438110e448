//! CertRep (RFC 8894 section 3.3.2): the certificate, or the reason why there is none.

use super::authority::certificates_only;
use super::message::Exchange;
use super::{FailInfo, oid};
use crate::Pki;
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{ObjectIdentifier, OctetString, OctetStringRef, SetOfVec};
use der::{Any, Decode, Encode, Tag};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::hash::{MessageDigest, hash};
use openssl::sign::Signer;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::X509Ref;
use world::World;
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// The answer could not be created. This is the server's fault: HTTP 503.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("OpenSSL failed: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
    #[error("the answer cannot be encoded: {0}")]
    Encoding(#[from] der::Error),
}

/// Creates the answer with the certificate, encrypted to the requester's certificate.
///
/// # Errors
/// Returns an error if OpenSSL fails.
pub fn succeed(pki: &Pki, world: &World, exchange: &Exchange, certificate: &X509Ref) -> Result<Vec<u8>, AnswerError> {
    // It contains only the issued certificate. Clients have the CA's certificate from GetCACert.
    let certificates = certificates_only(&[certificate])?;
    let mut to = Stack::new()?;
    to.push(exchange.requester.clone())?;
    let envelope = CmsContentInfo::encrypt(&to, &certificates, cipher(exchange), CMSOptions::BINARY)?.to_der()?;
    let status = [text(oid::PKI_STATUS, "0")?];
    sign(pki, world, exchange, Some(envelope), &status)
}

/// Creates a refusal, which has no content.
///
/// # Errors
/// Returns an error if OpenSSL fails.
pub fn fail(pki: &Pki, world: &World, exchange: &Exchange, why: FailInfo) -> Result<Vec<u8>, AnswerError> {
    sign(pki, world, exchange, None, &[text(oid::PKI_STATUS, "2")?, text(oid::FAIL_INFO, why.code())?])
}

fn cipher(exchange: &Exchange) -> Cipher {
    match exchange.cipher {
        Some(oid::AES256_CBC) => Cipher::aes_256_cbc(),
        Some(oid::AES192_CBC) => Cipher::aes_192_cbc(),
        Some(oid::DES_EDE3_CBC) => Cipher::des_ede3_cbc(),
        _ => Cipher::aes_128_cbc(),
    }
}

fn message_digest(exchange: &Exchange) -> MessageDigest {
    match exchange.digest {
        oid::SHA384 => MessageDigest::sha384(),
        oid::SHA512 => MessageDigest::sha512(),
        _ => MessageDigest::sha256(),
    }
}

fn sign(
    pki: &Pki,
    world: &World,
    exchange: &Exchange,
    content: Option<Vec<u8>>,
    status: &[Attribute],
) -> Result<Vec<u8>, AnswerError> {
    let authority = &pki.inner.registration_authority;
    let digest = hash(message_digest(exchange), content.as_deref().unwrap_or_default())?;
    // contentType and messageDigest are present on failure too: iOS crashed on answers without them
    // (micromdm/scep#76).
    let mut attributes = vec![
        attribute(oid::CONTENT_TYPE, Any::encode_from(&oid::DATA)?)?,
        octets(oid::MESSAGE_DIGEST, &digest)?,
        text(oid::MESSAGE_TYPE, "3")?,
        octets(oid::SENDER_NONCE, &world.random::<16>())?,
        octets(oid::RECIPIENT_NONCE, &exchange.sender_nonce)?,
        text(oid::TRANSACTION_ID, &exchange.transaction_id)?,
    ];
    attributes.extend_from_slice(status);
    let attributes = SetOfVec::try_from(attributes)?;
    // Signed as SET OF, not with the tag [0] that they are sent with (RFC 5652 section 5.4).
    let mut signer = Signer::new(message_digest(exchange), &authority.key)?;
    signer.update(&attributes.to_der()?)?;
    let certificate = Certificate::from_der(&authority.certificate.to_der()?)?;
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: certificate.tbs_certificate.issuer.clone(),
            serial_number: certificate.tbs_certificate.serial_number.clone(),
        }),
        digest_alg: algorithm(exchange.digest),
        signed_attrs: Some(attributes),
        signature_algorithm: algorithm(oid::RSA_ENCRYPTION),
        signature: OctetString::new(signer.sign_to_vec()?)?,
        unsigned_attrs: None,
    };
    enclose(exchange, content, certificate, signer)
}

fn enclose(
    exchange: &Exchange,
    content: Option<Vec<u8>>,
    certificate: Certificate,
    signer: SignerInfo,
) -> Result<Vec<u8>, AnswerError> {
    let content = content.map(|content| Any::encode_from(&OctetStringRef::new(&content)?)).transpose()?;
    let signed = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![algorithm(exchange.digest)])?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: oid::DATA, econtent: content },
        certificates: Some(CertificateSet(SetOfVec::try_from(vec![CertificateChoices::Certificate(certificate)])?)),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
    };
    Ok(ContentInfo { content_type: oid::SIGNED_DATA, content: Any::encode_from(&signed)? }.to_der()?)
}

fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) }
}

fn attribute(oid: ObjectIdentifier, value: Any) -> Result<Attribute, der::Error> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}

fn octets(oid: ObjectIdentifier, bytes: &[u8]) -> Result<Attribute, der::Error> {
    attribute(oid, Any::encode_from(&OctetStringRef::new(bytes)?)?)
}

/// RFC 8894 section 3.2.1 requires PrintableString. The bytes of a transactionID are repeated unchanged.
fn text(oid: ObjectIdentifier, text: &str) -> Result<Attribute, der::Error> {
    attribute(oid, Any::new(Tag::PrintableString, text.as_bytes())?)
}
