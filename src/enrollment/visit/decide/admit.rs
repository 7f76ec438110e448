//! What follows when it is known whose device it will be: may they, and is there anything to choose.

use super::super::{Admission, Policy, Visit};
use super::barrier::barrier;
use super::terms;
use events::enrollment::{Access, ChosenBy, EnrollmentEvent, EnrollmentRefusal, Ownership};
use std::collections::BTreeSet;

pub(super) fn admit(visit: &Visit, admission: &Admission) -> Vec<EnrollmentEvent> {
    let Admission { access, previous, policy } = admission;
    let decided = access.iter().map(|access| EnrollmentEvent::AccessDecided { access: access.clone() });
    let mut happened: Vec<EnrollmentEvent> = decided.collect();
    // Nobody shall learn at the last step that they may not enroll.
    let by_rule = access.as_ref().and_then(|access| refusal(access, previous.len(), policy));
    if let Some(why) = by_rule.or_else(|| by_device(visit, access.as_ref(), policy)) {
        happened.push(EnrollmentEvent::EnrollmentRefused { why });
        return happened;
    }
    happened.extend(previous.iter().map(|record| EnrollmentEvent::PreviousRecordFound {
        device: record.device,
        evidence: record.evidence.clone(),
    }));
    // Who has an earlier record is told about it before anything else is decided.
    if previous.is_empty() {
        happened.extend(by_policy(visit, access.as_ref(), policy));
    }
    happened
}

fn refusal(access: &Access, devices: usize, policy: &Policy) -> Option<EnrollmentRefusal> {
    if permitted(Some(access), policy).is_empty() {
        let elsewhere = access.account_driven && policy.offered.contains(&Ownership::Personal);
        return Some(if elsewhere { EnrollmentRefusal::AccountDrivenOnly } else { EnrollmentRefusal::NotPermitted });
    }
    let most = access.devices_per_person?;
    (devices >= most as usize).then_some(EnrollmentRefusal::TooManyDevices)
}

// Where there would be a choice and the device is refused for one and the same reason whatever is chosen, nobody is asked
// to choose. A lone kind is chosen by policy first: that is on record, and the reason with it.
fn by_device(visit: &Visit, access: Option<&Access>, policy: &Policy) -> Option<EnrollmentRefusal> {
    let platform = visit.opened.as_ref()?.platform;
    let kinds = permitted(access, policy);
    let barriers: Vec<_> = kinds.iter().map(|kind| barrier(platform, *kind, &policy.limits, access)).collect();
    match barriers[..] {
        [one, other] if one == other => one,
        _ => None,
    }
}

fn permitted(access: Option<&Access>, policy: &Policy) -> BTreeSet<Ownership> {
    let permitted = |kind: &&Ownership| access.is_none_or(|access| access.offered.contains(kind));
    policy.offered.iter().filter(permitted).copied().collect()
}

/// Step 2 is shown only where there is a choice; a lone kind is chosen by policy.
pub(super) fn by_policy(visit: &Visit, access: Option<&Access>, policy: &Policy) -> Vec<EnrollmentEvent> {
    let permitted = permitted(access, policy);
    let mut kinds = permitted.iter();
    match (kinds.next(), kinds.next()) {
        (Some(only), None) => choose(visit, access, *only, ChosenBy::Policy, policy),
        _ => vec![],
    }
}

pub(super) fn choose(
    visit: &Visit,
    access: Option<&Access>,
    ownership: Ownership,
    chosen_by: ChosenBy,
    policy: &Policy,
) -> Vec<EnrollmentEvent> {
    let mut happened = vec![EnrollmentEvent::OwnershipChosen { ownership, chosen_by }];
    let platform = visit.opened.as_ref().map(|opened| opened.platform);
    if let Some(why) = platform.and_then(|platform| barrier(platform, ownership, &policy.limits, access)) {
        happened.push(EnrollmentEvent::EnrollmentRefused { why });
        return happened;
    }
    happened.extend(terms::request(access, ownership, policy));
    if policy.skip_ca_profile {
        happened.push(EnrollmentEvent::CaStepSkipped {});
    }
    happened
}
