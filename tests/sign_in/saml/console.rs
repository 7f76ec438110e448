//! Staff sign in at a SAML provider: only with an answer to their own request, never with an answer for the portal.

use super::corpus::attacks;
use super::forge::{Facts, Signing, field};
use super::simplesamlphp::SimpleSaml;
use super::{CONSUMER, Forged, SCHOOL, faults, post, request_id, server_with};
use events::enrollment::SingleSignOnFault as Fault;
use events::settings::{RoleRule, Who};
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::{Answer, Browser};
use std::collections::BTreeSet;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

const CONSOLE: &str = "/console/sso/school/acs";
const CONSOLE_RETURN: &str = "/console/sso/school/return";

/// Offers the provider at the console, and gives its group the auditor role.
pub async fn open_to(server: &TestServer, group: &str) {
    let rule = RoleRule {
        who: Who::Group(group.into()),
        provider: Some(SCHOOL.into()),
        roles: BTreeSet::from([Privilege::Auditor]),
    };
    server
        .settings(|settings| {
            settings.sign_in.staff.single_sign_on = vec![SCHOOL.into()];
            settings.staff_roles = vec![rule];
        })
        .await;
}

pub async fn set_out(browser: &Browser, next: &str) -> String {
    let csrf = browser.get("/console/sign-in").await.csrf();
    let answer = browser.post("/console/sign-in/with/school", &[("csrf", &csrf), ("next", next)]).await;
    answer.attribute("a#onward", "href").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body))
}

pub fn for_console(forged: &Forged, request: &str) -> Facts {
    Facts { consumer: format!("{}{CONSOLE}", forged.server.url()), ..forged.facts(request) }
}

/// Posts the answer and follows the redirect, in one browser.
pub async fn come_back(browser: &Browser, field: &str) -> Answer {
    let posted = browser.post_from("https://idp.example.test", CONSOLE, &[("SAMLResponse", field)]).await;
    assert_eq!(posted.location(), CONSOLE_RETURN);
    browser.get(CONSOLE_RETURN).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_signs_in_at_a_real_provider() {
    let Some(idp) = SimpleSaml::start("saml-staff").await else { return };
    let server = server_with(World::system(), &idp.metadata().await, |_| {}).await;
    idp.knows(&server, |text| text).await;
    open_to(&server, "physics").await;
    let browser = Browser::new(&server);
    let onward = set_out(&browser, "/console/audit").await;
    let (action, field) = idp.log_in(&onward, "alice").await;
    assert_eq!(action, format!("{}{CONSOLE}", server.url()));
    let answer = come_back(&browser, &field).await;
    assert_eq!((answer.status, answer.location()), (303, "/console/audit"), "{}", answer.body);
    assert_eq!(browser.get("/console/audit").await.status, 200);
    // A person without a role gets the same answer as everyone else.
    let browser = Browser::new(&server);
    let (_, field) = idp.log_in(&set_out(&browser, "").await, "bob").await;
    assert_eq!(come_back(&browser, &field).await.status, 401);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_opens_the_console_once_in_the_browser_that_asked_and_never_unasked() {
    let mut forged = Forged::start(World::system(), |config| config.allow_unsolicited = true).await;
    open_to(&forged.server, "staff").await;
    let (staff, thief) = (Browser::new(&forged.server), Browser::new(&forged.server));
    let request = request_id(&set_out(&staff, "").await);
    set_out(&thief, "").await;
    let good = field(&forged.idp.with_both_signed(&for_console(&forged, &request)));
    assert_eq!(come_back(&thief, &good).await.status, 401, "the answer does not work in another browser");
    let status = staff.get(CONSOLE_RETURN).await.status;
    assert_eq!(status, 401, "an answer posted by another browser does not sign in the requester");
    let request = request_id(&set_out(&staff, "").await);
    let good = field(&forged.idp.with_both_signed(&for_console(&forged, &request)));
    assert_eq!(come_back(&staff, &good).await.status, 303);
    assert_eq!(staff.get("/console/audit").await.status, 200);
    forged.server.restart().await;
    assert_eq!(come_back(&Browser::new(&forged.server), &good).await.status, 401);
    // An unsolicited answer: `allow_unsolicited` applies only to the portal.
    let facts = for_console(&forged, "_x");
    let unasked = |text: String| text.replace("InResponseTo=\"_x\" ", "");
    let assertion = forged.idp.signed(&unasked(facts.assertion()), &facts.assertion_id(), &Signing::default());
    let unasked = field(&unasked(facts.response(&assertion)));
    assert_eq!(come_back(&Browser::new(&forged.server), &unasked).await.status, 401);
    assert_eq!(faults(&forged.server).await, [Fault::Replayed, Fault::Unsolicited]);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_the_portal_does_not_open_the_console_nor_the_other_way_round() {
    let forged = Forged::start(World::system(), |_| {}).await;
    open_to(&forged.server, "staff").await;
    let browser = Browser::new(&forged.server);
    let request = request_id(&set_out(&browser, "").await);
    let for_portal = forged.answer(&request);
    assert_eq!(come_back(&browser, &for_portal).await.status, 401);
    // The answer to a request of the console, sent to the portal: the portal has no such request.
    let browser = Browser::new(&forged.server);
    let request = request_id(&set_out(&browser, "").await);
    post(&forged.server, CONSUMER, &forged.answer(&request)).await;
    // The answer to a request of the portal, sent to the console.
    let (mut guest, request) = forged.begin().await;
    let answer = field(&forged.idp.with_both_signed(&for_console(&forged, &request)));
    assert_eq!(come_back(&browser, &answer).await.status, 401);
    assert_eq!(guest.get(super::RETURN).await.status, 401);
    assert_eq!(faults(&forged.server).await, [Fault::WrongDestination, Fault::Unsolicited, Fault::Unsolicited]);
    forged.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_refused_at_the_console_as_well() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let forged = Forged::start(World::at(clock.clone()), |_| {}).await;
    open_to(&forged.server, "staff").await;
    let attacks = attacks(&forged.idp, &|| for_console(&forged, "_request"), "127.0.0.1:9");
    for (nth, attack) in attacks.iter().enumerate() {
        if nth % 60 == 59 {
            clock.advance_seconds(60);
        }
        let answer = post(&forged.server, CONSOLE, &attack.field).await;
        assert_eq!(answer.led_to(), Some(CONSOLE_RETURN), "{}: {} {}", attack.name, answer.status, answer.body);
    }
    let recorded: Vec<String> = faults(&forged.server).await.iter().map(|fault| format!("{fault:?}")).collect();
    let expected: Vec<&str> = attacks.iter().map(|attack| attack.fault).collect();
    assert_eq!(recorded, expected);
    forged.server.stop().await;
}
