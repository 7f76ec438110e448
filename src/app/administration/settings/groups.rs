//! Groups that rules are about and no directory has: a rule that shuts out would pass over everybody.

use crate::identity::ldap::Ldap;
use crate::names::GroupName;
use events::settings::{Settings, Who};
use std::collections::BTreeSet;
use std::time::Duration;

/// For all groups together: settings are not held up longer by a directory that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A group that some rule is about, and the provider that the rule names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named<'a> {
    group: &'a str,
    provider: Option<&'a str>,
}

/// What is to be told of groups that exist nowhere, a line each. Of groups at identity providers nothing can be known.
/// `single_sign_on`: the identity providers of the configuration.
pub async fn nowhere(settings: &Settings, directories: &[&Ldap], single_sign_on: &BTreeSet<&str>) -> Vec<String> {
    let asked = tokio::time::timeout(PATIENCE, ask(settings, directories, single_sign_on)).await;
    asked.unwrap_or_else(|_| {
        let seconds = PATIENCE.as_secs();
        vec![format!(
            "whether the groups of the rules exist is not known: the directories did not tell within {seconds} s"
        )]
    })
}

async fn ask(settings: &Settings, directories: &[&Ldap], single_sign_on: &BTreeSet<&str>) -> Vec<String> {
    let mut told = vec![];
    for named in groups(settings) {
        let may_tell: Vec<&Ldap> = directories
            .iter()
            .filter(|directory| named.provider.is_none_or(|name| name == directory.name()))
            .copied()
            .collect();
        let elsewhere = named.provider.map_or(!single_sign_on.is_empty(), |name| single_sign_on.contains(name));
        if !may_tell.is_empty() {
            told.extend(missing(named.group, &may_tell, elsewhere).await);
        }
    }
    told
}

// Why nobody is in this group, as far as directories know.
async fn missing(group: &str, directories: &[&Ldap], elsewhere: bool) -> Option<String> {
    let names: Vec<&str> = directories.iter().map(|directory| directory.name()).collect();
    let names = super::either(names);
    if let GroupName::Plain(_) = GroupName::of(group) {
        let wrong = format!(
            "the group {group:?} is no distinguished name, and {names} names groups so; write it as \
             \"cn=staff,ou=groups,dc=example,dc=com\""
        );
        return (!elsewhere).then_some(wrong);
    }
    for directory in directories {
        match directory.has_entry(group).await {
            Ok(true) => return None,
            Ok(false) => {}
            Err(why) => return Some(format!("whether the group {group:?} exists is not known: {why}")),
        }
    }
    let perhaps = if elsewhere { ", unless an identity provider names one so" } else { "" };
    Some(format!(
        "the group {group:?} is not in {names}, or the searcher may not see it: the rules about it are about nobody{perhaps}"
    ))
}

fn groups<'a>(settings: &'a Settings) -> BTreeSet<Named<'a>> {
    let access = settings.access.iter().map(|rule| (&rule.who, rule.provider.as_deref()));
    let roles = settings.staff_roles.iter().map(|rule| (&rule.who, rule.provider.as_deref()));
    let named = |(who, provider): (&'a Who, Option<&'a str>)| match who {
        Who::Group(group) => Some(Named { group, provider }),
        Who::Everyone | Who::Claim { .. } => None,
    };
    access.chain(roles).filter_map(named).collect()
}
