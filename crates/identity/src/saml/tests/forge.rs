//! A test identity provider for answers that no real provider would give. It writes canonical documents and signs them
//! with OpenSSL, so it shares no code with the tested module.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::asn1::Asn1Time;
use openssl::encrypt::Encrypter;
use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Signer;
use openssl::symm::{Cipher, encrypt, encrypt_aead};
use openssl::x509::{X509, X509Name};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub const ISSUER: &str = "https://idp.example.test/idp";

pub struct Idp {
    pub key: PKey<Private>,
    pub certificate: X509,
}

impl Idp {
    pub fn new() -> Idp {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let certificate = certificate(&key);
        Idp { key, certificate }
    }

    pub fn metadata(&self) -> String {
        metadata(&[&self.certificate])
    }

    fn encoded_certificate(&self) -> String {
        STANDARD.encode(self.certificate.to_der().unwrap())
    }
}

/// A self-signed and expired certificate: only its key matters.
pub fn certificate(key: &PKey<Private>) -> X509 {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "idp.example.test").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_str("20200101000000Z").unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_str("20210101000000Z").unwrap()).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

pub fn metadata(certificates: &[&X509]) -> String {
    let key = |certificate: &&X509| {
        let encoded = STANDARD.encode(certificate.to_der().unwrap());
        format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{encoded}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    };
    let keys: String = certificates.iter().map(key).collect();
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{ISSUER}\"><md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example.test/sso\"/></md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}

/// The content of a valid answer.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Entity ID of the tested server.
    pub audience: String,
    pub consumer: String,
    pub request: String,
    /// Seconds since 1970.
    pub now: i64,
    /// Makes the IDs of response and assertion differ from one answer to the next.
    pub serial: usize,
    /// Certificate that assertions are encrypted to.
    pub encrypt_to: Option<X509>,
}

fn instant(at: i64) -> String {
    OffsetDateTime::from_unix_timestamp(at).unwrap().format(&Rfc3339).unwrap()
}

impl Facts {
    pub fn at(&self, seconds: i64) -> String {
        instant(self.now + seconds)
    }

    pub fn assertion_id(&self) -> String {
        format!("_assertion{}", self.serial)
    }

    pub fn response_id(&self) -> String {
        format!("_response{}", self.serial)
    }

    /// An unsigned assertion in canonical form.
    pub fn assertion(&self) -> String {
        let (id, now, soon) = (self.assertion_id(), self.at(0), self.at(300));
        let Facts { audience, consumer, request, .. } = self;
        format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" IssueInstant=\"{now}\" Version=\"2.0\">\
             <saml:Issuer>{ISSUER}</saml:Issuer>\
             <saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">alice</saml:NameID>\
             <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
             <saml:SubjectConfirmationData InResponseTo=\"{request}\" NotOnOrAfter=\"{soon}\" Recipient=\"{consumer}\"></saml:SubjectConfirmationData>\
             </saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{now}\" NotOnOrAfter=\"{soon}\"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"{now}\"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
             <saml:AttributeStatement><saml:Attribute Name=\"groups\"><saml:AttributeValue>enroll</saml:AttributeValue><saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute>\
             <saml:Attribute Name=\"mail\"><saml:AttributeValue>alice@example.test</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>\
             </saml:Assertion>"
        )
    }

    /// An unsigned response in canonical form around `assertion`.
    pub fn response(&self, assertion: &str) -> String {
        let (id, now) = (self.response_id(), self.at(0));
        let Facts { consumer, request, .. } = self;
        format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{consumer}\" ID=\"{id}\" InResponseTo=\"{request}\" IssueInstant=\"{now}\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{ISSUER}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>\
             {assertion}</samlp:Response>"
        )
    }
}

/// Parameters of a signature.
#[derive(Debug, Clone)]
pub struct Signing {
    pub method: &'static str,
    pub digest: &'static str,
    pub canonicalization: &'static str,
    pub transforms: String,
    /// Default: the element's own ID.
    pub uri: Option<String>,
    pub key_info: String,
    /// Further references, inserted unchanged.
    pub more: String,
}

