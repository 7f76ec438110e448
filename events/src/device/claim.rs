//! Two records of the same hardware: the evidence on which one of them ends, and the results of attestations.

use serde::{Deserialize, Serialize};

/// The evidence on which a record ended in favour of another record of the same hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupersessionEvidence {
    /// No evidence: the other device only reported the same UDID. Older versions of Muster ended records for this; the
    /// current version does not.
    Claimed,
    /// The Profile Service verified the other device: the built-in identity from Apple signed the same UDID.
    ProfileService,
    /// Apple's attestation in the other device's management contains the same UDID.
    Attestation,
    /// Apple's push service reported the record's token as unregistered, the device has been silent since, and both
    /// records belong to one person.
    PushUnregistered,
    /// An administrator decided that both records are the same device.
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

    /// Returns whether contact with the old identity revives the record, because the evidence is an inference and not a
    /// proof.
    pub fn is_reversible(self) -> bool {
        match self {
            SupersessionEvidence::Claimed | SupersessionEvidence::PushUnregistered => true,
            SupersessionEvidence::ProfileService
            | SupersessionEvidence::Attestation
            | SupersessionEvidence::Administrator => false,
        }
    }
}

/// Why an attestation was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttestationRefusal {
    /// The device answered without an attestation or with an error: its chip is too old, or Apple refused to attest.
    NotGiven,
    /// The answer is not a certificate chain, or it is larger than any chain of Apple's.
    Malformed,
    /// The chain is not signed by a trusted root.
    ForeignRoot,
    /// A certificate of the chain is not yet valid or expired.
    OutOfTime,
    /// The freshness code differs: the attestation was made earlier or for another server.
    OtherNonce,
    /// The attestation names no hardware or other hardware than the device reported.
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
