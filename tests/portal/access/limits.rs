//! Tests of limits on devices. The portal checks what the browser reveals; `Authenticate` checks the device itself.

use super::{enrollments, guest, rules, text};
use decisions::device::{Command, Device};
use events::enrollment::{EnrollmentEvent, EnrollmentKind, EnrollmentRefusal, OsVersion, Ownership};
use events::settings::{Limits, VersionRange};
use events::{Actor, ActorKind};
use harness::TestServer;
use harness::cast::{Scene, Visitor, id_of, walk_on, walk_to};
use harness::devices::TestDevice;
use harness::guest::{PASSWORD, server};
use harness::projection_files::file_of;
use platform::context::Context;
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::safari::Opened;
use simulator::walk::{Ending, Next, Walk, WalkError};

fn versions(ownership: Ownership, minimum: Option<&str>, maximum: Option<&str>) -> Limits {
    let parse = |text: Option<&str>| text.map(|text| OsVersion::parse(text).unwrap());
    let range = VersionRange { minimum: parse(minimum), maximum: parse(maximum) };
    Limits { versions: [(ownership, range)].into(), ..Limits::default() }
}

fn models(models: &[&str]) -> Limits {
    Limits { models: models.iter().map(|model| (*model).to_owned()).collect(), ..Limits::default() }
}

