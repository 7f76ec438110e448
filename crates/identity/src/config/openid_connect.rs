//! `[[identity.openid_connect]]`: an OpenID Connect provider.

use super::Absent;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::{Host, Url};

/// Supported signature algorithms of ID tokens. All use public keys: with a shared secret, anyone who can read the
/// secret could sign a token for any person.
pub(crate) const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenIdConnect {
    /// Short name in settings, addresses and the log, such as `school`: lower-case letters, digits and hyphens.
    pub name: String,
    /// Text after "Sign in with" on the sign-in button, such as `Example School`.
    pub title: String,
    /// Issuer identifier, exactly as the provider writes it: a slash at the end counts.
    pub issuer: String,
    /// `client_id` that the provider issued to Muster (RFC 6749 §2.2).
    pub client_id: String,
    /// Further audiences (`aud`) that are trusted in an ID token if no `azp` names this client.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// File with the client secret in its first line.
    pub client_secret: PathBuf,
    /// Scopes that are requested in addition to `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Accepted signature algorithms of ID tokens, a subset of the supported ones (`ALGORITHMS`).
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// Claim with the name that pages show. The default is `preferred_username`.
    #[serde(default = "user_name_claim")]
    pub user_name_claim: String,
    /// Claim with the groups: a list of strings, or one string. The default is `groups`.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// Claim with the user principal name, by which previous records find their owner, such as `upn`.
    pub user_principal_name_claim: Option<String>,
    /// Claim with the employee number, for the same purpose.
    pub employee_number_claim: Option<String>,
    /// The provider states only mail addresses that it checked or that administrators set. Without this, previous
    /// records find their owner by an address only if the provider marks it as verified (`email_verified`).
    #[serde(default)]
    pub mail_is_verified: bool,
    /// Claim that prefills the Managed Apple ID step.
    pub managed_apple_id_claim: Option<String>,
    /// Further claims that access rules may use.
    #[serde(default)]
    pub claims: Vec<String>,
    /// How to treat missing groups: `unknown`, or `none` for a provider that omits empty lists.
    #[serde(default)]
    pub absent_groups: Absent,
    /// The same for `claims`.
    #[serde(default)]
    pub absent_claims: Absent,
    /// Maximum age, in seconds, of the person's authentication at the provider. The default is no limit.
    pub max_age_seconds: Option<u64>,
    /// `acr` value that the ID token must contain. The default is any.
    pub acr: Option<String>,
    /// Signing out of Muster also signs the person out at the provider, if the provider supports it.
    #[serde(default = "sign_out_at_provider")]
    pub sign_out_at_provider: bool,
    /// CA certificate (PEM) that issued the provider's certificate. The default is the trust store of the system.
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
    /// Returns whether the issuer is an `http` address on this machine, as in a trial. Plain `http` exposes nothing
    /// there.
    pub(crate) fn is_on_loopback(&self) -> bool {
        Url::parse(&self.issuer).is_ok_and(|issuer| issuer.scheme() == "http" && is_loopback(&issuer))
    }

    /// Returns whether secrets may be sent to this address: `https`, or `http` on this machine if the issuer is here
    /// too.
    pub(crate) fn may_be_asked(&self, address: &Url) -> bool {
        address.scheme() == "https" || (self.is_on_loopback() && address.scheme() == "http" && is_loopback(address))
    }

    /// Returns the files that this section names.
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
