//! Issues device identities, each exactly once (design §8, "Identity"): sign, append, and only then answer. Of requests that
//! race, the one whose event is appended first has won; the others read again and answer with the winner's certificate,
//! to the same key only.

use super::context::Context;
use super::identify::{Unidentified, identify};
use super::named_secret::{self, Kind};
use super::sign_in::may_go_on;
use super::{App, ByDeviceError, PerformError};
use crate::enrollment::device::{self, Device};
use crate::enrollment::visit::{self, Visit};
use crate::pki::Issued;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::DeviceId;
use events::enrollment::{EnrollmentId, IssuedCertificate, SecretHash};
use events::{Actor, ActorKind, Timestamp};
use openssl::pkey::{PKey, Public};
use openssl::x509::X509;
use std::net::IpAddr;

/// How long an identity is good for. Devices do not renew by themselves, and one that expired cannot speak to us any
/// more: long, and renewed long before.
pub const IDENTITY_DAYS: u32 = 3 * 365;

/// How long the identity is good for that a device is verified by: it asks for the MDM profile in the next moment.
const VERIFICATION_DAYS: u32 = 1;

/// The SCEP challenge of one serving of a profile. The secret is stored as its hash.
pub fn challenge(enrollment: EnrollmentId, secret: &str) -> String {
    named_secret::text(Kind::Challenge, enrollment.0, secret)
}

/// What a request for an identity gives besides its right to one.
pub struct Wanted {
    pub public_key: PKey<Public>,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
    pub key_hash: String,
    pub transaction: String,
    pub source: Option<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The answer is no, and will be.
    #[error("{0}")]
    Refused(String),
    /// Nothing is decided: the device tries again.
    #[error("{0}")]
    Unavailable(String),
}

fn unavailable(error: impl std::fmt::Display) -> IssueError {
    IssueError::Unavailable(error.to_string())
}

fn refused(why: impl std::fmt::Display) -> IssueError {
    IssueError::Refused(why.to_string())
}

impl<R: std::error::Error> From<PerformError<R>> for IssueError {
    fn from(error: PerformError<R>) -> IssueError {
        match error {
            PerformError::Refused(refusal) => refused(refusal),
            other => unavailable(other),
        }
    }
}

impl<R: std::error::Error> From<ByDeviceError<R>> for IssueError {
    fn from(error: ByDeviceError<R>) -> IssueError {
        match error {
            ByDeviceError::Spent => unavailable(error),
            ByDeviceError::Perform(error) => error.into(),
        }
    }
}

impl App {
    /// An identity for whoever knows a challenge that is still good: a first one, or another at a renewal.
    ///
    /// # Errors
    /// Refused: the challenge is unknown, expired or used by another key, the device is enrolled, or whoever signed in may
    /// not enroll any more.
    pub async fn issue_identity(&self, challenge: &str, wanted: Wanted) -> Result<X509, IssueError> {
        if let Some((device, challenge)) = named_secret::parse(Kind::Renewal, challenge) {
            return self.issue_renewal(DeviceId(device), challenge, wanted).await;
        }
        let (enrollment, challenge) =
            named_secret::parse(Kind::Challenge, challenge).ok_or_else(|| refused("not a challenge of ours"))?;
        let enrollment = EnrollmentId(enrollment);
        let visit = self.visit(enrollment).await.map_err(unavailable)?;
        let Some(owner) = visit.owner() else { return Err(refused("no such enrollment")) };
        let device = enrollment.device();
        let context = Context::of(
            Actor::new(ActorKind::Device, device),
            wanted.source.map(|address| (address, owner.person.key())),
            enrollment.0,
        );
        // A stranger's guess costs no signature: signing is for challenges that were handed out.
        let verifies = visit.verifications.iter().any(|verification| verification.challenge == challenge);
        if !verifies && !visit.servings.iter().any(|serving| serving.challenge == challenge) {
            return Err(refused(visit::Refusal::UnknownChallenge));
        }
        // A profile may have been served before the account was disabled.
        if !may_go_on(self, &visit).await.map_err(unavailable)? {
            return Err(refused("whoever signed in may not enroll any more"));
        }
        let device_enrolled = self.device(device).await.map_err(unavailable)?.lives_by_its_identity(self.world.now());
        if verifies {
            return self.issue_verification_identity(enrollment, challenge, wanted, &context, device_enrolled).await;
        }
        let now = self.world.now();
        let certificate = match &visit.identity {
            // Asked again with the same key, as devices do when an answer got lost: there is nothing to sign.
            Some(known) if known.challenge == challenge => {
                IssuedCertificate { key_hash: wanted.key_hash.clone(), ..known.certificate.clone() }
            }
            _ => recorded(&self.sign(device, wanted.public_key, now, IDENTITY_DAYS).await?)?,
        };
        let transaction = wanted.transaction;
        let command = visit::Command::IssueIdentity { now, challenge, transaction, certificate, device_enrolled };
        let performed = self.perform::<Visit>(&enrollment.stream(), &command, &context).await?;
        let identity =
            performed.state.identity.ok_or_else(|| unavailable("an identity was issued and is not there"))?;
        parse(&identity.certificate)
    }

