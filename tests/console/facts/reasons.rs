//! Each reason for a refusal is recorded, not only each endpoint. The reasons are read from the sources. For each
//! reason, a test against the real server must name it.

use super::{Watch, collect};
use events::Event;
use events::device::{DeviceEvent, MessageRefusal};
use events::enrollment::{EnrollmentEvent, EnrollmentKind, EnrollmentRefusal, IdentityRefusal};
use events::system::{DeviceRequestRefusal, RefusalEvent};
use harness::TestServer;
use harness::devices::{IOS, KEYS, TestDevice, invite, scep_payload, serve};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use simulator::certificate_request::{certification_request, self_signed, subject};
use simulator::messages::{self, Identifier};
use simulator::scep::{self, Authority, Protection, pki_message};
use simulator::signature::{Digest, Identity};
use std::path::Path;

/// An enum of reasons, the source that declares it, and the reasons that no test against the server can cause, each
/// with an explanation.
type Reasons = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const REASONS: [Reasons; 12] = [
    ("DeviceRequestRefusal", include_str!("../../../events/src/system.rs"), &[]),
    (
        "MessageRefusal",
        include_str!("../../../events/src/device/refusal.rs"),
        &[("NotPermitted", "only a device that is not enrolled is asked about its model and version")],
    ),
    (
        "IdentityRefusal",
        include_str!("../../../events/src/enrollment/refusal.rs"),
        &[("EnvelopeInvalid", "the simulator makes none; crates/pki/src/scep/tests/bad_input.rs does")],
    ),
    ("FormRefusal", include_str!("../../../events/src/enrollment/refusal.rs"), &[]),
    ("EnrollmentRefusal", include_str!("../../../events/src/enrollment.rs"), &[]),
    ("ProfileServiceRefusal", include_str!("../../../events/src/enrollment/profile_service.rs"), &[]),
    ("InvitationRefusal", include_str!("../../../events/src/invitation.rs"), &[]),
    ("SignInAgainReason", include_str!("../../../events/src/enrollment/account_driven.rs"), &[]),
    ("SignInRefusal", include_str!("../../../events/src/enrollment/sign_in.rs"), &[]),
    (
        "SingleSignOnFault",
        include_str!("../../../events/src/enrollment/sign_in.rs"),
        &[
            ("ForbiddenContent", "crates/identity/src/saml/tests/corpus.rs holds the corpus of forged answers"),
            ("WrongRecipient", "crates/identity/src/saml/tests/corpus.rs holds the corpus of forged answers"),
        ],
    ),
    ("FactorRefusal", include_str!("../../../events/src/staff/factors.rs"), &[]),
    (
        "ApiRefusal",
        include_str!("../../../events/src/staff.rs"),
        &[("NotEntitled", "nothing takes from a program the one privilege that it was made with")],
    ),
];

fn variants(name: &str, source: &'static str) -> Vec<&'static str> {
    let body = source.split_once(&format!("pub enum {name} {{")).unwrap().1.split_once("\n}").unwrap().0;
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = lines.filter(|line| line.starts_with(char::is_uppercase));
    names.map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap()).collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|found| found == word)
}

#[test]
fn every_reason_for_a_refusal_is_looked_for_by_a_test() {
    let mut tests = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    collect(&folder, &mut tests);
    collect(&folder.join("console/facts"), &mut tests);
    // The table itself does not count as a test of a reason.
    let table = "const REASONS: [Reasons;";
    let tests: Vec<&str> = tests
        .iter()
        .map(|text| match text.split_once(table) {
            Some((_, rest)) => rest.split_once("\n];\n").unwrap().1,
            None => text,
        })
        .collect();
    for (name, source, left_out) in REASONS {
        for reason in variants(name, source) {
            let is_named = |text: &&str| has_word(text, name) && has_word(text, reason);
            let is_left_out = left_out.iter().any(|(left_out, _)| *left_out == reason);
            assert_ne!(
                tests.iter().any(is_named),
                is_left_out,
                "{name}::{reason} needs either a test or an explanation in REASONS"
            );
        }
    }
}

/// Returns the reason of a refused request that belongs to no device.
fn of_nobody(event: Event) -> Option<DeviceRequestRefusal> {
    match event {
        Event::Refusal(RefusalEvent::DeviceRequestRefused { why, device: None }) => Some(why),
        _ => None,
    }
}

fn of_message(event: Event) -> Option<MessageRefusal> {
    match event {
        Event::Device(DeviceEvent::DeviceMessageRefused { why }) => Some(why),
        _ => None,
    }
}

