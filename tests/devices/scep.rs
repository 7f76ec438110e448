//! Tests of SCEP over HTTPS: exactly one identity is issued under concurrent requests, and the old identity authorizes
//! its renewal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::{DeviceEvent, DeviceId, SupersessionEvidence};
use events::enrollment::{EnrollmentEvent, EnrollmentId, EnrollmentKind, IssuedCertificate};
use events::envelope::EventId;
use events::store::Expected;
use events::{Actor, ActorKind, Draft};
use harness::TestServer;
use harness::devices::{IOS, KEYS, TestDevice, invite, scep_payload, serve, uuid};
use openssl::x509::X509;
use simulator::certificate_request;
use simulator::keys::KeyPool;
use simulator::model::IosVersion;
use simulator::scep::{self, ScepError};
use simulator::signature::{Digest, Identity};

/// failInfo badRequest (RFC 8894 §3.2.1.4).
const BAD_REQUEST: &str = "2";
const BAD_CERT_ID: &str = "4";

async fn issued(server: &TestServer, enrollment: EnrollmentId) -> Vec<IssuedCertificate> {
    let log = server.log_of(&enrollment.stream()).await;
    let events = log.into_iter().filter_map(|entry| EnrollmentEvent::try_from(entry.event).ok());
    events
        .filter_map(|event| match event {
            EnrollmentEvent::IdentityIssued { identity, .. } => Some(identity),
            _ => None,
        })
        .collect()
}

async fn enroll(server: &TestServer, challenge: &str, keys: &KeyPool) -> Result<Identity, ScepError> {
    scep::enroll(&server.client(), &scep_payload(server, challenge), IOS, keys).await
}

fn fail_info(result: Result<Identity, ScepError>) -> String {
    match result {
        Err(ScepError::Refused(fail_info)) => fail_info,
        other => panic!("{other:?}"),
    }
}

#[actix_web::test]
async fn sixteen_requests_race_and_exactly_one_certificate_comes_of_it() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
    // Eight requests have one key, eight another: eight get the winner's certificate, eight are refused.
    let keys = [KeyPool::shared(1).unwrap(), KeyPool::shared(1).unwrap()];
    let requests = (0..16).map(|nth| enroll(&server, &invited.challenge, &keys[nth % 2]));
    let results = futures_util::future::join_all(requests).await;
    let (winners, losers): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((winners.len(), losers.len()), (8, 8));
    let certificates: Vec<Vec<u8>> =
        winners.into_iter().map(|winner| winner.unwrap().certificate.to_der().unwrap()).collect();
    let recorded = issued(&server, invited.enrollment).await;
    assert_eq!(recorded.len(), 1);
    let recorded = STANDARD.decode(&recorded[0].certificate).unwrap();
    assert!(certificates.iter().all(|certificate| *certificate == recorded));
    for loser in losers {
        assert_eq!(fail_info(loser), BAD_REQUEST);
    }
    server.stop().await;
}

#[actix_web::test]
async fn old_and_new_devices_get_an_identity_that_names_them_as_we_do() {
    let server = TestServer::start().await;
    // The simulator uses 3DES and SHA-1 up to iOS 13, AES and SHA-256 after that.
    for ios in [IosVersion::new(12, 4), IosVersion::new(17, 5)] {
        let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
        let payload = scep_payload(&server, &invited.challenge);
        let identity = scep::enroll(&server.client(), &payload, ios, &KEYS).await.unwrap();
        let name = scep::common_name(&identity.certificate);
        assert_eq!(name, Some(invited.enrollment.to_string()), "the server chooses the name, not the request");
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_challenge_that_is_unknown_expired_or_used_is_refused_with_bad_request() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::UserEnrollment).await;
    let expired = serve(&server, invited.enrollment, &invited.profile, -1).await;
    let second = serve(&server, invited.enrollment, &invited.profile, 3_600).await;
    let nobody = format!("challenge-{}.{}", harness::devices::uuid(), "A".repeat(43));
    let guessed = format!("challenge-{}.{}", invited.enrollment, "A".repeat(43));
    for (what, challenge) in [
        ("expired", expired.as_str()),
        ("of an unknown enrollment", &nobody),
        ("guessed", &guessed),
        ("nonsense", "letmein"),
        ("none", ""),
    ] {
        assert_eq!(fail_info(enroll(&server, challenge, &KEYS).await), BAD_REQUEST, "{what}");
    }
    assert!(issued(&server, invited.enrollment).await.is_empty());
    // All served challenges are valid until one of them is used; then the others are invalid.
    enroll(&server, &invited.challenge, &KEYS).await.unwrap();
    assert_eq!(fail_info(enroll(&server, &second, &KEYS).await), BAD_REQUEST);
    // The used challenge is not valid for another key.
    let other = KeyPool::shared(1).unwrap();
    assert_eq!(fail_info(enroll(&server, &invited.challenge, &other).await), BAD_REQUEST);
    assert_eq!(issued(&server, invited.enrollment).await.len(), 1);
    server.stop().await;
}

