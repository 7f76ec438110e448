//! `muster user …` and `muster settings …`: run through the running server's socket, or directly if no server runs.

use super::{At, password, say};
use crate::app::App;
use crate::app::assemble::read_log;
use crate::config::Config;
use crate::server::command_socket;
use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use events::staff::Privilege;
use events::store::Corruption;
use staff::administration::{self, Answer, Listed, NewUser, Request, execute};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use world::World;

/// Timeout for reporting corruption to a running server.
const TO_TELL: Duration = Duration::from_secs(5);

#[derive(Subcommand)]
pub(crate) enum User {
    /// Add a local account. The password is one line on standard input.
    Add(Add),
    /// List the accounts of staff and of people who enroll with a local account.
    List {
        /// Print the accounts as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: At,
    },
    /// Disable an account and end its sessions.
    Disable {
        /// User name of the account.
        user_name: String,
        #[command(flatten)]
        at: At,
    },
    /// Enable a disabled account again.
    Enable {
        /// User name of the account.
        user_name: String,
        #[command(flatten)]
        at: At,
    },
    /// Replace the roles of a local account by these.
    SetRoles {
        /// User name of the account.
        user_name: String,
        #[command(flatten)]
        roles: Roles,
        #[command(flatten)]
        at: At,
    },
    /// Set a new password for a local account, read as one line from standard input. Its sessions end.
    SetPassword {
        /// User name of the account.
        user_name: String,
        /// Generate a password and print it once, instead of reading one.
        #[arg(long)]
        generate_password: bool,
        #[command(flatten)]
        at: At,
    },
    /// Remove all second factors of a person who lost theirs. The person's sessions end.
    RemoveFactors {
        /// User name of the account.
        user_name: String,
        #[command(flatten)]
        at: At,
    },
    /// Issue a new API token for a program. The previous token stops working immediately.
    RotateToken {
        /// User name of the account.
        user_name: String,
        #[command(flatten)]
        at: At,
    },
    /// Print a link with which an administrator creates their account. It works once, within 24 hours.
    SetUpLink {
        #[command(flatten)]
        at: At,
    },
}

/// Roles of an account.
#[derive(Args)]
pub(crate) struct Roles {
    /// May enroll devices at the portal.
    #[arg(long)]
    enroll: bool,
    /// May enroll devices at the portal for other people, who are in a directory.
    #[arg(long)]
    enroll_for_others: bool,
    /// Administrator at the console.
    #[arg(long)]
    admin: bool,
    /// Auditor at the console: read-only access.
    #[arg(long)]
    auditor: bool,
    /// Help desk at the console: sees the progress of enrollments, and the enrollments of a person.
    #[arg(long)]
    help_desk: bool,
}

impl Roles {
    /// Returns the given roles. `otherwise` is what the caller offers to somebody who wants none of them.
    fn privileges(&self, otherwise: &str) -> anyhow::Result<BTreeSet<Privilege>> {
        let chosen = [
            (self.enroll, Privilege::Enroll),
            (self.enroll_for_others, Privilege::EnrollForOthers),
            (self.admin, Privilege::Administrator),
            (self.auditor, Privilege::Auditor),
            (self.help_desk, Privilege::HelpDesk),
        ];
        let chosen: BTreeSet<_> =
            chosen.into_iter().filter_map(|(given, privilege)| given.then_some(privilege)).collect();
        if chosen.is_empty() {
            bail!(
                "no role given: use at least one of --enroll, --enroll-for-others, --admin, --auditor, --help-desk; \
                 {otherwise}"
            );
        }
        Ok(chosen)
    }
}

#[derive(Args)]
pub(crate) struct Add {
    /// User name for signing in; case does not matter.
    user_name: String,
    #[command(flatten)]
    roles: Roles,
    /// A program that reads through the API. It gets a token, which is printed once, instead of a password.
    #[arg(long, conflicts_with_all = [
        "enroll", "admin", "enroll_for_others", "auditor", "help_desk", "generate_password", "mail", "managed_apple_id"
    ])]
    api: bool,
    /// Generate a password and print it once, instead of reading one.
    #[arg(long)]
    generate_password: bool,
    /// Display name.
    #[arg(long)]
    display_name: Option<String>,
    /// Mail address.
    #[arg(long)]
    mail: Option<String>,
    /// Managed Apple ID that is filled in when the person enrolls a personal device.
    #[arg(long)]
    managed_apple_id: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Subcommand)]
