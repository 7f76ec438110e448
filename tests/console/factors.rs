//! Second factors of staff: set-up, sign-in, single use of codes, removal, and the confirmation before a change.

use events::Event;
use events::enrollment::SignInRefusal;
use events::staff::{FactorRefusal, Privilege, Purpose, SecondFactor, StaffEvent};
use harness::TestServer;
use harness::desk::{Browser, PASSWORD};
use harness::factors::{CODES, NEW, code, post, set_up_codes, show_code};
use identity::one_time_codes::STEP_SECONDS;
use reqwest::header::{COOKIE, HeaderMap};
use std::sync::Arc;
use world::{ManualClock, World};

/// Starts a server with a clock that the test controls.
pub async fn server() -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    (server, clock)
}

async fn staff_events(server: &TestServer) -> Vec<StaffEvent> {
    let events = server.events_of("staff").await.into_iter();
    events.filter_map(|event| StaffEvent::try_from(event).ok()).collect()
}

async fn require(server: &TestServer, role: Privilege) {
    server.settings(|settings| settings.second_factors.required_for = [role].into()).await;
}

#[tokio::test]
async fn whoever_needs_a_second_factor_and_has_none_sets_one_up_before_anything_else() {
    let (server, _) = server().await;
    require(&server, Privilege::Auditor).await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    for path in ["/console/devices", "/console/audit", "/console/account", "/console/second-factor"] {
        let answer = browser.get(path).await;
        let expected = if path.ends_with("second-factor") { "/console/devices" } else { NEW };
        assert_eq!((answer.status, answer.location()), (303, expected), "{path}");
    }
    let page = browser.get(NEW).await;
    assert!(page.texts("main")[0].contains("Your role requires a second factor"));
    post(&browser, &page, &format!("{CODES}/begin"), &[]).await;
    let page = browser.get(CODES).await;
    let seed = page.texts(".seed")[0].replace(' ', "");
    assert!(page.attribute("svg.qr", "aria-label").is_some());
    let wrong = post(&browser, &page, CODES, &[("code", "000000")]).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.texts(".seed"), page.texts(".seed"), "the same seed is shown for another try");
    let done = post(&browser, &page, CODES, &[("code", &code(&server, &seed, 0))]).await;
    assert_eq!(done.texts(".codes code").len(), 10);
    assert_eq!(browser.get("/console/devices").await.status, 200, "in");

    let happened = staff_events(&server).await;
    let names: Vec<String> = happened.iter().map(|event| Event::from(event.clone()).type_name()).collect();
    let way = ["LocalAccountAdded", "FirstFactorProven", "OneTimeCodesAdded", "StaffSignedIn", "RecoveryCodesMade"];
    assert!(names.ends_with(&way.map(str::to_owned)), "{names:?}");
    let log = server.whole_log().await;
    let added = log.iter().find(|entry| entry.event.type_name() == "OneTimeCodesAdded").unwrap();
    assert!(added.source.is_some(), "the event has the source address");
    server.stop().await;
}

