//! `muster health`: checks whether the server of this installation answers, for container health checks.

use super::{At, say};
use anyhow::{anyhow, bail};
use clap::Args;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

/// Timeout for the answer.
const PATIENCE: Duration = Duration::from_secs(4);

#[derive(Args)]
pub(crate) struct Health {
    #[command(flatten)]
    at: At,
}

impl Health {
    /// Queries `/healthz`, not `/readyz`: a restart does not fix what keeps a server from being ready.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let address = reachable(self.at.load()?.server.metrics_listen);
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let answer = client.get(format!("http://{address}/healthz")).send().await;
        let answer = answer.map_err(|error| {
            let cause = anyhow::Error::from(error).root_cause().to_string();
            anyhow!("no server answers at {address} (`server.metrics_listen`): {cause}")
        })?;
        if !answer.status().is_success() {
            bail!("the server at {address} answers {}", answer.status());
        }
        say("the server answers");
        Ok(ExitCode::SUCCESS)
    }
}

/// A server that listens on every address is queried on the loopback interface.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
