//! The groups of a person, in the way that the configuration names. Fewer than all are an error: a rule about a group
//! that was not seen would decide wrongly.

use super::Found;
use super::connection::Servers;
use super::search::{Extent, Query, Scope};
use super::trouble::{NO_SUCH_OBJECT, Trouble};
use crate::config::Groups;
use names::GroupName;
use std::collections::BTreeSet;

/// Active Directory's rule that follows a chain of memberships (`LDAP_MATCHING_RULE_IN_CHAIN`). Other servers know it not,
/// and answer with no entries and no error.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// So many groups are asked about in one search.
const AT_A_TIME: usize = 25;
/// Nobody is in more.
const MOST: usize = 5_000;

pub async fn of(servers: &Servers, by: &Groups, found: &Found) -> Result<BTreeSet<String>, Trouble> {
    match by {
        Groups::MemberOf {} => Ok(found.member_of.iter().flatten().cloned().collect()),
        Groups::ActiveDirectoryNested { base } => in_active_directory(servers, base, found).await,
        Groups::Walk { base, depth, member_attribute } => walk(servers, base, *depth, member_attribute, found).await,
    }
}

// Nobody is listed as a member of their primary group: it follows from two attributes of their own.
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

/// The security identifier of a person's primary group: their own, its last part exchanged for `primaryGroupID`
/// (MS-ADTS §3.1.1.4.5.19 reckons so, too). `None` of an entry that is not there.
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
            "an entry has no primaryGroupID and objectSid, from which the primary group follows",
            "let the searcher read both; in a directory that is not Active Directory let groups be found by walk",
        )),
    }
}

// Level by level. Groups may be members of each other in a circle: what was seen is not asked about again.
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
    // "1.1" asks for no attributes (RFC 4511, 4.5.1.8): the name is all that is wanted.
    let attributes = vec!["1.1".to_owned()];
    let query = Query { base: base.to_owned(), scope: Scope::Subtree, filter, attributes, extent: Extent::All };
    Ok(servers.search(&query).await?.entries.into_iter().map(|entry| entry.dn).collect())
}
