//! Tests of devices enrolled for another person: the user, the rules and terms that apply, and the recorded actor.

use super::{entries, guest, rules, server_with, text};
use decisions::person::{Account, Person};
use events::enrollment::{EnrollmentEvent, FormRefusal, Ownership};
use events::person::PersonEvent;
use events::settings::Terms;
use events::staff::Privilege;
use events::{Event, StreamName};
use harness::cast::{self, Scene, Visitor, id_of};
use harness::directory::slapd::{self, Slapd};
use harness::guest::PASSWORD;
use harness::test_name;
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::walk::Ending;

const FOR_OTHERS: [Privilege; 1] = [Privilege::EnrollForOthers];

#[tokio::test(flavor = "multi_thread")]
async fn a_device_enrolled_for_somebody_is_theirs_and_both_names_are_in_the_events() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let directory = harness::directory::config(&slapd);
    let scene = Scene::set_with(|config| config.identity.directory.push(directory)).await;
    scene.server.add_user("carol", cast::PASSWORD, &FOR_OTHERS).await;
    scene
        .server
        .settings(|settings| {
            settings.sign_in.enrollment.directories = vec!["main".into()];
            // The rules apply to the future user of the device. Carol herself may enroll nothing.
            settings.access = rules(
                "[[access]]\nname = 'Physicists'\nwho = { claim = { name = 'department', value = 'Physics' } }\n\
                 enroll = ['personal']",
            );
        })
        .await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    walk.person.user_name = "carol".into();
    walk.enrolls_for = Some("Ada".into());
    let ending = walk.run(&scene.address(), &mut Nobody).await.unwrap();
    assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
    scene.answer_first_commands(&mut walk.device).await;

    let id = id_of(&walk.device);
    let happened = scene.server.log_of(&id.enrollment().stream()).await;
    let signed_in = happened.iter().find_map(|entry| match &entry.event {
        Event::Enrollment(EnrollmentEvent::UserSignedIn { person, user_name, .. }) => Some((*person, user_name.text())),
        _ => None,
    });
    let assigned = happened.iter().find_map(|entry| match &entry.event {
        Event::Enrollment(EnrollmentEvent::EnrollmentAssigned { person, user_name, .. }) => {
            Some((*person, user_name.text(), entry.actor.id.clone()))
        }
        _ => None,
    });
    let ((carol, "carol"), (ada, "ada", by)) = (signed_in.unwrap(), assigned.unwrap()) else {
        panic!("{happened:#?}");
    };
    assert_ne!(carol, ada);
    assert_eq!(by, carol.to_string(), "the actor is carol");
    let decided = happened.iter().any(|entry| {
        matches!(&entry.event, Event::Enrollment(EnrollmentEvent::AccessDecided { access })
            if access.rule.as_deref() == Some("Physicists") && access.provider == "main")
    });
    assert!(decided, "{happened:#?}");
    assert_eq!(scene.server.app().platform.device(id).await.unwrap().person, Some(ada));
    scene.server.caught_up().await;
    let record = projections::devices::get(&scene.server.app().platform.projections, id, None).await.unwrap().unwrap();
    assert_eq!((record.person, record.user_name.as_deref()), (Some(ada), Some("ada")));
    let (person, _) = scene.server.app().platform.load::<Person>(&ada.stream()).await.unwrap();
    assert_eq!(person.attributes.mail.clone().unwrap().text(), "ada@example.test");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_name_both_and_fill_in_what_is_known_of_whose_device_it_will_be() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server_with(&slapd).await;
    server.add_user("carol", PASSWORD, &FOR_OTHERS).await;
    let terms = Terms { version: "1".into(), text: [("en".to_owned(), "Be kind.".to_owned())].into() };
    server
        .settings(|settings| {
            settings.ownership_kinds = [Ownership::Personal].into();
            settings.skip_ca_profile = true;
            settings.terms = [(Ownership::Personal, terms)].into();
        })
        .await;
    let mut carol = guest(&server, "17.5");
    assert_eq!(carol.sign_in("carol", PASSWORD).await.led_to(), Some("/enroll/for-whom"));
    let asked = carol.get("/enroll/for-whom").await;
    assert!(!text(&asked).contains("It is for me"), "carol may not enroll a device for herself");
    assert_eq!(carol.post("/enroll/for-whom", &[("oneself", "yes")]).await.status, 400);
    carol.get("/enroll/for-whom").await;
    assert_eq!(carol.post("/enroll/for-whom", &[("for_user", " ADA ")]).await.led_to(), Some("/enroll/terms"));
    let page = carol.get("/enroll/terms").await;
    let said = text(&page);
    assert!(said.contains("Signed in as carol, enrolling for ada"), "{said}");
    assert!(said.contains("You are enrolling this device for ada. Accept only if ada agrees."), "{said}");
    let value = |name: &str| {
        let rest = page.body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let (version, hash) = (value("version"), value("text_hash"));
    let form = [("version", version.as_str()), ("text_language", "en"), ("text_hash", hash.as_str())];
    assert_eq!(carol.post("/enroll/terms", &form).await.led_to(), Some("/enroll/managed-apple-id"));
    let page = carol.get("/enroll/managed-apple-id").await;
    assert!(page.body.contains("value=\"ada@school.example\""), "{}", page.body);
    // Carol's acceptance does not bind ada: ada must accept the terms when she signs in herself.
    assert_eq!(guest(&server, "17.5").sign_in("ada", slapd::PASSWORD).await.led_to(), Some("/enroll/terms"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_enroll_for_others_and_themselves_has_a_button_for_that() {
    let server = harness::TestServer::start().await;
    server.add_user("carol", PASSWORD, &[Privilege::Enroll, Privilege::EnrollForOthers]).await;
    let mut carol = guest(&server, "17.5");
    carol.sign_in("carol", PASSWORD).await;
    assert!(text(&carol.get("/enroll/for-whom").await).contains("It is for me"));
    let nobody = carol.post("/enroll/for-whom", &[("for_user", "ada")]).await;
    assert!(nobody.status == 422 && text(&nobody).contains("No directory is turned on"), "{}", text(&nobody));
    assert_eq!(carol.post("/enroll/for-whom", &[("oneself", "yes")]).await.led_to(), Some("/enroll/ownership"));
    assert!(text(&carol.get("/enroll/ownership").await).contains("Signed in as carol"));
    let types: Vec<String> = entries(&server).await.iter().map(|entry| entry.event.type_name()).collect();
    assert_eq!(types, ["VisitOpened", "UserSignedIn", "AssignmentOffered", "FormRefused", "AssignmentDeclined"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_are_said_to_be_unknown_a_few_times_and_then_have_to_wait() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let mut slapd = Slapd::start();
    let server = server_with(&slapd).await;
    server.add_user("carol", PASSWORD, &FOR_OTHERS).await;
    let mut carol = guest(&server, "17.5");
    carol.sign_in("carol", PASSWORD).await;
    carol.get("/enroll/for-whom").await;
    slapd.pause();
    let unavailable = carol.post("/enroll/for-whom", &[("for_user", "ada")]).await;
    assert_eq!(unavailable.status, 503);
    assert!(text(&unavailable).contains("does not respond at the moment"), "{}", text(&unavailable));
    slapd.go_on();
    for name in ["nobody", "*", "twin", "ada)(uid=*", " "] {
        let unknown = carol.post("/enroll/for-whom", &[("for_user", name)]).await;
        assert_eq!(unknown.status, 422, "{name:?}");
        assert!(text(&unknown).contains("has no person with this user name"), "{}", text(&unknown));
    }
    let throttled = carol.post("/enroll/for-whom", &[("for_user", "ada")]).await;
    assert_eq!((throttled.status, throttled.header("retry-after").is_empty()), (429, false));
    assert!(text(&throttled).contains("Too many unknown user names"), "{}", text(&throttled));
    let refused = entries(&server).await.into_iter().filter_map(|entry| match entry.event {
        Event::Enrollment(EnrollmentEvent::FormRefused { why }) => Some(why),
        _ => None,
    });
    let whys = [FormRefusal::DirectoryUnavailable, FormRefusal::PersonUnknown, FormRefusal::Throttled];
    assert_eq!(refused.collect::<Vec<_>>(), whys, "repeated refusals are recorded once");
    // Looking up a person does not create a person.
    let people = server.events_of("person").await;
    let known = people.iter().filter(|event| matches!(event, Event::Person(PersonEvent::PersonKnown { .. }))).count();
    assert_eq!(known, 1, "only carol: {people:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_device_is_enrolled_for_is_the_person_who_signs_in_later() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server_with(&slapd).await;
    server.add_user("carol", PASSWORD, &FOR_OTHERS).await;
    let mut carol = guest(&server, "17.5");
    carol.sign_in("carol", PASSWORD).await;
    carol.get("/enroll/for-whom").await;
    carol.post("/enroll/for-whom", &[("for_user", "alan")]).await;
    guest(&server, "17.5").sign_in("alan", slapd::PASSWORD).await;
    let mut accounts = Vec::new();
    for entry in entries(&server).await {
        match entry.event {
            Event::Enrollment(EnrollmentEvent::EnrollmentAssigned { person, account, .. }) => {
                accounts.push((person, account))
            }
            Event::Enrollment(EnrollmentEvent::UserSignedIn { person, account, user_name, .. })
                if user_name.text() == "alan" =>
            {
                accounts.push((person, account));
            }
            _ => {}
        }
    }
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[0], accounts[1]);
    let stream = StreamName::of("account", &accounts[0].1);
    assert_eq!(server.app().platform.load::<Account>(&stream).await.unwrap().0.person, Some(accounts[0].0));
    server.stop().await;
}
