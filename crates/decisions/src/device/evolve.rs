//! The state of a device after an event. Every event gives a state.

use super::{CommandState, Device, Phase, QueuedCommand, Renewal, claim};
use events::device::{BodyHash, CommandId, CommandStatus, DeviceEvent, PushAddress};

pub(super) fn evolve(mut device: Device, event: &DeviceEvent) -> Device {
    if let Some(body) = body(event) {
        device.seen.insert(body.clone());
    }
    let replaced = device.replaced_push.take();
    match event {
        DeviceEvent::DeviceAuthenticated {
            person, identifiers, certificate, topic, os_version, product_name, ..
        } => {
            device.topic = Some(topic.clone());
            if device.phase.has_ended() {
                device.inventory.clear();
                device.apps.clear();
                // Certificates of the ended management are not valid for the new one.
                device.renewed.clear();
                claim::begin_anew(&mut device);
            }
            device.refused_messages.clear();
            device.refused_identities.clear();
            device.phase = Phase::Authenticated;
            device.left = false;
            // The hidden record was of the earlier management; the new one is visible.
            device.archived = false;
            device.person = Some(*person);
            device.former_identifiers.clear();
            device.identifiers = Some(identifiers.clone());
            device.certificate = Some(certificate.clone());
            device.os_version = *os_version;
            device.product_name.clone_from(product_name);
        }
        DeviceEvent::DeviceEnrolled { push, body } => {
            device.phase = Phase::Enrolled;
            device.push_told_by = Some(body.clone());
            set_push(&mut device, push);
        }
        DeviceEvent::PushTokenRenewed { push, body } => {
            device.replaced_push.clone_from(&device.push);
            device.push_told_by = Some(body.clone());
            set_push(&mut device, push);
        }
        DeviceEvent::IdentityRenewalRequested { command, challenge, challenge_expires } => {
            device.renewal = Some(Renewal {
                command: *command,
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                identity: None,
                over: false,
            });
        }
        DeviceEvent::IdentityRenewed { identity, challenge, .. } => {
            device.renewed.push(identity.clone());
            let renewal = device.renewal.as_mut().filter(|renewal| challenge.as_ref() == Some(&renewal.challenge));
            if let Some(renewal) = renewal {
                renewal.identity = Some(identity.clone());
            }
        }
        DeviceEvent::DeviceReauthenticated { identifiers, certificate, os_version, product_name, .. } => {
            device.reauthenticated = Some(certificate.clone());
            if !device.is(identifiers) {
                device.former_identifiers.extend(device.identifiers.replace(identifiers.clone()));
            }
            device.os_version = os_version.or(device.os_version);
            device.product_name = product_name.clone().or(device.product_name);
        }
        DeviceEvent::IdentityRenewalCompleted { fingerprint, .. } => {
            // With the TokenUpdate that completes it, or later with any other message.
            let is_told = device.reauthenticated.take().as_ref() == Some(fingerprint);
            turn_to(&mut device, fingerprint, replaced.filter(|_| is_told));
            end_renewal(&mut device);
        }
        DeviceEvent::IdentityRenewalFailed { .. } => end_renewal(&mut device),
        DeviceEvent::IdentityRolledBack { fingerprint, .. } => turn_to(&mut device, fingerprint, None),
        DeviceEvent::MdmCommandQueued { command, request_type, payload, unenrolls, priority, expires } => {
            device.wants_push = true;
            device.commands.push(QueuedCommand {
                id: *command,
                request_type: request_type.clone(),
                payload: payload.clone(),
                unenrolls: *unenrolls,
                priority: *priority,
                expires: *expires,
                status: CommandState::Queued,
                delivered: false,
                put_off: 0,
                answer: None,
                app: None,
                rejection: None,
            });
        }
        DeviceEvent::MdmCommandDelivered { command } => {
            set_status(&mut device, *command, CommandState::Delivered);
            // The device connected, on its own or after a push. Another push is only needed for commands that it has
            // not fetched yet.
            device.wants_push = device.commands.iter().any(|command| command.status == CommandState::Queued);
        }
        DeviceEvent::MdmCommandCancelled { command } => call_off(&mut device, *command, CommandState::Cancelled),
        DeviceEvent::MdmCommandExpired { command } => call_off(&mut device, *command, CommandState::Expired),
        DeviceEvent::MdmCommandAnswered { command, status: CommandStatus::NotNow, .. } => {
            set_status(&mut device, *command, CommandState::Deferred);
            device.put_offs += 1;
            let put_offs = device.put_offs;
            if let Some(command) = find(&mut device, *command) {
                command.put_off = put_offs;
                command.answer = Some(CommandStatus::NotNow);
            }
            device.wants_push_again = true;
        }
        DeviceEvent::MdmCommandAnswered { command, status, rejection, .. } => {
            set_status(&mut device, *command, CommandState::Answered);
            if let Some(command) = find(&mut device, *command) {
                command.answer = Some(*status);
                command.rejection = *rejection;
            }
        }
        DeviceEvent::MdmAnswerUnreadable { command, in_part: false, .. } => {
            set_status(&mut device, *command, CommandState::Answered);
        }
        // The rest is in `MdmCommandAnswered`.
        DeviceEvent::MdmAnswerUnreadable { in_part: true, .. } => {}
        DeviceEvent::MdmResultTooLarge { command, .. } => {
            if let Some(command) = command {
                set_status(&mut device, *command, CommandState::Answered);
            }
            // The device received no further command, even if others are waiting.
            let waits = device.waiting().next().is_some();
            device.wants_push_again |= waits;
        }
        DeviceEvent::ManagedAppReported { app, status, command } => {
            device.apps.insert(app.clone(), *status);
            if let Some(command) = command.and_then(|command| find(&mut device, command)) {
                command.app = Some(app.clone());
            }
        }
        DeviceEvent::InventoryReported { changes } => {
            device.inventory.extend(changes.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        DeviceEvent::DeviceHeardFrom {} | DeviceEvent::DeviceEventsSuppressed { .. } => {}
        DeviceEvent::DeviceFieldsLeftOut { fields } => device.left_out.extend(fields.iter().cloned()),
        DeviceEvent::DevicePushed { put_off_since, .. } => {
            device.put_offs_at_push = device.put_offs;
            device.wants_push = false;
            device.wants_push_again &= put_off_since;
        }
        // A dead token remains dead until a TokenUpdate; after any other failure a later push is worth a try.
        DeviceEvent::PushFailed { unregistered_since, .. } => {
            device.wants_push = false;
            device.wants_push_again = unregistered_since.is_none();
            device.push_is_dead = unregistered_since.is_some();
        }
        DeviceEvent::DeviceMessageRefused { why } => drop(device.refused_messages.insert(*why)),
        DeviceEvent::IdentityRenewalRefused { why } => drop(device.refused_identities.insert(*why)),
        DeviceEvent::DeviceCheckedOut { .. } => {
            device.left = true;
            end(&mut device, Phase::CheckedOut);
        }
        DeviceEvent::DeviceUnenrolled { .. } => end(&mut device, Phase::Unenrolled),
        DeviceEvent::DeviceSuperseded { by, evidence, revivable_until } => {
            let before = claim::keep(&device, *by, *evidence, *revivable_until);
            end(&mut device, Phase::Superseded);
            device.revivable = before;
        }
        DeviceEvent::DeviceRevived { superseded_by } => return claim::bring_back(device, *superseded_by),
        DeviceEvent::HardwareClaimNoted { others, .. } => device.claims.others.extend(others),
        DeviceEvent::HardwareClaimDismissed { other } => {
            device.claims.dismissed.insert(*other);
        }
        DeviceEvent::HardwareAttestationRequested { command, again_after } => {
            device.claims.asked = Some(*command);
            device.claims.ask_again_after = Some(*again_after);
        }
        DeviceEvent::HardwareAttested { .. } => {
            device.claims.asked = None;
            device.claims.attested = true;
        }
        DeviceEvent::HardwareAttestationRefused { .. } => device.claims.asked = None,
        DeviceEvent::RecordArchived {} => device.archived = true,
        DeviceEvent::RecordRestored {} => device.archived = false,
    }
    device
}

fn body(event: &DeviceEvent) -> Option<&BodyHash> {
    match event {
        DeviceEvent::DeviceAuthenticated { body, .. }
        | DeviceEvent::DeviceEnrolled { body, .. }
        | DeviceEvent::PushTokenRenewed { body, .. }
        | DeviceEvent::DeviceReauthenticated { body, .. }
        | DeviceEvent::MdmCommandAnswered { body, .. }
        | DeviceEvent::MdmAnswerUnreadable { body, .. }
        | DeviceEvent::MdmResultTooLarge { body: Some(body), .. }
        | DeviceEvent::DeviceCheckedOut { body } => Some(body),
        DeviceEvent::MdmResultTooLarge { body: None, .. }
        | DeviceEvent::IdentityRenewed { .. }
        | DeviceEvent::IdentityRenewalRequested { .. }
        | DeviceEvent::IdentityRenewalCompleted { .. }
        | DeviceEvent::IdentityRenewalFailed { .. }
        | DeviceEvent::IdentityRolledBack { .. }
        | DeviceEvent::MdmCommandQueued { .. }
        | DeviceEvent::MdmCommandDelivered { .. }
        | DeviceEvent::MdmCommandCancelled { .. }
        | DeviceEvent::MdmCommandExpired { .. }
        | DeviceEvent::ManagedAppReported { .. }
        | DeviceEvent::InventoryReported { .. }
        | DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::DevicePushed { .. }
        | DeviceEvent::PushFailed { .. }
        | DeviceEvent::DeviceUnenrolled { .. }
        | DeviceEvent::DeviceSuperseded { .. }
        | DeviceEvent::DeviceRevived { .. }
        | DeviceEvent::HardwareClaimNoted { .. }
        | DeviceEvent::HardwareClaimDismissed { .. }
        | DeviceEvent::HardwareAttestationRequested { .. }
        | DeviceEvent::HardwareAttested { .. }
        | DeviceEvent::HardwareAttestationRefused { .. }
        | DeviceEvent::RecordArchived {}
        | DeviceEvent::IdentityRenewalRefused { .. }
        | DeviceEvent::DeviceMessageRefused { .. }
        | DeviceEvent::DeviceFieldsLeftOut { .. }
        | DeviceEvent::DeviceEventsSuppressed { .. }
        | DeviceEvent::RecordRestored {} => None,
    }
}

// A TokenUpdate without UnlockToken keeps the earlier one (mdm/checkin/tokenupdate.yaml).
fn set_push(device: &mut Device, push: &PushAddress) {
    let unlock_token = push.unlock_token.clone().or_else(|| device.push.take().and_then(|before| before.unlock_token));
    device.push = Some(PushAddress { unlock_token, ..push.clone() });
    device.push_is_dead = false;
    // If commands are waiting, the device is woken with its new token, even if a push to the old one failed or
    // succeeded.
    let waits = device.waiting().next().is_some();
    device.wants_push = waits;
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
        set_push(device, &push);
    }
}

fn end_renewal(device: &mut Device) {
    if let Some(renewal) = &mut device.renewal {
        renewal.over = true;
    }
}

fn find(device: &mut Device, id: CommandId) -> Option<&mut QueuedCommand> {
    device.commands.iter_mut().find(|command| command.id == id)
}

fn set_status(device: &mut Device, id: CommandId, status: CommandState) {
    if let Some(command) = find(device, id) {
        command.status = status;
        command.delivered |= status == CommandState::Delivered;
    }
}

// No push is needed if this was the last waiting command.
fn call_off(device: &mut Device, id: CommandId, status: CommandState) {
    set_status(device, id, status);
    let waits = device.waiting().next().is_some();
    device.wants_push &= device.commands.iter().any(|command| command.status == CommandState::Queued);
    device.wants_push_again &= waits;
}

// The first end remains: a CheckOut after Muster's RemoveProfile does not make the person the one who ended management.
fn end(device: &mut Device, phase: Phase) {
    if !device.phase.has_ended() {
        device.phase = phase;
    }
    device.revivable = None;
    device.wants_push = false;
    device.wants_push_again = false;
    device.renewal = None;
    device.reauthenticated = None;
    device.in_use = None;
    device.former_pushes.clear();
    // Commands of this management are not sent in the next one: an old RemoveProfile would end it at once.
    for command in &mut device.commands {
        command.status = CommandState::Ended;
    }
}
