//! The signed description of a device before it receives its profile.

use crate::personal::Personal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The attributes that an institutional device reported before it received its profile, signed with its built-in
/// identity ("Over-the-Air Profile Delivery and Configuration", phase 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAttributes {
    /// `UDID` as the device reported it, at most 100 bytes, like each of these fields: not checked.
    pub udid: Personal<String>,
    /// `SERIAL`.
    pub serial_number: Option<Personal<String>>,
    /// `IMEI`.
    pub imei: Option<Personal<String>>,
    /// `MEID`.
    pub meid: Option<Personal<String>>,
    /// `PRODUCT`, such as `iPhone14,5`.
    pub product: Option<String>,
    /// `VERSION`, such as `21F79`.
    pub build_version: Option<String>,
}

/// A served payload of type `Profile Service`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedProfileService {
    /// `PayloadIdentifier` in reverse DNS notation.
    pub identifier: String,
    pub payload_uuid: Uuid,
    /// URL to which the device sends the requested attributes.
    pub url: String,
    /// `DeviceAttributes`: names of the requested attributes.
    pub attributes: Vec<String>,
}

/// Why a device with a valid challenge, or with the identity that it was verified by, was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileServiceRefusal {
    /// The signature does not match the message.
    SignatureInvalid,
    ChallengeExpired,
    /// Another device already answered this challenge, or the same challenge was answered with another UDID.
    AnotherDevice,
}

/// Result of checking a message's signature by a device's built-in identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceSignature {
    /// Signed by a device whose certificate was issued by a known device CA.
    Genuine,
    /// Signed with a certificate that no known device CA issued: a newer device, a simulator, or an unknown client.
    UnknownIssuer,
    /// The signature does not match the message.
    Invalid,
}