impl Default for Signing {
    fn default() -> Signing {
        Signing {
            method: RSA_SHA256,
            digest: SHA256,
            canonicalization: EXCLUSIVE,
            transforms: transforms(&[ENVELOPED, EXCLUSIVE]),
            uri: None,
            key_info: String::new(),
            more: String::new(),
        }
    }
}

pub fn transforms(algorithms: &[&str]) -> String {
    let one = |algorithm: &&str| format!("<ds:Transform Algorithm=\"{algorithm}\"></ds:Transform>");
    algorithms.iter().map(one).collect()
}

fn digest_of(algorithm: &str) -> MessageDigest {
    if algorithm.ends_with("sha1") { MessageDigest::sha1() } else { MessageDigest::sha256() }
}

impl Idp {
    /// Signs `element`, which must be in canonical form.
    pub fn signature(&self, element: &str, id: &str, signing: &Signing) -> String {
        let digest = STANDARD.encode(hash(digest_of(signing.digest), element.as_bytes()).unwrap());
        let uri = signing.uri.clone().unwrap_or_else(|| format!("#{id}"));
        let inside = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"{uri}\"><ds:Transforms>{}</ds:Transforms><ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>{}",
            signing.canonicalization, signing.method, signing.transforms, signing.digest, signing.more
        );
        let alone = format!("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{inside}</ds:SignedInfo>");
        let value = if signing.method.contains("hmac") {
            // The "secret" is public: the public key in the metadata.
            let public = self.certificate.public_key().unwrap().public_key_to_der().unwrap();
            let mut signer =
                Signer::new(MessageDigest::sha256(), &PKey::hmac(&public).unwrap()).unwrap_or_else(|e| panic!("{e}"));
            signer.update(alone.as_bytes()).unwrap();
            signer.sign_to_vec().unwrap()
        } else {
            let mut signer = Signer::new(digest_of(signing.method), &self.key).unwrap();
            signer.sign_oneshot_to_vec(alone.as_bytes()).unwrap()
        };
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>{inside}</ds:SignedInfo><ds:SignatureValue>{}</ds:SignatureValue>{}</ds:Signature>",
            STANDARD.encode(value),
            signing.key_info
        )
    }

    /// Returns the element with its signature after its issuer.
    pub fn signed(&self, element: &str, id: &str, signing: &Signing) -> String {
        let signature = self.signature(element, id, signing);
        element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    }

    pub fn own_key_info(&self) -> String {
        let encoded = self.encoded_certificate();
        format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{encoded}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        )
    }

    pub fn signed_assertion(&self, facts: &Facts) -> String {
        self.signed(&facts.assertion(), &facts.assertion_id(), &Signing::default())
    }

    /// An answer in which only the assertion is signed.
    pub fn with_signed_assertion(&self, facts: &Facts) -> String {
        facts.response(&self.signed_assertion(facts))
    }

    /// An answer in which only the response is signed.
    pub fn with_signed_response(&self, facts: &Facts) -> String {
        self.signed(&facts.response(&facts.assertion()), &facts.response_id(), &Signing::default())
    }

    pub fn with_both_signed(&self, facts: &Facts) -> String {
        self.signed(&self.with_signed_assertion(facts), &facts.response_id(), &Signing::default())
    }

    /// A signed response with an encrypted assertion.
    pub fn with_encrypted(&self, facts: &Facts, encryption: &Encryption) -> String {
        let assertion = encryption.apply(&self.signed_assertion(facts), facts.encrypt_to.as_ref().unwrap());
        self.signed(&facts.response(&assertion), &facts.response_id(), &Signing::default())
    }
}

/// Parameters of the encryption of an assertion.
#[derive(Debug, Clone)]
pub struct Encryption {
    pub data: &'static str,
    pub key: &'static str,
    pub digest: Option<&'static str>,
    pub mask: Option<&'static str>,
    /// The encrypted key is next to the data, not within it.
    pub beside: bool,
}

pub const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
pub const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
pub const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
pub const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
pub const OAEP11: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
pub const RSA15: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";

