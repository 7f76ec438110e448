//! Results of push notifications, and the comparison of push addresses.

use super::super::{Device, Phase};
use events::Timestamp;
use events::device::{BodyHash, DeviceEvent, PushAddress};
use events::personal::{Gone, Personal};

pub(super) fn record(
    device: &Device,
    apns_id: &Option<String>,
    again: bool,
    put_offs: Option<u64>,
) -> Vec<DeviceEvent> {
    if !device.wants(again) {
        return vec![];
    }
    let put_off_since = put_offs.is_some_and(|before| before < device.put_offs);
    vec![DeviceEvent::DevicePushed { apns_id: apns_id.clone(), put_off_since }]
}

/// `to`: the address that the notification was sent to.
pub(super) fn record_failure(
    device: &Device,
    to: &PushAddress,
    status: Option<u16>,
    reason: &str,
    unregistered_since: Option<Timestamp>,
    again: bool,
) -> Vec<DeviceEvent> {
    let is_current = device.push.as_ref().is_some_and(|push| same_address(push, to));
    if !device.wants(again) || !is_current {
        return vec![];
    }
    vec![DeviceEvent::PushFailed { status, reason: reason.to_owned(), unregistered_since }]
}

/// Returns whether a `TokenUpdate` with the address `now` changes nothing.
pub(super) fn same_address(before: &PushAddress, now: &PushAddress) -> bool {
    let unlock_unchanged = now.unlock_token.is_none() || now.unlock_token == before.unlock_token;
    before.token == now.token && before.push_magic == now.push_magic && unlock_unchanged
}

/// Returns whether this is the address that APNs reported as dead.
pub(super) fn is_back(device: &Device, push: &PushAddress) -> bool {
    let same = device.push.as_ref().is_some_and(|before| same_address(before, push));
    device.phase == Phase::Enrolled && device.push_dead_since.is_some() && same
}

/// Returns whether this message reported the current address, whose key was lost since. A message that reported an
/// earlier address does not count.
pub(super) fn tells_lost_address(device: &Device, body: &BodyHash) -> bool {
    let is_lost = |text: &Personal<String>| text.gone() == Some(Gone::Lost);
    let lost = device.push.as_ref().is_some_and(|push| is_lost(&push.token) || is_lost(&push.push_magic));
    device.phase == Phase::Enrolled && lost && device.push_told_by.as_ref() == Some(body)
}
