//! Sign-in at the portal with a directory account.

use events::Event;
use events::enrollment::{EnrollmentEvent, SignInMethodName, SignInRefusal};
use events::staff::Privilege;
use harness::cast::{Diary, Scene, Visitor};
use harness::directory::slapd::{self, PASSWORD, Slapd};
use harness::directory::{changed, config, denied, proven, verdict};
use harness::guest::{Answer, Guest, iphone};
use harness::test_name;
use harness::{TestServer, logs};
use identity::config::Directory;
use muster::config::Config;
use reqwest::header::{HeaderMap, HeaderValue};
use simulator::model::Family;
use simulator::walk::Ending;
use std::collections::BTreeSet;
use std::sync::Arc;
use world::{ManualClock, World};

const LOCAL_PASSWORD: &str = "a long walk in eleven steps";

/// Starts a server that asks these directories in this order. Its clock moves only when the test moves it.
async fn server(directories: Vec<Directory>) -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let names: Vec<String> = directories.iter().map(|directory| directory.name.clone()).collect();
    let server = TestServer::start_with(World::at(clock.clone()), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.identity.directory = directories;
    })
    .await;
    server.settings(|settings| settings.sign_in.enrollment.directories = names).await;
    (server, clock)
}

/// Tries to sign in from a public address.
async fn from(server: &TestServer, address: &str, name: &str, password: &str) -> Answer {
    let mut guest = Guest::new(server, &iphone("17.5"));
    guest.get("/enroll/sign-in").await;
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_str(address).unwrap());
    headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    let fields = [("user_name", name), ("password", password)];
    let mut answer = guest.post_with("/enroll/sign-in", &fields, headers).await;
    // Help code and form token differ between any two pages, so they are removed.
    if let Some((before, after)) = answer.body.clone().split_once("Help code ") {
        answer.body = format!("{before}{}", &after[7..]);
    }
    answer.body = answer.body.replace(&guest.csrf, "");
    answer
}

