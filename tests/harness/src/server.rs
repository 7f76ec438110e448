//! [`TestServer`]: the test's own installation, served over TLS. Dropping it without [`TestServer::stop`] fails the
//! test.

use crate::waiting::{self, PATIENCE};
use crate::{client_builder, inspector, logs, ports};
use connections::Limits;
use events::log::Entry;
use events::staff::Privilege;
use events::store::sqlite::verify::verify;
use events::{Event, StreamName};
use muster::app::App;
use muster::app::initialize::{Made, Plan, initialize};
use muster::config::Config;
use muster::server::{self, Running};
use pki::create::PushServerFiles;
use staff::administration::{Answer, NewUser, Request, execute};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use world::{Room, World};

/// The test's own server. Call [`TestServer::stop`] at the end: it checks for unfinished work.
pub struct TestServer {
    directory: TempDir,
    running: Option<Running>,
    world: World,
}

/// Generating keys is slow, so one installation is created per test process, and every test gets a copy.
struct Pattern {
    directory: TempDir,
    push_server: PushServerFiles,
}

/// The checkpoints of the effects, and those of all reactions.
const EFFECTS: [&str; 2] = ["reactions-effects", "reactions-effects-behind"];
const REACTIONS: [&str; 3] = [EFFECTS[0], EFFECTS[1], "reactions-pushes"];

static PATTERN: OnceCell<Pattern> = OnceCell::const_new();

async fn pattern() -> &'static Pattern {
    PATTERN
        .get_or_init(|| async {
            let directory = tempfile::tempdir().unwrap();
            let plan = Plan {
                directory: directory.path().join("muster"),
                organization: "Example School".into(),
                public_url: "https://localhost:0".into(),
                listen: "127.0.0.1:0".into(),
                metrics_listen: "127.0.0.1:0".into(),
                hosts: vec!["localhost".into(), "127.0.0.1".into()],
                trial: true,
                given: Default::default(),
                push_base_url: "https://localhost:1".into(),
            };
            let Made { push_server, .. } = initialize(&plan, &World::system()).await.unwrap();
            Pattern { directory, push_server: push_server.unwrap() }
        })
        .await
}

/// Creates an installation that is not served yet; returns the directory and its configuration file.
pub async fn installation() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("muster");
    copy(&pattern().await.directory.path().join("muster"), &to);
    (directory, to.join("muster.toml"))
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Adds a second listener, whose connections present the identity of a device.
pub fn with_device_listener(config: &mut Config) {
    config.devices.url = Some("https://localhost:0".into());
    config.devices.listen = Some("127.0.0.1:0".parse().unwrap());
}

impl TestServer {
    pub async fn start() -> TestServer {
        TestServer::start_with(World::system(), |_| {}).await
    }

    /// Starts a server with the test's own clock, and a configuration changed by `change`.
    pub async fn start_with(world: World, change: impl FnOnce(&mut Config)) -> TestServer {
        let (directory, config) = installation().await;
        let mut config = Config::load(&config).unwrap();
        change(&mut config);
        TestServer::serve(directory, config, world, Limits::default()).await
    }

    /// Starts a server with the test's own connection limits, and a configuration changed by `change`.
    pub async fn start_within(limits: Limits, change: impl FnOnce(&mut Config)) -> TestServer {
        let (directory, config) = installation().await;
        let mut config = Config::load(&config).unwrap();
        change(&mut config);
        TestServer::serve(directory, config, World::system(), limits).await
    }

    /// Starts a server in an installation that the test prepared.
    pub async fn start_in(directory: TempDir, config: &Path) -> TestServer {
        TestServer::serve(directory, Config::load(config).unwrap(), World::system(), Limits::default()).await
    }