fn refused(why: EnrollmentRefusal) -> EnrollmentEvent {
    EnrollmentEvent::EnrollmentRefused { why }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_portal_each_limit_has_its_own_message_and_says_what_is_allowed() {
    let server = server().await;
    server.settings(|settings| settings.ownership_kinds = [Ownership::Institutional].into()).await;
    let institutional = |minimum, maximum| versions(Ownership::Institutional, minimum, maximum);
    for (limits, why, told) in [
        (
            institutional(Some("18"), None),
            EnrollmentRefusal::VersionBelowMinimum,
            "It has version 17.5, which is older than Example School allows. It must be 18 or newer.",
        ),
        (
            institutional(None, Some("17.4")),
            EnrollmentRefusal::VersionAboveMaximum,
            "has version 17.5, which is newer than Example School allows. The newest allowed version is 17.4.",
        ),
        (models(&["iPad"]), EnrollmentRefusal::ModelNotPermitted, "Example School enrolls only: iPad."),
    ] {
        server.settings(|settings| settings.limits = limits).await;
        let mut guest = guest(&server, "17.5");
        assert_eq!(guest.sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/stopped"));
        assert_eq!(enrollments(&server).await.last(), Some(&refused(why)));
        let page = text(&guest.get("/enroll/stopped").await);
        assert!(page.contains(told), "{told:?} is not in {page:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_authenticate_the_device_says_the_truth_and_nothing_of_its_hardware_is_kept() {
    let server = TestServer::start().await;
    for (limits, why) in [
        (versions(Ownership::Institutional, Some("18"), None), EnrollmentRefusal::VersionBelowMinimum),
        (versions(Ownership::Institutional, None, Some("16")), EnrollmentRefusal::VersionAboveMaximum),
        (models(&["iPhone15,"]), EnrollmentRefusal::ModelNotPermitted),
    ] {
        server.settings(|settings| settings.limits = Limits::default()).await;
        let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
        server.settings(|settings| settings.limits = limits).await;
        assert_eq!(device.check_in(&device.authenticate()).await, 403, "{why:?}");
        assert!(device.history(&server).await.is_empty());
        let enrollment = server.log_of(&device.id.enrollment().stream()).await;
        let last: Vec<String> = enrollment.iter().rev().take(2).map(|entry| entry.event.type_name()).collect();
        assert_eq!(last, ["IdentityRevoked", "EnrollmentRefused"]);
        assert!(enrollment.iter().any(|entry| entry.event == refused(why).into()), "{why:?}");
        // Management ends here: the server rejects later messages with this identity.
        assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 403);
    }
    let log = server.whole_log().await;
    for hardware in ["F5JM992LF193", "35 000000 000000 1"] {
        assert!(!log.iter().any(|entry| entry.event.to_parts().1.to_string().contains(hardware)));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn narrower_limits_throw_out_no_device_that_is_enrolled() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.settings(|settings| settings.limits = models(&["iPad"])).await;
    let mut again = device.authenticate();
    again.insert("Nth".into(), "2".into());
    assert_eq!(device.check_in(&again).await, 200);
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_does_not_tell_is_not_refused() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let limits = Limits { models: models(&["iPad"]).models, ..versions(Ownership::Institutional, Some("18"), None) };
    server.settings(|settings| settings.limits = limits).await;
    let mut message = device.authenticate();
    message.remove("OSVersion");
    message.remove("ProductName");
    assert_eq!(device.check_in(&message).await, 200);
    server.stop().await;
}

/// Returns the text of the page that the person sees when they come back from Settings.
async fn back_in_safari(walk: &mut Walk, scene: &Scene) -> String {
    let Opened::Page(page) = walk.safari.open(&scene.address()).await.unwrap() else { panic!("no page") };
    page.text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_device_is_refused_at_authenticate_reads_why_when_they_come_back() {
    let scene = Scene::set().await;
    scene.server.settings(|settings| settings.limits = models(&["iPhone99,"])).await;
    let mut walk = scene.walk(Visitor::institutional(Family::IPhone, "17.5"));
    let ended = walk.run(&scene.address(), &mut Nobody).await;
    assert!(matches!(ended, Err(WalkError::Device { .. })), "{ended:?}");
    assert!(!walk.device.is_managed());
    let page = back_in_safari(&mut walk, &scene).await;
    assert!(page.contains("does not enroll devices of this model"), "{page}");
    scene.strike().await;
}

const ONE_EACH: &str = "[[access]]\nname = 'All'\nwho = 'everyone'\nenroll = ['institutional']\ndevices_per_person = 1";

#[tokio::test(flavor = "multi_thread")]
async fn who_has_as_many_devices_as_they_may_is_told_how_to_give_one_up_and_can_enroll_after_that() {
    let scene = Scene::set().await;
    scene.server.settings(|settings| settings.access = rules(ONE_EACH)).await;
    let mut first = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    let mut second = scene.walk(Visitor::institutional(Family::IPad, "17.5"));
    let Ending::Directed(page) = second.run(&scene.address(), &mut Nobody).await.unwrap() else { panic!("enrolled") };
    for part in ["allows you at a time: 1.", "Enrolled devices", "Remove Management", "help desk", "start again"] {
        assert!(page.text.contains(part), "{part:?} is not in {:?}", page.text);
    }
    let name = scene.server.app().platform.device(id_of(&first)).await.unwrap();
    let name = match &name.inventory["DeviceName"] {
        events::device::InventoryValue::Personal(name) => name.get().unwrap().as_str().unwrap().to_owned(),
        events::device::InventoryValue::Plain(name) => name.as_str().unwrap().to_owned(),
    };
    assert!(page.text.contains(&name), "{name:?} is not in {:?}", page.text);
    // The person follows the page: they remove the profile and start again.
    first.remove_mdm_profile().await.unwrap();
    scene.server.caught_up().await;
    let Opened::Page(page) = second.safari.send_form("again", &[]).await.unwrap() else { panic!("no page") };
    let ending = walk_on(&mut second, *page, |_| ()).await.unwrap();
    assert!(matches!(ending, Next::Ending(Ending::Enrolled(_))), "{ending:?}");
    scene.answer_first_commands(&mut second.device).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_device_counts_and_is_found_though_its_record_is_archived() {
    let scene = Scene::set().await;
    scene.server.settings(|settings| settings.access = rules(ONE_EACH)).await;
    let first = id_of(&scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await);
    let context = Context::of(Actor::new(ActorKind::Staff, "a test"), None, first.0);
    scene.server.app().platform.perform::<Device>(&first.stream(), &Command::Archive, &context).await.unwrap();
    scene.server.caught_up().await;
    let mut second = scene.walk(Visitor::institutional(Family::IPad, "17.5"));
    let Ending::Directed(page) = second.run(&scene.address(), &mut Nobody).await.unwrap() else { panic!("enrolled") };
    assert!(page.text.contains("allows you at a time: 1."), "{}", page.text);
    assert_eq!(enrollments(&scene.server).await.last(), Some(&refused(EnrollmentRefusal::TooManyDevices)));
    scene.server.settings(|settings| settings.access = events::settings::Settings::default().access).await;
    let third = id_of(&scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await);
    let enrollment = scene.server.log_of(&third.enrollment().stream()).await;
    assert!(enrollment.iter().any(|entry| entry.event.type_name() == "PreviousRecordFound"), "{enrollment:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_devices_that_is_unknown_is_not_none_where_it_is_limited_and_hinders_nobody_elsewhere() {
    let mut scene = Scene::set().await;
    scene.server.settings(|settings| settings.access = rules(ONE_EACH)).await;
    scene.server.caught_up().await;
    let file = file_of(&scene.server.directory().join("data"), "devices");
    let set_a_trap = || {
        let rows = rusqlite::Connection::open(&file).unwrap();
        let trap = "CREATE TRIGGER trap BEFORE INSERT ON devices_current BEGIN SELECT RAISE(FAIL, 'a trap'); END";
        rows.execute_batch(trap).unwrap();
    };
    scene.server.restart_after(set_a_trap).await;
    let mut walk = scene.walk(Visitor::institutional(Family::IPad, "17.5"));
    let ended = walk.run(&scene.address(), &mut Nobody).await;
    assert!(!matches!(ended, Ok(Ending::Enrolled(_))), "the projection stops during this walk: {ended:?}");
    let stopped = async || scene.server.app().platform.projections.health().stopped_alone.contains_key("devices");
    harness::waiting::until("the failure of the projection", stopped).await;
    let mut walk = scene.walk(Visitor::institutional(Family::IPhone, "17.5"));
    let ended = walk.run(&scene.address(), &mut Nobody).await;
    assert!(!matches!(ended, Ok(Ending::Enrolled(_))), "{ended:?}");
    let signed_in = |event: &&EnrollmentEvent| matches!(event, EnrollmentEvent::UserSignedIn { .. });
    let entered = enrollments(&scene.server).await.iter().filter(signed_in).count();
    assert_eq!(entered, 1, "the server must not decide while the number of devices is unknown");
    scene.server.settings(|settings| settings.access = events::settings::Settings::default().access).await;
    let mut walk = scene.walk(Visitor::institutional(Family::IPhone, "17.5"));
    let ended = walk.run(&scene.address(), &mut Nobody).await.unwrap();
    assert!(matches!(ended, Ending::Enrolled(_)), "{ended:?}");
    scene.server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_enrollments_begun_at_once_the_second_device_is_refused_at_authenticate() {
    let scene = Scene::set().await;
    scene.server.settings(|settings| settings.access = rules(ONE_EACH)).await;
    let mut walks = Vec::new();
    for family in [Family::IPhone, Family::IPad] {
        let mut walk = scene.walk(Visitor::institutional(family, "17.5"));
        let page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
        let page = walk_to(&mut walk, page, &mut Nobody, |page| page.url.path().ends_with("/ca")).await;
        walks.push((walk, page));
    }
    let mut endings = Vec::new();
    for (walk, page) in &mut walks {
        endings.push(walk_on(walk, page.clone(), |_| ()).await);
    }
    assert!(endings[0].is_ok(), "{endings:?}");
    assert!(matches!(endings[1], Err(WalkError::Device { .. })), "{endings:?}");
    let why = refused(EnrollmentRefusal::TooManyDevices);
    assert_eq!(enrollments(&scene.server).await.iter().filter(|event| **event == why).count(), 1);
    let page = back_in_safari(&mut walks[1].0, &scene).await;
    assert!(page.contains("allows you at a time: 1."), "{page}");
    scene.answer_first_commands(&mut walks[0].0.device).await;
    scene.strike().await;
}
