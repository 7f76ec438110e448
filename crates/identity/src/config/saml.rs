//! `[[identity.saml]]`: an identity provider that speaks SAML 2.0.

use super::Absent;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saml {
    /// Short name in settings, addresses and the log, such as `school`: lower-case letters, digits and hyphens.
    pub name: String,
    /// What the button says after "Log in with", such as `Example School`.
    pub title: String,
    /// The provider's metadata document, a file: nothing is ever fetched by an address in it.
    pub metadata: PathBuf,
    /// Certificate and key (PEM) that requests are signed with; left out: unsigned.
    pub signing_certificate: Option<PathBuf>,
    pub signing_key: Option<PathBuf>,
    /// Key and certificate (PEM) that assertions may be encrypted to; left out: encrypted ones are refused.
    pub decryption_certificate: Option<PathBuf>,
    pub decryption_key: Option<PathBuf>,
    /// Also accept, at the portal, answers that nobody asked for (IdP-initiated). Dangerous: a link can sign somebody in as another.
    #[serde(default)]
    pub allow_unsolicited: bool,
    /// Whoever signs in must prove themselves at the provider each time (`ForceAuthn`), so that nobody goes on as the person
    /// who used the browser before.
    #[serde(default = "force_authentication")]
    pub force_authentication: bool,
    /// The attribute by which a person is known for good, such as `eduPersonUniqueId`; left out: the NameID, which must then
    /// be a lasting one (persistent, not transient).
    pub subject_attribute: Option<String>,
    /// The attribute with the name to show; left out: the mail address, else a NameID that is a name, else the display name.
    pub user_name_attribute: Option<String>,
    #[serde(default = "display_name_attribute")]
    pub display_name_attribute: String,
    #[serde(default = "mail_attribute")]
    pub mail_attribute: String,
    #[serde(default = "groups_attribute")]
    pub groups_attribute: String,
    /// Fills in the Managed Apple ID step.
    pub managed_apple_id_attribute: Option<String>,
    /// Further attributes that access rules may ask for.
    #[serde(default)]
    pub claims: Vec<String>,
    /// What it means that groups do not come: `unknown`, or `none` for a provider that leaves out an empty list.
    #[serde(default)]
    pub absent_groups: Absent,
    /// The same for `claims`.
    #[serde(default)]
    pub absent_claims: Absent,
}

fn force_authentication() -> bool {
    true
}

fn display_name_attribute() -> String {
    "displayName".into()
}

fn mail_attribute() -> String {
    "mail".into()
}

fn groups_attribute() -> String {
    "groups".into()
}

impl Saml {
    /// The files that it names.
    pub fn paths(&self) -> Vec<&Path> {
        let optional =
            [&self.signing_certificate, &self.signing_key, &self.decryption_certificate, &self.decryption_key];
        let optional = optional.into_iter().flatten();
        std::iter::once(&self.metadata).chain(optional).map(PathBuf::as_path).collect()
    }

    pub(super) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let optional = [
            &mut self.signing_certificate,
            &mut self.signing_key,
            &mut self.decryption_certificate,
            &mut self.decryption_key,
        ];
        let mut paths = vec![&mut self.metadata];
        paths.extend(optional.into_iter().flatten());
        paths
    }
}