    // A server can be restarted at the same address: if port 0 is configured, the port comes from `ports`.
    async fn serve(directory: TempDir, mut config: Config, world: World, limits: Limits) -> TestServer {
        // A server with little free disk space stops recording refusals of unknown clients. The tests must not depend
        // on the disk of the machine.
        let world = World { disks: Arc::new(Room { free: 50 << 30, total: 100 << 30 }), ..world };
        logs::capture();
        inspector::begin();
        let server = &mut config.server;
        let addresses = [&mut server.listen, &mut server.metrics_listen].into_iter().chain(&mut config.devices.listen);
        addresses.for_each(ports::settle);
        let running = server::start_within(config, world.clone(), limits).await.unwrap();
        TestServer { directory, running: Some(running), world }
    }

    /// Stops the server and starts it again with the same configuration, ports included.
    pub async fn restart(&mut self) {
        self.restart_after(|| {}).await;
    }

    /// Same as [`TestServer::restart`], and runs `meanwhile` while no server runs.
    pub async fn restart_after(&mut self, meanwhile: impl FnOnce()) {
        self.restart_with(|_| meanwhile()).await;
    }

    /// Same as [`TestServer::restart`], with the configuration changed in between.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = (*self.app().config).clone();
        self.running.take().unwrap().stop().await;
        change(&mut config);
        self.running = Some(server::start(config, self.world.clone()).await.unwrap());
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn app(&self) -> &App {
        &self.running().app
    }

    /// Returns the URL for people and devices, such as `https://localhost:40123`.
    pub fn url(&self) -> String {
        self.app().config.server.public_url.clone()
    }

    pub fn metrics_url(&self) -> String {
        format!("http://{}", self.running().metrics_address)
    }

    /// Returns the metrics, as Prometheus scrapes them.
    pub async fn metrics(&self) -> String {
        reqwest::get(format!("{}/metrics", self.metrics_url())).await.unwrap().text().await.unwrap()
    }

    /// The directory of the installation: `muster.toml`, `data`, `pki`.
    pub fn directory(&self) -> PathBuf {
        self.directory.path().join("muster")
    }

    pub fn config_file(&self) -> PathBuf {
        self.directory().join("muster.toml")
    }

    /// The root that a client of this server trusts, PEM.
    pub fn tls_root(&self) -> Vec<u8> {
        std::fs::read(self.app().config.pki.tls_root.as_ref().unwrap()).unwrap()
    }

    /// Certificates for a push server that accepts this server's push certificate.
    pub async fn push_server_files() -> PushServerFiles {
        pattern().await.push_server.clone()
    }

    /// Returns an HTTP client that trusts this server and follows no redirects.
    pub fn client(&self) -> reqwest::Client {
        self.client_builder().build().unwrap()
    }

    /// Same as [`TestServer::client`], with a cookie jar.
    pub fn client_with_cookies(&self) -> reqwest::Client {
        self.client_builder().cookie_store(true).build().unwrap()
    }

    fn client_builder(&self) -> reqwest::ClientBuilder {
        client_builder().add_root_certificate(reqwest::Certificate::from_pem(&self.tls_root()).unwrap())
    }

    /// Adds a local account with these privileges.
    pub async fn add_user(&self, user_name: &str, password: &str, privileges: &[Privilege]) {
        let user = NewUser {
            user_name: user_name.into(),
            password: password.into(),
            privileges: privileges.iter().copied().collect(),
            display_name: Some(format!("{user_name} of Example School")),
            mail: None,
            managed_apple_id: None,
        };
        self.execute(Request::AddUser(user)).await;
    }

    /// Changes the settings.
    pub async fn settings(&self, change: impl FnOnce(&mut events::settings::Settings)) {
        let mut settings = self.app().settings.current().await.unwrap();
        change(&mut settings);
        self.execute(Request::ApplySettings { settings: Box::new(settings), over: None }).await;
    }

    pub async fn execute(&self, request: Request) {
        match execute(&self.app().staff, request).await {
            Answer::Refused { why } => panic!("refused: {why}"),
            Answer::Done { .. } | Answer::SettingsApplied { .. } | Answer::TokenIssued { .. } => {}
        }
    }

