//! Texts for the values in sentences.

use super::list;
use events::Timestamp;
use events::device::{
    AnswerFault, AppStatus, AttestationRefusal, MdmError, MessageRefusal, RejectionReason, RenewalFailure,
    SupersessionEvidence,
};
use events::enrollment::{
    Absence, Access, AttributeName, DeviceSignature, EnrollmentMode, EnrollmentRefusal, Evidence, FormRefusal,
    IdentityRefusal, Ownership, ProfileServiceRefusal, SignInAgainReason, SignInRefusal, SingleSignOnFault, Untold,
};
use events::mail::MailFailure;
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
        SignInRefusal::PasswordExpired => "correct password, but expired",
        SignInRefusal::PasswordMustBeChanged => "correct password, but it must be changed first",
        SignInRefusal::OutsideLogonHours => "outside of the account's logon hours",
        SignInRefusal::WorkstationNotPermitted => "the account may only sign in at other computers",
        SignInRefusal::Throttled => "too many attempts",
        SignInRefusal::DirectoryUnavailable => "the directory is not available",
        SignInRefusal::AnotherPerson => "not the person that the device belongs to",
    }
}

/// Returns the evidence on which a record was superseded.
pub fn supersession(evidence: SupersessionEvidence) -> &'static str {
    match evidence {
        SupersessionEvidence::Claimed => "the other device reported the same UDID",
        SupersessionEvidence::ProfileService => "the Profile Service verified the other device",
        SupersessionEvidence::Attestation => "Apple attested the other device",
        SupersessionEvidence::PushUnregistered => {
            "the push token is unregistered, the device is silent, and both records belong to one person"
        }
        SupersessionEvidence::Administrator => "an administrator decided it",
    }
}

/// Returns why an attestation was rejected, to follow a colon.
pub fn attestation_refusal(why: AttestationRefusal) -> &'static str {
    match why {
        AttestationRefusal::NotGiven => "the device sent no attestation",
        AttestationRefusal::Malformed => "it is not a certificate chain from Apple",
        AttestationRefusal::ForeignRoot => "it is not signed by a trusted root",
        AttestationRefusal::OutOfTime => "a certificate is not yet valid or has expired",
        AttestationRefusal::OtherNonce => "it was made for another request",
        AttestationRefusal::OtherHardware => "it names other hardware",
    }
}

pub(super) fn enrollment_refusal(why: EnrollmentRefusal) -> &'static str {
    match why {
        EnrollmentRefusal::VersionTooOld => "the version of iOS is too old",
        EnrollmentRefusal::AccountDrivenOnly => "this version of iOS enrolls personal devices by account only",
        EnrollmentRefusal::AccountDrivenNotOffered => "it can only enroll by account, which is not offered for it",
        EnrollmentRefusal::WrongMode => "the device enrolled as another kind than its profile specifies",
        EnrollmentRefusal::NotPermitted => "the access rules do not permit it",
        EnrollmentRefusal::AccessUnknown => "an attribute that the access rules need is unknown",
        EnrollmentRefusal::TooManyDevices => "the person already has the maximum number of devices",
        EnrollmentRefusal::VersionBelowMinimum => "the version of iOS is older than the settings allow",
        EnrollmentRefusal::VersionAboveMaximum => "the version of iOS is newer than the settings allow",
        EnrollmentRefusal::ModelNotPermitted => "the settings do not allow this model",
        EnrollmentRefusal::NotGenuine => "the device did not prove that it was made by Apple",
        EnrollmentRefusal::OtherDevice => "not the device that was verified",
        EnrollmentRefusal::RestrictedToOwner => "the device has a managed record of another person",
    }
}

pub(super) fn untold(untold: &[Untold]) -> String {
    let one = |untold: &Untold| match (&untold.attribute, untold.why) {
        (AttributeName::Groups, Absence::Silent) => "groups".to_owned(),
        (AttributeName::Groups, Absence::Elsewhere) => "groups (too many for one response)".to_owned(),
        (AttributeName::Claim(name), Absence::Silent) => format!("the claim “{name}”"),
        (AttributeName::Claim(name), Absence::Elsewhere) => {
            format!("the claim “{name}” (it referred to another place)")
        }
    };
    untold.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(super) fn form_refusal(why: FormRefusal) -> &'static str {
    match why {
        FormRefusal::OwnershipNotChosen => "nothing was chosen",
        FormRefusal::OwnershipNotOffered => "devices of this ownership can no longer be enrolled",
        FormRefusal::TermsChanged => "the terms of use changed while they were read",
        FormRefusal::CaProfileNotTaken => "the CA profile was reported as installed before it was downloaded",
        FormRefusal::ManagedAppleIdInvalid => "it is not a Managed Apple ID",
        FormRefusal::ManagedAppleIdDomain => "the settings do not permit the domain of the Managed Apple ID",
        FormRefusal::PersonUnknown => "no directory contains the person that the device is for",
        FormRefusal::DirectoryUnavailable => "no directory is available to look up the person that the device is for",
        FormRefusal::Throttled => "too many unknown names of people",
    }
}

