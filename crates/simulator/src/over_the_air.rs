//! What a device does with a Profile Service: it sends its attributes, gets an identity by SCEP, and with that
//! identity gets the profile that it installs ("Over-the-Air Profile Delivery and Configuration", phases 2 and 3).

use crate::acts::{Act, Watcher};
use crate::device::{Device, DeviceError};
use crate::inspection::{self, Given};
use crate::messages;
use crate::profile::{self, Profile, ProfileError, ProfileService};
use crate::scep;
use crate::signature::{self, Identity};
use std::time::Instant;

impl Device {
    /// Returns the profile that a Profile Service delivers in the end.
    ///
    /// # Errors
    /// Returns what the device would show.
    pub(crate) async fn fetch_over_the_air(
        &self,
        service: &ProfileService,
        watcher: &mut dyn Watcher,
    ) -> Result<Profile, DeviceError> {
        watcher.before(Act::BeVerified).await;
        let started = Instant::now();
        let identity = self.be_verified(service).await?;
        let found = self.ask_as_verified(service, &identity).await?;
        watcher.after(Act::BeVerified, started.elapsed(), &found.display_name).await;
        Ok(found)
    }

    /// Phase 2: returns the identity that the server gives to a device that sent its attributes.
    ///
    /// # Errors
    /// Returns what the device would show.
    pub async fn be_verified(&self, service: &ProfileService) -> Result<Identity, DeviceError> {
        let message = self.sign_built_in(&self.attributes(service))?;
        let profile = self.send_over_the_air(service, message, "the device's attributes").await?;
        let (Some(scep), None) = (&profile.scep, &profile.mdm) else {
            return Err(ProfileError::new("the server returned no profile with an identity and nothing else").into());
        };
        Ok(scep::enroll(&self.trust.client()?, scep, self.hardware.ios, &self.keys).await?)
    }

    /// Phase 3: returns the profile for this device. The request is signed with the identity of phase 2.
    ///
    /// # Errors
    /// Returns what the device would show.
    pub async fn ask_as_verified(&self, service: &ProfileService, by: &Identity) -> Result<Profile, DeviceError> {
        let message = signature::attached(&self.attributes(service), by, &[], self.style)?;
        let found = self.send_over_the_air(service, message, "the request for the profile").await?;
        // micromdm/micromdm#657.
        if found.mdm.as_ref().is_some_and(|mdm| mdm.managed_apple_id.is_some()) {
            return Err(ProfileError::new("Server returned a user enrolment profile").into());
        }
        Ok(found)
    }

    /// Returns the device's attributes, unsigned.
    pub fn attributes(&self, service: &ProfileService) -> Vec<u8> {
        let challenge = service.challenge.as_deref();
        messages::xml(&messages::device_attributes(&self.hardware, &self.name, &service.attributes, challenge))
    }

    /// Sends a signed message to a Profile Service and opens the profile in the answer.
    ///
    /// # Errors
    /// Returns what the device would show.
    pub async fn send_over_the_air(
        &self,
        service: &ProfileService,
        message: Vec<u8>,
        what: &str,
    ) -> Result<Profile, DeviceError> {
        let request = self.trust.client()?.post(&service.url).header("Content-Type", "application/pkcs7-signature");
        let answer = request.header("User-Agent", "Profile/1.0").body(message).send().await?;
        let content_type = inspection::content_type(&answer);
        let (status, body) = (answer.status().as_u16(), answer.bytes().await?.to_vec());
        let given = Given { to: &self.hardware, user_enrollment: None, content_type: &content_type, body: &body };
        inspection::show(&given);
        if status != 200 {
            let body = String::from_utf8_lossy(&body).into_owned();
            return Err(DeviceError::Refused { what: what.to_owned(), status, body });
        }
        let (dictionary, signed) = profile::open(&body)?;
        Ok(profile::check(dictionary, signed, self.hardware.ios)?)
    }
}
