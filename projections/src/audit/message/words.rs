//! Words for the values that sentences are filled with.

use super::list;
use events::device::{
    AnswerFault, AppStatus, AttestationRefusal, MdmError, MessageRefusal, RejectionReason, RenewalFailure,
    SupersessionEvidence,
};
use events::enrollment::{
    Absence, Access, AttributeName, DeviceSignature, EnrollmentKind, EnrollmentMode, EnrollmentRefusal, Evidence,
    FormRefusal, IdentityRefusal, Ownership, ProfileServiceRefusal, SignInAgainReason, SignInMethodName, SignInRefusal,
    SingleSignOnFault, Untold,
};
use events::personal::Personal;
use events::staff::{ApiRefusal, ApiResource, ExportFormat, FactorRefusal, Privilege, Purpose, SecondFactor};
use events::system::DeviceRequestRefusal;
use std::collections::BTreeSet;

pub(super) fn sign_in_refusal(reason: SignInRefusal) -> &'static str {
    match reason {
        SignInRefusal::UnknownName => "unknown name",
        SignInRefusal::WrongPassword => "wrong password",
        SignInRefusal::NotEntitled => "missing privilege",
        SignInRefusal::AccountDisabled => "account disabled",
        SignInRefusal::AccountLocked => "account locked in the directory",
        SignInRefusal::AccountExpired => "account expired in the directory",
        SignInRefusal::PasswordExpired => "right password, but expired",
        SignInRefusal::PasswordMustBeChanged => "right password, but it must be changed first",
        SignInRefusal::OutsideLogonHours => "outside of the account's logon hours",
        SignInRefusal::WorkstationNotPermitted => "the account may sign in at other computers only",
        SignInRefusal::Throttled => "too many attempts",
        SignInRefusal::DirectoryUnavailable => "the directory cannot be asked",
        SignInRefusal::AnotherPerson => "another person than the one whose device it is",
    }
}

/// On what evidence a record ended for another one.
pub fn supersession(evidence: SupersessionEvidence) -> &'static str {
    match evidence {
        SupersessionEvidence::Claimed => "the other device said the same UDID",
        SupersessionEvidence::ProfileService => "the Profile Service verified the other device",
        SupersessionEvidence::Attestation => "Apple attested the other device",
        SupersessionEvidence::PushUnregistered => {
            "the push token is unregistered, the device is silent, and both records are one person’s"
        }
        SupersessionEvidence::Administrator => "an administrator decided it",
    }
}

/// Why an attestation proves nothing, to follow a colon.
pub fn attestation_refusal(why: AttestationRefusal) -> &'static str {
    match why {
        AttestationRefusal::NotGiven => "the device gave none",
        AttestationRefusal::Malformed => "it is no chain of certificates as Apple makes them",
        AttestationRefusal::ForeignRoot => "no trusted root signed it",
        AttestationRefusal::OutOfTime => "a certificate is not yet or no longer valid",
        AttestationRefusal::OtherNonce => "it was made for another request",
        AttestationRefusal::OtherHardware => "it names other hardware",
    }
}

pub(super) fn enrollment_refusal(why: EnrollmentRefusal) -> &'static str {
    match why {
        EnrollmentRefusal::VersionTooOld => "the version of iOS is too old",
        EnrollmentRefusal::AccountDrivenOnly => "this version of iOS enrolls personal devices by account only",
        EnrollmentRefusal::AccountDrivenNotOffered => "it could enroll by account only, which is not offered for it",
        EnrollmentRefusal::WrongMode => "the device enrolled in another mode than its profile says",
        EnrollmentRefusal::NotPermitted => "the access rules do not permit it",
        EnrollmentRefusal::AccessUnknown => "what the access rules ask for is not known",
        EnrollmentRefusal::TooManyDevices => "the person has as many devices as they may",
        EnrollmentRefusal::VersionBelowMinimum => "the version of iOS is older than the settings allow",
        EnrollmentRefusal::VersionAboveMaximum => "the version of iOS is newer than the settings allow",
        EnrollmentRefusal::ModelNotPermitted => "the settings do not allow this model",
        EnrollmentRefusal::NotGenuine => "the device did not prove that it is one of Apple’s",
        EnrollmentRefusal::OtherDevice => "another device than the one that was verified",
    }
}

