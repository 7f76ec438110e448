//! PKCS#10 requests with a challenge password, and the self-signed certificate that a SCEP request is signed with
//! (RFC 8894 §2.3).

use crate::ber::{self, BIT_STRING, CONTEXT_0, PRINTABLE_STRING, SEQUENCE, UTF8_STRING};
use crate::signature::{Digest, Identity};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::{X509, X509Name, X509NameBuilder};

const CHALLENGE_PASSWORD: &[u32] = &[1, 2, 840, 113_549, 1, 9, 7];

/// Creates a subject from the profile's `Subject`: pairs of a field (a name such as `CN`, or an OID) and a value.
///
/// # Errors
/// Returns an error if OpenSSL does not know a name.
pub fn subject(parts: &[(String, String)]) -> Result<X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    for (field, value) in parts {
        name.append_entry_by_text(field, value)?;
    }
    Ok(name.build())
}

/// Creates a CertificationRequest (RFC 2986 §4).
///
/// # Errors
/// Returns an error if OpenSSL cannot sign with the key.
pub fn certification_request(
    subject: &X509Name,
    challenge: Option<&str>,
    key: &PKey<Private>,
    digest: Digest,
) -> Result<Vec<u8>, ErrorStack> {
    let challenge = challenge.map(challenge_password).unwrap_or_default();
    let info = ber::constructed(
        SEQUENCE,
        &[&ber::unsigned(&[0]), &subject.to_der()?, &key.public_key_to_der()?, &ber::encode(CONTEXT_0, &challenge)],
    );
    let mut signer = Signer::new(digest.algorithm(), key)?;
    let signature = [vec![0], signer.sign_oneshot_to_vec(&info)?].concat();
    let algorithm = digest.signature_identifier(key.id());
    Ok(ber::constructed(SEQUENCE, &[&info, &algorithm, &ber::encode(BIT_STRING, &signature)]))
}

fn challenge_password(challenge: &str) -> Vec<u8> {
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag = if challenge.bytes().all(printable) { PRINTABLE_STRING } else { UTF8_STRING };
    ber::attribute(CHALLENGE_PASSWORD, &ber::encode(tag, challenge.as_bytes()))
}

/// Creates the requester's provisional identity: its key with a self-signed certificate.
///
/// # Errors
/// Returns an error if OpenSSL cannot sign with the key.
pub fn self_signed(subject: &X509Name, key: &PKey<Private>) -> Result<Identity, ErrorStack> {
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_subject_name(subject)?;
    certificate.set_issuer_name(subject)?;
    certificate.set_pubkey(key)?;
    let serial = BigNum::from_u32(1)?.to_asn1_integer()?;
    certificate.set_serial_number(&serial)?;
    let (now, later) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(365)?);
    certificate.set_not_before(&now)?;
    certificate.set_not_after(&later)?;
    certificate.sign(key, Digest::Sha256.algorithm())?;
    Ok(Identity::new(certificate.build(), key.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::rsa::Rsa;
    use openssl::x509::X509Req;

    #[test]
    fn openssl_reads_the_request_and_its_signature() {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let name = subject(&[("O".into(), "Example".into()), ("CN".into(), "a device".into())]).unwrap();
        for challenge in [None, Some("plain-Text"), Some("und_er*score")] {
            let der = certification_request(&name, challenge, &key, Digest::Sha256).unwrap();
            let request = X509Req::from_der(&der).unwrap();
            assert!(request.verify(&key).unwrap());
            let text = String::from_utf8(request.to_text().unwrap()).unwrap();
            assert!(text.contains("CN=a device") || text.contains("CN = a device"), "{text}");
            assert!(challenge.is_none_or(|challenge| text.contains(challenge)), "{text}");
        }
    }
}
