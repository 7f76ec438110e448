//! Tests of devices that are enrolled again: which earlier records are proposed, on which evidence, and what a decision
//! about them does. The stories run on each way to enroll: `asked` has "removes when asked"; `own` has "removes first",
//! "removes nothing", "erased", "new phone", "another person" and "archived"; `restored` has the backups; `imported`
//! has "import after enrollment", "owner not unique" and "two sources"; `attested` says when it is the same device.
//! `facts` has single pieces of evidence, `invited` what an invitation proves and what is confirmed without staff,
//! `decided` what staff decide, `retired`, `cleared` and `shredded` what becomes of the old record, and `restricted`
//! who may enroll again.

mod answered;
mod asked;
mod attested;
mod cleared;
mod decided;
mod facts;
mod imported;
mod invited;
mod own;
mod restored;
mod restricted;
mod retired;
mod shredded;

use ::devices::commands::security_info;
use decisions::record::{Command, Record};
use events::device::{CommandId, DeviceId};
use events::enrollment::EnrollmentEvent;
use events::person::PersonId;
use events::record::{LinkBand, LinkEvidence, RecordId, RecordOwner};
use events::staff::Privilege;
use events::{Actor, ActorKind, Event, StreamName};
use harness::account::{identifier, scene_with, trust};
use harness::cast::{PASSWORD, Scene, Visitor, id_of};
use imports::Order;
use muster::config::Config;
use platform::context::Context;
use projections::links::{LinkRow, LinkState};
use records::Mapping;
use reenrollment::Pair;
use simulator::acts::{Nobody, Watcher};
use simulator::device::Device;
use simulator::model::{Family, Hardware};
use simulator::walk::{Person, Walk};
use std::io::Cursor;
use std::sync::Arc;
use world::Clock as _;
use world::{ManualClock, SystemClock, World};

const DAY: i64 = 24 * 3_600;

/// How a personal device enrolls: with a profile from the portal, or from Settings.
const WAYS: [&str; 3] = ["17.5", "18.2", "27.0"];

/// Each way with a person of its own, so that one story is no part of another.
const TRAVELERS: [(&str, &str); 3] = [(WAYS[0], "ada"), (WAYS[1], "bob"), (WAYS[2], "grace")];

/// A server that knows ada, bob and grace, and its clock.
async fn stage() -> (Scene, Arc<ManualClock>) {
    stage_with(|_| {}).await
}

/// Same as [`stage`], with the test's own configuration.
async fn stage_with(change: impl FnOnce(&mut Config)) -> (Scene, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let scene = scene_with(World::at(clock.clone()), change).await;
    scene.server.add_user("bob", PASSWORD, &[Privilege::Enroll]).await;
    (scene, clock)
}

fn iphone(ios: &str) -> Hardware {
    Hardware::new(Family::IPhone, ios.parse().unwrap())
}

/// Enrolls this hardware as the personal device of a person: by profile up to iOS 17, from Settings later.
async fn enroll(scene: &Scene, person: &str, hardware: &Hardware) -> Device {
    let visitor = Visitor { hardware: hardware.clone(), ..Visitor::personal(hardware.family, "17.5") };
    let device = scene.walk(visitor).device;
    enroll_again(scene, person, device).await.unwrap_or_else(|(_, why)| panic!("{why}"))
}

/// Same as [`enroll`], for a device that may have been enrolled before. Returns the device also if it cannot enroll,
/// with what it says.
async fn enroll_again(scene: &Scene, person: &str, device: Device) -> Result<Device, (Device, String)> {
    enroll_watched(scene, person, device, &mut Nobody).await
}

async fn enroll_watched(
    scene: &Scene,
    person: &str,
    device: Device,
    watcher: &mut dyn Watcher,
) -> Result<Device, (Device, String)> {
    let walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    enroll_by(scene, Walk::new(Person { user_name: person.into(), ..walk.person }, device), watcher).await
}

async fn enroll_by(scene: &Scene, mut walk: Walk, watcher: &mut dyn Watcher) -> Result<Device, (Device, String)> {
    let enrolled = if walk.device.hardware.ios < "18.0".parse().unwrap() {
        walk.run(&scene.address(), watcher).await.map(drop).map_err(|error| error.to_string())
    } else {
        trust(&scene.server, &walk.device);
        let name = identifier(scene, &walk.person.user_name);
        walk.enroll_with_account(&name, watcher).await.map_err(|error| error.to_string())
    };
    match enrolled {
        Err(why) => Err((walk.device, why)),
        Ok(()) => {
            scene.answer_first_commands(&mut walk.device).await;
            Ok(walk.device)
        }
    }
}

/// Enrolls this hardware as a device of the institution (Device Enrollment with a profile).
async fn enroll_institutional(scene: &Scene, person: &str, hardware: &Hardware) -> Device {
    scene.enroll_in(institutional(scene, person, hardware)).await
}

