//! Checks `limits`: version ranges that devices of the kind can meet, and models that can exist.

use super::Findings;
use decisions::enrollment::{FIRST_ACCOUNT_DRIVEN_ONLY, FIRST_USER_ENROLLMENT};
use decisions::limits;
use events::enrollment::Ownership;
use events::settings::{Limits, Settings};

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    for (ownership, range) in &settings.limits.versions {
        let key = format!("limits.versions.{}", ownership.as_str());
        if let (Some(minimum), Some(maximum)) = (range.minimum, range.maximum) {
            let only_maximum = Limits {
                versions: [(*ownership, events::settings::VersionRange { minimum: None, ..*range })].into(),
                ..Limits::default()
            };
            if limits::version(&only_maximum, *ownership, minimum).is_some() {
                findings.wrong(format!(
                    "{key}: minimum {minimum} is newer than maximum {maximum}: no device could enroll; swap them, \
                     or leave one out"
                ));
            }
        }
        if !settings.ownership_kinds.contains(ownership) {
            findings.warn(format!("{key} has no effect: ownership_kinds does not contain this kind"));
        }
        if *ownership == Ownership::Personal {
            if range.minimum.is_some_and(|minimum| minimum >= FIRST_ACCOUNT_DRIVEN_ONLY) {
                findings.warn(format!(
                    "{key}.minimum: with {FIRST_ACCOUNT_DRIVEN_ONLY} and later, personal devices enroll only from Settings, \
                     so none could enroll at the portal"
                ));
            }
            if range.maximum.is_some_and(|maximum| maximum < FIRST_USER_ENROLLMENT) {
                findings.warn(format!(
                    "{key}.maximum: personal devices need {FIRST_USER_ENROLLMENT} or later, so none could enroll"
                ));
            }
        }
    }
    settings.limits.models.iter().for_each(|model| one_model(model, findings));
}

fn one_model(model: &str, findings: &mut Findings) {
    let number = model.strip_prefix("iPhone").or_else(|| model.strip_prefix("iPad"));
    let well_formed = number.is_some_and(|number| {
        let (major, minor) = number.split_once(',').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        digits(major) && digits(minor) && (!major.is_empty() || number.is_empty())
    });
    if !well_formed {
        findings.wrong(format!(
            "limits.models: {model:?} is not the beginning of a model identifier, such as iPhone14,5; give \
             \"iPhone\", \"iPad\", \"iPhone14,\" or \"iPhone14,5\""
        ));
    } else if number.is_some_and(|number| !number.is_empty() && !number.contains(',')) {
        findings.warn(format!(
            "limits.models: {model:?} also matches {model}0 to {model}9; end it with a comma to match one generation \
             only"
        ));
    }
}
