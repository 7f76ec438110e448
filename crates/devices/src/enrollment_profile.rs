//! Builds and signs the MDM profile of an enrollment from its recorded values, so that each download has the same
//! content.

use crate::Devices;
use decisions::enrollment::{Command, Enrollment};
use events::enrollment::{EnrollmentId, EnrollmentKind, OsVersion, ServedProfile};
use events::settings::Settings;
use openssl::error::ErrorStack;
use pki::profile::{AccessRights, MdmProfile, Mode, ProfileError, Texts};
use platform::named_secret::{self, Kind};
use platform::secrets::hash;
use url::Url;

/// Time in which a device can get its identity with a served profile: the eight minutes for which iOS keeps the
/// profile, plus a reserve for entering passcode, account and password.
pub const CHALLENGE_SECONDS: i64 = 60 * 60;

/// First version that supports `TargetDeviceType`.
const FIRST_TARGET: OsVersion = OsVersion::new(12, 2);

#[derive(Debug, thiserror::Error)]
pub enum EnrollmentProfileError {
    #[error("there is no push certificate, which the MDM profile needs; run `muster push request`")]
    NoPushCertificate,
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error("OpenSSL failed: {0}")]
    OpenSsl(#[from] ErrorStack),
    #[error("signing on another thread was aborted: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// One download of a recorded profile.
pub struct Serving<'a> {
    pub enrollment: EnrollmentId,
    pub profile: &'a ServedProfile,
    /// Organization that the profile names.
    pub organization: &'a str,
    /// SCEP challenge with which the device gets its identity. Only the hash of its secret is recorded.
    pub challenge: &'a str,
    /// Version of iOS, if known.
    pub version: Option<OsVersion>,
}

/// Recipient of the MDM profile.
pub struct Recipient<'a> {
    pub id: EnrollmentId,
    pub enrollment: &'a Enrollment,
    /// Version of iOS, if known.
    pub version: Option<OsVersion>,
    /// Build of iOS, if the device reported it.
    pub build: Option<&'a str>,
    /// Fingerprint of the verification identity that requests the profile, if one is required.
    pub verified_by: Option<String>,
    pub device_enrolled: bool,
}

/// First version that supports `RequiredAppIDForMDM` (mdm/profiles/com.apple.mdm.yaml). Devices report no version
/// before iOS 17; older ones are recognized by the first characters of their build (`BUILDS_BEFORE` is iOS 15.0).
const REQUIRED_APP_SINCE: OsVersion = OsVersion::new(15, 1);
const BUILDS_BEFORE: &str = "19A";

impl Recipient<'_> {
    // Decided once, when the profile is first served: it must not differ when the profile is sent again.
    fn takes_required_app(&self) -> bool {
        match self.version {
            Some(version) => version >= REQUIRED_APP_SINCE,
            None => self.build.is_none_or(|build| !build.starts_with(BUILDS_BEFORE)),
        }
    }
}

/// Returns the SCEP challenge for one download of a profile. Only the hash of `secret` is stored.
pub fn challenge(enrollment: EnrollmentId, secret: &str) -> String {
    named_secret::text(Kind::Challenge, enrollment.0, secret)
}

impl Devices {
    /// Builds and signs the MDM profile of an enrollment. Also returns the command that records it. The caller must
    /// perform the command before it sends the file.
    ///
    /// # Errors
    /// Returns an error if there is no push topic, a device would reject the profile, or OpenSSL fails.
    pub async fn prepare_profile(
        &self,
        to: Recipient<'_>,
        settings: &Settings,
    ) -> Result<(Vec<u8>, Command), EnrollmentProfileError> {
        let profile = self.new_profile(&to, settings);
        let profile = profile.ok_or(EnrollmentProfileError::NoPushCertificate)?;
        let secret = self.platform.world.secret();
        let serving = Serving {
            enrollment: to.id,
            profile: &profile,
            organization: &settings.organization,
            challenge: &challenge(to.id, &secret),
            version: to.version,
        };
        let signed = self.sign_profile(self.enrollment_profile_xml(&serving)?).await?;
        let command = Command::ServeMdmProfile {
            profile,
            challenge: hash(&secret),
            challenge_expires: self.platform.world.now().plus_seconds(CHALLENGE_SECONDS),
            verified_by: to.verified_by,
            device_enrolled: to.device_enrolled,
        };
        Ok((signed, command))
    }

