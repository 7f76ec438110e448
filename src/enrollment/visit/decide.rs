//! What happens on a visit, or why not. Closed by default: what is not allowed is out of step.

use super::{CaStep, Command, FIRST_ACCOUNT_DRIVEN_ONLY, FIRST_USER_ENROLLMENT, Policy, Refusal, Serving, Step, Visit};
use events::Timestamp;
use events::enrollment::{
    ChosenBy, EnrollmentEvent, EnrollmentRefusal, IssuedCertificate, Ownership, Platform, SecretHash,
};

pub(super) fn decide(visit: &Visit, command: &Command) -> Result<Vec<EnrollmentEvent>, Refusal> {
    match (visit.step(), command) {
        (Step::Open, Command::Open { session, user_agent, platform, language }) => {
            Ok(vec![EnrollmentEvent::VisitOpened {
                session: session.clone(),
                user_agent: user_agent.clone(),
                platform: *platform,
                language: language.clone(),
            }])
        }
        // What an auditor would ask about is a fact, even when the answer is no.
        (Step::SignIn, Command::RefuseSignIn { method, reason, account, name }) => {
            Ok(vec![EnrollmentEvent::SignInRefused {
                method: *method,
                reason: *reason,
                account: account.clone(),
                name: name.clone(),
            }])
        }
        (Step::SignIn, Command::SignIn { .. }) => Ok(sign_in(visit, command)),
        (Step::PreviousRecords, Command::NotePreviousRecords { policy }) => {
            let mut happened = vec![EnrollmentEvent::PreviousRecordsNoted {}];
            happened.extend(by_policy(visit, policy));
            Ok(happened)
        }
        (Step::Ownership, Command::ChooseOwnership { ownership, policy }) if policy.offered.contains(ownership) => {
            Ok(choose(visit, *ownership, ChosenBy::User, policy))
        }
        (Step::Ownership, Command::ChooseOwnership { .. }) => Err(Refusal::OwnershipNotOffered),
        // Safari may fetch a profile twice, and a person may need it again later; the log keeps every serving.
        (
            Step::CaProfile | Step::ManagedAppleId | Step::MdmProfile,
            Command::ServeCaProfile { profile_uuid, ca_fingerprint },
        ) if visit.ca != CaStep::Skipped => Ok(vec![EnrollmentEvent::CaProfileServed {
            profile_uuid: *profile_uuid,
            ca_fingerprint: ca_fingerprint.clone(),
        }]),
        (Step::CaProfile, Command::ReportCaInstall) if visit.ca == CaStep::Served => {
            Ok(vec![EnrollmentEvent::CaInstallReported {}])
        }
        (Step::ManagedAppleId | Step::MdmProfile, Command::ReportCaInstall) => Ok(vec![]),
        // Until the profile is installed a slip of the finger can be put right.
        (Step::ManagedAppleId | Step::MdmProfile, Command::GiveManagedAppleId { managed_apple_id })
            if visit.ownership == Some(Ownership::Personal) =>
        {
            Ok(if visit.managed_apple_id.as_ref() == Some(managed_apple_id) {
                vec![]
            } else {
                vec![EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: managed_apple_id.clone() }]
            })
        }
        (Step::MdmProfile, Command::ServeMdmProfile { device_enrolled: true, .. }) => Err(Refusal::DeviceEnrolled),
        (Step::MdmProfile, Command::ServeMdmProfile { profile, challenge, challenge_expires, .. })
            if Some(profile.kind) == visit.kind() =>
        {
            Ok(vec![EnrollmentEvent::MdmProfileServed {
                profile: profile.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
            }])
        }
        (Step::MdmProfile, Command::IssueIdentity { now, challenge, transaction, certificate, device_enrolled }) => {
            issue(visit, *now, challenge, transaction, certificate, *device_enrolled)
        }
        (Step::Ended(_), Command::Refuse { .. } | Command::Abandon { .. }) => Ok(vec![]),
        (_, Command::Refuse { device_enrolled: true, .. } | Command::Abandon { device_enrolled: true }) => Ok(vec![]),
        (step, Command::Refuse { why, .. }) if step != Step::Open => {
            Ok(end(visit, EnrollmentEvent::EnrollmentRefused { why: *why }))
        }
        (step, Command::Abandon { .. }) if step != Step::Open => {
            Ok(end(visit, EnrollmentEvent::EnrollmentAbandoned {}))
        }
        (_, Command::SignOut) => Ok(visit.session.iter().map(|_| EnrollmentEvent::SignedOut {}).collect()),
        (step, _) => Err(Refusal::OutOfStep(step)),
    }
}

