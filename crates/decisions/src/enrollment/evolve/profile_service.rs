//! Events of a device that identifies itself before it gets the MDM profile.

use super::super::newest::keep_newest;
use super::super::{Enrollment, ProfileService, ReportedDevice, Verification};
use events::Timestamp;
use events::enrollment::{DeviceAttributes, DeviceSignature, IssuedCertificate, ProfileServiceRefusal, SecretHash};

/// Number of served verification profiles that are remembered. A device may answer repeatedly, and uses the newest.
const MOST_VERIFICATIONS: usize = 20;

pub(super) fn serve(enrollment: &mut Enrollment, challenge: &SecretHash, challenge_expires: Timestamp) {
    enrollment.repeats.profile();
    let challenge = challenge.clone();
    enrollment.profile_services.push(ProfileService { challenge, challenge_expires, device: None, refusals: vec![] });
}

/// `challenge`: the challenge that the device answered; `certificate`: fingerprint of the signing certificate.
pub(super) fn report(
    enrollment: &mut Enrollment,
    challenge: &SecretHash,
    signature: DeviceSignature,
    certificate: &str,
    attributes: &DeviceAttributes,
) {
    if let Some(service) = service(enrollment, challenge) {
        let (certificate, attributes) = (certificate.to_owned(), attributes.clone());
        service.device = Some(ReportedDevice { signature, certificate, attributes });
    }
}

pub(super) fn refuse(enrollment: &mut Enrollment, challenge: &SecretHash, why: ProfileServiceRefusal) {
    if let Some(service) = service(enrollment, challenge) {
        service.refusals.push(why);
    }
}

/// `service`: the challenge that the device answered; `challenge`: the SCEP challenge of the verification profile.
pub(super) fn verify(
    enrollment: &mut Enrollment,
    service: &SecretHash,
    challenge: &SecretHash,
    challenge_expires: Timestamp,
) {
    let (service, challenge) = (service.clone(), challenge.clone());
    enrollment.verifications.push(Verification { service, challenge, challenge_expires, identity: None });
    keep_newest(&mut enrollment.verifications, MOST_VERIFICATIONS);
}

pub(super) fn issue(enrollment: &mut Enrollment, identity: &IssuedCertificate, challenge: &SecretHash) {
    let issued_by = |verification: &&mut Verification| verification.challenge == *challenge;
    if let Some(verification) = enrollment.verifications.iter_mut().find(issued_by) {
        verification.identity = Some(identity.clone());
    }
}

fn service<'a>(enrollment: &'a mut Enrollment, challenge: &SecretHash) -> Option<&'a mut ProfileService> {
    enrollment.profile_services.iter_mut().find(|service| service.challenge == *challenge)
}
