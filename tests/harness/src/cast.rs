//! Scenes for tests of whole walks: a server with its push server, people with devices, and watchers that record the
//! walk.

use crate::TestServer;
use crate::waiting::{PATIENCE, seen, until};
use async_trait::async_trait;
use events::device::DeviceId;
use events::staff::Privilege;
use muster::cli::log_list;
use muster::config::Config;
use simulator::acts::{Act, Nobody, Watcher};
use simulator::device::Device;
use simulator::keys::KeyPool;
use simulator::model::{Family, Hardware};
use simulator::push_server::{PushServer, PushServerFiles};
use simulator::safari::Page;
use simulator::scep::common_name;
use simulator::walk::{Ending, Next, Ownership, Person, Walk, WalkError};
use std::time::Duration;
use world::World;

pub const PASSWORD: &str = "a long walk in eleven steps";

/// Maximum number of pages that a walk follows.
const MOST_PAGES: usize = 50;

pub struct Scene {
    pub server: TestServer,
    pub push_server: PushServer,
}

/// Does what a page and those after it ask for, until a page is `wanted`. The test fails if the walk ends before.
pub async fn walk_to(
    walk: &mut Walk,
    mut page: Page,
    watcher: &mut dyn Watcher,
    wanted: impl Fn(&Page) -> bool,
) -> Page {
    for _ in 0..MOST_PAGES {
        if wanted(&page) {
            return page;
        }
        page = match walk.next(&page, watcher).await.unwrap() {
            Next::Page(page) => page,
            other => panic!("the walk ended early: {other:?}"),
        };
    }
    panic!("the portal leads in circles: {}", page.title);
}

/// Does what a page and those after it ask for, and returns what follows the last page. `seen` gets each further page.
pub async fn walk_on(walk: &mut Walk, mut page: Page, mut seen: impl FnMut(&Page)) -> Result<Next, WalkError> {
    for _ in 0..MOST_PAGES {
        page = match walk.next(&page, &mut Nobody).await {
            Ok(Next::Page(page)) => page,
            other => return other,
        };
        seen(&page);
    }
    panic!("the portal leads in circles: {}", page.title);
}

/// A device and its ownership.
pub struct Visitor {
    pub hardware: Hardware,
    pub ownership: Ownership,
}

impl Visitor {
    pub fn personal(family: Family, ios: &str) -> Visitor {
        Visitor { hardware: Hardware::new(family, ios.parse().unwrap()), ownership: Ownership::Personal }
    }

    pub fn institutional(family: Family, ios: &str) -> Visitor {
        Visitor { ownership: Ownership::Institutional, ..Visitor::personal(family, ios) }
    }
}

impl Scene {
    /// Sets up a server that knows ada, and the push server that it pushes to.
    pub async fn set() -> Scene {
        Scene::set_with(|_| {}).await
    }

    /// Same as [`Scene::set`], with the test's own configuration.
    pub async fn set_with(change: impl FnOnce(&mut Config)) -> Scene {
        Scene::set_in(World::system(), change).await
    }

