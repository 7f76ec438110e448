//! Configuration profiles that people install: the CA profile (certificate step) and the MDM profile (profile step);
//! and those that management installs for them.
//!
//! Keys and values follow mdm/profiles/ in Apple's schema. Each check names what a strict device refuses.

mod payload;
mod profile_service;
mod web_clip;

use super::{Pki, TOPIC_PREFIX};
use openssl::error::ErrorStack;
use openssl::x509::X509Ref;
use payload::{Envelope, Scep, certificate, https};
use plist::Value;
use uuid::Uuid;

pub use profile_service::{ProfileService, VerificationProfile};
pub use web_clip::WebClipProfile;

/// Content type of a profile, signed or not.
pub const CONTENT_TYPE: &str = "application/x-apple-aspen-config";

/// Texts that a person reads about a profile before they install it.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// `PayloadOrganization`.
    pub organization: &'a str,
    /// `PayloadDisplayName`.
    pub display_name: &'a str,
    /// `PayloadDescription`.
    pub description: &'a str,
}

/// Profile with the certificates that a device must trust before it can contact the server.
#[derive(Debug, Clone, Copy)]
pub struct CaProfile<'a> {
    pub texts: Texts<'a>,
    /// `PayloadIdentifier` in reverse DNS notation. A profile with the same identifier is replaced.
    pub identifier: &'a str,
    pub profile_uuid: Uuid,
    /// State that the profile is for an iPhone or iPad, so that people with an Apple Watch are not asked. iOS 12.2
    /// and later (`TargetDeviceType`, mdm/profiles/TopLevel.yaml).
    pub names_target: bool,
}

/// The MDM profile. The caller provides and records everything that must stay the same while the device is enrolled.
#[derive(Debug, Clone, Copy)]
pub struct MdmProfile<'a> {
    pub texts: Texts<'a>,
    /// `PayloadIdentifier`, which RemoveProfile names to unenroll the device.
    pub identifier: &'a str,
    pub profile_uuid: Uuid,
    pub identity_uuid: Uuid,
    pub mdm_uuid: Uuid,
    /// See [`CaProfile::names_target`].
    pub names_target: bool,
    /// [`Pki::push_topic`].
    pub topic: &'a str,
    /// `ServerURL`: must begin with `https://`.
    pub server_url: &'a str,
    /// `CheckInURL`: must begin with `https://`.
    pub check_in_url: &'a str,
    /// URL of the SCEP payload: must begin with `https://`.
    pub scep_url: &'a str,
    /// The device signs each message (`SignMessage`). Otherwise it presents its identity in TLS.
    pub sign_message: bool,
    /// One-time secret with which the device gets its identity.
    pub challenge: &'a str,
    /// UUID of the device, which its identity will contain.
    pub device: Uuid,
    pub mode: Mode<'a>,
}

/// How the device will be enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode<'a> {
    /// Profile-based User Enrollment. It has no access rights: the key must be absent.
    UserEnrollment {
        /// `ManagedAppleID`, of the form `name@domain`.
        managed_apple_id: &'a str,
    },
    DeviceEnrollment {
        access_rights: AccessRights,
    },
    /// The device requested the profile itself after its person signed in. iOS 15 and later.
    AccountDriven {
        /// `BYOD` or `ADDE`, the same as in the discovery document.
        enrollment_mode: &'a str,
        /// `AssignedManagedAppleID`, of the form `name@domain`.
        assigned_managed_apple_id: &'a str,
        /// Must be absent for `BYOD`: a device that finds access rights cancels the enrollment.
        access_rights: Option<AccessRights>,
        /// `RequiredAppIDForMDM`: App Store number of the app.
        required_app_id: Option<u64>,
    },
}

/// `AccessRights` of mdm/profiles/com.apple.mdm.yaml: what MDM may do. Later profiles may have fewer rights, never
/// more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRights(u16);

impl AccessRights {
    pub const ALL: AccessRights = AccessRights(8191);

    /// Returns `None` for values that a device refuses: zero, unknown bits, installing (2, 128) without inspecting
    /// (1, 64).
    pub fn new(bits: u16) -> Option<AccessRights> {
        let needs = |bit, other| bits & bit == 0 || bits & other != 0;
        let fine = bits != 0 && bits <= Self::ALL.0 && needs(2, 1) && needs(128, 64);
        fine.then_some(AccessRights(bits))
    }

    pub fn bits(self) -> u16 {
        self.0
    }
}

