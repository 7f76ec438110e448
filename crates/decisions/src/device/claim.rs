//! Other records of the same hardware: the claims of this device, attestations, and how this record is superseded by
//! another one and revived.
//!
//! A device's statement about its hardware is a claim and does not change other records. A record ends only on evidence
//! (docs/decisions/18-a-claim-is-not-a-proof.md). If the evidence is an inference, contact with the old identity
//! revives the record.

use super::{Device, Phase};
use events::Timestamp;
use events::device::{AttestationRefusal, BodyHash, CommandId, DeviceId};
use events::personal::Personal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long a record that ended on an inference can be revived, in seconds.
pub const REVIVABLE_SECONDS: i64 = 30 * 24 * 3_600;

/// Minimum time between two requests for an attestation, in seconds. Apple creates a new one at most once in seven days
/// (mdm/commands/information.device.yaml, `DeviceAttestationNonce`).
pub(crate) const ATTESTATION_SECONDS: i64 = 7 * 24 * 3_600;

/// The claims of a device, and the evidence about them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Managed records with the same UDID when this device enrolled.
    pub others: BTreeSet<DeviceId>,
    /// Records that an administrator decided are other devices.
    pub dismissed: BTreeSet<DeviceId>,
    /// The pending command that requests an attestation.
    pub asked: Option<CommandId>,
    /// The device is not asked for an attestation before this time.
    pub ask_again_after: Option<Timestamp>,
    /// Whether Apple attested the hardware of this record.
    pub attested: bool,
    /// Records that superseded this one on an inference before it was revived. The same inference is not accepted for
    /// them again.
    pub survived: BTreeSet<DeviceId>,
}

/// A superseded record that can be revived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revivable {
    pub by: DeviceId,
    /// `None`: no time limit.
    pub until: Option<Timestamp>,
    /// The record before it was superseded.
    pub(super) before: Device,
}

/// The verified result of an answer to a request for an attestation.
#[derive(Debug, Clone, PartialEq)]
pub enum Attestation {
    /// The certificate chain, sealed with the person's key.
    Proven(Personal<Vec<String>>),
    Refused(AttestationRefusal),
}

impl Device {
    /// Returns whether this message revives the record. A message that already had an effect does not.
    pub fn is_revived_by(&self, body: &BodyHash, now: Timestamp) -> bool {
        self.may_come_back(now) && !self.seen.contains(body)
    }

    /// Returns whether the identity is in use: the device is enrolled, or its record can be revived. Meanwhile its
    /// enrollment issues no other identity, since that would revoke the current one.
    pub fn lives_by_its_identity(&self, now: Timestamp) -> bool {
        self.phase == Phase::Enrolled || self.may_come_back(now)
    }

    fn may_come_back(&self, now: Timestamp) -> bool {
        self.revivable.as_deref().is_some_and(|revivable| revivable.until.is_none_or(|until| now < until))
    }

    /// Returns whether this device claims the hardware of `other`, and no administrator decided that they are different
    /// devices.
    pub fn claims_hardware_of(&self, other: DeviceId) -> bool {
        self.claims.others.contains(&other) && !self.claims.dismissed.contains(&other)
    }
}
