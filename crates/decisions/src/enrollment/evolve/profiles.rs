//! Events of the CA profile, the Managed Apple ID, the MDM profile and the identity.

use super::super::{CaStep, Enrollment, Identity, Serving};
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
    enrollment.servings.push(Serving {
        profile: profile.clone(),
        challenge: challenge.clone(),
        challenge_expires,
        verified_by: verified_by.clone(),
        dead: false,
    });
}

pub(super) fn issue(
    enrollment: &mut Enrollment,
    certificate: &IssuedCertificate,
    transaction: &str,
    challenge: &SecretHash,
) {
    let serving = enrollment.servings.iter().find(|serving| serving.challenge == *challenge).cloned();
    enrollment.servings.iter_mut().for_each(|serving| serving.dead = true);
    enrollment.identity = serving.map(|serving| Identity {
        certificate: certificate.clone(),
        transaction: transaction.to_owned(),
        challenge: challenge.clone(),
        profile: serving.profile,
        verified: serving.verified_by.and_then(|by| enrollment.verified(&by)).cloned(),
    });
}

pub(super) fn revoke(enrollment: &mut Enrollment, fingerprint: &str) {
    enrollment.identity = enrollment.identity.take().filter(|identity| identity.certificate.fingerprint != fingerprint);
}
