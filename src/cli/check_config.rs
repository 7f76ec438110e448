//! `muster check-config`.

use super::{At, say};
use crate::config::check::{Finding, Severity, check};
use crate::world::World;
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub struct CheckConfig {
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

impl CheckConfig {
    /// 1 if the server would not start.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let findings = check(&self.at.load()?, World::system().now());
        if self.json {
            say(serde_json::to_string_pretty(&findings)?);
        } else {
            tell(&findings);
        }
        let fatal = findings.iter().any(|finding| finding.severity == Severity::Error);
        Ok(if fatal { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn tell(findings: &[Finding]) {
    for finding in findings {
        say(finding);
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match (errors, warnings) {
        (0, 0) => say("nothing is wrong"),
        (0, _) => say(format_args!("the server starts; {warnings} to look at")),
        _ => say(format_args!("the server does not start: {errors} to mend, {warnings} to look at")),
    }
}
