//! The forms of the portal.

use super::Proof::{None, Test, Walked};
use super::{Proof, Watch, hold};
use events::Event;
use events::enrollment::{EnrollmentEvent, FormRefusal, Ownership};
use events::settings::Terms;
use events::staff::Privilege;
use harness::TestServer;
use harness::guest::PASSWORD;
use harness::guest::{Answer, Guest, iphone};
use scraper::{Html, Selector};
use sign_in::sum_up_refusals;
use std::collections::BTreeSet;

const ROWS: [(&str, Proof); 17] = [
    ("/enroll/ca", Walked),
    ("/enroll/device", None("sets a cookie; VisitOpened records the resulting platform")),
    ("/enroll/for-whom", Walked),
    (
        "/enroll/hand-over",
        Test { event: "AccessTokenIssued", name: "what_happened_stands_in_the_log_and_in_the_record" },
    ),
    (
        "/enroll/invitation",
        Test { event: "InvitationCodeRefused", name: "a_wrong_code_is_refused_and_recorded_and_opens_no_enrollment" },
    ),
    ("/enroll/language", Walked),
    ("/enroll/managed-apple-id", Walked),
    ("/enroll/mdm", None("leads to the last page; the device itself reports the result")),
    ("/enroll/ownership", Walked),
    (
        "/enroll/previous",
        Test { event: "PreviousRecordsNoted", name: "who_has_an_enrolled_device_is_told_what_to_do_about_it_first" },
    ),
    ("/enroll/sign-in", Walked),
    (
        "/enroll/sign-in/{provider}",
        Test { event: "SingleSignOnBegun", name: "an_answer_opens_one_door_once_even_after_a_restart" },
    ),
    ("/enroll/sign-out", Walked),
    (
        "/enroll/sso/{provider}/acs",
        Test { event: "SingleSignOnRefused", name: "every_attack_is_refused_with_an_event_that_says_why" },
    ),
    ("/enroll/terms", Walked),
    ("/enroll/terms/decline", Walked),
    (
        "/invitation/{token}",
        Test { event: "InvitationOpened", name: "a_link_is_opened_by_its_button_and_used_by_the_sign_in" },
    ),
];

