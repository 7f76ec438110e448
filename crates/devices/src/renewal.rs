//! Renews identities before they expire. Devices do not renew them on their own: the server sends the device its
//! enrollment profile again, built from the values recorded when it was first served, with a challenge that is valid
//! for this renewal only. The device gets a new identity by SCEP and sends `Authenticate` and `TokenUpdate` with it. If
//! a step fails, the device keeps its current identity.

use crate::Devices;
use crate::commands::{self, build};
use crate::enrollment_profile::{EnrollmentProfileError, Serving};
use decisions::device::{Command, Device, Refusal};
use decisions::enrollment::Enrollment;
use events::device::{CommandId, DeviceId};
use events::enrollment::ServedProfile;
use events::settings::Settings;
use events::store::Appended;
use platform::PerformError;
use platform::context::Context;
use platform::named_secret::{self, Kind};
use platform::secrets::hash;
use plist::Dictionary;
use telemetry::Alarm;

/// Time in which the device must fetch and use the profile. It may be long, because the challenge is stored sealed in
/// the device's queue and sent only to that device. A device that was off during the holidays can still renew its
/// identity.
const CHALLENGE_SECONDS: i64 = 28 * 86_400;

#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    #[error(transparent)]
    Perform(#[from] PerformError<Refusal>),
    #[error(transparent)]
    Profile(#[from] EnrollmentProfileError),
    #[error("the command cannot be written as a property list: {0}")]
    Unwritable(#[from] plist::Error),
}

impl Devices {
    /// Queues a command with this id that sends a device its enrollment profile again. A repeated call has no further
    /// effect, and no other renewal starts while one is in progress. If no valid profile can be built, records a
    /// failure.
    ///
    /// # Errors
    /// Returns an error if the device is not enrolled, the profile cannot be built or signed, or the log cannot be read
    /// or written.
    pub async fn request_renewal(
        &self,
        device: DeviceId,
        id: CommandId,
        context: &Context,
    ) -> Result<Option<Appended>, RenewalError> {
        let state = self.platform.device(device).await.map_err(PerformError::Read)?;
        let enrollment = self.platform.enrollment(device.enrollment()).await.map_err(PerformError::Read)?;
        let identity = enrollment_identity(&enrollment, &state)?;
        let settings = self.settings.current().await.map_err(PerformError::Read)?;
        let secret = self.platform.world.secret();
        let challenge = named_secret::text(Kind::Renewal, device.0, &secret);
        let install = self.install_enrollment_profile(device, &state, identity, &settings, &challenge).await;
        let wrong = match &install {
            Ok(install) => commands::wrong_for_renewal(install, identity, &state),
            // The recorded values no longer make a profile: the Managed Apple ID of an erased person is gone.
            Err(EnrollmentProfileError::Profile(error)) => vec![error.to_string()],
            Err(_) => vec![],
        };
        let command = if wrong.is_empty() {
            Command::RequestRenewal {
                id,
                payload: commands::payload(&install?, "InstallProfile", device)?,
                challenge: hash(&secret),
                challenge_expires: self.platform.world.now().plus_seconds(CHALLENGE_SECONDS),
            }
        } else {
            self.platform.metrics.alarm(Alarm::IdentityNotRenewable);
            tracing::error!(device.id = %device, why = wrong.join("; "), "the identity of a device cannot be renewed");
            Command::RefuseRenewal
        };
        Ok(self.platform.perform::<Device>(&device.stream(), &command, context).await?.appended)
    }

    async fn install_enrollment_profile(
        &self,
        device: DeviceId,
        state: &Device,
        profile: &ServedProfile,
        settings: &Settings,
        challenge: &str,
    ) -> Result<Dictionary, EnrollmentProfileError> {
        let serving = Serving {
            enrollment: device.enrollment(),
            profile,
            organization: &settings.organization,
            challenge,
            version: state.version(),
        };
        let xml = self.enrollment_profile_xml(&serving)?;
        Ok(build::install_profile(&self.sign_profile(xml).await?))
    }
}

fn enrollment_identity<'a>(
    enrollment: &'a Enrollment,
    state: &Device,
) -> Result<&'a ServedProfile, PerformError<Refusal>> {
    let identity = enrollment.identity.as_ref().map(|identity| &identity.profile);
    identity.ok_or(PerformError::Refused(Refusal::NotEnrolled(state.phase)))
}
