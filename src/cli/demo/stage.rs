//! The demo's environment: a temporary installation, its server, a push server on the loopback interface, and the
//! accounts.

use super::say;
use crate::app::App;
use crate::app::initialize::{Plan, initialize};
use crate::app::start_error::StartError;
use crate::cli::password;
use crate::config::Config;
use crate::server::{self, Running};
use anyhow::{Context as _, anyhow, bail};
use events::settings::Settings;
use events::staff::Privilege;
use openssl::x509::X509;
use pki::create::PushServerFiles;
use simulator::push_server::{self, PushServer};
use staff::administration::{Answer, NewUser, Request, execute};
use std::net::SocketAddr;
use std::path::PathBuf;
use tempfile::TempDir;
use world::World;

/// User name of the person who enrolls devices.
pub const ENROLLING: &str = "ada";
/// User name of the person who enrolls a device again that another product managed.
pub(crate) const MOVING: &str = "grace";
pub(crate) const ADMINISTRATOR: &str = "administrator";
pub(crate) const AUDITOR: &str = "auditor";
pub(crate) const HELP_DESK: &str = "helpdesk";

pub struct Stage {
    directory: TempDir,
    running: Running,
    pub push_server: PushServer,
    pub passwords: Passwords,
}

pub struct Passwords {
    pub enrolling: String,
    pub moving: String,
    pub administrator: String,
    pub auditor: String,
    pub help_desk: String,
}

impl Stage {
    /// Creates and starts everything.
    pub async fn set(listen: SocketAddr) -> anyhow::Result<Stage> {
        let world = World::system();
        let directory = tempfile::Builder::new().prefix("muster-demo-").tempdir()?;
        let plan = Plan {
            directory: directory.path().join("muster"),
            organization: "Example School".into(),
            public_url: format!("https://localhost:{}", listen.port()),
            listen: listen.to_string(),
            metrics_listen: "127.0.0.1:0".into(),
            hosts: vec!["localhost".into(), "127.0.0.1".into()],
            trial: true,
            given: Default::default(),
            push_base_url: "https://localhost:0".into(),
        };
        let made = initialize(&plan, &world).await?;
        let push_server =
            start_push_server(&made.push_server.context("no certificates for a push server were made")?).await?;
        let mut config = Config::load(&made.config)?;
        config.push.base_url = format!("https://localhost:{}", push_server.address().port());
        let running = server::start(config, world.clone()).await.map_err(|error| match error {
            StartError::Listen { address, why, .. } => {
                anyhow!("cannot listen on {address}: {why}; use --listen to set another address")
            }
            error => error.into(),
        })?;
        let passwords = Passwords {
            enrolling: password::generate(&world),
            moving: password::generate(&world),
            administrator: password::generate(&world),
            auditor: password::generate(&world),
            help_desk: password::generate(&world),
        };
        let stage = Stage { directory, running, push_server, passwords };
        stage.furnish().await?;
        say(format_args!(
            "The installation is in {}. It is deleted when the demo ends.",
            stage.directory.path().display()
        ));
        Ok(stage)
    }

    async fn furnish(&self) -> anyhow::Result<()> {
        let mut settings = Settings { organization: "Example School".into(), ..Settings::default() };
        let description = "Your photos, messages and apps stay yours: the school sees only what it installs.";
        settings.personal_description.insert("en".into(), description.into());
        self.execute(Request::ApplySettings { settings: Box::new(settings), over: None }).await?;
        let Passwords { enrolling, moving, administrator, auditor, help_desk } = &self.passwords;
        self.add(ENROLLING, enrolling, Privilege::Enroll).await?;
        self.add(MOVING, moving, Privilege::Enroll).await?;
        self.add(ADMINISTRATOR, administrator, Privilege::Administrator).await?;
        self.add(AUDITOR, auditor, Privilege::Auditor).await?;
        self.add(HELP_DESK, help_desk, Privilege::HelpDesk).await
    }

    /// Creates a local account.
    ///
    /// # Errors
    /// Returns an error if the account is refused.
    pub async fn add(&self, user_name: &str, password: &str, privilege: Privilege) -> anyhow::Result<()> {
        let user = NewUser {
            user_name: user_name.into(),
            password: password.into(),
            privileges: [privilege].into(),
            display_name: None,
            mail: None,
            managed_apple_id: (privilege == Privilege::Enroll).then(|| managed_apple_id(user_name)),
        };
        self.execute(Request::AddUser(user)).await
    }

    async fn execute(&self, request: Request) -> anyhow::Result<()> {
        match execute(&self.app().staff, request).await {
            Answer::Refused { why } => bail!(why),
            Answer::Done { .. } | Answer::SettingsApplied { .. } | Answer::TokenIssued { .. } => Ok(()),
        }
    }

    pub fn app(&self) -> &App {
        &self.running.app
    }

    /// Returns the address that people type.
    pub fn address(&self) -> String {
        self.app().config.server.public_url.clone()
    }

    /// Returns the account that a person types in Settings. Its domain is the server's own host and port, since the
    /// demo's domain has no DNS entry.
    pub(crate) fn account(&self, user_name: &str) -> String {
        format!("{user_name}@{}", self.address().trim_start_matches("https://"))
    }

    /// Writes a file beside the installation. It is deleted with it.
    pub(crate) fn write(&self, name: &str, content: &str) -> anyhow::Result<PathBuf> {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Returns the root of the server's certificate.
    pub fn root(&self) -> anyhow::Result<X509> {
        let root = self.app().config.pki.tls_root.as_ref().context("the demo has no root")?;
        Ok(X509::from_pem(&std::fs::read(root)?)?)
    }

    pub(crate) fn tell_addresses(&self) {
        let address = self.address();
        let Passwords { enrolling, moving, administrator, auditor, help_desk } = &self.passwords;
        say(
            "\nOpen these pages (your browser will show a warning, because the demo issued its own TLS certificate):\n",
        );
        say(format_args!("  portal   {address}/enroll             {ENROLLING:<13}  {enrolling}"));
        say(format_args!("  portal   {address}/enroll             {MOVING:<13}  {moving}"));
        say(format_args!("  console  {address}/console/devices    {ADMINISTRATOR:<13}  {administrator}"));
        say(format_args!("  console  {address}/console/audit      {AUDITOR:<13}  {auditor}"));
        say(format_args!("  console  {address}/console/visits     {HELP_DESK:<13}  {help_desk}"));
        say(format_args!("  what people see, page by page: {address}/console/preview, as {HELP_DESK}"));
        say(format_args!("  metrics  http://{}/metrics", self.running.metrics_address));
    }

    /// Stops the server and deletes the directory.
    pub async fn strike(self) {
        self.running.stop().await;
    }
}

pub(crate) fn managed_apple_id(user_name: &str) -> String {
    format!("{user_name}@appleid.school.example")
}

async fn start_push_server(files: &PushServerFiles) -> anyhow::Result<PushServer> {
    let read = |path: &std::path::Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let files = push_server::PushServerFiles {
        certificate: read(&files.certificate)?,
        key: read(&files.key)?,
        client_ca: read(&files.root)?,
    };
    Ok(PushServer::start(&files, ([127, 0, 0, 1], 0).into()).await?)
}
