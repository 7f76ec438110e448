//! Attempts to bypass parts of the sign-in at a real identity provider, and the information that the round trip
//! discloses.

use super::provider::{self, AtProvider, Provider};
use super::round_trip::people;
use super::{
    SCHOOL, assert_told_nothing, assert_told_too_late, enrollment_events, faults, guest, parameter, school,
    school_with, server_with, set_out, sign_in,
};
use events::enrollment::{EnrollmentEvent, SignInMethodName, SingleSignOnFault as Fault};
use events::person::PersonEvent;
use harness::ports;
use std::sync::Arc;
use world::{ManualClock, World};

const CALLBACK: &str = "/enroll/sso/school/callback";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_about_an_enrollment_is_in_any_address_that_leaves_the_server() {
    let Some((server, _provider)) = school("single-sign-on-addresses").await else { return };
    let mut guest = guest(&server);
    guest.languages = "de".into();
    let onward = set_out(&mut guest, SCHOOL).await;
    let url: url::Url = onward.parse().unwrap();
    let mut names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    names.sort();
    let protocol = ["client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri"];
    assert_eq!(names, [&protocol[..], &["response_type", "scope", "state"]].concat());
    assert_eq!(parameter(&onward, "code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(parameter(&onward, "redirect_uri"), Some(format!("{}{CALLBACK}", server.url())));
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    guest.get(&back).await;
    let cookie = guest.cookies["__Host-muster-enrollment"].clone();
    let (enrollment, secret) = cookie.split_once('.').unwrap();
    let sign_out = guest.get("/enroll/ownership").await;
    assert_eq!(sign_out.status, 200);
    let after = guest.post("/enroll/sign-out", &[]).await.link("onward");
    let about = [enrollment, secret, "alice", "7f3a", "personal", "institutional", "iPhone", "17.5", "lang", "physics"];
    for address in [&onward, &back, &after] {
        for told in about {
            assert!(!address.to_lowercase().contains(&told.to_lowercase()), "{address} contains {told:?}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_is_in_no_log_and_neither_are_nonce_and_verifier() {
    let Some((server, _provider)) = school("single-sign-on-secrets").await else { return };
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    guest.get(&back).await;
    let events = format!("{:?}", server.whole_log().await);
    let lines = harness::logs::so_far();
    let secrets = ["state", "nonce"].map(|name| parameter(&onward, name).unwrap());
    let secrets = [secrets.as_slice(), &[parameter(&back, "code").unwrap(), provider::SECRET.into()]].concat();
    for secret in &secrets {
        assert!(!events.contains(secret.as_str()), "{secret} must not be in the events");
        let line = lines.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_missing_state_is_refused_and_does_not_end_the_waiting() {
    let Some((server, _provider)) = school("single-sign-on-state").await else { return };
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    let code = parameter(&back, "code").unwrap();
    for forged in [format!("{CALLBACK}?code={code}&state=forged"), format!("{CALLBACK}?code={code}"), CALLBACK.into()] {
        assert_told_nothing(&guest.get(&forged).await);
    }
    assert_eq!(faults(&server).await, [Fault::Unsolicited; 3]);
    assert_eq!(guest.get(&back).await.led_to(), Some("/enroll/ownership"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_opens_no_other_browser_and_none_without_an_enrollment() {
    let Some((server, _provider)) = school("single-sign-on-other-browser").await else { return };
    // Mallory signs in and gives the address to a victim, who would then enroll their device as mallory's.
    let mut mallory = guest(&server);
    let onward = set_out(&mut mallory, SCHOOL).await;
    let back = AtProvider::new(&server).log_in(&onward, "mallory").await;
    let mut victim = guest(&server);
    assert_told_nothing(&victim.get(&back).await);
    let mut waiting = guest(&server);
    set_out(&mut waiting, SCHOOL).await;
    assert_told_nothing(&waiting.get(&back).await);
    assert_eq!(people(&server).await, []);
    assert_eq!(faults(&server).await, [Fault::Unsolicited; 2]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_works_once() {
    let Some((server, _provider)) = school("single-sign-on-replay").await else { return };
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let before = guest.cookies["__Host-muster-enrollment"].clone();
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    assert_eq!(guest.get(&back).await.led_to(), Some("/enroll/ownership"));
    // Again, in the browser that is signed in: the state does not change.
    assert_eq!(guest.get(&back).await.led_to(), Some("/enroll/ownership"));
    // Again, with the cookie from before the sign-in.
    guest.cookies.insert("__Host-muster-enrollment".into(), before);
    assert_told_nothing(&guest.get(&back).await);
    assert_eq!(people(&server).await.len(), 1);
    // The same code in another browser's request: the provider does not accept it.
    let mut again = super::guest(&server);
    let state = parameter(&set_out(&mut again, SCHOOL).await, "state").unwrap();
    let code = parameter(&back, "code").unwrap();
    let iss = format!(
        "iss={}",
        url::form_urlencoded::byte_serialize(parameter(&back, "iss").unwrap().as_bytes()).collect::<String>()
    );
    assert_told_nothing(&again.get(&format!("{CALLBACK}?code={code}&state={state}&{iss}")).await);
    assert_eq!(faults(&server).await, [Fault::Unsolicited, Fault::ProviderRefused]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_somebody_else_s_request_is_refused_by_its_verifier() {
    let Some((server, _provider)) = school("single-sign-on-code").await else { return };
    // Mallory's unused code in the victim's round trip: the verifier does not match.
    let mut mallory = guest(&server);
    let onward = set_out(&mut mallory, SCHOOL).await;
    let back = AtProvider::new(&server).log_in(&onward, "mallory").await;
    let mut victim = guest(&server);
    let state = parameter(&set_out(&mut victim, SCHOOL).await, "state").unwrap();
    let injected = back.replace(&parameter(&onward, "state").unwrap(), &state);
    assert_told_nothing(&victim.get(&injected).await);
    assert_eq!(faults(&server).await, [Fault::ProviderRefused]);
    assert_eq!(people(&server).await, []);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_code_challenge_the_provider_does_not_even_begin() {
    let Some((server, _provider)) = school("single-sign-on-pkce").await else { return };
    let mut guest = guest(&server);
    let mut onward: url::Url = set_out(&mut guest, SCHOOL).await.parse().unwrap();
    let kept: Vec<_> = onward.query_pairs().filter(|(name, _)| !name.starts_with("code_challenge")).collect();
    let kept: Vec<_> = kept.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    onward.query_pairs_mut().clear().extend_pairs(kept);
    let back = AtProvider::new(&server).log_in(onward.as_str(), "alice").await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"), "{back}");
    assert_told_nothing(&guest.get(&back).await);
    assert_eq!(faults(&server).await, [Fault::ProviderRefused]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_must_say_that_it_is_from_the_provider_that_was_asked() {
    let Some((server, _provider)) = school("single-sign-on-mix-up").await else { return };
    for iss in ["", "&iss=https%3A%2F%2Fanother.example"] {
        let mut guest = guest(&server);
        let onward = set_out(&mut guest, SCHOOL).await;
        let back = AtProvider::new(&server).log_in(&onward, "alice").await;
        let (without, _) = back.split_once("&iss=").unwrap();
        assert_told_nothing(&guest.get(&format!("{without}{iss}")).await);
    }
    assert_eq!(faults(&server).await, [Fault::WrongIssuer; 2]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_15_minutes_for_its_answer_and_then_begins_anew_with_one_tap() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let world = World::at(clock.clone());
    let Some((server, _provider)) = school_with("single-sign-on-late", world, |_| {}).await else { return };
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    clock.advance_seconds(901);
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    assert_told_too_late(&guest.get(&back).await);
    assert_eq!(faults(&server).await, [Fault::Unsolicited]);
    // A new request has a new state.
    let again = guest.post(&format!("/enroll/sign-in/{SCHOOL}"), &[]).await.link("onward");
    assert_ne!(parameter(&again, "state"), parameter(&onward, "state"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_name_at_another_provider_is_another_person() {
    let test = "single-sign-on-two-providers";
    if provider::installed(test).is_none() {
        return;
    }
    let mut school = Provider::at(ports::free());
    let mut company = Provider::at(ports::free());
    let issuers = [(SCHOOL, school.issuer()), ("company", company.issuer())];
    let server = server_with(World::system(), &issuers, |_| {}).await;
    school.start(&server, &[SCHOOL]);
    company.start(&server, &["company"]);
    for name in [SCHOOL, "company"] {
        let mut guest = guest(&server);
        let onward = set_out(&mut guest, name).await;
        let back = AtProvider::new(&server).log_in(&onward, "alice").await;
        assert_eq!(guest.get(&back).await.led_to(), Some("/enroll/ownership"), "{name}");
    }
    let people = people(&server).await;
    assert_eq!(people.len(), 2);
    assert_ne!(people[0], people[1]);
    // An answer of one provider is not accepted as the other's.
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    let told = guest.get(&back.replace("/sso/school/", "/sso/company/")).await;
    assert_eq!(told.status, 401);
    assert_eq!(faults(&server).await, [Fault::Unsolicited]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_known_by_a_mail_address_or_a_user_name() {
    let Some((server, _provider)) = school("single-sign-on-mail").await else { return };
    assert_eq!(sign_in(&server, &mut guest(&server), "alice").await.led_to(), Some("/enroll/ownership"));
    assert_eq!(sign_in(&server, &mut guest(&server), "mallory").await.led_to(), Some("/enroll/ownership"));
    let people = people(&server).await;
    assert_ne!(people[0], people[1], "mallory has alice's address and user name, but is another person");
    // A mail address that the provider has not verified is not stored.
    sign_in(&server, &mut guest(&server), "bob").await;
    let bob = self::people(&server).await[2];
    let known = server.log_of(&bob.stream()).await;
    let known = known.into_iter().find_map(|entry| PersonEvent::try_from(entry.event).ok()).unwrap();
    let PersonEvent::PersonKnown { attributes, .. } = known else { panic!("{known:?}") };
    assert_eq!(attributes.mail, None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_makes_a_new_session_and_the_cookie_before_is_dead() {
    let Some((server, _provider)) = school("single-sign-on-fixation").await else { return };
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let before = guest.cookies["__Host-muster-enrollment"].clone();
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    guest.get(&back).await;
    assert_ne!(guest.cookies["__Host-muster-enrollment"], before);
    let mut thief = super::guest(&server);
    thief.cookies.insert("__Host-muster-enrollment".into(), before);
    assert_eq!(thief.get("/enroll").await.led_to(), Some("/enroll/sign-in"));
    let method = enrollment_events(&server).await.into_iter().find_map(|event| match event {
        EnrollmentEvent::UserSignedIn { method, .. } => Some(method),
        _ => None,
    });
    assert_eq!(method, Some(SignInMethodName::OpenIdConnect));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_s_form_sends_nobody_to_a_provider() {
    let Some((server, _provider)) = school("single-sign-on-csrf").await else { return };
    let mut guest = guest(&server);
    guest.get("/enroll/sign-in").await;
    guest.csrf = "made up".into();
    assert_eq!(guest.post("/enroll/sign-in/school", &[]).await.status, 403);
    assert_eq!(guest.get("/enroll/sign-in/school").await.status, 405);
    assert_eq!(enrollment_events(&server).await, []);
    server.stop().await;
}
