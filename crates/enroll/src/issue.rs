//! Issues device identities, each exactly once: sign the certificate, append the event, and only then answer
//! (ARCHITECTURE.md, "A walk through one enrollment"). If requests race, the one whose event is appended first wins.
//! The others read the stream again and answer with the winner's certificate, but only for the same key.

use crate::Enroll;
use crate::entitled::may_go_on;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use decisions::device::{self, Device, Phase};
use decisions::enrollment::{self, Enrollment};
use devices::ByDeviceError;
use devices::identify::{Unidentified, identify};
use events::device::DeviceId;
use events::enrollment::{EnrollmentId, IdentityRefusal, IssuedCertificate, SecretHash};
use events::system::RefusalEvent;
use events::{Actor, ActorKind, Timestamp};
use openssl::pkey::{PKey, Public};
use openssl::x509::X509;
use pki::Issued;
use platform::Loaded;
use platform::PerformError;
use platform::context::Context;
use platform::named_secret::{self, Kind};
use std::net::IpAddr;
use std::sync::Arc;

/// Lifetime of an identity certificate in days. Devices do not renew it on their own, and a device whose certificate
/// expired can no longer be managed. Therefore the lifetime is long, and certificates are renewed long before they
/// expire.
pub const IDENTITY_DAYS: u32 = 3 * 365;

/// Lifetime of a verification identity in days. The device uses it at once, to request the MDM profile.
const VERIFICATION_DAYS: u32 = 1;

/// The data of a request for an identity, without its authorization.
pub struct Wanted {
    pub public_key: PKey<Public>,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
    pub key_hash: String,
    /// The transaction id of the SCEP request.
    pub transaction: String,
    pub source: Option<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The request is refused, also if it is repeated. The refusal is recorded.
    #[error("the device is refused an identity")]
    Refused(IdentityRefusal),
    /// Nothing is decided. The device may try again.
    #[error("{0}")]
    Unavailable(String),
}

fn unavailable(error: impl std::fmt::Display) -> IssueError {
    IssueError::Unavailable(error.to_string())
}

/// The stream that a refusal is written to.
enum Asking {
    /// No stream of an enrollment or device, because the request contains no valid challenge of one.
    Stranger,
    Enrollment(EnrollmentId, Context),
    Device(DeviceId, Context),
}

fn of_enrollment(refusal: &enrollment::Refusal) -> IdentityRefusal {
    match refusal {
        // The challenge belongs to this enrollment. It ended when an identity was issued for another challenge.
        enrollment::Refusal::ChallengeUsed | enrollment::Refusal::UnknownChallenge => IdentityRefusal::ChallengeUsed,
        enrollment::Refusal::ExpiredChallenge => IdentityRefusal::ChallengeExpired,
        enrollment::Refusal::DeviceEnrolled => IdentityRefusal::DeviceEnrolled,
        _ => IdentityRefusal::EnrollmentEnded,
    }
}

fn of_device(refusal: &device::Refusal) -> IdentityRefusal {
    match refusal {
        device::Refusal::ChallengeUsed => IdentityRefusal::ChallengeUsed,
        device::Refusal::ExpiredChallenge => IdentityRefusal::ChallengeExpired,
        device::Refusal::UnknownChallenge => IdentityRefusal::ChallengeUnknown,
        _ => IdentityRefusal::DeviceNotEnrolled,
    }
}