pub(crate) enum Settings {
    /// Print the current settings as TOML, with their revision.
    Show {
        #[command(flatten)]
        at: At,
    },
    /// Replace all settings by those of a TOML file. Settings that the file omits get their defaults. Nothing is
    /// applied if the file names a revision and the settings have changed since then.
    Apply {
        /// The edited output of `muster settings show`.
        file: PathBuf,
        /// The revision of the settings to replace, instead of the one that the file names.
        #[arg(long, value_name = "REVISION")]
        over: Option<u64>,
        #[command(flatten)]
        at: At,
    },
}

impl User {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            User::Add(add) => add.run().await,
            User::List { json, at } => list(&at, json).await,
            User::Disable { user_name, at } => print(perform(&at, Request::DisableUser { user_name }).await?),
            User::RotateToken { user_name, at } => print(perform(&at, Request::RotateToken { user_name }).await?),
            User::Enable { user_name, at } => print(perform(&at, Request::EnableUser { user_name }).await?),
            User::SetRoles { user_name, roles, at } => {
                let privileges = roles.privileges("`muster user disable` removes all permissions of an account")?;
                print(perform(&at, Request::SetRoles { user_name, privileges }).await?)
            }
            User::SetPassword { user_name, generate_password, at } => {
                set_password(user_name, generate_password, &at).await
            }
            User::RemoveFactors { user_name, at } => print(perform(&at, Request::RemoveFactors { user_name }).await?),
            User::SetUpLink { at } => print(perform(&at, Request::SetUpLink).await?),
        }
    }
}

impl Add {
    async fn run(self) -> anyhow::Result<ExitCode> {
        if self.api {
            let request = Request::AddApiClient { user_name: self.user_name, display_name: self.display_name };
            return print(perform(&self.at, request).await?);
        }
        let privileges = self.roles.privileges("--api creates an account for a program")?;
        let password = if self.generate_password { password::generate(&World::system()) } else { password::read()? };
        let shown = self.generate_password.then(|| password.clone());
        let user = NewUser {
            user_name: self.user_name,
            password,
            privileges,
            display_name: self.display_name,
            mail: self.mail,
            managed_apple_id: self.managed_apple_id,
        };
        let code = print(perform(&self.at, Request::AddUser(user)).await?)?;
        if let Some(password) = shown {
            say(format_args!("password: {password}"));
        }
        Ok(code)
    }
}

async fn set_password(user_name: String, generate: bool, at: &At) -> anyhow::Result<ExitCode> {
    let password = if generate { password::generate(&World::system()) } else { password::read()? };
    let code = print(perform(at, Request::SetPassword { user_name, password: password.clone() }).await?)?;
    if generate {
        say(format_args!("password: {password}"));
    }
    Ok(code)
}

async fn list(at: &At, json: bool) -> anyhow::Result<ExitCode> {
    let config = at.load()?;
    let log = read_log(&config)?;
    let users = administration::list_accounts(&log).await;
    tell_corruption(&config, log.store().findings().all()).await;
    let users = users.map_err(anyhow::Error::msg)?;
    match (json, users.is_empty()) {
        (true, _) => say(serde_json::to_string_pretty(&users)?),
        (false, true) => {
            say("there is no account yet: `muster user add`, or `muster user set-up-link` for the first administrator")
        }
        (false, false) => table(&users).into_iter().for_each(say),
    }
    Ok(ExitCode::SUCCESS)
}

fn table(users: &[Listed]) -> Vec<String> {
    let row = |name: &str, shown: &str, may: &str, whose: &str| {
        format!("{name:<24} {shown:<28} {may:<36} {whose}").trim_end().to_owned()
    };
    let mut lines = vec![row("USER NAME", "NAME", "MAY", "ACCOUNT")];
    for user in users {
        let may = administration::may(&user.privileges);
        let may = if may.is_empty() { "nothing" } else { &may };
        // Names at other providers may be equal, and a name whose key is lost cannot be typed. The id identifies the
        // account.
        let is_typed = !user.user_name.starts_with('(');
        let whose = match &user.provider {
            Some(provider) => format!("{provider}, id {}", user.id),
            None if is_typed => "local".to_owned(),
            None => format!("local, id {}", user.id),
        };
        let disabled = if user.disabled { " (disabled)" } else { "" };
        lines.push(row(&user.user_name, &user.display_name, may, &format!("{whose}{disabled}")));
    }
    lines
}