    // Returns the values of an enrollment's profile that is served now, or `None` if the kind of enrollment or the push
    // topic is unknown.
    fn new_profile(&self, to: &Recipient<'_>, settings: &Settings) -> Option<ServedProfile> {
        let enrollment = to.enrollment;
        let (kind, topic) = (enrollment.kind()?, self.pki.push_topic()?);
        let base = self.platform.public_url.as_str();
        let devices = self.url.as_deref().map_or(base, |url| url.trim_end_matches('/'));
        let personal = kind == EnrollmentKind::UserEnrollment;
        let by_account = enrollment.account_driven.is_some();
        Some(ServedProfile {
            kind,
            identifier: format!("{}.muster.mdm.{}", reverse_dns(base), to.id),
            profile_uuid: self.platform.world.random_uuid(),
            identity_uuid: self.platform.world.random_uuid(),
            mdm_uuid: self.platform.world.random_uuid(),
            topic: topic.to_owned(),
            server_url: format!("{devices}/mdm/command"),
            check_in_url: format!("{devices}/mdm/checkin"),
            scep_url: format!("{base}/scep"),
            // Access rights cannot be extended later. An institutional device gets all of them; the (i) page of the
            // portal says so.
            access_rights: (!personal).then_some(AccessRights::ALL.bits()),
            managed_apple_id: enrollment.managed_apple_id.clone().filter(|_| personal || by_account),
            enrollment_mode: enrollment.account_driven,
            required_app_id: settings.account_driven.required_app_id.filter(|_| by_account && to.takes_required_app()),
            sign_message: Some(self.url.is_none()),
        })
    }

    /// Returns the profile as XML. All values that must never change come from the recorded profile, not from the
    /// current configuration.
    ///
    /// # Errors
    /// Returns an error if a device would reject the profile, or OpenSSL fails.
    pub(crate) fn enrollment_profile_xml(&self, serving: &Serving<'_>) -> Result<Vec<u8>, ProfileError> {
        let Serving { enrollment, profile, organization, challenge, version } = serving;
        let managed_apple_id = profile.managed_apple_id.as_ref().map(|id| id.text().to_owned()).unwrap_or_default();
        let access_rights = profile.access_rights.and_then(AccessRights::new);
        let mode = match (profile.enrollment_mode, access_rights) {
            (Some(mode), access_rights) => Mode::AccountDriven {
                enrollment_mode: mode.as_str(),
                assigned_managed_apple_id: &managed_apple_id,
                access_rights,
                required_app_id: profile.required_app_id,
            },
            (None, Some(access_rights)) => Mode::DeviceEnrollment { access_rights },
            (None, None) => Mode::UserEnrollment { managed_apple_id: &managed_apple_id },
        };
        let sign_message = signs_messages(profile);
        let profile = MdmProfile {
            texts: Texts {
                organization,
                display_name: organization,
                description: "Enrolls this device in management.",
            },
            identifier: &profile.identifier,
            profile_uuid: profile.profile_uuid,
            identity_uuid: profile.identity_uuid,
            mdm_uuid: profile.mdm_uuid,
            names_target: names_target(*version),
            topic: &profile.topic,
            server_url: &profile.server_url,
            check_in_url: &profile.check_in_url,
            scep_url: &profile.scep_url,
            sign_message,
            challenge,
            device: enrollment.0,
            mode,
        };
        profile.xml(&self.pki)
    }

    /// Signs a profile, on a thread for blocking work because a private key operation takes long.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails or the work is aborted.
    pub async fn sign_profile(&self, xml: Vec<u8>) -> Result<Vec<u8>, EnrollmentProfileError> {
        let pki = self.pki.clone();
        Ok(tokio::task::spawn_blocking(move || pki.sign_profile(&xml)).await??)
    }
}

// Returns whether the device signs its messages. Older events do not record this. For them it follows from the recorded
// addresses: devices that present their identity in TLS use a separate listener, and SCEP never does.
fn signs_messages(profile: &ServedProfile) -> bool {
    let base = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    profile.sign_message.unwrap_or_else(|| base(&profile.check_in_url) == base(&profile.scep_url))
}

/// Returns whether a profile states that it is for an iPhone or iPad (`TargetDeviceType`).
pub fn names_target(version: Option<OsVersion>) -> bool {
    version.is_some_and(|version| version >= FIRST_TARGET)
}

/// Returns the prefix of identifiers for a URL: `com.example.enroll` for `https://enroll.example.com`.
pub fn reverse_dns(public_url: &str) -> String {
    let url = Url::parse(public_url).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or("localhost");
    let plain = |label: &str| label.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>();
    host.split('.').rev().map(plain).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::{reverse_dns, signs_messages};
    use decisions::examples::profile;
    use events::enrollment::{EnrollmentKind, ServedProfile};

    #[test]
    fn identifiers_begin_with_the_host_backwards() {
        assert_eq!(reverse_dns("https://enroll.example.com:8443/"), "com.example.enroll");
        assert_eq!(reverse_dns("https://[::1]:8443"), "1");
        assert_eq!(reverse_dns("https://localhost"), "localhost");
    }

    #[test]
    fn a_profile_served_before_it_was_recorded_says_by_its_addresses_whether_messages_are_signed() {
        let at = |check_in_url: &str, sign_message| ServedProfile {
            check_in_url: check_in_url.into(),
            scep_url: "https://enroll.example.com/scep".into(),
            sign_message,
            ..profile(EnrollmentKind::DeviceEnrollment)
        };
        let (same, own) = ("https://enroll.example.com/mdm/checkin", "https://devices.example.com/mdm/checkin");
        assert!(signs_messages(&at(same, None)) && !signs_messages(&at(own, None)));
        assert!(
            !signs_messages(&at(same, Some(false))) && signs_messages(&at(own, Some(true))),
            "what is recorded counts"
        );
        assert!(!signs_messages(&at("https://enroll.example.com:8444/mdm/checkin", None)));
    }
}