pub(super) fn identity_refusal(why: IdentityRefusal) -> &'static str {
    match why {
        IdentityRefusal::NotSigned => "it is not a SCEP message that can be answered",
        IdentityRefusal::SignatureInvalid => "its signature does not match its content",
        IdentityRefusal::AttributesInvalid => "an attribute that the signature covers is missing or wrong",
        IdentityRefusal::EnvelopeInvalid => "its envelope cannot be read",
        IdentityRefusal::NotDecrypted => "its envelope is damaged, or not for this server’s registration authority",
        IdentityRefusal::RequestInvalid => "the certificate request in it cannot be read, or its signature is wrong",
        IdentityRefusal::AlgorithmRefused => "its cipher, digest or key is not accepted",
        IdentityRefusal::OperationUnknown => "its operation is not offered",
        IdentityRefusal::ChallengeUnknown => "no profile was served with its challenge",
        IdentityRefusal::ChallengeExpired => "its challenge expired",
        IdentityRefusal::ChallengeUsed => "its challenge was used by another key",
        IdentityRefusal::CertificateUnknown => "its signing certificate is not a valid one of this server",
        IdentityRefusal::DeviceEnrolled => "the device is already enrolled",
        IdentityRefusal::DeviceNotEnrolled => "the device is not enrolled",
        IdentityRefusal::EnrollmentEnded => "the enrollment has ended, or has not reached this step",
        IdentityRefusal::NotPermitted => "the account may no longer enroll devices",
    }
}

pub(super) fn device_request_refusal(why: DeviceRequestRefusal) -> &'static str {
    match why {
        DeviceRequestRefusal::CertificateUnknown => "its signing certificate is not a valid one of this server",
        DeviceRequestRefusal::ProfileServiceUnknown => "its Profile Service is unknown or may no longer be answered",
        DeviceRequestRefusal::GrantInvalid => "its code or refresh token is not valid",
        DeviceRequestRefusal::SignatureInvalid => {
            "it has the certificate of a device, but its signature does not match"
        }
        DeviceRequestRefusal::TokenInvalid => "its access token is not valid for this request",
        DeviceRequestRefusal::ClientUnknown => "it names another client than Apple's devices",
        DeviceRequestRefusal::NotSigned => "it has no valid device signature",
        DeviceRequestRefusal::NotUnderstood => "it is unreadable, too large, or asks for what is not provided",
    }
}

pub(super) fn message_refusal(why: MessageRefusal) -> &'static str {
    match why {
        MessageRefusal::OtherTopic => "it names another push topic than the profile",
        MessageRefusal::OtherDevice => "it names another device than its certificate",
        MessageRefusal::WrongMode => "an enrolled device sent Authenticate for another kind of enrollment",
        MessageRefusal::NotPermitted => "such a device may no longer enroll",
        MessageRefusal::NotAuthenticated => "no Authenticate came before it",
        MessageRefusal::Ended => "management of the device has ended",
        MessageRefusal::NoAccessToken => "it has no valid access token",
        MessageRefusal::NotUnderstood => "it cannot be read",
    }
}

/// Returns why parts of an answer could not be read, to follow a colon.
pub fn faults(faults: &[AnswerFault]) -> String {
    faults.iter().map(|fault| answer_fault(*fault)).collect::<Vec<_>>().join(", ")
}

fn answer_fault(fault: AnswerFault) -> &'static str {
    match fault {
        AnswerFault::NotAPropertyList => "it is not a complete property list",
        AnswerFault::Characters => "invalid characters",
        AnswerFault::Number => "an invalid or too large number",
        AnswerFault::Date => "an invalid date",
        AnswerFault::Data => "data that is not Base64",
        AnswerFault::Structure => "a value in the wrong place",
        AnswerFault::TooDeep => "values nested too deeply",
        AnswerFault::TooMany => "too many values",
        AnswerFault::Status => "a missing or unknown status",
        AnswerFault::OtherCommand => "it names another command",
    }
}

/// Returns why the identity of a device was not renewed, to follow a colon.
pub fn renewal_failure(why: RenewalFailure) -> &'static str {
    match why {
        RenewalFailure::Refused => "the device rejected the profile",
        RenewalFailure::NotFetched => "the device did not fetch it in time",
        RenewalFailure::NotUsed => "the device never used the new identity",
        RenewalFailure::Cancelled => "it was cancelled",
        RenewalFailure::NotPermitted => "this version of iOS does not support such a profile",
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
        ProfileServiceRefusal::SignatureInvalid => "its signature does not match its message",
        ProfileServiceRefusal::ChallengeExpired => "the profile was downloaded too long ago",
        ProfileServiceRefusal::AnotherDevice => "another device was verified with this profile",
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
        SignInAgainReason::TokenMissing => "it sent no access token",
        SignInAgainReason::TokenUnknown => "its access token does not belong to this enrollment",
    }
}

pub(super) fn device_signature(signature: DeviceSignature) -> &'static str {
    match signature {
        DeviceSignature::Genuine => "from a genuine Apple device",
        DeviceSignature::UnknownIssuer => "from an unknown issuer",
        DeviceSignature::Invalid => "invalid",
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
        ApiResource::Records => "the previous records",
        ApiResource::Imports => "the imports of previous records",
        ApiResource::Links => "the links of re-enrollments",
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
        FactorRefusal::Wrong => "wrong",
        FactorRefusal::UsedBefore => "already used",
        FactorRefusal::Throttled => "too many attempts",
    }
}

