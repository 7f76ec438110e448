//! Live check of a directory: tries its configuration on separate connections and describes what works and what does
//! not.

use super::connection::Servers;
use super::search::{Query, Rows};
use super::trouble::Trouble;
use super::{Found, Hits, Ldap, groups};
use crate::config::Groups;
use ldap3::Ldap as Handle;
use url::Url;

/// One step of the live check. The texts may name people, because they are for the administrator who runs the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The action that is tried, in the imperative, such as `bind at ldaps://…`.
    pub what: String,
    /// The result, or what is wrong.
    pub outcome: Result<String, Trouble>,
}

/// Capability that the root entry of Active Directory lists.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

pub(crate) async fn check(ldap: &Ldap, name: Option<&str>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut answering = None;
    for url in ldap.servers.urls() {
        let outcome = server(ldap, url).await;
        let told = match outcome {
            Ok(handle) => {
                answering.get_or_insert(handle);
                Ok(format!("{} is bound over TLS", ldap.config.bind_dn))
            }
            Err(trouble) => Err(trouble),
        };
        steps.push(Step { what: format!("bind at {url}"), outcome: told });
    }
    // Without a server nothing can be searched.
    let Some(mut handle) = answering else { return steps };
    steps.push(base(ldap, &mut handle, "people", &ldap.config.base).await);
    if let Some(base_of_groups) = base_of_groups(&ldap.config.groups) {
        steps.push(base(ldap, &mut handle, "groups", base_of_groups).await);
    }
    if matches!(ldap.config.groups, Groups::ActiveDirectoryNested { .. }) {
        steps.push(in_chain(&ldap.servers, &mut handle).await);
    }
    // The remaining steps need an entry.
    if steps.iter().all(|step| step.what.starts_with("bind") || step.outcome.is_ok()) {
        steps.extend(person(ldap, &mut handle, name).await);
    }
    if matches!(ldap.config.groups, Groups::MemberOf {}) {
        steps.extend(all_groups(&ldap.servers, &mut handle).await);
    }
    steps
}

async fn server(ldap: &Ldap, url: &Url) -> Result<Handle, Trouble> {
    ldap.servers.connect_as_searcher(url).await
}

fn base_of_groups(groups: &Groups) -> Option<&str> {
    match groups {
        Groups::MemberOf {} => None,
        Groups::ActiveDirectoryNested { base } | Groups::Walk { base, .. } => Some(base),
    }
}

async fn base(ldap: &Ldap, handle: &mut Handle, of: &str, base: &str) -> Step {
    let query = Query::of_entry(base, "(objectClass=*)", &["1.1"]);
    let outcome = match ldap.servers.search_once(handle, &query).await {
        Ok(Rows { entries, .. }) if entries.is_empty() => Err(Trouble::new(
            format!("{base} does not exist, or bind_dn may not see it"),
            "correct the base, or let bind_dn read it",
        )),
        Ok(_) => Ok("found".into()),
        Err(trouble) => Err(trouble),
    };
    Step { what: format!("find the base of {of}, {base}"), outcome }
}

async fn in_chain(servers: &Servers, handle: &mut Handle) -> Step {
    let outcome = match is_active_directory(servers, handle).await {
        Ok(true) => Ok("it is Active Directory".into()),
        Ok(false) => {
            let wrong = "this is not Active Directory: the matching rule for nested groups finds nothing here and returns no error";
            Err(Trouble::new(wrong, "find groups by walk or by member_of"))
        }
        Err(trouble) => Err(trouble),
    };
    Step { what: "check whether active_directory_nested finds nested groups".into(), outcome }
}

// In Active Directory, memberOf contains neither indirect groups nor the primary group, so an access rule that
// excludes such a group would not match.
async fn all_groups(servers: &Servers, handle: &mut Handle) -> Option<Step> {
    let outcome = match is_active_directory(servers, handle).await {
        Ok(false) => return None,
        Ok(true) => Err(Trouble::new(
            "this is Active Directory: member_of contains neither indirect groups nor the primary group",
            "find groups by active_directory_nested, or write no rule about such a group",
        )),
        Err(trouble) => Err(trouble),
    };
    Some(Step { what: "check whether member_of contains all groups".into(), outcome })
}

async fn is_active_directory(servers: &Servers, handle: &mut Handle) -> Result<bool, Trouble> {
    let query = Query::of_entry("", "(objectClass=*)", &["supportedCapabilities"]);
    let rows = servers.search_once(handle, &query).await?;
    let mut capabilities = rows.entries.iter().flat_map(|root| root.texts("supportedCapabilities"));
    Ok(capabilities.any(|capability| capability == ACTIVE_DIRECTORY))
}

// User name that does not exist. A search for it without results proves that searching works.
const NOBODY: &str = "nobody-is-called-like-this";

