//! Tests of devices that report the same UDID: the effect of a claim, what counts as evidence, and the return of a
//! record.

mod attested;
mod claimed;
mod decided;
mod unregistered;

use devices::commands::security_info;
use events::Event;
use events::device::{CommandId, DeviceEvent, DeviceId, SupersessionEvidence};
use events::envelope::{Actor, ActorKind};
use events::staff::Privilege;
use harness::cast::{PASSWORD, Scene, Visitor, id_of};
use harness::waiting::until;
use platform::context::Context;
use projections::devices::State;
use simulator::attestation::{Pretence, attestation_ca};
use simulator::device::Device;
use simulator::model::{Family, Hardware};
use tempfile::NamedTempFile;
use world::World;

/// Sets up a server that knows ada and bob. If `trusts`, it trusts the attestations of simulated devices.
async fn stage(trusts: bool) -> (Scene, NamedTempFile) {
    stage_in(World::system(), trusts).await
}

async fn stage_in(world: World, trusts: bool) -> (Scene, NamedTempFile) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), attestation_ca().certificate().to_pem().unwrap()).unwrap();
    let roots = trusts.then(|| file.path().to_owned());
    let scene = Scene::set_in(world, |config| config.pki.attestation_roots = roots.into_iter().collect()).await;
    scene.server.add_user("bob", PASSWORD, &[Privilege::Enroll]).await;
    (scene, file)
}

fn ipad(ios: &str) -> Hardware {
    Hardware::new(Family::IPad, ios.parse().unwrap())
}

/// Enrolls the institution's device as this person.
async fn enroll(scene: &Scene, person: &str, hardware: &Hardware) -> Device {
    enroll_as(scene, person, hardware, None).await
}

/// Same as [`enroll`]; with `pretence`, the device only pretends to be this hardware.
async fn enroll_as(scene: &Scene, person: &str, hardware: &Hardware, pretence: Option<Pretence>) -> Device {
    let visitor = Visitor { hardware: hardware.clone(), ..Visitor::institutional(Family::IPad, "17.5") };
    let mut walk = scene.walk(visitor);
    walk.person.user_name = person.into();
    walk.device.attesting.pretence = pretence;
    scene.enroll_in(walk).await
}

async fn events(scene: &Scene, id: DeviceId) -> Vec<DeviceEvent> {
    let log = scene.server.log_of(&id.stream()).await;
    log.into_iter().filter_map(|entry| DeviceEvent::try_from(entry.event).ok()).collect()
}

/// Returns the later record and the evidence with which this record was superseded.
async fn superseded(scene: &Scene, id: DeviceId) -> Option<(DeviceId, SupersessionEvidence)> {
    events(scene, id).await.into_iter().rev().find_map(|event| match event {
        DeviceEvent::DeviceSuperseded { by, evidence, .. } => Some((by, evidence)),
        _ => None,
    })
}

async fn state(scene: &Scene, id: DeviceId) -> State {
    scene.server.caught_up().await;
    projections::devices::get(&scene.server.app().platform.projections, id, None).await.unwrap().unwrap().state
}

async fn until_event(scene: &Scene, id: DeviceId, what: &str, is_it: impl Fn(&DeviceEvent) -> bool) {
    until(what, async || events(scene, id).await.iter().any(&is_it)).await;
}

async fn noted(scene: &Scene, id: DeviceId) {
    until_event(scene, id, "the claim", |event| matches!(event, DeviceEvent::HardwareClaimNoted { .. })).await;
}

async fn ask(scene: &Scene, id: DeviceId) -> CommandId {
    let app = scene.server.app();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    let command = CommandId(app.platform.world.uuid());
    app.devices.queue_command(id, command, &security_info(), &context).await.unwrap();
    command
}

fn alarms(scene: &Scene, alarm: &str) -> u64 {
    let text = scene.server.app().platform.metrics.render();
    let line = format!("muster_alarms_total{{alarm=\"{alarm}\"}}");
    text.lines().find_map(|shown| shown.strip_prefix(&line)?.trim().parse().ok()).unwrap_or(0)
}

/// Polls once; returns the request types of the handled commands, or the status of the refusal.
async fn polls(device: &mut Device) -> Result<Vec<String>, u16> {
    match device.poll().await {
        Ok(handled) => Ok(handled.into_iter().map(|one| one.request_type).collect()),
        Err(simulator::device::DeviceError::Refused { status, .. }) => Err(status),
        Err(other) => panic!("{other}"),
    }
}

async fn is_in_log(scene: &Scene, is_it: impl Fn(&Event) -> bool) -> bool {
    scene.server.whole_log().await.iter().any(|entry| is_it(&entry.event))
}