impl Enroll {
    /// Issues an identity for a valid challenge: the first identity of a device, or a new one at a renewal.
    ///
    /// # Errors
    /// Returns `Refused` if the challenge is unknown, expired or used by another key, the device is enrolled, its
    /// management has ended, or the person who signed in may no longer enroll. Returns `Unavailable` if the log cannot
    /// be read or written, or the certificate cannot be signed.
    pub async fn issue_identity(&self, challenge: &str, wanted: Wanted) -> Result<X509, IssueError> {
        if let Some((device, challenge)) = named_secret::parse(Kind::Renewal, challenge) {
            return self.issue_renewal(DeviceId(device), challenge, wanted).await;
        }
        let (unknown, source) = (IdentityRefusal::ChallengeUnknown, wanted.source);
        let Some((id, challenge)) = named_secret::parse(Kind::Challenge, challenge) else {
            return Err(self.refuse_identity(Asking::Stranger, unknown, source).await);
        };
        let id = EnrollmentId(id);
        let enrollment = self.platform.enrollment(id).await.map_err(unavailable)?;
        let Some(owner) = enrollment.owner() else {
            return Err(self.refuse_identity(Asking::Stranger, unknown, source).await);
        };
        let device = id.device();
        let context = Context::of(
            Actor::new(ActorKind::Device, device),
            wanted.source.map(|address| (address, owner.person.key())),
            id.0,
        );
        // Certificates are signed only for challenges that were given out, so that guesses cost no signature.
        let verifies = enrollment.verifications.iter().any(|verification| verification.challenge == challenge);
        if !verifies && !enrollment.served(&challenge) {
            return Err(self.refuse_identity(Asking::Stranger, unknown, source).await);
        }
        let asking = Asking::Enrollment(id, context.clone());
        // A profile may have been served before the account was disabled.
        if !may_go_on(self, &enrollment).await.map_err(unavailable)? {
            return Err(self.refuse_identity(asking, IdentityRefusal::NotPermitted, source).await);
        }
        let state = self.platform.device(device).await.map_err(unavailable)?;
        let device_enrolled = state.lives_by_its_identity(self.platform.world.now());
        // If the management that began with this challenge has ended, a repeated request is refused too.
        let issued = enrollment.identity.as_ref().filter(|identity| identity.challenge == challenge);
        let has_left = state.phase.has_ended() && !device_enrolled;
        if has_left && issued.is_some_and(|issued| state.certificate.as_ref() == Some(&issued.certificate.fingerprint))
        {
            return Err(self.refuse_identity(asking, IdentityRefusal::EnrollmentEnded, source).await);
        }
        if verifies {
            return self.issue_verification_identity(id, challenge, wanted, &context, device_enrolled).await;
        }
        let now = self.platform.world.now();
        let certificate = match &enrollment.identity {
            // A repeated request: devices repeat it if an answer was lost. Nothing needs to be signed.
            Some(known) if known.challenge == challenge => {
                IssuedCertificate { key_hash: wanted.key_hash.clone(), ..known.certificate.clone() }
            }
            _ => recorded(&self.sign(device, wanted.public_key, now, IDENTITY_DAYS).await?)?,
        };
        let transaction = wanted.transaction;
        let command = enrollment::Command::IssueIdentity { now, challenge, transaction, certificate, device_enrolled };
        let performed = match self.platform.perform::<Enrollment>(&id.stream(), &command, &context).await {
            Ok(performed) => performed,
            Err(PerformError::Refused(refusal)) => {
                return Err(self.refuse_identity(asking, of_enrollment(&refusal), source).await);
            }
            Err(error) => return Err(unavailable(error)),
        };
        let identity = performed
            .state
            .identity
            .as_ref()
            .ok_or_else(|| unavailable("the issued identity is missing in the stream"))?;
        parse(&identity.certificate)
    }

    async fn issue_renewal(&self, device: DeviceId, challenge: SecretHash, wanted: Wanted) -> Result<X509, IssueError> {
        let loaded = self.platform.load::<Device>(&device.stream()).await.map_err(unavailable)?;
        let state = loaded.0.clone();
        // Guesses cost no signature.
        let renewal = state.renewal.as_ref().filter(|renewal| renewal.challenge == challenge);
        let source = wanted.source;
        let (Some(renewal), Some(person)) = (renewal, state.person) else {
            return Err(self.refuse_identity(Asking::Stranger, IdentityRefusal::ChallengeUnknown, source).await);
        };
        let now = self.platform.world.now();
        let identity = match renewal.identity.clone() {
            // A repeated request: devices repeat it if an answer was lost. Nothing needs to be signed.
            Some(issued) => IssuedCertificate { key_hash: wanted.key_hash.clone(), ..issued },
            None => recorded(&self.sign(device, wanted.public_key, now, IDENTITY_DAYS).await?)?,
        };
        let context = Context::of(
            Actor::new(ActorKind::Device, device),
            wanted.source.map(|address| (address, person.key())),
            device.0,
        );
        let (transaction, issue) = (wanted.transaction, challenge.clone());
        let command = device::Command::IssueRenewal { now, challenge: issue, identity, transaction };
        let state = self.renew(device, loaded, &command, context, source).await?;
        let renewal = state.renewal.as_ref().filter(|renewal| renewal.challenge == challenge);
        let issued = renewal.and_then(|renewal| renewal.identity.as_ref());
        parse(issued.ok_or_else(|| unavailable("the issued identity is missing in the stream"))?)
    }

    /// Issues a new identity for a device that signed the request with its current identity.
    ///
    /// # Errors
    /// Returns `Refused` if `signer` is not the current certificate of the device, or the device is not enrolled.
    /// Returns `Unavailable` if the log cannot be read or written, the device has used up its budget of events, or the
    /// certificate cannot be signed.
    pub async fn renew_identity(&self, device: DeviceId, signer: &X509, wanted: Wanted) -> Result<X509, IssueError> {
        let source = wanted.source;
        let known = match identify(&self.devices, signer).await {
            Ok(known) if known.device == device => known,
            Ok(_) | Err(Unidentified::Stranger) => {
                return Err(self.refuse_identity(Asking::Stranger, IdentityRefusal::CertificateUnknown, source).await);
            }
            Err(why @ Unidentified::Unavailable) => return Err(unavailable(why)),
        };
        if known.state.phase != Phase::Enrolled {
            let asking = Asking::Device(device, known.context(source));
            return Err(self.refuse_identity(asking, IdentityRefusal::DeviceNotEnrolled, source).await);
        }
        // Signing is expensive. Nothing is signed if the device already has a certificate for this key, or has used up
        // its budget of events.
        let expected_end = self.platform.world.now().plus_seconds(i64::from(IDENTITY_DAYS) * 86_400);
        if let Some(before) = known.state.renewal_of(&wanted.key_hash, expected_end) {
            return parse(before);
        }
        if !self.devices.device_has_room(device, "IdentityRenewed") {
            return Err(unavailable("the device has used up its budget of events"));
        }
        let identity =
            recorded(&self.sign(device, wanted.public_key, self.platform.world.now(), IDENTITY_DAYS).await?)?;
        let command = device::Command::RenewIdentity { identity: identity.clone(), transaction: wanted.transaction };
        let state = self.renew(device, known.loaded(), &command, known.context(source), source).await?;
        let renewed = state.renewal_of(&identity.key_hash, identity.not_after);
        parse(renewed.ok_or_else(|| unavailable("the renewed identity is missing in the stream"))?)
    }

