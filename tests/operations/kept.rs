//! This program opens an installation that an earlier program wrote: all data is readable, and devices, administrators
//! and people continue.

use events::Event;
use events::enrollment::EnrollmentEvent;
use harness::TestServer;
use harness::binary::muster_at;
use harness::desk::Browser;
use harness::kept::{PASSWORD, kept};
use projections::devices::{DeviceFilter, State};
use simulator::model::{Family, Hardware};
use simulator::safari::{Opened, Safari};

/// Number of events in the kept log.
const EVENTS: usize = 124;

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_read_a_kept_installation_before_any_server_opened_it() {
    let (_directory, config) = kept().await;
    let settings = muster_at(&config, &["settings", "show"], "").expect_success();
    for line in ["organization = \"Kept School of 2026\"", "from_ios_15 = false", "en = \"Be kind.\""] {
        assert!(settings.contains(line), "{line} is missing in {settings}");
    }
    let users = muster_at(&config, &["user", "list"], "").expect_success();
    for user in ["ada", "grace", "berta", "reporter"] {
        assert!(users.contains(user), "{user} is missing in {users}");
    }
    let copy = config.with_file_name("copy");
    let copied = muster_at(&config, &["backup", copy.to_str().unwrap()], "").expect_success();
    assert!(copied.contains(&format!("{EVENTS} events in 27 streams")), "{copied}");
    let replayed = muster_at(&config, &["replay"], "").expect_success();
    assert!(replayed.contains(" events folded"), "{replayed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_devices_of_a_kept_installation_are_shown_and_its_administrator_signs_in() {
    let (directory, config) = kept().await;
    let mut server = TestServer::start_in(directory, &config).await;
    for _ in 0..2 {
        server.caught_up().await;
        assert!(server.whole_log().await.len() >= EVENTS, "every event can be read");
        let page =
            projections::devices::list(&server.app().platform.projections, DeviceFilter::default(), 10).await.unwrap();
        let states: Vec<_> = page.devices.iter().map(|device| device.state).collect();
        assert_eq!(states, [State::Enrolled; 4]);
        let browser = Browser::new(&server);
        let answer = browser.sign_in("grace", PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        for device in &page.devices {
            let shown = browser.get(&format!("/console/devices/{}", device.id)).await;
            assert_eq!(shown.status, 200, "{}", shown.body);
            assert!(shown.body.contains("ada") && shown.body.contains("iPhone"), "{}", shown.body);
        }
        let trail = browser.get("/console/audit").await;
        assert_eq!(trail.status, 200);
        server.restart().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_a_kept_installation_signs_in_again_and_is_the_same_person() {
    let (directory, config) = kept().await;
    let server = TestServer::start_in(directory, &config).await;
    let known = people_signed_in(&server).await;
    let user_agent = Hardware::new(Family::IPhone, "17.5".parse().unwrap()).user_agent();
    let mut safari = Safari::new(user_agent, true, Default::default());
    let address = format!("{}/enroll", server.url());
    safari.proceed_in_spite_of_warning(&address).await.unwrap();
    safari.open(&address).await.unwrap();
    let opened = safari.send_form("continue", &[("user_name", "ada"), ("password", PASSWORD)]).await.unwrap();
    assert!(matches!(opened, Opened::Page(_)), "the sign-in leads to a page");
    let now = people_signed_in(&server).await;
    assert_eq!(now.len(), known.len() + 1);
    assert!(now.iter().all(|person| *person == known[0]), "{now:?}");
    server.stop().await;
}

/// Returns the person of each sign-in, in the order of the log.
async fn people_signed_in(server: &TestServer) -> Vec<events::person::PersonId> {
    let events = server.events_of("enrollment").await;
    let person = |event| match event {
        Event::Enrollment(EnrollmentEvent::UserSignedIn { person, .. }) => Some(person),
        _ => None,
    };
    events.into_iter().filter_map(person).collect()
}