async fn person(ldap: &Ldap, handle: &mut Handle, name: Option<&str>) -> Vec<Step> {
    let found = ldap.find_entry(name.unwrap_or(NOBODY)).await;
    let what = match name {
        Some(name) => format!("search {name} with {}", ldap.config.user_filter),
        None => format!("search with {}", ldap.config.user_filter),
    };
    match (found, name) {
        (Err(trouble), _) => vec![Step { what, outcome: Err(trouble) }],
        (Ok(Hits::None), None) => {
            let told = "the search works; name a person with --live-user to look them up";
            vec![Step { what, outcome: Ok(told.into()) }, groups_of_nobody(ldap).await]
        }
        (Ok(Hits::None), Some(name)) => vec![Step { what, outcome: Err(no_entry(name)) }],
        (Ok(Hits::Several), _) => vec![Step { what, outcome: Err(several_entries(name.unwrap_or(NOBODY))) }],
        (Ok(Hits::One(found)), _) => {
            let told = Step { what, outcome: Ok(described(&found)) };
            let standing = standing(&ldap.servers, handle, &found).await;
            [Some(told), Some(groups_of(ldap, &found).await), standing].into_iter().flatten().collect()
        }
    }
}

fn no_entry(name: &str) -> Trouble {
    Trouble::new(
        format!("no entry is found for {name}"),
        "check that user_filter names the attribute that people type, that the entry is below the base, and that \
         bind_dn may see it",
    )
}

fn several_entries(name: &str) -> Trouble {
    Trouble::new(
        format!("several entries are found for {name}: a name must match exactly one person to sign in"),
        "make user_filter more specific, or choose a smaller base",
    )
}

// Bits of `userAccountControl` (MS-ADTS §2.2.16). Active Directory computes the last two on request, in a separate
// attribute (MS-ADTS §3.1.1.4.5.17).
const ACCOUNT_DISABLED: u64 = 0x2;
const LOCKED: u64 = 0x10;
const PASSWORD_EXPIRED: u64 = 0x80_0000;
const COMPUTED: &str = "msDS-User-Account-Control-Computed";

// Returns a problem if the entry itself says that the account cannot sign in, as Active Directory, 389 Directory
// Server and OpenLDAP's password policy write it. Returns `None` if it does not say so.
async fn standing(servers: &Servers, handle: &mut Handle, found: &Found) -> Option<Step> {
    let attributes = ["userAccountControl", COMPUTED, "nsAccountLock", "pwdAccountLockedTime"];
    let query = Query::of_entry(&found.dn, "(objectClass=*)", &attributes);
    let rows = servers.search_once(handle, &query).await.ok()?;
    let entry = rows.entries.first()?;
    let bits = |attribute| entry.texts(attribute).first().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let (stored, computed) = (bits("userAccountControl"), bits(COMPUTED));
    let disabled = stored & ACCOUNT_DISABLED != 0
        || entry.texts("nsAccountLock").iter().any(|text| text.eq_ignore_ascii_case("true"));
    let locked = computed & LOCKED != 0 || !entry.texts("pwdAccountLockedTime").is_empty();
    let (wrong, mend) = if disabled {
        ("the account is disabled", "enable it in the directory")
    } else if locked {
        ("the account is locked after wrong passwords", "unlock it in the directory, or wait")
    } else if computed & PASSWORD_EXPIRED != 0 {
        ("the password of the account has expired, or must be changed before it is used", "change the password")
    } else {
        return None;
    };
    Some(Step { what: "check whether the account may sign in".into(), outcome: Err(Trouble::new(wrong, mend)) })
}

fn described(found: &Found) -> String {
    let account = &found.account;
    let none = || "none".to_owned();
    format!(
        "{}; permanent identifier {}, user name {}, display name {}, mail {}, Managed Apple ID {}",
        found.dn,
        account.subject,
        account.user_name,
        account.display_name.clone().unwrap_or_else(none),
        account.mail.clone().unwrap_or_else(none),
        account.managed_apple_id.clone().unwrap_or_else(none),
    )
}

// Look-up for a DN that does not exist: returns no groups if the look-up works.
async fn groups_of_nobody(ldap: &Ldap) -> Step {
    let found = Found { dn: ldap.nobody.clone(), account: Default::default(), member_of: Some(vec![]) };
    let outcome = groups::of(&ldap.servers, &ldap.config.groups, &found).await;
    let outcome = outcome.map(|_| "the search works".to_owned());
    Step { what: format!("look up groups by {}", way(&ldap.config.groups)), outcome }
}

async fn groups_of(ldap: &Ldap, found: &Found) -> Step {
    let outcome = groups::of(&ldap.servers, &ldap.config.groups, found).await.map(|groups| {
        if groups.is_empty() {
            return format!("in no groups{}", hint(&ldap.config.groups));
        }
        format!("in {}: {}", groups.len(), groups.into_iter().collect::<Vec<_>>().join("; "))
    });
    Step { what: format!("look up their groups by {}", way(&ldap.config.groups)), outcome }
}

fn hint(groups: &Groups) -> &'static str {
    match groups {
        Groups::MemberOf {} => "; if this is wrong, the directory may not maintain memberOf: find groups by walk",
        Groups::ActiveDirectoryNested { .. } | Groups::Walk { .. } => "",
    }
}

fn way(groups: &Groups) -> &'static str {
    match groups {
        Groups::MemberOf {} => "member_of",
        Groups::ActiveDirectoryNested { .. } => "active_directory_nested",
        Groups::Walk { .. } => "walk",
    }
}
