//! `[[identity.directory]]`: a directory that speaks LDAP.

use super::Absent;
use serde::Deserialize;
use std::path::PathBuf;
use url::{Host, Url};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Short name in settings and in the log, such as `main`: lower-case letters, digits and hyphens. Whoever signs in is
    /// known under it: with another name they are other people.
    pub name: String,
    /// Servers in the order they are tried: `ldaps://dc1.example.com` or `ldap://dc1.example.com`, which then uses
    /// StartTLS. There is no way without TLS.
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
    /// What the domain is called before Windows 2000, such as `EXAMPLE`: then `EXAMPLE\ada` is taken as `ada`.
    pub windows_domain: Option<String>,
    /// The attribute that names a person for ever: `entryUUID`, in Active Directory `objectGUID`.
    #[serde(default = "unique_attribute")]
    pub unique_attribute: String,
    #[serde(default = "user_name_attribute")]
    pub user_name_attribute: String,
    #[serde(default = "display_name_attribute")]
    pub display_name_attribute: String,
    #[serde(default = "mail_attribute")]
    pub mail_attribute: String,
    /// Fills in the Managed Apple ID step.
    pub managed_apple_id_attribute: Option<String>,
    /// The claim `department` of access rules.
    pub department_attribute: Option<String>,
    #[serde(default)]
    pub groups: Groups,
    /// What it means that `memberOf` is not there and the directory does not say that it is empty: `unknown`, or `none` where the
    /// searcher may read it but not search for it. Only `Groups::MemberOf` uses it: a search for groups without results is an answer.
    #[serde(default)]
    pub absent_groups: Absent,
    /// The same for `department_attribute`.
    #[serde(default)]
    pub absent_claims: Absent,
    /// For connection, StartTLS and TLS of one server, together.
    #[serde(default = "timeout_seconds")]
    pub connect_timeout_seconds: u64,
    /// For each single operation.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
    /// After so many wrong passwords the directory locks an account, if it does: the portal asks it less often.
    #[serde(default = "lockout_failures")]
    pub lockout_failures: u32,
    /// So long after the last wrong password the directory begins to count anew.
    #[serde(default = "lockout_minutes")]
    pub lockout_minutes: u32,
}

/// How the groups of a person are found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Groups {
    /// The person's own `memberOf`: direct groups only.
    MemberOf {},
    /// Active Directory's rule for nested groups, below `base`. Other servers find nothing with it.
    ActiveDirectoryNested { base: String },
    /// Upward from group to group by `member_attribute`, below `base`.
    Walk {
        base: String,
        /// So many levels at most: 1 finds direct groups only.
        #[serde(default = "depth")]
        depth: usize,
        /// What a group calls its members, who are named by their DN.
        #[serde(default = "member_attribute")]
        member_attribute: String,
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

fn member_attribute() -> String {
    "member".into()
}

fn lockout_failures() -> u32 {
    5
}

fn lockout_minutes() -> u32 {
    15
}

impl Directory {
    /// A server as it is written in `servers`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn server(text: &str) -> Result<Url, String> {
        let example = "write it as \"ldaps://dc1.example.com\" or \"ldap://dc1.example.com\"";
        let url = Url::parse(text).map_err(|error| format!("{text:?} is no address ({error}): {example}"))?;
        if !matches!(url.scheme(), "ldap" | "ldaps") {
            return Err(format!("{text:?} is neither ldap nor ldaps: {example}"));
        }
        // The library cannot compare an IPv6 address with a certificate.
        if url.host_str().is_none_or(str::is_empty) || matches!(url.host(), Some(Host::Ipv6(_))) {
            return Err(format!("{text:?} names no host (an IPv6 address cannot be used): {example}"));
        }
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{text:?} is more than scheme, name and port: {example}"));
        }
        Ok(url)
    }

    pub(super) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![&mut self.bind_password];
        paths.extend(self.root.as_mut());
        paths
    }
}
