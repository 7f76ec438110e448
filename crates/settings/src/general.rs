//! Switches and texts that stand alone.

use super::{Findings, LANGUAGES};
use events::enrollment::Ownership;
use events::settings::{ProfileService, Settings};
use url::Url;

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    if settings.organization.trim().is_empty() {
        findings.wrong("organization is empty: give the name people know, it heads every page and profile");
    }
    if settings.ownership_kinds.is_empty() {
        findings.wrong(r#"ownership_kinds is empty: nobody could enroll; give "personal", "institutional" or both"#);
    }
    if settings.abandon_after_hours == 0 {
        findings.wrong("abandon_after_hours is 0: every visit would be closed at once; give at least 1");
    }
    if let Some(url) = &settings.self_service_url
        && !Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.has_host())
    {
        findings.wrong(format!("self_service_url {url:?} is no https address, such as https://apps.apple.com/app/id1"));
    }
    self_service(settings, findings);
    profile_service(settings, findings);
    for domain in settings.managed_apple_id_domains.iter().filter(|domain| !is_domain(domain)) {
        findings.wrong(format!("managed_apple_id_domains: {domain:?} is no domain such as example.com, in lower case"));
    }
    languages("personal_description", settings.personal_description.keys(), findings);
}

// The app that is installed and the page in the App Store are about one app.
fn self_service(settings: &Settings, findings: &mut Findings) {
    match settings.self_service.store_id {
        Some(0) => findings.wrong(
            "self_service.store_id is 0: give the number at the end of the app's address, such as 1234567890 of …/id1234567890",
        ),
        Some(id) => {
            let url = settings.self_service_url.as_deref().unwrap_or_default();
            let number = url.rsplit("/id").next().and_then(|rest| rest.split(['?', '/']).next()?.parse::<u64>().ok());
            if let Some(other) = number.filter(|other| *other != id) {
                findings.wrong(format!(
                    "self_service.store_id is {id}, and self_service_url leads to the app {other}: give one app in both"
                ));
            }
        }
        None if !settings.self_service.licensed.is_empty() => findings.wrong(
            "self_service.licensed says for whom there are licences, and self_service.store_id does not say of what: give the app's number in the App Store",
        ),
        None => {}
    }
}

fn profile_service(settings: &Settings, findings: &mut Findings) {
    let ProfileService { enabled, genuine_devices_only } = settings.profile_service;
    if genuine_devices_only && !enabled {
        findings
            .warn("profile_service.genuine_devices_only is of no effect: no device is asked (profile_service.enabled)");
    }
    if enabled && !settings.ownership_kinds.contains(&Ownership::Institutional) {
        findings.warn("profile_service.enabled is for institutional devices, and none are enrolled (ownership_kinds)");
    }
}

/// Texts are there in languages that pages are in.
pub(super) fn languages<'a>(key: &str, tags: impl Iterator<Item = &'a String>, findings: &mut Findings) {
    for tag in tags.filter(|tag| !LANGUAGES.contains(&tag.as_str())) {
        let known = LANGUAGES.join(", ");
        findings.wrong(format!("{key}: there are no pages in {tag:?}; the languages are {known}"));
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
