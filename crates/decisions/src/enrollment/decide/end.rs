//! The end of an enrollment: refused or abandoned.

use super::super::{Command, Enrollment};
use super::Decision;
use events::enrollment::EnrollmentEvent;

/// Decides commands for an ended enrollment: it does not end again.
pub(super) fn decide(command: &Command) -> Option<Decision> {
    matches!(command, Command::Refuse { .. } | Command::Abandon { .. }).then_some(Ok(vec![]))
}

/// Ends the enrollment with the event `end`. The identity of an enrollment that ended without a device is revoked, so
/// that it cannot be used.
pub(super) fn end(enrollment: &Enrollment, end: EnrollmentEvent) -> Vec<EnrollmentEvent> {
    let mut happened = vec![end];
    happened.extend(revocation(enrollment));
    happened
}

/// Returns the event that revokes the issued identity, if there is one.
pub(super) fn revocation(enrollment: &Enrollment) -> Option<EnrollmentEvent> {
    let identity = enrollment.identity.as_ref()?;
    Some(EnrollmentEvent::IdentityRevoked { fingerprint: identity.certificate.fingerprint.clone() })
}
