//! Describes the result of the access rules as text.

use super::subject::Subject;
use decisions::access;
use events::enrollment::{Access, OsVersion, Ownership};
use events::settings::{Settings, Who};
use names::quoted;
use sign_in::claimant;
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of names in a list. Further names are only counted.
const MOST_NAMES: usize = 20;

/// Describes what this person may enroll, and under which conditions.
pub(super) fn outcome(settings: &Settings, subject: &Subject) -> Vec<String> {
    let name = &subject.account.user_name;
    let access = access::decide(&settings.access, &claimant(&subject.account));
    let permitted: BTreeSet<Ownership> = match &access {
        Some(access) => settings.ownership_kinds.intersection(&access.offered).copied().collect(),
        None => settings.ownership_kinds.clone(),
    };
    let by_account = access.as_ref().is_none_or(|access| access.account_driven);
    let mut lines = vec![at_portal(name, &permitted, access.as_ref(), settings)];
    let word = if by_account { "yes" } else { "no" };
    lines.push(format!("From Settings, by account: {word}."));
    if permitted.is_empty() && !by_account {
        return lines;
    }
    lines.extend(permitted.iter().map(|kind| terms(*kind, access.as_ref(), settings, subject)));
    lines.push(devices(access.as_ref(), subject));
    lines.extend(permitted.iter().map(|kind| versions(*kind, settings, by_account)));
    lines.push(match settings.limits.models.len() {
        0 => "Models: any.".to_owned(),
        _ => format!("Models: {}.", either(&settings.limits.models)),
    });
    lines
}

fn at_portal(name: &str, kinds: &BTreeSet<Ownership>, access: Option<&Access>, settings: &Settings) -> String {
    let words: Vec<String> = kinds.iter().map(|kind| device(*kind)).collect();
    if !words.is_empty() {
        return format!("{name} may enroll at the portal: {}.", words.join(" or "));
    }
    let granted = access.is_some_and(|access| !access.offered.is_empty());
    let why = if granted { ": ownership_kinds does not contain what the rule permits" } else { "" };
    let why = if settings.ownership_kinds.is_empty() { ": ownership_kinds is empty" } else { why };
    format!("{name} may not enroll a device at the portal{why}.")
}

fn device(kind: Ownership) -> String {
    format!("a {}", kind.label())
}

fn terms(kind: Ownership, access: Option<&Access>, settings: &Settings, subject: &Subject) -> String {
    let asked = access.is_none_or(|access| access.terms_required);
    let said = match settings.terms.get(&kind).filter(|_| asked) {
        None => "none required".to_owned(),
        Some(terms) if subject.accepted.get(&kind) == Some(&terms.version) => {
            format!("version {:?}, accepted already", terms.version)
        }
        Some(terms) => format!("version {:?} has to be accepted", terms.version),
    };
    format!("Terms of use for {}: {said}.", device(kind))
}

fn devices(access: Option<&Access>, subject: &Subject) -> String {
    let most = access.and_then(|access| access.devices_per_person);
    match (most, subject.devices) {
        (None, None) => "Number of devices: not limited.".to_owned(),
        (None, Some(has)) => format!("Number of devices: not limited; {has} enrolled now."),
        (Some(most), None) => format!("Number of devices: {most} at a time; how many are enrolled is unknown."),
        (Some(most), Some(has)) if has >= u64::from(most) => {
            format!("Number of devices: {most} at a time; {has} enrolled now, so another one is REFUSED.")
        }
        (Some(most), Some(has)) => format!("Number of devices: {most} at a time; {has} enrolled now."),
    }
}

fn versions(kind: Ownership, settings: &Settings, by_account: bool) -> String {
    let range = settings.limits.versions.get(&kind).copied().unwrap_or_default();
    let short = |version: OsVersion| {
        if version.minor == 0 && version.patch == 0 { version.major.to_string() } else { version.to_string() }
    };
    let said = match (range.minimum.map(short), range.maximum.map(short)) {
        (None, None) => "any".to_owned(),
        (Some(minimum), None) => format!("{minimum} and newer"),
        (None, Some(maximum)) => format!("up to {maximum}, including all versions of {maximum}"),
        (Some(minimum), Some(maximum)) => format!("{minimum} to {maximum}, including all versions of {maximum}"),
    };
    // iOS 17 was the last version with profile-based User Enrollment (docs/glossary.md, "account-driven").
    let note = match kind {
        Ownership::Personal if by_account => "; iOS 18 and newer only from Settings",
        Ownership::Personal => "; not iOS 18 and newer, which enroll only from Settings",
        Ownership::Institutional => "",
    };
    format!("Versions of iOS for {}: {said}{note}.", device(kind))
}

/// Describes the people that a rule matches.
pub(super) fn who(who: &Who) -> String {
    match who {
        Who::Everyone => "everyone".to_owned(),
        Who::Group(group) => format!("the group {}", quoted(group)),
        Who::Claim { name, value } => format!("people whose {name} is {}", quoted(value)),
    }
}

pub(super) fn either<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// Lists at most [`MOST_NAMES`] names and the number of further ones.
pub(super) fn listed(names: &BTreeSet<String>) -> String {
    match names.len() {
        0 => "none".to_owned(),
        count if count > MOST_NAMES => {
            format!("{}, and {} more", either(names.iter().take(MOST_NAMES)), count - MOST_NAMES)
        }
        _ => either(names),
    }
}

pub(super) fn claims(claims: &BTreeMap<String, BTreeSet<String>>) -> String {
    let words: Vec<String> = claims.iter().map(|(name, values)| format!("{name} = {}", listed(values))).collect();
    if words.is_empty() { "none".to_owned() } else { words.join("; ") }
}

/// Adds to a list that the provider may not have reported all names.
pub(super) fn with_unreported(listed: String, unknown: bool) -> String {
    match (listed.as_str(), unknown) {
        (_, false) => listed,
        ("none", true) => "not reported".to_owned(),
        (_, true) => format!("{listed}, and perhaps others that were not reported"),
    }
}
