//! `account_driven`: kinds that may enroll at all, and days that leave people time.

use super::Findings;
use super::access::ownership_key;
use events::enrollment::DeviceFamily;
use events::settings::Settings;

/// Longer than any identity lasts.
const MOST_DAYS: u32 = 3_650;

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    let set = &settings.account_driven;
    for (family, ownership) in &set.families {
        if !settings.ownership_kinds.contains(ownership) {
            findings.warn(format!(
                "account_driven.families.{}: devices of the kind \"{}\" are not enrolled (ownership_kinds), so none of this \
                 family enrolls by account",
                key(*family),
                ownership_key(*ownership)
            ));
        }
    }
    if set.sign_in_again_after_days.is_some_and(|days| days == 0 || days > MOST_DAYS) {
        findings.wrong(format!(
            "account_driven.sign_in_again_after_days: give 1 to {MOST_DAYS} days, or leave it out: then people are never \
             asked again"
        ));
    }
    if set.required_app_id == Some(0) {
        findings.wrong(
            "account_driven.required_app_id: 0 is no app; give the number at the end of its address in the App Store, or \
             leave it out",
        );
    }
    let by_rule = settings.access.iter().any(|rule| rule.account_driven);
    if set.families.is_empty() && by_rule {
        findings.warn("account_driven.families: it is empty, so the access rules with account_driven lead nowhere");
    }
}

fn key(family: DeviceFamily) -> &'static str {
    match family {
        DeviceFamily::IPhone => "iphone",
        DeviceFamily::IPad => "ipad",
    }
}
