//! Reactions: each event causes its effect exactly once, also after a crash and after the projections are deleted.
//! Also tests the timer.

use devices::commands::security_info;
use events::Event;
use events::device::{CommandId, DeviceEvent, DeviceId};
use events::enrollment::{EnrollmentEvent, Ownership};
use events::envelope::{Actor, ActorKind};
use events::settings::Terms;
use events::staff::Privilege;
use harness::TestServer;
use harness::cast::{Scene, Visitor, id_of};
use harness::desk::Browser;
use harness::waiting::{self, PATIENCE};
use platform::context::Context;
use simulator::model::{Family, Hardware};
use simulator::safari::Safari;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

async fn ask(scene: &Scene, id: DeviceId) {
    let app = scene.server.app();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    app.devices.queue_command(id, CommandId(app.platform.world.uuid()), &security_info(), &context).await.unwrap();
}

async fn until(server: &TestServer, what: &str, happened: impl Fn(&Event) -> bool) {
    waiting::until(what, async || server.whole_log().await.iter().any(|entry| happened(&entry.event))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_projections_resends_nothing() {
    let mut scene = Scene::set().await;
    let device = scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await;
    ask(&scene, id_of(&device)).await;
    until(&scene.server, "the push", |event| matches!(event, Event::Device(DeviceEvent::DevicePushed { .. }))).await;
    let before = scene.quiet().await;
    let directory = scene.server.app().config.store.directory.clone();
    scene.server.restart_after(|| projections::remove(&directory).unwrap()).await;
    scene.server.caught_up().await;
    assert_eq!(scene.quiet().await, before);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_again_follows_from_what_was_in_force_and_puts_back_nothing_older() {
    let mut scene = Scene::set().await;
    for version in ["1", "2"] {
        let text = [("en".to_owned(), "Be kind.".to_owned())].into();
        let terms = Terms { version: version.into(), text };
        scene.server.settings(|settings| settings.terms = [(Ownership::Personal, terms)].into()).await;
        let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
        walk.person.managed_apple_id = format!("ada{version}@appleid.example.com");
        scene.enroll_in(walk).await;
    }
    let offered = |settings: &mut events::settings::Settings| {
        settings.self_service.store_id = Some(7);
        settings.self_service.licensed = [Ownership::Personal].into();
    };
    scene.server.settings(offered).await;
    let before = scene.quiet().await;
    let directory = scene.server.app().config.store.directory.clone();
    for _ in 0..2 {
        scene.server.restart_after(|| projections::remove(&directory).unwrap()).await;
        scene.server.caught_up().await;
        assert_eq!(scene.quiet().await, before);
    }
    let log = scene.server.whole_log().await;
    let ids: std::collections::HashSet<_> = log.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), log.len(), "no event ID occurs twice");
    scene.strike().await;
}

// The enrollment is in the projections, and its stream was damaged later, as by a failing disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_read_holds_up_nothing_that_is_due_elsewhere() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let mut server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    for _ in 0..2 {
        enrollment(&server).await;
        clock.advance_seconds(1);
    }
    server.caught_up().await;
    let enrollments: Vec<_> =
        server.whole_log().await.into_iter().filter(|e| e.stream.category() == "enrollment").collect();
    let (damaged, whole) = (enrollments[0].clone(), enrollments.last().unwrap().stream.clone());
    assert_ne!(damaged.stream, whole);
    let log = server.app().config.store.directory.join("events.db");
    server
        .restart_after(|| {
            let change = "UPDATE log SET envelope = replace(envelope, 'visitor', 'visitos') WHERE position = ?1";
            let log = rusqlite::Connection::open(log).unwrap();
            assert_eq!(log.execute(change, [damaged.position.0]).unwrap(), 1);
        })
        .await;
    assert!(server.app().platform.log.read(&damaged.stream).await.is_err());
    clock.advance_seconds(25 * 3_600);
    let abandoned = Event::Enrollment(EnrollmentEvent::EnrollmentAbandoned {});
    waiting::until("the end of the enrollment that can be read", async || {
        server.log_of(&whole).await.iter().any(|entry| entry.event == abandoned)
    })
    .await;
    server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_with_a_new_token_is_woken_for_what_the_old_one_could_not_be_woken_for() {
    let scene = Scene::set().await;
    let mut device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    scene.quiet().await;
    let token = device.management().unwrap().push.token.clone();
    scene.push_server.refuse(&token, 410, "Unregistered");
    ask(&scene, id_of(&device)).await;
    until(&scene.server, "the failed push", |event| matches!(event, Event::Device(DeviceEvent::PushFailed { .. })))
        .await;
    device.renew_push_token().await.unwrap();
    let handled = device.serve_once(PATIENCE).await.unwrap();
    assert_eq!(handled[0].request_type, "SecurityInfo");
    scene.strike().await;
}

/// Opens an enrollment, fails to sign in, and does nothing else.
async fn enrollment(server: &TestServer) {
    let user_agent = Hardware::new(Family::IPhone, "17.5".parse().unwrap()).user_agent();
    let mut safari = Safari::new(user_agent, true, Default::default());
    let address = format!("{}/enroll", server.url());
    safari.proceed_in_spite_of_warning(&address).await.unwrap();
    safari.open(&address).await.unwrap();
    safari.send_form("continue", &[("user_name", "nobody"), ("password", "nothing")]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_on_which_nothing_happens_for_a_day_is_closed_by_the_timer() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let abandoned = async || {
        let log = server.whole_log().await;
        let ended = |event: &Event| *event == Event::Enrollment(EnrollmentEvent::EnrollmentAbandoned {});
        log.iter().filter(|entry| ended(&entry.event)).count()
    };
    enrollment(&server).await;
    clock.advance_seconds(2 * 3_600);
    enrollment(&server).await;
    clock.advance_seconds(23 * 3_600);
    waiting::until("the end of the earlier enrollment", async || abandoned().await > 0).await;
    server.timer_looked().await;
    assert_eq!(abandoned().await, 1, "the later enrollment is not due yet");
    clock.advance_seconds(2 * 3_600);
    waiting::until("the end of the later enrollment", async || abandoned().await == 2).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_persons_key_is_destroyed_every_page_says_erased_and_none_fails() {
    let scene = Scene::set().await;
    let device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let id = id_of(&device);
    let app = scene.server.app().clone();
    let person = app.platform.device(id).await.unwrap().person.unwrap();
    scene.quiet().await;
    let keys = Arc::clone(app.platform.log.keys());
    tokio::task::spawn_blocking(move || keys.destroy(&person.key())).await.unwrap().unwrap();
    app.platform.projections.rebuild(&app.platform.log).await.unwrap();
    let staff = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator, Privilege::Auditor]).await;
    let event = scene.server.log_of(&id.enrollment().stream()).await.remove(1).id;
    for path in [
        "/console/devices".to_owned(),
        format!("/console/devices/{id}"),
        "/console/audit".to_owned(),
        format!("/console/audit/{event}"),
    ] {
        let page = staff.get(&path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(!page.body.contains("ada@appleid.example.com"), "{path} shows erased data");
    }
    assert!(staff.get(&format!("/console/devices/{id}")).await.body.contains("erased"));
    // The key of the enrollment is destroyed with the person's key, because the enrollment was handed over to the
    // person at sign-in.
    let opened = scene.server.log_of(&id.enrollment().stream()).await.remove(0).event;
    let Event::Enrollment(EnrollmentEvent::VisitOpened { user_agent, .. }) = opened else { panic!("{opened:?}") };
    assert_eq!(user_agent.get(), None);
    scene.strike().await;
}
