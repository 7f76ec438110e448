//! Tests of failed renewals: the device keeps its identity, and further attempts follow at growing intervals.

use super::*;
use harness::cast::Visitor;
use simulator::acts::Act;
use simulator::commands::Reply;
use simulator::model::Family;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_breaks_off_anywhere_goes_back_and_renews_with_the_next_attempt() {
    let (scene, clock) = stage().await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await;
    let (id, server) = (id_of(&device), &scene.server);
    let old = serial(&device);
    clock.advance_seconds(ALL_DUE);
    for (nth, act) in [Act::GetIdentity, Act::Authenticate, Act::TokenUpdate].into_iter().enumerate() {
        let distance = (6 * 3_600) << nth;
        device.renewal.breaks_off_before = Some(act);
        until(server, id, "IdentityRenewalRequested", nth + 1).await;
        assert_eq!(serve_profile(&mut device).await, CommandStatus::Error, "{act}");
        assert_eq!(serial(&device), old);
        assert_eq!(failures(server, id).await, vec![RenewalFailure::Refused; nth + 1]);
        let renewal = renewal_of(server, id).await;
        assert_eq!(renewal.next, Some(server.app().platform.world.now().plus_seconds(distance)));
        clock.advance_seconds(distance - 60);
        server.timer_looked().await;
        assert_eq!(count(server, id, "IdentityRenewalRequested").await, nth + 1, "too early");
        clock.advance_seconds(60);
    }
    until(server, id, "IdentityRenewalRequested", 4).await;
    assert_eq!(serve_profile(&mut device).await, CommandStatus::Acknowledged);
    assert_ne!(serial(&device), old);
    assert_eq!(renewal_of(server, id).await.failures, 0);
    assert_eq!((count(server, id, "DeviceEnrolled").await, count(server, id, "DeviceReauthenticated").await), (1, 2));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_refuses_the_profile_is_asked_again_after_a_while() {
    let (scene, clock) = stage().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (id, server) = (id_of(&device), &scene.server);
    device.script.reply("InstallProfile", Reply::NotNow);
    device.script.reply(
        "InstallProfile",
        Reply::Error {
            code: 4001,
            domain: "MCInstallationErrorDomain".into(),
            description: "Profile Installation Failed".into(),
        },
    );
    clock.advance_seconds(ALL_DUE);
    assert_eq!(renew(&scene, &mut device).await, CommandStatus::Error, "the device answered NotNow");
    assert_eq!(failures(server, id).await, [], "NotNow is not a failure");
    device.poll().await.unwrap();
    assert_eq!(failures(server, id).await, [RenewalFailure::Refused]);
    clock.advance_seconds(6 * 3_600);
    until(server, id, "IdentityRenewalRequested", 2).await;
    assert_eq!(serve_profile(&mut device).await, CommandStatus::Acknowledged);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_away_finds_a_profile_whenever_it_comes_back() {
    let (scene, clock) = stage().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (id, server) = (id_of(&device), &scene.server);
    clock.advance_seconds(ALL_DUE);
    for attempt in 1..=3 {
        until(server, id, "IdentityRenewalRequested", attempt).await;
        clock.advance_seconds(28 * DAY);
    }
    until(server, id, "IdentityRenewalRequested", 4).await;
    assert_eq!(failures(server, id).await, [RenewalFailure::NotFetched; 3]);
    let handled = device.poll().await.unwrap();
    assert_eq!(handled.iter().filter(|one| one.request_type == "InstallProfile").count(), 1, "{handled:?}");
    until(server, id, "IdentityRenewalCompleted", 1).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_only_says_it_renewed_is_asked_again() {
    let (scene, clock) = stage().await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    let (id, server) = (id_of(&device), &scene.server);
    device.script.reply("InstallProfile", Reply::Acknowledged);
    clock.advance_seconds(ALL_DUE);
    assert_eq!(renew(&scene, &mut device).await, CommandStatus::Acknowledged);
    server.timer_looked().await;
    assert_eq!(failures(server, id).await, [], "the device may still check in");
    clock.advance_seconds(3_600);
    until(server, id, "IdentityRenewalFailed", 1).await;
    assert_eq!(failures(server, id).await, [RenewalFailure::NotUsed]);
    clock.advance_seconds(6 * 3_600);
    until(server, id, "IdentityRenewalRequested", 2).await;
    assert_eq!(serve_profile(&mut device).await, CommandStatus::Acknowledged);
    until(server, id, "IdentityRenewalCompleted", 1).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_restored_from_an_older_backup_renews_once_more() {
    let (scene, clock) = stage().await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    let (id, server) = (id_of(&device), &scene.server);
    let (old, old_serial) = (device.management().unwrap().identity.clone(), serial(&device));
    clock.advance_seconds(ALL_DUE);
    assert_eq!(renew(&scene, &mut device).await, CommandStatus::Acknowledged);
    device.management_mut().unwrap().identity = old;
    for _ in 0..2 {
        device.poll().await.unwrap();
    }
    assert_eq!(count(server, id, "IdentityRolledBack").await, 1);
    let record = renewal_of(server, id).await;
    assert_eq!((record.last.unwrap().0, record.failures), (renewals::RenewalOutcome::RolledBack, 1));
    clock.advance_seconds(6 * 3_600);
    until(server, id, "IdentityRenewalRequested", 2).await;
    assert!(device.poll().await.unwrap().iter().any(|one| one.request_type == "InstallProfile"));
    until(server, id, "IdentityRenewalCompleted", 2).await;
    assert_ne!(serial(&device), old_serial);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_the_devices_version_takes_no_more_is_not_sent_and_counts_as_a_failure() {
    let (scene, clock) = stage().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let (id, server) = (id_of(&device), &scene.server);
    // The device was updated to a version without profile-based User Enrollment, and reports it.
    device.hardware.ios = "18.1".parse().unwrap();
    tell_version(&scene, &mut device).await;
    clock.advance_seconds(ALL_DUE);
    until(server, id, "IdentityRenewalFailed", 1).await;
    assert_eq!(failures(server, id).await, [RenewalFailure::NotPermitted]);
    assert_eq!(count(server, id, "IdentityRenewalRequested").await, 0);
    scene.strike().await;
}

async fn tell_version(scene: &Scene, device: &mut Device) {
    let (app, id) = (scene.server.app(), id_of(device));
    let state = app.platform.device(id).await.unwrap();
    let command = devices::commands::device_information(state.kind().unwrap(), state.os_version);
    let context = platform::context::Context::of(
        events::Actor::new(events::ActorKind::Operator, "test"),
        None,
        app.platform.world.uuid(),
    );
    app.devices
        .queue_command(id, events::device::CommandId(app.platform.world.uuid()), &command, &context)
        .await
        .unwrap();
    device.poll().await.unwrap();
}
