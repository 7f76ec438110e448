//! Decisions when the user of the device is known: whether they may enroll it, and whether there is a choice.

use super::super::{Admission, Enrollment, Policy, Received};
use super::barrier::{Barrier, barrier};
use super::{account_driven, terms};
use events::enrollment::{Access, ChosenBy, EnrollmentEvent, EnrollmentRefusal, Ownership};
use std::collections::BTreeSet;

pub(super) fn admit(enrollment: &Enrollment, admission: &Admission) -> Vec<EnrollmentEvent> {
    let Admission { access, received, previous, policy } = admission;
    let received = received.iter().map(|Received { provider, attributes }| EnrollmentEvent::AttributesReceived {
        provider: provider.clone(),
        attributes: attributes.clone(),
    });
    let decided = access.iter().map(|access| EnrollmentEvent::AccessDecided { access: access.clone() });
    let mut happened: Vec<EnrollmentEvent> = received.chain(decided).collect();
    // Checked as early as possible, so that people do not learn at the last step that they may not enroll.
    let refused = match enrollment.account_driven {
        Some(mode) => account_driven::refusal(mode, access.as_ref(), previous.count, policy),
        None => {
            let by_rule = access.as_ref().and_then(|access| refusal(enrollment, access, previous.count, policy));
            by_rule.or_else(|| by_device(enrollment, access.as_ref(), policy))
        }
    };
    if let Some(why) = refused {
        happened.push(EnrollmentEvent::EnrollmentRefused { why });
        return happened;
    }
    happened.extend(previous.found());
    // A person with earlier records reads about them before anything else is decided.
    if previous.count == 0 {
        happened.extend(by_policy(enrollment, access.as_ref(), policy));
    }
    happened
}

fn refusal(enrollment: &Enrollment, access: &Access, devices: u64, policy: &Policy) -> Option<EnrollmentRefusal> {
    if !access.untold.is_empty() {
        return Some(EnrollmentRefusal::AccessUnknown);
    }
    if permitted(Some(access), policy).is_empty() {
        let platform = enrollment.opened.as_ref().map(|opened| opened.platform);
        let elsewhere = access.account_driven && platform.is_some_and(|platform| policy.leads_to_settings(platform));
        return Some(if elsewhere { EnrollmentRefusal::AccountDrivenOnly } else { EnrollmentRefusal::NotPermitted });
    }
    let most = access.devices_per_person?;
    (devices >= u64::from(most)).then_some(EnrollmentRefusal::TooManyDevices)
}

// If the device is refused for the same reason with either ownership, the person is not asked to choose. A single
// permitted kind is chosen by policy first, so that the kind and the reason are recorded.
fn by_device(enrollment: &Enrollment, access: Option<&Access>, policy: &Policy) -> Option<EnrollmentRefusal> {
    let platform = enrollment.opened.as_ref()?.platform;
    let kinds = permitted(access, policy);
    let of = |kind: &Ownership| barrier(&Barrier { platform, ownership: *kind, by_account: None, access, policy });
    let barriers: Vec<_> = kinds.iter().map(of).collect();
    match barriers[..] {
        [one, other] if one == other => one,
        _ => None,
    }
}

fn permitted(access: Option<&Access>, policy: &Policy) -> BTreeSet<Ownership> {
    let permitted = |kind: &&Ownership| access.is_none_or(|access| access.offered.contains(kind));
    policy.offered.iter().filter(permitted).copied().collect()
}

/// Chooses the ownership by policy if only one kind is permitted. The ownership step is only shown if there is a
/// choice.
pub(super) fn by_policy(enrollment: &Enrollment, access: Option<&Access>, policy: &Policy) -> Vec<EnrollmentEvent> {
    // In Settings the discovery document determined the ownership before sign-in.
    if let Some(mode) = enrollment.account_driven {
        return choose(enrollment, access, mode.ownership(), ChosenBy::Policy, policy);
    }
    let permitted = permitted(access, policy);
    let mut kinds = permitted.iter();
    match (kinds.next(), kinds.next()) {
        (Some(only), None) => choose(enrollment, access, *only, ChosenBy::Policy, policy),
        _ => vec![],
    }
}

pub(super) fn choose(
    enrollment: &Enrollment,
    access: Option<&Access>,
    ownership: Ownership,
    chosen_by: ChosenBy,
    policy: &Policy,
) -> Vec<EnrollmentEvent> {
    let mut happened = vec![EnrollmentEvent::OwnershipChosen { ownership, chosen_by }];
    let by_account = enrollment.account_driven;
    let platform = enrollment.opened.as_ref().map(|opened| opened.platform);
    let barrier = |platform| barrier(&Barrier { platform, ownership, by_account, access, policy });
    if let Some(why) = platform.and_then(barrier) {
        happened.push(EnrollmentEvent::EnrollmentRefused { why });
        return happened;
    }
    happened.extend(terms::request(access, ownership, policy));
    if by_account.is_some() {
        let assigned = policy.assigned_managed_apple_id.clone();
        happened.extend(assigned.map(|managed_apple_id| EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id }));
    } else if policy.skip_ca_profile {
        happened.push(EnrollmentEvent::CaStepSkipped {});
    }
    happened
}
