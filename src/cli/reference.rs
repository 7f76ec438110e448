//! `muster completions` and `muster man`: describe the command line to shells and to `man`. `--help` shows the exit
//! codes from the same tables.

mod page;
mod tables;

use super::say;
use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Completions {
    /// The shell for which to print the script.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut command: Command) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "muster", &mut script);
        say(String::from_utf8(script)?.trim_end());
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub(crate) struct Man {
    /// Directory for man pages of section 1, such as /usr/local/share/man/man1.
    #[arg(value_parser = super::directory())]
    directory: PathBuf,
}

impl Man {
    pub(crate) fn run(self, command: Command) -> anyhow::Result<ExitCode> {
        let told = || format!("cannot write man pages into {}", self.directory.display());
        std::fs::create_dir_all(&self.directory).with_context(told)?;
        page::write_all(command, &self.directory).with_context(told)?;
        say(format_args!("man pages are in {}", self.directory.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Adds the exit codes of each command to the end of its `--help`.
pub(crate) fn documented(command: Command) -> Command {
    document(command, "")
}

fn document(command: Command, path: &str) -> Command {
    let own: Vec<String> = tables::exits_of(path).map(|exit| format!("  {:<3} {}", exit.code, exit.when)).collect();
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = match own.is_empty() {
        true => command,
        false => command.after_help(format!("Exit status:\n{}", own.join("\n"))),
    };
    below.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |below| document(below, path.trim_start()))
    })
}
