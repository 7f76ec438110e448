//! Creates the installation to measure, with enrolled devices, and a push server in a separate process.

use super::AT_ONCE;
use super::shared::{draft, pass_over, plan};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::Personal;
use events::device::{
    BodyHash, CommandId, CommandPayload, DeviceEvent, DeviceId, DeviceIdentifiers, Priority, PushAddress,
};
use events::person::PersonId;
use events::store::Expected;
use futures_util::StreamExt as _;
use muster::app::App;
use muster::app::initialize::initialize;
use muster::config::Config;
use simulator::push_server::{Behaviour, PushServer, PushServerFiles};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use world::World;

/// Environment variable of the push server's process: the directory of its certificates.
pub const PUSH_SERVER: &str = "MUSTER_BENCH_PUSH_SERVER";

pub struct Installation {
    pub app: App,
    pub base_url: String,
    pub devices: Vec<Enrolled>,
    push_server: Child,
    _directory: TempDir,
}

#[derive(Clone)]
pub struct Enrolled {
    pub id: DeviceId,
    pub token: [u8; 32],
}

pub const PUSH_MAGIC: &str = "7B1A5C6E-6F0D-4C8D-9C0E-3C2B8F1D7A11";

impl Installation {
    pub async fn make(devices: usize) -> Installation {
        let world = World::system();
        let directory = tempfile::tempdir().expect("a directory");
        let plan = plan(directory.path(), "https://localhost:8443");
        let made = initialize(&plan, &world).await.expect("an installation");
        let files = made.push_server.expect("certificates for a push server");
        let (push_server, port) = start_push_server(files.root.parent().expect("a directory"));
        let base_url = format!("https://localhost:{port}");
        let mut config = Config::load(&made.config).expect("its configuration");
        config.push.base_url.clone_from(&base_url);
        let app = App::open(config, world).await.expect("it opens");
        let fresh = |_| Enrolled { id: DeviceId(app.platform.world.uuid()), token: app.platform.world.random() };
        let enrolled: Vec<Enrolled> = (0..devices).map(fresh).collect();
        let installation = Installation { app, base_url, devices: enrolled, push_server, _directory: directory };
        installation.enroll().await;
        installation
    }

    pub fn push_server_id(&self) -> String {
        self.push_server.id().to_string()
    }

    pub fn topic(&self) -> &str {
        self.app.devices.pki.push_topic().expect("a topic")
    }

    async fn enroll(&self) {
        let person = PersonId(self.app.platform.world.random_uuid());
        self.append_to_all(|device| {
            let sealed = |text: String| Personal::new(device.id.key(), text);
            let push = PushAddress {
                token: sealed(STANDARD.encode(device.token)),
                push_magic: sealed(PUSH_MAGIC.into()),
                unlock_token: None,
            };
            let authenticated = DeviceEvent::DeviceAuthenticated {
                person,
                identifiers: DeviceIdentifiers::UserEnrollment { enrollment_id: sealed(device.id.to_string()) },
                certificate: "00".repeat(32),
                topic: self.topic().to_owned(),
                os_version: None,
                build_version: None,
                product_name: Some("iPhone14,5".into()),
                body: BodyHash("a".into()),
            };
            vec![authenticated, DeviceEvent::DeviceEnrolled { push, body: BodyHash("b".into()) }]
        })
        .await;
        let head = self.app.platform.log.store().head().await.expect("the log").expect("events");
        pass_over(&self.app, head).await;
    }

    /// Queues one command for every device.
    pub async fn queue_commands(&self) {
        self.append_to_all(|_| {
            let command = CommandId(self.app.platform.world.uuid());
            let (request_type, payload) = ("SecurityInfo".into(), CommandPayload::Plain("<plist/>".into()));
            vec![DeviceEvent::MdmCommandQueued {
                command,
                request_type,
                payload,
                unenrolls: false,
                priority: Priority::Normal,
                expires: None,
            }]
        })
        .await;
    }

    async fn append_to_all(&self, events: impl Fn(&Enrolled) -> Vec<DeviceEvent>) {
        let append = |device: &Enrolled| {
            let drafts =
                events(device).into_iter().map(|event| draft(&self.app.platform.world, event.into())).collect();
            let (log, stream) = (self.app.platform.log.clone(), device.id.stream());
            async move { log.append(&stream, Expected::Any, drafts).await.expect("appended") }
        };
        futures_util::stream::iter(self.devices.iter().map(append))
            .buffer_unordered(AT_ONCE)
            .for_each(|_| async {})
            .await;
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.push_server.kill().expect("the push server ends");
        self.push_server.wait().expect("the push server has ended");
    }
}

fn start_push_server(certificates: &Path) -> (Child, u16) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(PUSH_SERVER, certificates).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the push server starts");
    let mut port = String::new();
    let out = child.stdout.as_mut().expect("its output");
    BufReader::new(out).read_line(&mut port).expect("its first line");
    (child, port.trim().parse().expect("a port"))
}

/// The push server's process: accepts every notification until it is killed.
pub async fn serve_pushes(certificates: &Path) {
    let pem = |name: &str| std::fs::read(certificates.join(name)).expect("a certificate of the trial");
    let files = PushServerFiles {
        certificate: pem("push-server.pem"),
        key: pem("push-server.key"),
        client_ca: pem("push-root.pem"),
    };
    let server = PushServer::start(&files, ([127, 0, 0, 1], 0).into()).await.expect("a free port");
    server.always_to_all(Some(Behaviour::Take));
    println!("{}", server.address().port());
    std::future::pending::<()>().await;
}
