//! Tests that valid messages of every form pass, and that each known hostile form is rejected with its own error.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use simulator::certificate_request::{self_signed, subject};
use simulator::hostile::{Shape, spoiled};
use simulator::signature::{self, Digest, Identity, Style};
use std::path::Path;
use std::sync::LazyLock;

const CONTENT: &[u8] = b"<plist/>";

fn identity(key: PKey<Private>) -> Identity {
    self_signed(&subject(&[("CN".into(), "a device".into())]).unwrap(), &key).unwrap()
}

fn rsa(bits: u32) -> Identity {
    identity(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
}

fn on(curve: Nid) -> Identity {
    let group = EcGroup::from_curve_name(curve).unwrap();
    identity(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
}

static RSA: LazyLock<Identity> = LazyLock::new(|| rsa(2048));

fn honest(signed_attributes: bool) -> Vec<u8> {
    let style = Style { digest: Digest::Sha256, signed_attributes, indefinite: false };
    signature::attached(CONTENT, &RSA, &[], style).unwrap()
}

#[test]
fn honest_messages_of_every_form_pass_and_their_content_is_found() {
    for identity in [rsa(1024), rsa(4096), on(Nid::X9_62_PRIME256V1), on(Nid::SECP384R1), on(Nid::SECP521R1)] {
        let chain = vec![RSA.certificate.clone(); 3];
        for style in Style::every() {
            let content = vec![b'x'; 60_000];
            let attached = signature::attached(&content, &identity, &chain, style).unwrap();
            let signed = Signed::of(&attached).unwrap();
            assert_eq!(signed.uses_sha(), Ok(()));
            assert_eq!(signed.content(), Some(content), "{style:?}");
            assert_eq!(content_of(&attached), signed.content());
            let detached = signature::detached(CONTENT, &identity, style).unwrap();
            assert_eq!(Signed::of(&detached).unwrap().content(), None);
        }
    }
}

#[test]
fn every_shape_that_was_found_is_refused_by_name() {
    for shape in Shape::EVERY {
        let expected = match shape {
            Shape::ManyDigests | Shape::ManySigners | Shape::ManyCertificates | Shape::LongName => BadShape::NotCms,
            Shape::TwoDigests | Shape::AnotherDigest => BadShape::Digests,
            Shape::FiveCertificates | Shape::RevocationLists => BadShape::Certificates,
            Shape::HugeRsa | Shape::LongExponent | Shape::ExplicitCurve => BadShape::Key,
            Shape::ManyAttributes | Shape::ManyUnsignedAttributes => BadShape::NotCms,
            Shape::LongAttributes => BadShape::Attributes,
        };
        for signed_attributes in [false, true] {
            let message = spoiled(&honest(signed_attributes), shape, 60_000, &RSA.key).unwrap();
            assert_eq!(Signed::of(&message).err(), Some(expected), "{shape:?}");
        }
    }
}

#[test]
fn the_same_shapes_are_refused_by_name_where_there_are_few_parts() {
    for (shape, expected) in [
        (Shape::ManyDigests, BadShape::Digests),
        (Shape::ManySigners, BadShape::NotOneSigner),
        (Shape::ManyCertificates, BadShape::Certificates),
        (Shape::ManyAttributes, BadShape::Attributes),
        (Shape::ManyUnsignedAttributes, BadShape::Attributes),
    ] {
        let few = match shape {
            Shape::ManyCertificates => 4 * 1024 + 300,
            _ => 1_600,
        };
        let message = spoiled(&honest(true), shape, honest(true).len() + few, &RSA.key).unwrap();
        assert_eq!(Signed::of(&message).err(), Some(expected), "{shape:?}");
    }
}

#[test]
fn what_is_not_signed_and_what_is_no_message_is_told_apart() {
    assert_eq!(Signed::of(b"<html>").err(), Some(BadShape::NotCms));
    let data = [&[0x30, 0x0b, 0x06, 0x09][..], &ENVELOPED_DATA[..8], &[0x01]].concat();
    assert_eq!(Signed::of(&data).err(), Some(BadShape::NotSigned));
    assert_eq!(Signed::of(&honest(true)[..700]).err(), Some(BadShape::NotCms));
}

#[test]
fn a_digest_that_is_none_of_ours_is_told_when_it_is_asked_for() {
    let sha256 = DIGESTS[1];
    let mut message = honest(false);
    for at in 0..message.len() - sha256.len() {
        if message[at..].starts_with(sha256) {
            // id-sha3-256
            message[at + sha256.len() - 1] = 8;
        }
    }
    assert_eq!(Signed::of(&message).unwrap().uses_sha(), Err(BadShape::Digest));
}

#[test]
fn certificates_and_requests_are_held_to_the_same_keys() {
    let certificate = |shape| {
        let message = spoiled(&honest(false), shape, 60_000, &RSA.key).unwrap();
        let mut members = signed_data(&message, MOST_PARTS).unwrap();
        for _ in 0..3 {
            members.any().unwrap();
        }
        members.next(CONTEXT_0).unwrap().content.to_vec()
    };
    assert!(is_fair_certificate(&RSA.certificate.to_der().unwrap()));
    for shape in [Shape::HugeRsa, Shape::LongExponent, Shape::ExplicitCurve] {
        assert!(!is_fair_certificate(&certificate(shape)), "{shape:?}");
    }
    let request = |key: &PKey<Private>| {
        let name = subject(&[("CN".into(), "a device".into())]).unwrap();
        simulator::certificate_request::certification_request(&name, Some("secret"), key, Digest::Sha256).unwrap()
    };
    assert!(is_fair_request(&request(&RSA.key)));
    let mut group = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
    group.set_asn1_flag(openssl::ec::Asn1Flag::EXPLICIT_CURVE);
    let explicit = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    assert!(!is_fair_request(&request(&explicit)) && !is_fair_request(b"") && !is_one_envelope(b""));
}

#[test]
fn messages_of_real_devices_pass_or_are_left_out_where_shared_is_missing() {
    let shared =
        |name: &str| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples").join(name));
    let (Ok(header), Ok(request)) = (shared("mdm-signature/header.b64"), shared("scep/PKCSReq.der")) else {
        return test_support::left_out("no messages of real devices in ../shared/samples");
    };
    let header = STANDARD.decode(header.trim_ascii()).unwrap();
    assert_eq!(Signed::of(&header).unwrap().uses_sha(), Ok(()));
    let content = Signed::of(&request).unwrap().content().unwrap();
    assert!(is_one_envelope(&content));
}
