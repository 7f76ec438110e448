//! `[[identity.directory]]`: an LDAP directory.

use super::Absent;
use serde::Deserialize;
use std::path::PathBuf;
use url::{Host, Url};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Short name in settings and in the log, such as `main`: lower-case letters, digits and hyphens. It is part of a
    /// person's identity: under another name the same accounts are other people.
    pub name: String,
    /// Servers in the order they are tried: `ldaps://dc1.example.com`, or `ldap://dc1.example.com`, which uses
    /// StartTLS. A connection without TLS is not possible.
    pub servers: Vec<String>,
    /// CA certificate (PEM) that issued the servers' certificates. The default is the trust store of the system.
    pub root: Option<PathBuf>,
    /// DN that Muster binds as to search for people.
    pub bind_dn: String,
    /// File with the password for `bind_dn` in its first line.
    pub bind_password: PathBuf,
    /// DN below which people are searched, the whole subtree.
    pub base: String,
    /// LDAP filter (RFC 4515). `{name}` is replaced with the typed name, escaped.
    #[serde(default = "user_filter")]
    pub user_filter: String,
    /// NetBIOS name of the Windows domain, such as `EXAMPLE`. If set, `EXAMPLE\ada` is read as `ada`.
    pub windows_domain: Option<String>,
    /// Attribute that identifies a person permanently: `entryUUID`, in Active Directory `objectGUID`.
    #[serde(default = "unique_attribute")]
    pub unique_attribute: String,
    /// Attribute with the name that pages show. The default is `uid`.
    #[serde(default = "user_name_attribute")]
    pub user_name_attribute: String,
    /// Attribute with the full name. The default is `cn`.
    #[serde(default = "display_name_attribute")]
    pub display_name_attribute: String,
    /// Attribute with the mail address. The default is `mail`.
    #[serde(default = "mail_attribute")]
    pub mail_attribute: String,
    /// Attribute with the user principal name, by which previous records find their owner: in Active Directory
    /// `userPrincipalName`.
    pub user_principal_name_attribute: Option<String>,
    /// Attribute with the employee number, for the same purpose: `employeeNumber`, or `employeeID`.
    pub employee_number_attribute: Option<String>,
    /// Attribute that prefills the Managed Apple ID step.
    pub managed_apple_id_attribute: Option<String>,
    /// Attribute for the claim `department` of access rules.
    pub department_attribute: Option<String>,
    #[serde(default)]
    pub groups: Groups,
    /// How to treat a missing `memberOf` if the directory does not say that it is empty: `unknown`, or `none` if
    /// `bind_dn` may read the attribute but not search for it. Only `Groups::MemberOf` uses this: an empty result of
    /// a search for groups is an answer.
    #[serde(default)]
    pub absent_groups: Absent,
    /// The same for `department_attribute`.
    #[serde(default)]
    pub absent_claims: Absent,
    /// Time limit for connection, StartTLS and TLS handshake with one server together.
    #[serde(default = "timeout_seconds")]
    pub connect_timeout_seconds: u64,
    /// Time limit for each single operation.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
    /// Wrong passwords after which the directory locks an account, if it does. The portal stops asking the directory
    /// before this number is reached.
    #[serde(default = "lockout_failures")]
    pub lockout_failures: u32,
    /// Minutes after the last wrong password until the directory resets its count.
    #[serde(default = "lockout_minutes")]
    pub lockout_minutes: u32,
}

/// How the groups of a person are found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Groups {
    /// The person's own `memberOf`: direct groups only.
    MemberOf {},
    /// Active Directory's matching rule for nested groups, below `base`. Other servers find nothing with it.
    ActiveDirectoryNested { base: String },
    /// Search from group to parent group by `member_attribute`, below `base`.
    Walk {
        /// DN below which groups are searched.
        base: String,
        /// Number of levels searched: 1 finds direct groups only.
        #[serde(default = "depth")]
        depth: usize,
        /// Attribute in which a group lists its members as DNs.
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
    /// Parses an entry of `servers`.
    ///
    /// # Errors
    /// Returns an error if `text` is not an `ldap` or `ldaps` URL with only a host and a port. The error says what is
    /// wrong.
    pub fn server(text: &str) -> Result<Url, String> {
        let example = "write it as \"ldaps://dc1.example.com\" or \"ldap://dc1.example.com\"";
        let url = Url::parse(text).map_err(|error| format!("{text:?} is not a URL ({error}): {example}"))?;
        if !matches!(url.scheme(), "ldap" | "ldaps") {
            return Err(format!("{text:?} is neither ldap nor ldaps: {example}"));
        }
        // The LDAP library cannot match an IPv6 address with a certificate.
        if url.host_str().is_none_or(str::is_empty) || matches!(url.host(), Some(Host::Ipv6(_))) {
            return Err(format!("{text:?} has no host name (IPv6 addresses are not supported): {example}"));
        }
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{text:?} has more than scheme, host and port: {example}"));
        }
        Ok(url)
    }

    pub(super) fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![&mut self.bind_password];
        paths.extend(self.root.as_mut());
        paths
    }
}
