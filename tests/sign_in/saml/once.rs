//! An answer is valid once, for the request it answers, in the browser that started the request.

use super::{
    CONSUMER, Forged, RETURN, assert_told_nothing, assert_told_too_late, come_back, enrollment_events, faults, forge,
    guest, keep_ticket, post,
};
use events::enrollment::{EnrollmentEvent, SingleSignOnFault as Fault};
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_opens_one_door_once_even_after_a_restart() {
    let mut forged = Forged::start(World::system(), |_| {}).await;
    let (mut first, request) = forged.begin().await;
    let field = forged.answer(&request);
    assert_eq!(come_back(&forged.server, &mut first, &field).await.led_to(), Some("/enroll/ownership"));
    let begun = |event: &EnrollmentEvent| matches!(event, EnrollmentEvent::SingleSignOnBegun { .. });
    assert!(enrollment_events(&forged.server).await.iter().any(begun));
    for _ in 0..2 {
        assert_eq!(post(&forged.server, CONSUMER, &field).await.led_to(), Some(RETURN));
        forged.server.restart().await;
    }
    assert_eq!(faults(&forged.server).await, [Fault::Replayed, Fault::Replayed]);
    // The same assertion in an answer to another request, signed again by the provider, is still the same assertion.
    let (mut second, request) = forged.begin().await;
    let facts = forge::Facts { serial: 1, ..forged.facts(&request) };
    let again = forge::field(&forged.idp.with_both_signed(&facts));
    assert_told_nothing(&come_back(&forged.server, &mut second, &again).await);
    assert_eq!(faults(&forged.server).await.last(), Some(&Fault::Replayed));
    // The first person is still signed in.
    assert_eq!(first.get("/enroll/ownership").await.status, 200);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_posts_of_one_answer_at_once_one_counts() {
    let forged = Forged::start(World::system(), |_| {}).await;
    let (mut guest, request) = forged.begin().await;
    let field = forged.answer(&request);
    for posted in futures_util::future::join_all((0..12).map(|_| post(&forged.server, CONSUMER, &field))).await {
        keep_ticket(&mut guest, &posted);
    }
    assert_eq!(faults(&forged.server).await, [Fault::Replayed; 11]);
    assert_eq!(guest.get(RETURN).await.led_to(), Some("/enroll/ownership"));
    let proven = |event: &&EnrollmentEvent| matches!(event, EnrollmentEvent::SingleSignOnProven { .. });
    assert_eq!(enrollment_events(&forged.server).await.iter().filter(proven).count(), 1);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_loaded_again_before_the_hop_costs_nobody_their_sign_in() {
    let forged = Forged::start(World::system(), |_| {}).await;
    let (mut guest, request) = forged.begin().await;
    let field = forged.answer(&request);
    keep_ticket(&mut guest, &post(&forged.server, CONSUMER, &field).await);
    assert_eq!(come_back(&forged.server, &mut guest, &field).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(faults(&forged.server).await, [Fault::Replayed]);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lets_in_the_browser_that_began_and_no_other() {
    let forged = Forged::start(World::system(), |_| {}).await;
    let (mut victim, request) = forged.begin().await;
    let (mut thief, _) = forged.begin().await;
    // The thief has the answer and posts it.
    assert_told_nothing(&come_back(&forged.server, &mut thief, &forged.answer(&request)).await);
    let mut nobody = guest(&forged.server);
    assert_told_nothing(&nobody.get(RETURN).await);
    // An answer posted by another browser does not sign in the browser that started the request.
    assert_told_nothing(&victim.get(RETURN).await);
    let signed_in = |event: &&EnrollmentEvent| matches!(event, EnrollmentEvent::UserSignedIn { .. });
    assert_eq!(enrollment_events(&forged.server).await.iter().filter(signed_in).count(), 0);
    forged.server.stop().await;
}

/// A thief starts a request and sends its link to a victim who is signed in at the provider. The victim's browser
/// posts the answer, and the thief tries to use it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_a_strangers_link_to_the_provider_does_not_sign_the_stranger_in() {
    let forged = Forged::start(World::system(), |_| {}).await;
    let (mut thief, request) = forged.begin().await;
    let mut victim = guest(&forged.server);
    assert_told_nothing(&come_back(&forged.server, &mut victim, &forged.answer(&request)).await);
    assert_told_nothing(&thief.get(RETURN).await);
    // The thief's own ticket from another answer does not help either.
    let (mut again, own) = forged.begin().await;
    come_back(&forged.server, &mut again, &forged.answer(&own)).await;
    thief.cookies.insert("__Host-muster-answer".into(), again.cookies["__Host-muster-answer"].clone());
    assert_told_nothing(&thief.get(RETURN).await);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_waits_for_is_refused() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let forged = Forged::start(World::at(clock.clone()), |_| {}).await;
    post(&forged.server, CONSUMER, &forged.answer("_never-asked")).await;
    // A second answer to a request that was already answered.
    let (mut guest, request) = forged.begin().await;
    keep_ticket(&mut guest, &post(&forged.server, CONSUMER, &forged.answer(&request)).await);
    post(&forged.server, CONSUMER, &forged.answer(&request)).await;
    assert_eq!(faults(&forged.server).await, [Fault::Unsolicited, Fault::Unsolicited]);
    // The answer is valid, but the browser continues too late.
    clock.advance_seconds(901);
    assert_told_too_late(&guest.get(RETURN).await);
    // The request is too old.
    let (mut late, request) = forged.begin().await;
    clock.advance_seconds(901);
    assert_told_too_late(&come_back(&forged.server, &mut late, &forged.answer(&request)).await);
    // A new request replaces the previous request of the same enrollment.
    let (mut anew, old) = forged.begin().await;
    let new = super::request_id(&super::set_out(&mut anew).await);
    assert_told_nothing(&come_back(&forged.server, &mut anew, &forged.answer(&old)).await);
    assert_eq!(faults(&forged.server).await, [Fault::Unsolicited; 4]);
    assert_eq!(come_back(&forged.server, &mut anew, &forged.answer(&new)).await.led_to(), Some("/enroll/ownership"));
    forged.server.stop().await;
}

fn unasked(forged: &Forged) -> String {
    let facts = forged.facts("_x");
    let without = |text: String| text.replace("InResponseTo=\"_x\" ", "");
    let assertion = without(facts.assertion());
    let signed = forged.idp.signed(&assertion, &facts.assertion_id(), &forge::Signing::default());
    forge::field(&without(facts.response(&signed)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_at_the_provider_is_taken_only_where_that_is_switched_on() {
    let forged = Forged::start(World::system(), |_| {}).await;
    assert_eq!(post(&forged.server, CONSUMER, &unasked(&forged)).await.led_to(), Some(RETURN));
    assert_eq!(faults(&forged.server).await, [Fault::Unsolicited]);
    forged.server.stop().await;

    let forged = Forged::start(World::system(), |config| config.allow_unsolicited = true).await;
    let field = unasked(&forged);
    let answer = post(&forged.server, CONSUMER, &field).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{}", answer.body);
    assert!(answer.header("set-cookie").starts_with("__Host-muster-enrollment="));
    // Follows the redirect with the cookie that the browser got.
    let mut guest = guest(&forged.server);
    let (name, rest) = answer.header("set-cookie").split_once('=').map(|(n, r)| (n.to_owned(), r.to_owned())).unwrap();
    guest.cookies.insert(name, rest.split(';').next().unwrap().to_owned());
    let page = guest.get("/enroll/ownership").await;
    assert_eq!(page.status, 200, "the page redirects to {:?}", page.led_to());
    assert_eq!(post(&forged.server, CONSUMER, &field).await.led_to(), Some(RETURN));
    assert_eq!(faults(&forged.server).await, [Fault::Replayed]);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_the_settings_do_not_offer_is_not_there() {
    let forged = Forged::start(World::system(), |_| {}).await;
    let (mut guest, request) = forged.begin().await;
    forged.server.settings(|settings| settings.sign_in.enrollment.single_sign_on = vec![]).await;
    assert_eq!(post(&forged.server, CONSUMER, &forged.answer(&request)).await.status, 404);
    assert_eq!(guest.get(RETURN).await.status, 404);
    assert_eq!(post(&forged.server, "/enroll/sso/other/acs", "x").await.status, 404);
    assert_eq!(guest.get("/saml/other/metadata").await.status, 404);
    // The metadata is available although the provider is not offered.
    let metadata = guest.get("/saml/school/metadata").await;
    assert_eq!(metadata.header("content-type"), "application/samlmetadata+xml; charset=utf-8");
    assert!(metadata.body.contains(&format!("Location=\"{}{CONSUMER}\" index=\"0\"", forged.server.url())));
    forged.server.stop().await;
}
