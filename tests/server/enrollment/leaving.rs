//! How management ends: the person removes the profile, or the server has it removed.

use super::cast::{PATIENCE, Scene, Visitor, id_of};
use events::device::DeviceId;
use muster::simulator::commands::Reply;
use muster::simulator::device::DeviceError;
use muster::simulator::model::Family;

async fn state_of(scene: &Scene, id: DeviceId) -> &'static str {
    scene.server.caught_up().await;
    let record = projections::devices::get(&scene.server.app().projections, id, None).await.unwrap();
    record.unwrap().state.as_str()
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
