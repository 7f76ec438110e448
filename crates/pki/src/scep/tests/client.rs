//! A SCEP client for tests that can also misbehave: it builds requests attribute by attribute and parses answers with
//! OpenSSL.

use crate::scep::oid;
use crate::template::{Template, Use};
use crate::{files, testing};
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::EnvelopedData;
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{BitString, ObjectIdentifier, OctetString, SetOfVec};
use der::{Any, Decode, Encode, Tag, Tagged};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::X509;
use std::str::FromStr;
use world::World;
use x509_cert::attr::Attribute;
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

pub(crate) const TRANSACTION: &str = "6C0E7D0B5F5C1E5A";
pub(crate) const NONCE: [u8; 16] = *b"sixteen bytes...";
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

pub(crate) struct Client {
    pub key: PKey<Private>,
    pub certificate: X509,
}

/// Parameters of a request. The default is the request of an iPhone.
pub(crate) struct Asks<'a> {
    pub message_type: &'a str,
    pub transaction: &'a str,
    pub subject: &'a str,
    pub challenge: Vec<Any>,
    pub cipher: Cipher,
    pub digest: ObjectIdentifier,
    /// Key of the CSR, if it is not the signing key.
    pub csr_key: Option<PKey<Private>>,
    /// Recipient of the envelope, if it is not the registration authority.
    pub recipient: Option<X509>,
    /// Content of the envelope instead of a CSR.
    pub enveloped: Option<Vec<u8>>,
    /// Signed content instead of an envelope.
    pub content: Option<Vec<u8>>,
    /// Changes the attributes before they are signed.
    pub spoil: fn(&mut Vec<Attribute>),
}

impl Default for Asks<'_> {
    fn default() -> Self {
        Asks {
            message_type: "19",
            transaction: TRANSACTION,
            subject: "device",
            challenge: vec![Any::new(Tag::Utf8String, b"challenge-1.secret".as_slice()).unwrap()],
            cipher: Cipher::aes_128_cbc(),
            digest: oid::SHA256,
            csr_key: None,
            recipient: None,
            enveloped: None,
            content: None,
            spoil: |_| {},
        }
    }
}

pub(crate) fn attribute(oid: ObjectIdentifier, value: Any) -> Attribute {
    Attribute { oid, values: SetOfVec::try_from(vec![value]).unwrap() }
}

pub(crate) fn printable(text: &str) -> Any {
    Any::new(Tag::PrintableString, text.as_bytes()).unwrap()
}

pub(crate) fn octets(bytes: &[u8]) -> Any {
    Any::encode_from(&OctetString::new(bytes).unwrap()).unwrap()
}

fn public(key: &PKey<Private>) -> PKey<Public> {
    PKey::public_key_from_der(&key.public_key_to_der().unwrap()).unwrap()
}

fn digest_of(oid: ObjectIdentifier) -> MessageDigest {
    match oid {
        oid::SHA1 => MessageDigest::sha1(),
        oid::SHA384 => MessageDigest::sha384(),
        oid::SHA512 => MessageDigest::sha512(),
        oid::SHA256 => MessageDigest::sha256(),
        _ => MessageDigest::md5(),
    }
}

fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) }
}

impl Client {
    pub(crate) fn new() -> Client {
        Client::of_bits(2048)
    }

    pub(crate) fn of_bits(bits: u32) -> Client {
        let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let template = Template {
            purpose: Use::DeviceIdentity,
            subject: &[("CN", "a device without a name")],
            alternative_names: &[],
            now: World::system().now().0 / 1_000_000,
            days: 1,
        };
        let certificate = template.sign(&public(&key), None, &key).unwrap();
        Client { key, certificate }
    }

    /// A client with the same key and another certificate.
    pub(crate) fn with(&self, certificate: X509) -> Client {
        Client { key: self.key.clone(), certificate }
    }

    pub(crate) fn key_hash(&self) -> String {
        hex::encode(openssl::sha::sha256(&self.key.public_key_to_der().unwrap()))
    }

    pub(crate) fn pkcs10(&self, asks: &Asks<'_>) -> Vec<u8> {
        let key = asks.csr_key.as_ref().unwrap_or(&self.key);
        let mut attributes = SetOfVec::new();
        if !asks.challenge.is_empty() {
            let values = SetOfVec::try_from(asks.challenge.clone()).unwrap();
            attributes.insert(Attribute { oid: oid::CHALLENGE_PASSWORD, values }).unwrap();
        }
        let info = CertReqInfo {
            version: x509_cert::request::Version::V1,
            subject: Name::from_str(&format!("CN={}", asks.subject)).unwrap(),
            public_key: SubjectPublicKeyInfoOwned::from_der(&key.public_key_to_der().unwrap()).unwrap(),
            attributes,
        };
        let mut signer = Signer::new(MessageDigest::sha256(), key).unwrap();
        signer.update(&info.to_der().unwrap()).unwrap();
        let signature = BitString::from_bytes(&signer.sign_to_vec().unwrap()).unwrap();
        CertReq { info, algorithm: algorithm(SHA256_WITH_RSA), signature }.to_der().unwrap()
    }

