//! Administration of staff: roles, sessions, lost second factors, new passwords, and the first account.

use super::factors::server;
use events::Event;
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::envelope::ActorKind;
use events::settings::{RoleRule, Who};
use events::staff::{Privilege, StaffActivityEvent, StaffEvent};
use harness::TestServer;
use harness::desk::{Answer, Browser, PASSWORD, act, staff_id};
use harness::factors::set_up_codes;
use identity::Account;
use reqwest::header::{COOKIE, HeaderMap};
use sign_in::Proof;
use staff::administration::{self, Request, execute};
use staff::console::{StaffAdmission, StaffEntrance, admit_staff};
use std::collections::BTreeSet;
use std::sync::Arc;
use world::{ManualClock, World};

#[tokio::test]
async fn a_role_that_is_taken_away_is_gone_with_the_next_click() {
    let server = TestServer::start().await;
    let grace = Browser::signed_in(&server, "grace", &[Privilege::Administrator, Privilege::Auditor]).await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let id = staff_id(&server, "grace").await;
    assert_eq!(grace.get("/console/settings").await.status, 200);
    let changed = act(&root, id, "roles", &[("auditor", "on")]).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    assert_eq!(grace.get("/console/settings").await.status, 403);
    assert_eq!(grace.get("/console/audit").await.status, 200);
    let nav = grace.get("/console/audit").await.texts("nav[aria-label=Main] a").join(", ");
    assert!(!nav.contains("Staff") && !nav.contains("Settings"), "{nav}");
    let log = server.log_of(&id.stream()).await;
    let entry = log.iter().find(|entry| entry.event.type_name() == "PrivilegesChanged").unwrap();
    let (before, after) =
        (BTreeSet::from([Privilege::Administrator, Privilege::Auditor]), BTreeSet::from([Privilege::Auditor]));
    assert_eq!(entry.event, Event::Staff(StaffEvent::PrivilegesChanged { before, after }));
    assert_eq!((entry.actor.kind, entry.source.is_some()), (ActorKind::Staff, true));
    server.stop().await;
}