/// Returns what access rules permit a person to enroll.
pub(super) fn kinds(access: &Access) -> String {
    let kinds = access.offered.iter().map(|kind| match kind {
        Ownership::Personal => "personal devices",
        Ownership::Institutional => "devices of the organization",
    });
    let kinds = list(kinds.chain(access.account_driven.then_some("enrollment from Settings")));
    if kinds.is_empty() { "nothing".to_owned() } else { kinds }
}

pub(super) fn fault(why: SingleSignOnFault) -> &'static str {
    match why {
        SingleSignOnFault::ProviderRefused => "the identity provider refused, or the person cancelled there",
        SingleSignOnFault::ProviderUnavailable => "the identity provider is not available",
        SingleSignOnFault::Unsolicited => "the response does not match a request of this browser",
        SingleSignOnFault::Replayed => "the response was already used",
        SingleSignOnFault::NotUnderstood => "the response cannot be parsed",
        SingleSignOnFault::ForbiddenContent => "the response contains forbidden content",
        SingleSignOnFault::Unsigned => "the response is not signed",
        SingleSignOnFault::SignatureInvalid => "the signature is not from the identity provider",
        SingleSignOnFault::AlgorithmRefused => "the signature algorithm is not accepted",
        SingleSignOnFault::WrongIssuer => "wrong issuer",
        SingleSignOnFault::WrongAudience => "meant for another service",
        SingleSignOnFault::WrongRecipient => "meant for another recipient",
        SingleSignOnFault::WrongDestination => "sent to another address",
        SingleSignOnFault::OutsideValidity => "not valid at this time",
        SingleSignOnFault::Incomplete => "a required part is missing",
        SingleSignOnFault::WrongNonce => "wrong nonce",
        SingleSignOnFault::StaleAuthentication => "the person’s authentication is too old or not strong enough",
        SingleSignOnFault::EncryptionRefused => "the encryption is not accepted",
        SingleSignOnFault::SubjectMissing => "it does not identify the person",
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
        AppStatus::PromptingForManagement => "waiting for the person to allow its management",
        AppStatus::Updating => "being updated",
        AppStatus::Installing => "being installed",
        AppStatus::Managed => "installed",
        AppStatus::ManagedButUninstalled => "removed by the person",
        AppStatus::Unknown => "in an unknown state",
        AppStatus::UserInstalledApp => "already installed by the person",
        AppStatus::UserRejected => "rejected by the person",
        AppStatus::UpdateRejected => "not updated: the person refused",
        AppStatus::ManagementRejected => "not managed: the person refused",
        AppStatus::Failed => "not installed: the installation failed",
    }
}

/// Returns why a device rejected an app, to follow a colon.
pub fn rejection(why: RejectionReason) -> &'static str {
    match why {
        RejectionReason::AppAlreadyInstalled => "it is already installed",
        RejectionReason::AppAlreadyQueued => "it is already queued",
        RejectionReason::AppStoreDisabled => "the App Store is disabled on the device",
        RejectionReason::CouldNotVerifyAppID => "the App Store does not know it",
        RejectionReason::ManagementChangeNotSupported => "it cannot become a managed app",
        RejectionReason::NotAnApp => "it is not an app",
        RejectionReason::NotSupported => "the device does not support it",
        RejectionReason::Other => "it gave no reason",
        RejectionReason::PurchaseMethodNotSupported | RejectionReason::PurchaseMethodNotSupportedInMultiUser => {
            "no licence is assigned"
        }
    }
}

/// Returns the device's error texts if they are stored, otherwise the error domains and codes.
pub(super) fn errors(chain: &[MdmError], text: fn(&Personal<String>) -> Option<&str>) -> String {
    let said = |error: &MdmError| match error.description.as_ref().and_then(text) {
        Some(text) => text.to_owned(),
        None => format!("{} {}", error.domain, error.code).trim_start().to_owned(),
    };
    let said: Vec<String> = chain.iter().map(said).collect();
    if said.is_empty() { "no reason given".to_owned() } else { said.join(", ") }
}

/// Returns the day, such as `2026-11-23`, in UTC.
pub(super) fn date(at: Timestamp) -> String {
    at.to_rfc3339().chars().take("2026-11-23".len()).collect()
}

/// Returns why a mail was not sent, in plain English.
pub fn mail_failure(failure: MailFailure) -> &'static str {
    match failure {
        MailFailure::Refused => "the mail server refused it",
        MailFailure::RefusedForNow => "the mail server asked to try later",
        MailFailure::Unreachable => "the mail server does not answer",
        MailFailure::NotSecure => "the connection to the mail server is not secure",
        MailFailure::CredentialsRefused => "the mail server refused the credentials",
        MailFailure::AddressInvalid => "the recipient has no valid mail address",
        MailFailure::NotConfigured => "no mail server is configured",
    }
}
