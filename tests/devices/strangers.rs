//! Tests of the work that unknown clients can cause before they are identified: messages that are expensive to verify
//! are refused before that work.

use events::enrollment::EnrollmentKind;
use harness::TestServer;
use harness::connection::Connection;
use harness::devices::{TestDevice, invite, scep_payload};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use simulator::built_in::DeviceCa;
use simulator::certificate_request::{certification_request, self_signed, subject};
use simulator::hostile::{Shape, spoiled};
use simulator::messages::xml;
use simulator::scep::{Protection, authority, pki_message};
use simulator::signature::{self, Digest, Identity, Style};

const DER: Style = Style { digest: Digest::Sha256, signed_attributes: true, indefinite: false };
/// A size that fits into a header.
const IN_A_HEADER: usize = 20_000;
const IN_A_BODY: usize = 60_000;

fn stranger() -> Identity {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    self_signed(&subject(&[("CN".into(), "a stranger".into())]).unwrap(), &key).unwrap()
}

#[actix_web::test]
async fn a_signature_made_to_cost_is_refused_wherever_devices_sign_the_body() {
    let server = TestServer::start().await;
    // An enrolled device may not cause more work either.
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    for identity in [stranger(), device.identity.clone()] {
        let device = device.with_identity(identity);
        let body = xml(&device.token_update("MAGIC"));
        let honest = signature::detached(&body, &device.identity, DER).unwrap();
        for shape in Shape::EVERY {
            let hostile = spoiled(&honest, shape, IN_A_HEADER, &device.identity.key).unwrap();
            let header = harness::devices::base64(&hostile);
            for endpoint in ["checkin", "command"] {
                let answer = device.put_signed(endpoint, &body, Some(&header)).await;
                assert_eq!(answer.status, 400, "{shape:?} at {endpoint}");
            }
        }
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_message_made_to_cost_is_refused_wherever_devices_sign_with_another_identity() {
    let server = TestServer::start().await;
    let ca = DeviceCa::new().unwrap();
    let now = server.app().platform.world.now().0 / 1_000_000;
    let identity = ca.issue("a device", 1024, Digest::Sha256, now).unwrap();
    let content = b"<plist version=\"1.0\"><dict/></plist>";
    let honest = signature::attached(content, &identity, &[], DER).unwrap();
    for shape in Shape::EVERY {
        let hostile = spoiled(&honest, shape, IN_A_BODY, &identity.key).unwrap();
        for path in ["mdm/account/mdm-byod", "mdm/account/mdm-adde", "mdm/profile-service"] {
            let request = server.client().post(format!("{}/{path}", server.url())).body(hostile.clone());
            assert_eq!(request.send().await.unwrap().status(), 400, "{shape:?} at {path}");
        }
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_scep_message_made_to_cost_is_refused_and_an_honest_one_is_answered() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
    let url = scep_payload(&server, &invited.challenge).url;
    let certificates = server.client().get(format!("{url}?operation=GetCACert")).send().await.unwrap();
    let authority = authority(&certificates.bytes().await.unwrap()).unwrap();
    let stranger = stranger();
    let name = subject(&[("CN".into(), "a stranger".into())]).unwrap();
    let request = certification_request(&name, Some("no challenge"), &stranger.key, Digest::Sha256).unwrap();
    let protection = Protection { digest: Digest::Sha256, aes: true };
    let (honest, _) = pki_message(&request, "19", &stranger, &authority, protection).unwrap();
    let post = async |message: Vec<u8>| {
        let request = server.client().post(format!("{url}?operation=PKIOperation")).body(message);
        request.send().await.unwrap().status()
    };
    for shape in Shape::EVERY {
        let hostile = spoiled(&honest, shape, IN_A_BODY, &stranger.key).unwrap();
        assert_eq!(post(hostile).await, 400, "{shape:?}");
    }
    assert_eq!(post(honest).await, 200);
    server.stop().await;
}

#[actix_web::test]
async fn a_large_answer_of_a_stranger_is_refused_before_its_body_is_there() {
    let server = TestServer::start().await;
    let header = signature::mdm_signature(b"whatever", &stranger(), Style::REAL).unwrap();
    let mut connection = Connection::to(&server).await;
    // The request announces 64 MiB and sends none of it.
    let head = format!(
        "PUT /mdm/command HTTP/1.1\r\nHost: localhost\r\nMdm-Signature: {header}\r\nContent-Length: 67108864\r\n\r\n"
    );
    connection.send(head.as_bytes()).await;
    let answer = connection.answer().await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    server.stop().await;
}