#[tokio::test]
async fn roles_change_only_after_a_proof_of_the_last_minutes() {
    let (server, clock) = server().await;
    server.add_user("grace", PASSWORD, &[Privilege::Auditor]).await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let id = staff_id(&server, "grace").await;
    clock.advance_seconds(6 * 60);
    for what in ["roles", "disable", "enable", "remove-factors", "password"] {
        let sent = act(&root, id, what, &[("administrator", "on")]).await;
        assert!(sent.location().starts_with("/console/confirm"), "{what}: {}", sent.status);
    }
    let page = root.get("/console/confirm").await;
    let fields = [("csrf", page.csrf()), ("password", PASSWORD.to_owned())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(root.post("/console/confirm/password", &fields).await.status, 303);
    assert_eq!(act(&root, id, "roles", &[("administrator", "on")]).await.status, 303);
    server.stop().await;
}

#[tokio::test]
async fn local_accounts_switched_off_end_their_sessions_at_the_next_request() {
    let server = TestServer::start().await;
    let grace = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    assert_eq!(grace.get("/console/audit").await.status, 200);
    write_settings(&server, |settings| settings.sign_in.staff.local_accounts = false).await;
    let after = grace.get("/console/audit").await;
    assert!(after.location().starts_with("/console/sign-in"), "{}", after.status);
    write_settings(&server, |settings| settings.sign_in.staff.local_accounts = true).await;
    assert_eq!(grace.get("/console/audit").await.status, 303, "the session does not become valid again");
    server.stop().await;
}

#[tokio::test]
async fn a_program_keeps_its_role_and_nobody_is_offered_to_take_it() {
    let server = TestServer::start().await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    server.execute(Request::AddApiClient { user_name: "inventory".into(), display_name: None }).await;
    server.caught_up().await;
    let id = staff_id(&server, "inventory").await;
    let page = root.get(&format!("/console/staff/{id}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.texts("form[action$=roles], form[action$=password]").len(), 0);
    assert_eq!(page.texts("form[action$=disable]").len(), 1);
    let refused = act(&root, id, "roles", &[("auditor", "on")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.texts("main")[0].contains("API client cannot be changed"), "{:?}", refused.texts("main"));
    server.stop().await;
}

#[tokio::test]
async fn only_administrators_administer_staff_and_nobody_themselves() {
    let server = TestServer::start().await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let grace = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let (own, other) = (staff_id(&server, "root").await, staff_id(&server, "grace").await);
    assert_eq!(grace.get("/console/staff").await.status, 403);
    for what in ["roles", "disable", "enable", "remove-factors", "password", "end-sessions"] {
        assert_eq!(act(&grace, own, what, &[("auditor", "on")]).await.status, 403, "{what}");
    }
    for what in ["roles", "disable", "remove-factors", "password"] {
        assert_eq!(act(&root, own, what, &[("auditor", "on")]).await.status, 409, "{what}");
    }
    assert_eq!(act(&root, other, "roles", &[]).await.status, 409, "an account has at least one privilege");
    let refused = server.events_of("access").await.into_iter().filter(
        |event| matches!(event, Event::StaffActivity(StaffActivityEvent::AccessRefused { act, .. }) if act == "administer staff"),
    );
    assert_eq!(refused.count(), 7, "every attempt is recorded");
    server.stop().await;
}

#[tokio::test]
async fn everybody_ends_their_own_sessions_and_an_administrator_anyones() {
    let server = TestServer::start().await;
    let here = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let (there, elsewhere) = (Browser::new(&server), Browser::new(&server));
    for browser in [&there, &elsewhere] {
        browser.sign_in("grace", PASSWORD).await;
    }
    let page = here.get("/console/account").await;
    assert_eq!(
        page.texts("ul.rows form[action*=sessions] button").len(),
        2,
        "all sessions except this one can be ended"
    );
    let end = page.attribute("ul.rows form[action*=sessions]", "action").unwrap();
    assert_eq!(here.post(&end, &[("csrf", &page.csrf())]).await.status, 303);
    let still_in = async |browser: &Browser| browser.get("/console/devices").await.status == 200;
    assert_eq!([still_in(&there).await, still_in(&elsewhere).await].iter().filter(|in_| **in_).count(), 1);
    here.post("/console/account/sessions/end-others", &[("csrf", &page.csrf())]).await;
    assert!(!still_in(&there).await && !still_in(&elsewhere).await && still_in(&here).await);

    there.sign_in("grace", PASSWORD).await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    server.caught_up().await;
    let id = staff_id(&server, "grace").await;
    let page = root.get(&format!("/console/staff/{id}")).await;
    assert_eq!(page.texts("ul.rows li").len(), 2);
    let one = page.attribute("ul.rows form", "action").unwrap();
    assert_eq!(root.post(&one, &[("csrf", &page.csrf())]).await.status, 303);
    assert!(still_in(&here).await != still_in(&there).await);
    assert_eq!(act(&root, id, "end-sessions", &[]).await.status, 303);
    assert!(!still_in(&here).await && !still_in(&there).await);
    let ended = server.log_of(&id.stream()).await.into_iter().filter(|entry| {
        matches!(entry.event, Event::Staff(StaffEvent::StaffSessionEnded { .. } | StaffEvent::StaffSessionsEnded {}))
    });
    assert_eq!(ended.map(|entry| entry.actor.id).collect::<BTreeSet<_>>().len(), 2, "one by grace and one by root");
    server.stop().await;
}

#[tokio::test]
async fn an_administrator_removes_the_factors_of_somebody_who_lost_them() {
    let (server, _) = server().await;
    let grace = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    set_up_codes(&server, &grace).await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let id = staff_id(&server, "grace").await;
    assert_eq!(act(&root, id, "remove-factors", &[]).await.status, 303);
    assert_eq!(grace.get("/console/devices").await.status, 303, "the sessions end with the factors");
    grace.sign_in("grace", PASSWORD).await;
    assert_eq!(grace.get("/console/devices").await.status, 200, "a removed factor is not asked for");
    set_up_codes(&server, &grace).await;
    server.execute(Request::RemoveFactors { user_name: "grace".into() }).await;
    grace.sign_in("grace", PASSWORD).await;
    assert_eq!(grace.get("/console/devices").await.status, 200, "the operator can also remove factors");
    server.stop().await;
}

#[tokio::test]
async fn a_new_password_from_an_administrator_is_shown_once_and_ends_the_sessions() {
    let server = TestServer::start().await;
    let grace = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let root = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let page = act(&root, staff_id(&server, "grace").await, "password", &[]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let password = page.texts(".codes code").remove(0);
    assert_eq!(grace.get("/console/devices").await.status, 303);
    assert_eq!(grace.sign_in("grace", PASSWORD).await.status, 401);
    assert_eq!(grace.sign_in("grace", &password).await.status, 303);

    let account = grace.get("/console/account").await;
    let change = async |password: &str, again: &str| {
        let fields = [("csrf", account.csrf()), ("password", password.to_owned()), ("again", again.to_owned())];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        grace.post("/console/account/password", &fields).await.status
    };
    assert_eq!(change("password1", "password1").await, 409, "too weak");
    assert_eq!(change("four other words now", "four other words").await, 409, "the passwords differ");
    assert_eq!(change("four other words now", "four other words now").await, 303);
    assert_eq!(Browser::new(&server).sign_in("grace", "four other words now").await.status, 303);
    server.stop().await;
}

const DIRECTORY: SignInMethodName = SignInMethodName::Directory;

async fn link(server: &TestServer) -> String {
    match execute(&server.app().staff, Request::SetUpLink).await {
        administration::Answer::Done { said } => {
            let address = said.lines().last().unwrap().to_owned();
            address.strip_prefix(&server.url()).unwrap().to_owned()
        }
        _ => panic!("refused"),
    }
}

async fn make_account(browser: &Browser, link: &str, user_name: &str, password: &str) -> Answer {
    let csrf = browser.get(link).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("user_name", user_name), ("password", password), ("again", password)];
    browser.post(link, &fields).await
}

#[tokio::test]
async fn the_set_up_link_makes_the_first_administrator_once() {
    let server = TestServer::start().await;
    let (browser, link) = (Browser::new(&server), link(&server).await);
    assert_eq!(make_account(&browser, &link, "root", "password1").await.status, 422, "a weak password");
    assert_eq!(make_account(&browser, &link, "two words", PASSWORD).await.status, 422, "no user name");
    let made = make_account(&browser, &link, "root", PASSWORD).await;
    assert_eq!((made.status, made.location()), (303, "/console/sign-in"), "{}", made.body);
    let led_to = browser.get(made.location()).await;
    let told = led_to.texts("[role=status]").join(" ");
    assert!(told.contains("password is set") && told.contains("user name root"), "{}", led_to.body);
    assert_eq!(led_to.attribute("input[name=user_name]", "value").as_deref(), Some("root"));
    assert_eq!(browser.get("/console/sign-in").await.texts("[role=status]").len(), 0, "the message is shown once");
    assert_eq!(browser.sign_in("root", PASSWORD).await.status, 303);
    assert_eq!(browser.get("/console/staff").await.status, 200, "the new account is an administrator");
    let thief = Browser::new(&server);
    assert_eq!(thief.get(&link).await.status, 404, "the link works once");
    assert_eq!(thief.get(&format!("{link}x")).await.status, 404);
    assert_eq!(thief.get("/console/set-up/setup-nonsense").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_set_up_link_expires_is_replaced_by_the_next_and_ends_when_an_administrator_is_there() {
    let (server, clock) = server().await;
    let browser = Browser::new(&server);
    let first = link(&server).await;
    assert_eq!(browser.get(&first).await.status, 200);
    let second = link(&server).await;
    assert_eq!((browser.get(&first).await.status, browser.get(&second).await.status), (404, 200));
    clock.advance_seconds(24 * 60 * 60);
    assert_eq!(browser.get(&second).await.status, 404, "the link expires after a day");
    let third = link(&server).await;
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    assert_eq!(browser.get(&third).await.status, 404, "an old link creates no further administrator");
    let csrf = browser.get("/console/sign-in").await.csrf();
    let form = [("csrf", csrf.as_str()), ("user_name", "eve"), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(browser.post(&third, &form).await.status, 404);
    assert_eq!(browser.get(&link(&server).await).await.status, 200, "a link that the operator requests later works");
    server.stop().await;
}

fn proof(method: SignInMethodName, groups: &[&str]) -> Proof {
    let account = Account {
        provider: "campus".into(),
        issuer: "campus".into(),
        subject: "uuid-of-grace".into(),
        user_name: "grace".into(),
        display_name: Some("Grace Hopper".into()),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Account::default()
    };
    Proof { method, account, local: None }
}

async fn admit(server: &TestServer, proof: &Proof) -> StaffAdmission {
    let entrance =
        StaffEntrance { source: "192.0.2.7".parse().unwrap(), browser: "Safari on macOS".into(), replaced: None };
    admit_staff(&server.app().staff, proof, entrance).await.unwrap()
}

async fn role_rules(server: &TestServer, rules: &[(&str, Privilege)]) {
    let rule = |(group, role): &(&str, Privilege)| RoleRule {
        who: Who::Group((*group).to_owned()),
        provider: Some("campus".into()),
        roles: [*role].into(),
    };
    let rules = rules.iter().map(rule).collect();
    write_settings(server, |settings| settings.staff_roles = rules).await;
}

/// Writes the settings without the check that their directories are configured: that check is not part of these tests.
async fn write_settings(server: &TestServer, change: impl FnOnce(&mut events::settings::Settings)) {
    let mut settings = server.app().settings.current().await.unwrap();
    let before = settings.clone();
    change(&mut settings);
    let changed = events::settings::SettingsEvent::between(&before, &settings, None);
    harness::desk::write(server, &events::settings::stream(), server.app().platform.world.now(), changed).await;
}

#[tokio::test]
async fn members_of_groups_have_their_roles_anew_with_each_sign_in() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    role_rules(&server, &[("it", Privilege::Administrator), ("audit", Privilege::Auditor)]).await;
    assert_eq!(admit(&server, &proof(DIRECTORY, &["students"])).await, StaffAdmission::Refused);
    assert!(
        server.events_of("staff").await.iter().all(|event| event.type_name() == "SetUpLinkIssued"),
        "a refused person is not recorded as staff"
    );
    let StaffAdmission::In { key, roles } = admit(&server, &proof(DIRECTORY, &["it"])).await else { panic!("refused") };
    assert_eq!(roles, BTreeSet::from([Privilege::Administrator]));
    let with = |key: &str| HeaderMap::from_iter([(COOKIE, format!("__Host-muster-console={key}").parse().unwrap())]);
    let browser = Browser::new(&server);
    assert_eq!(browser.get_with("/console/staff", with(&key)).await.status, 200);
    let StaffAdmission::In { key: second, .. } = admit(&server, &proof(DIRECTORY, &["audit"])).await else {
        panic!("refused")
    };
    assert_eq!(browser.get_with("/console/staff", with(&second)).await.status, 403, "moved to another group");
    assert_eq!(browser.get_with("/console/staff", with(&key)).await.status, 403, "the change applies to each session");
    role_rules(&server, &[("it", Privilege::Administrator)]).await;
    let after = browser.get_with("/console/audit", with(&second)).await;
    assert!(
        after.location().starts_with("/console/sign-in"),
        "the rule for the role no longer exists: {}",
        after.status
    );
    assert_eq!(admit(&server, &proof(DIRECTORY, &["audit"])).await, StaffAdmission::Refused);
    let events = server.events_of("staff").await;
    assert_eq!(events.iter().filter(|event| event.type_name() == "ExternalStaffKnown").count(), 1);
    let refused =
        StaffEvent::StaffSignInRefused { method: SignInMethodName::Directory, reason: SignInRefusal::NotEntitled };
    assert_eq!(events.last(), Some(&Event::Staff(refused)));
    let listed = administration::list_accounts(&server.app().platform.log).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.provider.as_deref()).collect::<Vec<_>>(), [Some("campus")]);
    server.stop().await;
}

#[tokio::test]
async fn staff_of_a_directory_can_be_disabled_like_any_other() {
    let server = TestServer::start().await;
    role_rules(&server, &[("it", Privilege::Auditor)]).await;
    let StaffAdmission::In { key, .. } = admit(&server, &proof(DIRECTORY, &["it"])).await else { panic!("refused") };
    server.execute(Request::DisableUser { user_name: "grace".into() }).await;
    let with = HeaderMap::from_iter([(COOKIE, format!("__Host-muster-console={key}").parse().unwrap())]);
    assert_eq!(Browser::new(&server).get_with("/console/audit", with).await.status, 303);
    assert_eq!(admit(&server, &proof(DIRECTORY, &["it"])).await, StaffAdmission::Refused);
    server.stop().await;
}

#[tokio::test]
async fn an_identity_provider_is_trusted_with_the_second_factor_only_where_the_settings_say_so() {
    let server = TestServer::start().await;
    server.settings(|settings| settings.second_factors.required_for = [Privilege::Auditor].into()).await;
    role_rules(&server, &[("it", Privilege::Auditor)]).await;
    let led_to = async |method| {
        let StaffAdmission::In { key, .. } = admit(&server, &proof(method, &["it"])).await else { panic!("refused") };
        let with = HeaderMap::from_iter([(COOKIE, format!("__Host-muster-console={key}").parse().unwrap())]);
        Browser::new(&server).get_with("/console/devices", with).await.location().to_owned()
    };
    let set_up = "/console/account/factors/new";
    for method in [DIRECTORY, SignInMethodName::OpenIdConnect, SignInMethodName::Saml] {
        assert_eq!(led_to(method).await, set_up, "{method:?}");
    }
    // Bypasses the checks, which look for the directory in the configuration.
    let before = server.app().settings.current().await.unwrap();
    let mut after = before.clone();
    after.second_factors.trust_single_sign_on = true;
    let changed = events::settings::SettingsEvent::between(&before, &after, None);
    harness::desk::write(&server, &events::settings::stream(), server.app().platform.world.now(), changed).await;
    assert_eq!(led_to(SignInMethodName::Saml).await, "", "in");
    assert_eq!(led_to(DIRECTORY).await, set_up, "a directory does not ask for a second factor itself");
    server.stop().await;
}
