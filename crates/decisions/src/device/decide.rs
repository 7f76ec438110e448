//! Decides commands for a device.

use super::{Command, CommandState, Device, Phase, Refusal, claim, renewal};
use events::Timestamp;
use events::device::{BodyHash, CommandId, CommandStatus, DeviceEvent, PushAddress, RenewalFailure, UnenrolledBy};
use events::personal::{Gone, Personal};
use std::collections::BTreeSet;

pub(super) fn decide(device: &Device, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
    match command {
        // Every NotNow answer counts, although its body is always the same.
        Command::AnswerCommand { status: CommandStatus::NotNow, .. } => Ok(answer(device, command)),
        // A repeated TokenUpdate after its token was reported dead: the device is reachable. If the message was
        // replayed, the cost is one useless push. A repeated TokenUpdate after the key of its address was lost restores
        // the address.
        Command::TokenUpdate { push, identifiers, certificate, body }
            if (device.is_back(push) || device.tells_lost_address(body)) && device.is(identifiers) =>
        {
            let mut happened = vec![DeviceEvent::PushTokenRenewed { push: push.clone(), body: body.clone() }];
            happened.extend(renewal::completion(device, certificate));
            Ok(happened)
        }
        // A device whose management ended is refused, even if it repeats an earlier message. Only CheckOut is accepted
        // again.
        Command::Authenticate { body, .. } | Command::TokenUpdate { body, .. }
            if device.seen.contains(body) && device.phase.has_ended() =>
        {
            Err(Refusal::Ended(device.phase))
        }
        // A message that already had an effect is ignored: `Mdm-Signature` has no nonce, so it may be a replay.
        Command::Authenticate { body, .. }
        | Command::TokenUpdate { body, .. }
        | Command::CheckOut { body }
        | Command::AnswerCommand { body, .. }
        | Command::SettleUnreadable { body, .. }
            if device.seen.contains(body) =>
        {
            Ok(vec![])
        }
        Command::Authenticate { .. } => authenticate(device, command),
        Command::TokenUpdate { .. } => token_update(device, command),
        Command::CheckOut { body } => match device.phase {
            Phase::Unknown => Err(Refusal::NotAuthenticated),
            // The device leaves, which confirms the inference; nothing revives the record afterwards.
            Phase::Superseded if device.revivable.is_some() => {
                Ok(vec![DeviceEvent::DeviceCheckedOut { body: body.clone() }])
            }
            Phase::CheckedOut | Phase::Superseded => Ok(vec![]),
            Phase::Unenrolled if device.left => Ok(vec![]),
            Phase::Authenticated | Phase::Enrolled | Phase::Unenrolled => {
                Ok(vec![DeviceEvent::DeviceCheckedOut { body: body.clone() }])
            }
        },
        Command::QueueCommand { .. } => queue(device, command),
        Command::CancelCommand { id } => cancel(device, *id),
        Command::ExpireCommands { now } => Ok(expire(device, *now)),
        Command::NextCommand { not_now, now } => {
            enrolled(device)?;
            Ok(next(device, not_now, *now))
        }
        Command::AnswerCommand { .. } => Ok(answer(device, command)),
        Command::SettleUnreadable { id, why, body } => Ok(match device.command(*id) {
            Some(queued) if is_news(queued, false) => vec![DeviceEvent::MdmAnswerUnreadable {
                command: *id,
                why: why.iter().copied().collect(),
                in_part: false,
                body: body.clone(),
            }],
            _ => vec![],
        }),
        Command::ResultTooLarge { id, bytes, body } => {
            enrolled(device)?;
            let played_again = body.as_ref().is_some_and(|body| device.seen.contains(body));
            let happened = DeviceEvent::MdmResultTooLarge { command: *id, bytes: *bytes, body: body.clone() };
            Ok(if played_again { vec![] } else { vec![happened] })
        }
        Command::RecordPush { apns_id, again, put_offs } if device.wants(*again) => {
            let put_off_since = put_offs.is_some_and(|before| before < device.put_offs);
            Ok(vec![DeviceEvent::DevicePushed { apns_id: apns_id.clone(), put_off_since }])
        }
        Command::RecordPushFailure { to, status, reason, unregistered_since, again }
            if device.wants(*again) && device.push.as_ref().is_some_and(|push| same_address(push, to)) =>
        {
            Ok(vec![DeviceEvent::PushFailed {
                status: *status,
                reason: reason.clone(),
                unregistered_since: *unregistered_since,
            }])
        }
        Command::RecordPush { .. } | Command::RecordPushFailure { .. } => Ok(vec![]),
        Command::RenewIdentity { identity, transaction } => {
            enrolled(device)?;
            Ok(if device.renewal_of(&identity.key_hash, identity.not_after).is_some() {
                vec![]
            } else {
                let (identity, transaction) = (identity.clone(), transaction.clone());
                vec![DeviceEvent::IdentityRenewed { identity, transaction, challenge: None }]
            })
        }
        Command::RequestRenewal { .. } => renewal::request(device, command),
        Command::RefuseRenewal => {
            enrolled(device)?;
            let failed = DeviceEvent::IdentityRenewalFailed { why: RenewalFailure::NotPermitted };
            Ok(if device.renewal_under_way().is_some() { vec![] } else { vec![failed] })
        }
        Command::IssueRenewal { .. } => renewal::issue(device, command),
        Command::NoteIdentity { identity } => Ok(renewal::note(device, identity)),
        Command::LapseRenewal { command } => Ok(renewal::lapse(device, *command)),
        Command::RefuseIdentity { why } => {
            let is_told = device.refused_identities.contains(why);
            Ok(if is_told { vec![] } else { vec![DeviceEvent::IdentityRenewalRefused { why: *why }] })
        }
        Command::RefuseMessage { why } => {
            let is_told = device.refused_messages.contains(why);
            Ok(if is_told { vec![] } else { vec![DeviceEvent::DeviceMessageRefused { why: *why }] })
        }
        Command::NoteLeftOut { fields } => {
            let news: BTreeSet<String> = fields.difference(&device.left_out).cloned().collect();
            Ok(if news.is_empty() { vec![] } else { vec![DeviceEvent::DeviceFieldsLeftOut { fields: news }] })
        }
        Command::HearFrom => enrolled(device).map(|()| vec![DeviceEvent::DeviceHeardFrom {}]),
        Command::Supersede { by, evidence, now } => Ok(claim::supersede(device, *by, *evidence, *now)),
        Command::Revive { body, now } => Ok(claim::revive(device, body, *now)),
        Command::NoteClaim { others, count } => claim::note(device, others, *count),
        Command::DismissClaim { other } => claim::dismiss(device, *other),
        Command::RequestAttestation { id, payload, now } => claim::request_attestation(device, *id, payload, *now),
        // Hiding must not create a record.
        Command::Archive | Command::Restore if device.phase == Phase::Unknown => {
            Err(Refusal::NotEnrolled(device.phase))
        }
        Command::Archive => Ok(if device.archived { vec![] } else { vec![DeviceEvent::RecordArchived {}] }),
        Command::Restore => Ok(if device.archived { vec![DeviceEvent::RecordRestored {}] } else { vec![] }),
    }
}

