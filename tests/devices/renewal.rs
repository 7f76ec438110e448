//! Tests of renewals. Before an identity expires, the server sends the enrollment profile again. With it, the device
//! gets another identity and keeps its record, or returns to the previous identity.

mod apart;
mod crash;
mod ended;
mod happy;
mod shown;
mod trouble;

use events::device::{CommandStatus, DeviceEvent, DeviceId, RenewalFailure};
use harness::TestServer;
use harness::cast::{Scene, id_of};
use harness::devices::TestDevice;
use harness::waiting::{self, PATIENCE};
use projections::renewals::{self, Renewal};
use simulator::device::Device;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

const DAY: i64 = 86_400;

/// Identities are valid for three years.
const LIFETIME: i64 = 3 * 365 * DAY;

/// Age of an identity at which its renewal is due in any case; renewals are spread over a month.
pub const ALL_DUE: i64 = LIFETIME - renewals::BEGIN_BEFORE + renewals::SPREAD;

/// Returns a clock so far back that the identity of a device that enrolls at it is due at the machine's time.
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemClock.now().plus_seconds(-ALL_DUE - DAY)))
}

pub fn world(clock: &Arc<ManualClock>) -> World {
    World::at(clock.clone())
}

/// Sets up a scene with a manual clock.
async fn stage() -> (Scene, Arc<ManualClock>) {
    let clock = clock();
    (Scene::set_in(world(&clock), |_| {}).await, clock)
}

async fn events(server: &TestServer, id: DeviceId) -> Vec<DeviceEvent> {
    let log = server.log_of(&id.stream()).await;
    log.into_iter().filter_map(|entry| DeviceEvent::try_from(entry.event).ok()).collect()
}

/// Counts the events of this type in the device's stream.
pub async fn count(server: &TestServer, id: DeviceId, event_type: &str) -> usize {
    let log = server.log_of(&id.stream()).await;
    log.iter().filter(|entry| entry.event.type_name() == event_type).count()
}

/// Waits until the stream contains this number of events of a type.
pub async fn until(server: &TestServer, id: DeviceId, event_type: &str, wanted: usize) {
    let enough = async || count(server, id, event_type).await >= wanted;
    waiting::until(&format!("{event_type}, {wanted} times"), enough).await;
}

async fn failures(server: &TestServer, id: DeviceId) -> Vec<RenewalFailure> {
    let failure = |event| match event {
        DeviceEvent::IdentityRenewalFailed { why } => Some(why),
        _ => None,
    };
    events(server, id).await.into_iter().filter_map(failure).collect()
}

async fn renewal_of(server: &TestServer, id: DeviceId) -> Renewal {
    server.caught_up().await;
    renewals::of_device(&server.app().platform.projections, id).await.unwrap().expect("the device is enrolled")
}

fn serial(device: &Device) -> String {
    let certificate = &device.management().unwrap().identity.certificate;
    certificate.serial_number().to_bn().unwrap().to_hex_str().unwrap().to_string()
}

/// Wakes the device until it has been sent its profile again; returns the status of its response.
async fn renew(scene: &Scene, device: &mut Device) -> CommandStatus {
    until(&scene.server, id_of(device), "IdentityRenewalRequested", 1).await;
    serve_profile(device).await
}

pub async fn serve_profile(device: &mut Device) -> CommandStatus {
    let profile = async || {
        let handled = device.serve_once(PATIENCE).await.unwrap();
        handled.into_iter().find(|one| one.request_type == "InstallProfile")
    };
    let profile = waiting::seen("the profile", profile).await;
    if profile.status == "Acknowledged" { CommandStatus::Acknowledged } else { CommandStatus::Error }
}
