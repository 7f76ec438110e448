//! The person of an enrolled device has to sign in again: by a 401 with a header, never a bare one.

use super::{identifier, scene, visit_events, walk};
use crate::enrollment::cast::{PATIENCE, Scene, Visitor, id_of};
use events::device::DeviceEvent;
use events::enrollment::{EnrollmentEvent, SignInAgainReason, SignInRefusal};
use events::{Actor, ActorKind, Event};
use muster::app::context::Context;
use muster::simulator::account::SignedIn;
use muster::simulator::acts::Nobody;
use muster::simulator::device::DeviceError;
use muster::simulator::model::Family;
use muster::simulator::walk::Walk;
use url::Url;

async fn enrolled(scene: &Scene) -> Walk {
    let mut walk = walk(scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.enroll_with_account(&identifier(scene, "grace"), &mut Nobody).await.unwrap();
    scene.answer_first_commands(&mut walk.device).await;
    walk
}

/// Days are counted whole: with none of them a token is too old at once.
async fn expire_tokens(scene: &Scene) {
    scene.server.settings(|settings| settings.account_driven.sign_in_again_after_days = Some(0)).await;
}

async fn tokens_last(scene: &Scene) {
    scene.server.settings(|settings| settings.account_driven.sign_in_again_after_days = Some(90)).await;
}

async fn asked(walk: &mut Walk) -> Url {
    match walk.device.poll().await {
        Err(DeviceError::SignInAgain { url }) => url,
        other => panic!("{other:?}"),
    }
}

async fn asked_why(scene: &Scene) -> Vec<SignInAgainReason> {
    let why = |event| match event {
        EnrollmentEvent::SignInAgainAsked { why } => Some(why),
        _ => None,
    };
    visit_events(scene).await.into_iter().filter_map(why).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_asks_for_sign_in_and_the_device_stays_enrolled() {
    let scene = scene().await;
    let mut walk = enrolled(&scene).await;
    expire_tokens(&scene).await;
    let url = asked(&mut walk).await;
    asked(&mut walk).await;
    assert!(walk.device.is_managed());
    assert_eq!(asked_why(&scene).await, [SignInAgainReason::TokenExpired], "written down once");
    tokens_last(&scene).await;
    // Weeks later there are no cookies of the first time.
    walk.forget_cookies();
    let signed_in = walk.sign_in_again(&url, &mut Nobody).await.unwrap();
    assert!(matches!(signed_in, SignedIn::Token(_)), "{signed_in:?}");
    walk.device.poll().await.unwrap();
    let events = visit_events(&scene).await;
    let again = |event: &EnrollmentEvent| matches!(event, EnrollmentEvent::UserSignedInAgain { .. });
    assert_eq!(events.iter().filter(|event| again(event)).count(), 1);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_and_a_foreign_one_are_told_apart_in_the_log_and_neither_removes_management() {
    let scene = scene().await;
    let mut walk = enrolled(&scene).await;
    let token = walk.device.management_mut().unwrap().access_token.take();
    asked(&mut walk).await;
    assert_eq!(asked_why(&scene).await, [SignInAgainReason::TokenMissing]);
    walk.device.management_mut().unwrap().access_token = token;
    walk.device.poll().await.expect("the token that was good is good");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_cannot_sign_in_on_the_device() {
    let scene = scene().await;
    let mut walk = enrolled(&scene).await;
    expire_tokens(&scene).await;
    let url = asked(&mut walk).await;
    walk.person.user_name = "ada".into();
    let stopped = walk.sign_in_again(&url, &mut Nobody).await.unwrap();
    assert!(matches!(stopped, SignedIn::Stopped(_)), "{stopped:?}");
    let refused = |event: &EnrollmentEvent| {
        matches!(event, EnrollmentEvent::SignInRefused { reason: SignInRefusal::AnotherPerson, .. })
    };
    assert!(visit_events(&scene).await.iter().any(refused));
    asked(&mut walk).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_leaves_is_let_go_with_an_expired_token() {
    let scene = scene().await;
    let mut walk = enrolled(&scene).await;
    let id = id_of(&walk.device);
    expire_tokens(&scene).await;
    walk.device.remove_mdm_profile().await.unwrap();
    let log = scene.server.log_of(&id.stream()).await;
    assert!(log.iter().any(|entry| matches!(entry.event, Event::Device(DeviceEvent::DeviceCheckedOut { .. }))));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_keeps_nobody_from_ending_management() {
    let scene = scene().await;
    let mut walk = enrolled(&scene).await;
    let id = id_of(&walk.device);
    expire_tokens(&scene).await;
    asked(&mut walk).await;
    let app = scene.server.app();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.world.uuid());
    app.unenroll(id, events::device::CommandId(app.world.uuid()), &context).await.unwrap();
    let handled = walk.device.serve_once(PATIENCE).await.unwrap();
    assert!(handled.iter().any(|one| one.request_type == "RemoveProfile" && one.status == "Acknowledged"));
    assert!(!walk.device.is_managed());
    let log = scene.server.log_of(&id.stream()).await;
    assert!(log.iter().any(|entry| matches!(entry.event, Event::Device(DeviceEvent::DeviceUnenrolled { .. }))));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_sign_in_again_is_worth_nothing_once_it_was_used() {
    let scene = scene().await;
    let mut walk = enrolled(&scene).await;
    expire_tokens(&scene).await;
    let url = asked(&mut walk).await;
    tokens_last(&scene).await;
    walk.sign_in_again(&url, &mut Nobody).await.unwrap();
    walk.forget_cookies();
    let stopped = walk.sign_in_again(&url, &mut Nobody).await.unwrap();
    assert!(matches!(stopped, SignedIn::Stopped(_)), "{stopped:?}");
    scene.strike().await;
}