impl Default for Encryption {
    fn default() -> Encryption {
        Encryption { data: AES256_GCM, key: OAEP, digest: None, mask: None, beside: false }
    }
}

impl Encryption {
    pub fn apply(&self, assertion: &str, to: &X509) -> String {
        let (nonce, content_key) = ([7u8; 16], [9u8; 32]);
        let length = if self.data.contains("128") { 16 } else { 32 };
        let content_key = &content_key[..length];
        let data = match self.data {
            AES128_CBC => {
                let body = encrypt(Cipher::aes_128_cbc(), content_key, Some(&nonce), assertion.as_bytes()).unwrap();
                [&nonce[..], &body].concat()
            }
            gcm => {
                let cipher = if gcm == AES128_GCM { Cipher::aes_128_gcm() } else { Cipher::aes_256_gcm() };
                let mut tag = [0; 16];
                let body =
                    encrypt_aead(cipher, content_key, Some(&nonce[..12]), &[], assertion.as_bytes(), &mut tag).unwrap();
                [&nonce[..12], &body, &tag].concat()
            }
        };
        let method = |algorithm: Option<&str>, name: &str| {
            algorithm.map_or(String::new(), |algorithm| format!("<{name} Algorithm=\"{algorithm}\"></{name}>"))
        };
        let (digest, mask) = (method(self.digest, "ds:DigestMethod"), method(self.mask, "xenc11:MGF"));
        let key = format!(
            "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><xenc:EncryptionMethod Algorithm=\"{}\">{digest}{mask}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>",
            self.key,
            STANDARD.encode(self.wrapped(content_key, to))
        );
        let (within, beside) = if self.beside { (String::new(), key) } else { (key, String::new()) };
        // The text below is not canonical. `canonical` corrects that, so that it can be signed.
        canonical(&format!(
            "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"><xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod Algorithm=\"{}\"></xenc:EncryptionMethod><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{within}</ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>{beside}</saml:EncryptedAssertion>",
            self.data,
            STANDARD.encode(data)
        ))
    }

    fn wrapped(&self, content_key: &[u8], to: &X509) -> Vec<u8> {
        let public = to.public_key().unwrap();
        let mut encrypter = Encrypter::new(&public).unwrap();
        let named = |algorithm: Option<&str>| match algorithm {
            Some(algorithm) if algorithm.ends_with("sha256") => MessageDigest::sha256(),
            _ => MessageDigest::sha1(),
        };
        if self.key == RSA15 {
            encrypter.set_rsa_padding(Padding::PKCS1).unwrap();
        } else {
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            encrypter.set_rsa_oaep_md(named(self.digest)).unwrap();
            encrypter.set_rsa_mgf1_md(named(self.mask)).unwrap();
        }
        let mut wrapped = vec![0; encrypter.encrypt_len(content_key).unwrap()];
        let length = encrypter.encrypt(content_key, &mut wrapped).unwrap();
        wrapped.truncate(length);
        wrapped
    }
}

// Moves each namespace declaration to the element that uses it first.
fn canonical(encrypted: &str) -> String {
    const XENC: &str = " xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"";
    const XENC11: &str = " xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\"";
    const DS: &str = " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
    let whole = encrypted.replace(&format!("<xenc:EncryptedKey{XENC}{XENC11}{DS}>"), "<xenc:EncryptedKey>");
    let whole = whole.replace("<xenc11:MGF ", &format!("<xenc11:MGF{XENC11} "));
    if whole.contains("</xenc:EncryptedData><xenc:EncryptedKey>") {
        let (data, key) = whole.split_once("</xenc:EncryptedData>").unwrap();
        let key = key.replacen("<xenc:EncryptedKey>", &format!("<xenc:EncryptedKey{XENC}>"), 1);
        let key = key.replace("<ds:DigestMethod ", &format!("<ds:DigestMethod{DS} "));
        return format!("{data}</xenc:EncryptedData>{key}");
    }
    whole
}

/// Encodes the document as the form field that is posted.
pub fn field(document: &str) -> String {
    STANDARD.encode(document)
}