/// Returns the reason of a refused identity request, in any of the streams that can record it.
fn of_identity(event: Event) -> Option<IdentityRefusal> {
    match event {
        Event::Refusal(RefusalEvent::IdentityRequestRefused { why })
        | Event::Enrollment(EnrollmentEvent::IdentityRefused { why })
        | Event::Device(DeviceEvent::IdentityRenewalRefused { why }) => Some(why),
        _ => None,
    }
}

#[actix_web::test]
async fn each_request_that_is_nobodys_is_refused_on_record_with_its_reason() {
    let server = TestServer::start().await;
    let (client, url) = (server.client(), server.url());
    let mut watch = Watch::begin(&server).await;
    let form = "application/x-www-form-urlencoded";
    let grant = async |body: &str| {
        let request = client.post(format!("{url}/mdm/account-token")).header("content-type", form);
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    };
    use DeviceRequestRefusal::{ClientUnknown, GrantInvalid, NotSigned, NotUnderstood};
    for (body, why) in [
        ("grant_type=refresh_token&refresh_token=x", GrantInvalid),
        ("grant_type=refresh_token&refresh_token=x&client_id=somebody", ClientUnknown),
        ("grant_type=password", NotUnderstood),
        ("", NotUnderstood),
        ("grant_type=a&grant_type=b", NotUnderstood),
    ] {
        assert_eq!(grant(body).await, 400, "{body}");
        assert_eq!(watch.news_of(of_nobody).await, [why], "{body}");
    }
    for path in ["account/mdm-byod", "account/mdm-adde", "profile-service"] {
        for (body, why) in [(b"hello".to_vec(), NotSigned), (vec![0x30; 100_000], NotUnderstood)] {
            let answer = client.post(format!("{url}/mdm/{path}")).body(body).send().await.unwrap();
            assert_eq!((answer.status().as_u16(), watch.news_of(of_nobody).await), (400, vec![why]), "{path}");
        }
    }
    let answer = client.post(format!("{url}/mdm/account/mdm-other")).body("hello").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), watch.news_of(of_nobody).await), (404, vec![NotUnderstood]));
    for path in ["checkin", "command"] {
        let answer = client.put(format!("{url}/mdm/{path}")).body("hello").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), watch.news_of(of_nobody).await), (400, vec![NotSigned]), "{path}");
    }
    let answer = client.put(format!("{url}/mdm/checkin")).body(vec![0x30; 100_000]).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), watch.news_of(of_nobody).await), (400, vec![NotUnderstood]));
    let stranger = stranger(2048);
    let invited = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await.with_identity(stranger);
    assert_eq!(invited.check_in(&invited.authenticate()).await, 403);
    assert_eq!(watch.news_of(of_nobody).await, [DeviceRequestRefusal::CertificateUnknown]);
    let answer = client.get(format!("{url}/.well-known/com.apple.remotemanagement?model-family=Mac")).send().await;
    assert_eq!(answer.unwrap().status().as_u16(), 403);
    let refused = watch.news_of(|event| match event {
        Event::Refusal(RefusalEvent::DeviceRefused { why, .. }) => Some(why),
        _ => None,
    });
    assert_eq!(refused.await, [EnrollmentRefusal::AccountDrivenNotOffered]);
    server.stop().await;
}

#[actix_web::test]
async fn each_message_of_a_device_that_is_refused_is_on_record_with_its_reason() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut watch = Watch::begin(&server).await;
    assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 400);
    assert_eq!(watch.news_of(of_message).await, [MessageRefusal::NotAuthenticated]);
    assert_eq!(device.check_in(&device.authenticate()).await, 200);
    assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 200);
    let mut elsewhere = device.token_update("OTHER");
    elsewhere.insert("Topic".into(), "com.apple.mgmt.External.other".into());
    let mut another = device.token_update("OTHER");
    another.insert("UDID".into(), "00008030-001A24D03C28802E".into());
    let mut of_a_person = device.clone();
    of_a_person.identifier = Identifier::EnrollmentId("A1".into());
    for (message, status, why) in [
        (elsewhere, 403, MessageRefusal::OtherTopic),
        (another, 403, MessageRefusal::OtherDevice),
        (device.message("Sing"), 400, MessageRefusal::NotUnderstood),
        (of_a_person.authenticate(), 403, MessageRefusal::WrongMode),
    ] {
        assert_eq!(device.check_in(&message).await, status, "{why:?}");
        assert_eq!(watch.news_of(of_message).await, [why]);
    }
    assert_eq!(device.put("command", &messages::xml(&device.message("Sing"))).await.status, 400);
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 403);
    assert_eq!(watch.news_of(of_message).await, [MessageRefusal::Ended]);
    server.stop().await;
}

