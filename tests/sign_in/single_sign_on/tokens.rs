//! Answers of a hostile provider: each is refused, and the log has the reason.

use super::hostile::{Hostile, KEYS, Token, With, ec_key, now, rsa_key};
use super::{
    SCHOOL, assert_told_not_now, assert_told_nothing, enrollment_events, faults, guest, parameter, press, server_with,
    set_out,
};
use events::Timestamp;
use events::enrollment::{EnrollmentEvent, SingleSignOnFault as Fault};
use harness::TestServer;
use harness::guest::Answer;
use identity::config::OpenIdConnect;
use openssl::hash::MessageDigest;
use serde_json::{Value, json};
use std::sync::Arc;
use world::{ManualClock, World};

pub async fn stage(change: impl Fn(&mut OpenIdConnect)) -> (TestServer, Hostile) {
    stage_at(World::system(), change).await
}

pub async fn stage_at(world: World, change: impl Fn(&mut OpenIdConnect)) -> (TestServer, Hostile) {
    let hostile = Hostile::start().await;
    let server = server_with(world, &[(SCHOOL, hostile.issuer.clone())], change).await;
    (server, hostile)
}

/// Signs in a new visitor. The provider answers with the token that `token` creates for the nonce.
pub async fn come_back_with(server: &TestServer, hostile: &Hostile, token: impl FnOnce(&str) -> String) -> Answer {
    come_back_to(server, SCHOOL, hostile, token).await
}

/// Like [`come_back_with`], for the provider of this name.
pub async fn come_back_to(
    server: &TestServer,
    name: &str,
    hostile: &Hostile,
    token: impl FnOnce(&str) -> String,
) -> Answer {
    let mut guest = guest(server);
    let onward = set_out(&mut guest, name).await;
    let [nonce, state] = ["nonce", "state"].map(|name| parameter(&onward, name).unwrap());
    hostile.will_answer(token(&nonce));
    guest.get(&format!("/enroll/sso/{name}/callback?code=c&state={state}")).await
}

/// Like [`come_back_with`], with an honest token in which one claim is changed.
pub async fn with_claim(server: &TestServer, hostile: &Hostile, name: &str, value: Value) -> Answer {
    come_back_with(server, hostile, |nonce| {
        let mut token = hostile.token(nonce);
        if value.is_null() {
            token.claims.as_object_mut().unwrap().remove(name);
        } else {
            token.claims[name] = value;
        }
        token.honest()
    })
    .await
}

pub async fn strike(server: TestServer, hostile: Hostile) {
    hostile.stop().await;
    server.stop().await;
}

