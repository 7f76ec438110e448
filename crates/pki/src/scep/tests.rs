//! Tests of SCEP with valid requests and with violations of the protocol.

mod bad_input;
mod client;
mod foreign;

use super::*;
use crate::{Issued, testing};
use client::{Asks, Client, Reply};
use der::oid::ObjectIdentifier;
use openssl::symm::Cipher;
use uuid::Uuid;
use world::World;

fn now() -> i64 {
    World::system().now().0 / 1_000_000
}

fn request(body: &[u8]) -> PkiRequest {
    SignedMessage::verify(body).expect("the signature is right").open(testing::pki()).expect("the envelope is right")
}

fn issue(request: &PkiRequest, device: Uuid) -> Issued {
    testing::pki().issue(&request.public_key, device, now(), 30).unwrap()
}

fn succeed(request: &PkiRequest, issued: &Issued) -> Vec<u8> {
    answer::succeed(testing::pki(), &World::system(), &request.exchange, &issued.certificate).unwrap()
}

fn refusal(body: &[u8]) -> Refused {
    match SignedMessage::verify(body) {
        Ok(message) => message.open(testing::pki()).expect_err("it is refused"),
        Err(VerifyError::Refused(refused)) => refused,
        Err(VerifyError::Unanswerable(why)) => panic!("it can be answered: {why}"),
    }
}

#[test]
fn a_first_certificate_goes_to_whoever_signed_with_the_key_it_is_for() {
    let client = Client::new();
    let request = request(&client.message(&Asks::default()));
    assert_eq!(request.kind, RequestKind::Enroll { challenge: Some("challenge-1.secret".into()) });
    assert_eq!(request.transaction_id(), client::TRANSACTION);
    assert_eq!(request.key_hash, client.key_hash());

    let device = World::system().uuid();
    let issued = issue(&request, device);
    let Reply { status, fail_info, transaction, recipient_nonce, certificate, .. } =
        client.read(&succeed(&request, &issued));
    assert_eq!((status.as_str(), fail_info), ("0", None));
    assert_eq!(transaction, client::TRANSACTION.as_bytes());
    assert_eq!(recipient_nonce, client::NONCE);
    let certificate = certificate.expect("a success has a certificate");
    assert_eq!(certificate.to_der().unwrap(), issued.certificate.to_der().unwrap());
    assert_eq!(testing::pki().device_of(&certificate), Some(device));
}

#[test]
fn subject_and_alternative_names_are_ours_whatever_was_asked_for() {
    let client = Client::new();
    let asks = Asks { subject: "somebody else", ..Asks::default() };
    let device = World::system().uuid();
    let issued = issue(&request(&client.message(&asks)), device);
    let text = String::from_utf8(issued.certificate.to_text().unwrap()).unwrap();
    assert!(text.contains(&format!("Subject: O=Muster, CN={device}")), "{text}");
    assert!(text.contains(&format!("URI:urn:uuid:{device}")), "{text}");
    assert!(!text.contains("somebody else"), "{text}");
}

#[test]
fn a_renewal_is_signed_with_a_certificate_of_ours_and_may_bring_a_new_key() {
    let client = Client::new();
    let device = World::system().uuid();
    let issued = issue(&request(&client.message(&Asks::default())), device);

    let renewed = client.with(issued.certificate.clone());
    let new_key = Client::new();
    let asks = Asks { message_type: "17", challenge: vec![], csr_key: Some(new_key.key.clone()), ..Asks::default() };
    let request = request(&renewed.message(&asks));
    assert_eq!(request.kind, RequestKind::Renew { device });
    assert_eq!(request.key_hash, new_key.key_hash());
    let reply = renewed.read(&succeed(&request, &issue(&request, device)));
    assert_eq!(reply.status, "0");
}

#[test]
fn a_first_request_may_be_signed_with_another_key_than_it_is_for() {
    let (signer, key) = (Client::new(), Client::new());
    let asks = Asks { csr_key: Some(key.key.clone()), ..Asks::default() };
    let request = request(&signer.message(&asks));
    assert_eq!(request.kind, RequestKind::Enroll { challenge: Some("challenge-1.secret".into()) });
    assert_eq!(request.key_hash, key.key_hash());
    let reply = signer.read(&succeed(&request, &issue(&request, World::system().uuid())));
    assert_eq!(reply.status, "0", "the answer is encrypted to the signer");
}

#[test]
fn a_renewal_by_a_stranger_is_refused() {
    let refused = refusal(&Client::new().message(&Asks { message_type: "17", ..Asks::default() }));
    assert_eq!(refused.why, FailInfo::BadCertId);
}

#[test]
fn aes_and_triple_des_envelopes_and_all_sha_digests_are_read_and_answered_in_kind() {
    let client = Client::new();
    for cipher in [Cipher::aes_128_cbc(), Cipher::aes_256_cbc(), Cipher::des_ede3_cbc()] {
        for digest in [oid::SHA1, oid::SHA256, oid::SHA384, oid::SHA512] {
            let request = request(&client.message(&Asks { cipher, digest, ..Asks::default() }));
            let reply = client.read(&succeed(&request, &issue(&request, World::system().uuid())));
            assert!(reply.certificate.is_some());
            let expected = if digest == oid::SHA1 { oid::SHA256 } else { digest };
            assert_eq!(reply.digest, expected, "as strong as the digest of the request, and never SHA-1");
            let ciphers: [(i32, ObjectIdentifier); 3] = [
                (Cipher::aes_128_cbc().nid().as_raw(), oid::AES128_CBC),
                (Cipher::aes_256_cbc().nid().as_raw(), oid::AES256_CBC),
                (Cipher::des_ede3_cbc().nid().as_raw(), oid::DES_EDE3_CBC),
            ];
            let sent = ciphers.iter().find(|(nid, _)| *nid == cipher.nid().as_raw()).unwrap().1;
            assert_eq!(reply.cipher, Some(sent), "a cipher that the client supports");
        }
    }
}

