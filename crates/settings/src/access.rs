//! Checks `access`: each rule has a unique name, can match people, can be reached, and can be fulfilled.

use super::{Findings, Providers, either};
use events::settings::{AccessRule, Settings, Who};
use identity::LOCAL;
use std::collections::BTreeSet;

pub(super) fn check(settings: &Settings, providers: &Providers<'_>, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for (nth, rule) in settings.access.iter().enumerate() {
        let key = format!("access rule {} ({:?})", nth + 1, rule.name);
        name(&key, rule, &mut names, findings);
        who(&key, &rule.who, findings);
        provider(&key, rule, providers, findings);
        reached(&key, rule, &settings.access[..nth], findings);
        grants(&key, rule, settings, findings);
    }
    forgotten(settings, findings);
}

fn name<'a>(key: &str, rule: &'a AccessRule, names: &mut BTreeSet<&'a str>, findings: &mut Findings) {
    if rule.name.trim().is_empty() || rule.name.chars().any(char::is_control) {
        findings.wrong(format!("{key}: name is empty or has control characters; give a name for the audit trail"));
    } else if !names.insert(&rule.name) {
        findings.wrong(format!("{key}: another rule has this name; names must differ for the audit trail"));
    }
}

/// Checks that a group has a name, and that a claim has a name and a value.
pub(super) fn who(key: &str, who: &Who, findings: &mut Findings) {
    let empty = |text: &String| text.trim().is_empty();
    match who {
        Who::Everyone => {}
        Who::Group(group) if !empty(group) => {}
        Who::Group(_) => findings.wrong(format!(
            "{key}: who.group is empty; give the group as the directory or identity provider names it, such as \
             \"cn=staff,ou=groups,dc=example,dc=com\""
        )),
        Who::Claim { name, value } if !empty(name) && !empty(value) => {}
        Who::Claim { .. } => findings.wrong(format!(
            "{key}: who.claim needs a name and a value, such as {{ name = \"department\", value = \"Physics\" }}"
        )),
    }
}

fn provider(key: &str, rule: &AccessRule, providers: &Providers<'_>, findings: &mut Findings) {
    let Some(provider) = rule.provider.as_deref() else { return };
    if !providers.names().contains(&provider) {
        let known = either(providers.names());
        findings.wrong(format!("{key}: the provider {provider:?} is not in the configuration; available: {known}"));
    } else if provider == LOCAL && rule.who != Who::Everyone {
        findings.wrong(format!(
            "{key}: local accounts have no groups and no claims, so the rule matches nobody; write who = \
             \"everyone\", or name another provider"
        ));
    }
}

// The first matching rule decides, so a rule behind another one for the same people is never reached.
fn reached(key: &str, rule: &AccessRule, earlier: &[AccessRule], findings: &mut Findings) {
    let covers = |other: &&AccessRule| {
        let same_people = other.who == Who::Everyone || other.who == rule.who;
        same_people && (other.provider.is_none() || other.provider == rule.provider)
    };
    if let Some(other) = earlier.iter().find(covers) {
        findings.wrong(format!(
            "{key} is never reached: the earlier rule {:?} matches the same people, and the first matching rule decides; move \
             this rule before it, or remove it",
            other.name
        ));
    }
}

fn grants(key: &str, rule: &AccessRule, settings: &Settings, findings: &mut Findings) {
    for kind in rule.enroll.difference(&settings.ownership_kinds) {
        let kind = kind.as_str();
        findings.warn(format!("{key} lets people enroll {kind} devices, but ownership_kinds does not offer them"));
    }
    if rule.devices_per_person == Some(0) {
        findings.wrong(format!(
            "{key}: devices_per_person is 0; to forbid enrollment write enroll = [], for no limit leave it out"
        ));
    }
    if rule.terms_required {
        for kind in
            rule.enroll.intersection(&settings.ownership_kinds).filter(|kind| !settings.terms.contains_key(kind))
        {
            let kind = kind.as_str();
            findings.wrong(format!(
                "{key} requires terms of use, but there are none for {kind} devices; add [terms.{kind}], or set \
                 terms_required = false"
            ));
        }
    }
}

// People matched by no rule cannot enroll, so a sign-in method without a rule is useless.
fn forgotten(settings: &Settings, findings: &mut Findings) {
    if settings.access.is_empty() {
        return;
    }
    let ways = &settings.sign_in.enrollment;
    let local = ways.local_accounts.then_some(LOCAL);
    let names = local.into_iter().chain(ways.directories.iter().chain(&ways.single_sign_on).map(String::as_str));
    for name in names {
        let about = |rule: &&AccessRule| {
            let here = rule.provider.as_deref().is_none_or(|provider| provider == name);
            here && (name != LOCAL || rule.who == Who::Everyone)
        };
        if !settings.access.iter().any(|rule| about(&rule)) {
            findings.warn(format!("access: no rule matches people who sign in with {name:?}, so they cannot enroll"));
        }
    }
}
