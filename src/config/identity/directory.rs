//! `[[identity.directory]]`: a directory that speaks LDAP.

use serde::Deserialize;
use std::path::PathBuf;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Short name in settings and in the log, such as `main`: lower-case letters, digits and hyphens.
    pub name: String,
    /// Servers in the order they are tried: `ldaps://dc1.example.com` or `ldap://dc1.example.com`, which then uses StartTLS.
    pub servers: Vec<String>,
    /// The CA that the servers' certificates come from, PEM; left out: the system's.
    pub root: Option<PathBuf>,
    /// Who searches.
    pub bind_dn: String,
    /// A file with the searcher's password: its first line.
    pub bind_password: PathBuf,
    /// Where people are searched, with everything below.
    pub base: String,
    /// `{name}` stands for what the person typed, escaped.
    #[serde(default = "user_filter")]
    pub user_filter: String,
    /// The attribute that names a person for ever: `entryUUID`, in Active Directory `objectGUID`.
    #[serde(default = "unique_attribute")]
    pub unique_attribute: String,
    #[serde(default = "user_name_attribute")]
    pub user_name_attribute: String,
    #[serde(default = "display_name_attribute")]
    pub display_name_attribute: String,
    #[serde(default = "mail_attribute")]
    pub mail_attribute: String,
    /// Prefills step 7.
    pub managed_apple_id_attribute: Option<String>,
    pub department_attribute: Option<String>,
    #[serde(default)]
    pub groups: Groups,
    #[serde(default = "timeout_seconds")]
    pub connect_timeout_seconds: u64,
    /// For each single operation.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
}

/// How the groups of a person are found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Groups {
    /// The person's own `memberOf`: direct groups only.
    MemberOf {},
    /// Active Directory's rule for nested groups, below `base`.
    ActiveDirectoryNested { base: String },
    /// Upward from group to group by `member`, below `base`.
    Walk {
        base: String,
        /// So many levels at most.
        #[serde(default = "depth")]
        depth: usize,
    },
}

impl Default for Groups {
    fn default() -> Groups {
        Groups::MemberOf {}
    }
}

fn user_filter() -> String {
    "(&(objectClass=person)(uid={name}))".into()
}

fn unique_attribute() -> String {
    "entryUUID".into()
}

fn user_name_attribute() -> String {
    "uid".into()
}

fn display_name_attribute() -> String {
    "cn".into()
}

fn mail_attribute() -> String {
    "mail".into()
}

fn timeout_seconds() -> u64 {
    5
}

fn depth() -> usize {
    8
}

impl Directory {
    pub(super) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![&mut self.bind_password];
        paths.extend(self.root.as_mut());
        paths
    }
}
