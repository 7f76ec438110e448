//! The state of a device after an event. Every event gives a state.
//!
//! The match lists every event, grouped by subject. It has no wildcard, so the compiler reports an event that is
//! missing. An event with a `body` adds it to [`Device::seen`].

mod answers;
mod claims;
mod commands;
mod end;
mod enrollment;
mod push;
mod renewal;

use super::{CommandState, Device, Phase};
use events::device::{DeviceEvent as Event, PushAddress};

pub(super) fn evolve(mut device: Device, event: &Event) -> Device {
    let replaced = device.replaced_push.take();
    apply(&mut device, event, replaced);
    device
}

// `replaced`: the push address that the preceding event replaced, if it did.
fn apply(device: &mut Device, event: &Event, replaced: Option<PushAddress>) {
    match event {
        // Enrollment and the end of management.
        Event::DeviceAuthenticated {
            person,
            identifiers,
            certificate,
            topic,
            os_version,
            build_version: _,
            product_name,
            body,
        } => {
            enrollment::begin(device, *person, topic, body);
            enrollment::identify(device, identifiers, certificate, *os_version, product_name);
        }
        Event::DeviceEnrolled { push, body } => enrollment::enroll(device, push, body),
        Event::DeviceCheckedOut { body } => end::check_out(device, body),
        Event::DeviceUnenrolled { by: _ } => end::end(device, Phase::Unenrolled),

        // Push address and push notifications.
        Event::PushTokenRenewed { push, body } => push::renew(device, push, body),
        Event::DevicePushed { apns_id: _, put_off_since } => push::send(device, *put_off_since),
        Event::PushFailed { unregistered_since, .. } => push::fail(device, *unregistered_since),

        // Commands and their answers.
        Event::MdmCommandQueued { command, request_type, payload, unenrolls, priority, expires } => {
            commands::queue(device, *command, request_type, payload, *unenrolls, *priority, *expires);
        }
        Event::MdmCommandDelivered { command } => commands::deliver(device, *command),
        Event::MdmCommandCancelled { command } => commands::call_off(device, *command, CommandState::Cancelled),
        Event::MdmCommandExpired { command } => commands::call_off(device, *command, CommandState::Expired),
        Event::MdmCommandAnswered { command, status, errors: _, rejection, body } => {
            answers::answer(device, *command, *status, *rejection, body);
        }
        Event::MdmAnswerUnreadable { command, why: _, in_part, body } => {
            answers::unreadable(device, *command, *in_part, body);
        }
        Event::MdmResultTooLarge { command, bytes: _, body } => answers::too_large(device, *command, body.as_ref()),
        Event::ManagedAppReported { app, status, command } => answers::report_app(device, app, *status, *command),
        Event::InventoryReported { changes } => {
            device.inventory.extend(changes.iter().map(|(key, value)| (key.clone(), value.clone())));
        }

        // Renewal of the identity.
        Event::IdentityRenewalRequested { command, challenge, challenge_expires } => {
            renewal::request(device, *command, challenge, *challenge_expires);
        }
        Event::IdentityRenewed { identity, transaction: _, challenge } => {
            renewal::issue(device, identity, challenge.as_ref());
        }
        Event::DeviceReauthenticated { identifiers, certificate, os_version, build_version: _, product_name, body } => {
            renewal::reauthenticate(device, identifiers, certificate, *os_version, product_name, body);
        }
        Event::IdentityRenewalCompleted { fingerprint, .. } => renewal::complete(device, fingerprint, replaced),
        Event::IdentityRenewalFailed { why: _ } => renewal::end(device),
        Event::IdentityRolledBack { fingerprint, .. } => renewal::roll_back(device, fingerprint),

        // Other records of the same hardware.
        Event::DeviceSuperseded { by, evidence, revivable_until } => {
            claims::supersede(device, *by, *evidence, *revivable_until);
        }
        Event::DeviceRevived { superseded_by } => claims::revive(device, *superseded_by),
        Event::HardwareClaimNoted { others, count: _ } => device.claims.others.extend(others),
        Event::HardwareClaimDismissed { other } => {
            device.claims.dismissed.insert(*other);
        }
        Event::HardwareAttestationRequested { command, again_after } => {
            claims::request_attestation(device, *command, *again_after);
        }
        Event::HardwareAttested { .. } => claims::attest(device),
        Event::HardwareAttestationRefused { .. } => device.claims.asked = None,

        // Record keeping.
        Event::DeviceMessageRefused { why } => {
            device.refused_messages.insert(*why);
        }
        Event::IdentityRenewalRefused { why } => {
            device.refused_identities.insert(*why);
        }
        Event::DeviceFieldsLeftOut { fields } => device.left_out.extend(fields.iter().cloned()),
        Event::DeviceHeardFrom {} => device.contact_watched = false,
        Event::ContactWatchBegun { .. } => device.contact_watched = true,
        Event::DeviceEventsSuppressed { .. } => {}
        Event::RecordArchived {} => device.archived = true,
        Event::RecordRestored {} => device.archived = false,
        Event::EarlierViewsCleared { record, views } => device.cleared.entry(*record).or_default().extend(views),
    }
}