    pub(crate) fn envelope(&self, asks: &Asks<'_>) -> Vec<u8> {
        let authority = &testing::files().files.registration_authority_certificate;
        let recipient = asks.recipient.clone().unwrap_or_else(|| files::certificate(authority).unwrap());
        let mut to = Stack::new().unwrap();
        to.push(recipient).unwrap();
        let inside = asks.enveloped.clone().unwrap_or_else(|| self.pkcs10(asks));
        CmsContentInfo::encrypt(&to, &inside, asks.cipher, CMSOptions::BINARY).unwrap().to_der().unwrap()
    }

    pub(crate) fn message(&self, asks: &Asks<'_>) -> Vec<u8> {
        let content = asks.content.clone().unwrap_or_else(|| self.envelope(asks));
        let digest = hash(digest_of(asks.digest), &content).unwrap();
        let mut attributes = vec![
            attribute(oid::CONTENT_TYPE, Any::encode_from(&oid::DATA).unwrap()),
            attribute(oid::MESSAGE_DIGEST, octets(&digest)),
            attribute(oid::MESSAGE_TYPE, printable(asks.message_type)),
            attribute(oid::SENDER_NONCE, octets(&NONCE)),
            attribute(oid::TRANSACTION_ID, printable(asks.transaction)),
        ];
        (asks.spoil)(&mut attributes);
        self.signed(content, attributes, asks.digest)
    }

    fn signed(&self, content: Vec<u8>, attributes: Vec<Attribute>, digest: ObjectIdentifier) -> Vec<u8> {
        let attributes = SetOfVec::try_from(attributes).unwrap();
        let mut signer = Signer::new(digest_of(digest), &self.key).unwrap();
        signer.update(&attributes.to_der().unwrap()).unwrap();
        let certificate = x509_cert::Certificate::from_der(&self.certificate.to_der().unwrap()).unwrap();
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: certificate.tbs_certificate.issuer.clone(),
                serial_number: certificate.tbs_certificate.serial_number.clone(),
            }),
            digest_alg: algorithm(digest),
            signed_attrs: Some(attributes),
            signature_algorithm: algorithm(oid::RSA_ENCRYPTION),
            signature: OctetString::new(signer.sign_to_vec().unwrap()).unwrap(),
            unsigned_attrs: None,
        };
        let certificates = SetOfVec::try_from(vec![CertificateChoices::Certificate(certificate)]).unwrap();
        let signed = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![algorithm(digest)]).unwrap(),
            encap_content_info: EncapsulatedContentInfo { econtent_type: oid::DATA, econtent: Some(octets(&content)) },
            certificates: Some(CertificateSet(certificates)),
            crls: None,
            signer_infos: SignerInfos(SetOfVec::try_from(vec![signer]).unwrap()),
        };
        wrap(&signed)
    }

    /// OpenSSL does not support single DES any more, so this envelope only names it.
    pub(crate) fn message_in_single_des(&self) -> Vec<u8> {
        let envelope = ContentInfo::from_der(&self.envelope(&Asks::default())).unwrap();
        let mut enveloped: EnvelopedData = envelope.content.decode_as().unwrap();
        enveloped.encrypted_content.content_enc_alg.oid = ObjectIdentifier::new_unwrap("1.3.14.3.2.7");
        let content = Any::encode_from(&enveloped).unwrap();
        let content = ContentInfo { content_type: oid::ENVELOPED_DATA, content }.to_der().unwrap();
        self.message(&Asks { content: Some(content), ..Asks::default() })
    }

    /// Parses an answer like a strict client: it verifies the signature of the registration authority first.
    pub(crate) fn read(&self, answer: &[u8]) -> Reply {
        let authority = files::certificate(&testing::files().files.registration_authority_certificate).unwrap();
        let mut only = Stack::new().unwrap();
        only.push(authority).unwrap();
        let flags = CMSOptions::BINARY | CMSOptions::NOINTERN | CMSOptions::NO_SIGNER_CERT_VERIFY;
        let signed: SignedData = ContentInfo::from_der(answer).unwrap().content.decode_as().unwrap();
        let has_content = signed.encap_content_info.econtent.is_some();
        let mut content = Vec::new();
        let detached: Option<&[u8]> = if has_content { None } else { Some(&[]) };
        let mut message = CmsContentInfo::from_der(answer).unwrap();
        message.verify(Some(&only), None, detached, Some(&mut content), flags).expect("the answer is signed by the RA");
        let signer = signed.signer_infos.0.get(0).unwrap();
        let attributes = signer.signed_attrs.as_ref().unwrap();
        let one = |wanted| {
            let mut found = attributes.iter().filter(|attribute| attribute.oid == wanted);
            let value = found.next().map(|attribute| attribute.values.get(0).unwrap().clone());
            assert!(found.next().is_none());
            value
        };
        let text = |wanted| one(wanted).map(|value: Any| String::from_utf8(value.value().to_vec()).unwrap());
        let printable = attributes.iter().flat_map(|attribute| attribute.values.iter());
        Reply {
            status: text(oid::PKI_STATUS).unwrap(),
            fail_info: text(oid::FAIL_INFO),
            message_type: text(oid::MESSAGE_TYPE).unwrap(),
            transaction: one(oid::TRANSACTION_ID).unwrap().value().to_vec(),
            recipient_nonce: one(oid::RECIPIENT_NONCE).unwrap().value().to_vec(),
            sender_nonce: one(oid::SENDER_NONCE).unwrap().value().to_vec(),
            printable_strings: printable.filter(|value| value.tag() == Tag::PrintableString).count(),
            digest: signer.digest_alg.oid,
            cipher: has_content.then(|| cipher_of(&content)),
            certificate: has_content.then(|| self.decrypt(&content)),
            has_content,
        }
    }

    fn decrypt(&self, envelope: &[u8]) -> X509 {
        let certificates = CmsContentInfo::from_der(envelope).unwrap().decrypt(&self.key, &self.certificate).unwrap();
        let degenerate = openssl::pkcs7::Pkcs7::from_der(&certificates).unwrap();
        degenerate.signed().unwrap().certificates().unwrap().get(0).unwrap().to_owned()
    }
}

