//! `muster check-config --live`: every address, directory and identity provider asked, what works told, what does not found.

mod tls;

use crate::app::administration::settings::groups::nowhere;
use crate::app::administration::settings::single_sign_on;
use crate::config::Config;
use crate::config::check::{Finding, Severity};
use crate::config::identity::{Directory, OpenIdConnect};
use crate::identity::ldap::{Ldap, Step, Trouble};
use crate::identity::openid_connect::Provider;
use crate::world::World;
use events::settings::Settings;

/// Every address of ours, every step of every directory: a line of what works, or what is wrong.
pub async fn steps(config: &Config, settings: Option<&Settings>, user: Option<&str>) -> Vec<Result<String, Finding>> {
    let mut told = tls::steps(config).await;
    if config.identity.directory.is_empty() {
        told.push(Ok("no directory is configured: there is none to ask".into()));
    }
    for provider in &config.identity.openid_connect {
        told.push(ask(provider).await);
    }
    let mut loaded = vec![];
    for directory in &config.identity.directory {
        match Ldap::load(directory) {
            Ok(ldap) => {
                told.extend(ldap.live_check(user).await.into_iter().map(|step| line(directory, step)));
                loaded.push(ldap);
            }
            Err(why) => told.push(Err(finding(directory, why, "correct the configuration".into()))),
        }
    }
    if let Some(settings) = settings {
        let directories: Vec<&Ldap> = loaded.iter().collect();
        let missing = nowhere(settings, &directories, &single_sign_on(&config.identity)).await;
        told.extend(missing.into_iter().map(|wrong| Err(group_nowhere(wrong))));
    }
    told
}

fn group_nowhere(wrong: String) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: "group-nowhere",
        about: "settings".into(),
        wrong,
        mend: "write the group as `muster access explain NAME` lists it for somebody who is in it".into(),
    }
}

// Metadata and keys: whether the client secret is right shows when somebody signs in.
async fn ask(config: &OpenIdConnect) -> Result<String, Finding> {
    let about = format!("identity.openid_connect.{}", config.name);
    let wrong = |wrong: String| Finding {
        severity: Severity::Warning,
        code: "provider-does-not-do",
        about: about.clone(),
        wrong,
        mend: "nobody can sign in there before it answers; the other ways in are not concerned".into(),
    };
    let provider = Provider::load(config).map_err(&wrong)?;
    let found = provider.probe(World::system().now()).await.map_err(|why| wrong(why.to_string()))?;
    Ok(format!("identity provider {}: {found}", config.name))
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
