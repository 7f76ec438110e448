//! Points 8, 9, 11 and 12: guessing, contents of refusals, passwords, initial accounts.

use super::{PASSWORD, clock, guest, is_in, server, server_at};
use events::staff::Privilege;
use harness::desk::Browser;
use harness::{TestServer, installation};
use identity::throttle::{BY_NAME_AND_SOURCE, BY_SOURCE};
use muster::config::Config;
use reqwest::header::{HeaderMap, HeaderValue};
use staff::administration::{Answer, NewUser, Request, execute};
use std::collections::BTreeSet;
use world::World;

/// ASVS 6.1.1, 6.3.1: the limits are documented in docs/signing-in.md.
#[tokio::test(flavor = "multi_thread")]
async fn point_08_guessing_is_slowed_down_and_locks_nobody_out() {
    let clock = clock();
    let server = TestServer::start_with(World::at(clock.clone()), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    for _ in 0..BY_NAME_AND_SOURCE.burst {
        assert_eq!(from(&server, "203.0.113.66", "wrong password").await, (401, String::new()));
    }
    // Now even the right password is not checked, but only from the address that guessed.
    assert_eq!(from(&server, "203.0.113.66", PASSWORD).await, (429, "60".to_owned()));
    assert_eq!(from(&server, "198.51.100.7", PASSWORD).await.0, 303);
    clock.advance_seconds(BY_NAME_AND_SOURCE.refill_seconds + 1);
    assert_eq!(from(&server, "203.0.113.66", PASSWORD).await.0, 303, "the account is not locked permanently");

    let document = include_str!("../../../docs/signing-in.md");
    let (name, source) = (BY_NAME_AND_SOURCE, BY_SOURCE);
    for sentence in [
        format!(
            "{} failures of one name from one address, then one more every {} seconds",
            name.burst, name.refill_seconds
        ),
        format!("{} failures from one address, then one more every {} seconds", source.burst, source.refill_seconds),
    ] {
        assert!(document.contains(&sentence), "{sentence}");
    }
    server.stop().await;
}

async fn from(server: &TestServer, address: &str, password: &str) -> (u16, String) {
    let mut guest = guest(server);
    guest.get("/enroll/sign-in").await;
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_str(address).unwrap());
    headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    let answer = guest.post_with("/enroll/sign-in", &[("user_name", "ada"), ("password", password)], headers).await;
    (answer.status, answer.header("retry-after"))
}

/// ASVS 6.3.8. The equal duration is tested with each sign-in method.
#[tokio::test(flavor = "multi_thread")]
async fn point_09_unknown_name_wrong_password_and_missing_right_get_the_same_answer() {
    let server = server().await;
    server.add_user("eve", PASSWORD, &[Privilege::Auditor]).await;
    let mut portal = Vec::new();
    let mut console = Vec::new();
    for (name, password) in [("nobody", PASSWORD), ("ada", "wrong password"), ("eve", PASSWORD)] {
        let mut guest = guest(&server);
        let answer = guest.sign_in(name, password).await;
        let (before, after) = answer.body.split_once("Help code ").unwrap();
        let body = format!("{before}{}", &after[7..]).replace(&guest.csrf, "");
        portal.push((answer.status, names(&answer.headers), body));
    }
    for (name, password) in [("nobody", PASSWORD), ("grace", "wrong password"), ("ada", PASSWORD)] {
        let answer = Browser::new(&server).sign_in(name, password).await;
        console.push((answer.status, names(&answer.headers), answer.body.replace(&answer.csrf(), "")));
    }
    for answers in [portal, console] {
        assert_eq!(answers[0].0, 401);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    server.stop().await;
}

fn names(headers: &HeaderMap) -> BTreeSet<String> {
    headers.keys().map(ToString::to_string).collect()
}

/// ASVS 6.2.1 to 6.2.12.
#[tokio::test(flavor = "multi_thread")]
async fn point_11_passwords_may_be_long_and_of_anything_and_must_not_be_guessed_first() {
    let server = server().await;
    for weak in ["seven77", "password1", "Qwerty123!", "aaaaaaaaaaaa", "Michelle1987", "bob.bob.1"] {
        let Answer::Refused { why } = execute(&server.app().staff, add("bob", weak)).await else {
            panic!("{weak} is accepted")
        };
        assert!(why.contains("password"), "{why}");
    }
    let long = "ünïcode 漢字 🙂 and spaces, 'quotes' \"and\" <angles> ".repeat(3);
    assert!(long.chars().count() > 64);
    server.execute(add("bob", &long)).await;
    let mut bob = guest(&server);
    let cut = long.chars().take(64).collect::<String>();
    assert_eq!(bob.sign_in("bob", &cut).await.status, 401, "the password is not truncated");
    assert_eq!(bob.sign_in("bob", &long).await.status, 303);
    // The page does not prevent password managers or pasting.
    let page = guest(&server).get("/enroll/sign-in").await.body;
    assert!(page.contains(r#"autocomplete="current-password""#) && !page.contains("onpaste"), "{page}");
    server.stop().await;
}

fn add(user_name: &str, password: &str) -> Request {
    Request::AddUser(NewUser {
        user_name: user_name.into(),
        password: password.into(),
        privileges: [Privilege::Enroll].into(),
        display_name: None,
        mail: None,
        managed_apple_id: None,
    })
}

/// ASVS 6.3.2, 6.4.1. The expiry of the first administrator's link has its own test.
#[tokio::test(flavor = "multi_thread")]
async fn point_12_a_new_installation_has_no_account_that_opens_anything() {
    let (directory, config) = installation().await;
    let server = TestServer::start_in(directory, &config).await;
    assert_eq!(Config::load(&server.config_file()).unwrap().store.directory, server.app().config.store.directory);
    for (name, password) in [("admin", "admin"), ("administrator", "password"), ("muster", "muster"), ("root", "root")]
    {
        assert_eq!(Browser::new(&server).sign_in(name, password).await.status, 401, "{name}");
        let mut portal = guest(&server);
        portal.sign_in(name, password).await;
        assert!(!is_in(&mut portal).await, "{name}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_moves_does_not_end_what_is_not_over() {
    let clock = clock();
    let server = server_at(&clock).await;
    let mut portal = guest(&server);
    portal.sign_in("ada", PASSWORD).await;
    clock.advance_seconds(-120);
    assert!(is_in(&mut portal).await, "setting the clock back by two minutes ends no session");
    server.stop().await;
}
