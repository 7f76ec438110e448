//! Tests of successful renewals, with signed messages and with mutual TLS, for both kinds of enrollment.

use super::*;
use harness::account;
use harness::cast::Visitor;
use harness::with_device_listener;
use muster::config::Config;
use simulator::acts::Nobody;
use simulator::model::Family;

async fn goes_well(visitor: Visitor, change: impl FnOnce(&mut Config), with_the_old: bool) {
    let clock = clock();
    let scene = Scene::set_in(world(&clock), change).await;
    let mut device = scene.enroll(visitor).await;
    let (id, server) = (id_of(&device), &scene.server);
    device.renewal.answers_with_the_old = with_the_old;
    let (old, old_serial) = (device.management().unwrap().identity.clone(), serial(&device));
    let before = record(server, id).await;
    let app = server.app();
    let (inventory, identifiers) = {
        let d = app.platform.device(id).await.unwrap();
        (d.inventory.clone(), d.identifiers.clone())
    };

    clock.advance_seconds(LIFETIME - renewals::BEGIN_BEFORE - DAY);
    server.timer_looked().await;
    assert_eq!(count(server, id, "IdentityRenewalRequested").await, 0, "too early");
    clock.advance_seconds(renewals::SPREAD + 2 * DAY);
    assert_eq!(renew(&scene, &mut device).await, CommandStatus::Acknowledged);

    assert_ne!(serial(&device), old_serial);
    until(server, id, "IdentityRenewalCompleted", 1).await;
    assert_eq!(device.poll().await.unwrap(), [], "no command is sent again");
    let after = record(server, id).await;
    assert_eq!((after.enrolled_at, after.state), (before.enrolled_at, before.state));
    assert_eq!(after.identity_serial.unwrap(), serial(&device));
    assert!(after.identity_expires.unwrap().seconds_since(before.identity_expires.unwrap()) > 2 * 365 * DAY);
    let state = app.platform.device(id).await.unwrap();
    assert_eq!((&state.inventory, &state.identifiers), (&inventory, &identifiers));
    for (event, times) in [
        ("DeviceEnrolled", 1),
        ("DeviceAuthenticated", 1),
        ("DeviceReauthenticated", 1),
        ("IdentityRenewed", 1),
        ("IdentityRenewalRequested", 1),
    ] {
        assert_eq!(count(server, id, event).await, times, "{event}");
    }
    server.timer_looked().await;
    let asked = events(server, id).await.into_iter().filter_map(|event| match event {
        DeviceEvent::MdmCommandQueued { request_type, .. } => Some(request_type),
        _ => None,
    });
    assert_eq!(
        asked.collect::<Vec<_>>().iter().filter(|name| *name != "InstallProfile").count(),
        2,
        "the first commands are not sent again"
    );

    // Pushes go to the new address, and the old identity still gives access to the same stream until it expires.
    ask(&scene, id).await;
    // The server may have pushed to the new address before, for the profile that was not acknowledged yet.
    let asked =
        async || device.serve_once(PATIENCE).await.unwrap().iter().any(|one| one.request_type == "SecurityInfo");
    waiting::until("the command", asked).await;
    device.management_mut().unwrap().identity = old;
    assert_eq!(device.poll().await.unwrap(), []);
    scene.strike().await;
}

async fn ask(scene: &Scene, id: DeviceId) {
    let app = scene.server.app();
    let actor = events::Actor::new(events::ActorKind::Operator, "test");
    let context = platform::context::Context::of(actor, None, app.platform.world.uuid());
    let command = events::device::CommandId(app.platform.world.uuid());
    app.devices.queue_command(id, command, &devices::commands::security_info(), &context).await.unwrap();
}

async fn record(server: &TestServer, id: DeviceId) -> projections::devices::Device {
    server.caught_up().await;
    projections::devices::get(&server.app().platform.projections, id, None).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_device_that_signs_renews_its_identity_and_stays_what_it_was() {
    goes_well(Visitor::personal(Family::IPhone, "17.5"), |_| {}, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institutional_device_that_presents_its_identity_renews_it_and_stays_what_it_was() {
    goes_well(Visitor::institutional(Family::IPad, "15.0"), with_device_listener, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_may_be_acknowledged_with_the_identity_that_was_replaced() {
    goes_well(Visitor::institutional(Family::IPhone, "12.4"), |_| {}, true).await;
    goes_well(Visitor::personal(Family::IPad, "13.3"), with_device_listener, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_is_what_was_served_at_enrollment_whatever_the_configuration_says_today() {
    let (mut scene, clock) = stage().await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPhone, "26.0")).await;
    let before = device.management().unwrap().profile.clone();
    let port = scene.server.url().rsplit(':').next().unwrap().to_owned();
    scene.server.restart_with(|config| config.server.public_url = format!("https://127.0.0.1:{port}")).await;
    scene.server.settings(|settings| settings.organization = "Renamed School".into()).await;
    clock.advance_seconds(ALL_DUE);
    assert_eq!(renew(&scene, &mut device).await, CommandStatus::Acknowledged);
    let after = &device.management().unwrap().profile;
    assert_eq!((&after.identifier, &after.uuid), (&before.identifier, &before.uuid));
    assert_eq!(after.display_name, "Renamed School", "people see the current name");
    let (before, after) = (before.mdm.unwrap(), after.mdm.clone().unwrap());
    assert_eq!((after.server_url, after.check_in_url), (before.server_url, before.check_in_url));
    assert_eq!((after.topic, after.sign_message), (before.topic, before.sign_message));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_enrolled_from_settings_renew_their_identity_in_the_same_way() {
    let clock = clock();
    let scene = account::scene_in(world(&clock)).await;
    account::institutional(&scene).await;
    let mut device = by_account(&scene, Visitor::institutional(Family::IPhone, "17.0")).await;
    renews_by_account(&scene, &clock, &mut device).await;
    scene.strike().await;
    let clock = self::clock();
    let scene = account::scene_in(world(&clock)).await;
    for ios in ["15.0", "17.5", "18.2", "26.1"] {
        let mut device = by_account(&scene, Visitor::personal(Family::IPad, ios)).await;
        renews_by_account(&scene, &clock, &mut device).await;
        device.remove_mdm_profile().await.unwrap();
    }
    scene.strike().await;
}

async fn by_account(scene: &Scene, visitor: Visitor) -> Device {
    let mut walk = account::walk(scene, visitor);
    walk.enroll_with_account(&account::identifier(scene, "grace"), &mut Nobody).await.unwrap();
    scene.answer_first_commands(&mut walk.device).await;
    walk.device
}

async fn renews_by_account(scene: &Scene, clock: &ManualClock, device: &mut Device) {
    let before = device.management().unwrap();
    let (mode, identifier) = (before.mdm.enrollment_mode.clone(), before.identifier.clone());
    clock.advance_seconds(ALL_DUE);
    assert_eq!(renew(scene, device).await, CommandStatus::Acknowledged);
    until(&scene.server, id_of(device), "IdentityRenewalCompleted", 1).await;
    let after = device.management().unwrap();
    assert!(mode.is_some());
    assert_eq!((&after.mdm.enrollment_mode, &after.identifier), (&mode, &identifier));
    assert_eq!(count(&scene.server, id_of(device), "DeviceEnrolled").await, 1);
}
