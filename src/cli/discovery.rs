//! `muster discovery …`: shows and checks how devices find this server from the account that is typed in Settings.

#[cfg(feature = "demo")]
mod check;
mod show;

use clap::Subcommand;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum Discovery {
    /// Print the document that the domains of people's accounts must serve, and what to register with Apple.
    Show(show::Show),
    /// Follow the requests from a domain to the sign-in page as a device would, and report the result.
    #[cfg(feature = "demo")]
    Check(check::Check),
}

impl Discovery {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Discovery::Show(command) => command.run().await,
            #[cfg(feature = "demo")]
            Discovery::Check(command) => command.run().await,
        }
    }
}
