//! Checks `sign_in`: the named directories and providers exist, and people can still sign in.

use super::{Findings, Providers, either};
use events::settings::{Settings, Ways};
use identity::LOCAL;
use std::collections::BTreeSet;

pub(super) fn check(settings: &Settings, providers: &Providers<'_>, findings: &mut Findings) {
    let sign_in = &settings.sign_in;
    ways("sign_in.enrollment", "enroll", &sign_in.enrollment, providers, findings);
    ways("sign_in.staff", "sign in at the console", &sign_in.staff, providers, findings);
    staff_without_roles(settings, findings);
}

fn ways(key: &str, what: &str, ways: &Ways, providers: &Providers<'_>, findings: &mut Findings) {
    if !ways.local_accounts && ways.directories.is_empty() && ways.single_sign_on.is_empty() {
        findings.wrong(format!(
            "{key} enables no sign-in method: nobody could {what}; set local_accounts = true, or name directories or \
             single_sign_on of the configuration"
        ));
    }
    let lists = [
        ("directories", &ways.directories, &providers.directories, &providers.single_sign_on, "single_sign_on"),
        ("single_sign_on", &ways.single_sign_on, &providers.single_sign_on, &providers.directories, "directories"),
    ];
    for (list, names, known, others, other) in lists {
        let mut seen = BTreeSet::new();
        for name in names {
            if others.contains(name.as_str()) {
                findings.wrong(format!("{key}.{list}: {name:?} belongs under {other}"));
            } else if name == LOCAL {
                findings.wrong(format!("{key}.{list}: local accounts are enabled by local_accounts = true"));
            } else if !known.contains(name.as_str()) {
                let known = either(known);
                findings.wrong(format!("{key}.{list}: {name:?} is not in the configuration; available: {known}"));
            } else if !seen.insert(name) {
                findings.wrong(format!("{key}.{list}: {name:?} is listed twice; remove one"));
            }
        }
    }
}

// Staff of a directory or an identity provider have only the roles that staff_roles gives.
fn staff_without_roles(settings: &Settings, findings: &mut Findings) {
    let staff = &settings.sign_in.staff;
    let outside: Vec<&String> = staff.directories.iter().chain(&staff.single_sign_on).collect();
    let has_role = |name: &&&String| {
        settings.staff_roles.iter().any(|rule| rule.provider.as_ref().is_none_or(|provider| provider == **name))
    };
    let without: Vec<&String> = outside.iter().filter(|name| !has_role(name)).copied().collect();
    if without.is_empty() {
        return;
    }
    let names = either(&without);
    if !staff.local_accounts && without.len() == outside.len() {
        findings.wrong(format!(
            "sign_in.staff: nobody could sign in at the console: no staff_roles rule gives people of {names} a role; \
             add a rule, or set local_accounts = true"
        ));
    } else {
        findings.warn(format!("sign_in.staff: no staff_roles rule gives people of {names} a role at the console"));
    }
}
