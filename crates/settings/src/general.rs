//! Checks the settings that belong to no other section.

use super::{Findings, LANGUAGES};
use events::enrollment::Ownership;
use events::settings::{Invitations, ProfileService, Reenrollment, Settings};
use url::Url;

/// Days that a setting can name: up to ten years.
const DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    if settings.organization.trim().is_empty() {
        findings.wrong("organization is empty: give the name that people know; every page and profile shows it");
    }
    if settings.ownership_kinds.is_empty() {
        findings.wrong(r#"ownership_kinds is empty: nobody could enroll; give "personal", "institutional" or both"#);
    }
    if settings.abandon_after_hours == 0 {
        findings.wrong("abandon_after_hours is 0: every enrollment would be closed at once; give at least 1");
    }
    if let Some(url) = &settings.self_service_url
        && !Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.has_host())
    {
        findings.wrong(format!("self_service_url {url:?} is not an https URL such as https://apps.apple.com/app/id1"));
    }
    self_service(settings, findings);
    profile_service(settings, findings);
    reenrollment(settings, findings);
    invitations(settings, findings);
    for domain in settings.managed_apple_id_domains.iter().filter(|domain| !is_domain(domain)) {
        findings.wrong(format!("managed_apple_id_domains: {domain:?} not a domain such as example.com, in lower case"));
    }
    languages("personal_description", settings.personal_description.keys(), findings);
}

// Checks that the app that is installed and the page in the App Store belong to the same app.
fn self_service(settings: &Settings, findings: &mut Findings) {
    match settings.self_service.store_id {
        Some(0) => findings.wrong(
            "self_service.store_id is 0: give the number at the end of the app's App Store URL, such as 1234567890 in …/id1234567890",
        ),
        Some(id) => {
            let url = settings.self_service_url.as_deref().unwrap_or_default();
            let number = url.rsplit("/id").next().and_then(|rest| rest.split(['?', '/']).next()?.parse::<u64>().ok());
            if let Some(other) = number.filter(|other| *other != id) {
                findings.wrong(format!(
                    "self_service.store_id is {id}, but self_service_url leads to the app {other}: give one app in both"
                ));
            }
        }
        None if !settings.self_service.licensed.is_empty() => findings.wrong(
            "self_service.licensed is set, but self_service.store_id is missing: give the app's number in the App Store",
        ),
        None => {}
    }
}

fn profile_service(settings: &Settings, findings: &mut Findings) {
    let ProfileService { enabled, genuine_devices_only } = settings.profile_service;
    if genuine_devices_only && !enabled {
        findings.warn("profile_service.genuine_devices_only has no effect, because profile_service.enabled is false");
    }
    if enabled && !settings.ownership_kinds.contains(&Ownership::Institutional) {
        findings.warn("profile_service.enabled has no effect: ownership_kinds does not contain institutional devices");
    }
}

fn reenrollment(settings: &Settings, findings: &mut Findings) {
    let Reenrollment {
        weak_score,
        probable_score,
        strong_score,
        removed_within_hours,
        ask_silence_after_hours,
        shred_after_days,
        ..
    } = settings.reenrollment;
    if !(1 <= weak_score && weak_score <= probable_score && probable_score <= strong_score) {
        findings.wrong(
            "reenrollment: weak_score, probable_score and strong_score have to be at least 1 and in ascending order",
        );
    }
    // A year: the timer and the evidence are about days.
    let hours = 1..=365 * 24;
    if !hours.contains(&removed_within_hours) || !hours.contains(&ask_silence_after_hours) {
        findings.wrong("reenrollment: removed_within_hours and ask_silence_after_hours have to be between 1 and 8760");
    }
    if !DAYS.contains(&shred_after_days) {
        findings.wrong("reenrollment: shred_after_days has to be between 1 and 3650");
    }
}

fn invitations(settings: &Settings, findings: &mut Findings) {
    let Invitations { valid_days, remind_after_days, most_reminders, most_mails_per_hour, .. } = settings.invitations;
    if !DAYS.contains(&valid_days) || !DAYS.contains(&remind_after_days) {
        findings.wrong("invitations: valid_days and remind_after_days have to be between 1 and 3650");
    }
    if most_reminders > 20 {
        findings.wrong("invitations: most_reminders has to be at most 20: people stop reading");
    }
    if !(1..=100_000).contains(&most_mails_per_hour) {
        findings.wrong("invitations: most_mails_per_hour has to be between 1 and 100000");
    }
    if remind_after_days >= valid_days && most_reminders > 0 {
        findings.warn(
            "invitations: an invitation expires before anybody is reminded: remind_after_days is not below valid_days",
        );
    }
}

/// Checks that the languages of texts are languages of the pages.
pub(super) fn languages<'a>(key: &str, tags: impl Iterator<Item = &'a String>, findings: &mut Findings) {
    for tag in tags.filter(|tag| !LANGUAGES.contains(&tag.as_str())) {
        let known = LANGUAGES.join(", ");
        findings.wrong(format!("{key}: pages have no language {tag:?}; available: {known}"));
    }
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}
