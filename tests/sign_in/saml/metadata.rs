//! The provider's metadata file: a faulty file affects only its provider, and a corrected file is used without a
//! restart.

use super::{Forged, SCHOOL, come_back, guest, server_with, set_out};
use harness::guest::Answer;
use world::World;

async fn press(guest: &mut harness::guest::Guest) -> Answer {
    guest.get("/enroll/sign-in").await;
    guest.post(&format!("/enroll/sign-in/{SCHOOL}"), &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_used_stops_nothing_but_itself_and_is_read_again_when_its_file_changes() {
    let idp = super::forge::Idp::new();
    let server = server_with(World::system(), "<no-metadata/>", |_| {}).await;
    let answer = press(&mut guest(&server)).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.body.contains("You cannot sign in right now."), "{}", answer.body);
    let metrics = server.metrics().await;
    assert!(metrics.contains("muster_alarms_total{alarm=\"provider-unavailable\"} 2"), "{metrics}");
    let file = server.app().config.identity.saml[0].metadata.clone();
    std::fs::write(&file, idp.metadata()).unwrap();
    set_out(&mut guest(&server)).await;
    std::fs::write(&file, "<no-metadata-any-more/>").unwrap();
    assert_eq!(press(&mut guest(&server)).await.status, 503);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_into_the_metadata_counts_at_once_and_one_that_left_it_no_more() {
    let forged = Forged::start(World::system(), |_| {}).await;
    let next = super::forge::Idp::new();
    let (mut first, request) = forged.begin().await;
    let answer = super::forge::field(&next.with_both_signed(&forged.facts(&request)));
    let file = forged.server.app().config.identity.saml[0].metadata.clone();
    std::fs::write(&file, next.metadata()).unwrap();
    assert_eq!(come_back(&forged.server, &mut first, &answer).await.led_to(), Some("/enroll/ownership"));
    let (mut second, request) = forged.begin().await;
    let old = forged.answer(&request);
    super::assert_told_nothing(&come_back(&forged.server, &mut second, &old).await);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_metadata_is_for_portal_and_console_or_for_the_one_that_is_asked_for() {
    let forged = Forged::start(World::system(), |_| {}).await;
    let [portal, console] = ["enroll", "console"].map(|surface| format!("/{surface}/sso/{SCHOOL}/acs\" index=\"0\""));
    let mut guest = guest(&forged.server);
    let both = guest.get("/saml/school/metadata").await.body;
    assert!(both.contains(&portal) && both.contains(&format!("/console/sso/{SCHOOL}/acs\" index=\"1\"")), "{both}");
    let one = guest.get("/saml/school/metadata?place=portal").await.body;
    assert!(one.contains(&portal) && !one.contains("/console/"), "{one}");
    let one = guest.get("/saml/school/metadata?place=console").await.body;
    assert!(one.contains(&console) && !one.contains("/enroll/"), "{one}");
    assert_eq!(guest.get("/saml/school/metadata?place=attic").await.status, 400);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_is_asked_to_prove_the_person_anew_unless_that_is_switched_off() {
    for (wanted, asked) in [(true, true), (false, false)] {
        let forged = Forged::start(World::system(), |config| config.force_authentication = wanted).await;
        let onward = set_out(&mut guest(&forged.server)).await;
        assert_eq!(super::request(&onward).contains(" ForceAuthn=\"true\""), asked);
        forged.server.stop().await;
    }
}
