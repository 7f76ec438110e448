//! Tests that a revoked permission takes effect at once, even during an enrollment.

use super::{entries, guest, rules, server_with};
use events::enrollment::{EnrollmentEvent, EnrollmentKind, IdentityRefusal};
use events::envelope::EventId;
use events::log::Draft;
use events::person::{PersonEvent, PersonId};
use events::store::Expected;
use events::{Actor, ActorKind, Event};
use harness::TestServer;
use harness::devices::{self, HOLDER, KEYS, invite, scep_payload};
use harness::directory::slapd::{self, Slapd};
use harness::guest::{PASSWORD, server};
use harness::test_name;
use simulator::scep;
use staff::administration::Request;

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_was_served_before_issues_nothing_once_the_account_is_disabled() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::DeviceEnrollment).await;
    let ask =
        async || scep::enroll(&server.client(), &scep_payload(&server, &invited.challenge), devices::IOS, &KEYS).await;
    server.execute(Request::DisableUser { user_name: HOLDER.into() }).await;
    assert!(ask().await.is_err());
    let refused = EnrollmentEvent::IdentityRefused { why: IdentityRefusal::NotPermitted };
    assert_eq!(entries(&server).await.pop().unwrap().event, Event::Enrollment(refused));
    let issued =
        |entries: &[events::log::Entry]| entries.iter().any(|entry| entry.event.type_name() == "IdentityIssued");
    assert!(!issued(&entries(&server).await));
    // Enabling the account again is sufficient, so only the account was the reason.
    server.execute(Request::EnableUser { user_name: HOLDER.into() }).await;
    ask().await.unwrap();
    assert!(issued(&entries(&server).await));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_ends_when_its_way_of_signing_in_is_switched_off() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server_with(&slapd).await;
    server.add_user("carol", PASSWORD, &[events::staff::Privilege::Enroll]).await;
    let mut of_directory = guest(&server, "17.5");
    of_directory.sign_in("ada", slapd::PASSWORD).await;
    let mut local = guest(&server, "17.5");
    local.sign_in("carol", PASSWORD).await;
    server.settings(|settings| settings.sign_in.enrollment.directories.clear()).await;
    assert_eq!(of_directory.get("/enroll/ownership").await.led_to(), Some("/enroll/sign-in"));
    assert_eq!(local.get("/enroll/ownership").await.status, 200);
    server
        .settings(|settings| {
            settings.sign_in.enrollment.directories = vec!["main".into()];
            settings.sign_in.enrollment.local_accounts = false;
        })
        .await;
    assert_eq!(of_directory.get("/enroll/ownership").await.status, 200);
    assert_eq!(local.get("/enroll/ownership").await.led_to(), Some("/enroll/sign-in"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_ends_when_the_rule_that_decided_is_gone_or_grants_less() {
    let server = server().await;
    let all = "[[access]]\nname = 'All'\nwho = 'everyone'\nenroll = ['personal', 'institutional']";
    let less = "[[access]]\nname = 'All'\nwho = 'everyone'\nenroll = ['personal']";
    let other = "[[access]]\nname = 'Other'\nwho = 'everyone'\nenroll = ['personal', 'institutional']";
    for taken in [less, other] {
        server.settings(|settings| settings.access = rules(all)).await;
        let mut guest = guest(&server, "17.5");
        guest.sign_in("ada", PASSWORD).await;
        assert_eq!(guest.get("/enroll/ownership").await.status, 200);
        server.settings(|settings| settings.access = rules(taken)).await;
        assert_eq!(guest.get("/enroll/ownership").await.led_to(), Some("/enroll/sign-in"));
    }
    // Rules are added where none existed: the enrollments in progress must be decided again.
    server.settings(|settings| settings.access.clear()).await;
    let mut guest = guest(&server, "17.5");
    guest.sign_in("ada", PASSWORD).await;
    server.settings(|settings| settings.access = rules(all)).await;
    assert_eq!(guest.get("/enroll/ownership").await.led_to(), Some("/enroll/sign-in"));
    server.stop().await;
}

async fn erase(server: &TestServer, person: PersonId) {
    let app = server.app();
    let draft = Draft {
        id: EventId::fresh(&app.platform.world),
        at: app.platform.world.now(),
        actor: Actor::new(ActorKind::Operator, "test"),
        source: None,
        correlation: app.platform.world.uuid(),
        causation: None,
        event: PersonEvent::PersonErased {}.into(),
    };
    app.platform.log.append(&person.stream(), Expected::Any, vec![draft]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_who_signs_in_again_is_somebody_new() {
    let server = server().await;
    let person = async || {
        let signed_in = entries(&server).await.into_iter().rev().find_map(|entry| match entry.event {
            Event::Enrollment(EnrollmentEvent::UserSignedIn { person, .. }) => Some(person),
            _ => None,
        });
        signed_in.unwrap()
    };
    let mut before = guest(&server, "17.5");
    before.sign_in("ada", PASSWORD).await;
    let forgotten = person().await;
    erase(&server, forgotten).await;
    assert_eq!(guest(&server, "17.5").sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/ownership"));
    let known = person().await;
    assert_ne!(known, forgotten);
    assert_eq!(server.log_of(&forgotten.stream()).await.last().unwrap().event, PersonEvent::PersonErased {}.into());
    // Later sign-ins resolve to the same new person.
    guest(&server, "17.5").sign_in("ada", PASSWORD).await;
    assert_eq!(person().await, known);
    server.stop().await;
}
