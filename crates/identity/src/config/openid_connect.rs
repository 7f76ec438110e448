//! `[[identity.openid_connect]]`: an identity provider that speaks OpenID Connect.

use super::Absent;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::{Host, Url};

/// Signature algorithms that an ID token may have: of public keys only. With a shared secret whoever can read it could
/// vouch for anybody.
pub const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenIdConnect {
    /// Short name in settings, addresses and the log, such as `school`: lower-case letters, digits and hyphens.
    pub name: String,
    /// What the button says after "Log in with", such as `Example School`.
    pub title: String,
    /// Exactly as the provider writes it: a slash at the end counts.
    pub issuer: String,
    pub client_id: String,
    /// Readers of ID tokens (`aud`) that are trusted beside `client_id`, where no `azp` names us.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// A file with the client secret: its first line.
    pub client_secret: PathBuf,
    /// Asked for beside `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Signature algorithms of ID tokens that are accepted, of [`ALGORITHMS`].
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    #[serde(default = "user_name_claim")]
    pub user_name_claim: String,
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// Fills in the Managed Apple ID step.
    pub managed_apple_id_claim: Option<String>,
    /// Further claims that access rules may ask for.
    #[serde(default)]
    pub claims: Vec<String>,
    /// What it means that groups do not come: `unknown`, or `none` for a provider that leaves out an empty list.
    #[serde(default)]
    pub absent_groups: Absent,
    /// The same for `claims`.
    #[serde(default)]
    pub absent_claims: Absent,
    /// The person must have proved themselves at the provider no longer ago than so many seconds; left out: any time.
    pub max_age_seconds: Option<u64>,
    /// The `acr` that the provider must vouch for; left out: any.
    pub acr: Option<String>,
    /// Whoever signs out here is led to sign out at the provider too, where it offers that.
    #[serde(default = "sign_out_at_provider")]
    pub sign_out_at_provider: bool,
    /// The CA that the provider's certificate comes from, PEM; left out: the system's.
    pub root: Option<PathBuf>,
}

fn scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).to_vec()
}

fn algorithms() -> Vec<String> {
    ["RS256", "ES256"].map(str::to_owned).to_vec()
}

fn user_name_claim() -> String {
    "preferred_username".into()
}

fn groups_claim() -> String {
    "groups".into()
}

fn sign_out_at_provider() -> bool {
    true
}

impl OpenIdConnect {
    /// Whether the provider is a trial's, on this machine, where plain `http` tells nobody anything.
    pub fn is_on_loopback(&self) -> bool {
        Url::parse(&self.issuer).is_ok_and(|issuer| issuer.scheme() == "http" && is_loopback(&issuer))
    }

    /// Whether secrets may be sent to this address: `https`, or plain `http` to this machine where the issuer is here too.
    pub fn may_be_asked(&self, address: &Url) -> bool {
        address.scheme() == "https" || (self.is_on_loopback() && address.scheme() == "http" && is_loopback(address))
    }

    /// The files that it names.
    pub fn paths(&self) -> Vec<&Path> {
        [Some(&self.client_secret), self.root.as_ref()].into_iter().flatten().map(PathBuf::as_path).collect()
    }

    pub(super) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![&mut self.client_secret];
        paths.extend(self.root.as_mut());
        paths
    }
}

fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
