//! Tests of a repeated sign-in on an enrolled device. The server requests it by a 401 with a header, never by a bare
//! 401.

use super::enrollment_events;
use events::device::DeviceEvent;
use events::enrollment::{EnrollmentEvent, SignInAgainReason, SignInRefusal};
use events::{Actor, ActorKind, Event};
use harness::account::{identifier, scene_in, walk};
use harness::cast::{Scene, Visitor, id_of};
use harness::waiting::PATIENCE;
use platform::context::Context;
use simulator::account::{Challenge, SignedIn};
use simulator::acts::{Act, Nobody, Watcher};
use simulator::device::DeviceError;
use simulator::messages;
use simulator::model::{Family, IosVersion};
use simulator::walk::Walk;
use std::sync::Arc;
use world::{ManualClock, World};

async fn enrolled(scene: &Scene) -> Walk {
    let mut walk = walk(scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.enroll_with_account(&identifier(scene, "grace"), &mut Nobody).await.unwrap();
    scene.answer_first_commands(&mut walk.device).await;
    walk
}

const DAYS: u32 = 90;

/// Sets up a server with a manual clock, on which people must sign in again after `DAYS` days.
async fn scene() -> (Scene, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(harness::devices::now()));
    let scene = scene_in(World::at(clock.clone())).await;
    scene.server.settings(|settings| settings.account_driven.sign_in_again_after_days = Some(DAYS)).await;
    (scene, clock)
}

fn expire_tokens(clock: &ManualClock) {
    clock.advance_seconds(i64::from(DAYS) * 86_400);
}

async fn asked(walk: &mut Walk) -> Challenge {
    match walk.device.poll().await {
        Err(DeviceError::SignInAgain { challenge }) => *challenge,
        other => panic!("{other:?}"),
    }
}

async fn asked_why(scene: &Scene) -> Vec<SignInAgainReason> {
    let why = |event| match event {
        EnrollmentEvent::SignInAgainAsked { why } => Some(why),
        _ => None,
    };
    enrollment_events(scene).await.into_iter().filter_map(why).collect()
}

/// Lets two hours pass before the first TokenUpdate, as if the device or the server had lost its network.
struct HeldUp(Arc<ManualClock>);