    // Issues the identity that verifies a device before it gets the MDM profile. A device is never managed by it.
    async fn issue_verification_identity(
        &self,
        id: EnrollmentId,
        challenge: SecretHash,
        wanted: Wanted,
        context: &Context,
        device_enrolled: bool,
    ) -> Result<X509, IssueError> {
        let (now, transaction) = (self.platform.world.now(), wanted.transaction);
        let signed = self.sign(id.device(), wanted.public_key, now, VERIFICATION_DAYS).await?;
        let command = enrollment::Command::IssueVerificationIdentity {
            now,
            challenge: challenge.clone(),
            transaction,
            certificate: recorded(&signed)?,
            device_enrolled,
        };
        let enrollment = match self.platform.perform::<Enrollment>(&id.stream(), &command, context).await {
            Ok(performed) => performed.state,
            Err(PerformError::Refused(refusal)) => {
                let asking = Asking::Enrollment(id, context.clone());
                return Err(self.refuse_identity(asking, of_enrollment(&refusal), wanted.source).await);
            }
            Err(error) => return Err(unavailable(error)),
        };
        let issued = enrollment.verifications.iter().find(|verification| verification.challenge == challenge);
        let identity = issued.and_then(|verification| verification.identity.as_ref());
        parse(identity.ok_or_else(|| unavailable("the issued identity is missing in the stream"))?)
    }

    async fn renew(
        &self,
        device: DeviceId,
        loaded: Loaded<Device>,
        command: &device::Command,
        context: Context,
        source: Option<IpAddr>,
    ) -> Result<Arc<Device>, IssueError> {
        match self.devices.perform_by_device::<Device>(device, &device.stream(), loaded, command, &context).await {
            Ok(performed) => Ok(performed.state),
            Err(ByDeviceError::Perform(PerformError::Refused(refusal))) => {
                Err(self.refuse_identity(Asking::Device(device, context), of_device(&refusal), source).await)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    // The refusal is stored before the device gets the answer.
    async fn refuse_identity(&self, asking: Asking, why: IdentityRefusal, source: Option<IpAddr>) -> IssueError {
        let told = match asking {
            Asking::Stranger => {
                let event = RefusalEvent::IdentityRequestRefused { why };
                self.sign_in.record_refusal_of_stranger(event, source).await.map(drop).map_err(unavailable)
            }
            Asking::Enrollment(id, context) => {
                let refuse = enrollment::Command::RefuseIdentity { why };
                let told = self.sign_in.record_or_count::<Enrollment>(&id.stream(), &refuse, &context, source).await;
                told.map(drop).map_err(unavailable)
            }
            Asking::Device(device, context) => {
                let refuse = device::Command::RefuseIdentity { why };
                self.sign_in
                    .record_or_count::<Device>(&device.stream(), &refuse, &context, source)
                    .await
                    .map(drop)
                    .map_err(unavailable)
            }
        };
        told.err().unwrap_or(IssueError::Refused(why))
    }

    async fn sign(&self, device: DeviceId, key: PKey<Public>, now: Timestamp, days: u32) -> Result<Issued, IssueError> {
        let (pki, seconds) = (self.devices.pki.clone(), now.0.div_euclid(1_000_000));
        tokio::task::spawn_blocking(move || pki.issue(&key, device.0, seconds, days))
            .await
            .map_err(unavailable)?
            .map_err(unavailable)
    }
}

fn recorded(issued: &Issued) -> Result<IssuedCertificate, IssueError> {
    Ok(IssuedCertificate {
        certificate: STANDARD.encode(issued.certificate.to_der().map_err(unavailable)?),
        serial: issued.serial.clone(),
        fingerprint: issued.fingerprint.clone(),
        key_hash: issued.key_hash.clone(),
        not_after: Timestamp(issued.not_after * 1_000_000),
    })
}

fn parse(recorded: &IssuedCertificate) -> Result<X509, IssueError> {
    X509::from_der(&STANDARD.decode(&recorded.certificate).map_err(unavailable)?).map_err(unavailable)
}
