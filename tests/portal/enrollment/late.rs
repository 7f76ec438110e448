//! Tests of a profile that is installed after its challenge expired: the recorded event, the page for the person, and
//! the way to continue.

use events::Event;
use events::enrollment::{EnrollmentEvent, IdentityRefusal, ProfileServiceRefusal};
use events::settings::ProfileService;
use harness::cast::{Scene, Visitor};
use harness::profile_service::{ASKS, at_the_profile};
use simulator::model::Family;
use simulator::safari::Opened;
use simulator::walk::Walk;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

/// One second after a challenge expires: a profile may be installed within an hour.
const TOO_LATE: i64 = 60 * 60 + 1;

async fn scene(profile_service: ProfileService) -> (Scene, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemClock.now().plus_seconds(-2 * TOO_LATE)));
    let scene = Scene::set_in(World::at(clock.clone()), |_| {}).await;
    scene.server.settings(|settings| settings.profile_service = profile_service).await;
    (scene, clock)
}

async fn refusals(scene: &Scene) -> Vec<EnrollmentEvent> {
    let is_refusal = |event| match event {
        Event::Enrollment(
            event @ (EnrollmentEvent::IdentityRefused { .. } | EnrollmentEvent::ProfileServiceRefused { .. }),
        ) => Some(event),
        _ => None,
    };
    scene.server.events_of("enrollment").await.into_iter().filter_map(is_refusal).collect()
}

/// Continues on the last page, which says that the server still waits for the device. It leads back to the profile,
/// which is served with a new challenge.
async fn goes_on(scene: &Scene, walk: &mut Walk) {
    let complete = format!("{}/enroll/complete", scene.server.url());
    let Opened::Page(page) = walk.safari.open(&complete).await.unwrap() else { panic!("no page") };
    assert!(page.text.contains("Waiting for your iPhone"), "{}", page.text);
    let Opened::Page(page) = walk.safari.tap_link("instructions").await.unwrap() else { panic!("no page") };
    assert!(page.url.path().ends_with("/enroll/mdm"), "{}", page.url);
    let Opened::Profile(file) = walk.safari.tap_link("profile").await.unwrap() else { panic!("no profile") };
    walk.device.download(file);
    walk.device.install().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_asks_for_its_identity_too_late_is_refused_on_record_and_its_person_takes_the_profile_again() {
    let (scene, clock) = scene(ProfileService { enabled: false, ..ASKS }).await;
    let mut walk = at_the_profile(&scene, Visitor::institutional(Family::IPhone, "17.5")).await;
    clock.advance_seconds(TOO_LATE);
    let refused = walk.device.install().await.unwrap_err();
    assert!(refused.to_string().contains("refused the request"), "{refused}");
    let expired = EnrollmentEvent::IdentityRefused { why: IdentityRefusal::ChallengeExpired };
    assert_eq!(refusals(&scene).await, [expired]);
    goes_on(&scene, &mut walk).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_answers_the_profile_service_too_late_is_refused_on_record_and_its_person_takes_the_profile_again()
 {
    let (scene, clock) = scene(ASKS).await;
    let mut walk = at_the_profile(&scene, Visitor::institutional(Family::IPhone, "17.5")).await;
    clock.advance_seconds(TOO_LATE);
    let refused = walk.device.install().await.unwrap_err();
    assert!(refused.to_string().contains("403"), "{refused}");
    let [EnrollmentEvent::ProfileServiceRefused { why: ProfileServiceRefusal::ChallengeExpired, .. }] =
        refusals(&scene).await[..]
    else {
        panic!("{:?}", refusals(&scene).await)
    };
    goes_on(&scene, &mut walk).await;
    scene.strike().await;
}
