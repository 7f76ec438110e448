//! The endpoints for devices.

use super::Proof::{Test, Walked};
use super::{Proof, Watch, hold};
use events::Event;
use events::enrollment::{EnrollmentEvent, EnrollmentKind, IdentityRefusal};
use events::system::{DeviceRequestRefusal, RefusalEvent};
use harness::TestServer;
use harness::devices::{IOS, KEYS, TestDevice, invite, scep_payload, serve, uuid};
use plist::Value;
use sign_in::sum_up_refusals;
use simulator::certificate_request;
use simulator::keys::KeyPool;
use simulator::signature::mdm_signature;
use simulator::{messages, scep};
use std::collections::BTreeSet;

const ROWS: [(&str, Proof); 6] = [
    ("/account-token", Walked),
    (
        "/account/{version}",
        Test {
            event: "DeviceRefused",
            name: "devices_that_cannot_enroll_are_refused_before_anybody_signs_in_and_the_log_says_why",
        },
    ),
    ("/checkin", Walked),
    ("/command", Walked),
    (
        "/profile-service",
        Test { event: "ProfileServiceRefused", name: "a_message_that_its_signature_does_not_fit_is_refused_on_record" },
    ),
    ("/scep", Walked),
];

/// Returns the paths to which devices send data.
fn routes() -> BTreeSet<String> {
    let sources = [
        include_str!("../../../src/mdm/account.rs"),
        include_str!("../../../src/mdm/check_in.rs"),
        include_str!("../../../src/mdm/command.rs"),
        include_str!("../../../src/mdm/profile_service.rs"),
        include_str!("../../../src/mdm/scep.rs"),
    ];
    let named = |source: &'static str| {
        let after = |mark: &'static str| source.split(mark).skip(1);
        after(".route(\"").chain(after("web::resource(\""))
    };
    let sent = sources.into_iter().flat_map(named).filter(|route| {
        let rest = route.split(".route(").take(3).collect::<String>();
        rest.contains("web::put()") || rest.contains("web::post()")
    });
    sent.map(|route| route.split('"').next().unwrap().to_owned()).filter(|path| path.starts_with('/')).collect()
}

#[test]
fn every_endpoint_of_devices_has_a_row() {
    hold(&routes(), &ROWS);
    let registered = include_str!("../../../src/mdm.rs");
    assert_eq!(
        registered.matches("configure(").count() + registered.matches("::resource()").count(),
        6,
        "the number of endpoints changed: add a row"
    );
}

#[actix_web::test]
async fn a_check_in_that_is_refused_leaves_a_fact_once() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut watch = Watch::begin(&server).await;
    assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 400);
    watch.left("DeviceMessageRefused", "TokenUpdate without Authenticate").await;
    assert_eq!(device.check_in(&device.authenticate()).await, 200);
    assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 200);
    let mut elsewhere = device.token_update("OTHER");
    elsewhere.insert("Topic".into(), Value::from("com.apple.mgmt.External.other"));
    let mut another = device.token_update("OTHER");
    another.insert("UDID".into(), Value::from("00008030-001A24D03C28802E"));
    for (what, message, status) in [
        ("another topic", elsewhere, 403),
        ("another device", another, 403),
        ("no such type", device.message("Sing"), 400),
    ] {
        watch.news().await;
        for _ in 0..3 {
            assert_eq!(device.check_in(&message).await, status, "{what}");
        }
        // Events that follow from the enrollment may occur in between.
        let refused = watch.news().await.into_iter().filter(|name| name == "DeviceMessageRefused");
        assert_eq!(refused.count(), 1, "{what}");
    }
    let mut report = device.report("Idle", None);
    report.insert("UDID".into(), Value::from("00008030-001A24D03C28802E"));
    assert_eq!(device.report_on(&report).await.status, 403);
    sum_up_refusals(&server.app().sign_in, true).await;
    watch.left("RefusalsSuppressed", "an answer of another device, which is on record already").await;
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    watch.left("DeviceCheckedOut", "CheckOut").await;
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 403);
    watch.left("DeviceMessageRefused", "asking for commands after CheckOut").await;
    server.stop().await;
}

#[actix_web::test]
async fn a_message_under_a_foreign_certificate_leaves_a_fact() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let subject = certificate_request::subject(&[("CN".into(), device.id.to_string())]).unwrap();
    let stranger = device.with_identity(certificate_request::self_signed(&subject, &device.identity.key).unwrap());
    let mut watch = Watch::begin(&server).await;
    assert_eq!(stranger.check_in(&stranger.token_update("MAGIC")).await, 403);
    watch.left("DeviceRequestRefused", "a check-in of a stranger").await;
    assert_eq!(stranger.report_on(&stranger.report("Idle", None)).await.status, 403);
    watch.left("DeviceRequestRefused", "a stranger who asks for commands").await;
    server.stop().await;
}

#[actix_web::test]
async fn a_message_that_the_device_did_not_sign_leaves_a_fact_that_is_not_the_devices() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    let body = messages::xml(&device.token_update("MAGIC"));
    let of_another = mdm_signature(b"another body", &device.identity, device.style).unwrap();
    let before = device.history(&server).await;
    for endpoint in ["checkin", "command"] {
        assert_eq!(device.put_signed(endpoint, &body, Some(&of_another)).await.status, 400, "{endpoint}");
    }
    let why = DeviceRequestRefusal::SignatureInvalid;
    let refused = Event::Refusal(RefusalEvent::DeviceRequestRefused { why, device: Some(device.id) });
    assert_eq!(server.events_of("refusals").await, vec![refused; 2]);
    assert_eq!(device.history(&server).await, before);
    server.stop().await;
}

