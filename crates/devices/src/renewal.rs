//! Renews identities ahead of their expiry (design §8, "Identity"). No device does so by itself: it is sent its enrollment
//! profile anew, made of what was recorded when it was served, with a challenge that is good for this renewal alone. It
//! gets another identity by SCEP and says `Authenticate` and `TokenUpdate` with it; whatever fails, it keeps the one it has.

use crate::Devices;
use crate::commands::{self, build};
use crate::enrollment_profile::{EnrollmentProfileError, Serving};
use decisions::device::{Command, Device, Refusal};
use decisions::visit::Visit;
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

/// How long the device has to come for the profile. It lies in the device's own queue, sealed, and is handed to nobody
/// else, so it may be long: a device that was away for the holidays finds it when it is back.
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
    /// Sends a device its enrollment profile anew, by a command with this id. Twice is once, and while a renewal is under
    /// way no other begins. What Apple permits no profile for is written down as a failure.
    ///
    /// # Errors
    /// If the device is not enrolled, the profile cannot be made, or the log cannot be used.
    pub async fn request_renewal(
        &self,
        device: DeviceId,
        id: CommandId,
        context: &Context,
    ) -> Result<Option<Appended>, RenewalError> {
        let state = self.platform.device(device).await.map_err(PerformError::Read)?;
        let visit = self.platform.visit(device.enrollment()).await.map_err(PerformError::Read)?;
        let identity = visit_identity(&visit, &state)?;
        let settings = self.settings.current().await.map_err(PerformError::Read)?;
        let secret = self.platform.world.secret();
        let challenge = named_secret::text(Kind::Renewal, device.0, &secret);
        let install = self.install_enrollment_profile(device, &state, identity, &settings, &challenge).await;
        let wrong = match &install {
            Ok(install) => commands::wrong_for_renewal(install, identity, &state),
            // What is recorded makes no profile any more: a person who was erased took the Managed Apple ID along.
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

fn visit_identity<'a>(visit: &'a Visit, state: &Device) -> Result<&'a ServedProfile, PerformError<Refusal>> {
    let identity = visit.identity.as_ref().map(|identity| &identity.profile);
    identity.ok_or(PerformError::Refused(Refusal::NotEnrolled(state.phase)))
}
