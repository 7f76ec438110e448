//! `staff_roles` and `second_factors`: only roles that people have at the console.

use super::{Findings, Providers, either};
use events::settings::{RoleRule, Settings, Who};
use events::staff::Privilege;
use identity::LOCAL;

/// The roles of people at the console. Enrolling is a matter of access rules; an API client is no person.
const CONSOLE: [Privilege; 3] = [Privilege::Administrator, Privilege::Auditor, Privilege::HelpDesk];

pub(super) fn check(settings: &Settings, providers: &Providers<'_>, findings: &mut Findings) {
    for (nth, rule) in settings.staff_roles.iter().enumerate() {
        one(&format!("staff_roles rule {}", nth + 1), rule, providers, findings);
    }
    for role in settings.second_factors.required_for.iter().filter(|role| !CONSOLE.contains(role)) {
        findings.wrong(format!(
            "second_factors.required_for: {} is no role of people at the console; these are {}",
            name(*role),
            roles()
        ));
    }
}

fn one(key: &str, rule: &RoleRule, providers: &Providers<'_>, findings: &mut Findings) {
    if rule.roles.is_empty() {
        findings.wrong(format!("{key} gives no role: name one of {}, or leave the rule out", roles()));
    }
    for role in rule.roles.iter().filter(|role| !CONSOLE.contains(role)) {
        findings.wrong(format!("{key}: {} is no role at the console; these are {}", name(*role), roles()));
    }
    match rule.provider.as_deref() {
        Some(LOCAL) => findings.wrong(format!(
            "{key}: local accounts have the roles that `muster user` gives them; provider must name a directory or an \
             identity provider"
        )),
        Some(provider) if !providers.names().contains(&provider) => {
            let known = either(providers.names().into_iter().filter(|name| *name != LOCAL));
            findings.wrong(format!("{key}: the configuration knows no provider {provider:?}; it knows {known}"));
        }
        None if providers.names().len() > 2 => findings.warn(format!(
            "{key} names no provider: whoever can name a group at any of them gives roles here; name the one that is \
             meant"
        )),
        _ => {}
    }
    match &rule.who {
        Who::Everyone => findings.warn(format!(
            "{key} is about everyone: whoever can sign in there has {} at the console",
            rule.roles.iter().map(|role| name(*role)).collect::<Vec<_>>().join(", ")
        )),
        who => super::access::who(key, who, findings),
    }
}

fn roles() -> String {
    either(CONSOLE.map(key_of))
}

fn name(role: Privilege) -> String {
    format!("{:?}", key_of(role))
}

// As the settings file spells it.
fn key_of(role: Privilege) -> String {
    toml::Value::try_from(role).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
