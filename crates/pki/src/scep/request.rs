//! The inner layer of a request: the envelope for the registration authority, and the PKCS #10 request in it.

use super::message::{Exchange, SignedMessage, acceptable};
use super::{Fault, MessageType, Refused, oid};
use crate::Pki;
use crate::issue::key_hash;
use crate::shape;
use cms::content_info::ContentInfo;
use cms::enveloped_data::EnvelopedData;
use der::asn1::ObjectIdentifier;
use der::{Decode, Tag, Tagged};
use openssl::cms::CmsContentInfo;
use openssl::pkey::{PKey, Public};
use openssl::x509::X509Req;
use uuid::Uuid;
use x509_cert::request::CertReq;

/// What a request asks for, and its authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// PKCSReq: a first certificate, authorized by the challenge.
    Enroll { challenge: Option<String> },
    /// RenewalReq: another certificate for the device whose certificate of this server signed the request. The caller
    /// checks in the device's stream whether that certificate is still accepted.
    Renew { device: Uuid },
}

/// A valid request. Its authorization is not checked yet.
#[derive(Debug)]
pub struct PkiRequest {
    pub kind: RequestKind,
    /// The key to certify. The request is signed with it.
    pub public_key: PKey<Public>,
    /// SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal.
    pub key_hash: String,
    pub exchange: Exchange,
}

impl PkiRequest {
    pub fn transaction_id(&self) -> &str {
        self.exchange.transaction_id()
    }
}

impl SignedMessage {
    /// Decrypts and parses the request. This is the expensive check, so the caller limits how many run at once.
    ///
    /// # Errors
    /// Returns the refusal to send. It is the same for every problem inside the envelope.
    pub fn open(mut self, pki: &Pki) -> Result<PkiRequest, Refused> {
        match self.read(pki) {
            Ok((kind, public_key, key_hash)) => Ok(PkiRequest { kind, public_key, key_hash, exchange: self.exchange }),
            Err(fault) => Err(Refused::of(self.exchange, fault)),
        }
    }

    fn read(&mut self, pki: &Pki) -> Result<(RequestKind, PKey<Public>, String), Fault> {
        if self.message_type == MessageType::Unsupported {
            return Err(Fault::Operation);
        }
        if !shape::is_one_envelope(&self.content) {
            return Err(Fault::Envelope);
        }
        let envelope = CmsContentInfo::from_der(&self.content).map_err(|_| Fault::Envelope)?;
        self.exchange.cipher = Some(permitted_cipher(&envelope)?);
        let (public_key, challenge) = self.decrypt(pki, &envelope)?;
        // The requester knows this result already, so it does not help an attacker to decrypt a message.
        if !acceptable(&public_key) {
            return Err(Fault::Algorithm);
        }
        let kind = match self.message_type {
            MessageType::RenewalReq => {
                let device = pki.device_of(&self.exchange.requester).ok_or(Fault::Certificate)?;
                RequestKind::Renew { device }
            }
            _ => RequestKind::Enroll { challenge },
        };
        let hash = key_hash(&public_key).map_err(|_| Fault::Request)?;
        Ok((kind, public_key, hash))
    }

    /// Everything that depends on the decrypted content. The requester receives the same failure for all of it.
    fn decrypt(&self, pki: &Pki, envelope: &CmsContentInfo) -> Result<(PKey<Public>, Option<String>), Fault> {
        let authority = &pki.inner.registration_authority;
        let pkcs10 = envelope.decrypt(&authority.key, &authority.certificate).map_err(|_| Fault::Decryption)?;
        if !shape::is_fair_request(&pkcs10) {
            return Err(Fault::Request);
        }
        let request = X509Req::from_der(&pkcs10).map_err(|_| Fault::Request)?;
        let key = request.public_key().map_err(|_| Fault::Request)?;
        // Proof of possession. The message may be signed with another key (RFC 8894 section 2.3 only says SHOULD): an
        // attacker who copies an envelope gets a certificate for a key that they do not have.
        if !request.verify(&key).is_ok_and(|fits| fits) {
            return Err(Fault::Request);
        }
        Ok((key, challenge(&pkcs10).ok_or(Fault::Request)?))
    }
}

fn permitted_cipher(envelope: &CmsContentInfo) -> Result<ObjectIdentifier, Fault> {
    let der = envelope.to_der().map_err(|_| Fault::Envelope)?;
    let outer = ContentInfo::from_der(&der).map_err(|_| Fault::Envelope)?;
    if outer.content_type != oid::ENVELOPED_DATA {
        return Err(Fault::Envelope);
    }
    let enveloped: EnvelopedData = outer.content.decode_as().map_err(|_| Fault::Envelope)?;
    let cipher = enveloped.encrypted_content.content_enc_alg.oid;
    let permitted = [oid::AES128_CBC, oid::AES192_CBC, oid::AES256_CBC, oid::DES_EDE3_CBC];
    permitted.contains(&cipher).then_some(cipher).ok_or(Fault::Algorithm)
}

/// Returns the challengePassword: `Some(None)` if there is none, `None` if it cannot be read or there are several.
fn challenge(pkcs10: &[u8]) -> Option<Option<String>> {
    let request = CertReq::from_der(pkcs10).ok()?;
    let mut found = request.info.attributes.iter().filter(|attribute| attribute.oid == oid::CHALLENGE_PASSWORD);
    let Some(attribute) = found.next() else { return Some(None) };
    let [value] = attribute.values.as_slice() else { return None };
    let is_text = matches!(value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::TeletexString);
    if found.next().is_some() || !is_text {
        return None;
    }
    String::from_utf8(value.value().to_vec()).ok().map(Some)
}
