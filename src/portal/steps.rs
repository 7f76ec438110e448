//! Maps steps to pages, and counts the steps.

use decisions::enrollment::{End, Enrollment, Step, TermsStep};
use events::enrollment::Ownership;
use events::settings::Settings;
use std::collections::BTreeSet;

/// Returns the path of a step's page.
pub(crate) fn path(step: Step) -> &'static str {
    match step {
        Step::Open | Step::SignIn | Step::Ended(End::Abandoned) => "/enroll/sign-in",
        Step::Assignment => "/enroll/for-whom",
        Step::PreviousRecords => "/enroll/previous",
        Step::Ownership => "/enroll/ownership",
        Step::Terms => "/enroll/terms",
        Step::CaProfile => "/enroll/ca",
        Step::ManagedAppleId => "/enroll/managed-apple-id",
        Step::MdmProfile => "/enroll/mdm",
        Step::HandOver => "/enroll/hand-over",
        Step::SignInAgain => "/enroll/sign-in",
        Step::Ended(End::Refused(_)) => "/enroll/stopped",
    }
}

/// Returns the number of a page's step among the steps that this person takes, and the number of these steps. Returns
/// `None` for pages outside the steps. As long as a choice is open, the longer sequence is counted.
pub(crate) fn progress(template: &str, enrollment: Option<&Enrollment>, settings: &Settings) -> Option<(usize, usize)> {
    // In the sheet that Settings opens there are few steps, and the last is not a page.
    if enrollment.is_some_and(|enrollment| enrollment.account_driven.is_some()) {
        return None;
    }
    let offered =
        enrollment.map_or_else(|| settings.ownership_kinds.clone(), |enrollment| offered(enrollment, settings));
    let only = offered.iter().next().filter(|_| offered.len() == 1).copied();
    let ownership = enrollment.and_then(|enrollment| enrollment.ownership).or(only);
    let way = [
        ("sign_in", true),
        ("ownership", only.is_none()),
        ("terms", asks_for_terms(enrollment, ownership, settings)),
        ("ca_profile", !settings.skip_ca_profile),
        ("managed_apple_id", ownership != Some(Ownership::Institutional)),
        ("mdm_profile", true),
        ("complete", true),
    ];
    // Pages between two steps, and the redirect to another site, count as the first step.
    let template = if matches!(template, "for_whom" | "previous" | "leaving") { "sign_in" } else { template };
    let mut way = way.into_iter().filter(|(_, walked)| *walked);
    let total = way.clone().count();
    way.position(|(page, _)| page == template).map(|place| (place + 1, total))
}

fn offered(enrollment: &Enrollment, settings: &Settings) -> BTreeSet<Ownership> {
    let permitted = enrollment.permitted(&settings.ownership_kinds);
    // The person chose before the settings changed, so the choice did exist.
    if permitted.is_empty() { settings.ownership_kinds.clone() } else { permitted }
}

// Exact once the ownership is chosen; before that an estimate from the access rules.
fn asks_for_terms(enrollment: Option<&Enrollment>, ownership: Option<Ownership>, settings: &Settings) -> bool {
    if let Some(enrollment) = enrollment.filter(|enrollment| enrollment.ownership.is_some()) {
        return enrollment.terms != TermsStep::NotAsked;
    }
    let there = settings.terms.keys().any(|of| ownership.is_none_or(|ownership| ownership == *of));
    let decided = enrollment
        .filter(|enrollment| enrollment.signed_in.is_some())
        .and_then(|enrollment| enrollment.access.as_ref());
    let required = match decided {
        Some(access) => access.terms_required,
        None => settings.access.is_empty() || settings.access.iter().any(|rule| rule.terms_required),
    };
    there && required
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::settings::Terms;

    fn chosen(ownership: Ownership) -> Enrollment {
        Enrollment { ownership: Some(ownership), ..Enrollment::default() }
    }

    #[test]
    fn progress_counts_the_steps_that_the_person_walks() {
        let both = Settings::default();
        assert_eq!(progress("sign_in", None, &both), Some((1, 6)));
        assert_eq!(progress("for_whom", None, &both), Some((1, 6)));
        assert_eq!(progress("ca_profile", Some(&chosen(Ownership::Personal)), &both), Some((3, 6)));
        assert_eq!(progress("mdm_profile", Some(&chosen(Ownership::Institutional)), &both), Some((4, 5)));
        assert_eq!(progress("about", None, &both), None);
        let one = Settings {
            ownership_kinds: BTreeSet::from([Ownership::Institutional]),
            skip_ca_profile: true,
            ..Settings::default()
        };
        assert_eq!(progress("complete", None, &one), Some((3, 3)));
    }

    #[test]
    fn terms_count_where_they_are_asked_and_until_that_is_known_where_they_may_be() {
        let terms = Terms { version: "1".into(), text: [("en".to_owned(), "Be kind.".to_owned())].into() };
        let settings = Settings { terms: [(Ownership::Personal, terms)].into(), ..Settings::default() };
        assert_eq!(progress("sign_in", None, &settings), Some((1, 7)));
        let asked = Enrollment { terms: TermsStep::Asked { version: "1".into() }, ..chosen(Ownership::Personal) };
        assert_eq!(progress("terms", Some(&asked), &settings), Some((3, 7)));
        assert_eq!(progress("ca_profile", Some(&chosen(Ownership::Personal)), &settings), Some((3, 6)));
        assert_eq!(progress("ca_profile", Some(&chosen(Ownership::Institutional)), &settings), Some((3, 5)));
    }
}
