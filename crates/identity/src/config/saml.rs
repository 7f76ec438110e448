//! `[[identity.saml]]`: a SAML 2.0 identity provider.

use super::Absent;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saml {
    /// Short name in settings, addresses and the log, such as `school`: lower-case letters, digits and hyphens.
    pub name: String,
    /// Text after "Sign in with" on the sign-in button, such as `Example School`.
    pub title: String,
    /// File with the provider's metadata document. Muster never fetches an address from it.
    pub metadata: PathBuf,
    /// Certificate and key (PEM) for signing requests. Without them, requests are not signed.
    pub signing_certificate: Option<PathBuf>,
    pub signing_key: Option<PathBuf>,
    /// Key and certificate (PEM) for decrypting assertions. Without them, encrypted assertions are refused.
    pub decryption_certificate: Option<PathBuf>,
    pub decryption_key: Option<PathBuf>,
    /// The portal also accepts responses without a request (IdP-initiated). Dangerous: a link can sign a person in to
    /// an account that is not theirs.
    #[serde(default)]
    pub allow_unsolicited: bool,
    /// People must authenticate at the provider at each sign-in (`ForceAuthn`), so that nobody continues the session
    /// of the person who used the browser before.
    #[serde(default = "force_authentication")]
    pub force_authentication: bool,
    /// Attribute that identifies a person permanently, such as `eduPersonUniqueId`. The default is the NameID, which
    /// must then be persistent, not transient.
    pub subject_attribute: Option<String>,
    /// Attribute with the name to show. The default is the mail address, then a NameID that is a name, then the
    /// display name.
    pub user_name_attribute: Option<String>,
    /// Attribute with the full name, by its `Name` or `FriendlyName`. The default is `displayName`.
    #[serde(default = "display_name_attribute")]
    pub display_name_attribute: String,
    /// Attribute with the mail address, named in the same way. The default is `mail`.
    #[serde(default = "mail_attribute")]
    pub mail_attribute: String,
    /// Attribute with the groups, one value for each group, named in the same way. The default is `groups`.
    #[serde(default = "groups_attribute")]
    pub groups_attribute: String,
    /// Attribute with the user principal name, by which previous records find their owner, named in the same way.
    pub user_principal_name_attribute: Option<String>,
    /// Attribute with the employee number, for the same purpose.
    pub employee_number_attribute: Option<String>,
    /// Attribute that prefills the Managed Apple ID step.
    pub managed_apple_id_attribute: Option<String>,
    /// Further attributes that access rules may use.
    #[serde(default)]
    pub claims: Vec<String>,
    /// How to treat missing groups: `unknown`, or `none` for a provider that omits empty lists.
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
    /// Returns the files that this section names.
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
