//! Providers with deviations: additions to the standard do not prevent sign-in, and what prevents it is named in the
//! log.

use super::hostile::Hostile;
use super::tokens::{come_back_with, stage, stage_at, strike, with_claim};
use super::{SCHOOL, assert_told_nothing, faults, guest, parameter, set_out};
use events::enrollment::SingleSignOnFault as Fault;
use harness::TestServer;
use serde_json::{Value, json};
use std::sync::Arc;
use world::{ManualClock, World};

const PROJECT: &str = "300000000000000001";

/// Signs in with a token for this client and the provider's project, with `party` as its authorized party. Returns
/// whether it succeeds.
async fn with_party(server: &TestServer, hostile: &Hostile, party: Option<&str>) -> bool {
    let answer = come_back_with(server, hostile, |nonce| {
        let mut token = hostile.token(nonce);
        token.claims["aud"] = json!(["muster", PROJECT]);
        if let Some(party) = party {
            token.claims["azp"] = json!(party);
        }
        token.honest()
    });
    answer.await.led_to() == Some("/enroll/ownership")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_several_readers_is_believed_if_it_was_made_for_us() {
    let (server, hostile) = stage(|_| {}).await;
    assert!(with_party(&server, &hostile, Some("muster")).await);
    assert!(!with_party(&server, &hostile, None).await);
    assert!(!with_party(&server, &hostile, Some("another")).await);
    assert_eq!(faults(&server).await, [Fault::WrongAudience; 2]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_the_configuration_trusts_need_no_authorized_party() {
    let (server, hostile) = stage(|config| config.audiences = vec![PROJECT.into()]).await;
    assert!(with_party(&server, &hostile, None).await);
    assert!(with_party(&server, &hostile, Some("muster")).await);
    assert!(!with_party(&server, &hostile, Some("another")).await);
    let answer = with_claim(&server, &hostile, "aud", json!(["muster", PROJECT, "another"])).await;
    assert_told_nothing(&answer);
    assert_told_nothing(&with_claim(&server, &hostile, "aud", json!([PROJECT])).await);
    assert_eq!(faults(&server).await, [Fault::WrongAudience; 3]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_nobody_uses_break_no_sign_in() {
    let (server, hostile) = stage(|_| {}).await;
    hostile.change(|script| {
        for name in ["op_policy_uri", "op_tos_uri", "end_session_endpoint"] {
            script.metadata[name] = json!("");
        }
        script.metadata["claims_parameter_supported"] = json!("true");
        script.metadata["id_token_signing_alg_values_supported"] = Value::Null;
        script.keys_type = Some("application/octet-stream");
    });
    for (name, value) in [
        ("amr", json!("pwd")),
        ("address", json!("1 Main Street")),
        ("updated_at", json!("2026-01-02 03:04:05")),
        ("auth_time", json!("1735938131")),
    ] {
        let answer = with_claim(&server, &hostile, name, value).await;
        assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{name}: {}", answer.body);
    }
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let [nonce, state] = ["nonce", "state"].map(|name| parameter(&onward, name).unwrap());
    hostile.will_answer(hostile.token(&nonce).honest());
    hostile.change(|script| script.tokens["expires_in"] = json!("3599"));
    let answer = guest.get(&format!("/enroll/sso/school/callback?code=c&state={state}")).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{}", answer.body);
    strike(server, hostile).await;
}

/// Asserts that a log line about a provider's answer contains `parts` and the help code.
#[track_caller]
fn assert_logged(parts: &[&str]) {
    let log = harness::logs::so_far();
    let found = log.lines().any(|line| line.contains("help.code") && parts.iter().all(|part| line.contains(part)));
    assert!(found, "no line names {parts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_sign_in_is_named_in_the_log() {
    let (server, hostile) = stage(|_| {}).await;
    assert_told_nothing(&with_claim(&server, &hostile, "exp", json!("soon")).await);
    assert_logged(&["the ID token's exp is not a number of seconds since 1970"]);
    assert_told_nothing(&with_claim(&server, &hostile, "iat", json!(super::hostile::now() + 4_000)).await);
    assert_logged(&["the provider's clock (iat) is ", "seconds ahead of this server's"]);
    let mut guest = guest(&server);
    let state = parameter(&set_out(&mut guest, SCHOOL).await, "state").unwrap();
    let said = "error=access_denied&error_description=Not%20assigned%0A%1B%5B31m%20to%20this%20application-7f3a";
    assert_told_nothing(&guest.get(&format!("/enroll/sso/school/callback?{said}&state={state}")).await);
    assert_logged(&["access_denied", "Not assigned[31m to this application-7f3a"]);
    let state = parameter(&set_out(&mut guest, SCHOOL).await, "state").unwrap();
    hostile.change(|script| {
        script.token_status = 400;
        script.tokens = json!({ "error": "invalid_grant", "error_description": "The code is of yesterday-7f3a" });
    });
    assert_told_nothing(&guest.get(&format!("/enroll/sso/school/callback?code=c&state={state}")).await);
    assert_logged(&["invalid_grant", "The code is of yesterday-7f3a"]);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_the_settings_name_and_the_configuration_lacks_is_no_wrong_password() {
    let (mut server, hostile) = stage(|_| {}).await;
    server.settings(|settings| settings.sign_in.enrollment.local_accounts = false).await;
    server.restart_with(|config| config.identity.openid_connect.clear()).await;
    let page = guest(&server).get("/enroll/sign-in").await;
    assert!(page.body.contains("You cannot sign in right now."), "{}", page.body);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_openid_connect_provider_without_its_secret_stops_nothing_but_itself() {
    let (mut server, hostile) = stage(|_| {}).await;
    let secret = server.app().config.identity.openid_connect[0].client_secret.clone();
    server.restart_after(|| std::fs::remove_file(&secret).unwrap()).await;
    super::assert_told_not_now(&super::press(&mut guest(&server), SCHOOL).await);
    assert_eq!(faults(&server).await, [Fault::ProviderUnavailable]);
    std::fs::write(&secret, "s3cret\n").unwrap();
    let answer = come_back_with(&server, &hostile, |nonce| hostile.token(nonce).honest()).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{}", answer.body);
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_the_settings_name_and_the_configuration_lacks_is_no_wrong_password() {
    let mut server = TestServer::start_with(World::system(), |config| {
        let password = config.store.directory.join("searcher");
        std::fs::write(&password, "s3cret\n").unwrap();
        let directory = format!(
            "name = \"main\"\nservers = [\"ldaps://127.0.0.1:1\"]\nbind_dn = \"cn=searcher\"\nbind_password = {password:?}\n\
             base = \"dc=example\"\nuser_filter = \"(uid={{name}})\"\n"
        );
        config.identity.directory.push(toml::from_str(&directory).unwrap());
    })
    .await;
    server.add_user("ada", harness::guest::PASSWORD, &[events::staff::Privilege::Enroll]).await;
    server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;
    server.restart_with(|config| config.identity.directory.clear()).await;
    // For both a local account and an unknown name: the page reveals nothing about names.
    for name in ["ada", "grace"] {
        super::assert_told_not_now(&guest(&server).sign_in(name, "a wrong one").await);
    }
    let answer = guest(&server).sign_in("ada", harness::guest::PASSWORD).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{}", answer.body);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_may_take_nearly_15_minutes_at_the_provider() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let (server, hostile) = stage_at(World::at(clock.clone()), |_| {}).await;
    let mut guest = guest(&server);
    let onward = set_out(&mut guest, SCHOOL).await;
    let [nonce, state] = ["nonce", "state"].map(|name| parameter(&onward, name).unwrap());
    clock.advance_seconds(880);
    let mut token = hostile.token(&nonce);
    for (name, seconds) in [("iat", 880), ("exp", 1_180)] {
        token.claims[name] = json!(super::hostile::now() + seconds);
    }
    hostile.will_answer(token.honest());
    let answer = guest.get(&format!("/enroll/sso/school/callback?code=c&state={state}")).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{}", answer.body);
    strike(server, hostile).await;
}
