//! `muster discovery check`: follows the requests of a device from the typed account to the sign-in page.

mod advice;

use super::super::say;
use clap::Args;
use openssl::x509::X509;
use simulator::account::{Asked, Challenge, Hop, Server, find_server};
use simulator::device::{Device, DeviceError};
use simulator::keys::KeyPool;
use simulator::model::{Family, Hardware, IosVersion};
use simulator::push_server::PushServer;
use simulator::safari::{Opened, Safari, SafariError};
use std::path::PathBuf;
use std::process::ExitCode;
use url::Url;

#[derive(Args)]
pub(crate) struct Check {
    /// The part after the @ in people's accounts, such as example.com.
    #[arg(value_parser = domain)]
    domain: String,
    /// The iOS version of the simulated device.
    #[arg(long, value_name = "VERSION", default_value = "18.2")]
    ios: IosVersion,
    /// A root certificate (PEM) to trust in addition to the public ones. A real device trusts it only if it was
    /// installed there.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

/// Parses a domain. In trials it may have a port.
fn domain(text: &str) -> Result<String, String> {
    let url = Url::parse(&format!("https://{text}/"));
    let alone = !text.contains(|letter: char| letter.is_whitespace() || "/\\@?#".contains(letter));
    match url {
        Ok(url) if alone && url.has_host() => Ok(text.to_owned()),
        _ => {
            Err("this is not a domain; specify only the part after the @ in people's accounts, such as example.com"
                .into())
        }
    }
}

impl Check {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        if self.ios < advice::FIRST_BY_ACCOUNT {
            let trouble = advice::no_such_way(self.ios);
            say(format_args!("iOS {}: it would stop: {}", self.ios, trouble.wrong));
            say(format_args!("  to correct it: {}", trouble.mend));
            return Ok(ExitCode::FAILURE);
        }
        let mut fine = true;
        for family in [Family::IPhone, Family::IPad] {
            say(format_args!("{} with iOS {}:", family.name(), self.ios));
            let device = self.device(family)?;
            match walk(&device, &self.domain).await {
                Ok(()) => say("  it would go on with signing in"),
                Err(trouble) => {
                    fine = false;
                    say(format_args!("  it would stop: {}", trouble.wrong));
                    say(format_args!("  to correct it: {}", trouble.mend));
                }
            }
        }
        Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn device(&self, family: Family) -> anyhow::Result<Device> {
        let device = Device::new(Hardware::new(family, self.ios), KeyPool::fresh(), PushServer::nowhere());
        if let Some(root) = &self.root {
            let pem = std::fs::read(root).map_err(|why| anyhow::anyhow!("cannot read {}: {why}", root.display()))?;
            for certificate in X509::stack_from_pem(&pem)? {
                device.trust.install(certificate);
            }
            device.trust.switch_on();
        }
        Ok(device)
    }
}

/// The point where the device would stop, and how to correct it.
struct Trouble {
    wrong: String,
    mend: String,
}

async fn walk(device: &Device, domain: &str) -> Result<(), Trouble> {
    let server = discover(device, domain).await?;
    say(format_args!("  {} at {}", server.version, server.base_url));
    let information = device.machine_info(server.version == "mdm-byod").map_err(|error| advice::own(&error))?;
    let asked = device.ask_for_profile(&server.base_url, &information, None).await;
    let asked = asked.map_err(|error| advice::unreachable(&server.base_url, &error))?;
    let page = challenge(&asked).map_err(|wrong| advice::no_challenge(&asked, wrong))?;
    say(format_args!("  POST {}: 401, sign in at {}", server.base_url, shown(&page)));
    open(device, &page).await
}

async fn discover(device: &Device, domain: &str) -> Result<Server, Trouble> {
    let client = device.trust.client().map_err(|error| advice::own(&error))?;
    let mut hops = Vec::new();
    let identifier = format!("somebody@{domain}");
    let found = find_server(&client, &identifier, device.hardware.family.name(), &mut hops).await;
    for hop in &hops {
        say(format_args!("  GET {}: {}", shown(&hop.url), answered(hop)));
    }
    let server = found.map_err(|error| advice::discovery(&error, &hops, device.hardware.ios))?;
    if let Some(last) = hops.last().filter(|last| !last.content_type.starts_with("application/json")) {
        say(format_args!("  note: the document is sent as {:?}; send it as application/json", last.content_type));
    }
    Ok(server)
}

fn answered(hop: &Hop) -> String {
    match &hop.location {
        Some(location) => format!("{} to {location}", hop.status),
        None => hop.status.to_string(),
    }
}

fn challenge(asked: &Asked) -> Result<Url, String> {
    match asked.challenge().map_err(|error| error.to_string())? {
        Challenge::AsWeb(url) => Ok(url),
        Challenge::OAuth2(way) => {
            let mut url = way.authorization_url;
            url.query_pairs_mut()
                .append_pair("response_type", "code")
                .append_pair("client_id", &way.client_id)
                .append_pair("redirect_uri", &way.redirect_url)
                .append_pair("state", "check");
            Ok(url)
        }
    }
}

async fn open(device: &Device, page: &Url) -> Result<(), Trouble> {
    let mut safari = Safari::of(&device.hardware, device.hardware.ios, device.trust.clone());
    let mut url = page.clone();
    url.query_pairs_mut().append_pair("user-identifier", "somebody@example.com");
    match safari.open(url.as_str()).await {
        Ok(Opened::Page(page)) if page.status == 200 => {
            say(format_args!("  the page: “{}”", page.title));
            Ok(())
        }
        Ok(Opened::Page(page)) => Err(advice::no_page(page.status, &page.title)),
        Ok(_) => Err(advice::no_page(200, "no page")),
        Err(SafariError::UntrustedServer(host)) => Err(advice::untrusted(&host)),
        Err(error) => Err(advice::own(&DeviceError::Command(error.to_string()))),
    }
}

/// Formats a URL without its query and without the secret of a link.
fn shown(url: &Url) -> String {
    let path = url.path().split_once("/enroll/account/").map_or(url.path(), |_| "/enroll/account/…");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{path}", url.scheme(), url.host_str().unwrap_or_default())
}

/// Returns whether the redirected requests still have the device's query.
fn kept_the_query(hops: &[Hop]) -> bool {
    hops.iter().all(|hop| hop.url.query_pairs().any(|(name, _)| name == "user-identifier"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_stands_alone() {
        for fine in ["example.com", "localhost:8443", "bücher.example"] {
            assert_eq!(domain(fine).as_deref(), Ok(fine));
        }
        for wrong in
            ["https://example.com/", "https://example.com", "ada@example.com", "exa mple.com", "", "a.example/b"]
        {
            assert!(domain(wrong).is_err_and(|told| told.contains("such as example.com")), "{wrong}");
        }
    }
}
