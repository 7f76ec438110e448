//! Checks `account_driven`: the kinds of devices may enroll, and the numbers are in range.

use super::Findings;
use events::settings::Settings;

/// Maximum of `sign_in_again_after_days`. Longer than the lifetime of an identity.
const MOST_DAYS: u32 = 3_650;

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    let set = &settings.account_driven;
    for (family, ownership) in &set.families {
        if !settings.ownership_kinds.contains(ownership) {
            findings.warn(format!(
                "account_driven.families.{}: ownership_kinds does not contain \"{}\", so no device of this family can enroll \
                 by account",
                family.as_str(),
                ownership.as_str()
            ));
        }
    }
    if set.sign_in_again_after_days.is_some_and(|days| days == 0 || days > MOST_DAYS) {
        findings.wrong(format!(
            "account_driven.sign_in_again_after_days: give 1 to {MOST_DAYS} days, or leave it out if people never have to \
             sign in again"
        ));
    }
    if set.required_app_id == Some(0) {
        findings.wrong(
            "account_driven.required_app_id: 0 is not an app; give the number at the end of the app's App Store URL, or \
             leave it out",
        );
    }
    let by_rule = settings.access.iter().any(|rule| rule.account_driven);
    if set.families.is_empty() && by_rule {
        findings.warn("account_driven.families is empty, so access rules with account_driven have no effect");
    }
}
