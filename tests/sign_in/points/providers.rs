//! Points 13 to 15: people of identity providers, and requirements on the providers' answers.

use super::{PASSWORD, guest, is_in};
use crate::saml::{self, Forged, forge};
use crate::single_sign_on::hostile::{Hostile, KEYS, Token, With, now};
use crate::single_sign_on::round_trip::people;
use crate::single_sign_on::tokens::{come_back_to, come_back_with, stage, strike, with_claim};
use crate::single_sign_on::{
    SCHOOL, assert_told_not_now, assert_told_nothing, faults, parameter, press, provider, secret_beside, server_with,
    set_out,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::enrollment::SingleSignOnFault as Fault;
use events::staff::Privilege;
use harness::TestServer;
use harness::directory::{self, slapd};
use harness::test_name;
use identity::config::OpenIdConnect;
use openssl::hash::MessageDigest;
use serde_json::json;
use std::collections::BTreeSet;
use world::World;

const IN: Option<&str> = Some("/enroll/ownership");

/// ASVS 6.8.1.
#[tokio::test(flavor = "multi_thread")]
async fn point_13_the_same_user_name_at_another_provider_is_another_person() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let (slapd, school, other) = (slapd::Slapd::start(), Hostile::start().await, Hostile::start().await);
    let server = TestServer::start_with(World::system(), |config| {
        config.identity.directory = vec![directory::config(&slapd)];
        let secret = secret_beside(config);
        for (name, hostile) in [(SCHOOL, &school), ("other", &other)] {
            let one = provider::configuration(name, &hostile.issuer, secret.clone());
            config.identity.openid_connect.push(one);
        }
    })
    .await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    assert_eq!(guest(&server).sign_in("ada", PASSWORD).await.led_to(), IN);
    let ways = |settings: &mut events::settings::Settings| {
        let ways = &mut settings.sign_in.enrollment;
        // While local accounts are enabled, a local account's name is not sent to a directory.
        ways.local_accounts = false;
        ways.directories = vec!["main".into()];
        ways.single_sign_on = vec![SCHOOL.into(), "other".into()];
    };
    server.settings(ways).await;
    assert_eq!(guest(&server).sign_in("ada", slapd::PASSWORD).await.led_to(), IN);
    for (name, hostile) in [(SCHOOL, &school), ("other", &other), (SCHOOL, &school)] {
        let ada = |nonce: &str| {
            let mut token = hostile.token(nonce);
            token.claims["preferred_username"] = json!("ada");
            token.honest()
        };
        assert_eq!(come_back_to(&server, name, hostile, ada).await.led_to(), IN, "{name}");
    }
    let people = people(&server).await;
    assert_eq!((people.len(), people[2]), (5, people[4]), "the same person at the same provider");
    assert_eq!(people.into_iter().collect::<BTreeSet<_>>().len(), 4, "a different person at each provider");
    let log = server.whole_log().await;
    let accounts = log.iter().filter(|entry| entry.stream.category() == "account").map(|entry| entry.stream.id());
    assert_eq!(accounts.collect::<BTreeSet<_>>().len(), 4);
    school.stop().await;
    strike(server, other).await;
}

/// ASVS 6.8.2, 6.8.3, 6.8.4.
#[tokio::test(flavor = "multi_thread")]
async fn point_14_answers_are_signed_serve_once_and_tell_how_and_when_somebody_proved_themselves() {
    let strict = |config: &mut OpenIdConnect| {
        config.max_age_seconds = Some(300);
        config.acr = Some("two-factors".into());
    };
    let (server, hostile) = stage(strict).await;
    let token = |nonce: &str, acr: &str, age: i64| {
        let mut token = hostile.token(nonce);
        (token.claims["acr"], token.claims["auth_time"]) = (json!(acr), json!(now() - age));
        token
    };
    let good = |nonce: &str| token(nonce, "two-factors", 10);
    assert_eq!(come_back_with(&server, &hostile, |nonce| good(nonce).honest()).await.led_to(), IN);
    let foreign = With::Rsa(&KEYS.foreign, MessageDigest::sha256());
    let unsigned = |nonce: &str| Token { header: json!({ "alg": "none" }), ..good(nonce) }.signed(With::Nothing);
    for refused in [
        come_back_with(&server, &hostile, |nonce| good(nonce).signed(foreign)).await,
        come_back_with(&server, &hostile, unsigned).await,
        come_back_with(&server, &hostile, |nonce| token(nonce, "password", 10).honest()).await,
        come_back_with(&server, &hostile, |nonce| token(nonce, "two-factors", 1_000).honest()).await,
    ] {
        assert_told_nothing(&refused);
    }
    let stale = Fault::StaleAuthentication;
    assert_eq!(faults(&server).await, [Fault::SignatureInvalid, Fault::Unsigned, stale, stale]);
    strike(server, hostile).await;

    let forged = Forged::start(World::system(), |_| {}).await;
    let (mut somebody, request) = forged.begin().await;
    let once = forged.answer(&request);
    assert_eq!(saml::come_back(&forged.server, &mut somebody, &once).await.led_to(), IN);
    let (mut thief, _) = forged.begin().await;
    assert_told_nothing(&saml::come_back(&forged.server, &mut thief, &once).await);
    let foreign = forge::Idp::new();
    let unsigned = |facts: &forge::Facts| facts.response(&facts.assertion());
    let signed_by_another = |facts: &forge::Facts| foreign.with_both_signed(facts);
    for lie in [&unsigned as &dyn Fn(&forge::Facts) -> String, &signed_by_another] {
        let (mut liar, request) = forged.begin().await;
        let document = lie(&forged.facts(&request));
        assert_told_nothing(&saml::come_back(&forged.server, &mut liar, &forge::field(&document)).await);
    }
    let recorded = [Fault::Replayed, Fault::Unsigned, Fault::SignatureInvalid];
    assert_eq!(saml::faults(&forged.server).await, recorded);
    forged.server.stop().await;
}