/// Returns method and reason of the refused sign-ins, and whether the account was known, in the order of the log.
async fn refusals(server: &TestServer) -> Vec<(SignInMethodName, SignInRefusal, bool)> {
    let refusal = |event| match event {
        Event::Enrollment(EnrollmentEvent::SignInRefused { method, reason, account, name, .. }) => {
            assert!(account.is_some() != name.is_some(), "either an account or the typed name");
            Some((method, reason, account.is_some()))
        }
        _ => None,
    };
    server.events_of("enrollment").await.into_iter().filter_map(refusal).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_a_directory_enrolls_and_step_7_knows_their_managed_apple_id() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let directory = config(&slapd);
    let scene = Scene::set_with(|config: &mut Config| config.identity.directory = vec![directory]).await;
    scene.server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;

    let mut guest = Guest::new(&scene.server, &iphone("17.5"));
    assert_eq!(guest.sign_in("grace", PASSWORD).await.led_to(), Some("/enroll/ownership"));
    guest.get("/enroll/ownership").await;
    guest.post("/enroll/ownership", &[("ownership", "personal")]).await;
    let link = guest.get("/enroll/ca").await.link("profile");
    guest.get(&link).await;
    guest.post("/enroll/ca", &[]).await;
    let page = guest.get("/enroll/managed-apple-id").await.body;
    assert!(page.contains(r#"value="grace@school.example""#), "{page}");

    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    (walk.person.user_name, walk.person.password) = ("grace".into(), PASSWORD.into());
    walk.person.managed_apple_id = "grace@school.example".into();
    let ending = walk.run(&scene.address(), &mut Diary::default()).await.unwrap();
    assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
    scene.answer_first_commands(&mut walk.device).await;
    let signed_in: Vec<_> = scene
        .server
        .events_of("enrollment")
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::Enrollment(EnrollmentEvent::UserSignedIn { method, person, .. }) => Some((method, person)),
            _ => None,
        })
        .collect();
    assert!(matches!(signed_in.as_slice(), [one, two] if one == two), "the same person twice: {signed_in:?}");
    assert_eq!(signed_in[0].0, SignInMethodName::Directory);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_a_local_account_is_never_asked_of_a_directory() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let (server, _) = server(vec![config(&slapd)]).await;
    server.add_user("alan", LOCAL_PASSWORD, &[Privilege::Enroll]).await;
    assert_eq!(from(&server, "192.0.2.1", "alan", PASSWORD).await.status, 401);
    assert_eq!(from(&server, "192.0.2.1", "alan", LOCAL_PASSWORD).await.status, 303);
    let log = slapd.log();
    assert!(!log.contains("alan"), "{log}");
    assert!(log.contains("BIND dn=\"cn=nobody-"), "the time of a bind is spent although no account is checked");
    assert_eq!(refusals(&server).await, [(SignInMethodName::LocalAccount, SignInRefusal::WrongPassword, true)]);

    // If local accounts are disabled, their names are ordinary directory names.
    server.settings(|settings| settings.sign_in.enrollment.local_accounts = false).await;
    assert_eq!(from(&server, "192.0.2.1", "alan", LOCAL_PASSWORD).await.status, 401);
    assert_eq!(from(&server, "192.0.2.1", "alan", PASSWORD).await.status, 303);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_directory_is_down_is_told_to_everybody_alike_and_nobody_is_blamed() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let mut slapd = Slapd::start();
    let (server, _) = server(vec![config(&slapd)]).await;
    server.add_user("ada", LOCAL_PASSWORD, &[Privilege::Enroll]).await;
    assert_eq!(from(&server, "192.0.2.1", "grace", "a wrong one").await.status, 401);
    slapd.pause();
    // The attempt does not count as a failure of the person, however often it is repeated.
    let down = from(&server, "192.0.2.2", "grace", PASSWORD).await;
    assert!(down.status == 503 && down.body.contains("You cannot sign in right now."), "{}", down.body);
    // From different addresses, every attempt gets this answer. From one address, every name has to wait after the
    // same number of attempts.
    for nth in 0..7 {
        let again = from(&server, &format!("198.51.100.{nth}"), "grace", PASSWORD).await;
        assert_eq!((again.status, &again.body), (503, &down.body));
    }
    let mut sequences = BTreeSet::new();
    for (name, address) in [("nobody-here", "192.0.2.11"), ("ada", "192.0.2.12"), ("alan", "192.0.2.13")] {
        let mut statuses = Vec::new();
        for _ in 0..7 {
            let answer = from(&server, address, name, "a wrong one").await;
            assert!(answer.status == 429 || answer.body == down.body, "{name}: {}", answer.body);
            statuses.push(answer.status);
        }
        sequences.insert(statuses);
    }
    assert_eq!(
        sequences,
        BTreeSet::from([vec![503, 503, 503, 503, 503, 429, 429]]),
        "the waiting time must not depend on the name"
    );
    assert_eq!(from(&server, "192.0.2.3", "ada", LOCAL_PASSWORD).await.status, 303, "local accounts need no directory");
    let told = refusals(&server).await;
    assert_eq!(told[0], (SignInMethodName::Directory, SignInRefusal::WrongPassword, true));
    assert_eq!(told[1..9], [(SignInMethodName::Directory, SignInRefusal::DirectoryUnavailable, false); 8]);
    let logged = logs::so_far();
    let told = logged.lines().find(|line| {
        line.contains("a directory cannot be queried: nobody can sign in with it") && line.contains(&slapd.ldaps())
    });
    assert!(told.is_some(), "{} is named", slapd.ldaps());
    let metrics = server.metrics().await;
    assert!(
        metrics.contains("muster_alarms_total{alarm=\"directory-unavailable\"} 23"),
        "8 of grace, 5 of each name: {metrics}"
    );
    slapd.go_on();
    assert_eq!(from(&server, "192.0.2.2", "grace", PASSWORD).await.status, 303);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_from_wherever_the_directory_locks_no_account() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let (server, clock) = server(vec![config(&slapd)]).await;
    let victim = format!("uid=victim,{}", slapd::PEOPLE);
    // Guesses one after the other and concurrently, from many addresses, with every spelling that the directory
    // accepts for this account.
    let names = ["victim", "victim@example.test", "VICTIM", " victim ", "\u{ff56}ictim", "Victim@Example.Test"];
    for nth in 0..12 {
        from(&server, &format!("198.51.100.{nth}"), names[nth % names.len()], "a wrong one").await;
    }
    let at_once = (12..40).map(|nth| {
        let server = &server;
        async move { from(server, &format!("198.51.100.{nth}"), names[nth % names.len()], "a wrong one").await }
    });
    futures_util::future::join_all(at_once).await;
    assert_eq!(slapd.binds_of(&victim), 4, "the directory locks at 5");
    let direct = changed(&slapd, |_| {});
    proven(verdict(&direct, "victim", PASSWORD).await);

    // An attacker who returns as soon as permitted does not lock the account either. Meanwhile, its owner can sign in
    // from another address.
    for _ in 0..4 {
        clock.advance_seconds(15 * 60);
        for _ in 0..5 {
            from(&server, "203.0.113.66", "victim", "a wrong one").await;
        }
        assert_eq!(
            from(&server, "203.0.113.66", "victim", PASSWORD).await.status,
            429,
            "even the right password has to wait"
        );
        assert_eq!(from(&server, "192.0.2.1", "victim", PASSWORD).await.status, 303);
    }
    proven(verdict(&direct, "victim", PASSWORD).await);
    // Confirms the directory's policy: five consecutive failures lock the account.
    for _ in 0..5 {
        denied(verdict(&direct, "victim", "a wrong one").await);
    }
    denied(verdict(&direct, "victim", PASSWORD).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_a_local_name_one_of_a_directory_and_none_looks_the_same() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let (server, _) = server(vec![config(&slapd)]).await;
    server.add_user("ada", LOCAL_PASSWORD, &[Privilege::Enroll]).await;
    let mut all = Vec::new();
    for (name, address) in [("ada", "198.51.100.1"), ("grace", "198.51.100.2"), ("nobody-here", "198.51.100.3")] {
        let mut answers = Vec::new();
        for address in [address; 8].into_iter().chain(["203.0.113.1", "203.0.113.2", "203.0.113.3"]) {
            let answer = from(&server, address, name, "a wrong one").await;
            answers.push((answer.status, answer.header("retry-after"), answer.body));
        }
        all.push(answers);
    }
    let statuses: Vec<u16> = all[0].iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429, 429, 429, 429, 401, 429, 429]);
    assert!(all.iter().all(|answers| *answers == all[0]), "{all:?}");
    // The server itself checks passwords of local accounts, so their owner does not have to wait for a directory.
    assert_eq!(from(&server, "192.0.2.1", "ada", LOCAL_PASSWORD).await.status, 303);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_directory_is_asked_only_for_a_name_that_the_one_before_does_not_know() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let physics = Directory {
        name: "physics".into(),
        user_filter: "(&(uid={name})(departmentNumber=Physics))".into(),
        ..config(&slapd)
    };
    let (server, _) = server(vec![physics, config(&slapd)]).await;
    assert_eq!(from(&server, "192.0.2.1", "ada", "a wrong one").await.status, 401);
    let binds = |name: &str| slapd.log().lines().filter(|line| line.contains(name) && line.contains("method=")).count();
    assert_eq!(binds("Ada (Countess)"), 1, "{}", slapd.log());
    assert_eq!(from(&server, "192.0.2.1", "ada", PASSWORD).await.status, 303);
    assert_eq!(from(&server, "192.0.2.1", "grace", PASSWORD).await.status, 303);
    assert_eq!((binds("Ada (Countess)"), binds("uid=grace")), (2, 1));
    // The same name in another directory is another person.
    server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;
    assert_eq!(from(&server, "192.0.2.1", "ada", PASSWORD).await.status, 303);
    let people = server.events_of("account").await.len();
    assert_eq!(people, 3, "ada of physics, grace of main, ada of main");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_the_settings_name_and_the_configuration_does_not_lets_nobody_in() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let (server, _) = server(vec![config(&slapd)]).await;
    server.add_user("ada", LOCAL_PASSWORD, &[Privilege::Enroll]).await;
    // The configuration file does not contain the directory, which the test configured in memory.
    let file = server.config_file();
    let directory = server.stop_keeping().await;
    let file = directory.path().join(file.strip_prefix(file.parent().unwrap().parent().unwrap()).unwrap());
    let server = TestServer::start_in(directory, &file).await;
    assert_eq!(from(&server, "192.0.2.1", "grace", PASSWORD).await.status, 503);
    assert_eq!(from(&server, "192.0.2.1", "ada", LOCAL_PASSWORD).await.status, 303);
    assert_eq!(refusals(&server).await, [(SignInMethodName::Directory, SignInRefusal::DirectoryUnavailable, false)]);
    assert!(!slapd.log().contains("grace"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_people_and_passwords_of_a_directory_is_logged() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let mut slapd = Slapd::start();
    let directory = Directory { groups: harness::directory::walk(slapd::GROUPS, 4), ..config(&slapd) };
    let (server, _) = server(vec![directory]).await;
    assert_eq!(from(&server, "192.0.2.1", "ada", PASSWORD).await.status, 303);
    for (name, password) in [("ada", "some wrong password"), ("twin", PASSWORD), ("zacharias", "some wrong password")] {
        assert_eq!(from(&server, "192.0.2.2", name, password).await.status, 401);
    }
    slapd.pause();
    assert_eq!(from(&server, "192.0.2.3", "ada", PASSWORD).await.status, 503);
    // For ldap3, even warnings are not logged.
    tracing::warn!(target: "ldap3::conn", "an entry that nobody waits for");
    let logged = logs::so_far();
    assert!(
        logged.contains("several entries match a user name"),
        "the log must report the duplicate to the administrator"
    );
    for secret in [
        PASSWORD,
        slapd::SEARCHER_PASSWORD,
        "some wrong password",
        "Lovelace",
        "ada@example.test",
        "ada@school.example",
        "uid=twin",
        "zacharias",
        "an entry that nobody waits for",
    ] {
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret:?} is in the log");
    }
    server.stop().await;
}
