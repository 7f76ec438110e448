//! Identities are renewed before they expire: the enrollment profile comes anew, the device gets another identity by it and
//! stays what it was, or goes back to the one it had.

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
use std::time::Duration;
use world::{Clock as _, ManualClock, SystemClock, World};

const DAY: i64 = 86_400;

/// Identities are good for three years.
const LIFETIME: i64 = 3 * 365 * DAY;

/// So long after it was issued every identity is due, wherever its own day in the month is.
pub const ALL_DUE: i64 = LIFETIME - renewals::BEGIN_BEFORE + renewals::SPREAD;

/// A clock at which a device enrolls whose identity is due at the machine's time, or will be.
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemClock.now().plus_seconds(-ALL_DUE - DAY)))
}

pub fn world(clock: &Arc<ManualClock>) -> World {
    World::at(clock.clone())
}

/// A stage with a clock of its own, and the clock.
async fn stage() -> (Scene, Arc<ManualClock>) {
    let clock = clock();
    (Scene::set_in(world(&clock), |_| {}).await, clock)
}

async fn events(server: &TestServer, id: DeviceId) -> Vec<DeviceEvent> {
    let log = server.log_of(&id.stream()).await;
    log.into_iter().filter_map(|entry| DeviceEvent::try_from(entry.event).ok()).collect()
}

/// How many events of the device's stream are of this type.
pub async fn count(server: &TestServer, id: DeviceId, event_type: &str) -> usize {
    let log = server.log_of(&id.stream()).await;
    log.iter().filter(|entry| entry.event.type_name() == event_type).count()
}

/// Waits until the stream holds so many events of a type.
pub async fn until(server: &TestServer, id: DeviceId, event_type: &str, wanted: usize) {
    let enough = async || count(server, id, event_type).await >= wanted;
    waiting::until(&format!("{event_type} for the {wanted}. time"), enough).await;
}

/// The timer looked at least twice.
async fn looked() {
    tokio::time::sleep(Duration::from_millis(2_500)).await;
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

/// The device is woken until it has been sent its profile anew; the answer it gave.
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

/// Everything that waits is answered.
async fn idle(device: &TestDevice) {
    while let Some((id, _)) = device.poll().await {
        device.report_on(&device.report("Acknowledged", Some(&id))).await;
    }
}
