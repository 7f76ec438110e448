//! The metadata document of this server, which an administrator gives to the identity provider.

use super::{Saml, escaped};
use base64::Engine as _;
use openssl::x509::X509;
use std::fmt::Write as _;

/// Returns the `EntityDescriptor` of this service provider (SAML Metadata 2.4.4). The document is unsigned, because
/// providers fetch it from this server over TLS.
pub(crate) fn document(saml: &Saml, consumers: &[&str]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"{}\">\n  \
         <md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" AuthnRequestsSigned=\"{}\" WantAssertionsSigned=\"true\">\n",
        escaped(&saml.entity_id),
        saml.signing.is_some(),
    );
    if let Some(pair) = &saml.signing {
        key(&mut text, "signing", &pair.certificate, &[]);
    }
    if let Some(pair) = &saml.decryption {
        key(&mut text, "encryption", &pair.certificate, &ENCRYPTION);
    }
    for format in ["persistent", "emailAddress"] {
        let family = if format == "persistent" { "2.0" } else { "1.1" };
        let _ = writeln!(
            text,
            "    <md:NameIDFormat>urn:oasis:names:tc:SAML:{family}:nameid-format:{format}</md:NameIDFormat>"
        );
    }
    for (index, location) in consumers.iter().enumerate() {
        let default = if index == 0 { " isDefault=\"true\"" } else { "" };
        let _ = writeln!(
            text,
            "    <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{}\" index=\"{index}\"{default}/>",
            escaped(location)
        );
    }
    text.push_str("  </md:SPSSODescriptor>\n</md:EntityDescriptor>\n");
    text
}

const ENCRYPTION: [&str; 4] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2009/xmlenc11#rsa-oaep",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

fn key(text: &mut String, purpose: &str, certificate: &X509, methods: &[&str]) {
    // A certificate that was parsed can be encoded.
    let der = certificate.to_der().unwrap_or_default();
    let encoded = base64::engine::general_purpose::STANDARD.encode(der);
    let _ = write!(
        text,
        "    <md:KeyDescriptor use=\"{purpose}\">\n      <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{encoded}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\n"
    );
    for method in methods {
        let _ = writeln!(text, "      <md:EncryptionMethod Algorithm=\"{method}\"/>");
    }
    text.push_str("    </md:KeyDescriptor>\n");
}
