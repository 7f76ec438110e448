//! The commands of the `muster` binary.

mod access;
mod administer;
mod check_config;
#[cfg(feature = "demo")]
pub mod demo;
mod discovery;
mod health;
mod import;
pub(crate) mod init;
mod keep;
mod log;
pub mod log_list;
mod password;
mod push;
mod reference;
mod replay;
mod serve;
#[cfg(feature = "demo")]
mod simulate;
mod status;

use crate::config::Config;
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::future::Future;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// An event-sourced enrollment engine for iPhone and iPad.
#[derive(Parser)]
#[command(name = "muster", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Selects the installation that a command works on.
#[derive(Args)]
struct At {
    /// The configuration file.
    #[arg(long, global = true, env = "MUSTER_CONFIG", default_value = "muster.toml")]
    config: PathBuf,
}

/// Accepts the path of a directory that may not exist yet.
fn directory() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.is_file() {
        true => Err("it is a file: give a directory"),
        false => Ok(path),
    })
}

impl At {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config)?)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Create a new installation: configuration, master key, certificates and an empty log.
    Init(Box<init::Init>),
    /// Run the server for people, devices and staff.
    Serve(serve::Serve),
    /// Run a server in a temporary directory and watch four simulated devices enroll, step by step.
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    /// Enroll many simulated devices at a running server, and report rates and latencies.
    #[cfg(feature = "demo")]
    Simulate(simulate::Simulate),
    /// Check the configuration, and say how to correct each problem. Changes nothing.
    CheckConfig(check_config::CheckConfig),
    /// Show or change the settings: texts, options, access rules, which kinds of ownership may enroll.
    #[command(subcommand)]
    Settings(administer::Settings),
    /// Manage local accounts: add, list, disable, enable, roles, passwords, second factors, API tokens.
    #[command(subcommand)]
    User(administer::User),
    /// Evaluate the access rules for a person.
    #[command(subcommand)]
    Access(access::Access),
    /// Show or check how devices find this server from the account that is typed in Settings.
    #[command(subcommand)]
    Discovery(discovery::Discovery),
    /// Request, renew and install the push certificate.
    #[command(subcommand)]
    Push(push::Push),
    /// Import device records of other MDM products, list imports, undo them.
    #[command(subcommand)]
    Import(import::Import),
    /// Build projections again from the log. A running server does it while it serves.
    Replay(replay::Replay),
    /// Show the state of the installation on one screen: server, log, commands, push, certificates, directories,
    /// alarms.
    Status(status::Status),
    /// Print the completion script for a shell: `muster completions bash > /etc/bash_completion.d/muster`.
    Completions(reference::Completions),
    /// Write a man page for each command into a directory.
    Man(reference::Man),
    /// Check whether the server on this machine answers. The exit code is the result. For container health checks.
    Health(health::Health),
    /// Back up everything except the master key to a new directory and verify it, while the server runs; or verify a
    /// backup.
    Backup(keep::Backup),
    /// Restore a backup on a machine that has no log, and verify it.
    Restore(keep::Restore),
    /// Examine the log.
    #[command(subcommand)]
    Log(log::Log),
}