fn sign_in(visit: &Visit, command: &Command) -> Vec<EnrollmentEvent> {
    let Command::SignIn { signed_in, session, previous, policy } = command else { return vec![] };
    let mut happened = vec![EnrollmentEvent::UserSignedIn {
        method: signed_in.method,
        person: signed_in.person,
        account: signed_in.account.clone(),
        user_name: signed_in.user_name.clone(),
        session: session.clone(),
    }];
    happened.extend(previous.iter().map(|record| EnrollmentEvent::PreviousRecordFound {
        device: record.device,
        evidence: record.evidence.clone(),
    }));
    // Who has an earlier record is told about it before anything else is decided.
    if previous.is_empty() {
        happened.extend(by_policy(visit, policy));
    }
    happened
}

// Step 2 is shown only where there is a choice; a lone kind is chosen by policy.
fn by_policy(visit: &Visit, policy: &Policy) -> Vec<EnrollmentEvent> {
    let mut offered = policy.offered.iter();
    match (offered.next(), offered.next()) {
        (Some(only), None) => choose(visit, *only, ChosenBy::Policy, policy),
        _ => vec![],
    }
}

fn choose(visit: &Visit, ownership: Ownership, chosen_by: ChosenBy, policy: &Policy) -> Vec<EnrollmentEvent> {
    let mut happened = vec![EnrollmentEvent::OwnershipChosen { ownership, chosen_by }];
    let platform = visit.opened.as_ref().map(|opened| opened.platform);
    match platform.and_then(|platform| barrier(platform, ownership)) {
        Some(why) => happened.push(EnrollmentEvent::EnrollmentRefused { why }),
        None if policy.skip_ca_profile => happened.push(EnrollmentEvent::CaStepSkipped {}),
        None => {}
    }
    happened
}

// Profile-based User Enrollment lives from iOS 13.1 to 17 (design §8). An unknown version is not refused here: the device
// tells the truth at Authenticate.
fn barrier(platform: Platform, ownership: Ownership) -> Option<EnrollmentRefusal> {
    match (ownership, platform.version?) {
        (Ownership::Institutional, _) => None,
        (Ownership::Personal, version) if version < FIRST_USER_ENROLLMENT => Some(EnrollmentRefusal::VersionTooOld),
        (Ownership::Personal, version) if version >= FIRST_ACCOUNT_DRIVEN_ONLY => {
            Some(EnrollmentRefusal::AccountDrivenOnly)
        }
        (Ownership::Personal, _) => None,
    }
}

// Exactly once: the challenge that issues first kills the others, and answers again to the same key only (design §8).
fn issue(
    visit: &Visit,
    now: Timestamp,
    challenge: &SecretHash,
    transaction: &str,
    certificate: &IssuedCertificate,
    device_enrolled: bool,
) -> Result<Vec<EnrollmentEvent>, Refusal> {
    if let Some(identity) = visit.identity.as_ref().filter(|identity| identity.challenge == *challenge) {
        return if identity.certificate.key_hash == certificate.key_hash {
            Ok(vec![])
        } else {
            Err(Refusal::ChallengeUsed)
        };
    }
    let live = |serving: &&Serving| serving.challenge == *challenge && !serving.dead;
    let serving = visit.servings.iter().find(live).ok_or(Refusal::UnknownChallenge)?;
    if serving.challenge_expires <= now {
        return Err(Refusal::ExpiredChallenge);
    }
    if device_enrolled {
        return Err(Refusal::DeviceEnrolled);
    }
    let mut happened: Vec<_> = revocation(visit).into_iter().collect();
    happened.push(EnrollmentEvent::IdentityIssued {
        identity: certificate.clone(),
        transaction: transaction.to_owned(),
        challenge: challenge.clone(),
    });
    Ok(happened)
}

// An identity that came of an enrollment that ended short of a device must open nothing.
fn end(visit: &Visit, end: EnrollmentEvent) -> Vec<EnrollmentEvent> {
    let mut happened = vec![end];
    happened.extend(revocation(visit));
    happened
}

fn revocation(visit: &Visit) -> Option<EnrollmentEvent> {
    let identity = visit.identity.as_ref()?;
    Some(EnrollmentEvent::IdentityRevoked { fingerprint: identity.certificate.fingerprint.clone() })
}