/// ASVS 10.2.1, 10.2.2, 10.5.1 to 10.5.4.
#[tokio::test(flavor = "multi_thread")]
async fn point_15_openid_connect_is_bound_to_browser_request_provider_audience_and_subject() {
    let hostile = Hostile::start().await;
    hostile.change(|script| script.metadata["authorization_response_iss_parameter_supported"] = json!(true));
    let server = server_with(World::system(), &[(SCHOOL, hostile.issuer.clone())], |_| {}).await;
    let mut somebody = guest(&server);
    let onward = set_out(&mut somebody, SCHOOL).await;
    let told = |name: &str| parameter(&onward, name).unwrap();
    hostile.will_answer(hostile.token(&told("nonce")).honest());
    let (state, at) = (told("state"), "/enroll/sso/school/callback?code=c");
    let good = format!("{at}&state={state}&iss={}", hostile.issuer);
    assert_told_nothing(&somebody.get(&good.replace(&state, "forged")).await);
    assert_told_nothing(&guest(&server).get(&good).await);
    assert_eq!(somebody.get(&good).await.led_to(), IN);
    assert!(is_in(&mut somebody).await);
    let verifier = hostile.was_sent("code_verifier").unwrap();
    let challenge = URL_SAFE_NO_PAD.encode(openssl::sha::sha256(verifier.as_bytes()));
    assert_eq!((told("code_challenge"), told("code_challenge_method")), (challenge, "S256".into()));
    // Two faulty answers: one with the issuer of another provider (mix-up), and one without an issuer.
    for iss in ["&iss=https%3A%2F%2Fanother.example", ""] {
        let mut mixed_up = guest(&server);
        let state = parameter(&set_out(&mut mixed_up, SCHOOL).await, "state").unwrap();
        assert_told_nothing(&mixed_up.get(&format!("{at}&state={state}{iss}")).await);
    }
    assert_eq!(hostile.asked("/token"), 1, "no further code was sent to the provider");
    let (unsolicited, wrong) = (Fault::Unsolicited, Fault::WrongIssuer);
    assert_eq!(faults(&server).await, [unsolicited, unsolicited, wrong, wrong]);
    strike(server, hostile).await;

    let (server, hostile) = stage(|_| {}).await;
    for (name, value) in [("nonce", "another"), ("iss", "https://another.example"), ("aud", "another")] {
        assert_told_nothing(&with_claim(&server, &hostile, name, json!(value)).await);
    }
    assert_eq!(faults(&server).await, [Fault::WrongNonce, Fault::WrongIssuer, Fault::WrongAudience]);
    for (subject, mail) in [("1", "one@example.test"), ("2", "one@example.test"), ("1", "two@example.test")] {
        let answer = come_back_with(&server, &hostile, |nonce| {
            let mut token = hostile.token(nonce);
            (token.claims["sub"], token.claims["email"]) = (json!(subject), json!(mail));
            token.honest()
        });
        assert_eq!(answer.await.led_to(), IN);
    }
    let people = people(&server).await;
    assert!(
        people[0] != people[1] && people[0] == people[2],
        "people are identified by the subject, not by the mail address: {people:?}"
    );
    strike(server, hostile).await;

    let (server, hostile) = stage(|config| config.issuer.push('/')).await;
    assert_told_not_now(&press(&mut guest(&server), SCHOOL).await);
    assert_eq!((hostile.asked("/token"), hostile.asked("/jwks")), (0, 0), "metadata of another issuer is not used");
    strike(server, hostile).await;
}