/// Runs the command given in the arguments. Returns exit code 0 if it succeeded.
pub fn main() -> ExitCode {
    // Without this, whatever uses OpenSSL first may register its cleanup for the exit of the process (OPENSSL_cleanup),
    // which frees what other threads still use. `init` passes OPENSSL_INIT_NO_ATEXIT.
    openssl::init();
    let matches = reference::documented(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let outcome = match cli.command {
        Command::Init(command) => wait(command.run()),
        Command::Serve(command) => wait(command.run()),
        #[cfg(feature = "demo")]
        Command::Demo(command) => wait(command.run()),
        #[cfg(feature = "demo")]
        Command::Simulate(command) => wait(command.run()),
        Command::CheckConfig(command) => wait(command.run()),
        Command::Settings(command) => wait(command.run()),
        Command::User(command) => wait(command.run()),
        Command::Access(command) => wait(command.run()),
        Command::Discovery(command) => wait(command.run()),
        Command::Push(command) => wait(command.run()),
        Command::Import(command) => wait(command.run()),
        Command::Replay(command) => wait(command.run()),
        Command::Status(command) => wait(command.run()),
        Command::Completions(command) => command.run(Cli::command()),
        Command::Man(command) => command.run(Cli::command()),
        Command::Health(command) => wait(command.run()),
        Command::Backup(command) => wait(command.run()),
        Command::Restore(command) => wait(command.run()),
        Command::Log(command) => wait(command.run()),
    };
    match outcome {
        Ok(_) if UNHEARD.load(Ordering::Relaxed) => ExitCode::FAILURE,
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn wait(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(command);
    // A blocking thread that hangs on a broken disk must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

fn complain(error: &anyhow::Error) {
    telemetry::complain(&format!("{error:#}"));
}

/// Whether output was lost although its reader was still there.
static UNHEARD: AtomicBool = AtomicBool::new(false);

/// Prints a line to standard output. A closed pipe is ignored, since its reader needs no more output; the command still
/// finishes its work.
fn say(text: impl std::fmt::Display) {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe && !UNHEARD.swap(true, Ordering::Relaxed) => {
            complain(&anyhow::anyhow!("cannot write to standard output: {error}"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undescribed(command: &clap::Command, path: &str) -> Vec<String> {
        let path = format!("{path} {}", command.get_name());
        let here = command.get_about().is_none().then(|| path.clone());
        let arguments = command.get_arguments().filter(|argument| argument.get_help().is_none());
        let arguments = arguments.map(|argument| format!("{path} {}", argument.get_id()));
        let below = command.get_subcommands().flat_map(|command| undescribed(command, &path));
        here.into_iter().chain(arguments).chain(below).collect()
    }

    // Returns the commands in a document: the text from "muster" at the start of a line or code span to its end.
    fn told(document: &str) -> Vec<String> {
        let joined = document.replace("\\\n", " ");
        let lines = joined.lines().filter_map(|line| line.trim_start().strip_prefix("muster ").map(str::to_owned));
        let spans =
            joined.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("muster ").map(str::to_owned));
        lines.chain(spans).collect()
    }

    // Returns the first word that is not a subcommand, not one of its options, and not a possible value.
    fn unknown_word(text: &str) -> Option<String> {
        let mut command = Cli::command();
        command.build();
        let mut command = &command;
        for word in text.split(" #").next().unwrap_or_default().split_whitespace() {
            let word = word.trim_end_matches([',', '.', ';', ')']);
            if let Some(long) = word.strip_prefix("--") {
                let name = long.split('=').next().unwrap_or_default();
                if name != "help" && !command.get_arguments().any(|argument| argument.get_long() == Some(name)) {
                    return Some(format!("--{name} of {}", command.get_name()));
                }
            } else if let Some(below) = command.find_subcommand(word) {
                command = below;
            } else if command.has_subcommands() && command.get_positionals().next().is_none() && word != "…" {
                return Some(word.to_owned());
            }
        }
        None
    }

    #[test]
    fn every_command_and_option_in_the_documents_exists() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let documents = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        let mut seen = 0;
        for path in documents.chain([root.join("README.md"), root.join("docker/muster.service")]) {
            let document = std::fs::read_to_string(&path).unwrap();
            for command in told(&document.replace("/usr/local/bin/muster ", "\nmuster ")) {
                seen += 1;
                assert_eq!(unknown_word(&command), None, "{}: muster {command}", path.display());
            }
        }
        assert!(seen > 50, "{seen}");
        assert_eq!(unknown_word("user forget ada"), Some("forget".into()));
        assert_eq!(unknown_word("serve --at once"), Some("--at of serve".into()));
    }

    #[test]
    fn the_readme_names_every_command() {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
        let table = readme.split_once("| Command | What it does |").unwrap().1.split_once("\n\n").unwrap().0;
        let first: Vec<&str> = table.lines().filter_map(|line| line.split('|').nth(1)).collect();
        let words = first.concat();
        let words: Vec<&str> = words.split([' ', '`', ',']).collect();
        for command in Cli::command().get_subcommands().filter(|command| command.get_name() != "help") {
            assert!(words.contains(&command.get_name()), "README.md does not name `{}`", command.get_name());
        }
    }

    #[test]
    fn every_command_and_every_argument_says_what_it_is() {
        assert_eq!(undescribed(&Cli::command(), ""), Vec::<String>::new());
    }
}
