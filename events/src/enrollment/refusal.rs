//! Why a form of an enrollment or a request for an identity was refused.

use serde::{Deserialize, Serialize};

/// Why a form at the portal was refused. The person stays at their step; the form's values are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormRefusal {
    /// No ownership was chosen.
    OwnershipNotChosen,
    /// Devices of this ownership can no longer be enrolled.
    OwnershipNotOffered,
    /// The accepted terms of use are no longer the current version.
    TermsChanged,
    /// The person confirmed the installation of the CA profile before they downloaded it.
    CaProfileNotTaken,
    ManagedAppleIdInvalid,
    /// The settings do not permit the domain of the Managed Apple ID.
    ManagedAppleIdDomain,
    /// No directory contains the person that the device is for.
    PersonUnknown,
    /// No directory can be reached to look up that person.
    DirectoryUnavailable,
    /// Too many unknown names were entered.
    Throttled,
}

/// Why a SCEP request for an identity was refused. The device receives one of the few codes of RFC 8894 section
/// 3.2.1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityRefusal {
    /// The message is not a SCEP message that can be answered: unreadable, too large, or without the signer's
    /// certificate.
    NotSigned,
    /// The message's signature does not match its content.
    SignatureInvalid,
    /// A signed attribute is missing or has a wrong value.
    AttributesInvalid,
    /// The content is not a readable envelope.
    EnvelopeInvalid,
    /// The envelope is damaged or not encrypted for Muster's registration authority.
    NotDecrypted,
    /// The envelope does not contain a certificate request, or the request's own signature is invalid.
    RequestInvalid,
    /// The cipher, digest or key is not accepted.
    AlgorithmRefused,
    /// The operation is not supported, such as GetCRL.
    OperationUnknown,
    /// No profile with this challenge was served.
    ChallengeUnknown,
    ChallengeExpired,
    /// An identity was already issued to another key with this challenge.
    ChallengeUsed,
    /// The signing certificate of a renewal is foreign, expired, revoked or was never issued to the device.
    CertificateUnknown,
    /// The device is enrolled and has to renew its identity with its current one.
    DeviceEnrolled,
    /// Management of the device has ended, or not begun yet.
    DeviceNotEnrolled,
    /// The enrollment has ended, or is not at the step for an identity.
    EnrollmentEnded,
    /// The account may no longer enroll devices.
    NotPermitted,
}
