//! Requests with one error each.

use super::client::{Asks, Client, attribute, octets, printable, unwrap, wrap};
use super::*;
use cms::content_info::ContentInfo;
use cms::enveloped_data::EnvelopedData;
use cms::signed_data::{CertificateSet, SignerInfos};
use der::asn1::{OctetString, SetOfVec};
use der::{Decode, Encode};
use proptest::prelude::*;
use std::sync::LazyLock;
use x509_cert::attr::Attribute;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::new);
static MESSAGE: LazyLock<Vec<u8>> = LazyLock::new(|| CLIENT.message(&Asks::default()));

fn unanswerable(body: &[u8]) -> &'static str {
    match SignedMessage::verify(body) {
        Err(VerifyError::Unanswerable(Unanswerable(why))) => why,
        other => panic!("expected an unanswerable request, found: {other:?}"),
    }
}

fn spoiled(spoil: fn(&mut Vec<Attribute>)) -> Vec<u8> {
    CLIENT.message(&Asks { spoil, ..Asks::default() })
}

fn without(attributes: &mut Vec<Attribute>, oid: ObjectIdentifier) {
    attributes.retain(|attribute| attribute.oid != oid);
}

#[test]
fn garbage_and_a_megabyte_of_zeros_are_no_request() {
    assert_eq!(unanswerable(b""), "it is not a CMS message");
    assert_eq!(unanswerable(b"<html>"), "it is not a CMS message");
    assert_eq!(unanswerable(&[0; LARGEST_MESSAGE]), "it is not a CMS message");
    assert_eq!(unanswerable(&vec![0; 1 << 20]), "it is too large");
    assert_eq!(unanswerable(&[0x30; 60_000]), "it is not a CMS message");
    assert_eq!(unanswerable(&[0x30, 0x80].repeat(30_000)), "it is not a CMS message");
}

#[test]
fn a_message_that_is_cut_short_is_no_request_wherever_it_is_cut() {
    for length in (0..MESSAGE.len()).step_by(97).chain([MESSAGE.len() - 1]) {
        unanswerable(&MESSAGE[..length]);
    }
}

#[test]
fn an_envelope_alone_is_no_request() {
    assert_eq!(unanswerable(&CLIENT.envelope(&Asks::default())), "it is not signed");
}

#[test]
fn attributes_that_are_missing_repeated_or_of_another_type_are_noticed() {
    let no_transaction = spoiled(|attributes| without(attributes, oid::TRANSACTION_ID));
    assert_eq!(unanswerable(&no_transaction), "its transactionID is missing, repeated or too long");
    let two_transactions = spoiled(|attributes| attributes.push(attribute(oid::TRANSACTION_ID, printable("other"))));
    assert_eq!(unanswerable(&two_transactions), "its transactionID is missing, repeated or too long");
    let wrong_type = spoiled(|attributes| {
        without(attributes, oid::TRANSACTION_ID);
        attributes.push(attribute(oid::TRANSACTION_ID, octets(b"1")));
    });
    assert_eq!(unanswerable(&wrong_type), "its transactionID is missing, repeated or too long");
    let no_nonce = spoiled(|attributes| without(attributes, oid::SENDER_NONCE));
    assert_eq!(unanswerable(&no_nonce), "its senderNonce is missing, repeated or too long");
    let two_values = spoiled(|attributes| {
        without(attributes, oid::SENDER_NONCE);
        let values = SetOfVec::try_from(vec![octets(b"1"), octets(b"2")]).unwrap();
        attributes.push(Attribute { oid: oid::SENDER_NONCE, values });
    });
    assert_eq!(unanswerable(&two_values), "its senderNonce is missing, repeated or too long");
    let no_type = spoiled(|attributes| without(attributes, oid::MESSAGE_TYPE));
    assert_eq!(unanswerable(&no_type), "its messageType is not one of RFC 8894");
    let answer = CLIENT.message(&Asks { message_type: "3", ..Asks::default() });
    assert_eq!(unanswerable(&answer), "its messageType is not one of RFC 8894");
    let long = "x".repeat(200);
    let long = CLIENT.message(&Asks { transaction: &long, ..Asks::default() });
    assert_eq!(unanswerable(&long), "its transactionID is missing, repeated or too long");
}

