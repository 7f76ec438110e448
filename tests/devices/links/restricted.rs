//! Who may enroll a device again that has a managed record: its owner and staff, if the settings say so.

use super::*;
use events::enrollment::EnrollmentRefusal;

fn refused(events: &[Event]) -> bool {
    let why = EnrollmentRefusal::RestrictedToOwner;
    events.contains(&Event::Enrollment(EnrollmentEvent::EnrollmentRefused { why }))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_enrolls_a_managed_device_again_if_the_settings_restrict_it() {
    let (scene, _clock) = stage().await;
    scene.server.settings(|settings| settings.reenrollment.authorized_people_only = true).await;
    let phone = iphone("17.5");
    let old = enroll_institutional(&scene, "grace", &phone).await;
    let owner = person_of(&scene, id_of(&old)).await;
    let ended = enroll_by(&scene, institutional(&scene, "bob", &phone), &mut Nobody).await;
    assert!(ended.is_err(), "the device is managed for grace");
    assert!(refused(&scene.server.events_of("enrollment").await));
    let again = enroll_institutional(&scene, "grace", &phone).await;
    assert_eq!(person_of(&scene, id_of(&again)).await, owner);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_has_ended_and_a_server_without_the_setting_restrict_nobody() {
    let (scene, _clock) = stage().await;
    let phone = iphone("17.5");
    enroll_institutional(&scene, "grace", &phone).await;
    let mut handed_over = enroll_institutional(&scene, "bob", &phone).await;
    handed_over.remove_mdm_profile().await.unwrap();
    scene.server.settings(|settings| settings.reenrollment.authorized_people_only = true).await;
    let other = Hardware::new(Family::IPhone, "17.5".parse().unwrap());
    let mut ended = enroll_institutional(&scene, "grace", &other).await;
    ended.remove_mdm_profile().await.unwrap();
    enroll_institutional(&scene, "bob", &other).await;
    assert!(!refused(&scene.server.events_of("enrollment").await));
    scene.strike().await;
}
