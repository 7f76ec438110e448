//! What a device says of itself, signed, before it gets its profile.

use crate::personal::Personal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an institutional device told of itself, signed with its built-in identity, before it got its profile
/// ("Over-the-Air Profile Delivery and Configuration", phase 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAttributes {
    pub udid: Personal<String>,
    /// `SERIAL`.
    pub serial_number: Option<Personal<String>>,
    pub imei: Option<Personal<String>>,
    pub meid: Option<Personal<String>>,
    /// `PRODUCT`, such as `iPhone14,5`.
    pub product: Option<String>,
    /// `VERSION`, such as `21F79`.
    pub build_version: Option<String>,
}

/// A served payload of type `Profile Service`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedProfileService {
    pub identifier: String,
    pub payload_uuid: Uuid,
    /// Where the device sends what it is asked for.
    pub url: String,
    /// `DeviceAttributes`: what it is asked for.
    pub attributes: Vec<String>,
}

/// Why a device was not answered that came with a challenge of ours, or with an identity by which it was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileServiceRefusal {
    /// The signature does not fit what the message says.
    SignatureInvalid,
    ChallengeExpired,
    /// Another device answered this challenge already, or told another UDID then.
    AnotherDevice,
}

/// What the signature of a device's built-in identity proved about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceSignature {
    /// By a device that a known CA of devices certified.
    Genuine,
    /// By whoever holds the certificate, which no known CA of devices issued: a newer device, a simulator, or a stranger.
    UnknownIssuer,
    /// It does not fit what the message says.
    Invalid,
}
