//! Decisions when the user of the device is known: whether they may enroll it, and whether there is a choice.

use super::super::{Admission, Enrollment, Policy, Received};
use super::account_driven;
use super::barrier::{Barrier, barrier};
use super::ownership::{by_policy, permitted};
use events::enrollment::{Access, EnrollmentEvent, EnrollmentRefusal, Ownership};

pub(super) fn admit(enrollment: &Enrollment, admission: &Admission) -> Vec<EnrollmentEvent> {
    let Admission { access, received, previous, imported, policy } = admission;
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
    happened.extend(imported.found());
    // A person with earlier records reads about them before anything else is decided.
    if previous.count == 0 && imported.count == 0 {
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