#[tokio::test]
async fn the_second_factor_is_asked_for_and_the_key_before_it_is_worth_nothing_afterwards() {
    let (server, clock) = server().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let (seed, _) = set_up_codes(&server, &browser).await;
    clock.advance_seconds(60);

    let again = Browser::new(&server);
    let first = again.sign_in("grace", PASSWORD).await.cookie().unwrap();
    let asked = again.get("/console/audit?type=DeviceEnrolled").await;
    assert_eq!(asked.location(), "/console/second-factor?next=%2Fconsole%2Faudit%3Ftype%3DDeviceEnrolled");
    let page = again.get(asked.location()).await;
    let next = page.attribute("input[name=next]", "value").unwrap();
    let fields = [("code", code(&server, &seed, 0)), ("next", next)];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let shown = post(&again, &page, "/console/second-factor/code", &fields).await;
    assert_eq!((shown.status, shown.location()), (303, "/console/audit?type=DeviceEnrolled"));
    let second = shown.cookie().unwrap();
    assert_ne!(first, second);
    let with = |key: &str| HeaderMap::from_iter([(COOKIE, format!("__Host-muster-console={key}").parse().unwrap())]);
    assert_eq!(Browser::new(&server).get_with("/console/audit", with(&first)).await.status, 303);
    assert_eq!(Browser::new(&server).get_with("/console/audit", with(&second)).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_one_time_code_serves_once_and_a_clock_may_be_half_a_minute_off() {
    let (server, clock) = server().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let (seed, _) = set_up_codes(&server, &browser).await;
    let door = async || {
        let browser = Browser::new(&server);
        browser.sign_in("grace", PASSWORD).await;
        browser
    };
    let set_up_code = code(&server, &seed, 0);
    assert_eq!(show_code(&door().await, &set_up_code).await.status, 401, "the code of the set-up is already used");
    clock.advance_seconds(10 * STEP_SECONDS);
    for steps in [-2, 2] {
        assert_eq!(show_code(&door().await, &code(&server, &seed, steps)).await.status, 401, "{steps} steps off");
    }
    for steps in [-1, 0, 1] {
        let code = code(&server, &seed, steps);
        assert_eq!(show_code(&door().await, &code).await.status, 303, "{steps} steps off");
        assert_eq!(show_code(&door().await, &code).await.status, 401, "replayed");
        // Waits until the failed attempts no longer count.
        clock.advance_seconds(1_200);
    }
    let refused = staff_events(&server).await.into_iter().filter_map(|event| match event {
        StaffEvent::SecondFactorRefused { factor: SecondFactor::OneTimeCode, reason } => Some(reason),
        _ => None,
    });
    let (used, wrong): (Vec<_>, Vec<_>) = refused.partition(|reason| *reason == FactorRefusal::UsedBefore);
    assert_eq!((used.len(), wrong), (4, vec![FactorRefusal::Wrong; 2]));
    server.stop().await;
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_and_confirms_nothing() {
    let (server, clock) = server().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let (_, codes) = set_up_codes(&server, &browser).await;
    let door = Browser::new(&server);
    door.sign_in("grace", PASSWORD).await;
    assert_eq!(show_code(&door, &codes[3].to_uppercase()).await.status, 303);
    assert_eq!(door.get("/console/devices").await.status, 200);
    let other = Browser::new(&server);
    other.sign_in("grace", PASSWORD).await;
    assert_eq!(show_code(&other, &codes[3]).await.status, 401, "used");
    assert_eq!(other.get("/console/devices").await.status, 303);
    clock.advance_seconds(400);
    let page = door.get("/console/confirm").await;
    assert_eq!(post(&door, &page, "/console/confirm/code", &[("code", &codes[4])]).await.status, 401);
    assert!(door.get("/console/account").await.texts("main")[0].contains("9 left"));
    server.stop().await;
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_by_account_and_a_recovery_code_or_patience_still_gets_in() {
    let (server, clock) = server().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let (seed, codes) = set_up_codes(&server, &browser).await;
    let door = Browser::new(&server);
    door.sign_in("grace", PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(show_code(&door, "000000").await.status, 401);
    }
    clock.advance_seconds(STEP_SECONDS);
    let waiting = show_code(&door, &code(&server, &seed, 0)).await;
    assert_eq!(waiting.status, 429);
    assert!(waiting.headers.contains_key("retry-after"));
    let owner = Browser::new(&server);
    owner.sign_in("grace", PASSWORD).await;
    assert_eq!(
        show_code(&owner, &codes[0]).await.status,
        303,
        "recovery codes are not blocked, because they cannot be guessed"
    );
    assert_eq!(owner.get("/console/audit").await.status, 200);
    clock.advance_seconds(120);
    assert_eq!(show_code(&door, &code(&server, &seed, 0)).await.status, 303);
    let throttled =
        StaffEvent::SecondFactorRefused { factor: SecondFactor::OneTimeCode, reason: FactorRefusal::Throttled };
    assert!(staff_events(&server).await.contains(&throttled));
    server.stop().await;
}

#[tokio::test]
async fn strangers_who_use_up_the_budget_do_not_hide_a_wrong_second_factor() {
    let (server, _) = server().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    set_up_codes(&server, &browser).await;
    let thief = Browser::new(&server);
    thief.sign_in("grace", PASSWORD).await;
    server.use_up_refusals("127.0.0.1".parse().unwrap());
    assert_eq!(show_code(&thief, "000000").await.status, 401);
    let wrong = StaffEvent::SecondFactorRefused { factor: SecondFactor::OneTimeCode, reason: FactorRefusal::Wrong };
    assert_eq!(staff_events(&server).await.last(), Some(&wrong));
    server.stop().await;
}

#[tokio::test]
async fn before_the_second_factor_nothing_can_be_done_and_none_can_be_added() {
    let (server, _) = server().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    set_up_codes(&server, &browser).await;
    let thief = Browser::new(&server);
    thief.sign_in("root", PASSWORD).await;
    let door = thief.get("/console/second-factor").await;
    for path in [NEW, CODES, "/console/account", "/console/staff", "/console/devices", "/console/confirm"] {
        let answer = thief.get(path).await;
        assert!(answer.location().starts_with("/console/second-factor"), "{path}: {}", answer.location());
    }
    for path in [
        "/console/account/factors/one-time-codes/begin",
        "/console/account/one-time-codes/remove",
        "/console/account/recovery-codes",
        "/console/account/password",
        "/console/confirm/password",
    ] {
        let fields = [("code", "000000"), ("password", PASSWORD), ("again", PASSWORD)];
        let answer = post(&thief, &door, path, &fields).await;
        assert!(answer.location().starts_with("/console/second-factor"), "{path}: {}", answer.status);
    }
    assert_eq!(post(&thief, &door, "/console/sign-out", &[]).await.status, 303, "signing out is permitted");
    server.stop().await;
}

#[tokio::test]
async fn factors_and_password_change_only_after_a_proof_of_the_last_minutes() {
    let (server, clock) = server().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let (seed, _) = set_up_codes(&server, &browser).await;
    clock.advance_seconds(6 * 60);
    let account = browser.get("/console/account").await;
    assert_eq!(account.status, 200, "viewing needs no confirmation");
    let sent = post(&browser, &account, "/console/account/one-time-codes/remove", &[]).await;
    assert!(sent.location().starts_with("/console/confirm"), "{}", sent.location());
    let asked = browser.get(NEW).await;
    assert_eq!(asked.location(), "/console/confirm?next=%2Fconsole%2Faccount%2Ffactors%2Fnew");
    let page = browser.get(asked.location()).await;
    let next = page.attribute("input[name=next]", "value").unwrap();
    let wrong = [("password", "wrong words"), ("next", next.as_str())];
    assert_eq!(post(&browser, &page, "/console/confirm/password", &wrong).await.status, 401);
    let right = [("password", PASSWORD), ("next", next.as_str())];
    let confirmed = post(&browser, &page, "/console/confirm/password", &right).await;
    assert_eq!((confirmed.status, confirmed.location()), (303, NEW));
    assert_eq!(browser.get(NEW).await.status, 200);

    clock.advance_seconds(6 * 60);
    let page = browser.get("/console/confirm").await;
    let code = code(&server, &seed, 0);
    assert_eq!(post(&browser, &page, "/console/confirm/code", &[("code", &code)]).await.status, 303);
    assert_eq!(post(&browser, &account, "/console/account/one-time-codes/remove", &[]).await.status, 303);

    let happened = staff_events(&server).await;
    for expected in [
        StaffEvent::PasswordConfirmationRefused { reason: SignInRefusal::WrongPassword },
        StaffEvent::PasswordConfirmed {},
        StaffEvent::OneTimeCodesRemoved {},
        StaffEvent::RecoveryCodesRemoved {},
    ] {
        assert!(happened.contains(&expected), "{expected:?}");
    }
    let with_code =
        |event: &StaffEvent| matches!(event, StaffEvent::OneTimeCodeUsed { purpose: Purpose::Confirmation, .. });
    assert!(happened.iter().any(with_code));
    server.stop().await;
}

#[tokio::test]
async fn the_last_second_factor_cannot_be_removed_where_it_is_asked_for() {
    let (server, _) = server().await;
    require(&server, Privilege::Auditor).await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    set_up_codes(&server, &browser).await;
    let account = browser.get("/console/account").await;
    let refused = post(&browser, &account, "/console/account/one-time-codes/remove", &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.texts("main")[0].contains("add another one first"), "{:?}", refused.texts("main"));
    server.settings(|settings| settings.second_factors.required_for = [].into()).await;
    assert_eq!(post(&browser, &account, "/console/account/one-time-codes/remove", &[]).await.status, 303);
    server.stop().await;
}

#[tokio::test]
async fn neither_seed_nor_codes_stand_in_the_store_or_on_an_audit_page() {
    let (server, _) = server().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let (seed, codes) = set_up_codes(&server, &browser).await;
    server.caught_up().await;
    for event_type in ["OneTimeCodesAdded", "RecoveryCodesMade"] {
        let trail = browser.get(&format!("/console/audit?type={event_type}")).await;
        let page = browser.get(&trail.attribute("td.when a", "href").unwrap()).await;
        assert!(page.body.contains("(not shown)"), "{}", page.body);
        assert!(!page.body.contains(&seed));
    }
    for file in std::fs::read_dir(&server.app().config.store.directory).unwrap() {
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
        for secret in [&seed, &codes[0], &codes[0].replace('-', "")] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
    server.stop().await;
}
