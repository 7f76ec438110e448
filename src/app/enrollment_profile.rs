//! The MDM profile of one enrollment: from what is recorded of it to the signed file, whoever fetches it and however often.

use super::App;
use super::issue::challenge;
use crate::pki::profile::{AccessRights, MdmProfile, Mode, ProfileError, Texts};
use events::enrollment::{EnrollmentId, OsVersion, ServedProfile};
use openssl::error::ErrorStack;
use url::Url;

/// `TargetDeviceType` is known from this version on.
const FIRST_TARGET: OsVersion = OsVersion::new(12, 2);

#[derive(Debug, thiserror::Error)]
pub enum EnrollmentProfileError {
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error("OpenSSL failed: {0}")]
    OpenSsl(#[from] ErrorStack),
    #[error("the work on another thread broke off: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// One serving of a recorded profile.
pub struct Serving<'a> {
    pub enrollment: EnrollmentId,
    pub profile: &'a ServedProfile,
    /// The organization that the profile names.
    pub organization: &'a str,
    /// The secret by which the device gets its identity; only its hash is recorded.
    pub secret: &'a str,
    /// The version of iOS, as far as it is known.
    pub version: Option<OsVersion>,
}

impl App {
    /// The profile as XML: everything that must never change comes from the record, not from today's configuration.
    ///
    /// # Errors
    /// If a device would refuse it, or OpenSSL fails.
    pub fn enrollment_profile_xml(&self, serving: &Serving<'_>) -> Result<Vec<u8>, ProfileError> {
        let Serving { enrollment, profile, organization, secret, version } = serving;
        let managed_apple_id = profile.managed_apple_id.as_ref().map(|id| id.text().to_owned()).unwrap_or_default();
        let mode = match profile.access_rights.and_then(AccessRights::new) {
            Some(access_rights) => Mode::DeviceEnrollment { access_rights },
            None => Mode::UserEnrollment { managed_apple_id: &managed_apple_id },
        };
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
            sign_message: self.config.devices.url.is_none(),
            challenge: &challenge(*enrollment, secret),
            device: enrollment.0,
            mode,
        };
        profile.xml(&self.pki)
    }

    /// Signs a profile. That takes a private key operation: it happens on a thread that answers nobody.
    ///
    /// # Errors
    /// If OpenSSL fails.
    pub async fn sign_profile(&self, xml: Vec<u8>) -> Result<Vec<u8>, EnrollmentProfileError> {
        let pki = self.pki.clone();
        Ok(tokio::task::spawn_blocking(move || pki.sign_profile(&xml)).await??)
    }
}

/// Whether a profile says that it is for an iPhone or iPad.
pub fn names_target(version: Option<OsVersion>) -> bool {
    version.is_some_and(|version| version >= FIRST_TARGET)
}

/// `enroll.example.com` as the beginning of identifiers: `com.example.enroll`.
pub fn reverse_dns(public_url: &str) -> String {
    let url = Url::parse(public_url).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or("localhost");
    let plain = |label: &str| label.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>();
    host.split('.').rev().map(plain).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::reverse_dns;

    #[test]
    fn identifiers_begin_with_the_host_backwards() {
        assert_eq!(reverse_dns("https://enroll.example.com:8443/"), "com.example.enroll");
        assert_eq!(reverse_dns("https://[::1]:8443"), "1");
        assert_eq!(reverse_dns("https://localhost"), "localhost");
    }
}
