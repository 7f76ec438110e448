//! Groups that rules are about and no directory has: a rule that shuts out would pass over everybody.

use events::settings::{Settings, Who};
use identity::ldap::Ldap;
use names::{GroupName, quoted};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// For all groups together: settings are not held up longer by a directory that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A group that some rule is about, and the provider that the rule names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named<'a> {
    group: &'a str,
    provider: Option<&'a str>,
}

/// What is to be told of the groups that rules are about.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Groups that exist nowhere, a sentence each.
    pub nowhere: Vec<String>,
    /// Groups that could not be looked up, since directories did not answer.
    pub unknown: Option<Unknown>,
}

/// Said once, however many groups there are.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    /// "the groups of the directory \"main\" could not be looked up".
    pub told: String,
    /// What each of the directories answered instead.
    pub why: String,
}

/// Looks all groups up. Of groups at identity providers nothing can be known. `single_sign_on`: the identity providers of the configuration.
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

/// Directories that did not answer, and why. Each is asked until its first failure.
type Mute = BTreeMap<String, String>;

fn unknown<'a>(names: impl Iterator<Item = &'a str>, why: String) -> Unknown {
    let names: Vec<String> = names.map(quoted).collect();
    let told = match &names[..] {
        [one] => format!("the groups of the directory {one} could not be looked up"),
        several => format!("the groups of the directories {} could not be looked up", several.join(", ")),
    };
    Unknown { told, why }
}

// Why nobody is in this group, as far as directories know.
async fn missing(group: &str, directories: &[&Ldap], elsewhere: bool, mute: &mut Mute) -> Option<String> {
    let names: Vec<&str> = directories.iter().map(|directory| directory.name()).collect();
    let names = super::either(names);
    if let GroupName::Plain(_) = GroupName::of(group) {
        let wrong = format!(
            "the group {} is no distinguished name, and {names} names groups so; write it as \
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
    let perhaps = if elsewhere { ", unless an identity provider names one so" } else { "" };
    Some(format!(
        "the group {} is not in {names}, or the searcher may not see it: the rules about it are about nobody{perhaps}",
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
