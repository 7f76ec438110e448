//! Points 1 to 6: cookies and sessions.

use super::{PASSWORD, PORTAL_SESSION, clock, guest, is_at_the_console, is_in, server, server_at};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use events::staff::Privilege;
use harness::desk::Browser;
use harness::desk::{act, staff_id};
use reqwest::header::{COOKIE, HeaderMap, HeaderValue};
use sign_in::staff_sessions::{IDLE_SECONDS, LONGEST_SECONDS};
use staff::administration::Request;
use std::collections::BTreeSet;

const CONSOLE_SESSION: &str = "__Host-muster-console";

fn set_cookies(headers: &HeaderMap) -> Vec<String> {
    headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

fn carrying(cookie: &str, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&format!("{cookie}={value}")).unwrap())])
}

/// ASVS 3.3.1 to 3.3.4.
#[tokio::test(flavor = "multi_thread")]
async fn point_01_every_cookie_is_secure_http_only_for_this_host_and_same_site() {
    let server = server().await;
    let mut portal = guest(&server);
    let mut seen = set_cookies(&portal.get("/enroll/sign-in").await.headers);
    seen.extend(set_cookies(&portal.post("/enroll/language", &[("language", "en")]).await.headers));
    seen.extend(set_cookies(&portal.sign_in("ada", PASSWORD).await.headers));
    let console = Browser::new(&server);
    seen.extend(set_cookies(&console.get("/console/sign-in").await.headers));
    seen.extend(set_cookies(&console.sign_in("grace", PASSWORD).await.headers));
    // Portal: form token, language, session, known browser. Console: session before and after sign-in, known browser.
    assert_eq!(seen.len(), 7, "{seen:?}");
    for cookie in seen {
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.starts_with("__Host-") && cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    server.stop().await;
}

/// ASVS 7.2.3: at least 128 bits from a cryptographic generator.
#[tokio::test(flavor = "multi_thread")]
async fn point_02_session_keys_have_256_random_bits() {
    let server = server().await;
    let mut keys = BTreeSet::new();
    for _ in 0..8 {
        let mut portal = guest(&server);
        portal.sign_in("ada", PASSWORD).await;
        let (_, secret) = portal.cookies[PORTAL_SESSION].split_once('.').unwrap();
        keys.insert(URL_SAFE_NO_PAD.decode(secret).unwrap());
        let key = Browser::new(&server).sign_in("grace", PASSWORD).await.cookie().unwrap();
        keys.insert(URL_SAFE_NO_PAD.decode(key).unwrap());
    }
    assert_eq!(keys.len(), 16, "every key is different");
    assert!(keys.iter().all(|key| key.len() == 32));
    // A stuck or counting generator would be visible in the bits: about half of the 4,096 bits must be set.
    let set: u32 = keys.iter().flatten().map(|byte| byte.count_ones()).sum();
    assert!((1_800..2_300).contains(&set), "{set} of 4096 bits are set");
    server.stop().await;
}

/// ASVS 7.2.4.
#[tokio::test(flavor = "multi_thread")]
async fn point_03_signing_in_makes_a_new_key_and_the_one_before_is_dead() {
    let server = server().await;
    let mut portal = guest(&server);
    portal.sign_in("ada", "wrong password").await;
    let planted = portal.cookies[PORTAL_SESSION].clone();
    portal.sign_in("ada", PASSWORD).await;
    assert_ne!(portal.cookies[PORTAL_SESSION], planted);
    let mut thief = guest(&server);
    thief.cookies.insert(PORTAL_SESSION.into(), planted);
    assert!(is_in(&mut portal).await && !is_in(&mut thief).await);

    let console = Browser::new(&server);
    let planted = console.get("/console/sign-in").await.cookie().unwrap();
    let key = console.sign_in("grace", PASSWORD).await.cookie().unwrap();
    assert_ne!(key, planted);
    let thief = Browser::new(&server);
    let answer = thief.get_with("/console/devices", carrying(CONSOLE_SESSION, &planted)).await;
    assert_eq!((answer.status, is_at_the_console(&console).await), (303, true));
    server.stop().await;
}

/// ASVS 7.4.1.
#[tokio::test(flavor = "multi_thread")]
async fn point_04_signing_out_kills_the_session_on_the_server() {
    let server = server().await;
    let mut portal = guest(&server);
    portal.sign_in("ada", PASSWORD).await;
    let copied = portal.cookies[PORTAL_SESSION].clone();
    portal.get("/enroll/ownership").await;
    portal.post("/enroll/sign-out", &[]).await;
    portal.cookies.insert(PORTAL_SESSION.into(), copied);
    assert!(!is_in(&mut portal).await);

    let console = Browser::new(&server);
    let key = console.sign_in("grace", PASSWORD).await.cookie().unwrap();
    let csrf = console.get("/console/devices").await.csrf();
    console.post("/console/sign-out", &[("csrf", &csrf)]).await;
    let answer = Browser::new(&server).get_with("/console/devices", carrying(CONSOLE_SESSION, &key)).await;
    assert_eq!(answer.status, 303);
    server.stop().await;
}

/// ASVS 7.1.1, 7.3.1, 7.3.2: the limits are documented in docs/signing-in.md.
#[tokio::test(flavor = "multi_thread")]
async fn point_05_sessions_end_when_idle_and_at_the_latest_when_they_are_old() {
    let clock = clock();
    let server = server_at(&clock).await;
    let console = Browser::new(&server);
    console.sign_in("grace", PASSWORD).await;
    for _ in 0..LONGEST_SECONDS / (IDLE_SECONDS - 60) {
        clock.advance_seconds(IDLE_SECONDS - 60);
        assert!(is_at_the_console(&console).await);
    }
    clock.advance_seconds(IDLE_SECONDS - 60);
    assert!(!is_at_the_console(&console).await, "a session in use also ends");
    console.sign_in("grace", PASSWORD).await;
    clock.advance_seconds(IDLE_SECONDS + 1);
    assert!(!is_at_the_console(&console).await, "an idle session ends sooner");

    let mut portal = guest(&server);
    portal.sign_in("ada", PASSWORD).await;
    clock.advance_seconds(24 * 3_600 - 60);
    assert!(is_in(&mut portal).await);
    clock.advance_seconds(120);
    assert!(!is_in(&mut portal).await);

    let document = include_str!("../../../docs/signing-in.md");
    let (minutes, hours) = (IDLE_SECONDS / 60, LONGEST_SECONDS / 3_600);
    assert!(document.contains(&format!("{minutes} minutes after its last request and {hours} hours after sign-in")));
    server.stop().await;
}

/// ASVS 7.4.2, 7.4.5.
#[tokio::test(flavor = "multi_thread")]
async fn point_06_disabling_somebody_ends_all_their_sessions_and_an_administrator_can_end_anyones() {
    let server = server().await;
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    let (mut phone, mut tablet) = (guest(&server), guest(&server));
    let (desk, sofa) = (Browser::new(&server), Browser::new(&server));
    for portal in [&mut phone, &mut tablet] {
        portal.sign_in("ada", PASSWORD).await;
        assert!(is_in(portal).await);
    }
    for console in [&desk, &sofa] {
        console.sign_in("grace", PASSWORD).await;
        assert!(is_at_the_console(console).await);
    }
    let root = Browser::new(&server);
    root.sign_in("root", PASSWORD).await;
    act(&root, staff_id(&server, "grace").await, "end-sessions", &[]).await;
    assert!(!is_at_the_console(&desk).await && !is_at_the_console(&sofa).await);
    for console in [&desk, &sofa] {
        console.sign_in("grace", PASSWORD).await;
        assert!(is_at_the_console(console).await, "only the sessions were ended");
    }
    for user_name in ["ada", "grace"] {
        server.execute(Request::DisableUser { user_name: user_name.into() }).await;
    }
    assert!(!is_in(&mut phone).await && !is_in(&mut tablet).await);
    assert!(!is_at_the_console(&desk).await && !is_at_the_console(&sofa).await);
    server.stop().await;
}
