//! Tests that many renewals are spread over time, that a device has one renewal at a time, and that a challenge is
//! valid only for its own renewal.

use super::*;
use events::enrollment::EnrollmentKind;
use futures_util::future::join_all;
use harness::cast::Visitor;
use harness::devices::{IOS, KEYS, scep_payload};
use plist::Value;
use simulator::keys::KeyPool;
use simulator::model::Family;
use simulator::profile::{self, Profile};
use simulator::scep::{self, ScepError};

async fn requested(server: &TestServer) -> usize {
    let log = server.whole_log().await;
    log.iter().filter(|entry| entry.event.type_name() == "IdentityRenewalRequested").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_are_due_at_once_begin_a_few_a_minute_each_once() {
    let clock = clock();
    let server = TestServer::start_with(world(&clock), |_| {}).await;
    let mut devices = Vec::new();
    for _ in 0..23 {
        devices.push(TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await);
    }
    clock.advance_seconds(ALL_DUE);
    waiting::until("the first twenty", async || requested(&server).await >= 20).await;
    server.timer_looked().await;
    assert_eq!(requested(&server).await, 20, "the clock does not advance");
    clock.advance_seconds(61);
    for device in &devices {
        until(&server, device.id, "IdentityRenewalRequested", 1).await;
    }
    server.timer_looked().await;
    assert_eq!(requested(&server).await, 23, "each device is asked once");
    server.stop().await;
}

/// Returns a device that has a renewal pending, and the profile for it.
async fn asked(server: &TestServer, clock: &ManualClock) -> (TestDevice, Profile) {
    let device = TestDevice::enrolled(server, EnrollmentKind::DeviceEnrollment).await;
    until(server, device.id, "MdmCommandQueued", 2).await;
    device.acknowledge_all().await;
    clock.advance_seconds(ALL_DUE);
    until(server, device.id, "IdentityRenewalRequested", 1).await;
    let (_, command) = device.poll().await.expect("the profile is sent");
    let Some(Value::Data(file)) = command.get("Payload") else { panic!("{command:?}") };
    let (dictionary, signed) = profile::open(file).unwrap();
    let profile = profile::check(dictionary, signed, IOS).unwrap();
    (device, profile)
}

fn refused<T: std::fmt::Debug>(result: Result<T, ScepError>) -> bool {
    matches!(result, Err(ScepError::Refused(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_race_get_one_certificate_and_other_keys_none() {
    let clock = clock();
    let server = TestServer::start_with(world(&clock), |_| {}).await;
    let (device, profile) = asked(&server, &clock).await;
    let (payload, client) = (profile.scep.unwrap(), server.client());
    let keys = [KeyPool::shared(1).unwrap(), KeyPool::shared(1).unwrap()];
    let requests = (0..12).map(|nth| scep::enroll(&client, &payload, IOS, &keys[nth % 2]));
    let (winners, losers): (Vec<_>, Vec<_>) = join_all(requests).await.into_iter().partition(Result::is_ok);
    assert_eq!((winners.len(), losers.len()), (6, 6));
    assert!(losers.into_iter().all(refused));
    let mut certificates: Vec<_> = winners.into_iter().map(|it| it.unwrap().certificate.to_der().unwrap()).collect();
    certificates.dedup();
    assert_eq!((certificates.len(), count(&server, device.id, "IdentityRenewed").await), (1, 1));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_good_for_its_own_renewal_alone() {
    let clock = clock();
    let server = TestServer::start_with(world(&clock), |_| {}).await;
    let (device, profile) = asked(&server, &clock).await;
    let other = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let challenge = profile.scep.unwrap().challenge.unwrap();
    let secret = challenge.split_once('.').unwrap().1;
    let client = server.client();
    for wrong in [
        format!("renewal-{}.{secret}", other.id),
        format!("challenge-{}.{secret}", device.id),
        format!("renewal-{}.{}", device.id, "A".repeat(43)),
        format!("renewal-{}.{secret}", device.id.to_string().to_uppercase()),
    ] {
        assert!(refused(scep::enroll(&client, &scep_payload(&server, &wrong), IOS, &KEYS).await), "{wrong}");
    }
    clock.advance_seconds(29 * DAY);
    let late = scep::enroll(&client, &scep_payload(&server, &challenge), IOS, &KEYS).await;
    assert!(refused(late), "the challenge has expired");
    assert_eq!(count(&server, device.id, "IdentityRenewed").await, 0);
    let bytes = std::fs::read(server.app().config.store.directory.join("events.db")).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(secret), "the log contains the secret in plain text");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_hardware_that_enrolls_anew_while_its_renewal_waits_is_a_new_record_in_full() {
    let (scene, clock) = stage().await;
    let visitor = Visitor::institutional(Family::IPhone, "17.5");
    let hardware = visitor.hardware.clone();
    let before = id_of(&scene.enroll(visitor).await);
    clock.advance_seconds(ALL_DUE);
    until(&scene.server, before, "IdentityRenewalRequested", 1).await;
    // The device was erased and set up again, so it sent no CheckOut.
    let device = scene.enroll(Visitor { hardware, ..Visitor::institutional(Family::IPhone, "17.5") }).await;
    let after = id_of(&device);
    assert_ne!(before, after);
    assert_eq!(
        count(&scene.server, after, "DeviceEnrolled").await,
        1,
        "enrolled once, and the first commands are answered"
    );
    assert_eq!(count(&scene.server, after, "DeviceReauthenticated").await, 0);
    until(&scene.server, before, "DeviceSuperseded", 1).await;
    clock.advance_seconds(29 * DAY);
    scene.server.timer_looked().await;
    assert_eq!(
        count(&scene.server, before, "IdentityRenewalRequested").await,
        1,
        "the old record gets no further renewal"
    );
    scene.strike().await;
}