#[async_trait::async_trait]
impl Watcher for HeldUp {
    async fn before(&mut self, act: Act) {
        if act == Act::TokenUpdate {
            self.0.advance_seconds(2 * 3_600);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_held_up_after_authenticate_comes_in_with_its_token_still() {
    let (scene, clock) = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.enroll_with_account(&identifier(&scene, "grace"), &mut HeldUp(clock)).await.unwrap();
    scene.answer_first_commands(&mut walk.device).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_asks_for_sign_in_and_the_device_stays_enrolled() {
    let (scene, clock) = scene().await;
    let mut walk = enrolled(&scene).await;
    expire_tokens(&clock);
    let url = asked(&mut walk).await;
    asked(&mut walk).await;
    assert!(walk.device.is_managed());
    assert_eq!(asked_why(&scene).await, [SignInAgainReason::TokenExpired], "recorded once");
    // Weeks later, the cookies of the first sign-in are gone.
    walk.forget_cookies();
    let signed_in = walk.sign_in_again(&url, &mut Nobody).await.unwrap();
    assert!(matches!(signed_in, SignedIn::Token(_)), "{signed_in:?}");
    walk.device.poll().await.unwrap();
    let events = enrollment_events(&scene).await;
    let again = |event: &EnrollmentEvent| matches!(event, EnrollmentEvent::UserSignedInAgain { .. });
    assert_eq!(events.iter().filter(|event| again(event)).count(), 1);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_missing_asks_for_sign_in_too_and_removes_nothing() {
    let (scene, _) = scene().await;
    let mut walk = enrolled(&scene).await;
    let tokens = walk.device.management_mut().unwrap().tokens.take();
    asked(&mut walk).await;
    assert_eq!(asked_why(&scene).await, [SignInAgainReason::TokenMissing]);
    walk.device.management_mut().unwrap().tokens = tokens;
    walk.device.poll().await.expect("the earlier token is still valid");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_cannot_sign_in_on_the_device() {
    let (scene, clock) = scene().await;
    let mut walk = enrolled(&scene).await;
    expire_tokens(&clock);
    let url = asked(&mut walk).await;
    walk.person.user_name = "ada".into();
    let stopped = walk.sign_in_again(&url, &mut Nobody).await.unwrap();
    assert!(matches!(stopped, SignedIn::Stopped(_)), "{stopped:?}");
    let refused = |event: &EnrollmentEvent| {
        matches!(event, EnrollmentEvent::SignInRefused { reason: SignInRefusal::AnotherPerson, .. })
    };
    assert!(enrollment_events(&scene).await.iter().any(refused));
    asked(&mut walk).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_leaves_is_let_go_with_an_expired_token() {
    let (scene, clock) = scene().await;
    let mut walk = enrolled(&scene).await;
    let id = id_of(&walk.device);
    expire_tokens(&clock);
    walk.device.remove_mdm_profile().await.unwrap();
    let log = scene.server.log_of(&id.stream()).await;
    assert!(log.iter().any(|entry| matches!(entry.event, Event::Device(DeviceEvent::DeviceCheckedOut { .. }))));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_keeps_nobody_from_ending_management() {
    let (scene, clock) = scene().await;
    let mut walk = enrolled(&scene).await;
    let id = id_of(&walk.device);
    expire_tokens(&clock);
    asked(&mut walk).await;
    let app = scene.server.app();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    app.devices.unenroll(id, events::device::CommandId(app.platform.world.uuid()), &context).await.unwrap();
    let handled = walk.device.serve_once(PATIENCE).await.unwrap();
    assert!(handled.iter().any(|one| one.request_type == "RemoveProfile" && one.status == "Acknowledged"));
    assert!(!walk.device.is_managed());
    let log = scene.server.log_of(&id.stream()).await;
    assert!(log.iter().any(|entry| matches!(entry.event, Event::Device(DeviceEvent::DeviceUnenrolled { .. }))));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_sign_in_again_is_worth_nothing_once_it_was_used() {
    let (scene, clock) = scene().await;
    let mut walk = enrolled(&scene).await;
    expire_tokens(&clock);
    let url = asked(&mut walk).await;
    walk.sign_in_again(&url, &mut Nobody).await.unwrap();
    walk.forget_cookies();
    let stopped = walk.sign_in_again(&url, &mut Nobody).await.unwrap();
    assert!(matches!(stopped, SignedIn::Stopped(_)), "{stopped:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_says_authenticate_once_more_stays_enrolled_and_is_still_asked_to_sign_in() {
    let (scene, clock) = scene().await;
    let mut walk = enrolled(&scene).await;
    let id = id_of(&walk.device);
    walk.device.hardware.ios = IosVersion::new(18, 3);
    let management = walk.device.management().unwrap();
    let said = messages::authenticate(&walk.device.hardware, &management.identifier, &management.mdm.topic);
    walk.device.check_in(management, "Authenticate", &messages::xml(&said)).await.unwrap();
    walk.device.poll().await.unwrap();
    let names = async || {
        let log = scene.server.log_of(&id.stream()).await;
        log.iter().map(|entry| entry.event.type_name()).collect::<Vec<_>>()
    };
    let told = names().await;
    assert_eq!(told.iter().filter(|name| *name == "DeviceAuthenticated").count(), 1, "{told:?}");
    assert!(told.iter().any(|name| name == "DeviceReauthenticated"), "{told:?}");
    expire_tokens(&clock);
    asked(&mut walk).await;
    assert!(walk.device.is_managed());
    scene.strike().await;
}
