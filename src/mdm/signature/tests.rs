//! Tests of signatures: all forms that devices produce, and forms that must be refused.

use super::*;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::{X509, X509Builder, X509NameBuilder};

const BODY: &[u8] = b"<?xml version=\"1.0\"?>\r\n<plist version=\"1.0\"><dict/></plist>\n";

struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

fn identity(key: PKey<Private>, serial: u32) -> Identity {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "a device").unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(1_600_000_000).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    Identity { certificate: builder.build(), key }
}

fn rsa() -> Identity {
    identity(PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(), 1)
}

fn ecdsa() -> Identity {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    identity(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(), 2)
}

fn sign(identity: &Identity, options: CMSOptions) -> Vec<u8> {
    let options = options | CMSOptions::BINARY | CMSOptions::DETACHED;
    let signed = CmsContentInfo::sign(Some(&identity.certificate), Some(&identity.key), None, Some(BODY), options);
    signed.unwrap().to_der().unwrap()
}

fn header(signature: &[u8]) -> Vec<u8> {
    STANDARD.encode(signature).into_bytes()
}

fn fits(header: &[u8], body: &[u8], identity: &Identity) -> bool {
    let claimed = Claimed::from_header(header).unwrap();
    assert_eq!(claimed.certificate().to_der().unwrap(), identity.certificate.to_der().unwrap());
    claimed.verify(body).is_ok()
}

#[test]
fn signatures_with_and_without_signed_attributes_by_rsa_and_ecdsa_fit_their_body_only() {
    for identity in [rsa(), ecdsa()] {
        for options in [CMSOptions::empty(), CMSOptions::NOATTR] {
            let header = header(&sign(&identity, options));
            assert!(fits(&header, BODY, &identity), "{options:?}");
            assert!(!fits(&header, b"another body", &identity), "{options:?}");
        }
    }
}

#[test]
fn a_signature_like_that_of_a_real_device_fits_its_body() {
    // Indefinite-length BER, SHA-1 and no signed attributes, as captured from real devices.
    for identity in [rsa(), ecdsa()] {
        let header = header(&ber::sign_as_devices_do(&identity, BODY));
        assert!(fits(&header, BODY, &identity));
        assert!(!fits(&header, b"another body", &identity));
    }
}

#[test]
fn white_space_in_the_header_does_not_matter() {
    let identity = rsa();
    let text = STANDARD.encode(sign(&identity, CMSOptions::NOATTR));
    let folded: Vec<String> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    assert!(fits(folded.join("\r\n ").as_bytes(), BODY, &identity));
}

#[test]
fn what_is_no_signature_is_refused_by_name() {
    let refusal = |header: &[u8]| Claimed::from_header(header).err();
    assert_eq!(refusal(b"not base64 !"), Some(BadSignature::NotBase64));
    assert_eq!(refusal(b""), Some(BadSignature::NotCms));
    assert_eq!(refusal(&header(b"not CMS")), Some(BadSignature::NotCms));
    assert_eq!(refusal(&vec![b'A'; MAX_HEADER + 1]), Some(BadSignature::TooLong));
}

#[test]
fn a_signature_without_its_certificate_is_refused() {
    let signature = sign(&rsa(), CMSOptions::CMS_NOCERTS);
    assert_eq!(Claimed::from_header(&header(&signature)).err(), Some(BadSignature::NotOneSigner));
}

#[test]
fn a_message_without_a_signer_is_refused() {
    let mut store = Stack::new().unwrap();
    store.push(rsa().certificate).unwrap();
    // "Degenerate" SignedData: certificates only, as SCEP uses it.
    let signature = ber::without_signer(&rsa().certificate);
    assert_eq!(Claimed::from_header(&header(&signature)).err(), Some(BadSignature::NotOneSigner));
}

#[test]
fn a_message_of_two_signers_is_refused() {
    let signature = ber::by_two(&rsa(), &ecdsa(), BODY);
    assert_eq!(Claimed::from_header(&header(&signature)).err(), Some(BadSignature::NotOneSigner));
}

