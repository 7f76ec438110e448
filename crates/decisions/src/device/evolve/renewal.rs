//! Events of the renewal of the identity.

use super::super::{Device, Renewal};
use super::push;
use events::Timestamp;
use events::device::{BodyHash, CommandId, DeviceIdentifiers, PushAddress};
use events::enrollment::{IssuedCertificate, OsVersion, SecretHash};

pub(super) fn request(device: &mut Device, command: CommandId, challenge: &SecretHash, challenge_expires: Timestamp) {
    let challenge = challenge.clone();
    device.renewal = Some(Renewal { command, challenge, challenge_expires, identity: None, over: false });
}

/// `challenge`: the challenge of the renewal; `None` if the device renewed on its own, by RenewalReq.
pub(super) fn issue(device: &mut Device, identity: &IssuedCertificate, challenge: Option<&SecretHash>) {
    device.renewed.push(identity.clone());
    let renewal = device.renewal.as_mut().filter(|renewal| challenge == Some(&renewal.challenge));
    if let Some(renewal) = renewal {
        renewal.identity = Some(identity.clone());
    }
}

pub(super) fn reauthenticate(
    device: &mut Device,
    identifiers: &DeviceIdentifiers,
    certificate: &str,
    os_version: Option<OsVersion>,
    product_name: &Option<String>,
    body: &BodyHash,
) {
    device.seen.insert_check_in(body);
    device.reauthenticated = Some(certificate.to_owned());
    if !device.is(identifiers) {
        device.former_identifiers.extend(device.identifiers.replace(identifiers.clone()));
    }
    device.os_version = os_version.or(device.os_version);
    device.product_name = product_name.clone().or(device.product_name.take());
}

/// `replaced`: the address that the preceding event replaced, if it did.
pub(super) fn complete(device: &mut Device, fingerprint: &str, replaced: Option<PushAddress>) {
    // With the TokenUpdate that completes it, or later with any other message.
    let is_told = device.reauthenticated.take().as_deref() == Some(fingerprint);
    turn_to(device, fingerprint, replaced.filter(|_| is_told));
    end(device);
}

pub(super) fn end(device: &mut Device) {
    if let Some(renewal) = &mut device.renewal {
        renewal.over = true;
    }
}

pub(super) fn roll_back(device: &mut Device, fingerprint: &str) {
    turn_to(device, fingerprint, None);
}

// The TokenUpdate that completes a renewal reports another PushMagic. A device that returned to its earlier certificate
// listens to the earlier PushMagic, and may repeat the earlier message, which is ignored as a repetition. `replaced`:
// the earlier address, if the new one was just reported.
fn turn_to(device: &mut Device, fingerprint: &str, replaced: Option<PushAddress>) {
    let turned = device.in_use.replace(fingerprint.to_owned()).or_else(|| device.certificate.clone());
    let is_told = replaced.is_some();
    if let (Some(before), Some(push)) = (turned, replaced.or_else(|| device.push.clone())) {
        device.former_pushes.insert(before, push);
    }
    let own = device.former_pushes.remove(fingerprint).filter(|_| !is_told);
    if let Some(push) = own {
        push::set(device, &push);
    }
}