fn institutional(scene: &Scene, person: &str, hardware: &Hardware) -> Walk {
    let visitor = Visitor { hardware: hardware.clone(), ..Visitor::institutional(hardware.family, "17.5") };
    let walk = scene.walk(visitor);
    Walk::new(Person { user_name: person.into(), ..walk.person }, walk.device)
}

fn own(device: &Device) -> RecordId {
    RecordId::of_device(id_of(device))
}

/// From now on, APNs does not know the push token of this device, which is pushed.
async fn unregister(scene: &Scene, device: &Device) {
    scene.push_server.refuse(&device.management().unwrap().push.token, 410, "Unregistered");
    let (app, context) = (scene.server.app(), operator(scene));
    let command = CommandId(app.platform.world.uuid());
    app.devices.queue_command(id_of(device), command, &security_info(), &context).await.unwrap();
}

/// Returns the links that lead to a device.
async fn links(scene: &Scene, successor: DeviceId) -> Vec<LinkRow> {
    scene.server.reacted().await;
    let projections = &scene.server.app().platform.projections;
    projections::links::of_successor(projections, successor, None, 100).await.unwrap()
}

/// Returns the records that are proposed for a device, in the order of their proposals.
async fn proposed(scene: &Scene, successor: DeviceId) -> Vec<RecordId> {
    let links = links(scene, successor).await.into_iter().rev();
    links.filter(|link| link.state == LinkState::Proposed).map(|link| link.record).collect()
}

/// Returns the link of two records, if there is one.
async fn link_of(scene: &Scene, record: RecordId, successor: DeviceId) -> Option<LinkRow> {
    links(scene, successor).await.into_iter().find(|link| link.record == record)
}

/// Returns the only link that leads to a device.
async fn link(scene: &Scene, successor: DeviceId) -> LinkRow {
    let mut links = links(scene, successor).await;
    assert_eq!(links.len(), 1, "{links:?}");
    links.remove(0)
}

fn evidence(link: &LinkRow) -> Vec<LinkEvidence> {
    link.evidence.iter().map(|weighed| weighed.evidence).collect()
}

/// The person who signed in to a device's enrollment.
async fn person_of(scene: &Scene, device: DeviceId) -> PersonId {
    let log = scene.server.log_of(&device.enrollment().stream()).await;
    let person = log.into_iter().find_map(|entry| match entry.event {
        Event::Enrollment(EnrollmentEvent::UserSignedIn { person, .. }) => Some(person),
        _ => None,
    });
    person.unwrap()
}

/// Imports rows of records with the columns id, product, model, os, contact, enrolled and serial.
async fn import(scene: &Scene, source: &str, rows: &str) -> imports::Finished {
    let mapping = "[columns]\nsource_id = \"id\"\nproduct_name = \"product\"\nmodel_name = \"model\"\n\
        os_version = \"os\"\nlast_contact = \"contact\"\nenrolled_at = \"enrolled\"\nserial_number = \"serial\"\n\
        [constants]\nkind = \"personal-device-profile\"\n";
    let mapping = Mapping { source: Some(source.into()), ..toml::from_str(mapping).unwrap() };
    let file = Cursor::new(format!("id,product,model,os,contact,enrolled,serial\n{rows}").into_bytes());
    // Nobody listens.
    let (told, _) = tokio::sync::mpsc::channel(1);
    let order = Order { mapping, is_complete: true, is_rehearsal: false };
    scene.server.app().imports.run(file, order, &operator(scene), &told).await.unwrap()
}

fn record(scene: &Scene, source: &str, id: &str) -> RecordId {
    scene.server.app().imports.record_id(source, id)
}

fn operator(scene: &Scene) -> Context {
    Context::of(Actor::new(ActorKind::Operator, "test"), None, scene.server.app().platform.world.uuid())
}

async fn resolve(scene: &Scene, record: RecordId, owner: RecordOwner) {
    let (known, _) = scene.server.app().platform.load::<Record>(&record.stream()).await.unwrap();
    let resolve = Command::ResolveOwner { keys: known.owner_keys.clone(), owner };
    scene.server.app().platform.perform::<Record>(&record.stream(), &resolve, &operator(scene)).await.unwrap();
}

/// Lets the timer ask whether the old management was heard from.
async fn ask_silence(scene: &Scene, clock: &ManualClock) {
    // A proposal that comes later is asked about later.
    scene.server.reacted().await;
    clock.advance_seconds(2 * DAY + 60);
    scene.server.timer_looked().await;
    scene.server.reacted().await;
}

fn is_silent(link: &LinkRow) -> bool {
    matches!(link.silence, Some(events::record::Silence::Silent { .. }))
}

async fn events_of(scene: &Scene, stream: &StreamName) -> Vec<String> {
    scene.server.log_of(stream).await.iter().map(|entry| entry.event.type_name()).collect()
}
