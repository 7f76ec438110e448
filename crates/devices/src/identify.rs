//! Who speaks: from the certificate that signed to the device's stream (design §8, "Identity").

use crate::Devices;
use decisions::device::Device;
use decisions::visit::Visit;
use events::device::DeviceId;
use events::enrollment::{IssuedCertificate, ServedProfile};
use events::person::PersonId;
use events::store::ReadError;
use events::{Actor, ActorKind, Revision};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::X509Ref;
use platform::Loaded;
use platform::context::Context;
use std::cmp::Ordering;
use std::net::IpAddr;
use telemetry::Alarm;

/// A device whose certificate opens its stream.
pub struct Known {
    pub device: DeviceId,
    pub person: PersonId,
    /// The profile that the device's identity was issued for.
    pub profile: ServedProfile,
    /// SHA-256 of the certificate, lower-case hex.
    pub fingerprint: String,
    pub state: Device,
    /// Where the device's stream stood when it was read.
    pub revision: Option<Revision>,
    /// The visit that brought it.
    pub visit: Visit,
}

impl Known {
    /// The certificate that it speaks with, as it was issued.
    pub fn identity(&self) -> Option<&IssuedCertificate> {
        let first = self.visit.identity.as_ref().map(|identity| &identity.certificate);
        first.into_iter().chain(&self.state.renewed).find(|identity| identity.fingerprint == self.fingerprint)
    }

    /// The device as it was read, to go on from.
    pub fn loaded(&self) -> Loaded<Device> {
        (self.state.clone(), self.revision)
    }

    /// The context of what this device does from `source`, an address that is personal.
    pub fn context(&self, source: Option<IpAddr>) -> Context {
        let actor = Actor::new(ActorKind::Device, self.device);
        Context::of(actor, source.map(|address| (address, self.person.key())), self.device.0)
    }
}

/// Why a certificate opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    #[error("the certificate is foreign, expired, revoked or was never handed out")]
    Stranger,
    /// Ours: the log cannot be read, or a certificate of ours has no stream.
    #[error("the device's streams cannot be read")]
    Unavailable,
}

/// Finds the device that a certificate stands for. The signature may still be unproven: nothing is done in its name here.
///
/// # Errors
/// See [`Unidentified`].
pub async fn identify(devices: &Devices, certificate: &X509Ref) -> Result<Known, Unidentified> {
    let Some(uuid) = devices.pki.device_of(certificate) else { return Err(Unidentified::Stranger) };
    if !is_in_time(certificate, devices.platform.world.now().0.div_euclid(1_000_000)) {
        return Err(Unidentified::Stranger);
    }
    let device = DeviceId(uuid);
    // What is logged from here on about this request names the device.
    tracing::Span::current().record("device.id", tracing::field::display(device));
    // A device asks again and again, and what is damaged stays so.
    let unreadable = |error: ReadError| {
        if devices.unreadable_devices.tells(devices.platform.world.now(), device) {
            tracing::error!(device.id = %device, %error, "the streams of a device cannot be read: it is answered 503 until they can");
        }
        Unidentified::Unavailable
    };
    let visit = devices.platform.visit(device.enrollment()).await.map_err(unreadable)?;
    let loaded = devices.platform.load(&device.stream()).await.map_err(unreadable)?;
    let fingerprint = pki::fingerprint(certificate);
    known(device, visit, loaded, fingerprint).inspect_err(|why| {
        if *why == Unidentified::Unavailable {
            // Either the log was set back to an older state or the CA signs for another log: management of every
            // device hangs on not telling them to go.
            devices.platform.metrics.alarm(Alarm::ValidCertificateWithoutStream);
            if devices.unreadable_devices.tells(devices.platform.world.now(), device) {
                tracing::error!(device.id = %device, "a valid certificate of ours names a device without a stream");
            }
        }
    })
}

fn known(
    device: DeviceId,
    visit: Visit,
    (state, revision): Loaded<Device>,
    fingerprint: String,
) -> Result<Known, Unidentified> {
    let (Some(_), Some(owner)) = (&visit.opened, visit.owner()) else { return Err(Unidentified::Unavailable) };
    let Some(identity) = &visit.identity else { return Err(Unidentified::Stranger) };
    let issued = identity.certificate.fingerprint == fingerprint;
    let renewed = || state.renewed.iter().any(|renewed| renewed.fingerprint == fingerprint);
    if !issued && !renewed() {
        return Err(Unidentified::Stranger);
    }
    let (person, profile) = (owner.person, identity.profile.clone());
    Ok(Known { device, person, profile, fingerprint, state, revision, visit })
}

// A minute of grace at the beginning: the clock may have been set back a little since the certificate was signed.
pub fn is_in_time(certificate: &X509Ref, unix: i64) -> bool {
    let order = |bound: &Asn1TimeRef, unix| Asn1Time::from_unix(unix).and_then(|now| bound.compare(&now));
    let begun = order(certificate.not_before(), unix + 60).is_ok_and(|order| order != Ordering::Greater);
    begun && order(certificate.not_after(), unix).is_ok_and(|order| order != Ordering::Less)
}
