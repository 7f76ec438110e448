//! Answers requests of account-driven devices for their profile: first without an access token, then with the token
//! from the sign-in.

use super::discovery::{family, mode};
use super::link::Purpose;
use crate::Enroll;
use crate::entitled::may_go_on;
use decisions::enrollment::{
    Command, Enrollment, FIRST_ACCOUNT_DRIVEN, FIRST_ACCOUNT_DRIVEN_DEVICE, MachineInformation, Presented, Step,
};
use decisions::limits;
use devices::enrollment_profile::Recipient;
use events::device::DeviceId;
use events::enrollment::{DeviceFamily, DeviceSignature, EnrollmentId, EnrollmentMode, EnrollmentRefusal, OsVersion};
use events::settings::Settings;
use events::store::AppendError;
use events::system::{DeviceRequestRefusal, RefusalEvent};
use events::{Actor, ActorKind};
use platform::context::Context;
use platform::named_secret::{self, Kind};
use std::net::IpAddr;

/// A request of a device for its profile.
pub struct Asking {
    /// The mode in the requested path.
    pub mode: EnrollmentMode,
    pub machine: MachineInformation,
    pub source: Option<IpAddr>,
}

/// Response to a device that requests its profile.
pub enum Served {
    /// The signed profile.
    Profile(Vec<u8>),
    /// The person must sign in first. Contains the value of `WWW-Authenticate`.
    SignIn(String),
    /// This device may not enroll.
    Refused(EnrollmentRefusal),
}

/// The request cannot be decided now. The text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ServeError(String);

fn unavailable(error: impl std::fmt::Display) -> ServeError {
    ServeError(error.to_string())
}

impl Enroll {
    /// Answers a device that requests its profile. `authorization` is the value of the `Authorization` header, if there
    /// is one. The properties of the device are checked before the person signs in. A refused token is recorded.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or written, or the profile cannot be created or signed.
    pub async fn serve_by_account(&self, asking: &Asking, authorization: Option<&str>) -> Result<Served, ServeError> {
        let settings = self.settings.current().await.map_err(unavailable)?;
        let family = match admissible(asking, &settings) {
            Ok(family) => family,
            Err(why) => {
                self.refuse_device(asking, why).await.map_err(unavailable)?;
                return Ok(Served::Refused(why));
            }
        };
        let Some(authorization) = authorization else { return Ok(self.sign_in(asking, family, &settings)) };
        let shown = named_secret::bearer(authorization).and_then(|token| named_secret::parse(Kind::Access, token));
        let Some((id, hash)) = shown else {
            self.refuse_token(asking, None, None).await.map_err(unavailable)?;
            return Ok(self.sign_in(asking, family, &settings));
        };
        let id = EnrollmentId(id);
        let enrollment = self.platform.enrollment(id).await.map_err(unavailable)?;
        let device = self.platform.device(id.device()).await.map_err(unavailable)?;
        let device_enrolled = device.lives_by_its_identity(self.platform.world.now());
        let presented = enrollment.tokens.presented(&hash, &settings.account_driven, self.platform.world.now(), false);
        // An enrolled device has its profile already. A request with its token starts a new enrollment.
        let goes_on = presented == Presented::Good
            && !device_enrolled
            && enrollment.account_driven == Some(asking.mode)
            && enrollment.step() == Step::HandOver
            && may_go_on(self, &enrollment).await.map_err(unavailable)?;
        if !goes_on {
            let device = enrollment.opened.is_some().then(|| id.device());
            self.refuse_token(asking, Some(id), device).await.map_err(unavailable)?;
            return Ok(self.sign_in(asking, family, &settings));
        }
        self.record_and_sign(asking, &settings, id, &enrollment).await.map(Served::Profile)
    }

    // Each sign-in starts a new enrollment.
    fn sign_in(&self, asking: &Asking, family: DeviceFamily, settings: &Settings) -> Served {
        let id = EnrollmentId(self.platform.world.uuid());
        let purpose = Purpose::Enroll { mode: asking.mode, family };
        Served::SignIn(self.authenticate(settings.account_driven.method, id, purpose))
    }

