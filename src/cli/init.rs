//! `muster init`.

use super::say;
use crate::app::initialize::{Made, Plan, initialize};
use anyhow::{anyhow, bail};
use clap::Args;
use names::visible::wrong_in_line;
use pki::create::{Given, Pair};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use url::Url;
use world::World;

#[derive(Args)]
pub(crate) struct Init {
    /// Directory of the installation: new or empty, or one in which an `init` was killed, which then starts again.
    #[arg(value_parser = super::directory())]
    directory: PathBuf,
    /// The URL that people will type, such as `https://enroll.example.com`. Enrolled devices keep it permanently.
    #[arg(long)]
    public_url: String,
    /// The organization's name. It appears on every page, in every profile and in the certificates that are created
    /// here.
    #[arg(long)]
    organization: String,
    /// Address and port to listen on for people and devices.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address, default_value = "0.0.0.0:8443")]
    listen: SocketAddr,
    /// Address and port for /metrics, /healthz and /readyz.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address, default_value = "127.0.0.1:9443")]
    metrics_listen: SocketAddr,
    /// For trials: create a TLS certificate under a private root, which people must install and trust, and a push
    /// certificate that Apple does not accept.
    #[arg(long)]
    trial: bool,
    /// The TLS certificate for the name in --public-url, followed by its intermediates (PEM): with serverAuth, valid
    /// for at most 825 days, with a key of RSA 2048 bits or more or of P-256, P-384 or P-521, signed with SHA-256 or
    /// stronger.
    #[arg(long, requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The key of --tls-certificate (PEM).
    #[arg(long, requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// The root of --tls-certificate, if it is a private one.
    #[arg(long)]
    tls_root: Option<PathBuf>,
    /// An MDM push certificate (`identity.apple.com/pushcert`). It can be configured later.
    #[arg(long, requires = "push_key")]
    push_certificate: Option<PathBuf>,
    /// The key of --push-certificate (PEM).
    #[arg(long, requires = "push_certificate")]
    push_key: Option<PathBuf>,
    /// A CA for the identity certificates of devices: CA:TRUE, keyCertSign, RSA of 2048 bits or more. Created if
    /// omitted.
    #[arg(long, requires = "identity_ca_key")]
    identity_ca_certificate: Option<PathBuf>,
    /// The key of --identity-ca-certificate (PEM).
    #[arg(long, requires = "identity_ca_certificate")]
    identity_ca_key: Option<PathBuf>,
    /// A SCEP registration authority, to which requests are encrypted and by which responses are signed: issued by the
    /// identity CA, digitalSignature, keyEncipherment, RSA of 2048 bits or more. Created if omitted.
    #[arg(long, requires = "registration_authority_key")]
    registration_authority_certificate: Option<PathBuf>,
    /// The key of --registration-authority-certificate (PEM).
    #[arg(long, requires = "registration_authority_certificate")]
    registration_authority_key: Option<PathBuf>,
    /// A certificate for signing profiles, such as a publicly trusted one. Created if omitted.
    #[arg(long, requires = "profile_signer_key")]
    profile_signer_certificate: Option<PathBuf>,
    /// The key of --profile-signer-certificate (PEM).
    #[arg(long, requires = "profile_signer_certificate")]
    profile_signer_key: Option<PathBuf>,
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write it as ADDRESS:PORT, such as 0.0.0.0:8443 or [::]:8443".to_owned())
}

impl Init {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(wrong) = wrong_in_line(&self.organization) {
            bail!("--organization {wrong}");
        }
        let (listen, metrics) = (self.listen, self.metrics_listen);
        let is_same_place =
            listen.ip() == metrics.ip() || listen.ip().is_unspecified() || metrics.ip().is_unspecified();
        if listen.port() == metrics.port() && is_same_place {
            bail!("--listen {listen} and --metrics-listen {metrics} have the same port: give one of them another one");
        }
        let plan = Plan {
            hosts: vec![host_of(&self.public_url)?],
            public_url: self.public_url.trim_end_matches('/').to_owned(),
            given: self.given()?,
            directory: self.directory,
            organization: self.organization,
            listen: self.listen.to_string(),
            metrics_listen: self.metrics_listen.to_string(),
            trial: self.trial,
            push_base_url: "https://api.push.apple.com".into(),
        };
        let made = initialize(&plan, &World::system()).await?;
        print(&made, plan.trial);
        Ok(ExitCode::SUCCESS)
    }

    fn given(&self) -> anyhow::Result<Given> {
        let absolute = |path: &PathBuf| std::path::absolute(path);
        let pair = |certificate: &Option<PathBuf>, key: &Option<PathBuf>| {
            let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
            std::io::Result::Ok(Some(Pair { certificate: absolute(certificate)?, key: absolute(key)? }))
        };
        Ok(Given {
            identity_ca: pair(&self.identity_ca_certificate, &self.identity_ca_key)?,
            registration_authority: pair(&self.registration_authority_certificate, &self.registration_authority_key)?,
            profile_signer: pair(&self.profile_signer_certificate, &self.profile_signer_key)?,
            tls: pair(&self.tls_certificate, &self.tls_key)?,
            tls_root: self.tls_root.as_ref().map(absolute).transpose()?,
            push: pair(&self.push_certificate, &self.push_key)?,
        })
    }
}

/// Returns the host name of an address of the form `https://name` or `https://name:port`.
fn host_of(public_url: &str) -> anyhow::Result<String> {
    const FORM: &str = "--public-url must have the form https://name or https://name:port, without a path";
    let url = Url::parse(public_url).map_err(|error| anyhow!("{FORM}: {error}"))?;
    let Some(host) = url.host_str() else { bail!("{FORM}: it has no host name") };
    let named = url.username().is_empty() && url.password().is_none();
    let ends = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if url.scheme() != "https" || !named || !ends {
        bail!(FORM);
    }
    Ok(host.trim_matches(['[', ']']).to_owned())
}

fn print(made: &Made, trial: bool) {
    let config = made.config.display();
    say(format_args!("created {config}"));
    say("next:");
    say(format_args!("  back up {} separately from everything else", made.master_key.display()));
    say(format_args!("  muster check-config --config {config}"));
    say(format_args!("  muster user add NAME --enroll --config {config}"));
    say(format_args!("  muster serve --config {config}"));
    say("the first administrator creates their account here (once, within 24 hours):");
    say(format_args!("  {}", made.set_up_link));
    say(format_args!("or with: muster user add NAME --admin --config {config}"));
    if trial {
        say("this is a trial: real devices must install and trust the root first");
        say("Apple's push service refuses its push certificate. To wake simulated devices:");
        say(format_args!("  in {config}, under [push], write base_url = \"https://localhost:8444\""));
        let files = made.config.with_file_name("pki");
        say(format_args!("  muster simulate --push-listen 127.0.0.1:8444 --push-files {} …", files.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_is_a_name_and_perhaps_a_port() {
        assert_eq!(host_of("https://enroll.example.com").unwrap(), "enroll.example.com");
        assert_eq!(host_of("https://[::1]:8443/").unwrap(), "::1");
        for wrong in [
            "http://a.example",
            "https://ada@a.example",
            "https://a.example/b",
            "https://a.example?b",
            "https://a.example/#b",
            "a.example",
        ] {
            assert!(host_of(wrong).is_err(), "{wrong}");
        }
    }
}