fn stranger(bits: u32) -> Identity {
    let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    self_signed(&subject(&[("CN".into(), "a stranger".into())]).unwrap(), &key).unwrap()
}

#[actix_web::test]
async fn each_scep_message_that_is_refused_is_on_record_with_its_reason() {
    let server = TestServer::start().await;
    let url = format!("{}/scep", server.url());
    let client = server.client();
    let certificates = client.get(format!("{url}?operation=GetCACert")).send().await.unwrap();
    let authority = scep::authority(&certificates.bytes().await.unwrap()).unwrap();
    let (known, short) = (stranger(2048), stranger(1024));
    let elsewhere = Authority { certificates: vec![], encryption: known.certificate.clone() };
    let name = subject(&[("CN".into(), "a stranger".into())]).unwrap();
    let request = certification_request(&name, Some("no challenge"), &known.key, Digest::Sha256).unwrap();
    let message = |request: &[u8], kind: &str, signer: &Identity, authority: &Authority| {
        let protection = Protection { digest: Digest::Sha256, aes: true };
        pki_message(request, kind, signer, authority, protection).unwrap().0
    };
    let honest = message(&request, "19", &known, &authority);
    let mut signature = honest.clone();
    *signature.last_mut().unwrap() ^= 1;
    // The contentType attribute differs from the type of the content.
    let mut attributes = honest.clone();
    let data = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01];
    let at = attributes.windows(data.len()).rposition(|window| window == data).unwrap();
    attributes[at + 8] = 3;
    let mut watch = Watch::begin(&server).await;
    use IdentityRefusal as Why;
    for (body, status, why) in [
        (b"hello".to_vec(), 400, Why::NotSigned),
        (signature, 200, Why::SignatureInvalid),
        (attributes, 200, Why::AttributesInvalid),
        (message(&request, "19", &known, &elsewhere), 200, Why::NotDecrypted),
        (message(b"hello", "19", &known, &authority), 200, Why::RequestInvalid),
        (message(&request, "19", &short, &authority), 200, Why::AlgorithmRefused),
        (message(&request, "22", &known, &authority), 200, Why::OperationUnknown),
        (message(&request, "17", &known, &authority), 200, Why::CertificateUnknown),
        (honest, 200, Why::ChallengeUnknown),
    ] {
        let answer = client.post(format!("{url}?operation=PKIOperation")).body(body).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), watch.news_of(of_identity).await), (status, vec![why]));
    }
    for (query, why) in [("GetCRL", Why::OperationUnknown), ("PKIOperation&message=%21", Why::NotSigned)] {
        assert_eq!(client.get(format!("{url}?operation={query}")).send().await.unwrap().status(), 400, "{query}");
        assert_eq!(watch.news_of(of_identity).await, [why], "{query}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn each_request_for_an_identity_that_an_enrollment_refuses_is_on_record_with_its_reason() {
    let server = TestServer::start().await;
    let client = server.client();
    let ask =
        async |challenge: &str| scep::enroll(&client, &scep_payload(&server, challenge), IOS, &KEYS).await.map(drop);
    let mut watch = Watch::begin(&server).await;

    let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
    let device = TestDevice::of(&server, invited, EnrollmentKind::DeviceEnrollment).await;
    let later = serve(&server, device.id.enrollment(), &device.profile, 3_600).await;
    ask(&later).await.unwrap_err();
    assert_eq!(watch.news_of(of_identity).await, [IdentityRefusal::DeviceEnrolled]);
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    let (payload, key) = (scep_payload(&server, ""), KEYS.take(2048).await.unwrap());
    scep::renew(&client, &payload, IOS, &device.identity, key).await.unwrap_err();
    assert_eq!(watch.news_of(of_identity).await, [IdentityRefusal::DeviceNotEnrolled]);

    let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
    let challenge = invited.challenge.clone();
    let mut device = TestDevice::by(&server, invited, EnrollmentKind::DeviceEnrollment).await;
    device.identifier = Identifier::EnrollmentId("A1".into());
    assert_eq!(device.check_in(&device.authenticate()).await, 403);
    ask(&challenge).await.unwrap_err();
    assert_eq!(watch.news_of(of_identity).await, [IdentityRefusal::EnrollmentEnded]);
    server.stop().await;
}