fn authenticate(device: &Device, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
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

fn token_update(device: &Device, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
    let Command::TokenUpdate { identifiers, push, certificate, body } = command else { return Ok(vec![]) };
    match device.phase {
        Phase::Unknown => return Err(Refusal::NotAuthenticated),
        phase if phase.has_ended() => return Err(Refusal::Ended(phase)),
        _ if !device.is(identifiers) => return Err(Refusal::OtherDevice),
        _ => {}
    }
    let (push, body) = (push.clone(), body.clone());
    if let Some(completed) = renewal::completion(device, certificate) {
        return Ok(vec![DeviceEvent::PushTokenRenewed { push, body }, completed]);
    }
    Ok(match device.phase {
        Phase::Authenticated => vec![DeviceEvent::DeviceEnrolled { push, body }],
        _ if device.push.as_ref().is_some_and(|before| same_address(before, &push)) => vec![],
        _ => vec![DeviceEvent::PushTokenRenewed { push, body }],
    })
}

fn same_address(before: &PushAddress, now: &PushAddress) -> bool {
    let unlock_unchanged = now.unlock_token.is_none() || now.unlock_token == before.unlock_token;
    before.token == now.token && before.push_magic == now.push_magic && unlock_unchanged
}

fn queue(device: &Device, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
    let Command::QueueCommand { id, request_type, payload, unenrolls, priority, expires } = command else {
        return Ok(vec![]);
    };
    if let Some(queued) = device.command(*id) {
        let same = queued.request_type == *request_type && queued.payload.xml() == payload.xml();
        return if same { Ok(vec![]) } else { Err(Refusal::DuplicateCommand) };
    }
    enrolled(device)?;
    if let Some(target) = device.target() {
        apple::command_allowed(request_type, target)
            .map_err(|why| Refusal::CommandForbidden { request_type: request_type.clone(), why })?;
    }
    Ok(vec![DeviceEvent::MdmCommandQueued {
        command: *id,
        request_type: request_type.clone(),
        payload: payload.clone(),
        unenrolls: *unenrolls,
        priority: *priority,
        expires: *expires,
    }])
}

fn cancel(device: &Device, id: CommandId) -> Result<Vec<DeviceEvent>, Refusal> {
    let queued = device.command(id).ok_or(Refusal::UnknownCommand)?;
    match queued.status {
        CommandState::Queued | CommandState::Delivered | CommandState::Deferred => {
            let cancelled = DeviceEvent::MdmCommandCancelled { command: id };
            Ok(std::iter::once(cancelled).chain(renewal::ended(device, id, RenewalFailure::Cancelled)).collect())
        }
        CommandState::Cancelled | CommandState::Expired | CommandState::Ended => Ok(vec![]),
        CommandState::Answered => Err(Refusal::AnsweredCommand { request_type: queued.request_type.clone() }),
    }
}

fn expire(device: &Device, now: Timestamp) -> Vec<DeviceEvent> {
    let over = device.waiting().filter(|command| command.expires.is_some_and(|expires| expires <= now));
    let expired = |command: &super::QueuedCommand| {
        let failed = renewal::ended(device, command.id, RenewalFailure::NotFetched);
        std::iter::once(DeviceEvent::MdmCommandExpired { command: command.id }).chain(failed)
    };
    over.flat_map(expired).collect()
}

// An expired command is not delivered, even if the timer has not run yet.
fn next(device: &Device, not_now: &[CommandId], now: Timestamp) -> Vec<DeviceEvent> {
    let mut happened = expire(device, now);
    let after = happened.iter().fold(device.clone(), super::evolve::evolve);
    let next = after.next_command(not_now).filter(|next| next.status == CommandState::Queued);
    happened.extend(next.map(|next| DeviceEvent::MdmCommandDelivered { command: next.id }));
    happened
}

// An answer to an answered command is ignored, since devices repeat answers. An answer to a command that was cancelled
// after its delivery is recorded: the device may have run it.
fn is_news(queued: &super::QueuedCommand, not_now: bool) -> bool {
    match queued.status {
        CommandState::Answered | CommandState::Ended => false,
        CommandState::Cancelled | CommandState::Expired => queued.delivered && !not_now,
        CommandState::Queued | CommandState::Delivered | CommandState::Deferred => true,
    }
}

fn answer(device: &Device, command: &Command) -> Vec<DeviceEvent> {
    let Command::AnswerCommand { id, status, errors, rejection, body, left_out, inventory, apps, attestation } =
        command
    else {
        return vec![];
    };
    let Some(queued) = device.command(*id) else { return vec![] };
    let not_now = *status == CommandStatus::NotNow;
    // The command was already the last one answered with NotNow, and another push is planned.
    let is_last_put_off = queued.status == CommandState::Deferred && queued.put_off == device.put_offs;
    if !is_news(queued, not_now) || (not_now && device.wants_push_again && is_last_put_off) {
        return vec![];
    }
    let mut happened = vec![DeviceEvent::MdmCommandAnswered {
        command: *id,
        status: *status,
        errors: errors.clone(),
        rejection: *rejection,
        body: body.clone(),
    }];
    if !left_out.is_empty() && !not_now {
        happened.push(DeviceEvent::MdmAnswerUnreadable {
            command: *id,
            why: left_out.iter().copied().collect(),
            in_part: true,
            body: body.clone(),
        });
    }
    let installs = (queued.request_type == "InstallApplication").then_some(*id);
    for (app, status) in apps {
        if device.apps.get(app) != Some(status) || (installs.is_some() && queued.app.is_none()) {
            happened.push(DeviceEvent::ManagedAppReported { app: app.clone(), status: *status, command: installs });
        }
    }
    let changes: std::collections::BTreeMap<_, _> = inventory
        .iter()
        .filter(|(key, value)| device.inventory.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !changes.is_empty() {
        happened.push(DeviceEvent::InventoryReported { changes });
    }
    happened.extend(renewal::answered(device, *id, *status));
    happened.extend(claim::answered(device, *id, *status, attestation.as_ref()));
    if queued.unenrolls && *status == CommandStatus::Acknowledged && !device.phase.has_ended() {
        happened.push(DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server });
    }
    happened
}

pub(super) fn enrolled(device: &Device) -> Result<(), Refusal> {
    match device.phase {
        Phase::Enrolled => Ok(()),
        phase if phase.has_ended() => Err(Refusal::Ended(phase)),
        phase => Err(Refusal::NotEnrolled(phase)),
    }
}

impl Device {
    /// Returns whether this is the address that APNs reported as dead.
    fn is_back(&self, push: &PushAddress) -> bool {
        let same = self.push.as_ref().is_some_and(|before| same_address(before, push));
        self.phase == Phase::Enrolled && self.push_is_dead && same
    }

    /// Returns whether this message reported the current address, whose key was lost since. A message that reported an
    /// earlier address does not count.
    fn tells_lost_address(&self, body: &BodyHash) -> bool {
        let is_lost = |text: &Personal<String>| text.gone() == Some(Gone::Lost);
        let lost = self.push.as_ref().is_some_and(|push| is_lost(&push.token) || is_lost(&push.push_magic));
        self.phase == Phase::Enrolled && lost && self.push_told_by.as_ref() == Some(body)
    }
}

impl Phase {
    /// Returns whether management has ended, for any reason.
    pub fn has_ended(self) -> bool {
        match self {
            Phase::CheckedOut | Phase::Unenrolled | Phase::Superseded => true,
            Phase::Unknown | Phase::Authenticated | Phase::Enrolled => false,
        }
    }
}