#[actix_web::test]
async fn until_it_is_used_an_identity_is_replaced_by_that_of_a_later_serving() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::UserEnrollment).await;
    let first = enroll(&server, &invited.challenge, &KEYS).await.unwrap();
    let again = serve(&server, invited.enrollment, &invited.profile, 3_600).await;
    let second = enroll(&server, &again, &KEYS).await.unwrap();
    assert_ne!(first.certificate.to_der().unwrap(), second.certificate.to_der().unwrap());
    let enrollment = server.app().platform.enrollment(invited.enrollment).await.unwrap();
    let in_force = STANDARD.decode(enrollment.identity.clone().unwrap().certificate.certificate).unwrap();
    assert_eq!(in_force, second.certificate.to_der().unwrap());
    let history = server.log_of(&invited.enrollment.stream()).await;
    assert!(history.iter().any(|entry| entry.event.type_name() == "IdentityRevoked"));
    server.stop().await;
}

#[actix_web::test]
async fn a_record_that_may_come_back_keeps_its_identity_though_its_enrollment_asks_for_another() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
    let second = serve(&server, invited.enrollment, &invited.profile, 3_600).await;
    let device = TestDevice::of(&server, invited, EnrollmentKind::DeviceEnrollment).await;
    let app = server.app();
    let draft = Draft {
        id: EventId::fresh(&app.platform.world),
        at: app.platform.world.now(),
        actor: Actor::new(ActorKind::System, "test"),
        source: None,
        correlation: app.platform.world.uuid(),
        causation: None,
        event: DeviceEvent::DeviceSuperseded {
            by: DeviceId(uuid()),
            evidence: SupersessionEvidence::PushUnregistered,
            revivable_until: Some(app.platform.world.now().plus_seconds(3_600)),
        }
        .into(),
    };
    app.platform.log.append(&device.id.stream(), Expected::Any, vec![draft]).await.unwrap();
    assert_eq!(fail_info(enroll(&server, &second, &KEYS).await), BAD_REQUEST);
    assert_eq!(issued(&server, device.id.enrollment()).await.len(), 1);
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 200, "the record is revived");
    // The device may get a command with the same answer.
    assert!(device.history(&server).await.iter().any(|event| event == "DeviceRevived"));
    server.stop().await;
}

#[actix_web::test]
async fn an_identity_is_renewed_by_right_of_the_old_one_which_works_on() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let key = KeyPool::shared(1).unwrap().take(2048).await.unwrap();
    let payload = scep_payload(&server, "");
    let client = server.client();
    let renewed = scep::renew(&client, &payload, IOS, &device.identity, key.clone()).await.unwrap();
    // A response was lost: the same key gets the same certificate.
    let again = scep::renew(&client, &payload, IOS, &device.identity, key.clone()).await.unwrap();
    assert_eq!(renewed.certificate.to_der().unwrap(), again.certificate.to_der().unwrap());
    let events = device.events(&server).await;
    let count = events.iter().filter(|event| matches!(event, DeviceEvent::IdentityRenewed { .. })).count();
    assert_eq!(count, 1);
    for identity in [renewed, device.identity.clone()] {
        let mut device = device.clone();
        device.identity = identity;
        assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 200);
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_renewal_by_a_certificate_that_is_not_in_force_is_refused() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let client = server.client();
    let (payload, key) = (scep_payload(&server, ""), KEYS.take(2048).await.unwrap());
    let public = openssl::pkey::PKey::public_key_from_der(&device.identity.key.public_key_to_der().unwrap()).unwrap();
    let now = server.app().platform.world.now().0 / 1_000_000;
    let sign = |device| -> X509 { server.app().devices.pki.issue(&public, device, now, 30).unwrap().certificate };
    let subject = certificate_request::subject(&[("CN".into(), device.id.to_string())]).unwrap();
    let own = certificate_request::self_signed(&subject, &device.identity.key).unwrap();
    for (what, certificate) in [("never handed out", sign(device.id.0)), ("its own", own.certificate)] {
        let signer = Identity::new(certificate, device.identity.key.clone());
        let refused = scep::renew(&client, &payload, IOS, &signer, key.clone()).await;
        assert_eq!(fail_info(refused), BAD_CERT_ID, "{what}");
    }
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    let refused = scep::renew(&client, &payload, IOS, &device.identity, key.clone()).await;
    assert_eq!(fail_info(refused), BAD_CERT_ID, "the certificate of a device that left");
    server.stop().await;
}

