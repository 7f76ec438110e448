//! The complete round trip to a real identity provider.

use super::provider::AtProvider;
use super::{
    SCHOOL, assert_told_not_now, assert_told_nothing, enrollment_events, faults, guest, parameter, press, school,
    school_with, set_out, sign_in,
};
use decisions::person::Person;
use events::enrollment::{EnrollmentEvent, Ownership, SingleSignOnFault as Fault};
use events::person::PersonId;
use events::settings::{AccessRule, Who};
use harness::TestServer;
use harness::guest::Guest;
use std::collections::BTreeSet;
use world::World;

/// Returns the people who signed in, in the order of the log.
pub async fn people(server: &TestServer) -> Vec<PersonId> {
    let events = enrollment_events(server).await.into_iter();
    let signed_in = |event| match event {
        EnrollmentEvent::UserSignedIn { person, .. } => Some(person),
        _ => None,
    };
    events.filter_map(signed_in).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_at_their_provider_and_is_known_by_what_it_tells() {
    let Some((server, mut provider)) = school("single-sign-on").await else { return };
    for (whole, algorithm) in [(false, "RS256"), (true, "RS256")] {
        provider.restart(whole);
        let mut guest = guest(&server);
        let answer = sign_in(&server, &mut guest, "alice").await;
        assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{algorithm}: {}", answer.body);
        let page = guest.get("/enroll/ownership").await.body;
        assert!(page.contains("Signed in as alice"), "{page}");
    }
    let people = people(&server).await;
    assert_eq!(people.len(), 2);
    assert_eq!(people[0], people[1], "the same person although the provider's keys changed");
    let (person, _) = server.app().platform.load::<Person>(&people[0].stream()).await.unwrap();
    let told = |value: &Option<events::Personal<String>>| value.as_ref().map(|value| value.text().to_owned());
    assert_eq!(told(&person.attributes.display_name).as_deref(), Some("Alice Ångström"));
    assert_eq!(told(&person.attributes.mail).as_deref(), Some("alice@example.test"));
    assert_eq!(told(&person.attributes.managed_apple_id).as_deref(), Some("alice@appleid.example.test"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_signed_by_elliptic_curves_is_believed_as_well() {
    for client in ["muster-es", "muster-ps"] {
        let change = |config: &mut identity::config::OpenIdConnect| {
            config.client_id = client.into();
            config.algorithms.push("PS256".into());
        };
        let Some((server, _provider)) = school_with("single-sign-on-es256", World::system(), change).await else {
            return;
        };
        assert_eq!(
            sign_in(&server, &mut guest(&server), "alice").await.led_to(),
            Some("/enroll/ownership"),
            "{client}"
        );
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_claims_decide_what_somebody_may_enroll() {
    let Some((server, _provider)) = school("single-sign-on-groups").await else { return };
    let rule = |name: &str, who, ownership| AccessRule {
        name: name.into(),
        who,
        provider: Some(SCHOOL.into()),
        enroll: BTreeSet::from([ownership]),
        account_driven: false,
        terms_required: false,
        devices_per_person: None,
    };
    for who in [Who::Group("Physics".into()), Who::Claim { name: "department".into(), value: "physics".into() }] {
        let rules = vec![rule("physicists", who, Ownership::Institutional)];
        server.settings(|settings| settings.access = rules).await;
        assert_eq!(sign_in(&server, &mut guest(&server), "alice").await.led_to(), Some("/enroll/ca"));
        assert_eq!(sign_in(&server, &mut guest(&server), "bob").await.led_to(), Some("/enroll/stopped"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_before_the_round_trip_holds_after_it() {
    let Some((server, _provider)) = school("single-sign-on-memory").await else { return };
    let mut guest = Guest::new(&server, harness::guest::IPAD_AS_MAC);
    guest.languages = "ja".into();
    guest.get("/enroll").await;
    guest.post("/enroll/device", &[("device", "ipad")]).await;
    guest.get("/enroll/sign-in").await;
    guest.post("/enroll/language", &[("language", "de")]).await;
    let onward = set_out(&mut guest, SCHOOL).await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    // The enrollment stores these values, so parameters in the address have no effect. If they had, a person could
    // enroll a private device as institutional.
    let answer = guest.get(&format!("{back}&ownership=institutional&language=en&device=iphone")).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"));
    let page = guest.get("/enroll/ownership").await.body;
    assert!(page.contains("<html lang=\"de\">"), "{page}");
    assert!(page.contains("iPad") && !page.contains("iPhone"), "{page}");
    let events = enrollment_events(&server).await;
    let EnrollmentEvent::VisitOpened { platform, language, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((platform.family, language.as_str()), (events::enrollment::DeviceFamily::IPad, "de"));
    assert!(!events.iter().any(|event| matches!(event, EnrollmentEvent::OwnershipChosen { .. })));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_at_the_provider_may_try_again() {
    let Some((server, _provider)) = school("single-sign-on-cancel").await else { return };
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let back = AtProvider::new(&server).cancel(&onward).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    let told = guest.get(&back).await;
    assert_told_nothing(&told);
    assert!(told.body.contains("help code"), "{}", told.body);
    assert_eq!(faults(&server).await, [Fault::ProviderRefused]);
    assert_eq!(sign_in(&server, &mut guest, "alice").await.led_to(), Some("/enroll/ownership"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_stops_neither_the_server_nor_other_ways_in() {
    let Some((server, mut provider)) = school("single-sign-on-down").await else { return };
    provider.stop();
    server.add_user("ada", harness::guest::PASSWORD, &[events::staff::Privilege::Enroll]).await;
    let mut guest = guest(&server);
    assert_told_not_now(&press(&mut guest, SCHOOL).await);
    assert_eq!(guest.sign_in("ada", harness::guest::PASSWORD).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(faults(&server).await, [Fault::ProviderUnavailable]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_goes_down_in_the_middle_is_told_apart_from_a_refusal() {
    let Some((server, mut provider)) = school("single-sign-on-gone").await else { return };
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    provider.stop();
    assert_told_not_now(&guest.get(&back).await);
    assert_eq!(faults(&server).await, [Fault::ProviderUnavailable]);
    provider.restart(false);
    assert_eq!(sign_in(&server, &mut guest, "alice").await.led_to(), Some("/enroll/ownership"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_of_the_provider_are_taken_without_a_restart() {
    let Some((server, mut provider)) = school("single-sign-on-keys").await else { return };
    assert_eq!(sign_in(&server, &mut guest(&server), "alice").await.led_to(), Some("/enroll/ownership"));
    provider.restart(false);
    assert_eq!(sign_in(&server, &mut guest(&server), "alice").await.led_to(), Some("/enroll/ownership"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_sign_on_for_enrollment_is_a_switch_of_its_own() {
    let Some((server, _provider)) = school("single-sign-on-switch").await else { return };
    let mut waiting = guest(&server);
    let onward = set_out(&mut waiting, SCHOOL).await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    server
        .settings(|settings| {
            settings.sign_in.enrollment.single_sign_on = vec![];
            settings.sign_in.staff.single_sign_on = vec![SCHOOL.into()];
        })
        .await;
    let mut guest = guest(&server);
    let page = guest.get("/enroll/sign-in").await.body;
    assert!(!page.contains("Example ID") && page.contains("name=\"password\""), "{page}");
    assert_eq!(guest.post("/enroll/sign-in/school", &[]).await.status, 404);
    assert_eq!(guest.post("/enroll/sign-in/nobody", &[]).await.status, 404);
    // A person who started before the change cannot sign in either.
    assert_eq!(waiting.get(&back).await.status, 404);
    server
        .settings(|settings| {
            settings.sign_in.enrollment.local_accounts = false;
            settings.sign_in.enrollment.single_sign_on = vec![SCHOOL.into()];
        })
        .await;
    let page = guest.get("/enroll/sign-in").await.body;
    assert!(page.contains("Sign in with Example ID") && !page.contains("name=\"password\""), "{page}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_leads_to_signing_out_at_the_provider() {
    let Some((mut server, _provider)) = school("single-sign-on-sign-out").await else { return };
    let (mut guest, browser) = (guest(&server), AtProvider::new(&server));
    let onward = set_out(&mut guest, SCHOOL).await;
    let back = browser.log_in(&onward, "alice").await;
    guest.get(&back).await;
    let session = guest.cookies["__Host-muster-enrollment"].clone();
    // A person who signed in before a restart is also led to the provider's sign-out.
    server.restart().await;
    guest.get("/enroll/ownership").await;
    let page = guest.post("/enroll/sign-out", &[]).await;
    assert!(!page.body.contains("Signed in as"), "{}", page.body);
    let leaving: url::Url = page.link("onward").parse().unwrap();
    assert_eq!(leaving.path(), "/session/end");
    let query: Vec<(String, String)> = leaving.query_pairs().into_owned().collect();
    let after = format!("{}/enroll/sign-in", server.url());
    assert_eq!(query, [("client_id".into(), "muster".into()), ("post_logout_redirect_uri".into(), after)]);
    // The session at this server has ended at once, regardless of the provider.
    let mut thief = super::guest(&server);
    thief.cookies.insert("__Host-muster-enrollment".into(), session);
    assert_eq!(thief.get("/enroll").await.led_to(), Some("/enroll/sign-in"));
    server.stop().await;
}
