//! `muster push import`.

use super::{PORTAL, Pending, day, home, installed_at};
use crate::app::assemble::read_log;
use crate::cli::{At, say};
use crate::config::Config;
use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use devices::push_topics;
use findings::files::holds_private_key;
use openssl::x509::X509;
use pki::files::{Credential, replace};
use pki::push::PushFacts;
use plural::counted;
use push::is_service_of_apple;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use world::World;

#[derive(Args)]
pub(crate) struct Import {
    /// The certificate from Apple's portal, PEM or DER.
    certificate: PathBuf,
    /// The certificate's key. Default: the one that `muster push request` created.
    #[arg(long)]
    key: Option<PathBuf>,
    /// Install the certificate even though it can never wake this number of enrolled devices, which must then enroll
    /// again.
    #[arg(long, value_name = "DEVICES")]
    give_up_devices: Option<usize>,
    #[command(flatten)]
    at: At,
}

impl Import {
    /// Installs nothing unless all checks pass.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.at.load()?;
        let home = home(&self.at.config)?;
        let (certificate_path, key_path) = installed_at(&config, &home);
        let pending = Pending::beside(&self.at.config)?;
        // Always converted to PEM, so that it is checked as the server will read it.
        let given = tempfile::NamedTempFile::new()?;
        std::fs::write(given.path(), read(&self.certificate)?)?;
        let keys: Vec<PathBuf> = match &self.key {
            Some(key) => vec![key.clone()],
            None => {
                let mut keys = vec![pending.key(), key_path.clone()];
                keys.retain(|key| key.exists());
                keys.extend(holds_private_key(&std::fs::read(&self.certificate)?).then(|| self.certificate.clone()));
                keys
            }
        };
        let (key, credential) = pair(given.path(), &self.certificate, &keys)?;
        let facts = PushFacts::of(&credential)
            .map_err(|error| anyhow!("{}: {}; {}", self.certificate.display(), error.problem, error.cure))?;
        let now = World::system().now().0 / 1_000_000;
        in_force(&facts, now)?;
        let topics = push_topics::in_use(&read_log(&config)?).await?;
        same_topic(&facts, &topics, self.give_up_devices)?;

        let owner_of = &config.pki.identity_ca_key;
        replace(&key_path, &credential.key.private_key_to_pem_pkcs8()?, 0o600, owner_of)?;
        replace(&certificate_path, &std::fs::read(given.path())?, 0o644, owner_of)?;
        Credential::read(&certificate_path, &key_path)?;
        if key == pending.key() {
            // The key is already in its place. A second copy would need protection too.
            let _ = std::fs::remove_dir_all(&pending.directory);
        }
        say(format_args!("installed {}", certificate_path.display()));
        say(format_args!("installed {} (mode 0600)", key_path.display()));
        self.print(&config, &facts, &topics, now);
        Ok(ExitCode::SUCCESS)
    }

    fn print(&self, config: &Config, facts: &PushFacts, topics: &BTreeMap<String, usize>, now: i64) {
        say(format_args!("topic {}", facts.topic));
        let days = (facts.not_after - now) / 86_400;
        say(format_args!("valid until {}, for {}", day(facts.not_after), counted(days, "day")));
        match topics.get(&facts.topic) {
            Some(1) => say("1 enrolled device listens to this topic and can be woken with it"),
            Some(count) => say(format_args!("{count} enrolled devices listen to this topic and can be woken with it")),
            None => say("no device is enrolled yet: from now on this topic must stay the same"),
        }
        if !facts.is_of_apple() && is_service_of_apple(&config.push.base_url) {
            say(format_args!(
                "warning: the certificate was issued by {}, not by Apple: Apple's push service will reject it",
                facts.issuer
            ));
        }
        let at = self.at.config.display();
        say("next:");
        if config.push.certificate.is_none() || config.push.key.is_none() {
            say(format_args!("  in {at}, under [push], write:"));
            say("    certificate = \"pki/push.pem\"");
            say("    key = \"pki/push.key\"");
        }
        say(format_args!("  muster check-config --config {at}"));
        say("  restart the server: it reads the certificate when it starts");
        say(format_args!(
            "  in a year, before {}: muster push request --config {at}, and Renew at {PORTAL}",
            day(facts.not_after)
        ));
    }
}