/// Why a profile cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("{0:?} is not a push topic: it must begin with com.apple.mgmt. (the UID of the MDM push certificate)")]
    Topic(String),
    #[error("{0:?} is not an address that devices contact: it must begin with https://")]
    Url(String),
    #[error("a Managed Apple ID must have the form name@domain")]
    ManagedAppleId,
    #[error("two payloads have the same UUID")]
    SameUuid,
    #[error("OpenSSL failed: {0}")]
    OpenSsl(#[from] ErrorStack),
    #[error("the property list cannot be written: {0}")]
    PropertyList(#[from] plist::Error),
}

impl CaProfile<'_> {
    /// Returns the profile as XML, for [`Pki::sign_profile`].
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn xml(&self, pki: &Pki) -> Result<Vec<u8>, ProfileError> {
        let anchors = pki.trust_anchors();
        let anchors: Vec<&X509Ref> = anchors.iter().map(|anchor| &**anchor).collect();
        let payloads = self.envelope().certificates(&anchors)?;
        self.envelope().close(payloads)
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope {
            texts: self.texts,
            identifier: self.identifier,
            uuid: self.profile_uuid,
            names_target: self.names_target,
        }
    }
}

impl MdmProfile<'_> {
    /// Returns the profile as XML, for [`Pki::sign_profile`]. It contains the private TLS root, if there is one
    /// (certificates are installed before the MDM payload), the SCEP payload for the identity, the MDM payload, and
    /// nothing else.
    ///
    /// # Errors
    /// Returns an error if a device would refuse the profile, or if OpenSSL fails.
    pub fn xml(&self, pki: &Pki) -> Result<Vec<u8>, ProfileError> {
        self.check()?;
        let anchors: Vec<&X509Ref> = pki.tls_root().into_iter().collect();
        let mut payloads = self.envelope().certificates(&anchors)?;
        let identity =
            Scep { url: self.scep_url, challenge: self.challenge, device: self.device, uuid: self.identity_uuid };
        payloads.push(identity.payload(&self.envelope(), pki)?);
        payloads.push(self.mdm());
        self.envelope().close(payloads)
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope {
            texts: self.texts,
            identifier: self.identifier,
            uuid: self.profile_uuid,
            names_target: self.names_target,
        }
    }

    fn check(&self) -> Result<(), ProfileError> {
        if !self.topic.starts_with(TOPIC_PREFIX) {
            return Err(ProfileError::Topic(self.topic.to_owned()));
        }
        for url in [self.server_url, self.check_in_url, self.scep_url] {
            https(url)?;
        }
        let managed_apple_id = match self.mode {
            Mode::UserEnrollment { managed_apple_id } => Some(managed_apple_id),
            Mode::AccountDriven { assigned_managed_apple_id, .. } => Some(assigned_managed_apple_id),
            Mode::DeviceEnrollment { .. } => None,
        };
        let has_both =
            |id: &str| id.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
        if !managed_apple_id.is_none_or(has_both) {
            return Err(ProfileError::ManagedAppleId);
        }
        let (profile, identity, mdm) = (self.profile_uuid, self.identity_uuid, self.mdm_uuid);
        if profile == identity || profile == mdm || identity == mdm {
            return Err(ProfileError::SameUuid);
        }
        Ok(())
    }

    /// The payload com.apple.mdm.
    fn mdm(&self) -> Value {
        let mut payload = self.envelope().payload("com.apple.mdm", "mdm", self.mdm_uuid, "Mobile Device Management");
        payload.insert("IdentityCertificateUUID".into(), payload::uuid(self.identity_uuid));
        payload.insert("Topic".into(), self.topic.into());
        payload.insert("ServerURL".into(), self.server_url.into());
        payload.insert("CheckInURL".into(), self.check_in_url.into());
        payload.insert("SignMessage".into(), self.sign_message.into());
        payload.insert("CheckOutWhenRemoved".into(), true.into());
        match self.mode {
            Mode::UserEnrollment { managed_apple_id } => {
                payload.insert("ManagedAppleID".into(), managed_apple_id.into());
            }
            Mode::DeviceEnrollment { access_rights } => {
                payload.insert("AccessRights".into(), access_rights.bits().into());
            }
            Mode::AccountDriven { enrollment_mode, assigned_managed_apple_id, access_rights, required_app_id } => {
                payload.insert("EnrollmentMode".into(), enrollment_mode.into());
                payload.insert("AssignedManagedAppleID".into(), assigned_managed_apple_id.into());
                if let Some(access_rights) = access_rights {
                    payload.insert("AccessRights".into(), access_rights.bits().into());
                }
                if let Some(app) = required_app_id {
                    payload.insert("RequiredAppIDForMDM".into(), app.into());
                }
            }
        }
        Value::Dictionary(payload)
    }
}

impl Envelope<'_> {
    fn certificates(&self, anchors: &[&X509Ref]) -> Result<Vec<Value>, ProfileError> {
        anchors.iter().enumerate().map(|(nth, anchor)| certificate(self, nth, anchor)).collect()
    }
}

#[cfg(test)]
mod tests;
