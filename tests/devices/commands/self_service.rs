//! Tests of the completion step: the organization's name is set first, then the app is installed with the correct
//! purchase method, and its status is followed to the end.

use events::device::{AppStatus, CommandId, DeviceEvent, DeviceId, RejectionReason};
use events::enrollment::{EnrollmentKind, Ownership};
use events::{Actor, ActorKind};
use harness::TestServer;
use harness::cast::{Scene, Visitor, id_of};
use harness::devices::TestDevice;
use harness::waiting::seen;
use platform::context::Context;
use plist::Value;
use simulator::acts::Nobody;
use simulator::apps::Taste;
use simulator::device::Device;
use simulator::model::Family;
use simulator::safari::Page;
use simulator::walk::{Ending, Walk};
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

const STORE_ID: u64 = 7;

async fn with_self_service(licensed: &[Ownership]) -> Scene {
    let scene = Scene::set().await;
    let licensed = licensed.iter().copied().collect();
    scene
        .server
        .settings(|settings| {
            settings.self_service.store_id = Some(STORE_ID);
            settings.self_service.licensed = licensed;
        })
        .await;
    scene
}

async fn walk(scene: &Scene, visitor: Visitor, prepare: impl FnOnce(&mut Device)) -> Walk {
    let mut walk = scene.walk(visitor);
    prepare(&mut walk.device);
    let ending = walk.run(&scene.address(), &mut Nobody).await.unwrap();
    assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
    walk
}

async fn last_page(scene: &Scene, walk: &mut Walk) -> Page {
    walk.safari.open(&format!("{}/complete", scene.address())).await.unwrap();
    walk.safari.page().unwrap().clone()
}

