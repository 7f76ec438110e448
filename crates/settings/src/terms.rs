//! Checks `terms`: each has a version and an English text, and applies to people.

use super::{Findings, general};
use events::settings::{Settings, Terms};

/// Maximum length of a version in characters. A longer one does not fit below the text on the page.
const LONGEST_VERSION: usize = 64;

pub(super) fn check(settings: &Settings, before: &Settings, findings: &mut Findings) {
    for (ownership, terms) in &settings.terms {
        let key = format!("terms.{}", ownership.as_str());
        one(&key, terms, findings);
        if let Some(before) = before.terms.get(ownership) {
            same_version(&key, before, terms, findings);
        }
        if !settings.ownership_kinds.contains(ownership) {
            findings.warn(format!("{key} has no effect: ownership_kinds does not contain this kind"));
        }
    }
    if !settings.terms.is_empty()
        && !settings.access.is_empty()
        && !settings.access.iter().any(|rule| rule.terms_required)
    {
        findings.warn("terms: no access rule has terms_required = true, so nobody is asked to accept them");
    }
}

fn one(key: &str, terms: &Terms, findings: &mut Findings) {
    let version = &terms.version;
    if version.trim().is_empty() || version.chars().count() > LONGEST_VERSION || version.chars().any(char::is_control) {
        findings.wrong(format!(
            "{key}.version {version:?} is not a version: give 1 to {LONGEST_VERSION} printable characters, such as \
             \"2026-09\""
        ));
    }
    if !terms.text.contains_key("en") {
        findings.wrong(format!("{key}.text.en is missing: people whose language has no text see it"));
    }
    for (tag, _) in terms.text.iter().filter(|(_, text)| text.trim().is_empty()) {
        findings.wrong(format!("{key}.text.{tag} is empty: give the text, or remove the language"));
    }
    general::languages(&format!("{key}.text"), terms.text.keys(), findings);
}

// The recorded hash distinguishes the texts, but people who accepted the old text are not asked again.
fn same_version(key: &str, before: &Terms, after: &Terms, findings: &mut Findings) {
    let changed = after.text.iter().filter(|(tag, text)| before.text.get(*tag).is_some_and(|was| was != *text));
    let changed: Vec<&str> = changed.map(|(tag, _)| tag.as_str()).collect();
    if before.version == after.version && !changed.is_empty() {
        findings.warn(format!(
            "{key}.text changed ({}) but the version is still {:?}: people who accepted it are not asked again; change the \
             version to ask everybody",
            changed.join(", "),
            after.version
        ));
    }
}
