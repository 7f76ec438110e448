//! Decisions about devices that report their attributes before they get the MDM profile.

use super::super::{AttributesReport, Command, Enrollment, PreviousRecords, Refusal};
use super::Decision;
use super::end::end;
use crate::limits;
use events::Timestamp;
use events::enrollment::{
    DeviceSignature, EnrollmentEvent, EnrollmentKind, EnrollmentRefusal, Evidence, FoundRecord, IssuedCertificate,
    Ownership, ProfileServiceRefusal, SecretHash,
};

/// Decides the commands of a device that enrolls at the portal, at the step of the MDM profile.
pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::ServeProfileService { service, challenge, challenge_expires, device_enrolled: false }
            if enrollment.kind() == Some(EnrollmentKind::DeviceEnrollment) =>
        {
            Some(Ok(vec![EnrollmentEvent::ProfileServiceServed {
                service: service.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
            }]))
        }
        Command::ReportAttributes(answer) => Some(report(enrollment, answer)),
        Command::RefuseProfileService { challenge, why } => Some(refuse(enrollment, challenge, *why)),
        Command::IssueVerificationIdentity { now, challenge, transaction, certificate, device_enrolled: false } => {
            Some(issue(enrollment, *now, challenge, transaction, certificate))
        }
        _ => None,
    }
}

/// Accepts or refuses the answer to a Profile Service. A challenge belongs to the first device that answers it. Until
/// it is enrolled, this device may answer repeatedly, since responses can get lost. The hardware attributes of a
/// refused device are not recorded: a refusal stores no identifiers.
fn report(enrollment: &Enrollment, report: &AttributesReport) -> Decision {
    let service = enrollment.profile_service(&report.challenge).ok_or(Refusal::UnknownChallenge)?;
    if report.device_enrolled {
        return Err(Refusal::DeviceEnrolled);
    }
    let refuse = |why| refuse(enrollment, &report.challenge, why);
    if report.device.signature == DeviceSignature::Invalid {
        return refuse(ProfileServiceRefusal::SignatureInvalid);
    }
    if service.challenge_expires <= report.now {
        return refuse(ProfileServiceRefusal::ChallengeExpired);
    }
    if service.device.as_ref().is_some_and(|known| !known.is(&report.device)) {
        return refuse(ProfileServiceRefusal::AnotherDevice);
    }
    if let Some(why) = unfit(report) {
        return Ok(end(enrollment, EnrollmentEvent::EnrollmentRefused { why }));
    }
    let mut happened = Vec::new();
    if service.device.is_none() {
        happened.push(EnrollmentEvent::DeviceAttributesReported {
            challenge: report.challenge.clone(),
            signature: report.device.signature,
            certificate: report.device.certificate.clone(),
            attributes: report.device.attributes.clone(),
        });
        let evidence = vec![Evidence::SameHardware];
        let found = |device: &_| FoundRecord { device: *device, evidence: evidence.clone() };
        let records: Vec<FoundRecord> = report.managed.iter().map(found).collect();
        happened.extend(PreviousRecords::from(records).found());
    }
    happened.push(EnrollmentEvent::VerificationProfileServed {
        service: report.challenge.clone(),
        profile_uuid: report.profile_uuid,
        identity_uuid: report.identity_uuid,
        scep_url: report.scep_url.clone(),
        challenge: report.scep_challenge.clone(),
        challenge_expires: report.scep_challenge_expires,
    });
    Ok(happened)
}

fn unfit(report: &AttributesReport) -> Option<EnrollmentRefusal> {
    let attributes = &report.device.attributes;
    if report.genuine_devices_only && report.device.signature != DeviceSignature::Genuine {
        return Some(EnrollmentRefusal::NotGenuine);
    }
    if report.is_restricted {
        return Some(EnrollmentRefusal::RestrictedToOwner);
    }
    let model = || attributes.product.as_deref().and_then(|product| limits::model(&report.limits, product));
    let build = attributes.build_version.as_deref();
    build.and_then(|build| limits::build(&report.limits, Ownership::Institutional, build)).or_else(model)
}

/// Records a refusal. The same refusal of the same challenge is recorded once.
fn refuse(enrollment: &Enrollment, challenge: &SecretHash, why: ProfileServiceRefusal) -> Decision {
    let service = enrollment.profile_service(challenge).ok_or(Refusal::UnknownChallenge)?;
    if service.refusals.contains(&why) {
        return Ok(vec![]);
    }
    Ok(vec![EnrollmentEvent::ProfileServiceRefused { challenge: challenge.clone(), why }])
}

fn issue(
    enrollment: &Enrollment,
    now: Timestamp,
    challenge: &SecretHash,
    transaction: &str,
    certificate: &IssuedCertificate,
) -> Decision {
    let served = enrollment.verifications.iter().find(|verification| verification.challenge == *challenge);
    let served = served.ok_or(Refusal::UnknownChallenge)?;
    match &served.identity {
        Some(identity) if identity.key_hash == certificate.key_hash => Ok(vec![]),
        Some(_) => Err(Refusal::ChallengeUsed),
        None if served.challenge_expires <= now => Err(Refusal::ExpiredChallenge),
        None => Ok(vec![EnrollmentEvent::VerificationIdentityIssued {
            identity: certificate.clone(),
            transaction: transaction.to_owned(),
            challenge: challenge.clone(),
        }]),
    }
}
