//! The step at which the MDM profile is downloaded and the device requests its identity.

use super::super::{Command, Enrollment, Refusal, Serving};
use super::end::revocation;
use super::{Decision, ca_profile, managed_apple_id, profile_service};
use events::Timestamp;
use events::enrollment::{EnrollmentEvent, IssuedCertificate, SecretHash};

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    // The limit of downloads comes first; an enrolled device is refused before its Profile Service is looked at.
    ca_profile::download(enrollment, command)
        .or_else(|| managed_apple_id::correct(enrollment, command))
        .or_else(|| serve(enrollment, command))
        .or_else(|| profile_service::decide(enrollment, command))
}

/// Decides the profile and the identity, at the portal and for a device that enrolls from Settings.
pub(super) fn serve(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::ServeMdmProfile { device_enrolled: true, .. }
        | Command::ServeProfileService { device_enrolled: true, .. }
        | Command::IssueVerificationIdentity { device_enrolled: true, .. } => Some(Err(Refusal::DeviceEnrolled)),
        Command::ServeMdmProfile { verified_by: Some(by), .. } if enrollment.verified(by).is_none() => {
            Some(Err(Refusal::NotVerified))
        }
        Command::ServeMdmProfile { profile, challenge, challenge_expires, verified_by, .. }
            if Some(profile.kind) == enrollment.kind() && profile.enrollment_mode == enrollment.account_driven =>
        {
            Some(Ok(vec![EnrollmentEvent::MdmProfileServed {
                profile: profile.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                verified_by: verified_by.clone(),
            }]))
        }
        Command::IssueIdentity { now, challenge, transaction, certificate, device_enrolled } => {
            Some(issue(enrollment, *now, challenge, transaction, certificate, *device_enrolled))
        }
        _ => None,
    }
}

// An enrollment issues exactly one identity: the first challenge that is used invalidates the others, and it is
// answered again for the same key only.
fn issue(
    enrollment: &Enrollment,
    now: Timestamp,
    challenge: &SecretHash,
    transaction: &str,
    certificate: &IssuedCertificate,
    device_enrolled: bool,
) -> Decision {
    if let Some(identity) = enrollment.identity.as_ref().filter(|identity| identity.challenge == *challenge) {
        return if identity.certificate.key_hash == certificate.key_hash {
            Ok(vec![])
        } else {
            Err(Refusal::ChallengeUsed)
        };
    }
    let served = |serving: &&Serving| serving.challenge == *challenge;
    let serving = enrollment.servings.iter().find(served).ok_or(Refusal::UnknownChallenge)?;
    if serving.challenge_expires <= now {
        return Err(Refusal::ExpiredChallenge);
    }
    if device_enrolled {
        return Err(Refusal::DeviceEnrolled);
    }
    let mut happened: Vec<_> = revocation(enrollment).into_iter().collect();
    happened.push(EnrollmentEvent::IdentityIssued {
        identity: certificate.clone(),
        transaction: transaction.to_owned(),
        challenge: challenge.clone(),
    });
    Ok(happened)
}