pub(super) fn untold(untold: &[Untold]) -> String {
    let one = |untold: &Untold| match (&untold.attribute, untold.why) {
        (AttributeName::Groups, Absence::Silent) => "groups".to_owned(),
        (AttributeName::Groups, Absence::Elsewhere) => "groups (too many for one answer)".to_owned(),
        (AttributeName::Claim(name), Absence::Silent) => format!("the claim “{name}”"),
        (AttributeName::Claim(name), Absence::Elsewhere) => {
            format!("the claim “{name}” (it named another place for it)")
        }
    };
    untold.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(super) fn form_refusal(why: FormRefusal) -> &'static str {
    match why {
        FormRefusal::OwnershipNotChosen => "nothing was chosen",
        FormRefusal::OwnershipNotOffered => "devices of this ownership are not enrolled any more",
        FormRefusal::TermsChanged => "the terms of use changed while they were read",
        FormRefusal::CaProfileNotTaken => "the CA profile was reported as installed before it was taken",
        FormRefusal::ManagedAppleIdInvalid => "it is not a Managed Apple ID",
        FormRefusal::ManagedAppleIdDomain => "the settings do not permit the domain of the Managed Apple ID",
        FormRefusal::PersonUnknown => "no directory knows the person whose device it would be",
        FormRefusal::DirectoryUnavailable => "no directory can be asked for the person whose device it would be",
        FormRefusal::Throttled => "too many names of persons were unknown",
    }
}

pub(super) fn identity_refusal(why: IdentityRefusal) -> &'static str {
    match why {
        IdentityRefusal::NotSigned => "it is no SCEP message that can be answered",
        IdentityRefusal::SignatureInvalid => "its signature does not fit its content",
        IdentityRefusal::AttributesInvalid => "an attribute that the signature covers is missing or wrong",
        IdentityRefusal::EnvelopeInvalid => "its envelope cannot be read",
        IdentityRefusal::NotDecrypted => "its envelope is not for our registration authority, or was damaged",
        IdentityRefusal::RequestInvalid => "the certificate request in it cannot be read, or its signature is wrong",
        IdentityRefusal::AlgorithmRefused => "its cipher, digest or key is not accepted",
        IdentityRefusal::OperationUnknown => "its operation is not offered",
        IdentityRefusal::ChallengeUnknown => "no profile was served with its challenge",
        IdentityRefusal::ChallengeExpired => "its challenge expired",
        IdentityRefusal::ChallengeUsed => "its challenge was used by another key",
        IdentityRefusal::CertificateUnknown => "the certificate that signed it is not a valid one of ours",
        IdentityRefusal::DeviceEnrolled => "the device is enrolled already",
        IdentityRefusal::DeviceNotEnrolled => "the device is not enrolled",
        IdentityRefusal::EnrollmentEnded => "the enrollment has ended, or has not come so far",
        IdentityRefusal::NotPermitted => "the account may not enroll any more",
    }
}

pub(super) fn device_request_refusal(why: DeviceRequestRefusal) -> &'static str {
    match why {
        DeviceRequestRefusal::CertificateUnknown => "the certificate that signed it is not a valid one of ours",
        DeviceRequestRefusal::ProfileServiceUnknown => "it answers no Profile Service that may be answered",
        DeviceRequestRefusal::GrantInvalid => "its code or refresh token is not valid",
        DeviceRequestRefusal::SignatureInvalid => {
            "it has the certificate of a device, and a signature that does not fit"
        }
        DeviceRequestRefusal::TokenInvalid => "its access token is not valid for this",
        DeviceRequestRefusal::ClientUnknown => "it names another client than Apple's devices",
        DeviceRequestRefusal::NotSigned => "it is not signed as devices sign",
        DeviceRequestRefusal::NotUnderstood => "it cannot be read, is too large, or asks for what is never given",
    }
}

pub(super) fn message_refusal(why: MessageRefusal) -> &'static str {
    match why {
        MessageRefusal::OtherTopic => "it names another push topic than the profile",
        MessageRefusal::OtherDevice => "it names another device than its certificate",
        MessageRefusal::WrongMode => "an enrolled device announced itself in another mode",
        MessageRefusal::NotPermitted => "such a device may not enroll any more",
        MessageRefusal::NotAuthenticated => "no Authenticate came before it",
        MessageRefusal::Ended => "management of the device has ended",
        MessageRefusal::NoAccessToken => "it shows no access token that is good",
        MessageRefusal::NotUnderstood => "it cannot be read",
    }
}

/// What could not be read of an answer, to follow a colon.
pub fn faults(faults: &[AnswerFault]) -> String {
    faults.iter().map(|fault| answer_fault(*fault)).collect::<Vec<_>>().join(", ")
}

