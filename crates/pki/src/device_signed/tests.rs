//! Tests with messages of every form that devices send, and with hostile ones. They are created by the simulator,
//! which shares no code with the parser.

use super::*;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::{X509NameBuilder, X509Ref};
use simulator::ber;
use simulator::built_in::DeviceCa;
use simulator::signature::{self, Digest, Identity, Style};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const CONTENT: &[u8] = b"<?xml version=\"1.0\"?><plist version=\"1.0\"><dict/></plist>";
const NOW: i64 = 1_790_000_000;

static CA: LazyLock<DeviceCa> = LazyLock::new(|| DeviceCa::new().unwrap());
/// Knows the CA above in addition to Apple's.
static CAS: LazyLock<DeviceCas> = LazyLock::new(|| cas_with(&[CA.certificate()]));

fn cas_with(certificates: &[&X509Ref]) -> DeviceCas {
    let file = tempfile::NamedTempFile::new().unwrap();
    let pem: Vec<u8> = certificates.iter().flat_map(|certificate| certificate.to_pem().unwrap()).collect();
    std::fs::write(file.path(), pem).unwrap();
    DeviceCas::load(&[file.path().to_owned()]).unwrap()
}

fn device(digest: Digest) -> Identity {
    CA.issue("1EB44D08-42EE-471B-BBD6-136582A7BAA4", 1024, digest, NOW).unwrap()
}

fn opened(message: &[u8]) -> DeviceSigned {
    open(message, &CAS).unwrap()
}

#[test]
fn every_form_that_devices_sign_in_is_genuine_and_gives_its_content() {
    for identity in [device(Digest::Sha1), device(Digest::Sha256)] {
        for style in Style::every() {
            for chain in [vec![], vec![CA.certificate().clone()]] {
                let found = opened(&signature::attached(CONTENT, &identity, &chain, style).unwrap());
                assert_eq!(found.signature, Signature::Genuine, "{style:?}");
                assert_eq!(found.content, CONTENT);
                assert_eq!(found.signer.to_der().unwrap(), identity.certificate.to_der().unwrap());
            }
        }
    }
}

#[test]
fn a_content_of_many_pieces_is_put_together() {
    let content: Vec<u8> = (0..20_000u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let message = signature::attached(&content, &device(Digest::Sha1), &[], Style::REAL).unwrap();
    assert_eq!(opened(&message).content, content);
}

#[test]
fn the_issuers_key_counts_and_neither_its_name_nor_its_dates() {
    // The CA above expired in 2014, like Apple's. This one has the same name and another key.
    let namesake = DeviceCa::new().unwrap();
    let identity = namesake.issue("a device", 1024, Digest::Sha256, NOW).unwrap();
    let chain = [namesake.certificate().clone()];
    let message = signature::attached(CONTENT, &identity, &chain, Style::REAL).unwrap();
    assert_eq!(opened(&message).signature, Signature::UnknownIssuer);
    assert_eq!(open(&message, &cas_with(&[namesake.certificate()])).unwrap().signature, Signature::Genuine);
}

#[test]
fn a_device_that_signs_itself_or_with_an_elliptic_curve_is_of_an_unknown_issuer() {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let keys = [PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(), device(Digest::Sha1).key];
    for key in keys {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "a stranger").unwrap();
        let stranger = simulator::certificate_request::self_signed(&name.build(), &key).unwrap();
        let found = opened(&signature::attached(CONTENT, &stranger, &[], Style::REAL).unwrap());
        assert_eq!((found.signature, &*found.content), (Signature::UnknownIssuer, CONTENT));
    }
}

#[test]
fn a_content_that_was_changed_is_invalid_and_still_told() {
    let identity = device(Digest::Sha256);
    for style in Style::every() {
        let mut message = signature::attached(CONTENT, &identity, &[], style).unwrap();
        let at = message.windows(CONTENT.len()).position(|window| window == CONTENT).unwrap();
        message[at + CONTENT.len() - 9] ^= 0x20;
        let found = opened(&message);
        assert_eq!(found.signature, Signature::Invalid, "{style:?}");
        assert_ne!(found.content, CONTENT);
        assert_eq!(found.content.len(), CONTENT.len());
    }
}

#[test]
fn a_signature_by_another_key_under_a_devices_certificate_is_invalid() {
    let (identity, thief) = (device(Digest::Sha256), device(Digest::Sha256));
    let forged = Identity::new(identity.certificate.clone(), thief.key);
    let message = signature::attached(CONTENT, &forged, &[], Style::REAL).unwrap();
    assert_eq!(opened(&message).signature, Signature::Invalid);
}

#[test]
fn two_signers_none_or_one_without_a_certificate_are_refused() {
    let identity = device(Digest::Sha256);
    let sign = |options: CMSOptions| {
        let signed = CmsContentInfo::sign(
            Some(&identity.certificate),
            Some(&identity.key),
            None,
            Some(CONTENT),
            options | CMSOptions::BINARY,
        );
        signed.unwrap().to_der().unwrap()
    };
    let refusal = |message: &[u8]| open(message, &CAS).err();
    let not_one = Some(BadMessage::NotOneSigner(NotOneSigner::NotOne));
    assert_eq!(refusal(&sign(CMSOptions::CMS_NOCERTS)), not_one);
    let one = signature::signer_info(CONTENT, &identity, Digest::Sha256, &[]).unwrap();
    for signers in [vec![], vec![one.clone(), one]] {
        assert_eq!(refusal(&by(&identity, &signers)), not_one, "{} signers", signers.len());
    }
}

