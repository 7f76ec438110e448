//! Events of the CA profile, the Managed Apple ID, the MDM profile and the identity.

use super::super::newest::keep_newest;
use super::super::{CaStep, Enrollment, Identity, MOST_SERVINGS, Serving};
use events::Timestamp;
use events::enrollment::{IssuedCertificate, SecretHash, ServedProfile};
use events::personal::Personal;

pub(super) fn serve_ca(enrollment: &mut Enrollment) {
    enrollment.repeats.profile();
    // Serving the profile again after the report does not reset the report.
    if enrollment.ca == CaStep::Pending {
        enrollment.ca = CaStep::Served;
    }
}

pub(super) fn give(enrollment: &mut Enrollment, managed_apple_id: &Personal<String>) {
    enrollment.repeats.managed_apple_id();
    assign(enrollment, managed_apple_id);
}

pub(super) fn assign(enrollment: &mut Enrollment, managed_apple_id: &Personal<String>) {
    enrollment.managed_apple_id = Some(managed_apple_id.clone());
}

pub(super) fn serve_mdm(
    enrollment: &mut Enrollment,
    profile: &ServedProfile,
    challenge: &SecretHash,
    challenge_expires: Timestamp,
    verified_by: &Option<String>,
) {
    enrollment.repeats.profile();
    let verified = verified_by.as_ref().and_then(|by| enrollment.verified(by)).cloned();
    let (profile, challenge) = (profile.clone(), challenge.clone());
    enrollment.servings.push(Serving { profile, challenge, challenge_expires, verified });
    keep_newest(&mut enrollment.servings, MOST_SERVINGS);
}

/// The other challenges can no longer issue an identity. Of all of them only the hashes are remembered.
pub(super) fn issue(
    enrollment: &mut Enrollment,
    certificate: &IssuedCertificate,
    transaction: &str,
    challenge: &SecretHash,
) {
    let mut servings = std::mem::take(&mut enrollment.servings);
    enrollment.spent.extend(servings.iter().map(|serving| serving.challenge.clone()));
    keep_newest(&mut enrollment.spent, MOST_SERVINGS);
    let serving = servings.iter().position(|serving| serving.challenge == *challenge);
    enrollment.identity = serving.map(|nth| servings.swap_remove(nth)).map(|serving| Identity {
        certificate: certificate.clone(),
        transaction: transaction.to_owned(),
        challenge: challenge.clone(),
        profile: serving.profile,
        verified: serving.verified,
    });
}

pub(super) fn revoke(enrollment: &mut Enrollment, fingerprint: &str) {
    enrollment.identity = enrollment.identity.take().filter(|identity| identity.certificate.fingerprint != fingerprint);
}