fn answer_fault(fault: AnswerFault) -> &'static str {
    match fault {
        AnswerFault::NotAPropertyList => "it is no property list, or breaks off",
        AnswerFault::Characters => "characters that are none or are not allowed",
        AnswerFault::Number => "a number that is none or is too large",
        AnswerFault::Date => "a date that is none",
        AnswerFault::Data => "data that is not Base64",
        AnswerFault::Structure => "a value where none belongs",
        AnswerFault::TooDeep => "values nested too deep",
        AnswerFault::TooMany => "too many values",
        AnswerFault::Status => "a status that is missing or unknown",
        AnswerFault::OtherCommand => "it names another command",
    }
}

/// Why the identity of a device was not renewed, to follow a colon.
pub fn renewal_failure(why: RenewalFailure) -> &'static str {
    match why {
        RenewalFailure::Refused => "the device did not take the profile",
        RenewalFailure::NotFetched => "the device did not come for it in time",
        RenewalFailure::NotUsed => "the device never came with the new identity",
        RenewalFailure::Cancelled => "it was cancelled",
        RenewalFailure::NotPermitted => "this version of iOS takes no such profile",
    }
}

pub(super) fn evidence_name(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::SamePerson => "same person",
        Evidence::SameFamily => "same kind of device",
        Evidence::SameHardware => "same UDID",
    }
}

pub(super) fn profile_service_refusal(why: ProfileServiceRefusal) -> &'static str {
    match why {
        ProfileServiceRefusal::SignatureInvalid => "its signature does not fit what it said",
        ProfileServiceRefusal::ChallengeExpired => "the profile was taken too long ago",
        ProfileServiceRefusal::AnotherDevice => "another device was verified with this profile",
    }
}

pub(super) fn kind_words(kind: EnrollmentKind) -> &'static str {
    match kind {
        EnrollmentKind::UserEnrollment => "User Enrollment",
        EnrollmentKind::DeviceEnrollment => "Device Enrollment",
    }
}

pub(super) fn mode_words(mode: EnrollmentMode) -> &'static str {
    match mode {
        EnrollmentMode::Byod => "account-driven User Enrollment",
        EnrollmentMode::Adde => "account-driven Device Enrollment",
    }
}

pub(super) fn sign_in_again(why: SignInAgainReason) -> &'static str {
    match why {
        SignInAgainReason::TokenExpired => "its access token is too old",
        SignInAgainReason::TokenMissing => "it showed no access token",
        SignInAgainReason::TokenUnknown => "its access token is none of this enrollment",
    }
}

pub(super) fn device_signature(signature: DeviceSignature) -> &'static str {
    match signature {
        DeviceSignature::Genuine => "by a device of Apple’s",
        DeviceSignature::UnknownIssuer => "by a device whose maker is not known here",
        DeviceSignature::Invalid => "not valid",
    }
}

pub(super) fn method(method: SignInMethodName) -> &'static str {
    match method {
        SignInMethodName::LocalAccount => "a local account",
        SignInMethodName::Directory => "a directory account",
        SignInMethodName::OpenIdConnect => "single sign-on (OpenID Connect)",
        SignInMethodName::Saml => "single sign-on (SAML)",
    }
}

pub(super) fn privileges(held: &BTreeSet<Privilege>) -> String {
    list(held.iter().map(|privilege| match privilege {
        Privilege::Enroll => "enrollment",
        Privilege::EnrollForOthers => "enrollment for others",
        Privilege::Administrator => "administrator",
        Privilege::Auditor => "auditor",
        Privilege::HelpDesk => "help desk",
        Privilege::ApiClient => "API client",
    }))
}

pub(super) fn format(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "CSV",
        ExportFormat::Jsonl => "JSON lines",
    }
}

pub(super) fn api_refusal(reason: ApiRefusal) -> &'static str {
    match reason {
        ApiRefusal::WrongToken => "wrong token",
        ApiRefusal::AccountDisabled => "account disabled",
        ApiRefusal::NotEntitled => "missing privilege",
    }
}

pub(super) fn resource(resource: ApiResource) -> &'static str {
    match resource {
        ApiResource::Devices => "the inventory",
        ApiResource::Audit => "the audit trail",
    }
}

pub(super) fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::SignIn => "to sign in",
        Purpose::Confirmation => "to confirm a change",
    }
}

pub(super) fn factor(factor: SecondFactor) -> &'static str {
    match factor {
        SecondFactor::Passkey => "passkey",
        SecondFactor::OneTimeCode => "one-time code",
        SecondFactor::RecoveryCode => "recovery code",
    }
}

pub(super) fn factor_refusal(reason: FactorRefusal) -> &'static str {
    match reason {
        FactorRefusal::Wrong => "a wrong one",
        FactorRefusal::UsedBefore => "used before",
        FactorRefusal::Throttled => "too many attempts",
    }
}

