//! The step at which the person enters their Managed Apple ID.

use super::super::{Command, Enrollment, Refusal};
use super::{Decision, ca_profile};
use events::enrollment::{EnrollmentEvent, Ownership};
use events::personal::Personal;

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    ca_profile::download(enrollment, command).or_else(|| correct(enrollment, command))
}

/// Decides the form of this step, which can be sent again at the next step, and a repeated form of the previous step.
pub(super) fn correct(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::ReportCaInstall => Some(Ok(vec![])),
        // The Managed Apple ID can be corrected until the profile is installed.
        Command::GiveManagedAppleId { managed_apple_id }
            if enrollment.ownership == Some(Ownership::Personal) || enrollment.account_driven.is_some() =>
        {
            Some(give(enrollment, managed_apple_id))
        }
        _ => None,
    }
}

fn give(enrollment: &Enrollment, managed_apple_id: &Personal<String>) -> Decision {
    if enrollment.managed_apple_id.as_ref() == Some(managed_apple_id) {
        return Ok(vec![]);
    }
    if !enrollment.repeats.takes_more_managed_apple_ids() {
        return Err(Refusal::TooOften);
    }
    Ok(vec![EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: managed_apple_id.clone() }])
}
