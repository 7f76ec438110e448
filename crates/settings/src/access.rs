//! `access`: every rule can be told from the others, is about somebody, is reached, and can be kept.

use super::{Findings, Providers, either};
use events::enrollment::Ownership;
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
        findings.wrong(format!("{key}: name is empty; give one, it stands in the audit trail"));
    } else if !names.insert(&rule.name) {
        findings.wrong(format!("{key}: another rule has this name; names must differ, they stand in the audit trail"));
    }
}

/// A group or claim has a name, a claim a value.
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
        findings.wrong(format!("{key}: the configuration knows no provider {provider:?}; it knows {known}"));
    } else if provider == LOCAL && rule.who != Who::Everyone {
        findings.wrong(format!(
            "{key}: local accounts are in no groups and have no claims, so the rule is about nobody; write who = \
             \"everyone\", or name another provider"
        ));
    }
}

// The first rule that is about somebody decides.
fn reached(key: &str, rule: &AccessRule, earlier: &[AccessRule], findings: &mut Findings) {
    let covers = |other: &&AccessRule| {
        let same_people = other.who == Who::Everyone || other.who == rule.who;
        same_people && (other.provider.is_none() || other.provider == rule.provider)
    };
    if let Some(other) = earlier.iter().find(covers) {
        findings.wrong(format!(
            "{key} is never reached: rule {:?} before it is about the same people, and the first rule decides; move this \
             one before it, or leave it out",
            other.name
        ));
    }
}

fn grants(key: &str, rule: &AccessRule, settings: &Settings, findings: &mut Findings) {
    for kind in rule.enroll.difference(&settings.ownership_kinds) {
        let kind = ownership_key(*kind);
        findings.warn(format!("{key} lets people enroll {kind} devices, but ownership_kinds does not offer them"));
    }
    if rule.devices_per_person == Some(0) {
        findings.wrong(format!(
            "{key}: devices_per_person is 0; to let nobody enroll write enroll = [], to set no limit leave it out"
        ));
    }
    if rule.terms_required {
        for kind in
            rule.enroll.intersection(&settings.ownership_kinds).filter(|kind| !settings.terms.contains_key(kind))
        {
            let kind = ownership_key(*kind);
            findings.wrong(format!(
                "{key} requires terms of use, but there are none for {kind} devices; add [terms.{kind}], or say \
                 terms_required = false"
            ));
        }
    }
}

// Whoever no rule is about may nothing: a way that is switched on for them leads nowhere.
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
            findings
                .warn(format!("access: no rule is about people who sign in with {name:?}, so they may enroll nothing"));
        }
    }
}

/// As the settings file spells it.
pub(super) fn ownership_key(ownership: Ownership) -> &'static str {
    match ownership {
        Ownership::Personal => "personal",
        Ownership::Institutional => "institutional",
    }
}