#[test]
fn single_des_is_refused() {
    let refused = refusal(&Client::new().message_in_single_des());
    assert_eq!(refused.why, FailInfo::BadAlg);
}

#[test]
fn a_message_in_ber_with_indefinite_lengths_is_read() {
    let client = Client::new();
    let der = client.message(&Asks::default());
    let ber = client::indefinite(&der);
    assert_ne!(ber, der);
    assert_eq!(request(&ber).key_hash, client.key_hash());
}

#[test]
fn the_challenge_may_be_a_utf8_or_a_printable_string() {
    let client = Client::new();
    for tag in [der::Tag::Utf8String, der::Tag::PrintableString] {
        let challenge = vec![der::Any::new(tag, "s3cret".as_bytes()).unwrap()];
        let kind = request(&client.message(&Asks { challenge, ..Asks::default() })).kind;
        assert_eq!(kind, RequestKind::Enroll { challenge: Some("s3cret".into()) });
    }
    let kind = request(&client.message(&Asks { challenge: vec![], ..Asks::default() })).kind;
    assert_eq!(kind, RequestKind::Enroll { challenge: None });
}

#[test]
fn a_refusal_repeats_transaction_and_nonce_and_holds_no_content() {
    let client = Client::new();
    let request = request(&client.message(&Asks::default()));
    let failed = answer::fail(testing::pki(), &World::system(), &request.exchange, FailInfo::BadRequest).unwrap();
    let reply = client.read(&failed);
    assert_eq!((reply.status.as_str(), reply.fail_info.as_deref()), ("2", Some("2")));
    assert_eq!(reply.transaction, client::TRANSACTION.as_bytes());
    assert_eq!(reply.recipient_nonce, client::NONCE);
    assert!(!reply.has_content && reply.certificate.is_none());
}

#[test]
fn row_15_an_answer_has_the_attributes_that_devices_check_each_of_its_type() {
    let client = Client::new();
    let request = request(&client.message(&Asks::default()));
    let success = succeed(&request, &issue(&request, World::system().uuid()));
    let failure = answer::fail(testing::pki(), &World::system(), &request.exchange, FailInfo::BadAlg).unwrap();
    for (answer, printable) in [(success, 3), (failure, 4)] {
        let reply = client.read(&answer);
        assert_eq!(
            reply.printable_strings, printable,
            "messageType, pkiStatus, transactionID, and failInfo if it failed"
        );
        assert_eq!(reply.sender_nonce.len(), 16);
        assert_eq!(reply.message_type, "3");
    }
    let again = client.read(&succeed(&request, &issue(&request, World::system().uuid())));
    let once_more = client.read(&succeed(&request, &issue(&request, World::system().uuid())));
    assert_ne!(again.sender_nonce, once_more.sender_nonce);
}

#[test]
fn the_transaction_id_is_repeated_byte_for_byte() {
    let client = Client::new();
    for transaction in ["A", "0123456789ABCDEF", "a+b/c=d e'()", "*_@!"] {
        let request = request(&client.message(&Asks { transaction, ..Asks::default() }));
        let reply = client.read(&succeed(&request, &issue(&request, World::system().uuid())));
        assert_eq!(reply.transaction, transaction.as_bytes());
    }
}

#[test]
fn polls_and_queries_are_answered_with_a_refusal() {
    for message_type in ["20", "21", "22"] {
        let refused = refusal(&Client::new().message(&Asks { message_type, ..Asks::default() }));
        assert_eq!(refused.why, FailInfo::BadRequest, "{message_type}");
    }
}

#[test]
fn a_get_may_have_lost_its_plus_signs_and_padding() {
    use base64::Engine as _;
    let message: Vec<u8> = (0..=255).collect();
    let sent = base64::engine::general_purpose::STANDARD.encode(&message);
    assert!(sent.contains('+') && sent.ends_with('='));
    assert_eq!(message_of_query(&sent), Some(message.clone()));
    assert_eq!(message_of_query(&sent.replace('+', " ")), Some(message.clone()));
    assert_eq!(message_of_query(sent.trim_end_matches('=')), Some(message.clone()));
    assert_eq!(message_of_query(&format!("{}\r\n{}", &sent[..64], &sent[64..])), Some(message));
    assert_eq!(message_of_query("not base64!"), None);
}

#[test]
fn the_server_says_what_it_can_and_shows_its_ca_and_registration_authority() {
    let lines: Vec<&str> = authority::CAPABILITIES.lines().collect();
    for capability in ["SCEPStandard", "POSTPKIOperation", "Renewal", "AES", "DES3", "SHA-1", "SHA-256"] {
        assert!(lines.contains(&capability), "{capability}");
    }
    let sent = authority::certificates(testing::pki()).unwrap();
    let pkcs7 = openssl::pkcs7::Pkcs7::from_der(&sent).unwrap();
    let fingerprints: Vec<String> =
        pkcs7.signed().unwrap().certificates().unwrap().iter().map(crate::fingerprint).collect();
    let ours = testing::pki().fingerprints();
    assert_eq!(fingerprints.len(), 2);
    assert!(fingerprints.contains(&ours.identity_ca) && fingerprints.contains(&ours.registration_authority));
}
