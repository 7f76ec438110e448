//! Finds groups of rules that exist in no directory. A rule for such a group matches nobody: a rule that should refuse
//! people would have no effect.

use events::settings::{Settings, Who};
use identity::ldap::Ldap;
use names::{GroupName, quoted};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Time limit for looking up all groups, so that a directory that does not answer delays a change of settings only
/// briefly.
const PATIENCE: Duration = Duration::from_secs(10);

/// A group of a rule, and the provider of the rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named<'a> {
    group: &'a str,
    provider: Option<&'a str>,
}

/// Result of looking up the groups of the rules.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Groups that do not exist, one sentence each.
    pub nowhere: Vec<String>,
    /// Set if groups could not be looked up because directories did not answer.
    pub unknown: Option<Unknown>,
}

/// Directories that did not answer. Reported once, not once for each group.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Such as "the groups of the directory \"main\" could not be looked up".
    pub told: String,
    /// The errors of the directories.
    pub why: String,
}

/// Looks up all groups of the rules in the directories. Groups of identity providers cannot be checked.
/// `single_sign_on` are the identity providers of the configuration.
pub async fn look(settings: &Settings, directories: &[&Ldap], single_sign_on: &BTreeSet<&str>) -> Looked {
    let asked = tokio::time::timeout(PATIENCE, ask(settings, directories, single_sign_on)).await;
    asked.unwrap_or_else(|_| {
        let names = directories.iter().map(|directory| directory.name());
        let unknown = unknown(names, format!("no answer within {} s", PATIENCE.as_secs()));
        Looked { nowhere: vec![], unknown: Some(unknown) }
    })
}

async fn ask(settings: &Settings, directories: &[&Ldap], single_sign_on: &BTreeSet<&str>) -> Looked {
    let (mut nowhere, mut mute) = (vec![], Mute::new());
    for named in groups(settings) {
        let may_tell: Vec<&Ldap> = directories
            .iter()
            .filter(|directory| named.provider.is_none_or(|name| name == directory.name()))
            .copied()
            .collect();
        let elsewhere = named.provider.map_or(!single_sign_on.is_empty(), |name| single_sign_on.contains(name));
        if !may_tell.is_empty() {
            nowhere.extend(missing(named.group, &may_tell, elsewhere, &mut mute).await);
        }
    }
    let why = mute.values().map(String::as_str).collect::<Vec<_>>().join("; ");
    let unknown = (!mute.is_empty()).then(|| unknown(mute.keys().map(String::as_str), why));
    Looked { nowhere, unknown }
}

/// Directories that did not answer, with the error. A directory is not asked again after its first failure.
type Mute = BTreeMap<String, String>;

fn unknown<'a>(names: impl Iterator<Item = &'a str>, why: String) -> Unknown {
    let names: Vec<String> = names.map(quoted).collect();
    let told = match &names[..] {
        [one] => format!("the groups of the directory {one} could not be looked up"),
        several => format!("the groups of the directories {} could not be looked up", several.join(", ")),
    };
    Unknown { told, why }
}

// Returns why the group has no members as far as the directories know. `None` if it exists or this is unknown.
async fn missing(group: &str, directories: &[&Ldap], elsewhere: bool, mute: &mut Mute) -> Option<String> {
    let names: Vec<&str> = directories.iter().map(|directory| directory.name()).collect();
    let names = super::either(names);
    if let GroupName::Plain(_) = GroupName::of(group) {
        let wrong = format!(
            "the group {} is not a distinguished name, as groups of {names} are; write it as \
             \"cn=staff,ou=groups,dc=example,dc=com\"",
            quoted(group)
        );
        return (!elsewhere).then_some(wrong);
    }
    for directory in directories.iter().filter(|directory| !mute.contains_key(directory.name())).collect::<Vec<_>>() {
        match directory.has_entry(group).await {
            Ok(true) => return None,
            Ok(false) => {}
            Err(why) => drop(mute.insert(directory.name().to_owned(), why.to_string())),
        }
    }
    if directories.iter().any(|directory| mute.contains_key(directory.name())) {
        return None;
    }
    let perhaps = if elsewhere { ", unless an identity provider reports this group" } else { "" };
    Some(format!(
        "the group {} is not in {names}, or bind_dn cannot read it: rules for this group match nobody{perhaps}",
        quoted(group)
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