#[test]
fn content_type_and_digest_must_be_there_and_right() {
    let messages = [
        spoiled(|attributes| without(attributes, oid::CONTENT_TYPE)),
        spoiled(|attributes| without(attributes, oid::MESSAGE_DIGEST)),
        spoiled(|attributes| {
            without(attributes, oid::CONTENT_TYPE);
            attributes.push(attribute(oid::CONTENT_TYPE, der::Any::encode_from(&oid::SIGNED_DATA).unwrap()));
        }),
        spoiled(|attributes| {
            without(attributes, oid::MESSAGE_DIGEST);
            attributes.push(attribute(oid::MESSAGE_DIGEST, octets(&[0; 32])));
        }),
    ];
    for message in messages {
        assert_eq!(refusal(&message).why, FailInfo::BadMessageCheck);
    }
}

#[test]
fn a_signature_by_another_key_is_noticed() {
    let mut signed = unwrap(&MESSAGE);
    let mut signer = signed.signer_infos.0.get(0).unwrap().clone();
    signer.signature = OctetString::new(vec![7; 256]).unwrap();
    signed.signer_infos = SignerInfos(SetOfVec::try_from(vec![signer]).unwrap());
    assert_eq!(refusal(&wrap(&signed)).why, FailInfo::BadMessageCheck);

    let impostor = Client { key: Client::new().key, certificate: CLIENT.certificate.clone() };
    assert_eq!(refusal(&impostor.message(&Asks::default())).why, FailInfo::BadMessageCheck);
}

#[test]
fn there_is_one_signer_and_its_certificate_is_inside() {
    let mut signed = unwrap(&MESSAGE);
    let first = signed.signer_infos.0.get(0).unwrap().clone();
    let second = unwrap(&CLIENT.message(&Asks::default())).signer_infos.0.get(0).unwrap().clone();
    assert_ne!(first, second, "another envelope, another digest");
    signed.signer_infos = SignerInfos(SetOfVec::try_from(vec![first, second]).unwrap());
    assert_eq!(unanswerable(&wrap(&signed)), "it must have exactly one signer");
    let mut signed = unwrap(&MESSAGE);
    signed.signer_infos = SignerInfos(SetOfVec::default());
    assert_eq!(unanswerable(&wrap(&signed)), "it must have exactly one signer");
    let mut signed = unwrap(&MESSAGE);
    signed.certificates = Some(CertificateSet(SetOfVec::default()));
    assert_eq!(unanswerable(&wrap(&signed)), "it must contain its signer's certificate exactly once");
}

#[test]
fn weak_keys_and_digests_are_refused() {
    assert_eq!(refusal(&Client::of_bits(1024).message(&Asks::default())).why, FailInfo::BadAlg);
    let md5 = ObjectIdentifier::new_unwrap("1.2.840.113549.2.5");
    assert_eq!(refusal(&CLIENT.message(&Asks { digest: md5, ..Asks::default() })).why, FailInfo::BadAlg);
    let issued = issue(&request(&MESSAGE), World::system().uuid());
    let weak = Asks { message_type: "17", csr_key: Some(Client::of_bits(1024).key), ..Asks::default() };
    assert_eq!(refusal(&CLIENT.with(issued.certificate).message(&weak)).why, FailInfo::BadAlg);
}

/// Returns messages with each known fault of the envelope.
fn wrong_envelopes() -> Vec<(&'static str, Vec<u8>)> {
    let broken = |spoil: fn(&mut Vec<u8>)| {
        let mut enveloped: EnvelopedData =
            ContentInfo::from_der(&CLIENT.envelope(&Asks::default())).unwrap().content.decode_as().unwrap();
        let mut encrypted = enveloped.encrypted_content.encrypted_content.unwrap().as_bytes().to_vec();
        spoil(&mut encrypted);
        enveloped.encrypted_content.encrypted_content = Some(OctetString::new(encrypted).unwrap());
        let content = der::Any::encode_from(&enveloped).unwrap();
        ContentInfo { content_type: oid::ENVELOPED_DATA, content }.to_der().unwrap()
    };
    let signed = |content: Vec<u8>| CLIENT.message(&Asks { content: Some(content), ..Asks::default() });
    let twice = vec![der::Any::new(der::Tag::Utf8String, b"a".as_slice()).unwrap(), printable("b")];
    let mut csr = CLIENT.pkcs10(&Asks::default());
    *csr.last_mut().unwrap() ^= 1;
    vec![
        ("first block", signed(broken(|bytes| bytes[0] ^= 1))),
        ("padding", signed(broken(|bytes| *bytes.last_mut().unwrap() ^= 1))),
        ("middle", signed(broken(|bytes| bytes[40] ^= 1))),
        ("short", signed(broken(|bytes| bytes.truncate(bytes.len() - 16)))),
        ("no whole block", signed(broken(|bytes| bytes.truncate(bytes.len() - 3)))),
        ("empty", signed(broken(Vec::clear))),
        ("no envelope", signed(b"hello".to_vec())),
        ("wrong recipient", CLIENT.message(&Asks { recipient: Some(Client::new().certificate), ..Asks::default() })),
        ("no CSR inside", CLIENT.message(&Asks { enveloped: Some(b"hello".to_vec()), ..Asks::default() })),
        ("nothing inside", CLIENT.message(&Asks { enveloped: Some(vec![]), ..Asks::default() })),
        ("CSR signature", CLIENT.message(&Asks { enveloped: Some(csr), ..Asks::default() })),
        ("two challenges", CLIENT.message(&Asks { challenge: twice, ..Asks::default() })),
    ]
}

