//! Tests of the end of management: the person removes the profile, or the server has it removed.

use events::device::{CommandId, DeviceId};
use events::envelope::{Actor, ActorKind};
use harness::cast::{Scene, Visitor, id_of};
use harness::waiting::PATIENCE;
use platform::context::Context;
use simulator::commands::Reply;
use simulator::device::{Device, DeviceError};
use simulator::model::Family;

async fn state_of(scene: &Scene, id: DeviceId) -> &'static str {
    scene.server.caught_up().await;
    let record = projections::devices::get(&scene.server.app().platform.projections, id, None).await.unwrap();
    record.unwrap().state.as_str()
}

async fn unenroll(scene: &Scene, id: DeviceId) {
    let app = scene.server.app();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    app.devices.unenroll(id, CommandId(app.platform.world.uuid()), &context).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_removes_the_profile_checks_out() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let id = id_of(&device);
    device.remove_mdm_profile().await.unwrap();
    assert!(!device.is_managed());
    assert_eq!(state_of(&scene, id).await, "checked_out");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_got_another_push_token_is_woken_by_the_new_one() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await;
    device.renew_push_token().await.unwrap();
    assert!(scene.log_of(&device).await.contains("PushTokenRenewed"));
    unenroll(&scene, id_of(&device)).await;
    device.serve_once(PATIENCE).await.unwrap();
    assert!(!device.is_managed());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_unenrolled_is_woken_and_removes_its_profile() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await;
    let id = id_of(&device);
    unenroll(&scene, id).await;
    let handled = device.serve_once(PATIENCE).await.unwrap();
    assert_eq!(handled.last().unwrap().request_type, "RemoveProfile");
    assert!(!device.is_managed());
    // The server records the unenrollment before the device's CheckOut.
    let log = scene.log(id).await;
    let place = |event: &str| log.find(event).unwrap_or_else(|| panic!("{event} is missing in {log}"));
    assert!(place("DeviceUnenrolled     by us") < place("DeviceCheckedOut"), "{log}");
    assert_eq!(state_of(&scene, id).await, "unenrolled");
    scene.strike().await;
}

/// Returns a device that acknowledges RemoveProfile but keeps the profile.
async fn forgetful(scene: &Scene, ios: &str) -> Device {
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, ios)).await;
    unenroll(scene, id_of(&device)).await;
    device.script.reply("RemoveProfile", Reply::Acknowledged);
    device.serve_once(PATIENCE).await.unwrap();
    assert!(device.is_managed());
    device
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_401_has_an_older_device_delete_its_profile() {
    let scene = Scene::set().await;
    let mut device = forgetful(&scene, "16.4").await;
    let error = device.poll().await.unwrap_err();
    assert!(matches!(error, DeviceError::Unenrolled { status: 401, .. }), "{error}");
    assert!(!device.is_managed());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_seventeen_on_a_403_that_says_so_has_the_device_delete_its_profile() {
    let scene = Scene::set().await;
    let mut device = forgetful(&scene, "17.5").await;
    let error = device.poll().await.unwrap_err();
    assert!(matches!(error, DeviceError::Unenrolled { status: 403, .. }), "{error}");
    assert!(!device.is_managed());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_renews_its_identity_and_goes_on_with_the_new_one() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let serial = |device: &Device| device.management().unwrap().identity.certificate.serial_number().to_bn().unwrap();
    let old = serial(&device);
    device.renew_identity().await.unwrap();
    assert_ne!(serial(&device), old);
    assert_eq!(device.poll().await.unwrap(), []);
    scene.strike().await;
}
