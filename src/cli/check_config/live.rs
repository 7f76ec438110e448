//! `muster check-config --live`: every directory asked, what works told, what does not found.

use crate::config::Config;
use crate::config::check::{Finding, Severity};
use crate::config::identity::Directory;
use crate::identity::ldap::{Ldap, Step, Trouble};

/// Every step of every directory: a line of what works, or what is wrong.
pub async fn steps(config: &Config, user: Option<&str>) -> Vec<Result<String, Finding>> {
    let mut told = Vec::new();
    if config.identity.directory.is_empty() {
        told.push(Ok("no directory is configured: there is none to ask".into()));
    }
    for directory in &config.identity.directory {
        match Ldap::load(directory) {
            Ok(ldap) => told.extend(ldap.live_check(user).await.into_iter().map(|step| line(directory, step))),
            Err(why) => told.push(Err(finding(directory, why, "correct the configuration".into()))),
        }
    }
    told
}

fn line(directory: &Directory, Step { what, outcome }: Step) -> Result<String, Finding> {
    match outcome {
        Ok(found) => Ok(format!("directory {}: {what}: {found}", directory.name)),
        Err(Trouble { wrong, mend, said, .. }) => {
            let said = said.map(|said| format!("; the server says: {}", printable(&said))).unwrap_or_default();
            Err(finding(directory, format!("{what}: {wrong}{said}"), mend))
        }
    }
}

fn finding(directory: &Directory, wrong: String, mend: String) -> Finding {
    let about = format!("identity.directory.{}", directory.name);
    Finding { severity: Severity::Warning, code: "directory-does-not-do", about, wrong, mend }
}

// A server's words go to a terminal.
fn printable(said: &str) -> String {
    said.chars().filter(|c| !c.is_control()).collect()
}