/// The kinds of device that access rules let somebody enroll.
pub(super) fn kinds(access: &Access) -> String {
    let kinds = access.offered.iter().map(|kind| match kind {
        Ownership::Personal => "personal devices",
        Ownership::Institutional => "institutional devices",
    });
    let kinds = list(kinds.chain(access.account_driven.then_some("enrollment from Settings")));
    if kinds.is_empty() { "nothing".to_owned() } else { kinds }
}

pub(super) fn fault(why: SingleSignOnFault) -> &'static str {
    match why {
        SingleSignOnFault::ProviderRefused => "the identity provider says no, or the person cancelled there",
        SingleSignOnFault::ProviderUnavailable => "the identity provider cannot be asked",
        SingleSignOnFault::Unsolicited => "the answer belongs to no request of this browser",
        SingleSignOnFault::Replayed => "the answer was used before",
        SingleSignOnFault::NotUnderstood => "the answer is not understood",
        SingleSignOnFault::ForbiddenContent => "the answer holds what does not belong there",
        SingleSignOnFault::Unsigned => "the answer is not signed",
        SingleSignOnFault::SignatureInvalid => "the signature is not that of the identity provider",
        SingleSignOnFault::AlgorithmRefused => "the signature is made with an algorithm that is not accepted",
        SingleSignOnFault::WrongIssuer => "another issuer",
        SingleSignOnFault::WrongAudience => "meant for another service",
        SingleSignOnFault::WrongRecipient => "meant for another recipient",
        SingleSignOnFault::WrongDestination => "sent to another address",
        SingleSignOnFault::OutsideValidity => "not valid at this time",
        SingleSignOnFault::Incomplete => "something that must be said is missing",
        SingleSignOnFault::WrongNonce => "the nonce is another one",
        SingleSignOnFault::StaleAuthentication => "the person proved themselves too long ago or not strongly enough",
        SingleSignOnFault::EncryptionRefused => "the encryption is not accepted",
        SingleSignOnFault::SubjectMissing => "it does not say who the person is",
    }
}

pub(super) fn app_status(status: AppStatus) -> &'static str {
    match status {
        AppStatus::Queued => "queued on the device",
        AppStatus::NeedsRedemption => "waiting for a redemption code",
        AppStatus::Redeeming => "being redeemed",
        AppStatus::Prompting => "offered to the person",
        AppStatus::PromptingForLogin => "waiting for the person to sign in to the App Store",
        AppStatus::ValidatingPurchase | AppStatus::ValidatingUpdate => "being validated",
        AppStatus::PromptingForUpdate | AppStatus::PromptingForUpdateLogin => "offered to the person as an update",
        AppStatus::PromptingForManagement => "waiting for the person to let it be managed",
        AppStatus::Updating => "being updated",
        AppStatus::Installing => "being installed",
        AppStatus::Managed => "installed",
        AppStatus::ManagedButUninstalled => "removed by the person",
        AppStatus::Unknown => "in an unknown state",
        AppStatus::UserInstalledApp => "there already: the person installed it",
        AppStatus::UserRejected => "refused by the person",
        AppStatus::UpdateRejected => "not updated: the person refused",
        AppStatus::ManagementRejected => "not managed: the person refused",
        AppStatus::Failed => "not installed: it failed",
    }
}

/// Why a device does not take an app, to follow a colon.
pub fn rejection(why: RejectionReason) -> &'static str {
    match why {
        RejectionReason::AppAlreadyInstalled => "it is there already",
        RejectionReason::AppAlreadyQueued => "it is on its way already",
        RejectionReason::AppStoreDisabled => "the App Store is switched off on the device",
        RejectionReason::CouldNotVerifyAppID => "the App Store does not know it",
        RejectionReason::ManagementChangeNotSupported => "it cannot become a managed app",
        RejectionReason::NotAnApp => "it is no app",
        RejectionReason::NotSupported => "the device does not support it",
        RejectionReason::Other => "it gave no reason",
        RejectionReason::PurchaseMethodNotSupported | RejectionReason::PurchaseMethodNotSupportedInMultiUser => {
            "no licence is assigned"
        }
    }
}

/// What went wrong, in the device's words where they are kept, else by their number.
pub(super) fn errors(chain: &[MdmError]) -> String {
    let said = |error: &MdmError| match error.description.as_ref().and_then(Personal::shown) {
        Some(text) => text.to_owned(),
        None => format!("{} {}", error.domain, error.code).trim_start().to_owned(),
    };
    let said: Vec<String> = chain.iter().map(said).collect();
    if said.is_empty() { "no reason given".to_owned() } else { said.join(", ") }
}
