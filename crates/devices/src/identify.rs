//! Resolves a client certificate to the enrolled device.

use crate::Devices;
use decisions::device::Device;
use decisions::enrollment::{Credentials, EnrollmentProfile};
use events::device::DeviceId;
use events::enrollment::IssuedCertificate;
use events::person::PersonId;
use events::store::ReadError;
use events::{Actor, ActorKind, Revision};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::X509Ref;
use platform::context::Context;
use platform::{Loaded, Platform};
use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;
use telemetry::Alarm;

/// An identified device.
pub struct Known {
    pub device: DeviceId,
    pub person: PersonId,
    /// Profile for which the device's identity was issued.
    pub profile: EnrollmentProfile,
    /// SHA-256 of the certificate, lower-case hex.
    pub fingerprint: String,
    pub state: Arc<Device>,
    /// Revision of the device's stream when it was read.
    pub revision: Option<Revision>,
    /// Credentials of the enrollment in which the device was enrolled.
    pub credentials: Arc<Credentials>,
}

impl Known {
    /// Returns the record of the certificate that the device uses. Reads the enrollment if that issued it.
    ///
    /// # Errors
    /// Returns an error if the enrollment cannot be read.
    pub async fn identity(&self, platform: &Platform) -> Result<Option<IssuedCertificate>, ReadError> {
        let uses = |identity: &&IssuedCertificate| identity.fingerprint == self.fingerprint;
        if let Some(renewed) = self.state.renewed.iter().find(uses) {
            return Ok(Some(renewed.clone()));
        }
        let enrollment = platform.enrollment(self.device.enrollment()).await?;
        let issued = enrollment.identity.as_ref().map(|identity| &identity.certificate);
        Ok(issued.filter(uses).cloned())
    }

    /// Returns the device as it was read, for [`Platform::perform_from`](platform::Platform::perform_from).
    pub fn loaded(&self) -> Loaded<Device> {
        (Arc::clone(&self.state), self.revision)
    }

    /// Returns the context of an action of this device. The address `source` is encrypted under the person's key.
    pub fn context(&self, source: Option<IpAddr>) -> Context {
        let actor = Actor::new(ActorKind::Device, self.device);
        Context::of(actor, source.map(|address| (address, self.person.key())), self.device.0)
    }
}

/// Reason why a certificate identifies no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    #[error("the certificate is foreign, expired, revoked or was never issued")]
    Stranger,
    /// An error of the server: the log cannot be read, or a certificate that Muster issued has no stream.
    #[error("the device's streams cannot be read")]
    Unavailable,
}

/// Finds the device to which a certificate was issued. Writes nothing, so the caller may verify the signature of the
/// message later.
///
/// # Errors
/// Returns an error if the certificate is not a valid identity of a device, or its streams cannot be read.
pub async fn identify(devices: &Devices, certificate: &X509Ref) -> Result<Known, Unidentified> {
    let Some(uuid) = devices.pki.device_of(certificate) else { return Err(Unidentified::Stranger) };
    if !is_in_time(certificate, devices.platform.world.now().0.div_euclid(1_000_000)) {
        return Err(Unidentified::Stranger);
    }
    let device = DeviceId(uuid);
    // Later log messages about this request name the device.
    tracing::Span::current().record("device.id", tracing::field::display(device));
    // Limited, because a device repeats its requests and damage does not disappear.
    let unreadable = |error: ReadError| {
        if devices.unreadable_devices.tells(devices.platform.world.now(), device) {
            tracing::error!(device.id = %device, %error, "the streams of a device cannot be read: its requests get 503 until they can be read");
        }
        Unidentified::Unavailable
    };
    let streams = (device.enrollment().stream(), device.stream());
    let loaded = devices.platform.load_both::<Credentials, Device>((&streams.0, &streams.1)).await;
    let ((credentials, _), loaded) = loaded.map_err(unreadable)?;
    let fingerprint = pki::fingerprint(certificate);
    known(device, credentials, loaded, fingerprint).inspect_err(|why| {
        if *why == Unidentified::Unavailable {
            // Either the log was reset to an older state, or the CA also signs for another log. The devices must not be
            // told to unenroll, because that would end the management of all of them.
            devices.platform.metrics.alarm(Alarm::ValidCertificateWithoutStream);
            if devices.unreadable_devices.tells(devices.platform.world.now(), device) {
                tracing::error!(device.id = %device, "a valid certificate that this server issued names a device without a stream");
            }
        }
    })
}

fn known(
    device: DeviceId,
    credentials: Arc<Credentials>,
    (state, revision): Loaded<Device>,
    fingerprint: String,
) -> Result<Known, Unidentified> {
    let person = credentials.owner().ok_or(Unidentified::Unavailable)?;
    let identity = credentials.identity().ok_or(Unidentified::Stranger)?;
    let renewed = || state.renewed.iter().any(|renewed| renewed.fingerprint == fingerprint);
    if identity.fingerprint != fingerprint && !renewed() {
        return Err(Unidentified::Stranger);
    }
    let profile = identity.profile.clone();
    Ok(Known { device, person, profile, fingerprint, state, revision, credentials })
}

// Returns whether a certificate is valid at `unix`, in seconds since 1970. The start has a tolerance of one minute,
// because the clock may have been set back a little since the certificate was signed.
pub fn is_in_time(certificate: &X509Ref, unix: i64) -> bool {
    let order = |bound: &Asn1TimeRef, unix| Asn1Time::from_unix(unix).and_then(|now| bound.compare(&now));
    let begun = order(certificate.not_before(), unix + 60).is_ok_and(|order| order != Ordering::Greater);
    begun && order(certificate.not_after(), unix).is_ok_and(|order| order != Ordering::Less)
}
