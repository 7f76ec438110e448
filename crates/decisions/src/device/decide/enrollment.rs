//! Check-in messages: a device enrolls, reports its push address, and leaves.

use super::super::{Command, Device, Phase, Refusal};
use super::{Decision, is_repeated, push, renewal};
use events::device::{BodyHash, DeviceEvent, DeviceIdentifiers, PushAddress};

pub(super) fn authenticate(device: &Device, command: &Command) -> Decision {
    let Command::Authenticate {
        person,
        intended,
        identifiers,
        certificate,
        topic,
        os_version,
        build_version,
        product_name,
        body,
    } = command
    else {
        return Ok(vec![]);
    };
    if is_repeated(device, body) {
        return repetition(device);
    }
    let arrived = identifiers.kind();
    if arrived != *intended {
        return Err(Refusal::WrongMode { intended: *intended, arrived });
    }
    if device.goes_on_with(certificate) {
        return renewal::reauthenticate(device, command);
    }
    if device.phase.has_ended() {
        // After the end only a new certificate begins a new management, so an old message cannot be replayed.
        if device.certificate.as_ref() == Some(certificate) || device.is_renewed(certificate) {
            return Err(Refusal::Ended(device.phase));
        }
    } else if device.identifiers.is_some() && !device.is(identifiers) {
        return Err(Refusal::OtherDevice);
    }
    Ok(vec![DeviceEvent::DeviceAuthenticated {
        person: *person,
        identifiers: identifiers.clone(),
        certificate: certificate.clone(),
        topic: topic.clone(),
        os_version: *os_version,
        build_version: build_version.clone(),
        product_name: product_name.clone(),
        body: body.clone(),
    }])
}

pub(super) fn token_update(
    device: &Device,
    identifiers: &DeviceIdentifiers,
    push: &PushAddress,
    certificate: &str,
    body: &BodyHash,
) -> Decision {
    let renewed = || DeviceEvent::PushTokenRenewed { push: push.clone(), body: body.clone() };
    let completed = renewal::completion(device, certificate);
    // A repeated TokenUpdate after its token was reported dead: the device is reachable. If the message was replayed,
    // the cost is one useless push. A repeated TokenUpdate after the key of its address was lost restores the address.
    if (push::is_back(device, push) || push::tells_lost_address(device, body)) && device.is(identifiers) {
        return Ok(std::iter::once(renewed()).chain(completed).collect());
    }
    if is_repeated(device, body) {
        return repetition(device);
    }
    match device.phase {
        Phase::Unknown => return Err(Refusal::NotAuthenticated),
        phase if phase.has_ended() => return Err(Refusal::Ended(phase)),
        _ if !device.is(identifiers) => return Err(Refusal::OtherDevice),
        _ => {}
    }
    if let Some(completed) = completed {
        return Ok(vec![renewed(), completed]);
    }
    Ok(match device.phase {
        Phase::Authenticated => vec![DeviceEvent::DeviceEnrolled { push: push.clone(), body: body.clone() }],
        _ if device.push.as_ref().is_some_and(|before| push::same_address(before, push)) => vec![],
        _ => vec![renewed()],
    })
}

/// A device whose management ended is refused, even if it repeats an earlier message. Only CheckOut is accepted again.
fn repetition(device: &Device) -> Decision {
    if device.phase.has_ended() { Err(Refusal::Ended(device.phase)) } else { Ok(vec![]) }
}

pub(super) fn check_out(device: &Device, body: &BodyHash) -> Decision {
    if is_repeated(device, body) {
        return Ok(vec![]);
    }
    let checked_out = || Ok(vec![DeviceEvent::DeviceCheckedOut { body: body.clone() }]);
    match device.phase {
        Phase::Unknown => Err(Refusal::NotAuthenticated),
        // The device leaves, which confirms the inference; nothing revives the record afterwards.
        Phase::Superseded if device.revivable.is_some() => checked_out(),
        Phase::CheckedOut | Phase::Superseded => Ok(vec![]),
        Phase::Unenrolled if device.left => Ok(vec![]),
        Phase::Authenticated | Phase::Enrolled | Phase::Unenrolled => checked_out(),
    }
}
