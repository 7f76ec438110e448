//! Tests of the end of identities: they expire, or both the renewed and the replaced identity are revoked with the
//! management they belong to.

use super::*;
use events::enrollment::EnrollmentKind;
use harness::devices::{IOS, KEYS, scep_payload, serve};
use openssl::x509::{CrlStatus, X509Crl};
use plist::Value;
use simulator::profile;
use simulator::scep;
use simulator::signature::Identity;

/// Returns a device that has renewed its identity, and the replaced identity.
async fn renewed(server: &TestServer, clock: &ManualClock) -> (TestDevice, Identity) {
    let mut device = TestDevice::enrolled(server, EnrollmentKind::DeviceEnrollment).await;
    until(server, device.id, "MdmCommandQueued", 2).await;
    device.acknowledge_all().await;
    clock.advance_seconds(ALL_DUE);
    until(server, device.id, "IdentityRenewalRequested", 1).await;
    let (command, dictionary) = device.poll().await.expect("the profile is sent");
    let Some(Value::Data(file)) = dictionary.get("Payload") else { panic!("{dictionary:?}") };
    let (dictionary, signed) = profile::open(file).unwrap();
    let payload = profile::check(dictionary, signed, IOS).unwrap().scep.unwrap();
    let new = scep::enroll(&server.client(), &payload, IOS, &KEYS).await.unwrap();
    let old = std::mem::replace(&mut device.identity, new);
    assert_eq!(device.check_in(&device.authenticate()).await, 200);
    assert_eq!(device.check_in(&device.token_update("ANOTHER MAGIC")).await, 200);
    device.report_on(&device.report("Acknowledged", Some(&command))).await;
    assert_eq!(count(server, device.id, "IdentityRenewalCompleted").await, 1);
    (device, old)
}

async fn revoked(server: &TestServer, clock: &ManualClock, identities: [&Identity; 2]) -> [bool; 2] {
    server.caught_up().await;
    clock.advance_seconds(61);
    let answer = server.client().get(format!("{}/crl", server.url())).send().await.unwrap();
    let list = X509Crl::from_der(&answer.bytes().await.unwrap()).unwrap();
    identities.map(|identity| matches!(list.get_by_cert(&identity.certificate), CrlStatus::Revoked(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_devices_leaving_both_identities_are_revoked_and_revive_nothing() {
    let clock = clock();
    let server = TestServer::start_with(world(&clock), |_| {}).await;
    let (device, old) = renewed(&server, &clock).await;
    let replaced = device.with_identity(old.clone());
    assert_eq!(revoked(&server, &clock, [&device.identity, &old]).await, [false, false]);
    assert_eq!(replaced.poll().await, None, "the old identity works until the device leaves");
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    assert_eq!(revoked(&server, &clock, [&device.identity, &old]).await, [true, true]);
    let mut history = device.history(&server).await;
    for device in [&device, &replaced] {
        let mut again = device.authenticate();
        again.insert("OSVersion".into(), "17.6".into());
        // The server refuses the messages without a code, since the person removed the profile.
        assert_eq!(device.check_in(&again).await, 403);
        assert_eq!(device.check_in(&device.token_update("YET ANOTHER")).await, 403);
        let idle = device.report_on(&device.report("Idle", None)).await;
        assert_eq!((idle.status, idle.body.as_slice()), (403, b"".as_slice()));
    }
    history.push("DeviceMessageRefused".into());
    assert_eq!(device.history(&server).await, history, "the refusal is recorded once, and nothing else happened");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_unenrolled_is_told_so_by_whichever_of_its_identities_it_speaks() {
    let clock = clock();
    let server = TestServer::start_with(world(&clock), |_| {}).await;
    let (device, old) = renewed(&server, &clock).await;
    let replaced = device.with_identity(old);
    let app = server.app();
    let actor = events::Actor::new(events::ActorKind::Operator, "test");
    let context = platform::context::Context::of(actor, None, app.platform.world.uuid());
    app.devices.unenroll(device.id, events::device::CommandId(app.platform.world.uuid()), &context).await.unwrap();
    let (id, _) = device.poll().await.expect("RemoveProfile");
    device.report_on(&device.report("Acknowledged", Some(&id))).await;
    assert_eq!(count(&server, device.id, "DeviceUnenrolled").await, 1);
    for device in [&device, &replaced] {
        let told = device.report_on(&device.report("Idle", None)).await;
        assert!(told.status == 403 && String::from_utf8_lossy(&told.body).contains("com.apple.unrecognized.device"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_while_a_renewal_waits_and_enrolls_again_is_enrolled_in_full() {
    let clock = clock();
    let server = TestServer::start_with(world(&clock), |_| {}).await;
    let (mut device, old) = renewed(&server, &clock).await;
    clock.advance_seconds(ALL_DUE);
    until(&server, device.id, "IdentityRenewalRequested", 2).await;
    let former = device.identity.clone();
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    let challenge = serve(&server, device.id.enrollment(), &device.profile, 3_600).await;
    device.identity = scep::enroll(&server.client(), &scep_payload(&server, &challenge), IOS, &KEYS).await.unwrap();
    assert_eq!(device.check_in(&device.authenticate()).await, 200);
    assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 200);
    assert_eq!(count(&server, device.id, "DeviceEnrolled").await, 2);
    assert_eq!(count(&server, device.id, "DeviceReauthenticated").await, 1, "from the earlier renewal");
    // The first commands are sent again; the profile of the renewal is not.
    until(&server, device.id, "MdmCommandQueued", 6).await;
    let commands = device.acknowledge_all().await;
    let mut asked: Vec<_> = commands.iter().map(|command| command["RequestType"].as_string().unwrap()).collect();
    asked.sort_unstable();
    assert_eq!(asked, ["DeviceInformation", "SecurityInfo"]);
    for identity in [former, old] {
        let earlier = device.with_identity(identity);
        assert_eq!(
            earlier.report_on(&earlier.report("Idle", None)).await.status,
            403,
            "an identity of the earlier management"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_expired_opens_nothing_and_is_renewed_no_more() {
    let clock = clock();
    let server = TestServer::start_with(world(&clock), |_| {}).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    clock.advance_seconds(LIFETIME + DAY);
    server.timer_looked().await;
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 403);
    assert_eq!(count(&server, device.id, "IdentityRenewalRequested").await, 0);
    let counts = renewals::counts(&server.app().platform.projections, server.app().platform.world.now()).await.unwrap();
    assert_eq!(counts, renewals::Counts { due: 0, failing: 0, expired: 1 });
    server.stop().await;
}
