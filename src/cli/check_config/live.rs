//! `muster check-config --live`: queries every address, directory and identity provider and the mail server, and
//! reports what works and what does not.

mod tls;

use crate::config::Config;
use events::settings::Settings;
use findings::{Finding, Severity};
use identity::config::{Directory, OpenIdConnect};
use identity::ldap::{Ldap, Step, Trouble};
use identity::openid_connect::{Provider, Wrong};
use settings::groups::{Unknown, look};
use settings::single_sign_on;
use world::World;

/// Checks every address of this server, the mail server, and every step of every directory. Each result is a line for
/// what works, or a finding.
pub(crate) async fn steps(
    config: &Config,
    settings: Option<&Settings>,
    user: Option<&str>,
) -> Vec<Result<String, Finding>> {
    let mut told = tls::steps(config).await;
    if let Some(mail) = &config.mail {
        told.extend(mail::live_check(mail, &config.own_name()).await);
    }
    if config.identity.directory.is_empty() {
        told.push(Ok("no directory is configured".into()));
    }
    for provider in &config.identity.openid_connect {
        told.extend(ask(provider, &config.server.public_url).await);
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
        let looked = look(settings, &directories, &single_sign_on(&config.identity)).await;
        told.extend(looked.nowhere.into_iter().map(|wrong| Err(group_nowhere(wrong))));
        told.extend(looked.unknown.map(|unknown| Err(groups_unknown(unknown))));
    }
    told
}

fn group_nowhere(wrong: String) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: "group-nowhere",
        about: "settings".into(),
        wrong,
        mend: "write the group as `muster access explain NAME` prints it for a member".into(),
    }
}

// The directory's own finding says why it does not answer.
fn groups_unknown(Unknown { told, .. }: Unknown) -> Finding {
    let mend = "check this again when the directory answers";
    Finding::warning("groups-not-looked-up", "settings", told, mend)
}

// Checks metadata, keys, the client secret, and the features that the provider announces.
async fn ask(config: &OpenIdConnect, public_url: &str) -> Vec<Result<String, Finding>> {
    let about = format!("identity.openid_connect.{}", config.name);
    let wrong = |wrong: String, mend: String| Finding {
        severity: Severity::Warning,
        code: "provider-does-not-do",
        about: about.clone(),
        wrong,
        mend,
    };
    let nobody = "sign-in there fails until it answers; other sign-in methods are not affected";
    let provider = match Provider::load(config) {
        Ok(provider) => provider,
        Err(why) => return vec![Err(wrong(why, nobody.into()))],
    };
    let redirect_uri = format!("{}/enroll/sso/{}/callback", public_url.trim_end_matches('/'), config.name);
    match provider.probe(&redirect_uri, World::system().now()).await {
        Err(why) => vec![Err(wrong(why.to_string(), nobody.into()))],
        Ok(told) => {
            let told = told.into_iter().map(|told| match told {
                Ok(found) => Ok(format!("identity provider {}: {found}", config.name)),
                Err(Wrong { wrong: what, mend }) => Err(wrong(what, mend)),
            });
            told.collect()
        }
    }
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

// The server's text is printed to a terminal.
fn printable(said: &str) -> String {
    said.chars().filter(|c| !c.is_control()).collect()
}
