//! One unreadable stream or event delays only what it concerns: other devices are woken, other people can enroll, and
//! each reaction continues after it.

use super::corruption::flip_a_bit_of;
use devices::commands::security_info;
use events::device::{CommandId, DeviceEvent, DeviceId};
use events::envelope::{Actor, ActorKind};
use events::log::Entry;
use events::staff::Privilege;
use events::{Event, EventId, KeyName};
use harness::TestServer;
use harness::cast::{PASSWORD, Scene, Visitor, id_of};
use harness::desk::Browser;
use harness::waiting::until;
use platform::context::Context;
use simulator::model::{Family, Hardware};
use simulator::safari::{Opened, Safari};
use std::path::Path;

/// Removes the projections and the checkpoints of the reactions, so that all events are processed again.
pub(super) fn forget_checkpoints(data: &Path) {
    projections::remove(data).unwrap();
}

/// Damages the key called `name` so that it is unusable, as a flipped bit would.
pub(super) fn alter_key(data: &Path, name: &KeyName) {
    let keys = rusqlite::Connection::open(data.join("keys.db")).unwrap();
    let alter = "UPDATE key SET wrapped = zeroblob(length(wrapped)) WHERE name = ?1";
    assert_eq!(keys.execute(alter, [&name.0]).unwrap(), 1);
}

async fn ask(scene: &Scene, id: DeviceId) {
    let app = scene.server.app();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    app.devices.queue_command(id, CommandId(app.platform.world.uuid()), &security_info(), &context).await.unwrap();
}

async fn pushes(server: &TestServer, id: DeviceId) -> usize {
    let pushed = |entry: &Entry| matches!(entry.event, Event::Device(DeviceEvent::DevicePushed { .. }));
    server.log_of(&id.stream()).await.iter().filter(|entry| pushed(entry)).count()
}

async fn aside(server: &TestServer) -> usize {
    server.app().platform.projections.set_aside("reactions-pushes", 1_000).await.unwrap().len()
}

