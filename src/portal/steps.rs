//! Which page belongs to which step, and how many steps there are.

use crate::enrollment::visit::{End, Step};
use events::enrollment::Ownership;
use events::settings::Settings;

/// The page of a step.
pub fn path(step: Step) -> &'static str {
    match step {
        Step::Open | Step::SignIn | Step::Ended(End::Abandoned) => "/enroll/sign-in",
        Step::Assignment => "/enroll/for-whom",
        Step::PreviousRecords => "/enroll/previous",
        Step::Ownership => "/enroll/ownership",
        Step::Terms => "/enroll/terms",
        Step::CaProfile => "/enroll/ca",
        Step::ManagedAppleId => "/enroll/managed-apple-id",
        Step::MdmProfile => "/enroll/mdm",
        Step::Ended(End::Refused(_)) => "/enroll/stopped",
    }
}

/// The place of a page among the steps that this person walks, and how many these are; `None` for pages beside the way.
/// Before the choice the longer way is counted.
pub fn progress(template: &str, ownership: Option<Ownership>, settings: &Settings) -> Option<(usize, usize)> {
    let only = settings.ownership_kinds.iter().next().filter(|_| settings.ownership_kinds.len() == 1).copied();
    let institutional = ownership.or(only) == Some(Ownership::Institutional);
    let way = [
        ("sign_in", true),
        ("ownership", only.is_none()),
        ("ca_profile", !settings.skip_ca_profile),
        ("managed_apple_id", !institutional),
        ("mdm_profile", true),
        ("complete", true),
    ];
    // Told between two steps: part of the first.
    let template = if template == "previous" { "sign_in" } else { template };
    let mut way = way.into_iter().filter(|(_, walked)| *walked);
    let total = way.clone().count();
    way.position(|(page, _)| page == template).map(|place| (place + 1, total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn progress_counts_the_steps_that_the_person_walks() {
        let both = Settings::default();
        assert_eq!(progress("sign_in", None, &both), Some((1, 6)));
        assert_eq!(progress("ca_profile", Some(Ownership::Personal), &both), Some((3, 6)));
        assert_eq!(progress("mdm_profile", Some(Ownership::Institutional), &both), Some((4, 5)));
        assert_eq!(progress("about", None, &both), None);
        let one = Settings {
            ownership_kinds: BTreeSet::from([Ownership::Institutional]),
            skip_ca_profile: true,
            ..Settings::default()
        };
        assert_eq!(progress("complete", None, &one), Some((3, 3)));
    }
}
