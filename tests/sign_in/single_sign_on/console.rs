//! Staff sign in at an identity provider: its groups determine their roles, and only an answer to their own request is
//! accepted.

use super::provider::AtProvider;
use super::{SCHOOL, faults, parameter, school, school_with};
use events::Event;
use events::enrollment::{SignInMethodName, SignInRefusal, SingleSignOnFault as Fault};
use events::settings::{RoleRule, Who};
use events::staff::{Privilege, StaffEvent};
use events::system::RefusalEvent;
use harness::TestServer;
use harness::desk::{Answer, Browser};
use std::collections::BTreeSet;
use std::sync::Arc;
use world::{ManualClock, World};

const CALLBACK: &str = "/console/sso/school/callback";

/// Offers the provider at the console, and gives its group `staff` the auditor role.
pub async fn open_to_staff(server: &TestServer) {
    let rule = RoleRule {
        who: Who::Group("staff".into()),
        provider: Some(SCHOOL.into()),
        roles: BTreeSet::from([Privilege::Auditor]),
    };
    server
        .settings(|settings| {
            settings.sign_in.enrollment.single_sign_on = vec![];
            settings.sign_in.staff.single_sign_on = vec![SCHOOL.into()];
            settings.staff_roles = vec![rule];
        })
        .await;
}

/// Clicks the button. Returns the provider's address to which the page leads.
pub async fn set_out(browser: &Browser, next: &str) -> String {
    let answer = click(browser, next).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let onward = answer.attribute("a#onward", "href").unwrap();
    assert_eq!(answer.headers["refresh"].to_str().unwrap(), format!("0; url={onward}"));
    onward
}

async fn click(browser: &Browser, next: &str) -> Answer {
    let csrf = browser.get("/console/sign-in").await.csrf();
    browser.post("/console/sign-in/with/school", &[("csrf", &csrf), ("next", next)]).await
}

async fn sign_in(server: &TestServer, browser: &Browser, login: &str) -> Answer {
    let onward = set_out(browser, "").await;
    let back = AtProvider::new(server).log_in(&onward, login).await;
    browser.get(&back).await
}

