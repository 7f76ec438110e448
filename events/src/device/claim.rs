//! Two records that name the same hardware: on what evidence one of them ends, and what a device attested.

use serde::{Deserialize, Serialize};

/// The evidence on which a record ended for another record of the same hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupersessionEvidence {
    /// None: the other device said the same UDID. Older versions ended records on this; no version does now.
    Claimed,
    /// The Profile Service verified the other device: the identity that Apple made it with signed the same UDID.
    ProfileService,
    /// Apple's attestation, made for the other device's management, names the same UDID.
    Attestation,
    /// Apple's push service called the record's token unregistered, the device was silent since, and both records are of one
    /// person.
    PushUnregistered,
    /// An administrator decided that both records are one device.
    Administrator,
}

impl SupersessionEvidence {
    pub const ALL: [SupersessionEvidence; 5] = [
        SupersessionEvidence::Claimed,
        SupersessionEvidence::ProfileService,
        SupersessionEvidence::Attestation,
        SupersessionEvidence::PushUnregistered,
        SupersessionEvidence::Administrator,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            SupersessionEvidence::Claimed => "claimed",
            SupersessionEvidence::ProfileService => "profile_service",
            SupersessionEvidence::Attestation => "attestation",
            SupersessionEvidence::PushUnregistered => "push_unregistered",
            SupersessionEvidence::Administrator => "administrator",
        }
    }

    /// Whether contact of the old identity brings the record back: the end rests on a conclusion, not on a proof.
    pub fn is_reversible(self) -> bool {
        match self {
            SupersessionEvidence::Claimed | SupersessionEvidence::PushUnregistered => true,
            SupersessionEvidence::ProfileService
            | SupersessionEvidence::Attestation
            | SupersessionEvidence::Administrator => false,
        }
    }
}

/// Why an attestation proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttestationRefusal {
    /// The device answered without one, or refused to answer: its chip is too old, or Apple refused to attest.
    NotGiven,
    /// It is no chain of certificates, or larger than any of Apple's.
    Malformed,
    /// No trusted root signed it.
    ForeignRoot,
    /// A certificate of the chain is not yet or no longer valid.
    OutOfTime,
    /// It holds another freshness code: it was made earlier, or for somebody else.
    OtherNonce,
    /// It names other hardware than the device said, or none.
    OtherHardware,
}

impl AttestationRefusal {
    pub const ALL: [AttestationRefusal; 6] = [
        AttestationRefusal::NotGiven,
        AttestationRefusal::Malformed,
        AttestationRefusal::ForeignRoot,
        AttestationRefusal::OutOfTime,
        AttestationRefusal::OtherNonce,
        AttestationRefusal::OtherHardware,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            AttestationRefusal::NotGiven => "not_given",
            AttestationRefusal::Malformed => "malformed",
            AttestationRefusal::ForeignRoot => "foreign_root",
            AttestationRefusal::OutOfTime => "out_of_time",
            AttestationRefusal::OtherNonce => "other_nonce",
            AttestationRefusal::OtherHardware => "other_hardware",
        }
    }
}
