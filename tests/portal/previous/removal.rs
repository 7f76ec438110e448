//! The removal of the old management that the person asks Muster for.

use super::*;
use decisions::device::{Device as DeviceState, QueuedCommand};
use decisions::enrollment::{Command as EnrollmentCommand, Enrollment};
use events::device::DeviceId;
use events::enrollment::EnrollmentId;
use events::staff::Privilege;
use harness::cast::{Visitor, id_of};
use simulator::model::Family;
use std::sync::Arc;
use uuid::Uuid;
use world::Clock as _;
use world::{ManualClock, SystemClock, World};

fn remove(record: RecordId) -> String {
    format!("remove-{record}")
}

async fn removals(scene: &Scene, device: DeviceId) -> Vec<QueuedCommand> {
    scene.server.reacted().await;
    let state: Arc<DeviceState> = scene.server.app().platform.device(device).await.unwrap();
    state.commands.iter().filter(|command| command.request_type == "RemoveProfile").cloned().collect()
}

async fn agreed(scene: &Scene) -> Vec<RecordId> {
    let events = enrollment_events(scene).await.into_iter();
    events
        .filter_map(|event| match event {
            EnrollmentEvent::OldManagementRemovalAgreed { record } => Some(record),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_offers_the_removal_and_follows_it_until_the_device_is_silent_for_two_minutes() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let scene = Scene::set_in(World::at(clock.clone()), |_| {}).await;
    let old = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    let record = RecordId::of_device(id_of(&old));
    let (mut guest, page) = at_the_page(&scene, "17.5").await;
    reads(&page.body, &["Remove the old management", "the new profile can be installed only after"]);
    let (remove, answer) = (remove(record), answer(record));
    let page = guest.post("/enroll/previous", &[(answer.as_str(), "this_device"), (remove.as_str(), "yes")]).await;
    assert_eq!((page.status, agreed(&scene).await), (200, vec![record]));
    reads(&page.body, &["The device is asked to remove it", "Remove Management"]);
    assert_eq!(removals(&scene, id_of(&old)).await.len(), 1);
    clock.advance_seconds(121);
    let page = guest.post("/enroll/previous", &[(answer.as_str(), "this_device")]).await;
    reads(&page.body, &["The device has not answered", "remove it yourself", "Remove Management"]);
    assert_eq!(removals(&scene, id_of(&old)).await.len(), 1, "it is asked once");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_agree_for_a_record_that_is_not_theirs_or_that_is_a_device_of_the_institution() {
    let scene = Scene::set().await;
    scene.server.add_user("bob", PASSWORD, &[Privilege::Enroll]).await;
    let theirs = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    let record = RecordId::of_device(id_of(&theirs));
    // Bob has a record of his own, so the page is shown to him.
    let imported = import(&scene, OLD_PHONE).await;
    let bob = person(&scene, "bob").await;
    resolve(&scene, imported, RecordOwner::Unique { person: bob }).await;
    let mut guest = Guest::new(&scene.server, &iphone("17.5"));
    assert_eq!(guest.sign_in("bob", PASSWORD).await.led_to(), Some("/enroll/previous"));
    let (of_ada, of_product) = (remove(record), remove(imported));
    guest.post("/enroll/previous", &[(of_ada.as_str(), "yes"), (of_product.as_str(), "yes")]).await;
    assert_eq!((agreed(&scene).await, removals(&scene, id_of(&theirs)).await.len()), (vec![], 0));
    scene.strike().await;
    let scene = Scene::set().await;
    let institutional = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    let record = RecordId::of_device(id_of(&institutional));
    let (mut guest, page) = at_the_page(&scene, "17.5").await;
    assert!(!page.body.contains("Remove the old management"), "{}", page.body);
    let remove = remove(record);
    guest.post("/enroll/previous", &[(remove.as_str(), "yes")]).await;
    assert_eq!((agreed(&scene).await, removals(&scene, id_of(&institutional)).await.len()), (vec![], 0));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_is_for_the_step_that_shows_the_records_and_for_devices_of_the_person() {
    let scene = Scene::set().await;
    let institutional = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    let record = RecordId::of_device(id_of(&institutional));
    let (mut guest, _) = at_the_page(&scene, "17.5").await;
    let platform = &scene.server.app().platform;
    let last = scene.server.whole_log().await.into_iter().rev().find(|entry| entry.stream.category() == "enrollment");
    let enrollment = EnrollmentId(Uuid::parse_str(last.unwrap().stream.id()).unwrap());
    let agree = async || {
        let command = EnrollmentCommand::AgreeToRemoval { record };
        platform.perform::<Enrollment>(&enrollment.stream(), &command, &operator(&scene)).await.map(drop)
    };
    // Also a consent that the page did not offer removes no device of the institution.
    agree().await.unwrap();
    assert_eq!((agreed(&scene).await, removals(&scene, id_of(&institutional)).await.len()), (vec![record], 0));
    assert_eq!(guest.post("/enroll/previous", &[]).await.led_to(), Some("/enroll/ownership"));
    assert!(agree().await.is_err(), "the step is over");
    scene.strike().await;
}