#[actix_web::test]
async fn a_request_by_get_is_answered_as_one_by_post() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
    let (client, url) = (server.client(), format!("{}/scep", server.url()));
    let authority = client.get(format!("{url}?operation=GetCACert")).send().await.unwrap().bytes().await.unwrap();
    let authority = scep::authority(&authority).unwrap();
    let key = KEYS.take(2048).await.unwrap();
    let subject = certificate_request::subject(&[("CN".into(), "a device".into())]).unwrap();
    let requester = certificate_request::self_signed(&subject, &key).unwrap();
    let protection = scep::Protection { digest: Digest::Sha1, aes: false };
    let csr =
        certificate_request::certification_request(&subject, Some(&invited.challenge), &key, Digest::Sha1).unwrap();
    let (message, sent) = scep::pki_message(&csr, "19", &requester, &authority, protection).unwrap();
    let query = [("operation", "PKIOperation"), ("message", &STANDARD.encode(message))];
    let answer = client.get(&url).query(&query).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-pki-message");
    let certificate = scep::answer::open(&answer.bytes().await.unwrap(), &sent, &requester, &authority).unwrap();
    assert_eq!(scep::common_name(&certificate), Some(invited.enrollment.to_string()));
    server.stop().await;
}

#[actix_web::test]
async fn a_message_may_be_signed_with_another_key_than_it_asks_a_certificate_for_and_a_challenge_is_for_one_key() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
    let (client, url) = (server.client(), format!("{}/scep", server.url()));
    let authority = client.get(format!("{url}?operation=GetCACert")).send().await.unwrap().bytes().await.unwrap();
    let authority = scep::authority(&authority).unwrap();
    let subject = certificate_request::subject(&[("CN".into(), "a device".into())]).unwrap();
    let protection = scep::Protection { digest: Digest::Sha256, aes: true };
    let fresh = || openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let (signer, key, other) = (certificate_request::self_signed(&subject, &fresh()).unwrap(), fresh(), fresh());
    let ask = async |key| {
        let challenge = Some(invited.challenge.as_str());
        let csr = certificate_request::certification_request(&subject, challenge, key, Digest::Sha256).unwrap();
        let (message, sent) = scep::pki_message(&csr, "19", &signer, &authority, protection).unwrap();
        let answer = client.post(format!("{url}?operation=PKIOperation")).body(message).send().await.unwrap();
        scep::answer::open(&answer.bytes().await.unwrap(), &sent, &signer, &authority)
    };
    let certificate = ask(&key).await.unwrap();
    assert!(certificate.public_key().unwrap().public_eq(&key));
    assert_eq!(
        ask(&key).await.unwrap().to_der().unwrap(),
        certificate.to_der().unwrap(),
        "a repeated request gets the same certificate"
    );
    assert!(matches!(ask(&other).await, Err(ScepError::Refused(why)) if why == BAD_REQUEST));
    assert_eq!(issued(&server, invited.enrollment).await.len(), 1);
    server.stop().await;
}

#[actix_web::test]
async fn what_is_no_scep_is_answered_400() {
    let server = TestServer::start().await;
    let (client, url) = (server.client(), format!("{}/scep", server.url()));
    for query in [
        "",
        "?operation=",
        "?operation=GetNextCACert",
        "?operation=PKIOperation&message=%21",
        "?operation=PKIOperation",
    ] {
        assert_eq!(client.get(format!("{url}{query}")).send().await.unwrap().status(), 400, "{query}");
    }
    for body in [vec![], b"hello".to_vec(), vec![0; 1 << 20], vec![0x30, 0x80]] {
        let request = client.post(format!("{url}?operation=PKIOperation")).body(body);
        assert_eq!(request.send().await.unwrap().status(), 400);
    }
    let capabilities = client.get(format!("{url}?operation=GetCACaps")).send().await.unwrap();
    assert_eq!(capabilities.headers()["content-type"], "text/plain");
    let text = capabilities.text().await.unwrap();
    for capability in ["AES", "DES3", "POSTPKIOperation", "Renewal", "SCEPStandard", "SHA-1", "SHA-256"] {
        assert!(text.lines().any(|line| line == capability), "{capability}");
    }
    let certificates = client.get(format!("{url}?operation=GetCACert")).send().await.unwrap();
    assert_eq!(certificates.headers()["content-type"], "application/x-x509-ca-ra-cert");
    server.stop().await;
}
