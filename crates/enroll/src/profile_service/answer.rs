//! Answers the messages that a device sends to the Profile Service.

use crate::Enroll;
use crate::entitled::may_go_on;
use decisions::device::Phase;
use decisions::enrollment::{AttributesReport, Command, Enrollment, Refusal, ReportedDevice};
use decisions::hardware::Hardware;
use devices::ByDeviceError;
use devices::device_message::DeviceMessage;
use devices::enrollment_profile::{CHALLENGE_SECONDS, Recipient};
use devices::identify::is_in_time;
use events::device::DeviceId;
use events::enrollment::{DeviceAttributes, DeviceSignature, EnrollmentId, ProfileServiceRefusal, SecretHash};
use events::person::PersonId;
use events::personal::Personal;
use events::settings::Settings;
use events::store::ReadError;
use events::system::{DeviceRequestRefusal, RefusalEvent};
use events::{Actor, ActorKind};
use pki::fingerprint;
use platform::PerformError;
use platform::context::Context;
use platform::named_secret::{self, Kind};
use platform::secrets::hash;
use plist::{Dictionary, Value};
use std::net::IpAddr;
use std::sync::Arc;

/// Maximum length of a field in bytes. Longer than all real identifiers and models.
const LONGEST: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum ProfileServiceError {
    /// The message is invalid: devices do not send it.
    #[error("{0}")]
    NotUnderstood(&'static str),
    /// The request is refused, also if it is repeated. No stream of an enrollment records it.
    #[error("{0}")]
    Refused(String),
    /// Same as `Refused`, and the stream of the enrollment records it.
    #[error("{0}")]
    Explained(String),
    /// Nothing is decided. The device may try again.
    #[error("{0}")]
    Unavailable(String),
}

fn unavailable(error: impl std::fmt::Display) -> ProfileServiceError {
    ProfileServiceError::Unavailable(error.to_string())
}

fn refused(why: impl std::fmt::Display) -> ProfileServiceError {
    ProfileServiceError::Refused(why.to_string())
}

fn explained(why: impl std::fmt::Display) -> ProfileServiceError {
    ProfileServiceError::Explained(why.to_string())
}

impl From<PerformError<Refusal>> for ProfileServiceError {
    fn from(error: PerformError<Refusal>) -> ProfileServiceError {
        match error {
            PerformError::Refused(refusal) => refused(refusal),
            other => unavailable(other),
        }
    }
}

/// The enrollment of a device.
struct Found {
    id: EnrollmentId,
    enrollment: Arc<Enrollment>,
    person: PersonId,
    context: Context,
    device_enrolled: bool,
}

impl Enroll {
    /// Returns the signed profile for a message: the MDM profile if a verification identity signed the message,
    /// otherwise the profile that verifies the device.
    ///
    /// # Errors
    /// Returns a [`ProfileServiceError`] if the message is invalid, the request is refused, or the log cannot be read
    /// or written.
    pub async fn answer_profile_service(
        &self,
        message: DeviceMessage,
        source: Option<IpAddr>,
    ) -> Result<Vec<u8>, ProfileServiceError> {
        let served = match self.devices.pki.device_of(&message.signer) {
            Some(uuid) => self.serve_verified(EnrollmentId(uuid), &message, source).await,
            None => self.verify_device(&message, source).await,
        };
        let why = match &served {
            Err(ProfileServiceError::Refused(_)) => DeviceRequestRefusal::ProfileServiceUnknown,
            Err(ProfileServiceError::NotUnderstood(_)) => DeviceRequestRefusal::NotUnderstood,
            Ok(_) | Err(ProfileServiceError::Explained(_) | ProfileServiceError::Unavailable(_)) => return served,
        };
        let event = RefusalEvent::DeviceRequestRefused { why, device: None };
        self.sign_in.record_refusal_of_stranger(event, source).await.map_err(unavailable)?;
        served
    }

    async fn find(&self, id: EnrollmentId, source: Option<IpAddr>) -> Result<Found, ProfileServiceError> {
        let enrollment = self.platform.enrollment(id).await.map_err(unavailable)?;
        let Some(person) = enrollment.owner().map(|owner| owner.person) else {
            return Err(refused("no such enrollment"));
        };
        let actor = Actor::new(ActorKind::Device, id.device());
        let context = Context::of(actor, source.map(|address| (address, person.key())), id.0);
        let device = self.platform.device(id.device()).await.map_err(unavailable)?;
        let device_enrolled = device.lives_by_its_identity(self.platform.world.now());
        Ok(Found { id, enrollment, person, context, device_enrolled })
    }

    async fn perform_on(&self, found: &Found, command: &Command) -> Result<Arc<Enrollment>, ProfileServiceError> {
        let (device, stream) = (found.id.device(), found.id.stream());
        let loaded = self.platform.load::<Enrollment>(&stream).await.map_err(unavailable)?;
        match self.devices.perform_by_device::<Enrollment>(device, &stream, loaded, command, &found.context).await {
            Ok(performed) => Ok(performed.state),
            Err(ByDeviceError::Spent) => Err(unavailable(ByDeviceError::<Refusal>::Spent)),
            Err(ByDeviceError::Perform(error)) => Err(error.into()),
        }
    }

    // Phase 2: signed with the identity that was installed when the device was made.
    async fn verify_device(
        &self,
        message: &DeviceMessage,
        source: Option<IpAddr>,
    ) -> Result<Vec<u8>, ProfileServiceError> {
        let typed =
            text(&message.fields, "CHALLENGE").ok_or(ProfileServiceError::NotUnderstood("CHALLENGE is missing"))?;
        let (id, challenge) = named_secret::parse(Kind::ProfileService, typed)
            .ok_or_else(|| refused("not a CHALLENGE of this server"))?;
        let id = EnrollmentId(id);
        let found = self.find(id, source).await?;
        // A guessed challenge is not recorded in the stream of the enrollment.
        if found.enrollment.profile_service(&challenge).is_none() {
            return Err(refused(Refusal::UnknownChallenge));
        }
        if !may_go_on(self, &found.enrollment).await.map_err(unavailable)? {
            return Err(refused("the person who signed in may no longer enroll"));
        }
        let secret = self.platform.world.secret();
        let settings = self.settings.current().await.map_err(unavailable)?;
        let report = self.report(&found, challenge, message, &secret, &settings).await?;
        let xml = self.verification_profile_xml(id, &found.enrollment, &report, &settings.organization, &secret);
        let signed = self.devices.sign_profile(xml.map_err(unavailable)?).await.map_err(unavailable)?;
        let waits_for = report.scep_challenge.clone();
        let enrollment = self.perform_on(&found, &Command::ReportAttributes(Box::new(report))).await?;
        // The decision may have been a refusal, which is recorded then.
        if !enrollment.verifications.iter().any(|verification| verification.challenge == waits_for) {
            return Err(explained("the device may not enroll"));
        }
        Ok(signed)
    }

    async fn report(
        &self,
        found: &Found,
        challenge: SecretHash,
        message: &DeviceMessage,
        secret: &str,
        settings: &Settings,
    ) -> Result<AttributesReport, ProfileServiceError> {
        let attributes = attributes(&message.fields, found.person)?;
        let managed = self.managed_hardware(found.id.device(), &attributes).await?;
        let restricts = settings.reenrollment.authorized_people_only;
        let is_restricted = restricts && self.is_restricted(found, &managed).await?;
        let now = self.platform.world.now();
        Ok(AttributesReport {
            now,
            challenge,
            device: ReportedDevice {
                signature: message.signature,
                certificate: fingerprint(&message.signer),
                attributes,
            },
            genuine_devices_only: settings.profile_service.genuine_devices_only,
            limits: settings.limits.clone(),
            managed,
            is_restricted,
            profile_uuid: self.platform.world.random_uuid(),
            identity_uuid: self.platform.world.random_uuid(),
            scep_url: format!("{}/scep", self.platform.public_url.as_str()),
            scep_challenge: hash(secret),
            scep_challenge_expires: now.plus_seconds(CHALLENGE_SECONDS),
            device_enrolled: found.device_enrolled,
        })
    }

    // Returns the enrolled records of this hardware, which end when it enrolls again. A record that cannot be read
    // counts as enrolled. The result is only shown to the person and permits nothing.
    async fn managed_hardware(
        &self,
        device: DeviceId,
        attributes: &DeviceAttributes,
    ) -> Result<Vec<DeviceId>, ProfileServiceError> {
        let stream = self.devices.hardware_stream(attributes.udid.text());
        let hardware = match self.platform.load::<Hardware>(&stream).await {
            Ok((hardware, _)) => hardware,
            Err(error @ ReadError::Corrupt { .. }) => {
                tracing::warn!(%stream, %error, "the stream of this hardware cannot be read: the person is not told about earlier records");
                Arc::default()
            }
            Err(error) => return Err(unavailable(error)),
        };
        let mut managed = Vec::new();
        for earlier in hardware.before(device) {
            let device = self.platform.other_device(earlier).await.map_err(unavailable)?;
            if device.is_none_or(|device| device.phase == Phase::Enrolled) {
                managed.push(earlier);
            }
        }
        Ok(managed)
    }

    async fn is_restricted(&self, found: &Found, managed: &[DeviceId]) -> Result<bool, ProfileServiceError> {
        for earlier in managed {
            // A record that cannot be read restricts nobody.
            let device = self.platform.other_device(*earlier).await.map_err(unavailable)?;
            if device.is_some_and(|device| !found.enrollment.may_enroll_again(device.person)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // Phase 3: signed with the verification identity from phase 2.
    async fn serve_verified(
        &self,
        id: EnrollmentId,
        message: &DeviceMessage,
        source: Option<IpAddr>,
    ) -> Result<Vec<u8>, ProfileServiceError> {
        let seconds = self.platform.world.now().0.div_euclid(1_000_000);
        let by = fingerprint(&message.signer);
        let found = self.find(id, source).await?;
        let service = found.enrollment.verification(&by).map(|verification| verification.service.clone());
        let (Some(service), true) = (service, is_in_time(&message.signer, seconds)) else {
            return Err(refused(Refusal::NotVerified));
        };
        let refuse = |why| Command::RefuseProfileService { challenge: service.clone(), why };
        // The server's CA issued the certificate, but a certificate is public. Only the signature proves that the
        // sender has its key.
        if message.signature == DeviceSignature::Invalid {
            self.perform_on(&found, &refuse(ProfileServiceRefusal::SignatureInvalid)).await?;
            return Err(explained("the signature of the message is invalid"));
        }
        let same = |device: &ReportedDevice| text(&message.fields, "UDID").is_none_or(|udid| device.has_udid(udid));
        if !found.enrollment.verified(&by).is_some_and(same) {
            self.perform_on(&found, &refuse(ProfileServiceRefusal::AnotherDevice)).await?;
            return Err(explained(Refusal::AnotherDevice));
        }
        if !may_go_on(self, &found.enrollment).await.map_err(unavailable)? {
            return Err(refused("the person who signed in may no longer enroll"));
        }
        self.serve_mdm_profile(&found, by).await
    }

    async fn serve_mdm_profile(&self, found: &Found, by: String) -> Result<Vec<u8>, ProfileServiceError> {
        let settings = self.settings.current().await.map_err(unavailable)?;
        let to = Recipient {
            id: found.id,
            enrollment: &found.enrollment,
            version: found.enrollment.opened.as_ref().and_then(|opened| opened.platform.version),
            build: None,
            verified_by: Some(by),
            device_enrolled: found.device_enrolled,
        };
        let (signed, command) = self.devices.prepare_profile(to, &settings).await.map_err(unavailable)?;
        self.perform_on(found, &command).await?;
        Ok(signed)
    }
}

fn text<'a>(fields: &'a Dictionary, key: &str) -> Option<&'a str> {
    fields.get(key).and_then(Value::as_string).filter(|value| (1..=LONGEST).contains(&value.len()))
}

fn attributes(fields: &Dictionary, person: PersonId) -> Result<DeviceAttributes, ProfileServiceError> {
    let personal = |value: &str| Personal::new(person.key(), value.to_owned());
    let udid = text(fields, "UDID").ok_or(ProfileServiceError::NotUnderstood("UDID is missing or too long"))?;
    Ok(DeviceAttributes {
        udid: personal(udid),
        serial_number: text(fields, "SERIAL").map(personal),
        imei: text(fields, "IMEI").map(personal),
        meid: text(fields, "MEID").map(personal),
        product: text(fields, "PRODUCT").map(str::to_owned),
        build_version: text(fields, "VERSION").map(str::to_owned),
    })
}