    /// Same as [`Scene::set_with`], with the test's own clock.
    pub async fn set_in(world: World, change: impl FnOnce(&mut Config)) -> Scene {
        let files = TestServer::push_server_files().await;
        let files = PushServerFiles {
            certificate: std::fs::read(files.certificate).unwrap(),
            key: std::fs::read(files.key).unwrap(),
            client_ca: std::fs::read(files.root).unwrap(),
        };
        let push_server = PushServer::start(&files, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let base_url = format!("https://localhost:{}", push_server.address().port());
        let server = TestServer::start_with(world, |config| {
            config.push.base_url = base_url;
            change(config);
        })
        .await;
        server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
        Scene { server, push_server }
    }

    pub fn address(&self) -> String {
        format!("{}/enroll", self.server.url())
    }

    pub fn walk(&self, visitor: Visitor) -> Walk {
        let person = Person {
            user_name: "ada".into(),
            password: PASSWORD.into(),
            ownership: visitor.ownership,
            managed_apple_id: "ada@appleid.example.com".into(),
            switches_on_trust: true,
        };
        Walk::new(person, Device::new(visitor.hardware, KeyPool::fresh(), self.push_server.clone()))
    }

    /// Enrolls a device and answers the server's first commands.
    pub async fn enroll(&self, visitor: Visitor) -> Device {
        self.enroll_in(self.walk(visitor)).await
    }

    /// Same as [`Scene::enroll`], for a walk that the test prepared.
    pub async fn enroll_in(&self, mut walk: Walk) -> Device {
        let ending = walk.run(&self.address(), &mut Nobody).await.unwrap();
        assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
        self.answer_first_commands(&mut walk.device).await;
        walk.device
    }

    /// Waits until the server has queued its first commands, so that logs can be compared. The push server then wakes
    /// the device, and the device answers the commands.
    pub async fn answer_first_commands(&self, device: &mut Device) {
        let queued = async || self.log_of(device).await.matches("MdmCommandQueued").count() >= 2;
        until("the first commands", queued).await;
        let mut missing = vec!["DeviceInformation", "SecurityInfo"];
        until("the answers to the first commands", async || {
            let handled = device.serve_once(PATIENCE).await.unwrap();
            missing.retain(|wanted| handled.iter().all(|one| one.request_type != *wanted));
            missing.is_empty()
        })
        .await;
    }

    /// Waits until the server is idle: it has done everything that the log asks for, and neither an event nor a push
    /// follows until the timer has looked once more. Returns the number of events and the number of pushes.
    pub async fn quiet(&self) -> (usize, usize) {
        let counted = async || (self.server.whole_log().await.len(), self.push_server.received().len());
        seen("an idle server", async || {
            self.server.settled().await;
            let before = counted().await;
            self.server.timer_looked().await;
            (self.push_server.in_flight() == 0 && counted().await == before).then_some(before)
        })
        .await
    }

    /// Returns the device's log without the pushes, because the test does not control when the push server is called.
    pub async fn log_of(&self, device: &Device) -> String {
        self.log(id_of(device)).await
    }

    /// Same as [`Scene::log_of`], for a device that may have left.
    pub async fn log(&self, id: DeviceId) -> String {
        let lines = log_list::of_device(&self.server.app().platform.log, id).await.unwrap();
        let kept = lines.iter().filter(|line| !line.contains("DevicePushed")).enumerate();
        kept.map(|(nth, line)| format!("{:>2}{}", nth + 1, &line[2..])).collect::<Vec<_>>().join("\n")
    }

    pub async fn strike(self) {
        self.server.stop().await;
    }
}

pub fn id_of(device: &Device) -> DeviceId {
    let certificate = &device.management().expect("the device is managed").identity.certificate;
    DeviceId(common_name(certificate).unwrap().parse().unwrap())
}

/// Records the acts of a walk.
#[derive(Default)]
pub struct Diary {
    pub acts: Vec<Act>,
}

impl Diary {
    /// Returns the numbers of the steps, of eleven (docs/glossary.md). Consecutive repeats count once.
    pub fn steps(&self) -> Vec<u8> {
        let mut steps: Vec<u8> = self.acts.iter().copied().map(number_in_guide).collect();
        steps.dedup();
        steps
    }
}

// Several of the eleven steps have no act of their own, and several acts belong to one step.
fn number_in_guide(act: Act) -> u8 {
    match act {
        Act::Discover | Act::OpenPortal | Act::ProceedInSpiteOfWarning | Act::AnswerDeviceQuestion => 0,
        Act::SignIn | Act::SayForWhom | Act::NotePreviousRecords => 1,
        Act::ChooseOwnership | Act::AcceptTerms => 2,
        Act::DownloadCaProfile => 3,
        Act::InstallCaProfile => 5,
        Act::SwitchOnTrust | Act::ReportCaProfile => 6,
        Act::GiveManagedAppleId => 7,
        Act::DownloadMdmProfile | Act::FetchMdmProfile => 8,
        Act::BeVerified | Act::CheckServer | Act::GetIdentity => 9,
        Act::Authenticate => 10,
        Act::TokenUpdate | Act::ReportMdmProfile | Act::SeeCompletion | Act::WakeUp | Act::AnswerCommands => 11,
    }
}

#[async_trait]
impl Watcher for Diary {
    async fn after(&mut self, act: Act, _took: Duration, _told: &str) {
        self.acts.push(act);
    }
}
