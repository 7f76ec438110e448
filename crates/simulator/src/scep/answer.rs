//! Opens a CertRep as strictly as a device (RFC 8894 §3.3.2): signature, attributes, transaction and nonce, then the
//! envelope.

use super::{Authority, ScepError, scep_attribute};
use crate::signature::Identity;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode, Tag, Tagged};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::pkcs7::Pkcs7;
use openssl::stack::Stack;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

/// Values that an answer must match.
#[derive(Debug, Clone)]
pub struct Sent {
    pub transaction_id: String,
    pub sender_nonce: [u8; 16],
}

fn invalid(why: impl Into<String>) -> ScepError {
    ScepError::InvalidResponse(why.into())
}

/// Returns the issued certificate.
///
/// # Errors
/// Returns what a device would complain about; `Refused` for a CertRep FAILURE.
pub fn open(answer: &[u8], sent: &Sent, requester: &Identity, authority: &Authority) -> Result<X509, ScepError> {
    let content = verified_content(answer, authority)?;
    let signed_data = signed_data(answer).map_err(|error| invalid(error.to_string()))?;
    let [signer] = signed_data.signer_infos.0.as_slice() else { return Err(invalid("not exactly one signer")) };
    if printable(signer, 2)? != "3" {
        return Err(invalid("messageType is not CertRep"));
    }
    if printable(signer, 7)? != sent.transaction_id {
        return Err(invalid("the transactionID differs from the request's"));
    }
    if octets(signer, 6)? != sent.sender_nonce {
        return Err(invalid("recipientNonce is not the request's senderNonce"));
    }
    match printable(signer, 3)?.as_str() {
        "0" => issued(&content, requester),
        "2" => Err(ScepError::Refused(printable(signer, 4).unwrap_or_else(|_| "missing".into()))),
        "3" => Err(ScepError::Pending),
        other => Err(invalid(format!("pkiStatus {other}"))),
    }
}

// The signer must be one of the certificates from GetCACert. No chain is built.
fn verified_content(answer: &[u8], authority: &Authority) -> Result<Vec<u8>, ScepError> {
    let mut cms = CmsContentInfo::from_der(answer).map_err(|_| invalid("not a CMS message"))?;
    let mut known = Stack::new()?;
    for certificate in &authority.certificates {
        known.push(certificate.clone())?;
    }
    let nobody = X509StoreBuilder::new()?.build();
    let mut content = Vec::new();
    let flags = CMSOptions::BINARY | CMSOptions::NO_SIGNER_CERT_VERIFY | CMSOptions::NOINTERN;
    // A failure has no content (RFC 8894 §3.3.2.2); the signature then covers empty content.
    let has_none = |signed: &SignedData| signed.encap_content_info.econtent.is_none();
    let nothing = signed_data(answer).is_ok_and(|signed| has_none(&signed)).then_some(&b""[..]);
    let verified = cms.verify(Some(&known), Some(&nobody), nothing, Some(&mut content), flags);
    verified.map_err(|error| invalid(format!("the signature is not the CA's or RA's: {error}")))?;
    Ok(content)
}

fn signed_data(answer: &[u8]) -> der::Result<SignedData> {
    ContentInfo::from_der(answer)?.content.decode_as()
}

fn attribute(signer: &SignerInfo, number: u32) -> Result<der::Any, ScepError> {
    let arcs = scep_attribute(number).map(|arc| arc.to_string()).join(".");
    let wanted = ObjectIdentifier::new(&arcs).map_err(|error| invalid(error.to_string()))?;
    let attributes = signer.signed_attrs.as_ref().ok_or_else(|| invalid("no signed attributes"))?;
    let found = attributes.iter().find(|attribute| attribute.oid == wanted);
    let values = &found.ok_or_else(|| invalid(format!("attribute {arcs} is missing")))?.values;
    values.get(0).cloned().ok_or_else(|| invalid(format!("attribute {arcs} is empty")))
}

fn printable(signer: &SignerInfo, number: u32) -> Result<String, ScepError> {
    let value = attribute(signer, number)?;
    if value.tag() != Tag::PrintableString {
        return Err(invalid(format!("attribute {number} is not a PrintableString")));
    }
    Ok(String::from_utf8_lossy(value.value()).into_owned())
}

fn octets(signer: &SignerInfo, number: u32) -> Result<Vec<u8>, ScepError> {
    let value = attribute(signer, number)?;
    let octets: OctetString = value.decode_as().map_err(|_| invalid(format!("attribute {number} is not octets")))?;
    Ok(octets.as_bytes().to_vec())
}

// The envelope is encrypted to the requester only. It contains a degenerate PKCS#7, whose first certificate is the
// issued one (RFC 8894 §3.3.2).
fn issued(content: &[u8], requester: &Identity) -> Result<X509, ScepError> {
    let envelope = CmsContentInfo::from_der(content).map_err(|_| invalid("the content is not an envelope"))?;
    let opened = envelope.decrypt(&requester.key, &requester.certificate);
    let opened = opened.map_err(|_| invalid("the envelope is not encrypted to the certificate of the request"))?;
    let certificates = degenerate(&opened)?;
    let Some(first) = certificates.first() else { return Err(invalid("no certificate in the envelope")) };
    Ok(first.clone())
}

// OpenSSL does not sort the certificates; it keeps the order of the message.
fn degenerate(opened: &[u8]) -> Result<Vec<X509>, ScepError> {
    let bag = Pkcs7::from_der(opened).map_err(|_| invalid("the envelope contains no PKCS#7"))?;
    let signed = bag.signed().ok_or_else(|| invalid("the PKCS#7 in the envelope is not SignedData"))?;
    Ok(signed.certificates().map(|all| all.iter().map(ToOwned::to_owned).collect()).unwrap_or_default())
}