/// A message in DER with these SignerInfos.
fn by(identity: &Identity, signers: &[Vec<u8>]) -> Vec<u8> {
    let content = ber::encode(ber::CONTEXT_0, &ber::encode(ber::OCTET_STRING, CONTENT));
    let signed_data = ber::constructed(
        ber::SEQUENCE,
        &[
            &ber::unsigned(&[1]),
            &ber::encode(ber::SET, &Digest::Sha256.identifier()),
            &ber::constructed(ber::SEQUENCE, &[&ber::oid(signature::DATA), &content]),
            &ber::encode(ber::CONTEXT_0, &identity.certificate.to_der().unwrap()),
            &ber::encode(ber::SET, &signers.concat()),
        ],
    );
    let inside = ber::encode(ber::CONTEXT_0, &signed_data);
    ber::constructed(ber::SEQUENCE, &[&ber::oid(signature::SIGNED_DATA), &inside])
}

#[test]
fn a_signature_without_a_content_is_refused() {
    let message = signature::detached(CONTENT, &device(Digest::Sha1), Style::REAL).unwrap();
    assert_eq!(open(&message, &CAS).err(), Some(BadMessage::NoContent));
}

#[test]
fn what_is_too_long_is_refused_before_it_is_read() {
    let identity = device(Digest::Sha1);
    let longest = |content: usize| signature::attached(&vec![b'a'; content], &identity, &[], Style::REAL).unwrap();
    let message = longest(64 * 1024);
    assert!(message.len() > LARGEST_MESSAGE);
    assert_eq!(open(&message, &CAS).err(), Some(BadMessage::TooLong));
    assert_eq!(opened(&longest(60 * 1024)).content.len(), 60 * 1024);
}

#[test]
fn a_message_that_breaks_off_is_never_genuine_and_breaks_nothing() {
    let whole = signature::attached(CONTENT, &device(Digest::Sha256), &[], Style::REAL).unwrap();
    // The last six bytes close open values. A parser may accept a message without the last of them, but not without
    // the signature.
    for length in 0..whole.len() - 12 {
        let found = open(&whole[..length], &CAS);
        assert!(found.is_err(), "{length} of {} bytes: {found:?}", whole.len());
    }
}

#[test]
fn a_message_with_a_flipped_bit_is_never_genuine_with_another_content() {
    let whole = signature::attached(CONTENT, &device(Digest::Sha256), &[], Style::REAL).unwrap();
    for at in 0..whole.len() {
        let mut message = whole.clone();
        message[at] ^= 1 << (at % 8);
        if let Ok(found) = open(&message, &CAS) {
            assert!(found.signature != Signature::Genuine || found.content == CONTENT, "byte {at}");
        }
    }
}

#[test]
fn nesting_is_bounded() {
    for (tag, levels) in [(0x30, 10_000), (0x24, 10_000), (0xa0, 10_000)] {
        let deep = [tag, 0x80].repeat(levels);
        assert!(open(&deep, &CAS).is_err());
        // Nesting inside a message that is otherwise valid.
        let nested: Vec<u8> = [0x24, 0x80].repeat(levels).into_iter().chain([0, 0].repeat(levels)).collect();
        let content = ber::encode(ber::CONTEXT_0, &nested);
        let signed_data = ber::constructed(
            ber::SEQUENCE,
            &[&ber::unsigned(&[1]), &ber::encode(ber::SET, &[]), &ber::constructed(ber::SEQUENCE, &[&content])],
        );
        let inside = ber::encode(ber::CONTEXT_0, &signed_data);
        let message = ber::constructed(ber::SEQUENCE, &[&ber::oid(signature::SIGNED_DATA), &inside]);
        assert!(open(&message, &CAS).is_err());
    }
}

#[test]
fn a_certificate_signed_with_md5_counts_for_nothing() {
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::hash::MessageDigest;
    use openssl::rsa::Rsa;
    let key = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let certify = |digest: MessageDigest| {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "a device").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&BigNum::from_u32(9).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(NOW).unwrap()).unwrap();
        builder.sign(&key, digest).unwrap();
        builder.build()
    };
    let known = certify(MessageDigest::sha256());
    let cas = cas_with(&[&known]);
    assert!(cas.issued(&known));
    assert!(!cas.issued(&certify(MessageDigest::md5())));
}

fn shared(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples").join(name)
}

#[test]
fn the_built_in_key_is_that_of_apples_device_ca_and_issued_a_real_device() {
    let read = |name: &str| X509::from_pem(&std::fs::read(shared(name)).ok()?).ok();
    let ca = read("apple-ca/apple-iphone-device-ca.pem");
    let (Some(ca), Some(leaf)) = (ca, read("apple-ca/device-leaf-example.pem")) else {
        return test_support::left_out("no certificates of Apple's in ../shared/samples/apple-ca");
    };
    let built_in = DeviceCas::load(&[]).unwrap();
    assert!(built_in.issued(&leaf), "a device of 2024, with a certificate signed with SHA-256");
    assert!(!built_in.issued(&ca) && !built_in.issued(CA.certificate()));
    // The same key, from the file.
    assert!(cas_with(&[&ca]).issued(&leaf));
}

#[test]
fn a_file_without_certificates_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = DeviceCas::load(&[file.path().to_owned()]).unwrap_err().to_string();
    assert!(error.contains("no certificate") && error.contains(&file.path().display().to_string()), "{error}");
}
