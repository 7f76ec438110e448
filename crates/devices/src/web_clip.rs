//! Profiles with a Web Clip that leads to one invitation: builds and signs them, and puts one on a device that this
//! server still manages.

use crate::Devices;
use crate::commands::build::install_profile;
use crate::commands::{QueueError, Terms};
use crate::enrollment_profile::{EnrollmentProfileError, reverse_dns};
use decisions::device::Device;
use events::device::{CommandId, DeviceId};
use events::invitation::InvitationId;
use pki::profile::{Texts, WebClipProfile};
use platform::context::Context;
use platform::{PerformError, Performed};
use uuid::Uuid;

/// A Web Clip with the link of one generation of an invitation.
#[derive(Debug, Clone, Copy)]
pub struct WebClip<'a> {
    pub invitation: InvitationId,
    pub generation: u32,
    /// Address of the link, which begins with `https://`.
    pub url: &'a str,
}

/// Why a Web Clip was not put on a device.
#[derive(Debug, thiserror::Error)]
pub enum WebClipError {
    #[error(transparent)]
    Profile(#[from] EnrollmentProfileError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Devices {
    /// Builds and signs the profile. Its identifier is the same for each generation of an invitation, so a later one
    /// replaces an earlier one on the device.
    ///
    /// # Errors
    /// Returns an error if the address does not begin with `https://`, the settings cannot be read, or OpenSSL fails.
    pub async fn web_clip_profile(
        &self,
        clip: WebClip<'_>,
        organization: &str,
    ) -> Result<Vec<u8>, EnrollmentProfileError> {
        let label = format!("Move to {organization}");
        let description = format!("Leads to the enrollment of this device with {organization}.");
        let profile = WebClipProfile {
            texts: Texts { organization, display_name: &label, description: &description },
            identifier: &format!("{}.invitation.{}", reverse_dns(&self.platform.public_url), clip.invitation),
            profile_uuid: clip.uuid("profile"),
            url: clip.url,
            label: &label,
        };
        self.sign_profile(profile.xml()?).await
    }

    /// Queues the profile for a device that this server manages. Repeating a request queues nothing. `request`: id of
    /// the form.
    ///
    /// # Errors
    /// Returns a refusal if the device's kind of enrollment, version, access rights or state do not permit it, and an
    /// error if the profile cannot be made or a stream cannot be read or written.
    pub async fn put_web_clip(
        &self,
        device: DeviceId,
        clip: WebClip<'_>,
        request: Uuid,
        context: &Context,
    ) -> Result<(CommandId, Performed<Device>), WebClipError> {
        let settings = self.settings.current().await.map_err(|error| QueueError::from(PerformError::Read(error)))?;
        let file = self.web_clip_profile(clip, &settings.organization).await?;
        let id = CommandId(Uuid::new_v5(&request, device.to_string().as_bytes()));
        let command = install_profile(&file);
        let terms = Terms::usual("InstallProfile");
        Ok((id, self.queue_command_on(device, id, &command, terms, context).await?))
    }
}

impl WebClip<'_> {
    fn uuid(&self, name: &str) -> Uuid {
        Uuid::new_v5(&self.invitation.0, format!("{name}/{}", self.generation).as_bytes())
    }
}