/// Checks that after `damage` the other of two devices is woken and the log is processed to its end. What the damage
/// concerns is set aside and counted.
async fn only_the_damaged_device_is_not_woken(alarm: &str, damage: impl FnOnce(&Path, &[Entry])) {
    let mut scene = Scene::set().await;
    // The iPad must not be dropped: the push token of a dropped device is unregistered.
    let ipad = scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await;
    let iphone = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (damaged, intact) = (id_of(&ipad), id_of(&iphone));
    ask(&scene, damaged).await;
    scene.server.settled().await;
    let stream = scene.server.log_of(&damaged.stream()).await;
    let data = scene.server.directory().join("data");
    scene
        .server
        .restart_after(|| {
            damage(&data, &stream);
            forget_checkpoints(&data);
        })
        .await;
    let before = pushes(&scene.server, intact).await;
    ask(&scene, intact).await;
    until("the push of the other device", async || pushes(&scene.server, intact).await > before).await;
    scene.server.settled().await;
    assert!(aside(&scene.server).await > 0, "failed effects are set aside");
    let counted = async || {
        let metrics = scene.server.metrics().await;
        let line =
            metrics.lines().find(|line| line.starts_with("muster_effects_set_aside{reaction=\"reactions-effects\"}"));
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    until("the count", counted).await;
    until(alarm, async || scene.server.metrics().await.contains(alarm)).await;
    scene.server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_no_reaction_can_read_keeps_no_other_device_asleep() {
    only_the_damaged_device_is_not_woken("{alarm=\"corrupt-event\"} 2", |data, stream| {
        let asked = stream.iter().rfind(|entry| entry.event.type_name() == "MdmCommandQueued").unwrap();
        let enrolled = stream.iter().find(|entry| entry.event.type_name() == "DeviceEnrolled").unwrap();
        for event in [asked, enrolled] {
            flip_a_bit_of(&data.join("events.db"), event.id);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_key_keeps_no_other_device_asleep() {
    // Reported as a damaged key, and only once, although it seals several events.
    only_the_damaged_device_is_not_woken("{alarm=\"key-damaged\"} 1\n", |data, stream| {
        let address = stream.iter().find_map(|entry| match &entry.event {
            Event::Device(DeviceEvent::DeviceEnrolled { push, .. }) => Some(push),
            _ => None,
        });
        alter_key(data, address.unwrap().token.key());
    })
    .await;
}

fn first_of(entries: &[Entry]) -> EventId {
    entries[0].id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_record_that_is_corrupt_keeps_its_person_from_nothing_and_its_hardware_is_claimed() {
    let mut scene = Scene::set().await;
    let hardware = Hardware::new(Family::IPad, "17.5".parse().unwrap());
    let ipad = || Visitor { hardware: hardware.clone(), ..Visitor::institutional(Family::IPad, "17.5") };
    let earlier = id_of(&scene.enroll(ipad()).await);
    scene.server.settled().await;
    scene.server.caught_up().await;
    let event = first_of(&scene.server.log_of(&earlier.stream()).await);
    let log = scene.server.directory().join("data/events.db");
    scene.server.restart_after(|| flip_a_bit_of(&log, event)).await;
    // During this enrollment, the portal shows the earlier record.
    let later = id_of(&scene.enroll(ipad()).await);
    let alarm = "muster_alarms_total{alarm=\"corrupt-event\"} 1\n";
    until("one alarm", async || scene.server.metrics().await.contains(alarm)).await;
    // It is unknown whether the earlier record is managed, so the claim is noted. The new record gets the usual
    // queries.
    let happened = async |name: &str| {
        scene.server.log_of(&later.stream()).await.iter().any(|entry| entry.event.type_name() == name)
    };
    until("the claim", async || happened("HardwareClaimNoted").await).await;
    until("the first questions", async || happened("MdmCommandQueued").await).await;
    scene.server.abandon().await;
}

fn is_let_in(opened: &Opened) -> bool {
    matches!(opened, Opened::Page(page) if !page.url.path().ends_with("/sign-in"))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_with_the_cookie_of_a_corrupt_enrollment_begins_anew() {
    let mut server = TestServer::start().await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    let user_agent = Hardware::new(Family::IPhone, "17.5".parse().unwrap()).user_agent();
    let mut safari = Safari::new(user_agent, true, Default::default());
    let address = format!("{}/enroll", server.url());
    safari.proceed_in_spite_of_warning(&address).await.unwrap();
    safari.open(&address).await.unwrap();
    let signed_in = safari.send_form("continue", &[("user_name", "ada"), ("password", PASSWORD)]).await.unwrap();
    assert!(is_let_in(&signed_in), "{signed_in:?}");
    server.caught_up().await;
    let enrollment =
        server.whole_log().await.into_iter().find(|entry| entry.stream.category() == "enrollment").unwrap();
    let log = server.directory().join("data/events.db");
    server.restart_after(|| flip_a_bit_of(&log, enrollment.id)).await;
    safari.open(&address).await.unwrap();
    let signed_in = safari.send_form("continue", &[("user_name", "ada"), ("password", PASSWORD)]).await.unwrap();
    assert!(is_let_in(&signed_in), "{signed_in:?}");
    server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_command_leaves_a_corrupt_record_out_and_reaches_the_others() {
    let mut scene = Scene::set().await;
    let damaged = id_of(&scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await);
    let intact = id_of(&scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await);
    scene.server.settled().await;
    scene.server.caught_up().await;
    let event = first_of(&scene.server.log_of(&damaged.stream()).await);
    let log = scene.server.directory().join("data/events.db");
    scene.server.restart_after(|| flip_a_bit_of(&log, event)).await;
    let browser = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator]).await;
    let page = browser.get("/console/commands/ask").await;
    let sent = |page: &harness::desk::Answer, more: &[(&str, &str)]| -> Vec<(String, String)> {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        page.hidden().into_iter().chain(more).collect()
    };
    let post = async |path: &str, fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post(path, &fields).await
    };
    let which = format!("{damaged} {intact}");
    let tried = post("/console/commands/ask/try", sent(&page, &[("ids", &which), ("question", "profiles")])).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    assert!(tried.body.contains("its record is damaged"), "{}", tried.body);
    let done = post("/console/commands/ask/do", sent(&tried, &[])).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let asked = scene.server.log_of(&intact.stream()).await;
    let profiles = |entry: &Entry| matches!(&entry.event, Event::Device(DeviceEvent::MdmCommandQueued { request_type, .. }) if request_type == "ProfileList");
    assert!(asked.iter().any(profiles));
    scene.server.abandon().await;
}
