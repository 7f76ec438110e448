//! The stage and the cast: a server with its push server, people, and those who watch them.

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
use simulator::scep::common_name;
use simulator::walk::{Ending, Ownership, Person, Walk};
use std::time::Duration;
use world::World;

pub const PASSWORD: &str = "a long walk in eleven steps";

/// The server's timer looks every second.
pub const A_LOOK_OF_THE_TIMER: Duration = Duration::from_millis(1_500);

pub struct Scene {
    pub server: TestServer,
    pub push_server: PushServer,
}

/// Who comes with which device.
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
    /// A server that knows ada, and the push server that it pushes to.
    pub async fn set() -> Scene {
        Scene::set_with(|_| {}).await
    }

    /// The same, in a configuration of the test's own.
    pub async fn set_with(change: impl FnOnce(&mut Config)) -> Scene {
        Scene::set_in(World::system(), change).await
    }

    /// The same, with a clock of the test's own.
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

    /// All the way, and the server's first questions answered.
    pub async fn enroll(&self, visitor: Visitor) -> Device {
        self.enroll_in(self.walk(visitor)).await
    }

    /// As [`Scene::enroll`], on a walk that the test prepared.
    pub async fn enroll_in(&self, mut walk: Walk) -> Device {
        let ending = walk.run(&self.address(), &mut Nobody).await.unwrap();
        assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
        self.answer_first_commands(&mut walk.device).await;
        walk.device
    }

    /// Waits until the server has its first questions ready, so that logs can be compared; then the device, woken by the
    /// push server, answers them.
    pub async fn answer_first_commands(&self, device: &mut Device) {
        let queued = async || self.log_of(device).await.matches("MdmCommandQueued").count() >= 2;
        until("the first questions", queued).await;
        let mut missing = vec!["DeviceInformation", "SecurityInfo"];
        while !missing.is_empty() {
            let handled = device.serve_once(PATIENCE).await.unwrap();
            missing.retain(|wanted| handled.iter().all(|one| one.request_type != *wanted));
        }
    }

    /// Waits until nothing happens by itself any more: all that the log asks for is done, and neither an event nor a push
    /// comes while the timer looks again. So many events and pushes there are.
    pub async fn quiet(&self) -> (usize, usize) {
        let counted = async || (self.server.whole_log().await.len(), self.push_server.received().len());
        seen("an end of what happens by itself", async || {
            self.server.settled().await;
            let before = counted().await;
            // That nothing comes can only be seen by waiting for it.
            tokio::time::sleep(A_LOOK_OF_THE_TIMER).await;
            (self.push_server.in_flight() == 0 && counted().await == before).then_some(before)
        })
        .await
    }

    /// The device's log, without the pushes: these come when the push server is called, which is not decided here.
    pub async fn log_of(&self, device: &Device) -> String {
        self.log(id_of(device)).await
    }

    /// As [`Scene::log_of`], for a device that may have left.
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

/// Writes down what happens.
#[derive(Default)]
pub struct Diary {
    pub acts: Vec<Act>,
}

impl Diary {
    /// The steps of the guide, each once.
    pub fn steps(&self) -> Vec<u8> {
        let mut steps: Vec<u8> = self.acts.iter().copied().map(number_in_guide).collect();
        steps.dedup();
        steps
    }
}

// The guide counts more finely than the names of the steps.
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
