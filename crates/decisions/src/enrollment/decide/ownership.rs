//! The step at which the ownership of the device is chosen, by the person or by policy.

use super::super::{Command, Enrollment, Policy, Refusal};
use super::barrier::{Barrier, barrier};
use super::{Decision, terms};
use events::enrollment::{Access, ChosenBy, EnrollmentEvent, Ownership};
use std::collections::BTreeSet;

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    let Command::ChooseOwnership { ownership, policy } = command else { return None };
    if !enrollment.permitted(&policy.offered).contains(ownership) {
        return Some(Err(Refusal::OwnershipNotOffered));
    }
    Some(Ok(choose(enrollment, enrollment.access.as_ref(), *ownership, ChosenBy::User, policy)))
}

/// Returns the ownership kinds that are offered and that the access rules permit.
pub(super) fn permitted(access: Option<&Access>, policy: &Policy) -> BTreeSet<Ownership> {
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

fn choose(
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
