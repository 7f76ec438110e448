//! The inner layer of a request: the envelope to our registration authority, and the PKCS #10 request in it.

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

/// What a request asks for, and by what right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// PKCSReq: a first certificate, for whoever knows the challenge.
    Enroll { challenge: Option<String> },
    /// RenewalReq: another certificate for the device that signed with one of ours. Whether that one is still in force is
    /// for the caller, who knows the device's stream.
    Renew { device: Uuid },
}

/// A request that is all in order but for the right to it.
#[derive(Debug)]
pub struct PkiRequest {
    pub kind: RequestKind,
    /// The key to certify; the request is signed with it.
    pub public_key: PKey<Public>,
    /// SHA-256 of its SubjectPublicKeyInfo, lower-case hex.
    pub key_hash: String,
    pub exchange: Exchange,
}

impl PkiRequest {
    pub fn transaction_id(&self) -> &str {
        self.exchange.transaction_id()
    }
}

impl SignedMessage {
    /// Decrypts and reads the request. This is the expensive gate: the caller bounds how many pass at once.
    ///
    /// # Errors
    /// The refusal to send. Whatever is wrong inside the envelope, it is the same one.
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
        // Known to whoever made the request; they decrypt nothing for an attacker.
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

    /// Everything that depends on what our key decrypts. The requester is told one failure for all of it.
    fn decrypt(&self, pki: &Pki, envelope: &CmsContentInfo) -> Result<(PKey<Public>, Option<String>), Fault> {
        let authority = &pki.inner.registration_authority;
        let pkcs10 = envelope.decrypt(&authority.key, &authority.certificate).map_err(|_| Fault::Decryption)?;
        if !shape::is_fair_request(&pkcs10) {
            return Err(Fault::Request);
        }
        let request = X509Req::from_der(&pkcs10).map_err(|_| Fault::Request)?;
        let key = request.public_key().map_err(|_| Fault::Request)?;
        // The proof of possession. The signer of the message may have another key (RFC 8894 section 2.3 only says SHOULD): a
        // certificate for the key of a copied envelope is of no use to who copied it.
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

/// The challengePassword: `Some(None)` where there is none, `None` where it is not readable or there are several.
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
