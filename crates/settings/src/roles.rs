//! Checks `staff_roles` and `second_factors`: they contain only roles of people at the console.

use super::{Findings, Providers, either};
use events::settings::{RoleRule, Settings, Who};
use events::staff::Privilege;
use identity::LOCAL;

/// The roles of people at the console. Access rules decide who may enroll, and an API client is not a person.
const CONSOLE: [Privilege; 3] = [Privilege::Administrator, Privilege::Auditor, Privilege::HelpDesk];

pub(super) fn check(settings: &Settings, providers: &Providers<'_>, findings: &mut Findings) {
    for (nth, rule) in settings.staff_roles.iter().enumerate() {
        one(&format!("staff_roles rule {}", nth + 1), rule, providers, findings);
    }
    for role in settings.second_factors.required_for.iter().filter(|role| !CONSOLE.contains(role)) {
        findings.wrong(format!(
            "second_factors.required_for: {} is not a role of people at the console; available: {}",
            name(*role),
            roles()
        ));
    }
}

fn one(key: &str, rule: &RoleRule, providers: &Providers<'_>, findings: &mut Findings) {
    if rule.roles.is_empty() {
        findings.wrong(format!("{key} gives no role: name {}, or remove the rule", roles()));
    }
    for role in rule.roles.iter().filter(|role| !CONSOLE.contains(role)) {
        findings.wrong(format!("{key}: {} is not a role at the console; available: {}", name(*role), roles()));
    }
    match rule.provider.as_deref() {
        Some(LOCAL) => findings.wrong(format!(
            "{key}: local accounts have the roles that `muster user` gives them; provider must name a directory or an \
             identity provider"
        )),
        Some(provider) if !providers.names().contains(&provider) => {
            let known = either(providers.names().into_iter().filter(|name| *name != LOCAL));
            findings.wrong(format!("{key}: the provider {provider:?} is not in the configuration; available: {known}"));
        }
        None if providers.names().len() > 2 => findings.warn(format!(
            "{key} names no provider, so it applies to all of them: anyone who can create this group at one of them can \
             give roles; set provider"
        )),
        _ => {}
    }
    match &rule.who {
        Who::Everyone => findings.warn(format!(
            "{key} matches everyone: all people of the provider have {} at the console",
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

// Returns the spelling in the settings file.
fn key_of(role: Privilege) -> String {
    toml::Value::try_from(role).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
