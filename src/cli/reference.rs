//! `muster completions`, `muster man`: what the command line knows of itself, for shells and for `man`.

use super::say;
use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub struct Completions {
    /// bash, zsh, fish, elvish or powershell.
    shell: Shell,
}

impl Completions {
    pub fn run(self, mut command: Command) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "muster", &mut script);
        say(String::from_utf8(script)?.trim_end());
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub struct Man {
    /// Where `man` looks for pages of section 1, such as /usr/local/share/man/man1.
    directory: PathBuf,
}

impl Man {
    pub fn run(self, command: Command) -> anyhow::Result<ExitCode> {
        let told = || format!("cannot write man pages into {}", self.directory.display());
        std::fs::create_dir_all(&self.directory).with_context(told)?;
        clap_mangen::generate_to(command, &self.directory).with_context(told)?;
        say(format_args!("man pages are in {}", self.directory.display()));
        Ok(ExitCode::SUCCESS)
    }
}