#[test]
fn a_content_inside_the_signature_does_not_stand_for_the_body() {
    let identity = rsa();
    let attached = CmsContentInfo::sign(
        Some(&identity.certificate),
        Some(&identity.key),
        None,
        Some(BODY),
        CMSOptions::BINARY | CMSOptions::NOATTR,
    );
    let header = header(&attached.unwrap().to_der().unwrap());
    assert!(!fits(&header, b"another body", &identity));
}

#[test]
fn a_signature_by_another_key_under_the_same_certificate_is_wrong() {
    let (identity, other) = (rsa(), rsa());
    let forged = ber::sign_with(&identity.certificate, &other.key, BODY);
    assert!(!fits(&header(&forged), BODY, &identity));
}

#[test]
fn the_signature_of_a_real_device_matches_its_body() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/mdm-signature");
    let (Ok(header), Ok(body)) = (std::fs::read(folder.join("header.b64")), std::fs::read(folder.join("body.plist")))
    else {
        test_support::left_out(&format!("no samples in {}", folder.display()));
        return;
    };
    let claimed = Claimed::from_header(&header).unwrap();
    let body_fits = [&body[..], body.trim_ascii_end()].iter().any(|body| claimed.verify(body).is_ok());
    assert!(body_fits);
    assert_eq!(claimed.verify(b"another body"), Err(BadSignature::Wrong));
}

/// Encodes CMS by hand, in forms that OpenSSL reads but does not write.
mod ber {
    use super::Identity;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::sign::Signer;
    use openssl::x509::{X509, X509Ref};

    // OIDs and algorithm identifiers in DER, with tag and length.
    const SIGNED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    const SHA1: &[u8] = &[0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00];
    const SHA1_WITH_RSA: &[u8] =
        &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00];
    const ECDSA_WITH_SHA1: &[u8] = &[0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];

    fn definite(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        match u16::try_from(content.len()).expect("small") {
            length @ 0..=0x7f => out.push(length as u8),
            length => out.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        out.extend_from_slice(content);
        out
    }

    fn indefinite(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80], content, &[0, 0]].concat()
    }

    fn signer_info(certificate: &X509Ref, key: &PKey<Private>, body: &[u8]) -> Vec<u8> {
        let mut signer = Signer::new(MessageDigest::sha1(), key).unwrap();
        let signature = signer.sign_oneshot_to_vec(body).unwrap();
        let algorithm = if key.rsa().is_ok() { SHA1_WITH_RSA } else { ECDSA_WITH_SHA1 };
        let serial = certificate.serial_number().to_bn().unwrap().to_vec();
        let issuer = certificate.issuer_name().to_der().unwrap();
        let sid = definite(0x30, &[issuer, definite(0x02, &serial)].concat());
        definite(0x30, &[&[0x02, 0x01, 0x01][..], &sid, SHA1, algorithm, &definite(0x04, &signature)].concat())
    }

    fn message(certificates: &[&X509Ref], signers: &[Vec<u8>]) -> Vec<u8> {
        let certificates: Vec<u8> = certificates.iter().flat_map(|one| one.to_der().unwrap()).collect();
        let signed_data = [
            &[0x02, 0x01, 0x01][..],
            &definite(0x31, SHA1),
            &indefinite(0x30, DATA),
            &indefinite(0xa0, &certificates),
            &definite(0x31, &signers.concat()),
        ]
        .concat();
        indefinite(0x30, &[SIGNED_DATA, &indefinite(0xa0, &indefinite(0x30, &signed_data))].concat())
    }

    pub(crate) fn sign_as_devices_do(identity: &Identity, body: &[u8]) -> Vec<u8> {
        sign_with(&identity.certificate, &identity.key, body)
    }

    pub(crate) fn sign_with(certificate: &X509Ref, key: &PKey<Private>, body: &[u8]) -> Vec<u8> {
        message(&[certificate], &[signer_info(certificate, key, body)])
    }

    pub(crate) fn by_two(one: &Identity, two: &Identity, body: &[u8]) -> Vec<u8> {
        let signers = [signer_info(&one.certificate, &one.key, body), signer_info(&two.certificate, &two.key, body)];
        message(&[&one.certificate, &two.certificate], &signers)
    }

    pub(crate) fn without_signer(certificate: &X509) -> Vec<u8> {
        message(&[certificate], &[])
    }
}