async fn app_events(scene: &Scene, device: &Device) -> Vec<AppStatus> {
    let log = scene.server.log_of(&id_of(device).stream()).await;
    log.into_iter()
        .filter_map(|entry| match DeviceEvent::try_from(entry.event) {
            Ok(DeviceEvent::ManagedAppReported { status, .. }) => Some(status),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institutional_device_prompts_in_the_organizations_name_and_the_last_page_says_so() {
    let scene = with_self_service(&[]).await;
    let mut walk = walk(&scene, Visitor::institutional(Family::IPhone, "17.5"), |_| {}).await;
    let page = last_page(&scene, &mut walk).await;
    assert!(page.text.contains("Self Service is on its way to your iPhone") && page.refresh.is_some(), "{}", page.text);
    scene.answer_first_commands(&mut walk.device).await;
    assert_eq!(walk.device.shown, ["Example School is about to install and manage the app “org.example.app7”."]);
    let page = last_page(&scene, &mut walk).await;
    assert!(page.text.contains("asks whether to install Self Service"), "{}", page.text);
    assert_eq!(app_events(&scene, &walk.device).await, [AppStatus::Prompting]);
    let queued = scene.server.log_of(&id_of(&walk.device).stream()).await;
    let install = queued.iter().find_map(|entry| match DeviceEvent::try_from(entry.event.clone()) {
        Ok(DeviceEvent::MdmCommandQueued { request_type, payload, .. }) if request_type == "InstallApplication" => {
            payload.xml().map(str::to_owned)
        }
        _ => None,
    });
    let command = Value::from_reader_xml(install.unwrap().as_bytes()).unwrap().into_dictionary().unwrap();
    let options = command.get("Options").and_then(Value::as_dictionary).unwrap();
    assert_eq!(options.get("PurchaseMethod").and_then(Value::as_unsigned_integer), Some(0), "free, with an Apple ID");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_licences_a_personal_device_gets_a_link_and_nothing_is_queued() {
    let scene = with_self_service(&[Ownership::Institutional]).await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "17.5"), |_| {}).await;
    scene.answer_first_commands(&mut walk.device).await;
    let page = last_page(&scene, &mut walk).await;
    assert_eq!(page.link("self-service").unwrap().url.as_str(), "https://apps.apple.com/app/id7");
    assert!(page.refresh.is_none());
    assert_eq!((walk.device.shown.len(), app_events(&scene, &walk.device).await), (0, vec![]));
    assert!(!scene.log_of(&walk.device).await.contains("InstallApplication"));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_device_takes_the_app_with_a_licence_and_says_where_there_is_none() {
    for licensed in [true, false] {
        let scene = with_self_service(&[Ownership::Personal]).await;
        let prepare = |device: &mut Device| device.apps.licensed = if licensed { vec![STORE_ID] } else { vec![] };
        let mut walk = walk(&scene, Visitor::personal(Family::IPad, "16.4"), prepare).await;
        scene.answer_first_commands(&mut walk.device).await;
        let page = last_page(&scene, &mut walk).await;
        let expected =
            if licensed { "asks whether to install" } else { "You do not have a licence for Self Service yet" };
        assert!(page.text.contains(expected), "{}", page.text);
        assert_eq!(
            page.link("self-service").is_some(),
            !licensed,
            "the page links to the App Store if there is no licence"
        );
        scene.strike().await;
    }
}

/// A device that enrolls with the test's own clock and whose responses the test controls.
struct Slow {
    server: TestServer,
    clock: Arc<ManualClock>,
    device: TestDevice,
}

impl Slow {
    async fn enrolled() -> Slow {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
        server.settings(|settings| settings.self_service.store_id = Some(STORE_ID)).await;
        let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
        Slow { server, clock, device }
    }

    /// Acknowledges commands until one of this type comes, and returns its id.
    async fn until(&self, request_type: &str) -> String {
        let asked = async || {
            let (id, command) = self.device.poll().await?;
            if command.get("RequestType").and_then(Value::as_string) == Some(request_type) {
                return Some(id);
            }
            self.device.report_on(&self.device.report("Acknowledged", Some(&id))).await;
            None
        };
        seen(request_type, asked).await
    }

    async fn answer(&self, id: &str, key: &str, told: Value) {
        let mut report = self.device.report("Acknowledged", Some(id));
        report.insert("Identifier".into(), "org.example.app7".into());
        report.insert(key.into(), told);
        self.device.report_on(&report).await;
    }

    async fn stands(&self, id: &str, status: &str) {
        let entry: plist::Dictionary = [("Status".to_owned(), Value::from(status))].into_iter().collect();
        let list: plist::Dictionary = [("org.example.app7".to_owned(), Value::from(entry))].into_iter().collect();
        self.answer(id, "ManagedApplicationList", list.into()).await;
    }
}

#[actix_web::test]
async fn how_the_app_stands_is_asked_until_it_is_there_and_then_no_more() {
    let slow = Slow::enrolled().await;
    let first = slow.until("Settings").await;
    slow.device.report_on(&slow.device.report("NotNow", Some(&first))).await;
    assert!(
        slow.device.poll().await.is_none_or(|(_, command)| {
            command.get("RequestType").and_then(Value::as_string) != Some("InstallApplication")
        }),
        "not before the organization's name is set"
    );
    let settings = slow.until("Settings").await;
    slow.device.report_on(&slow.device.report("Acknowledged", Some(&settings))).await;
    let install = slow.until("InstallApplication").await;
    slow.answer(&install, "State", "Prompting".into()).await;
    for status in ["Prompting", "Installing", "Managed"] {
        slow.server.caught_up().await;
        slow.clock.advance_seconds(3_600);
        let question = slow.until("ManagedApplicationList").await;
        slow.stands(&question, status).await;
    }
    slow.server.caught_up().await;
    let later = slow.server.app().platform.world.now().plus_seconds(30 * 24 * 3_600);
    let due = projections::commands::due(&slow.server.app().platform.projections, later, 10).await.unwrap();
    assert_eq!(due, vec![], "no further request is due");
    let statuses: Vec<_> = slow
        .device
        .events(&slow.server)
        .await
        .into_iter()
        .filter_map(|event| match event {
            DeviceEvent::ManagedAppReported { status, .. } => Some(status),
            _ => None,
        })
        .collect();
    assert_eq!(
        statuses,
        [AppStatus::Prompting, AppStatus::Installing, AppStatus::Managed],
        "only changes are recorded"
    );
    slow.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_refuses_is_told_so_and_offered_the_app_store() {
    let scene = with_self_service(&[]).await;
    let refuse = |device: &mut Device| device.apps.taste = Taste::Refuses;
    let mut walk = walk(&scene, Visitor::institutional(Family::IPhone, "15.4"), refuse).await;
    scene.answer_first_commands(&mut walk.device).await;
    // The test queues the request itself instead of waiting for the timer.
    for _ in 0..2 {
        super::ask_for_apps(&scene.server, id_of(&walk.device)).await;
        walk.device.poll().await.unwrap();
    }
    assert_eq!(app_events(&scene, &walk.device).await, [AppStatus::Prompting, AppStatus::UserRejected]);
    let page = last_page(&scene, &mut walk).await;
    assert!(page.text.contains("You chose not to install Self Service"), "{}", page.text);
    assert!(page.link("self-service").is_some() && page.refresh.is_none());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_was_called_off_is_not_waited_for_and_the_app_store_is_the_other_way() {
    let scene = with_self_service(&[]).await;
    let mut walk = walk(&scene, Visitor::institutional(Family::IPhone, "17.5"), |_| {}).await;
    let id = id_of(&walk.device);
    let install = install_queued(&scene, id).await;
    let administrator = Context::of(Actor::new(ActorKind::Operator, "tests"), None, id.0);
    scene.server.app().devices.cancel_command(id, install, &administrator).await.unwrap();
    let page = last_page(&scene, &mut walk).await;
    assert!(page.link("self-service").is_some() && page.refresh.is_none(), "{}", page.text);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_device_does_not_take_the_app_is_on_its_command_though_it_names_no_app() {
    let scene = with_self_service(&[Ownership::Personal]).await;
    let visitor = Visitor::personal(Family::IPhone, "17.5");
    let mut walk = walk(&scene, visitor, |device| device.apps.licensed = vec![]).await;
    scene.answer_first_commands(&mut walk.device).await;
    let log = scene.server.log_of(&id_of(&walk.device).stream()).await;
    let rejection = log.into_iter().find_map(|entry| match DeviceEvent::try_from(entry.event) {
        Ok(DeviceEvent::MdmCommandAnswered { rejection, .. }) => rejection,
        _ => None,
    });
    assert_eq!(rejection, Some(RejectionReason::PurchaseMethodNotSupported));
    assert_eq!(app_events(&scene, &walk.device).await, [], "no app status is recorded");
    let projections = &scene.server.app().platform.projections;
    scene.server.caught_up().await;
    let commands = projections::commands::of_device(projections, id_of(&walk.device), 50).await.unwrap();
    let install = commands.iter().find(|queued| queued.request_type == "InstallApplication").unwrap();
    assert_eq!(install.why.as_deref(), Some("no licence is assigned"));
    scene.strike().await;
}

async fn install_queued(scene: &Scene, id: DeviceId) -> CommandId {
    let queued = async || {
        let log = scene.server.log_of(&id.stream()).await;
        log.into_iter().find_map(|entry| match DeviceEvent::try_from(entry.event) {
            Ok(DeviceEvent::MdmCommandQueued { command, request_type, .. }) if request_type == "InstallApplication" => {
                Some(command)
            }
            _ => None,
        })
    };
    seen("an app in the queue", queued).await
}