    async fn record_and_sign(
        &self,
        asking: &Asking,
        settings: &Settings,
        id: EnrollmentId,
        enrollment: &Enrollment,
    ) -> Result<Vec<u8>, ServeError> {
        let (version, build) = (asking.machine.os_version, asking.machine.build_version.as_deref());
        let to = Recipient { id, enrollment, version, build, verified_by: None, device_enrolled: false };
        let (signed, serve) = self.devices.prepare_profile(to, settings).await.map_err(unavailable)?;
        let receive = Command::ReceiveMachineInformation { machine: asking.machine.clone() };
        let actor = Actor::new(ActorKind::Device, id.device());
        let key = enrollment.owner().map(|owner| owner.person.key());
        let context = Context::of(actor, asking.source.zip(key), id.0);
        let (device, stream) = (id.device(), id.stream());
        for command in [receive, serve] {
            let loaded = self.platform.load::<Enrollment>(&stream).await.map_err(unavailable)?;
            self.devices
                .perform_by_device::<Enrollment>(device, &stream, loaded, &command, &context)
                .await
                .map_err(unavailable)?;
        }
        Ok(signed)
    }

    async fn refuse_device(&self, asking: &Asking, why: EnrollmentRefusal) -> Result<(), AppendError> {
        let product = asking.machine.product.clone();
        let refused = RefusalEvent::DeviceRefused { why, product };
        if self.sign_in.record_refusal_of_stranger(refused, asking.source).await? {
            let (source, mode) = (asking.source, asking.mode.as_str());
            tracing::warn!(?source, ?why, mode, "refused an account-driven enrollment");
        }
        Ok(())
    }

    // A client that sends a token has not proven to be the device of the token. `named` is the first part of the token,
    // which is not secret.
    async fn refuse_token(
        &self,
        asking: &Asking,
        named: Option<EnrollmentId>,
        device: Option<DeviceId>,
    ) -> Result<(), AppendError> {
        let refused = RefusalEvent::DeviceRequestRefused { why: DeviceRequestRefusal::TokenInvalid, device };
        if self.sign_in.record_refusal_of_stranger(refused, asking.source).await? {
            let (source, token) = (asking.source, named.map(|named| named.0));
            tracing::warn!(
                ?source,
                ?token,
                "refused the access token of a device that requests an account-driven enrollment"
            );
        }
        Ok(())
    }
}

// Checked before the sign-in, so that no person signs in on a device that cannot enroll.
fn admissible(asking: &Asking, settings: &Settings) -> Result<DeviceFamily, EnrollmentRefusal> {
    let Asking { mode: asked, machine, .. } = asking;
    let family = machine.product.as_deref().and_then(family).ok_or(EnrollmentRefusal::AccountDrivenNotOffered)?;
    if mode(settings, family) != Some(*asked) {
        return Err(EnrollmentRefusal::AccountDrivenNotOffered);
    }
    if settings.account_driven.genuine_devices_only && machine.signature != DeviceSignature::Genuine {
        return Err(EnrollmentRefusal::NotGenuine);
    }
    let by_model = machine.product.as_deref().and_then(|model| limits::model(&settings.limits, model));
    let by_version = match (machine.os_version, machine.build_version.as_deref()) {
        (Some(version), _) => {
            too_old(*asked, version).or_else(|| limits::version(&settings.limits, asked.ownership(), version))
        }
        (None, Some(build)) => of_build(*asked, build, settings),
        (None, None) => None,
    };
    by_model.or(by_version).map_or(Ok(family), Err)
}

// Before iOS 17 a device reports only its build, which does not determine the exact version. The rest is checked at
// `Authenticate`.
fn of_build(mode: EnrollmentMode, build: &str, settings: &Settings) -> Option<EnrollmentRefusal> {
    let major = limits::major_of_build(build)?;
    too_old(mode, OsVersion::new(major, 0)).or_else(|| limits::build(&settings.limits, mode.ownership(), build))
}

