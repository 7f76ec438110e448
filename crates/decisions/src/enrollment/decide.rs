//! Decides commands for an enrollment. Closed by default: a command that is not permitted explicitly is out of step.

mod account_driven;
mod admit;
mod barrier;
mod profile_service;
mod single_sign_on;
mod terms;

use super::{Assignment, Begun, CaStep, Command, Enrollment, Entry, Refusal, Serving, SignedIn, Step, told};
use admit::{admit, by_policy, choose};
use events::Timestamp;
use events::enrollment::{ChosenBy, EnrollmentEvent, EnrollmentKind, IssuedCertificate, Ownership, SecretHash};

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Result<Vec<EnrollmentEvent>, Refusal> {
    match (enrollment.step(), command) {
        (Step::Open, Command::Open { session, user_agent, platform, language, account_driven }) => {
            let mut happened = vec![EnrollmentEvent::VisitOpened {
                session: session.clone(),
                user_agent: user_agent.clone(),
                platform: *platform,
                language: language.clone(),
            }];
            happened.extend(
                account_driven.clone().map(|Begun { mode, state }| EnrollmentEvent::AccountDrivenBegun { mode, state }),
            );
            Ok(happened)
        }
        (Step::SignInAgain, Command::Resume { session, user_agent, now, state }) => {
            Ok(vec![EnrollmentEvent::VisitResumed {
                session: session.clone(),
                user_agent: user_agent.clone(),
                begun: *now,
                state: state.clone(),
            }])
        }
        (Step::SignInAgain, Command::SignIn { signed_in, session, entry }) => {
            Ok(account_driven::sign_in_again(enrollment, signed_in, session, entry))
        }
        // Auditors need refused sign-ins too, so they are recorded.
        (Step::SignIn | Step::SignInAgain, Command::RefuseSignIn { method, reason, account, name }) => {
            Ok(vec![EnrollmentEvent::SignInRefused {
                method: *method,
                reason: *reason,
                account: account.clone(),
                name: name.clone(),
            }])
        }
        (Step::SignIn | Step::SignInAgain, Command::BeginSingleSignOn { method, provider, request }) => {
            Ok(single_sign_on::begin(*method, provider, request))
        }
        (Step::SignIn | Step::SignInAgain, Command::ProveSingleSignOn { request, account }) => {
            single_sign_on::prove(enrollment, request, account)
        }
        (Step::SignIn | Step::SignInAgain, Command::RefuseSingleSignOn { method, provider, why }) => {
            Ok(vec![EnrollmentEvent::SingleSignOnRefused { method: *method, provider: provider.clone(), why: *why }])
        }
        (Step::SignIn, Command::SignIn { signed_in, session, entry }) => {
            Ok(sign_in(enrollment, signed_in, session, entry))
        }
        (Step::Assignment, Command::Assign { to, admission }) => {
            let mut happened = vec![EnrollmentEvent::EnrollmentAssigned {
                method: to.method,
                person: to.person,
                account: to.account.clone(),
                user_name: to.user_name.clone(),
            }];
            happened.extend(admit(enrollment, admission));
            Ok(happened)
        }
        (Step::Assignment, Command::EnrollForOneself { admission }) => {
            if enrollment.assignment != (Assignment::Asked { for_oneself: true }) {
                return Err(Refusal::NotForOneself);
            }
            let mut happened = vec![EnrollmentEvent::AssignmentDeclined {}];
            happened.extend(admit(enrollment, admission));
            Ok(happened)
        }
        (Step::PreviousRecords, Command::NotePreviousRecords { policy }) => {
            let mut happened = vec![EnrollmentEvent::PreviousRecordsNoted {}];
            happened.extend(by_policy(enrollment, enrollment.access.as_ref(), policy));
            Ok(happened)
        }
        (Step::Ownership, Command::ChooseOwnership { ownership, policy })
            if enrollment.permitted(&policy.offered).contains(ownership) =>
        {
            Ok(choose(enrollment, enrollment.access.as_ref(), *ownership, ChosenBy::User, policy))
        }
        (Step::Ownership, Command::ChooseOwnership { .. }) => Err(Refusal::OwnershipNotOffered),
        (Step::Terms, Command::AcceptTerms { version, language, text_hash, policy }) => {
            terms::accept(enrollment, version, language, text_hash, policy)
        }
        // Safari may fetch a profile twice, and a person may need it again later. The log keeps every serving, so their
        // number is limited. An account-driven device has a separate budget.
        (
            Step::CaProfile | Step::ManagedAppleId | Step::MdmProfile,
            Command::ServeCaProfile { .. }
            | Command::ServeMdmProfile { verified_by: None, device_enrolled: false, .. }
            | Command::ServeProfileService { device_enrolled: false, .. },
        ) if !enrollment.told.serves_more() => Err(Refusal::TooOften),
        (
            Step::CaProfile | Step::ManagedAppleId | Step::MdmProfile,
            Command::ServeCaProfile { profile_uuid, ca_fingerprint },
        ) if enrollment.ca != CaStep::Skipped => Ok(vec![EnrollmentEvent::CaProfileServed {
            profile_uuid: *profile_uuid,
            ca_fingerprint: ca_fingerprint.clone(),
        }]),
        (Step::CaProfile, Command::ReportCaInstall) if enrollment.ca == CaStep::Served => {
            Ok(vec![EnrollmentEvent::CaInstallReported {}])
        }
        (Step::ManagedAppleId | Step::MdmProfile, Command::ReportCaInstall) => Ok(vec![]),
        // The Managed Apple ID can be corrected until the profile is installed.
        (Step::ManagedAppleId | Step::MdmProfile, Command::GiveManagedAppleId { managed_apple_id })
            if enrollment.ownership == Some(Ownership::Personal) || enrollment.account_driven.is_some() =>
        {
            if enrollment.managed_apple_id.as_ref() == Some(managed_apple_id) {
                return Ok(vec![]);
            }
            if !enrollment.told.takes_more_managed_apple_ids() {
                return Err(Refusal::TooOften);
            }
            Ok(vec![EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: managed_apple_id.clone() }])
        }
        (Step::HandOver, Command::IssueAccessToken { token, now }) => {
            Ok(vec![EnrollmentEvent::AccessTokenIssued { token: token.clone(), issued: *now, refresh: None }])
        }
        (Step::HandOver, Command::IssueAuthorizationCode { code, now }) => {
            Ok(vec![EnrollmentEvent::AuthorizationCodeIssued { code: code.clone(), issued: *now }])
        }
        (Step::HandOver | Step::SignInAgain, Command::RedeemCode { code, token, refresh_token, now }) => {
            account_driven::redeem(enrollment, code, token, refresh_token, *now)
        }
        (Step::HandOver | Step::SignInAgain, Command::RefreshAccess { refresh_token, token, now, last_for_days }) => {
            account_driven::refresh(enrollment, refresh_token, token, *now, *last_for_days)
        }
        (Step::HandOver, Command::ReceiveMachineInformation { machine }) => {
            Ok(account_driven::receive(enrollment, machine).into_iter().collect())
        }
        (_, Command::AskToSignInAgain { why, device_enrolled }) => {
            Ok(account_driven::ask_to_sign_in_again(enrollment, *why, *device_enrolled).into_iter().collect())
        }
        (
            Step::MdmProfile | Step::HandOver,
            Command::ServeMdmProfile { device_enrolled: true, .. }
            | Command::ServeProfileService { device_enrolled: true, .. }
            | Command::IssueVerificationIdentity { device_enrolled: true, .. },
        ) => Err(Refusal::DeviceEnrolled),
        (Step::MdmProfile, Command::ServeProfileService { service, challenge, challenge_expires, .. })
            if enrollment.kind() == Some(EnrollmentKind::DeviceEnrollment) =>
        {
            Ok(vec![EnrollmentEvent::ProfileServiceServed {
                service: service.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
            }])
        }
        (Step::MdmProfile, Command::ReportAttributes(report)) => profile_service::report(enrollment, report),
        (Step::MdmProfile, Command::RefuseProfileService { challenge, why }) => {
            profile_service::refuse(enrollment, challenge, *why)
        }
        (
            Step::MdmProfile,
            Command::IssueVerificationIdentity { now, challenge, transaction, certificate, device_enrolled: false },
        ) => profile_service::issue(enrollment, *now, challenge, transaction, certificate),
        (Step::MdmProfile | Step::HandOver, Command::ServeMdmProfile { verified_by: Some(by), .. })
            if enrollment.verified(by).is_none() =>
        {
            Err(Refusal::NotVerified)
        }
        (
            Step::MdmProfile | Step::HandOver,
            Command::ServeMdmProfile { profile, challenge, challenge_expires, verified_by, .. },
        ) if Some(profile.kind) == enrollment.kind() && profile.enrollment_mode == enrollment.account_driven => {
            Ok(vec![EnrollmentEvent::MdmProfileServed {
                profile: profile.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                verified_by: verified_by.clone(),
            }])
        }
        (
            Step::MdmProfile | Step::HandOver,
            Command::IssueIdentity { now, challenge, transaction, certificate, device_enrolled },
        ) => issue(enrollment, *now, challenge, transaction, certificate, *device_enrolled),
        (Step::Ended(_), Command::Refuse { .. } | Command::Abandon { .. }) => Ok(vec![]),
        (_, Command::Refuse { device_enrolled: true, .. } | Command::Abandon { device_enrolled: true }) => Ok(vec![]),
        (step, Command::Refuse { why, .. }) if step != Step::Open => {
            Ok(end(enrollment, EnrollmentEvent::EnrollmentRefused { why: *why }))
        }
        (step, Command::Abandon { .. }) if step != Step::Open => {
            Ok(end(enrollment, EnrollmentEvent::EnrollmentAbandoned {}))
        }
        // The stream already has this language: nothing changes.
        (_, Command::ChooseLanguage { language }) if enrollment.language() == Some(language) => Ok(vec![]),
        (step, Command::ChooseLanguage { language }) if step != Step::Open => {
            Ok(told::choose_language(enrollment, language))
        }
        (step, Command::RefuseForm { why }) if step != Step::Open => Ok(told::refuse_form(enrollment, *why)),
        (step, Command::RefuseIdentity { why }) if step != Step::Open => Ok(told::refuse_identity(enrollment, *why)),
        (Step::Terms, Command::DeclineTerms) => Ok(terms::decline(enrollment)),
        (_, Command::SignOut) => Ok(enrollment.session.iter().map(|_| EnrollmentEvent::SignedOut {}).collect()),
        (step, _) => Err(Refusal::OutOfStep(step)),
    }
}

