//! Groups of a person, found in the configured way. An incomplete result is an error, because an access rule about a
//! missing group would decide wrongly.

use super::Found;
use super::connection::Servers;
use super::search::{Extent, Query, Scope};
use super::trouble::{NO_SUCH_OBJECT, Trouble};
use crate::config::Groups;
use names::GroupName;
use std::collections::BTreeSet;

/// Active Directory's matching rule that follows a chain of memberships (`LDAP_MATCHING_RULE_IN_CHAIN`). Other
/// servers do not know it and return no entries and no error.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// Number of groups in the filter of one search.
const AT_A_TIME: usize = 25;
/// Maximum number of groups of a person. More are an error.
const MOST: usize = 5_000;

pub(crate) async fn of(servers: &Servers, by: &Groups, found: &Found) -> Result<BTreeSet<String>, Trouble> {
    match by {
        Groups::MemberOf {} => Ok(found.member_of.iter().flatten().cloned().collect()),
        Groups::ActiveDirectoryNested { base } => in_active_directory(servers, base, found).await,
        Groups::Walk { base, depth, member_attribute } => walk(servers, base, *depth, member_attribute, found).await,
    }
}

// A group does not list the people whose primary group it is. It follows from two attributes of the person.
async fn in_active_directory(servers: &Servers, base: &str, found: &Found) -> Result<BTreeSet<String>, Trouble> {
    let above = async |dn: &str| names(servers, base, format!("(member:{IN_CHAIN}:={})", ldap3::ldap_escape(dn))).await;
    let mut groups: BTreeSet<String> = above(&found.dn).await?.into_iter().collect();
    if let Some(sid) = primary_group(servers, &found.dn).await? {
        let escaped: String = sid.iter().map(|byte| format!("\\{byte:02x}")).collect();
        for group in names(servers, base, format!("(objectSid={escaped})")).await? {
            groups.extend(above(&group).await?);
            groups.insert(group);
        }
    }
    Ok(groups)
}

/// Returns the security identifier of the person's primary group: the person's own identifier with the last part
/// replaced by `primaryGroupID` (as in MS-ADTS §3.1.1.4.5.19). Returns `None` if the entry does not exist.
async fn primary_group(servers: &Servers, dn: &str) -> Result<Option<Vec<u8>>, Trouble> {
    let query = Query::of_entry(dn, "(objectClass=*)", &["objectSid", "primaryGroupID"]);
    let rows = match servers.search(&query).await {
        Err(trouble) if trouble.code == Some(NO_SUCH_OBJECT) => return Ok(None),
        rows => rows?,
    };
    let Some(entry) = rows.entries.first() else { return Ok(None) };
    let id = entry.texts("primaryGroupID").first().and_then(|text| text.parse::<u32>().ok());
    match (entry.values("objectSid"), id) {
        ([sid], Some(id)) if sid.len() > 4 => {
            let domain = &sid[..sid.len() - 4];
            Ok(Some([domain, &id.to_le_bytes()].concat()))
        }
        _ => Err(Trouble::new(
            "an entry lacks primaryGroupID or objectSid, which are needed to find the primary group",
            "let bind_dn read both; if the directory is not Active Directory, find groups by walk",
        )),
    }
}

// Searches level by level. Groups may be members of each other in a cycle, so groups that were seen are not searched
// again.
async fn walk(
    servers: &Servers,
    base: &str,
    depth: usize,
    member: &str,
    found: &Found,
) -> Result<BTreeSet<String>, Trouble> {
    let mut seen = BTreeSet::from([GroupName::of(&found.dn)]);
    let mut groups = BTreeSet::new();
    let mut level = vec![found.dn.clone()];
    for _ in 0..depth {
        let mut next = Vec::new();
        for some in level.chunks(AT_A_TIME) {
            for group in names(servers, base, any_of(member, some)).await? {
                if seen.insert(GroupName::of(&group)) {
                    next.push(group);
                }
            }
        }
        if seen.len() > MOST {
            return Err(Trouble::new(
                format!("a person is in more than {MOST} groups"),
                "choose a smaller base for groups, or a smaller depth",
            ));
        }
        groups.extend(next.iter().cloned());
        if next.is_empty() {
            break;
        }
        level = next;
    }
    Ok(groups)
}

fn any_of(member: &str, dns: &[String]) -> String {
    let terms: Vec<String> = dns.iter().map(|dn| format!("({member}={})", ldap3::ldap_escape(dn.as_str()))).collect();
    match terms.as_slice() {
        [one] => one.clone(),
        several => format!("(|{})", several.concat()),
    }
}

async fn names(servers: &Servers, base: &str, filter: String) -> Result<Vec<String>, Trouble> {
    // "1.1" requests no attributes (RFC 4511, 4.5.1.8): only the DN is needed.
    let attributes = vec!["1.1".to_owned()];
    let query = Query { base: base.to_owned(), scope: Scope::Subtree, filter, attributes, extent: Extent::All };
    Ok(servers.search(&query).await?.entries.into_iter().map(|entry| entry.dn).collect())
}