fn too_old(mode: EnrollmentMode, version: OsVersion) -> Option<EnrollmentRefusal> {
    let first = match mode {
        EnrollmentMode::Byod => FIRST_ACCOUNT_DRIVEN,
        EnrollmentMode::Adde => FIRST_ACCOUNT_DRIVEN_DEVICE,
    };
    (version < first).then_some(EnrollmentRefusal::VersionTooOld)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::enrollment::Ownership;
    use events::settings::{Limits, VersionRange};

    fn asking(mode: EnrollmentMode, product: &str, version: &str) -> Asking {
        let machine = MachineInformation {
            signature: DeviceSignature::UnknownIssuer,
            product: Some(product.into()),
            build_version: None,
            os_version: OsVersion::parse(version),
        };
        Asking { mode, machine, source: None }
    }

    fn admitted(asking: &Asking, settings: &Settings) -> Result<DeviceFamily, EnrollmentRefusal> {
        admissible(asking, settings)
    }

    #[test]
    fn given_the_defaults_then_iphones_and_ipads_enroll_as_personal_ones() {
        let settings = Settings::default();
        let byod = EnrollmentMode::Byod;
        assert_eq!(admitted(&asking(byod, "iPhone17,2", "18.2"), &settings), Ok(DeviceFamily::IPhone));
        assert_eq!(admitted(&asking(byod, "iPad13,1", "15.0"), &settings), Ok(DeviceFamily::IPad));
        let elsewhere = Err(EnrollmentRefusal::AccountDrivenNotOffered);
        assert_eq!(admitted(&asking(EnrollmentMode::Adde, "iPhone17,2", "18.2"), &settings), elsewhere);
        assert_eq!(admitted(&asking(byod, "Mac14,2", "15.0"), &settings), elsewhere);
    }

    #[test]
    fn given_a_version_that_cannot_then_it_is_told_before_anybody_signs_in() {
        let mut settings = Settings::default();
        let byod = EnrollmentMode::Byod;
        assert_eq!(admitted(&asking(byod, "iPhone8,1", "14.8"), &settings), Err(EnrollmentRefusal::VersionTooOld));
        settings.account_driven.families.insert(DeviceFamily::IPhone, Ownership::Institutional);
        assert_eq!(
            admitted(&asking(EnrollmentMode::Adde, "iPhone14,5", "16.7"), &settings),
            Err(EnrollmentRefusal::VersionTooOld)
        );
        let minimum = VersionRange { minimum: OsVersion::parse("17.0"), maximum: None };
        let limits = Limits { versions: [(Ownership::Personal, minimum)].into(), ..Limits::default() };
        let settings = Settings { limits, ..Settings::default() };
        assert_eq!(
            admitted(&asking(byod, "iPhone14,5", "16.7"), &settings),
            Err(EnrollmentRefusal::VersionBelowMinimum)
        );
    }

    #[test]
    fn given_a_build_alone_then_only_what_it_settles_is_refused() {
        let of_build = |build: &str| {
            let mut asking = asking(EnrollmentMode::Byod, "iPhone14,5", "none");
            asking.machine.build_version = Some(build.into());
            asking
        };
        let minimum = VersionRange { minimum: OsVersion::parse("16.5"), maximum: None };
        let limits = Limits { versions: [(Ownership::Personal, minimum)].into(), ..Limits::default() };
        let settings = Settings { limits, ..Settings::default() };
        assert_eq!(admitted(&of_build("20H18"), &settings), Ok(DeviceFamily::IPhone), "it may be 16.7");
        assert_eq!(admitted(&of_build("19H12"), &settings), Err(EnrollmentRefusal::VersionBelowMinimum));
        assert_eq!(admitted(&of_build("18H17"), &Settings::default()), Err(EnrollmentRefusal::VersionTooOld));
    }

    #[test]
    fn given_that_only_genuine_devices_may_then_others_may_not() {
        let mut settings = Settings::default();
        settings.account_driven.genuine_devices_only = true;
        let mut asking = asking(EnrollmentMode::Byod, "iPhone17,2", "18.2");
        assert_eq!(admitted(&asking, &settings), Err(EnrollmentRefusal::NotGenuine));
        asking.machine.signature = DeviceSignature::Genuine;
        assert_eq!(admitted(&asking, &settings), Ok(DeviceFamily::IPhone));
    }
}
