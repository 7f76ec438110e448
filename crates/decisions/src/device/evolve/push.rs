//! Events of the push address and of push notifications.

use super::super::Device;
use events::Timestamp;
use events::device::{BodyHash, PushAddress};

/// A message with this body reported the address.
pub(super) fn report(device: &mut Device, push: &PushAddress, body: &BodyHash) {
    device.seen.insert_check_in(body);
    device.push_told_by = Some(body.clone());
    set(device, push);
}

pub(super) fn renew(device: &mut Device, push: &PushAddress, body: &BodyHash) {
    device.replaced_push.clone_from(&device.push);
    report(device, push, body);
}

/// Sets the address. A TokenUpdate without UnlockToken keeps the earlier one (mdm/checkin/tokenupdate.yaml).
pub(super) fn set(device: &mut Device, push: &PushAddress) {
    let unlock_token = push.unlock_token.clone().or_else(|| device.push.take().and_then(|before| before.unlock_token));
    device.push = Some(PushAddress { unlock_token, ..push.clone() });
    device.push_dead_since = None;
    // If commands are waiting, the device is woken with its new token, even if a push to the old one failed or
    // succeeded.
    let waits = device.waiting().next().is_some();
    device.wants_push = waits;
}

pub(super) fn send(device: &mut Device, put_off_since: bool) {
    device.put_offs_at_push = device.put_offs;
    device.wants_push = false;
    device.wants_push_again &= put_off_since;
}

/// A dead token remains dead until a TokenUpdate; after any other failure a later push is worth a try.
pub(super) fn fail(device: &mut Device, unregistered_since: Option<Timestamp>) {
    device.wants_push = false;
    device.wants_push_again = unregistered_since.is_none();
    device.push_dead_since = unregistered_since;
}