/// Returns only the certificates in the file. People keep their key in the same file, and the result is written to a
/// file that every user of the machine can read.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("CERTIFICATE REQUEST") || text.contains("PushCertRequest") || text.starts_with("PD94bWwg") {
        bail!(
            "{} is the request, not the certificate: upload it at {PORTAL}, download the certificate, and use that",
            path.display()
        );
    }
    let found = if text.contains("-----BEGIN CERTIFICATE-----") {
        X509::stack_from_pem(&bytes)
    } else {
        X509::from_der(&bytes).map(|certificate| vec![certificate])
    };
    let certificates = found.ok().filter(|certificates| !certificates.is_empty()).ok_or_else(|| {
        anyhow!(
            "{} is not a certificate: use the file downloaded from {PORTAL}, such as MDM_…_Certificate.pem",
            path.display()
        )
    })?;
    Ok(certificates.iter().map(|certificate| certificate.to_pem()).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Returns the first key that matches the certificate.
fn pair(certificate: &Path, named: &Path, keys: &[PathBuf]) -> anyhow::Result<(PathBuf, Credential)> {
    let mut unreadable = None;
    for key in keys {
        match Credential::read(certificate, key) {
            Ok(credential) => return Ok((key.clone(), credential)),
            Err(error) if error.path != certificate && !error.problem.contains("is not the key") => {
                unreadable.get_or_insert(error);
            }
            Err(_) => {}
        }
    }
    if let Some(error) = unreadable {
        return Err(error.into());
    }
    let tried: Vec<String> = keys.iter().map(|key| key.display().to_string()).collect();
    let tried = if tried.is_empty() { "there is no key here".into() } else { format!("tried {}", tried.join(", ")) };
    bail!(
        "no key belongs to {} ({tried}): specify the key of its request with --key FILE; if the key is lost, start \
         again with `muster push request --new`. Nothing was changed",
        named.display()
    )
}

fn in_force(facts: &PushFacts, now: i64) -> anyhow::Result<()> {
    if facts.not_after <= now {
        bail!("the certificate expired on {}: renew it at {PORTAL}. Nothing was changed", day(facts.not_after));
    }
    if facts.not_before > now {
        bail!(
            "the certificate is not valid before {}: correct this machine's clock. Nothing was changed",
            day(facts.not_before)
        );
    }
    Ok(())
}

/// Apple does not report this mistake: pushes with a wrong topic are accepted and lost.
fn same_topic(facts: &PushFacts, topics: &BTreeMap<String, usize>, given_up: Option<usize>) -> anyhow::Result<()> {
    let others = || topics.iter().filter(|(topic, _)| **topic != facts.topic);
    let lost: usize = others().map(|(_, count)| count).sum();
    if given_up.unwrap_or_default() == lost {
        return Ok(());
    }
    if let Some(given_up) = given_up {
        bail!(
            "the certificate cannot wake {lost} enrolled devices, but --give-up-devices is {given_up}. Nothing was changed"
        );
    }
    let others: Vec<String> = others().map(|(topic, count)| format!("  {count} enrolled with {topic}")).collect();
    bail!(
        "this certificate has another topic than the enrolled devices and can never wake them:\n{}\n  the \
         certificate is for {}\nNothing was changed. At {PORTAL} sign in with the Apple Account of the devices' certificate and choose Renew next to the \
         certificate with their topic, not \"Create a Certificate\". If that account is lost, unenroll those devices first, \
         and give up the devices that cannot be reached with --give-up-devices {lost}. They must enroll again",
        others.join("\n"),
        facts.topic
    )
}
