//! The configuration file: addresses, paths, the store and keys. What people see is a setting instead
//! (`muster settings apply`).

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `muster.toml`. Relative paths are relative to the directory of the file. Unknown keys are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub store: Store,
    pub pki: PkiFiles,
    pub push: Push,
}

/// `[server]`: where Muster listens and what it is called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address people type, such as `https://enroll.example.com`: scheme `https`, no path. Every URL in a profile
    /// begins with it, and enrolled devices keep it: changing it orphans them.
    pub public_url: String,
    /// Address and port to listen on for people and devices, such as `0.0.0.0:443`. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Address and port for `/metrics`, `/healthz` and `/readyz`; keep it on the loopback interface.
    pub metrics_listen: SocketAddr,
    /// Addresses of reverse proxies whose `X-Forwarded-For` is believed. None by default.
    #[serde(default)]
    pub trusted_proxies: Vec<std::net::IpAddr>,
}

/// `[store]`: where the log, the keys and the projections are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Directory of `events.db`, `keys.db` and `projections.db`. On a local disk, never a network mount.
    pub directory: PathBuf,
    /// The master key, 32 bytes in hex. Back it up apart from the directory: without it personal data reads as nothing.
    pub master_key: PathBuf,
}

/// `[pki]`: certificates and keys, PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PkiFiles {
    /// The CA that signs the devices' identities. The most guarded file.
    pub identity_ca_certificate: PathBuf,
    pub identity_ca_key: PathBuf,
    /// The registration authority: SCEP requests are encrypted to it, answers signed by it.
    pub registration_authority_certificate: PathBuf,
    pub registration_authority_key: PathBuf,
    /// Signs the profiles; a publicly trusted certificate shows them as "Verified". May be followed by its intermediates.
    pub profile_signer_certificate: PathBuf,
    pub profile_signer_key: PathBuf,
    /// The server's TLS certificate, followed by its intermediates.
    pub tls_certificate: PathBuf,
    pub tls_key: PathBuf,
    /// The root that people install in steps 3 to 6, where the TLS chain is not publicly trusted.
    pub tls_root: Option<PathBuf>,
}

/// `[push]`: how devices are woken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// `https://api.push.apple.com`, unless this is a trial.
    pub base_url: String,
    /// The MDM push certificate; its subject's UID is the topic. Without it no MDM profile is offered.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// The CA of the push server, where it is not a publicly trusted one (trials).
    pub root: Option<PathBuf>,
}
