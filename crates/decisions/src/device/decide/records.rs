//! What is recorded about a device without a change of its management: refusals, contacts, and whether the record is
//! hidden.

use super::super::{Device, Phase, Refusal};
use super::{Decision, enrolled};
use events::device::{DeviceEvent, DeviceId, MessageRefusal};
use events::enrollment::IdentityRefusal;
use events::record::RecordId;
use events::settings::ClearedView;
use std::collections::BTreeSet;

/// Number of earlier records of which a device hides parts: one of each source.
const MOST_CLEARED: usize = 32;

pub(super) fn refuse_identity(device: &Device, why: IdentityRefusal) -> Vec<DeviceEvent> {
    let is_told = device.refused_identities.contains(&why);
    if is_told { vec![] } else { vec![DeviceEvent::IdentityRenewalRefused { why }] }
}

pub(super) fn refuse_message(device: &Device, why: MessageRefusal) -> Vec<DeviceEvent> {
    let is_told = device.refused_messages.contains(&why);
    if is_told { vec![] } else { vec![DeviceEvent::DeviceMessageRefused { why }] }
}

pub(super) fn hear_from(device: &Device) -> Decision {
    enrolled(device)?;
    Ok(vec![DeviceEvent::DeviceHeardFrom {}])
}

// Of a device that is not enrolled, no contact is expected.
pub(super) fn watch_contact(device: &Device, successor: DeviceId) -> Vec<DeviceEvent> {
    let is_news = device.phase == Phase::Enrolled && !device.contact_watched;
    if is_news { vec![DeviceEvent::ContactWatchBegun { successor }] } else { vec![] }
}

pub(super) fn note_left_out(device: &Device, fields: &BTreeSet<String>) -> Vec<DeviceEvent> {
    let news: BTreeSet<String> = fields.difference(&device.left_out).cloned().collect();
    if news.is_empty() { vec![] } else { vec![DeviceEvent::DeviceFieldsLeftOut { fields: news }] }
}

pub(super) fn archive(device: &Device) -> Decision {
    known(device)?;
    Ok(if device.archived { vec![] } else { vec![DeviceEvent::RecordArchived {}] })
}

pub(super) fn restore(device: &Device) -> Decision {
    known(device)?;
    Ok(if device.archived { vec![DeviceEvent::RecordRestored {}] } else { vec![] })
}

pub(super) fn clear_views(device: &Device, record: RecordId, views: &BTreeSet<ClearedView>) -> Decision {
    known(device)?;
    let views: BTreeSet<ClearedView> = match device.cleared.get(&record) {
        Some(cleared) => views.difference(cleared).copied().collect(),
        None => views.clone(),
    };
    let is_news = !views.is_empty() && (device.cleared.contains_key(&record) || device.cleared.len() < MOST_CLEARED);
    Ok(if is_news { vec![DeviceEvent::EarlierViewsCleared { record, views }] } else { vec![] })
}

// Hiding must not create a record.
fn known(device: &Device) -> Result<(), Refusal> {
    if device.phase == Phase::Unknown { Err(Refusal::NotEnrolled(device.phase)) } else { Ok(()) }
}
