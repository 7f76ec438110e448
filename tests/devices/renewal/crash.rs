//! Tests in which the server is killed during renewals and continues after its restart.

use super::*;
use events::Event;
use harness::cast::Visitor;
use harness::process::{Installation, Process};
use plist::Value;
use simulator::keys::KeyPool;
use simulator::model::Family;
use simulator::profile::{self, Profile};
use simulator::walk::Walk;
use simulator::{messages, scep};

async fn history(installation: &Installation, id: DeviceId) -> Vec<String> {
    let log = installation.open().read(&id.stream()).await.unwrap();
    log.iter().map(|entry| entry.event.type_name()).collect()
}

async fn until_written(installation: &Installation, id: DeviceId, event_type: &str) {
    waiting::until(event_type, async || history(installation, id).await.iter().any(|name| name == event_type)).await;
}

/// Returns the profile that the device is sent when it polls; waits until the server responds.
async fn fetch(device: &Device) -> Profile {
    let management = device.management().unwrap();
    let idle = messages::xml(&messages::idle(&management.identifier));
    let answer = async || {
        let answer = device.send(management, &management.mdm.server_url, "application/x-apple-aspen-mdm", &idle).await;
        answer.ok().filter(|answer| answer.status == 200 && !answer.body.is_empty())
    };
    let answer = waiting::seen("a response of the server", answer).await;
    let envelope = Value::from_reader_xml(&answer.body[..]).unwrap().into_dictionary().unwrap();
    let command = envelope.get("Command").and_then(Value::as_dictionary).unwrap();
    let Some(Value::Data(file)) = command.get("Payload") else { panic!("{command:?}") };
    let (dictionary, signed) = profile::open(file).unwrap();
    profile::check(dictionary, signed, device.hardware.ios).unwrap()
}

// The real program uses the machine's time. The device enrolled long ago, and its identity is due.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_of_a_renewal_the_server_goes_on_where_it_was() {
    let (scene, _) = stage().await;
    // A pool of one key: the device repeats its request with the same key.
    let walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    let hardware = walk.device.hardware.clone();
    let device = Device::new(hardware, KeyPool::shared(1).unwrap(), scene.push_server.clone());
    let mut device = scene.enroll_in(Walk::new(walk.person, device)).await;
    let id = id_of(&device);
    let installation = Installation::of(scene.server).await;

    let server: Process = installation.serve();
    until_written(&installation, id, "IdentityRenewalRequested").await;
    drop(server);
    let server = installation.serve();
    let payload = fetch(&device).await.scep.unwrap();
    let http = device.trust.client().unwrap();
    let first = scep::enroll(&http, &payload, device.hardware.ios, device.keys()).await.unwrap();
    drop(server);
    let server = installation.serve();
    // The profile is the same, since the command was not acknowledged. The certificate is the same, since the key is.
    assert_eq!(fetch(&device).await.scep.unwrap().challenge, payload.challenge);
    let other = scep::enroll(&http, &payload, device.hardware.ios, &KeyPool::fresh()).await;
    assert!(other.is_err(), "another key gets no certificate");
    let handled = device.poll().await.unwrap();
    assert_eq!(handled.iter().map(|one| one.status.as_str()).collect::<Vec<_>>(), ["Acknowledged"]);
    let now = device.management().unwrap().identity.certificate.to_der().unwrap();
    assert_eq!(now, first.certificate.to_der().unwrap());
    drop(server);
    let history = history(&installation, id).await;
    for event in ["IdentityRenewalRequested", "IdentityRenewed", "DeviceReauthenticated", "IdentityRenewalCompleted"] {
        assert_eq!(history.iter().filter(|name| *name == event).count(), 1, "{event} in {history:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_projections_in_the_middle_asks_nobody_again() {
    let (mut scene, clock) = stage().await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await;
    let id = id_of(&device);
    clock.advance_seconds(ALL_DUE);
    until(&scene.server, id, "IdentityRenewalRequested", 1).await;
    let directory = scene.server.app().config.store.directory.clone();
    scene.server.restart_after(|| projections::remove(&directory).unwrap()).await;
    scene.server.caught_up().await;
    scene.server.timer_looked().await;
    assert_eq!(count(&scene.server, id, "IdentityRenewalRequested").await, 1);
    device.poll().await.unwrap();
    until(&scene.server, id, "IdentityRenewalCompleted", 1).await;
    let is_failure = |event: &Event| matches!(event, Event::Device(DeviceEvent::IdentityRenewalFailed { .. }));
    assert!(!scene.server.whole_log().await.iter().any(|entry| is_failure(&entry.event)));
    scene.strike().await;
}
