//! The step at which the CA profile is downloaded and installed.

use super::super::{CaStep, Command, Enrollment, Refusal};
use super::Decision;
use events::enrollment::EnrollmentEvent;

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::ReportCaInstall if enrollment.ca == CaStep::Served => {
            Some(Ok(vec![EnrollmentEvent::CaInstallReported {}]))
        }
        _ => download(enrollment, command),
    }
}

/// Decides the downloads that are the same at this step and at the two later steps of the portal: every download beyond
/// the limit, and the CA profile.
pub(super) fn download(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        _ if counts(command) && !enrollment.repeats.serves_more() => Some(Err(Refusal::TooOften)),
        Command::ServeCaProfile { profile_uuid, ca_fingerprint } if enrollment.ca != CaStep::Skipped => {
            let (profile_uuid, ca_fingerprint) = (*profile_uuid, ca_fingerprint.clone());
            Some(Ok(vec![EnrollmentEvent::CaProfileServed { profile_uuid, ca_fingerprint }]))
        }
        _ => None,
    }
}

// Safari may fetch a profile twice, and a person may need it again later. The log keeps every serving, so their number
// is limited. An account-driven device has a separate budget.
fn counts(command: &Command) -> bool {
    matches!(
        command,
        Command::ServeCaProfile { .. }
            | Command::ServeMdmProfile { verified_by: None, device_enrolled: false, .. }
            | Command::ServeProfileService { device_enrolled: false, .. }
    )
}
