//! GetCACaps and GetCACert: the server's capabilities and certificates (RFC 8894 sections 3.5.2 and 4.2).

use super::oid;
use crate::Pki;
use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{CertificateSet, EncapsulatedContentInfo, SignedData, SignerInfos};
use der::asn1::SetOfVec;
use der::{Any, Decode, Encode};
use openssl::x509::X509Ref;
use x509_cert::Certificate;

/// Answer to GetCACaps (`text/plain`). `SCEPStandard` promises AES, SHA-256 and POST.
pub const CAPABILITIES: &str = "AES\nDES3\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-1\nSHA-256\nSHA-512\n";

/// Content type of [`capabilities`](CAPABILITIES).
pub const CAPABILITIES_TYPE: &str = "text/plain";
/// Content type of [`certificates`]: a CA with a registration authority.
pub const CERTIFICATES_TYPE: &str = "application/x-x509-ca-ra-cert";
/// Content type of a CertRep.
pub const MESSAGE_TYPE: &str = "application/x-pki-message";

/// Returns the answer to GetCACert: a degenerate PKCS #7 with the CA and the registration authority.
///
/// # Errors
/// Returns an error if the certificates cannot be encoded.
pub fn certificates(pki: &Pki) -> Result<Vec<u8>, der::Error> {
    certificates_only(&[&pki.inner.identity_ca.certificate, &pki.inner.registration_authority.certificate])
}

/// Creates a SignedData without signers or content. A set has no order, so clients tell the CA and the registration
/// authority apart by basicConstraints and keyUsage.
pub(super) fn certificates_only(certificates: &[&X509Ref]) -> Result<Vec<u8>, der::Error> {
    let mut set = SetOfVec::new();
    for certificate in certificates {
        let der = certificate.to_der().map_err(|_| der::ErrorKind::Failed)?;
        set.insert(CertificateChoices::Certificate(Certificate::from_der(&der)?))?;
    }
    let signed = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::default(),
        encap_content_info: EncapsulatedContentInfo { econtent_type: oid::DATA, econtent: None },
        certificates: Some(CertificateSet(set)),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::default()),
    };
    ContentInfo { content_type: oid::SIGNED_DATA, content: Any::encode_from(&signed)? }.to_der()
}
