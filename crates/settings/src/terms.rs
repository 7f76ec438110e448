//! `terms`: a version, a text that everybody can be shown, and somebody who is asked.

use super::access::ownership_key;
use super::{Findings, general};
use events::settings::{Settings, Terms};

/// Longer versions do not fit under a text.
const LONGEST_VERSION: usize = 64;

pub(super) fn check(settings: &Settings, before: &Settings, findings: &mut Findings) {
    for (ownership, terms) in &settings.terms {
        let key = format!("terms.{}", ownership_key(*ownership));
        one(&key, terms, findings);
        if let Some(before) = before.terms.get(ownership) {
            same_version(&key, before, terms, findings);
        }
        if !settings.ownership_kinds.contains(ownership) {
            findings
                .warn(format!("{key}: devices of this kind are not enrolled (ownership_kinds), so nobody is asked"));
        }
    }
    if !settings.terms.is_empty()
        && !settings.access.is_empty()
        && !settings.access.iter().any(|rule| rule.terms_required)
    {
        findings.warn("terms: no access rule says terms_required = true, so nobody is asked");
    }
}

fn one(key: &str, terms: &Terms, findings: &mut Findings) {
    let version = &terms.version;
    if version.trim().is_empty() || version.chars().count() > LONGEST_VERSION || version.chars().any(char::is_control) {
        findings.wrong(format!(
            "{key}.version {version:?} tells no version from the next: give up to {LONGEST_VERSION} characters, such as \
             \"2026-09\""
        ));
    }
    if !terms.text.contains_key("en") {
        findings.wrong(format!("{key}.text.en is missing: it is shown to everybody whose language is not there"));
    }
    for (tag, _) in terms.text.iter().filter(|(_, text)| text.trim().is_empty()) {
        findings.wrong(format!("{key}.text.{tag} is empty: give the text, or leave the language out"));
    }
    general::languages(&format!("{key}.text"), terms.text.keys(), findings);
}

// The hash on record tells the texts apart, but who accepted the old one is not asked again.
fn same_version(key: &str, before: &Terms, after: &Terms, findings: &mut Findings) {
    let changed = after.text.iter().filter(|(tag, text)| before.text.get(*tag).is_some_and(|was| was != *text));
    let changed: Vec<&str> = changed.map(|(tag, _)| tag.as_str()).collect();
    if before.version == after.version && !changed.is_empty() {
        findings.warn(format!(
            "{key}.text changed ({}) and the version is still {:?}: who accepted it is not asked again; give another \
             version to ask everybody",
            changed.join(", "),
            after.version
        ));
    }
}