fn sign_in(enrollment: &Enrollment, signed_in: &SignedIn, session: &SecretHash, entry: &Entry) -> Vec<EnrollmentEvent> {
    let mut happened = vec![EnrollmentEvent::UserSignedIn {
        method: signed_in.method,
        person: signed_in.person,
        account: signed_in.account.clone(),
        user_name: signed_in.user_name.clone(),
        session: session.clone(),
    }];
    match entry {
        Entry::Oneself(admission) => happened.extend(admit(enrollment, admission)),
        Entry::AskForWhom { for_oneself } => {
            happened.push(EnrollmentEvent::AssignmentOffered { for_oneself: *for_oneself });
        }
    }
    happened
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
) -> Result<Vec<EnrollmentEvent>, Refusal> {
    if let Some(identity) = enrollment.identity.as_ref().filter(|identity| identity.challenge == *challenge) {
        return if identity.certificate.key_hash == certificate.key_hash {
            Ok(vec![])
        } else {
            Err(Refusal::ChallengeUsed)
        };
    }
    let live = |serving: &&Serving| serving.challenge == *challenge && !serving.dead;
    let serving = enrollment.servings.iter().find(live).ok_or(Refusal::UnknownChallenge)?;
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

// The identity of an enrollment that ended without a device is revoked, so that it cannot be used.
fn end(enrollment: &Enrollment, end: EnrollmentEvent) -> Vec<EnrollmentEvent> {
    let mut happened = vec![end];
    happened.extend(revocation(enrollment));
    happened
}

fn revocation(enrollment: &Enrollment) -> Option<EnrollmentEvent> {
    let identity = enrollment.identity.as_ref()?;
    Some(EnrollmentEvent::IdentityRevoked { fingerprint: identity.certificate.fingerprint.clone() })
}