/// Returns the reasons of refused identity requests: those recorded in enrollments, and those that belong to no
/// enrollment.
async fn identity_refusals(server: &TestServer) -> (Vec<IdentityRefusal>, Vec<IdentityRefusal>) {
    let log = server.whole_log().await;
    let enrollments = log.iter().filter_map(|entry| match &entry.event {
        Event::Enrollment(EnrollmentEvent::IdentityRefused { why }) => Some(*why),
        _ => None,
    });
    let nobodys = log.iter().filter_map(|entry| match &entry.event {
        Event::Refusal(RefusalEvent::IdentityRequestRefused { why }) => {
            let source = entry.source.as_ref().and_then(|source| source.get());
            assert_eq!(source.map(String::as_str), Some("127.0.0.1"));
            Some(*why)
        }
        _ => None,
    });
    (enrollments.collect(), nobodys.collect())
}

#[actix_web::test]
async fn a_request_for_an_identity_that_is_refused_leaves_a_fact_where_it_belongs() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::UserEnrollment).await;
    let expired = serve(&server, invited.enrollment, &invited.profile, -1).await;
    let other = KeyPool::shared(1).unwrap();
    let client = server.client();
    let ask = async |challenge: &str, keys: &KeyPool| {
        scep::enroll(&client, &scep_payload(&server, challenge), IOS, keys).await
    };
    ask(&expired, &KEYS).await.unwrap_err();
    ask(&invited.challenge, &KEYS).await.unwrap();
    for _ in 0..3 {
        ask(&invited.challenge, &other).await.unwrap_err();
    }
    let guessed = format!("challenge-{}.{}", invited.enrollment, "A".repeat(43));
    let nobody = format!("challenge-{}.{}", uuid(), "A".repeat(43));
    for challenge in [&guessed, &nobody, "letmein"] {
        ask(challenge, &KEYS).await.unwrap_err();
    }
    let (enrollments, nobodys) = identity_refusals(&server).await;
    assert_eq!(
        enrollments,
        [IdentityRefusal::ChallengeExpired, IdentityRefusal::ChallengeUsed],
        "repeated refusals are only counted"
    );
    assert_eq!(nobodys, [IdentityRefusal::ChallengeUnknown; 3]);
    server.stop().await;
}

#[actix_web::test]
async fn the_renewal_of_a_device_that_left_leaves_a_fact() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    let (payload, key) = (scep_payload(&server, ""), KEYS.take(2048).await.unwrap());
    let mut watch = Watch::begin(&server).await;
    scep::renew(&server.client(), &payload, IOS, &device.identity, key).await.unwrap_err();
    watch.left("IdentityRenewalRefused", "a renewal after CheckOut").await;
    server.stop().await;
}

#[actix_web::test]
async fn what_a_device_that_left_says_once_more_is_refused_on_record_once() {
    let server = TestServer::start().await;
    let (client, kind) = (server.client(), EnrollmentKind::DeviceEnrollment);
    let keys = KeyPool::shared(1).unwrap();
    let device = TestDevice::invited(&server, kind).await;
    let challenge = serve(&server, device.id.enrollment(), &device.profile, 3_600).await;
    let enroll = async || scep::enroll(&client, &scep_payload(&server, &challenge), IOS, &keys).await;
    let device = device.with_identity(enroll().await.unwrap());
    let said = [device.authenticate(), device.token_update("MAGIC")];
    for message in &said {
        assert_eq!(device.check_in(message).await, 200);
    }
    let key = KEYS.take(2048).await.unwrap();
    let renew =
        async || scep::renew(&client, &scep_payload(&server, ""), IOS, &device.identity, key.clone()).await.map(drop);
    renew().await.unwrap();
    server.reacted().await;
    let (command, _) = device.poll().await.expect("the first question");
    let answer = device.report("Acknowledged", Some(&command));
    assert_eq!(device.report_on(&answer).await.status, 200);
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);

    let mut watch = Watch::begin(&server).await;
    assert_eq!(
        device.check_in(&device.message("CheckOut")).await,
        200,
        "accepted again, because the device may not have received the answer"
    );
    assert_eq!(watch.news().await, Vec::<String>::new());
    for _ in 0..2 {
        for message in &said {
            assert_eq!(device.check_in(message).await, 403);
        }
        assert_eq!(device.report_on(&answer).await.status, 403);
        renew().await.unwrap_err();
        enroll().await.unwrap_err();
    }
    assert_eq!(watch.news().await, ["DeviceMessageRefused", "IdentityRenewalRefused", "IdentityRefused"]);
    server.stop().await;
}

#[actix_web::test]
async fn what_is_granted_to_nobody_leaves_a_fact() {
    let server = TestServer::start().await;
    let mut watch = Watch::begin(&server).await;
    let grant = format!("grant_type=refresh_token&refresh_token=refresh-{}.{}", uuid(), "A".repeat(43));
    let request = server.client().post(format!("{}/mdm/account-token", server.url())).body(grant);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    watch.left("DeviceRequestRefused", "a refresh token that is unknown").await;
    server.stop().await;
}
