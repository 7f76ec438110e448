//! Points 7 and 10: the confirmation by staff before a change, and the strength of their sign-in.

use super::{clock, server_at};
use crate::saml;
use crate::single_sign_on;
use crate::single_sign_on::hostile::Hostile;
use events::staff::Privilege;
use harness::desk::Browser;
use harness::desk::form;
use harness::desk::{act, staff_id};
use harness::factors::{CODES, NEW, code, post, set_up_codes, show_code};
use harness::guest::PASSWORD;
use harness::{TestServer, logs};
use serde_json::json;
use staff::administration;
use std::collections::BTreeSet;
use world::World;

/// ASVS 7.5.1, 7.5.3.
#[tokio::test(flavor = "multi_thread")]
async fn point_07_factors_roles_and_settings_change_only_after_a_proof_of_the_last_five_minutes() {
    let clock = clock();
    let server = server_at(&clock).await;
    let root = Browser::new(&server);
    assert_eq!(root.sign_in("grace", PASSWORD).await.status, 303);
    let ada = staff_id(&server, "ada").await;
    let page = root.get("/console/settings/change").await;
    let (text, over) = form(&page);
    let text = text.replace("Example School", "Another School");
    let settings = [("text", text.as_str()), ("over", over.as_str())];
    clock.advance_seconds(5 * 60 - 2);
    assert_eq!(root.get(NEW).await.status, 200, "the sign-in is recent enough");

    clock.advance_seconds(4);
    assert!(root.get(NEW).await.location().starts_with("/console/confirm"));
    for path in [format!("{CODES}/begin"), "/console/account/recovery-codes".into()] {
        let sent = post(&root, &page, &path, &[]).await;
        assert!(sent.location().starts_with("/console/confirm"), "{path}: {}", sent.status);
    }
    for what in ["roles", "disable", "remove-factors", "password"] {
        let sent = act(&root, ada, what, &[("auditor", "on")]).await;
        assert!(sent.location().starts_with("/console/confirm"), "{what}: {}", sent.status);
    }
    let asked = post(&root, &page, "/console/settings/apply", &settings).await;
    assert!(asked.attribute("[role=alert] a", "href").is_some_and(|to| to.starts_with("/console/confirm")));
    let ada_now = async || {
        let listed = administration::list_accounts(&server.app().platform.log).await.unwrap();
        listed.into_iter().find(|listed| listed.id == ada).unwrap().privileges
    };
    let organization = async || server.app().settings.current().await.unwrap().organization;
    assert_eq!(ada_now().await, BTreeSet::from([Privilege::Enroll]), "the privileges are unchanged");
    assert_eq!(organization().await, "Example School", "the settings are unchanged");

    let door = root.get("/console/confirm").await;
    assert_eq!(post(&root, &door, "/console/confirm/password", &[("password", "wrong words")]).await.status, 401);
    assert!(root.get(NEW).await.location().starts_with("/console/confirm"), "a wrong password confirms nothing");
    assert_eq!(post(&root, &door, "/console/confirm/password", &[("password", PASSWORD)]).await.status, 303);
    assert_eq!(act(&root, ada, "roles", &[("auditor", "on")]).await.status, 303);
    assert_eq!(post(&root, &page, "/console/settings/apply", &settings).await.location(), "/console/settings");
    assert_eq!(ada_now().await, BTreeSet::from([Privilege::Auditor]));
    assert_eq!(organization().await, "Another School");
    set_up_codes(&server, &root).await;
    server.stop().await;
}

async fn require(server: &TestServer) {
    let roles = [Privilege::Administrator, Privilege::Auditor];
    server.settings(|settings| settings.second_factors.required_for = roles.into()).await;
}

/// Checks that a person who needs a second factor and has none can open only the page where one is set up.
async fn assert_kept_out(browser: &Browser, how: &str) {
    for path in ["/console/devices", "/console/audit", "/console/staff", "/console/settings", "/console/account"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.location()), (303, NEW), "{how}: {path}");
    }
}

/// ASVS 6.1.3, 6.3.3, 6.3.4, 6.5.1, 6.5.3.
#[tokio::test(flavor = "multi_thread")]
async fn point_10_every_way_in_is_listed_and_asks_staff_for_the_same_second_factor() {
    let document = include_str!("../../../docs/signing-in.md");
    for way in ["| Local account |", "| Directory (LDAP) |", "| OpenID Connect |", "| SAML 2.0 |"] {
        assert!(document.contains(way), "{way}");
    }
    by_openid_connect().await;
    by_saml().await;

    let clock = clock();
    let server = server_at(&clock).await;
    server.add_user("eve", PASSWORD, &[Privilege::Auditor]).await;
    require(&server).await;
    let mut seeds = BTreeSet::new();
    for name in ["grace", "eve"] {
        let browser = Browser::new(&server);
        browser.sign_in(name, PASSWORD).await;
        assert_kept_out(&browser, name).await;
        let (seed, _) = set_up_codes(&server, &browser).await;
        assert_eq!(browser.get("/console/devices").await.status, 200, "{name}");
        clock.advance_seconds(60);
        let shown = code(&server, &seed, 0);
        for (expected, why) in [(303, "a code"), (401, "the same code once more")] {
            let door = Browser::new(&server);
            door.sign_in(name, PASSWORD).await;
            assert_eq!(show_code(&door, &shown).await.status, expected, "{name}: {why}");
        }
        seeds.insert(seed);
    }
    assert_eq!(seeds.len(), 2, "each person has their own seed");
    server.caught_up().await;
    let lines = logs::so_far();
    for seed in &seeds {
        assert_eq!(seed.len(), 32, "160 bits in base32");
        assert!(!lines.contains(seed.as_str()), "a seed was logged");
        for file in std::fs::read_dir(&server.app().config.store.directory).unwrap() {
            let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
            assert!(
                !bytes.windows(seed.len()).any(|window| window == seed.as_bytes()),
                "a seed is stored in plain text"
            );
        }
    }
    server.stop().await;
}

async fn by_openid_connect() {
    let hostile = Hostile::start().await;
    let issuers = [(single_sign_on::SCHOOL, hostile.issuer.clone())];
    let server = single_sign_on::server_with(World::system(), &issuers, |_| {}).await;
    single_sign_on::console::open_to_staff(&server).await;
    require(&server).await;
    let browser = Browser::new(&server);
    let onward = single_sign_on::console::set_out(&browser, "").await;
    let [nonce, state] = ["nonce", "state"].map(|name| single_sign_on::parameter(&onward, name).unwrap());
    let mut token = hostile.token(&nonce);
    token.claims["groups"] = json!(["staff"]);
    hostile.will_answer(token.honest());
    let answer = browser.get(&format!("/console/sso/school/callback?code=c&state={state}")).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_kept_out(&browser, "OpenID Connect").await;
    hostile.stop().await;
    server.stop().await;
}

async fn by_saml() {
    let forged = saml::Forged::start(World::system(), |_| {}).await;
    saml::console::open_to(&forged.server, "staff").await;
    require(&forged.server).await;
    let browser = Browser::new(&forged.server);
    let request = saml::request_id(&saml::console::set_out(&browser, "").await);
    let answer = forged.idp.with_both_signed(&saml::console::for_console(&forged, &request));
    let answer = saml::console::come_back(&browser, &saml::forge::field(&answer)).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_kept_out(&browser, "SAML").await;
    forged.server.stop().await;
}
