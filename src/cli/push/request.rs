//! `muster push request`.

use super::{PORTAL, Pending, day, installed_at};
use crate::cli::{At, say};
use crate::config::Config;
use anyhow::{Context as _, bail};
use clap::Args;
use names::is_address;
use openssl::x509::X509Req;
use pki::files::{Credential, write_new};
use pki::push::{PushFacts, PushRequest, VendorSigner};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Request {
    /// Name in the request, usually the organization. It only helps people to recognize the file.
    #[arg(long, default_value = "Muster push certificate")]
    name: String,
    /// A mail address in the request; some vendors require one.
    #[arg(long, value_parser = address)]
    mail: Option<String>,
    /// If your organization has an MDM CSR signing certificate from Apple: that certificate, followed by Apple's
    /// intermediate and root (PEM).
    #[arg(long, requires = "vendor_key")]
    vendor_certificate: Option<PathBuf>,
    /// The key of --vendor-certificate.
    #[arg(long, requires = "vendor_certificate")]
    vendor_key: Option<PathBuf>,
    /// Set the pending request aside and create another one, with a different key.
    #[arg(long)]
    new: bool,
    #[command(flatten)]
    at: At,
}

fn address(text: &str) -> Result<String, String> {
    is_address(text)
        .then(|| text.to_owned())
        .ok_or_else(|| "write it as an address, such as ada@school.example".to_owned())
}

impl Request {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.at.load()?;
        let pending = Pending::beside(&self.at.config)?;
        let vendor = match (&self.vendor_certificate, &self.vendor_key) {
            (Some(certificate), Some(key)) => Some(VendorSigner::read(certificate, key)?),
            _ => None,
        };
        if self.new {
            put_aside(&pending)?;
        }
        if pending.key().exists() {
            say(format_args!("the previous request is still under way: {}", pending.request().display()));
            say("(--new sets it aside and creates another)");
        } else {
            self.make(&pending)?;
        }
        if let Some(vendor) = &vendor {
            sign(vendor, &pending)?;
            say(format_args!("created {}: the file for Apple's portal", pending.for_portal().display()));
        }
        self.print(&config, &pending)?;
        Ok(ExitCode::SUCCESS)
    }

    fn make(&self, pending: &Pending) -> anyhow::Result<()> {
        let made = PushRequest::make(&self.name, self.mail.as_deref())?;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&pending.directory).with_context(|| {
            format!("cannot create {}: run this command as the user that runs the server", pending.directory.display())
        })?;
        // The key is written last: if it exists, the request is complete.
        write_new(&pending.request(), &made.request.to_pem()?, 0o644)?;
        write_new(&pending.key(), &made.key.private_key_to_pem_pkcs8()?, 0o600)?;
        say(format_args!("created {}: the private key, which never leaves this machine", pending.key().display()));
        say(format_args!("created {}: the certificate signing request", pending.request().display()));
        Ok(())
    }

    fn print(&self, config: &Config, pending: &Pending) -> anyhow::Result<()> {
        let at = self.at.config.display();
        let mut step = 1;
        let mut next = |text: String| {
            say(format_args!("  {step}. {text}"));
            step += 1;
        };
        if !pending.for_portal().exists() {
            tell_who_signs(&pending.request(), &at.to_string());
            say("next:");
            next("Have the request signed. The result is a file for Apple's portal.".into());
        } else {
            say("next:");
        }
        next(format!(
            "Sign in at {PORTAL} with an Apple Account that belongs to the organization, not to a person who may leave: \
             the certificate can be renewed with that account only, every year."
        ));
        next(match installed_topic(config, &self.at.config)? {
            Some((topic, until)) => format!(
                "Choose RENEW next to the certificate whose topic (UID) is {topic}, and upload the file. Do not choose \"Create a \
                 Certificate\": that creates a different topic, and enrolled devices could no longer be woken. The present \
                 certificate expires on {until}."
            ),
            None => "Choose \"Create a Certificate\" and upload the file.".into(),
        });
        next(format!("Download the certificate and run: muster push import FILE --config {at}"));
        Ok(())
    }
}

fn sign(vendor: &VendorSigner, pending: &Pending) -> anyhow::Result<()> {
    let path = pending.request();
    let pem = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let request = X509Req::from_pem(&pem).with_context(|| format!("{} does not contain a request", path.display()))?;
    let file = vendor.sign(&request.to_der()?)?;
    let to = pending.for_portal();
    std::fs::write(&to, file).with_context(|| format!("cannot write {}", to.display()))
}

fn tell_who_signs(request: &Path, config: &str) {
    say("");
    say(
        "Apple's portal does not accept this request yet: an MDM vendor must sign it. Muster is not a vendor. These can sign it:",
    );
    say(
        "  - Your organization, if Apple has granted its developer account an MDM CSR signing certificate (the account",
    );
    say("    holder asks Apple for it). Then run:");
    say(format_args!(
        "      muster push request --vendor-certificate CHAIN.pem --vendor-key KEY.pem --config {config}"
    ));
    say("  - A vendor of device management whose agreement with you covers it. Give it this file, never the key:");
    say(format_args!("      {}", request.display()));
    say(
        "  - https://mdmcert.download, a free service of volunteers, for organizations. It signs requests that its own",
    );
    say("    client sends, asks for a mail address of the organization, and has been out of order at times.");
    say("");
}

/// Returns the topic and expiry of the installed certificate.
fn installed_topic(config: &Config, file: &Path) -> anyhow::Result<Option<(String, String)>> {
    let (certificate, key) = installed_at(config, &super::home(file)?);
    if !certificate.exists() {
        return Ok(None);
    }
    // Apple did not issue a trial's certificate, so it cannot be renewed.
    let facts = Credential::read(&certificate, &key).and_then(|credential| PushFacts::of(&credential)).ok();
    Ok(facts.filter(PushFacts::is_of_apple).map(|facts| (facts.topic, day(facts.not_after))))
}

// Nothing is deleted: Apple's certificate for the earlier request may still arrive.
fn put_aside(pending: &Pending) -> anyhow::Result<()> {
    if !pending.directory.exists() {
        return Ok(());
    }
    let aside = |nth: u32| pending.directory.with_file_name(format!("push-request-{nth}"));
    let Some(to) = (1..1_000).map(aside).find(|to| !to.exists()) else {
        bail!("there are a thousand old requests next to {}: remove some", pending.directory.display())
    };
    std::fs::rename(&pending.directory, &to)?;
    say(format_args!("put the earlier request aside: {}", to.display()));
    Ok(())
}