/// Returns the paths that accept a form, from the routes of the portal.
fn routes() -> BTreeSet<String> {
    let source = include_str!("../../../src/portal.rs");
    let services = source.split(".service(").skip(1).filter(|one| one.contains("form!(") || one.contains("post()"));
    services.map(|one| one.split('"').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn every_form_of_the_portal_has_a_row() {
    hold(&routes(), &ROWS);
}

fn of_form(event: Event) -> Option<FormRefusal> {
    match event {
        Event::Enrollment(EnrollmentEvent::FormRefused { why }) => Option::Some(why),
        _ => Option::None,
    }
}

fn hidden(page: &Answer, name: &str) -> String {
    let document = Html::parse_document(&page.body);
    let field = Selector::parse(&format!("input[name={name}]")).unwrap();
    document.select(&field).next().unwrap().attr("value").unwrap().to_owned()
}

async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    server.add_user("tess", PASSWORD, &[Privilege::EnrollForOthers]).await;
    let terms = Terms { version: "1".into(), text: [("en".to_owned(), "Please **read**.".to_owned())].into() };
    server
        .settings(|settings| {
            settings.terms.insert(Ownership::Personal, terms);
            settings.managed_apple_id_domains.insert("example.com".into());
        })
        .await;
    server
}

async fn to_the_terms(guest: &mut Guest) -> Answer {
    guest.sign_in("ada", PASSWORD).await;
    guest.get("/enroll/ownership").await;
    guest.post("/enroll/ownership", &[("ownership", "personal")]).await;
    guest.get("/enroll/terms").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_is_refused_or_changes_at_the_portal_leaves_a_fact() {
    let server = server().await;
    let (mut watch, mut guest) = (Watch::begin(&server).await, Guest::new(&server, &iphone("17.5")));
    guest.sign_in("ada", "wrong").await;
    watch.left("SignInRefused", "a wrong password").await;
    guest.get("/enroll/sign-in").await;
    guest.post("/enroll/language", &[("language", "de")]).await;
    assert_eq!(watch.news().await, Vec::<String>::new(), "before sign-in the language is recorded with the next event");
    guest.sign_in("ada", PASSWORD).await;
    watch.left("LanguageChosen", "signing in with another language than the enrollment began with").await;
    guest.get("/enroll/ownership").await;
    guest.post("/enroll/language", &[("language", "en")]).await;
    watch.left("LanguageChosen", "another language").await;
    guest.get("/enroll/ownership").await;
    guest.post("/enroll/language", &[("language", "en")]).await;
    assert_eq!(watch.news().await, Vec::<String>::new(), "choosing the same language is not recorded");

    guest.get("/enroll/ownership").await;
    guest.post("/enroll/ownership", &[]).await;
    assert_eq!(watch.news_of(of_form).await, [FormRefusal::OwnershipNotChosen]);
    let terms = to_the_terms(&mut guest).await;
    watch.left("OwnershipChosen", "a choice").await;
    let fields = ["version", "text_language", "text_hash"].map(|name| (name, hidden(&terms, name)));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    guest.post("/enroll/terms", &[fields[0], fields[1], ("text_hash", "another")]).await;
    assert_eq!(watch.news_of(of_form).await, [FormRefusal::TermsChanged]);
    guest.post("/enroll/terms", &fields).await;
    watch.left("TermsAccepted", "accepting the terms").await;

    let page = guest.get("/enroll/ca").await;
    guest.post("/enroll/ca", &[]).await;
    assert_eq!(watch.news_of(of_form).await, [FormRefusal::CaProfileNotTaken]);
    guest.get(&page.link("profile")).await;
    guest.post("/enroll/ca", &[]).await;
    watch.left("CaInstallReported", "\"I have installed it\"").await;
    guest.get("/enroll/managed-apple-id").await;
    for (typed, why) in
        [("nonsense", FormRefusal::ManagedAppleIdInvalid), ("ada@example.org", FormRefusal::ManagedAppleIdDomain)]
    {
        guest.post("/enroll/managed-apple-id", &[("managed_apple_id", typed)]).await;
        assert_eq!(watch.news_of(of_form).await, [why]);
    }
    guest.post("/enroll/managed-apple-id", &[("managed_apple_id", "ada@example.com")]).await;
    watch.left("ManagedAppleIdGiven", "a Managed Apple ID").await;
    guest.get("/enroll/mdm").await;
    guest.post("/enroll/sign-out", &[]).await;
    watch.left("SignedOut", "signing out").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_the_terms_is_on_record_with_them_and_signed_out() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let terms = to_the_terms(&mut guest).await;
    assert!(terms.body.contains("action=\"/enroll/terms/decline\""), "{}", terms.body);
    let mut watch = Watch::begin(&server).await;
    assert_eq!(guest.post("/enroll/terms/decline", &[]).await.led_to(), Some("/enroll/sign-in"));
    assert_eq!(watch.news().await, ["TermsDeclined", "SignedOut"]);
    assert_eq!(guest.get("/enroll").await.led_to(), Some("/enroll/sign-in"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_found_in_no_directory_leaves_a_fact() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("tess", PASSWORD).await;
    guest.get("/enroll/for-whom").await;
    let mut watch = Watch::begin(&server).await;
    guest.post("/enroll/for-whom", &[("for_user", "nobody")]).await;
    assert_eq!(watch.news_of(of_form).await, [FormRefusal::DirectoryUnavailable], "no directory is configured");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_device_that_is_offered_no_more_leaves_a_fact() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    guest.get("/enroll/ownership").await;
    server.settings(|settings| settings.ownership_kinds.retain(|kind| *kind != Ownership::Institutional)).await;
    let mut watch = Watch::begin(&server).await;
    guest.post("/enroll/ownership", &[("ownership", "institutional")]).await;
    assert_eq!(watch.news_of(of_form).await, [FormRefusal::OwnershipNotOffered]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_writes_equal_refusals_once_and_counts_the_others_and_a_few_changes_of_language() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    guest.get("/enroll/ownership").await;
    let mut watch = Watch::begin(&server).await;
    for _ in 0..5 {
        guest.post("/enroll/ownership", &[]).await;
    }
    assert_eq!(watch.news().await, ["FormRefused"]);
    sum_up_refusals(&server.app().sign_in, true).await;
    let log = server.whole_log().await;
    let (_, data) = log.last().unwrap().event.to_parts();
    assert_eq!((watch.news().await, data["count"].as_u64()), (vec!["RefusalsSuppressed".to_owned()], Some(4)));

    for nth in 0..40 {
        let language = if nth % 2 == 0 { "de" } else { "en" };
        guest.post("/enroll/language", &[("language", language)]).await;
    }
    assert_eq!(watch.news().await, vec!["LanguageChosen"; 3]);
    guest.post("/enroll/ownership", &[("ownership", "personal")]).await;
    guest.get("/enroll/terms").await;
    let another = [("version", "1"), ("text_language", "en"), ("text_hash", "another")];
    guest.post("/enroll/terms", &another).await;
    let why = [FormRefusal::TermsChanged];
    assert_eq!(watch.news_of(of_form).await, why, "harmless events do not use the budget of refusals");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_serves_twenty_profiles_and_counts_whoever_asks_for_more() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let terms = to_the_terms(&mut guest).await;
    let fields = ["version", "text_language", "text_hash"].map(|name| (name, hidden(&terms, name)));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    guest.post("/enroll/terms", &fields).await;
    let link = guest.get("/enroll/ca").await.link("profile");
    let mut watch = Watch::begin(&server).await;
    for _ in 0..20 {
        assert_eq!(guest.get(&link).await.status, 200);
    }
    assert_eq!(watch.news().await, vec!["CaProfileServed"; 20]);
    assert_eq!(guest.get(&link).await.status, 429);
    sum_up_refusals(&server.app().sign_in, true).await;
    assert_eq!(watch.news().await, ["RefusalsSuppressed"]);
    server.stop().await;
}