/// Tests each claim with its own visitor: each is refused, and the log has the reason.
async fn assert_refused(claims: &[(&str, Value, Fault)]) {
    let (server, hostile) = stage(|_| {}).await;
    for (name, value, _) in claims {
        assert_told_nothing(&with_claim(&server, &hostile, name, value.clone()).await);
    }
    let expected: Vec<Fault> = claims.iter().map(|(_, _, fault)| *fault).collect();
    assert_eq!(faults(&server).await, expected);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_token_lets_somebody_in_whichever_allowed_key_signed_it() {
    let (server, hostile) = stage(|_| {}).await;
    let answer = come_back_with(&server, &hostile, |nonce| hostile.token(nonce).honest()).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{}", answer.body);
    let answer = come_back_with(&server, &hostile, |nonce| {
        Token { header: json!({ "alg": "ES256", "kid": "two" }), ..hostile.token(nonce) }.signed(With::Ec)
    });
    assert_eq!(answer.await.led_to(), Some("/enroll/ownership"));
    assert_eq!(hostile.asked("/person"), 0, "all claims were in the token");
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_nonce_is_refused() {
    assert_refused(&[("nonce", json!("another"), Fault::WrongNonce), ("nonce", Value::Null, Fault::WrongNonce)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_audience_is_refused() {
    assert_refused(&[
        ("aud", json!("another"), Fault::WrongAudience),
        ("aud", json!(["another"]), Fault::WrongAudience),
        // The token is also for another client, which could have received it and passed it on.
        ("aud", json!(["muster", "another"]), Fault::WrongAudience),
        ("azp", json!("another"), Fault::WrongAudience),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_issuer_is_refused() {
    assert_refused(&[("iss", json!("https://another.example"), Fault::WrongIssuer)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_outside_its_time_is_refused() {
    assert_refused(&[
        ("exp", json!(now() - 120), Fault::OutsideValidity),
        ("iat", json!(now() + 600), Fault::OutsideValidity),
        ("iat", json!(now() - 3_600), Fault::OutsideValidity),
        ("nbf", json!(now() + 600), Fault::OutsideValidity),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_may_differ_by_less_than_a_minute() {
    let (server, hostile) = stage(|_| {}).await;
    for (name, value) in [("exp", now() - 30), ("iat", now() + 30), ("nbf", now() + 30)] {
        let answer = with_claim(&server, &hostile, name, json!(value)).await;
        assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{name}");
    }
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_a_subject_is_refused() {
    assert_refused(&[("sub", json!(""), Fault::SubjectMissing), ("sub", Value::Null, Fault::NotUnderstood)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_algorithm_but_the_configured_ones_is_taken_whatever_the_provider_says() {
    let (server, hostile) = stage(|_| {}).await;
    let with_algorithm = |nonce: &str, algorithm: &str, with: With<'_>| {
        Token { header: json!({ "alg": algorithm, "kid": "one" }), ..hostile.token(nonce) }.signed(with)
    };
    // The public key, which everyone knows, is used as an HMAC secret.
    let public = KEYS.rsa.public_key_to_pem().unwrap();
    let secret = super::provider::SECRET.as_bytes();
    let sha512 = MessageDigest::sha512();
    let answers = [
        come_back_with(&server, &hostile, |nonce| with_algorithm(nonce, "HS256", With::Secret(&public))).await,
        come_back_with(&server, &hostile, |nonce| with_algorithm(nonce, "HS256", With::Secret(secret))).await,
        come_back_with(&server, &hostile, |nonce| with_algorithm(nonce, "RS512", With::Rsa(&KEYS.rsa, sha512))).await,
        come_back_with(&server, &hostile, |nonce| with_algorithm(nonce, "none", With::Nothing)).await,
    ];
    answers.iter().for_each(assert_told_nothing);
    let refused = Fault::AlgorithmRefused;
    assert_eq!(faults(&server).await, [refused, refused, refused, Fault::Unsigned]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_signed_by_the_provider_is_refused() {
    let (server, hostile) = stage(|_| {}).await;
    let sha256 = MessageDigest::sha256();
    let foreign = |nonce: &str| hostile.token(nonce).signed(With::Rsa(&KEYS.foreign, sha256));
    assert_told_nothing(&come_back_with(&server, &hostile, foreign).await);
    // The token is changed after signing.
    let changed = |nonce: &str| {
        let (honest, mut other) = (hostile.token(nonce).honest(), hostile.token(nonce));
        other.claims["sub"] = json!("somebody else");
        let (text, signature) = (other.honest(), honest.rsplit('.').next().unwrap().to_owned());
        format!("{}.{signature}", text.rsplit_once('.').unwrap().0)
    };
    assert_told_nothing(&come_back_with(&server, &hostile, changed).await);
    // The signature is removed.
    let stripped = |nonce: &str| format!("{}.", hostile.token(nonce).honest().rsplit_once('.').unwrap().0);
    assert_told_nothing(&come_back_with(&server, &hostile, stripped).await);
    let header = |nonce: &str| {
        Token { header: json!({ "alg": "RS256", "kid": "one", "crit": ["exp"], "exp": 1 }), ..hostile.token(nonce) }
            .honest()
    };
    assert_told_nothing(&come_back_with(&server, &hostile, header).await);
    let invalid = Fault::SignatureInvalid;
    assert_eq!(faults(&server).await, [invalid, invalid, invalid, Fault::NotUnderstood]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_does_not_belong_to_the_id_token_is_refused() {
    assert_refused(&[("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"), Fault::SignatureInvalid)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_token_is_refused_and_none_at_all_too() {
    let (server, hostile) = stage(|_| {}).await;
    assert_told_nothing(&come_back_with(&server, &hostile, |_| "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d".into()).await);
    let mut guest = guest(&server);
    let state = parameter(&set_out(&mut guest, SCHOOL).await, "state").unwrap();
    hostile.change(|script| script.tokens = json!({ "access_token": "at", "token_type": "Bearer" }));
    assert_told_nothing(&guest.get(&format!("/enroll/sso/school/callback?code=c&state={state}")).await);
    assert_eq!(faults(&server).await, [Fault::EncryptionRefused, Fault::Incomplete]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_of_another_person_do_not_complete_a_token() {
    let (server, hostile) = stage(|_| {}).await;
    hostile.change(|script| script.person = json!({ "sub": "the director", "department": "Direction" }));
    assert_told_nothing(&with_claim(&server, &hostile, "department", Value::Null).await);
    assert_eq!(faults(&server).await, [Fault::SubjectMissing]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_proved_themselves_too_long_ago_or_too_weakly_is_refused() {
    let strict = |config: &mut OpenIdConnect| {
        config.max_age_seconds = Some(300);
        config.acr = Some("urn:example:two-factors".into());
    };
    let (server, hostile) = stage(strict).await;
    let onward = set_out(&mut guest(&server), SCHOOL).await;
    assert_eq!(parameter(&onward, "max_age").as_deref(), Some("300"));
    assert_eq!(parameter(&onward, "acr_values").as_deref(), Some("urn:example:two-factors"));
    let mut led_to = Vec::new();
    let strong = json!("urn:example:two-factors");
    for (acr, auth_time) in [
        (strong.clone(), json!(now() - 200)),
        (strong.clone(), json!(now() - 1_000)),
        (strong, Value::Null),
        (json!("urn:example:password"), json!(now())),
        (Value::Null, json!(now())),
    ] {
        let answer = come_back_with(&server, &hostile, |nonce| {
            let mut token = hostile.token(nonce);
            for (name, value) in [("acr", acr), ("auth_time", auth_time)] {
                if !value.is_null() {
                    token.claims[name] = value;
                }
            }
            token.honest()
        });
        led_to.push(answer.await.led_to().map(str::to_owned));
    }
    assert_eq!(led_to, [Some("/enroll/ownership".to_owned()), None, None, None, None]);
    assert_eq!(faults(&server).await, [Fault::StaleAuthentication; 4]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_change_of_keys_within_a_minute_is_found_and_unknown_keys_make_us_ask_no_more_often_than_that() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let (server, hostile) = stage_at(World::at(clock.clone()), |_| {}).await;
    let unknown = |nonce: &str| {
        let header = json!({ "alg": "RS256", "kid": "three" });
        Token { header, ..hostile.token(nonce) }.signed(With::Rsa(&KEYS.foreign, MessageDigest::sha256()))
    };
    assert_told_nothing(&come_back_with(&server, &hostile, unknown).await);
    assert_eq!(hostile.asked("/jwks"), 2, "the initial request, and one for the unknown key");
    // The provider has changed its keys again, less than a minute after the last request.
    hostile.change(|script| script.keys = json!({ "keys": [rsa_key("three", &KEYS.foreign), ec_key("two")] }));
    assert_eq!(come_back_with(&server, &hostile, unknown).await.led_to(), Some("/enroll/ownership"));
    assert_eq!(hostile.asked("/jwks"), 3);
    // Unknown keys cause at most four requests per minute.
    for nth in 0..4 {
        let other = |nonce: &str| {
            let header = json!({ "alg": "RS256", "kid": format!("no-key-{nth}") });
            Token { header, ..hostile.token(nonce) }.honest()
        };
        assert_told_nothing(&come_back_with(&server, &hostile, other).await);
    }
    assert_eq!(hostile.asked("/jwks"), 5);
    clock.advance_seconds(61);
    let other =
        |nonce: &str| Token { header: json!({ "alg": "RS256", "kid": "no-key" }), ..hostile.token(nonce) }.honest();
    assert_told_nothing(&come_back_with(&server, &hostile, other).await);
    assert_eq!(hostile.asked("/jwks"), 6);
    // The removed key is no longer accepted.
    assert_told_nothing(&come_back_with(&server, &hostile, |nonce| hostile.token(nonce).honest()).await);
    assert_eq!(faults(&server).await, [Fault::SignatureInvalid; 7]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_of_a_provider_is_followed() {
    for path in ["/.well-known/openid-configuration", "/jwks", "/token"] {
        let (server, hostile) = stage(|_| {}).await;
        hostile.change(|script| script.moved = Some(path));
        if path == "/token" {
            assert_told_not_now(&come_back_with(&server, &hostile, |nonce| hostile.token(nonce).honest()).await);
        } else {
            assert_told_not_now(&press(&mut guest(&server), SCHOOL).await);
        }
        assert_eq!(hostile.asked(path), 1, "{path}");
        assert_eq!(hostile.asked(&format!("{path}-elsewhere")), 0, "{path}");
        assert_eq!(faults(&server).await, [Fault::ProviderUnavailable]);
        strike(server, hostile).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_calls_itself_otherwise_is_not_believed_and_the_administrator_reads_what_to_write() {
    let (server, hostile) = stage(|config| config.issuer.push('/')).await;
    assert_told_not_now(&press(&mut guest(&server), SCHOOL).await);
    let (port, log) = (hostile.issuer.rsplit(':').next().unwrap().to_owned(), harness::logs::so_far());
    let line = log.lines().find(|line| line.contains("the slash at the end counts") && line.contains(&port));
    assert!(line.is_some_and(|line| line.contains("write issuer = ")), "{line:?}");
    strike(server, hostile).await;
    let (server, hostile) = stage(|_| {}).await;
    hostile.change(|script| script.metadata["issuer"] = json!("https://login.example.com/{tenantid}/v2.0"));
    assert_told_not_now(&press(&mut guest(&server), SCHOOL).await);
    let (port, log) = (hostile.issuer.rsplit(':').next().unwrap().to_owned(), harness::logs::so_far());
    let line = log.lines().find(|line| line.contains("configure the issuer of one tenant") && line.contains(&port));
    assert!(line.is_some(), "the log must name the provider at port {port}");
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_sent_over_the_network_by_https_only() {
    let (server, hostile) = stage(|_| {}).await;
    hostile.change(|script| script.metadata["token_endpoint"] = json!("http://192.0.2.1/token"));
    assert_told_not_now(&press(&mut guest(&server), SCHOOL).await);
    assert_eq!(faults(&server).await, [Fault::ProviderUnavailable]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_silent_is_not_asked_by_everybody_and_is_asked_again() {
    let clock = Arc::new(ManualClock::at(Timestamp(World::system().now().0)));
    let (server, hostile) = stage_at(World::at(clock.clone()), |_| {}).await;
    let metadata = "/.well-known/openid-configuration";
    hostile.change(|script| script.metadata = json!({}));
    for _ in 0..3 {
        assert_told_not_now(&press(&mut guest(&server), SCHOOL).await);
    }
    assert_eq!(hostile.asked(metadata), 1);
    clock.advance_seconds(6);
    assert_told_not_now(&press(&mut guest(&server), SCHOOL).await);
    assert_eq!(hostile.asked(metadata), 2);
    assert!(matches!(enrollment_events(&server).await[0], EnrollmentEvent::VisitOpened { .. }));
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_with_a_certificate_of_its_own_authority_is_trusted_by_that_alone() {
    let (_directory, config) = harness::installation().await;
    let pki = |name: &str| config.with_file_name("pki").join(name);
    let hostile = Hostile::start_with(Some((&pki("tls.pem"), &pki("tls.key")))).await;
    assert!(hostile.issuer.starts_with("https://localhost:"), "{}", hostile.issuer);
    let issuers = [(SCHOOL, hostile.issuer.clone())];
    let trusting = server_with(World::system(), &issuers, |config| config.root = Some(pki("tls-root.pem"))).await;
    let answer = come_back_with(&trusting, &hostile, |nonce| hostile.token(nonce).honest()).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"));
    trusting.stop().await;
    let asked = hostile.asked("/jwks");
    let other = server_with(World::system(), &issuers, |_| {}).await;
    assert_told_not_now(&press(&mut guest(&other), SCHOOL).await);
    assert_eq!(faults(&other).await, [Fault::ProviderUnavailable]);
    assert_eq!(hostile.asked("/jwks"), asked);
    strike(other, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_any_size_is_not_read() {
    let (server, hostile) = stage(|_| {}).await;
    hostile.change(|script| script.metadata["padding"] = json!("x".repeat(600 * 1024)));
    assert_told_not_now(&press(&mut guest(&server), SCHOOL).await);
    assert_eq!(faults(&server).await, [Fault::ProviderUnavailable]);
    strike(server, hostile).await;
}