#[track_caller]
fn assert_told_nothing(answer: &Answer) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert!(answer.body.contains("You were not signed in. Try again:"), "{}", answer.body);
    assert_eq!(answer.texts("form#with-school button"), ["Sign in with Example ID"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_signs_in_at_the_provider_and_goes_on_to_the_page_they_wanted() {
    let Some((server, _provider)) = school("staff-single-sign-on").await else { return };
    open_to_staff(&server).await;
    let browser = Browser::new(&server);
    let before = browser.get("/console/sign-in").await.cookie().unwrap();
    let onward = set_out(&browser, "/console/audit?type=DeviceEnrolled").await;
    assert_eq!(parameter(&onward, "redirect_uri"), Some(format!("{}{CALLBACK}", server.url())));
    assert!(!onward.contains("audit"), "the wanted page must not be in the address: {onward}");
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    let answer = browser.get(&back).await;
    assert_eq!((answer.status, answer.location()), (303, "/console/audit?type=DeviceEnrolled"), "{}", answer.body);
    assert_ne!(answer.cookie().unwrap(), before, "a new session has a new key");
    assert_eq!(browser.get("/console/audit").await.status, 200);
    let signed_in = server.events_of("staff").await.into_iter().any(|event| {
        matches!(event, Event::Staff(StaffEvent::StaffSignedIn { method: SignInMethodName::OpenIdConnect, .. }))
    });
    assert!(signed_in);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_role_is_refused_like_anybody_else_and_the_log_knows_why() {
    let Some((server, _provider)) = school("staff-single-sign-on-role").await else { return };
    open_to_staff(&server).await;
    assert_told_nothing(&sign_in(&server, &Browser::new(&server), "bob").await);
    let refusals = server.events_of("refusals").await;
    let [Event::Refusal(RefusalEvent::UnknownStaffRefused { method, reason, .. })] = &refusals[..] else {
        panic!("{refusals:?}")
    };
    assert_eq!((*method, *reason), (SignInMethodName::OpenIdConnect, SignInRefusal::NotEntitled));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_taken_once_in_the_browser_that_asked_and_from_nowhere_else() {
    let Some((server, _provider)) = school("staff-single-sign-on-state").await else { return };
    open_to_staff(&server).await;
    let browser = Browser::new(&server);
    let onward = set_out(&browser, "").await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    assert_told_nothing(&browser.get(&format!("{CALLBACK}?code=c&state=forged")).await);
    assert_told_nothing(&browser.get(&format!("{CALLBACK}?code=c")).await);
    let other = Browser::new(&server);
    assert_told_nothing(&other.get(&back).await);
    set_out(&other, "").await;
    assert_told_nothing(&other.get(&back).await);
    // None of these attempts ended the open request.
    assert_eq!(browser.get(&back).await.status, 303);
    assert_told_nothing(&browser.get(&back).await);
    assert_eq!(faults(&server).await, [Fault::Unsolicited; 5]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_staff_waits_15_minutes() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let world = World::at(clock.clone());
    let Some((server, _provider)) = school_with("staff-single-sign-on-late", world, |_| {}).await else { return };
    open_to_staff(&server).await;
    let browser = Browser::new(&server);
    let onward = set_out(&browser, "").await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    clock.advance_seconds(901);
    assert_told_nothing(&browser.get(&back).await);
    assert_eq!(faults(&server).await, [Fault::Unsolicited]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_sign_on_of_staff_is_a_switch_of_its_own_and_its_answers_open_the_console_alone() {
    let Some((server, _provider)) = school("staff-single-sign-on-switch").await else { return };
    // At first, the provider is offered at the portal only.
    let browser = Browser::new(&server);
    let page = browser.get("/console/sign-in").await;
    assert_eq!(page.texts("form#with-school").len(), 0);
    let asked = browser.post("/console/sign-in/with/school", &[("csrf", &page.csrf()), ("next", "")]).await;
    assert_eq!(asked.status, 404);
    assert_eq!(browser.get(&format!("{CALLBACK}?code=c&state=s")).await.status, 404);
    open_to_staff(&server).await;
    let onward = set_out(&browser, "").await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    // The portal does not accept an answer to a request of the console, whether or not it offers the provider.
    let at_portal = back.replace("/console/", "/enroll/");
    assert_eq!(super::guest(&server).get(&at_portal).await.status, 404);
    server.settings(|settings| settings.sign_in.enrollment.single_sign_on = vec![SCHOOL.into()]).await;
    assert_eq!(super::guest(&server).get(&at_portal).await.status, 401);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_site_sends_staff_to_a_provider_and_nobody_is_led_astray_after_it() {
    let Some((server, _provider)) = school("staff-single-sign-on-csrf").await else { return };
    open_to_staff(&server).await;
    let browser = Browser::new(&server);
    let csrf = browser.get("/console/sign-in").await.csrf();
    let form = [("csrf", csrf.as_str()), ("next", "")];
    assert_eq!(browser.post_from("https://evil.example", "/console/sign-in/with/school", &form).await.status, 403);
    let onward = set_out(&browser, "//evil.example/console/").await;
    let back = AtProvider::new(&server).log_in(&onward, "alice").await;
    let location = browser.get(&back).await.location().to_owned();
    assert!(location.starts_with("/console/"), "{location}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_leaves_staff_their_other_ways() {
    let Some((server, mut provider)) = school("staff-single-sign-on-down").await else { return };
    open_to_staff(&server).await;
    provider.stop();
    let browser = Browser::new(&server);
    assert_told_nothing(&click(&browser, "").await);
    assert_eq!(faults(&server).await, [Fault::ProviderUnavailable]);
    server.add_user("grace", harness::desk::PASSWORD, &[Privilege::Administrator]).await;
    assert_eq!(browser.sign_in("grace", harness::desk::PASSWORD).await.status, 303);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_who_sign_out_are_led_to_sign_out_at_the_provider() {
    let Some((server, _provider)) = school("staff-single-sign-on-sign-out").await else { return };
    open_to_staff(&server).await;
    let browser = Browser::new(&server);
    sign_in(&server, &browser, "alice").await;
    let csrf = browser.get("/console/audit").await.csrf();
    let page = browser.post("/console/sign-out", &[("csrf", &csrf)]).await;
    let leaving: url::Url = page.attribute("a#onward", "href").unwrap().parse().unwrap();
    let after = format!("{}/console/sign-in", server.url());
    assert_eq!(leaving.path(), "/session/end");
    assert_eq!(parameter(leaving.as_str(), "post_logout_redirect_uri"), Some(after));
    assert_eq!(parameter(leaving.as_str(), "id_token_hint"), None);
    assert_ne!(browser.get("/console/audit").await.status, 200);
    server.stop().await;
}
