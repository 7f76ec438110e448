//! Events of `Authenticate` and of the first `TokenUpdate`: a management begins.

use super::super::{Device, Phase};
use super::{claims, push};
use events::device::{BodyHash, DeviceIdentifiers, PushAddress};
use events::enrollment::OsVersion;
use events::person::PersonId;

/// Begins a management: the profile is being installed.
pub(super) fn begin(device: &mut Device, person: PersonId, topic: &str, body: &BodyHash) {
    device.seen.insert_check_in(body);
    if device.phase.has_ended() {
        device.inventory.clear();
        device.apps.clear();
        // Certificates of the ended management are not valid for the new one.
        device.renewed.clear();
        claims::reset(device);
    }
    device.refused_messages.clear();
    device.refused_identities.clear();
    device.phase = Phase::Authenticated;
    device.left = false;
    // The hidden record was of the earlier management; the new one is visible.
    device.archived = false;
    device.person = Some(person);
    device.topic = Some(topic.to_owned());
}

/// Notes what the device that begins the management reported about itself.
pub(super) fn identify(
    device: &mut Device,
    identifiers: &DeviceIdentifiers,
    certificate: &str,
    os_version: Option<OsVersion>,
    product_name: &Option<String>,
) {
    device.former_identifiers.clear();
    device.identifiers = Some(identifiers.clone());
    device.certificate = Some(certificate.to_owned());
    device.os_version = os_version;
    device.product_name.clone_from(product_name);
}

pub(super) fn enroll(device: &mut Device, push: &PushAddress, body: &BodyHash) {
    device.phase = Phase::Enrolled;
    push::report(device, push, body);
}