    async fn issue_renewal(&self, device: DeviceId, challenge: SecretHash, wanted: Wanted) -> Result<X509, IssueError> {
        let state = self.device(device).await.map_err(unavailable)?;
        // A stranger's guess costs no signature.
        let renewal = state.renewal.filter(|renewal| renewal.challenge == challenge);
        let (Some(renewal), Some(person)) = (renewal, state.person) else {
            return Err(refused(device::Refusal::UnknownChallenge));
        };
        let now = self.world.now();
        let identity = match renewal.identity {
            // Asked again with the same key, as devices do when an answer got lost: there is nothing to sign.
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
        let state = self.perform::<Device>(&device.stream(), &command, &context).await?.state;
        let issued = state.renewal.filter(|renewal| renewal.challenge == challenge).and_then(|it| it.identity);
        parse(&issued.ok_or_else(|| unavailable("an identity was issued and is not there"))?)
    }

    /// Another identity for a device, by right of the one it signed with, which has to be in force.
    ///
    /// # Errors
    /// Refused: the old certificate is not in force, or the device is not enrolled.
    pub async fn renew_identity(&self, device: DeviceId, signer: &X509, wanted: Wanted) -> Result<X509, IssueError> {
        let known = identify(self, signer).await.map_err(|why| match why {
            Unidentified::Unavailable => unavailable(why),
            Unidentified::Stranger => refused(why),
        })?;
        if known.device != device {
            return Err(refused("the certificate is another device's"));
        }
        // Signing is what costs: not for a device that asks once more for the key that it got a certificate for, nor for one
        // that has used up its budget of events.
        let expected_end = self.world.now().plus_seconds(i64::from(IDENTITY_DAYS) * 86_400);
        if let Some(before) = known.state.renewal_of(&wanted.key_hash, expected_end) {
            return parse(before);
        }
        if !self.device_has_room(device, "IdentityRenewed") {
            return Err(unavailable("the device has used up its budget of events"));
        }
        let identity = recorded(&self.sign(device, wanted.public_key, self.world.now(), IDENTITY_DAYS).await?)?;
        let command = device::Command::RenewIdentity { identity: identity.clone(), transaction: wanted.transaction };
        let context = known.context(wanted.source);
        let (stream, loaded) = (device.stream(), known.loaded());
        let state = self.perform_by_device::<Device>(device, &stream, loaded, &command, &context).await?.state;
        let renewed = state.renewal_of(&identity.key_hash, identity.not_after);
        parse(renewed.ok_or_else(|| unavailable("an identity was renewed and is not there"))?)
    }

    // What a device is verified by before it gets the MDM profile. It is none of the identities that a device is managed by.
    async fn issue_verification_identity(
        &self,
        enrollment: EnrollmentId,
        challenge: SecretHash,
        wanted: Wanted,
        context: &Context,
        device_enrolled: bool,
    ) -> Result<X509, IssueError> {
        let (now, transaction) = (self.world.now(), wanted.transaction);
        let signed = self.sign(enrollment.device(), wanted.public_key, now, VERIFICATION_DAYS).await?;
        let command = visit::Command::IssueVerificationIdentity {
            now,
            challenge: challenge.clone(),
            transaction,
            certificate: recorded(&signed)?,
            device_enrolled,
        };
        let visit = self.perform::<Visit>(&enrollment.stream(), &command, context).await?.state;
        let issued = visit.verifications.into_iter().find(|verification| verification.challenge == challenge);
        let identity = issued.and_then(|verification| verification.identity);
        parse(&identity.ok_or_else(|| unavailable("an identity was issued and is not there"))?)
    }

    async fn sign(&self, device: DeviceId, key: PKey<Public>, now: Timestamp, days: u32) -> Result<Issued, IssueError> {
        let (pki, seconds) = (self.pki.clone(), now.0.div_euclid(1_000_000));
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
