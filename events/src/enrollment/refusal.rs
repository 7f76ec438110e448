//! Why a form of a visit or a request for an identity was answered with no.

use serde::{Deserialize, Serialize};

/// Why a form at the portal was not taken. The person stays on their step; what they typed is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormRefusal {
    /// Nothing was chosen.
    OwnershipNotChosen,
    /// That kind of device is not enrolled any more.
    OwnershipNotOffered,
    /// Another text of the terms of use is current than the one that was accepted.
    TermsChanged,
    /// "I have installed it" before the CA profile was taken.
    CaProfileNotTaken,
    ManagedAppleIdInvalid,
    /// The settings do not permit its domain.
    ManagedAppleIdDomain,
    /// No directory knows the person for whom the device is to be.
    PersonUnknown,
    /// No directory can be asked for that person.
    DirectoryUnavailable,
    /// Too many names of persons were unknown.
    Throttled,
}

/// Why a request for an identity (SCEP) was refused. The device is told one of the few codes of RFC 8894 section 3.2.1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityRefusal {
    /// It is no SCEP message that can be answered: unreadable, too large, or without a signer's certificate.
    NotSigned,
    /// The message's signature does not fit its content.
    SignatureInvalid,
    /// An attribute that the signature has to cover is missing, or says something else.
    AttributesInvalid,
    /// The content is no envelope that can be read.
    EnvelopeInvalid,
    /// The envelope is not for our registration authority, or was damaged.
    NotDecrypted,
    /// What was in the envelope is no certificate request, or its own signature is wrong.
    RequestInvalid,
    /// Cipher, digest or key that is not accepted.
    AlgorithmRefused,
    /// An operation that is not offered, such as GetCRL.
    OperationUnknown,
    /// No profile was served with this challenge.
    ChallengeUnknown,
    ChallengeExpired,
    /// The challenge has issued an identity to another key.
    ChallengeUsed,
    /// The certificate that signed a renewal is foreign, expired, revoked or was never handed out.
    CertificateUnknown,
    /// The device is enrolled: its identity is renewed with the one it has.
    DeviceEnrolled,
    /// Management of the device ended, or did not begin yet.
    DeviceNotEnrolled,
    /// The enrollment ended, or is not at the step for it.
    EnrollmentEnded,
    /// The account may not enroll any more.
    NotPermitted,
}