#[test]
fn whatever_is_wrong_inside_the_envelope_the_answer_is_the_same() {
    let mut lengths = std::collections::HashSet::new();
    for (what, message) in wrong_envelopes() {
        let refused = refusal(&message);
        assert_eq!(refused.why, FailInfo::BadMessageCheck, "{what}");
        let answer = answer::fail(testing::pki(), &World::system(), &refused.exchange, refused.why).unwrap();
        let reply = CLIENT.read(&answer);
        assert_eq!((reply.status.as_str(), reply.fail_info.as_deref()), ("2", Some("1")), "{what}");
        lengths.insert(answer.len());
    }
    assert_eq!(lengths.len(), 1, "all answers have the same length");
}

#[test]
fn the_operator_is_told_faults_apart_that_the_requester_is_not() {
    let envelopes = wrong_envelopes();
    for (what, fault) in [
        ("no envelope", Fault::Envelope),
        ("wrong recipient", Fault::Decryption),
        ("no CSR inside", Fault::Request),
        ("CSR signature", Fault::Request),
        ("two challenges", Fault::Request),
    ] {
        let (_, message) = envelopes.iter().find(|(name, _)| *name == what).unwrap();
        assert_eq!(refusal(message).fault, fault, "{what}");
    }
    let impostor = Client { key: Client::new().key, certificate: CLIENT.certificate.clone() };
    assert_eq!(refusal(&impostor.message(&Asks::default())).fault, Fault::Signature);
    let untyped = spoiled(|attributes| without(attributes, oid::CONTENT_TYPE));
    assert_eq!(refusal(&untyped).fault, Fault::Attributes);
}

#[test]
fn an_envelope_copied_from_another_request_brings_a_certificate_for_the_key_in_it_alone() {
    let copied = CLIENT.envelope(&Asks::default());
    let thief = Client::new();
    let request = request(&thief.message(&Asks { content: Some(copied), ..Asks::default() }));
    assert_eq!(request.key_hash, CLIENT.key_hash(), "the attacker does not have that key");
    let renewal = thief.message(&Asks {
        message_type: "17",
        content: Some(CLIENT.envelope(&Asks::default())),
        ..Asks::default()
    });
    assert_eq!(refusal(&renewal).why, FailInfo::BadCertId, "the signer is not an identity of this server");
}

#[test]
fn a_real_request_of_an_iphone_is_read_up_to_the_envelope_which_is_for_another_server() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/scep/PKCSReq.der");
    let Ok(sample) = std::fs::read(sample) else {
        test_support::left_out(&format!("{sample} does not exist"));
        return;
    };
    let message = SignedMessage::verify(&sample).expect("a message with SHA-1, signed with a self-signed certificate");
    assert_eq!(message.message_type(), MessageType::PkcsReq);
    assert!(!message.exchange().transaction_id().is_empty());
    assert_eq!(message.open(testing::pki()).expect_err("not for us").why, FailInfo::BadMessageCheck);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(SignedMessage::verify(&body).is_err());
    }

    #[test]
    fn a_request_with_any_bit_flipped_is_refused_or_says_the_same(at in 0..MESSAGE.len(), bit in 0..8u8) {
        let mut message = MESSAGE.clone();
        message[at] ^= 1 << bit;
        if let Ok(request) = SignedMessage::verify(&message).map_err(|_| ()).and_then(|m| m.open(testing::pki()).map_err(|_| ())) {
            // Bits outside of the signature (version tags, extra certificates) may differ. The request itself may
            // not.
            prop_assert_eq!(request.key_hash, CLIENT.key_hash());
            prop_assert_eq!(request.exchange.transaction_id(), client::TRANSACTION);
            prop_assert_eq!(request.kind, RequestKind::Enroll { challenge: Some("challenge-1.secret".into()) });
        }
    }
}