    /// Uses up the budget of refusals of this source: further refusals are only counted.
    pub fn use_up_refusals(&self, source: IpAddr) {
        let is_used_up = (0..10_000).any(|_| !sign_in::granted(&self.app().sign_in, source));
        assert!(is_used_up, "the budget of {source} does not end");
    }

    /// Returns the events of a stream.
    pub async fn log_of(&self, stream: &StreamName) -> Vec<Entry> {
        self.app().platform.log.read(stream).await.unwrap()
    }

    /// Returns all events.
    pub async fn whole_log(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        loop {
            let after = entries.last().map(|entry: &Entry| entry.position);
            let page = self.app().platform.log.page(after, 1_000).await.unwrap();
            if page.is_empty() {
                return entries;
            }
            assert!(page.first().map(|entry| entry.position) > after, "the log is read twice");
            entries.extend(page);
        }
    }

    /// Returns the events of a category of streams, in the order of the log.
    pub async fn events_of(&self, category: &str) -> Vec<Event> {
        let log = self.whole_log().await;
        log.into_iter().filter(|entry| entry.stream.category() == category).map(|entry| entry.event).collect()
    }

    /// Waits until the projections have processed every event, so that pages show it.
    pub async fn caught_up(&self) {
        if let Some(head) = self.app().platform.log.store().head().await.unwrap() {
            let waited = tokio::time::timeout(PATIENCE, self.app().platform.projections.wait_for(head)).await;
            waited.expect("the projections lag").unwrap();
        }
    }

    /// Waits until every reaction has processed the log completely: no push is due or in flight. The projections may be
    /// behind, or stopped by damage.
    pub async fn settled(&self) {
        waiting::until("the reactions", async || self.followed(&REACTIONS).await).await;
    }

    /// Waits until the timer has looked at everything that is due now. The pass that is under way may have begun
    /// earlier, so one more has to follow.
    pub async fn timer_looked(&self) {
        self.caught_up().await;
        let mut passes = self.app().platform.health.timer_passes();
        let wanted = *passes.borrow() + 2;
        let looked = tokio::time::timeout(PATIENCE, passes.wait_for(|passes| *passes >= wanted)).await;
        looked.expect("the timer runs").expect("the server runs");
    }

    /// Waits until the effects have processed the log completely and pages show it. Does not wait for pushes, for a
    /// server that has no push server.
    pub async fn reacted(&self) {
        waiting::until("the effects", async || self.followed(&EFFECTS).await).await;
        self.caught_up().await;
    }

    // Each of them may append events that another has to follow.
    async fn followed(&self, followers: &[&'static str]) -> bool {
        let platform = &self.app().platform;
        let head = platform.log.store().head().await.unwrap();
        for follower in followers {
            if platform.projections.checkpoint(follower).await.unwrap() < head {
                return false;
            }
        }
        platform.log.store().head().await.unwrap() == head
    }

    /// Stops the server and checks what it leaves: the projections must not lag, and the log must verify.
    pub async fn stop(self) {
        drop(self.stop_keeping().await);
    }

    /// Same as [`TestServer::stop`], but keeps the installation and returns its directory.
    pub async fn stop_keeping(mut self) -> TempDir {
        self.caught_up().await;
        let data = self.app().config.store.directory.clone();
        self.running.take().unwrap().stop().await;
        tokio::task::spawn_blocking(move || verify(&data)).await.unwrap().expect("the log verifies");
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }

    /// Stops a server that the test broke on purpose, without these checks.
    pub async fn abandon(mut self) {
        self.running.take().unwrap().abort(Duration::from_secs(5)).await;
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let forgotten = self.running.is_some() && !std::thread::panicking();
        assert!(!forgotten, "call TestServer::stop() at the end of the test: it checks for unfinished work");
    }
}