impl Settings {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Settings::Show { at } => {
                let config = at.load()?;
                let log = read_log(&config)?;
                let current = settings::stored(&log).await;
                tell_corruption(&config, log.store().findings().all()).await;
                let current = current?;
                let revision = current.changes;
                say(format_args!(
                    "{REVISION}{revision}. Keep this line: it protects changes that others make in the meantime."
                ));
                say(settings::written_settings(&current.settings)?.trim_end());
                Ok(ExitCode::SUCCESS)
            }
            Settings::Apply { file, over, at } => apply_settings(&file, over, &at).await,
        }
    }
}

/// Prefix of the revision in the first line that `muster settings show` prints.
const REVISION: &str = "# Revision ";

async fn apply_settings(file: &Path, over: Option<u64>, at: &At) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("cannot read {}: give the path of a file that `muster settings show` wrote", file.display())
    })?;
    let settings = toml::from_str(&text).with_context(|| format!("cannot parse {}", file.display()))?;
    let over = match over {
        Some(over) => Some(over),
        None => named_revision(&text).with_context(|| format!("cannot parse {}", file.display()))?,
    };
    // Settings that a file omits get their defaults. An empty file is a mistake, such as a failed redirection.
    if toml::from_str::<toml::Table>(&text).is_ok_and(|table| table.is_empty()) {
        bail!(
            "{} contains no setting: it would reset every setting to its default, so it was not applied",
            file.display()
        );
    }
    match perform(at, Request::ApplySettings { settings: Box::new(settings), over }).await? {
        Answer::Refused { why } => bail!("{} was not applied:\n{why}", file.display()),
        applied => print(applied),
    }
}

// A handwritten file has no revision: it replaces all settings, whatever they are now.
fn named_revision(text: &str) -> anyhow::Result<Option<u64>> {
    let Some(rest) = text.trim_start_matches('\u{feff}').lines().find_map(revision_in) else { return Ok(None) };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let revision = digits.parse().map_err(|_| anyhow!("there is no number after {REVISION:?}"))?;
    Ok(Some(revision))
}

// The line may have been edited, so other spacing and capitalization are accepted.
fn revision_in(line: &str) -> Option<&str> {
    let comment = line.trim_start().strip_prefix('#')?.trim_start();
    let (word, rest) = comment.split_at_checked("revision".len())?;
    let (is_named, rest) = (word.eq_ignore_ascii_case("revision"), rest.trim_start());
    let is_meant = rest.starts_with(|first: char| first.is_ascii_digit()) || line.trim_start().starts_with(REVISION);
    (is_named && is_meant).then_some(rest)
}

pub(super) async fn perform(at: &At, request: Request) -> anyhow::Result<Answer> {
    let config: Config = at.load()?;
    let broken =
        "the running server did not answer; the command may have been performed: check this before repeating it";
    match command_socket::ask::<Answer>(&config.store.directory, &request).await.context(broken)? {
        Some(answer) => Ok(answer),
        None => Ok(execute(&App::open(config, World::system()).await?.staff, request).await),
    }
}

/// Reports corruption that a command found in the log to the running server, which owns health and alarms.
pub(super) async fn tell_corruption(config: &Config, found: Vec<Corruption>) {
    if !found.is_empty() {
        // Errors are ignored: the command fails anyway and prints the reason, and without a running server there is no
        // one to report to.
        let request = Request::TellCorruption { found };
        let _ = tokio::time::timeout(TO_TELL, command_socket::ask::<Answer>(&config.store.directory, &request)).await;
    }
}

pub(super) fn print(answer: Answer) -> anyhow::Result<ExitCode> {
    match answer {
        Answer::Done { said } => say(said),
        Answer::TokenIssued { said, token } => {
            say(said);
            say(format_args!("token: {}", token.0));
        }
        Answer::SettingsApplied { before, after, warnings } => {
            let lines = settings::difference(&before, &after)?;
            let unchanged = "nothing changed: these are already the current settings".to_owned();
            say(if lines.is_empty() { unchanged } else { lines.join("\n") });
            warnings.iter().for_each(|warning| say(format_args!("note: {warning}")));
        }
        Answer::Refused { why } => return Err(anyhow!(why)),
    }
    Ok(ExitCode::SUCCESS)
}