pub(crate) struct Reply {
    pub status: String,
    pub fail_info: Option<String>,
    pub message_type: String,
    pub transaction: Vec<u8>,
    pub recipient_nonce: Vec<u8>,
    pub sender_nonce: Vec<u8>,
    pub printable_strings: usize,
    pub digest: ObjectIdentifier,
    pub cipher: Option<ObjectIdentifier>,
    pub certificate: Option<X509>,
    pub has_content: bool,
}

fn cipher_of(envelope: &[u8]) -> ObjectIdentifier {
    let enveloped: EnvelopedData = ContentInfo::from_der(envelope).unwrap().content.decode_as().unwrap();
    enveloped.encrypted_content.content_enc_alg.oid
}

pub(crate) fn wrap(signed: &SignedData) -> Vec<u8> {
    ContentInfo { content_type: oid::SIGNED_DATA, content: Any::encode_from(signed).unwrap() }.to_der().unwrap()
}

pub(crate) fn unwrap(message: &[u8]) -> SignedData {
    ContentInfo::from_der(message).unwrap().content.decode_as().unwrap()
}

/// Encodes a message with indefinite lengths outside and content in pieces, as Apple's encoder does.
pub(crate) fn indefinite(der: &[u8]) -> Vec<u8> {
    let content = |element: &[u8]| Any::from_der(element).unwrap().value().to_vec();
    let open = |tag: u8, inside: Vec<u8>| [vec![tag, 0x80], inside, vec![0, 0]].concat();
    let members = |sequence: &[u8]| -> Vec<Vec<u8>> {
        let mut reader = der::SliceReader::new(sequence).unwrap();
        let mut members = Vec::new();
        while !der::Reader::is_finished(&reader) {
            members.push(Any::decode(&mut reader).unwrap().to_der().unwrap());
        }
        members
    };
    let outer = members(&content(der));
    let mut signed = members(&content(&content(&outer[1])));
    let encapsulated = members(&content(&signed[2]));
    let bytes = content(&content(&encapsulated[1]));
    let half = bytes.len() / 2;
    let pieces = [&bytes[..half], &bytes[half..]].map(|piece| OctetString::new(piece).unwrap().to_der().unwrap());
    let octets = open(0xa0, open(0x24, pieces.concat()));
    signed[2] = open(0x30, [encapsulated[0].clone(), octets].concat());
    open(0x30, [outer[0].clone(), open(0xa0, open(0x30, signed.concat()))].concat())
}
