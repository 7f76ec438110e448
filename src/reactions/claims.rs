//! Records that name the same hardware: the effects of a new enrollment, and the evidence that ends a record
//! (docs/decisions/18-a-claim-is-not-a-proof.md).
//!
//! A UDID in a message is only the sender's claim. It is noted in the sender's own record. Then the server looks for
//! evidence: it requests an attestation from the new device only, and it sends a push to the old device if both records
//! are of the same person.

use super::{ReactionError, effect_of, settled};
use crate::app::App;
use decisions::device::claim::REVIVABLE_SECONDS;
use decisions::device::{Command, Device, Phase};
use decisions::hardware::{Enroll, Hardware};
use devices::commands::{Consent, QueueError, Terms, security_info};
use events::device::{
    CommandId, DeviceEvent, DeviceId, DeviceIdentifiers, InventoryValue, Priority, SupersessionEvidence,
};
use events::enrollment::DeviceSignature;
use events::log::Entry;
use events::store::ReadError;
use events::{ActorKind, Event, Timestamp};
use platform::PerformError;
use platform::context::Context;
use projections::due::Due;
use std::collections::BTreeMap;
use std::sync::Arc;
use telemetry::Alarm;

/// Maximum number of other records of the same hardware that are examined, latest first. A script may enroll any number
/// of them.
const MOST_LOOKED_AT: usize = 100;

/// Maximum number of records that the event names. It also has the total count.
const MOST_NAMED: usize = 5;

/// The id of a record, and its state.
type Record = (DeviceId, Arc<Device>);

/// Other records, each with its state or the read error. Effects on an unreadable record stay to be done; those on the
/// others proceed.
struct Others(Vec<(DeviceId, Result<Arc<Device>, ReadError>)>);

impl Others {
    /// Returns the readable records.
    fn records(&self) -> Vec<Record> {
        self.0.iter().filter_map(|(id, device)| Some((*id, device.as_ref().ok()?.clone()))).collect()
    }

    /// Returns the records under management. An unreadable record is included, because it may be managed.
    fn managed(&self) -> Vec<DeviceId> {
        let may_be =
            |device: &Result<Arc<Device>, ReadError>| device.as_ref().map_or(true, |device| is_managed(device));
        self.0.iter().filter(|(_, device)| may_be(device)).map(|(id, _)| *id).collect()
    }

    /// Returns the read error of the first unreadable record, so that the effect is retried.
    fn whole(self) -> Result<(), ReactionError> {
        self.0.into_iter().try_for_each(|(_, device)| Ok(device.map(drop)?))
    }
}

/// Device `id` has enrolled and reports its hardware identifier.
///
/// # Errors
/// Returns an error if the log or the projections cannot be read or written. The effect must then be retried.
pub(super) async fn enrolled(app: &App, entry: &Entry, id: DeviceId) -> Result<(), ReactionError> {
    let device = app.platform.device(id).await?;
    let Some(udid) = udid(&device) else { return Ok(()) };
    let stream = app.devices.hardware_stream(udid);
    let hardware = match app
        .platform
        .perform::<Hardware>(&stream, &Enroll { device: id }, &effect_of(entry, "note-hardware"))
        .await
    {
        Ok(performed) => performed.state,
        Err(PerformError::Refused(never)) => match never {},
        Err(error) => return Err(ReactionError::Perform(error.to_string())),
    };
    let earlier = look_at(app, hardware.before(id)).await?;
    let done = match is_verified(app, id, udid).await? {
        true => end(app, entry, id, earlier.records(), SupersessionEvidence::ProfileService).await,
        false => claim(app, entry, (id, &device), &earlier).await,
    };
    done.and(earlier.whole())
}

/// Device `id` reports a different UDID than the one it enrolled with, which no real device does. This counts as a
/// claim on the records of that UDID.
///
/// # Errors
/// Same as [`enrolled`].
pub(super) async fn told_otherwise(
    app: &App,
    entry: &Entry,
    id: DeviceId,
    changes: &BTreeMap<String, InventoryValue>,
) -> Result<(), ReactionError> {
    let Some(InventoryValue::Personal(told)) = changes.get("UDID") else { return Ok(()) };
    let Some(told) = told.get().and_then(serde_json::Value::as_str) else { return Ok(()) };
    let device = app.platform.device(id).await?;
    let stream = app.devices.hardware_stream(told);
    if udid(&device).is_none_or(|own| app.devices.hardware_stream(own) == stream) {
        return Ok(());
    }
    let (hardware, _) = app.platform.load::<Hardware>(&stream).await?;
    let others = look_at(app, hardware.before(id).filter(|other| *other != id)).await?;
    let managed = others.managed();
    if managed.is_empty() {
        return Ok(());
    }
    note(app, entry, id, &managed[..managed.len().min(MOST_NAMED)], managed.len()).await
}

/// Apple has attested the hardware of `id`: earlier records of that hardware end.
///
/// # Errors
/// Same as [`enrolled`].
pub(super) async fn attested(app: &App, entry: &Entry, id: DeviceId) -> Result<(), ReactionError> {
    let device = app.platform.device(id).await?;
    let Some(udid) = udid(&device) else { return Ok(()) };
    let (hardware, _) = app.platform.load::<Hardware>(&app.devices.hardware_stream(udid)).await?;
    let earlier = look_at(app, hardware.before(id)).await?;
    end(app, entry, id, earlier.records(), SupersessionEvidence::Attestation).await.and(earlier.whole())
}

/// The push token of `id` has been unregistered since `since`. If the same person has another record that claims its
/// hardware, the device now belongs to that record.
///
/// # Errors
/// Same as [`enrolled`].
pub(super) async fn unregistered(
    app: &App,
    entry: &Entry,
    id: DeviceId,
    since: Timestamp,
) -> Result<(), ReactionError> {
    let device = app.platform.device(id).await?;
    let Some(udid) = udid(&device) else { return Ok(()) };
    let (hardware, _) = app.platform.load::<Hardware>(&app.devices.hardware_stream(udid)).await?;
    let later = look_at(app, hardware.after(id)).await?;
    for (later, state) in later.records() {
        if is_gone_for(app, (id, &device), since, (later, &state)).await? {
            let evidence = SupersessionEvidence::PushUnregistered;
            return end(app, entry, later, vec![(id, device)], evidence).await;
        }
    }
    later.whole()
}

/// Device `id` contacted the server after its record had ended in favor of `by`: two devices claim the same hardware.
///
/// # Errors
/// Same as [`enrolled`].
pub(super) async fn revived(app: &App, entry: &Entry, id: DeviceId, by: DeviceId) -> Result<(), ReactionError> {
    let (device, other) = (app.platform.device(id).await?, app.platform.device(by).await?);
    if !is_managed(&other) || !is_managed(&device) {
        return Ok(());
    }
    note(app, entry, by, &[id], 1).await?;
    attest(app, entry, by).await
}

/// Requests another attestation. The device had answered with one that it made before, and the seven days are over
/// (Apple makes a new one at most every seven days).
///
/// # Errors
/// Same as [`enrolled`].
pub(super) async fn attest_again(app: &App, due: &Due, id: DeviceId, context: &Context) -> Result<(), ReactionError> {
    let command = CommandId(due.cause.caused("attest-again-command", 0).0);
    asked(app.devices.request_attestation(id, command, context).await.map(drop))
}

async fn claim(
    app: &App,
    entry: &Entry,
    (id, device): (DeviceId, &Device),
    others: &Others,
) -> Result<(), ReactionError> {
    let managed = others.managed();
    if managed.is_empty() {
        return Ok(());
    }
    let named = &managed[..managed.len().min(MOST_NAMED)];
    let noted = note(app, entry, id, named, managed.len()).await;
    let mut done = noted.and(attest(app, entry, id).await);
    let same_person = |other: &Record| named.contains(&other.0) && other.1.person == device.person;
    for other in others.records().into_iter().filter(same_person) {
        done = done.and(look_for(app, entry, id, other).await);
    }
    done
}

async fn note(app: &App, entry: &Entry, id: DeviceId, others: &[DeviceId], count: usize) -> Result<(), ReactionError> {
    let note = Command::NoteClaim { others: others.to_vec(), count: u32::try_from(count).unwrap_or(u32::MAX) };
    match app.platform.perform::<Device>(&id.stream(), &note, &effect_of(entry, "note-claim")).await {
        Ok(performed) => {
            for event in &performed.events {
                if let DeviceEvent::HardwareClaimNoted { others, .. } = event {
                    others.iter().for_each(|other| alarm(app, id, *other));
                }
            }
            Ok(())
        }
        Err(error) => settled::<(), _>(Err(error)),
    }
}

fn alarm(app: &App, id: DeviceId, other: DeviceId) {
    app.platform.metrics.alarm(Alarm::HardwareClaimed);
    tracing::error!(device.id = %id, other.id = %other, "a device claims the hardware of another record; review the device's page in the console");
}

// Only the new record is asked: its answer proves which hardware uses it.
async fn attest(app: &App, entry: &Entry, id: DeviceId) -> Result<(), ReactionError> {
    let command = CommandId(entry.id.caused("attest-hardware-command", 0).0);
    let context = effect_of(entry, "attest-hardware");
    asked(app.devices.request_attestation(id, command, &context).await.map(drop))
}

// Queues a harmless query for the old device. Its purpose is the push: the response shows whether the push token is
// still registered.
async fn look_for(app: &App, entry: &Entry, id: DeviceId, (other, state): Record) -> Result<(), ReactionError> {
    if let Some(since) = state.push_dead_since {
        let device = app.platform.device(id).await?;
        if is_gone_for(app, (other, &state), since, (id, &device)).await? {
            return end(app, entry, id, vec![(other, state)], SupersessionEvidence::PushUnregistered).await;
        }
        return Ok(());
    }
    let effect = format!("look for {other}");
    let command = CommandId(entry.id.caused(&format!("{effect} command"), 0).0);
    let context = Context { effect: Some(effect.into()), ..effect_of(entry, "look-for") };
    let expires = Some(app.platform.world.now().plus_seconds(REVIVABLE_SECONDS));
    let terms = Terms { priority: Priority::Background, expires, consent: Consent::Nothing };
    asked(app.devices.queue_command_on(other, command, &security_info(), terms, &context).await.map(drop))
}

fn asked(outcome: Result<(), QueueError>) -> Result<(), ReactionError> {
    match outcome {
        Err(QueueError::Perform(error)) => settled::<(), _>(Err(error)),
        Err(error) => Err(ReactionError::Perform(error.to_string())),
        Ok(()) => Ok(()),
    }
}

async fn end(
    app: &App,
    entry: &Entry,
    by: DeviceId,
    records: Vec<Record>,
    evidence: SupersessionEvidence,
) -> Result<(), ReactionError> {
    let mut done = Ok(());
    for (record, _) in records {
        let supersede = Command::Supersede { by, evidence, now: app.platform.world.now() };
        let context = Context { effect: Some(format!("supersede {record}").into()), ..effect_of(entry, "supersede") };
        done = done.and(settled(app.platform.perform::<Device>(&record.stream(), &supersede, &context).await));
    }
    done
}

async fn look_at(app: &App, ids: impl Iterator<Item = DeviceId>) -> Result<Others, ReactionError> {
    let mut others = Vec::new();
    for id in ids.take(MOST_LOOKED_AT) {
        match app.platform.device(id).await {
            Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
            device => others.push((id, device)),
        }
    }
    Ok(Others(others))
}

fn is_managed(device: &Device) -> bool {
    device.phase == Phase::Enrolled
}

fn udid(device: &Device) -> Option<&str> {
    match &device.identifiers {
        Some(DeviceIdentifiers::DeviceEnrollment { udid, .. }) => udid.get().map(String::as_str),
        Some(DeviceIdentifiers::UserEnrollment { .. }) | None => None,
    }
}

// Whether the Profile Service verified the UDID: a device signed it with its built-in identity, issued by a known Apple
// CA. Under an unknown CA it is only a claim.
async fn is_verified(app: &App, id: DeviceId, udid: &str) -> Result<bool, ReactionError> {
    let enrollment = app.platform.enrollment(id.enrollment()).await?;
    let verified = enrollment.identity.as_ref().and_then(|identity| identity.verified.as_ref());
    Ok(verified.is_some_and(|device| device.signature == DeviceSignature::Genuine && device.has_udid(udid)))
}

/// Returns whether device `id` is now the same person's record `later_id`: its push token was unregistered, and it has
/// not contacted the server since then, nor since the later record enrolled.
async fn is_gone_for(
    app: &App,
    (id, device): (DeviceId, &Device),
    since: Timestamp,
    (later_id, later): (DeviceId, &Device),
) -> Result<bool, ReactionError> {
    let same_person = device.person.is_some() && device.person == later.person;
    if !same_person || later.phase != Phase::Enrolled || !later.claims_hardware_of(id) {
        return Ok(false);
    }
    let Some(enrolled_at) = enrolled_at(app, later_id).await? else { return Ok(false) };
    let heard = last_contact(app, id).await?;
    Ok(heard.is_none_or(|heard| heard <= since.min(enrolled_at)))
}

async fn enrolled_at(app: &App, id: DeviceId) -> Result<Option<Timestamp>, ReactionError> {
    let stream = app.platform.log.read(&id.stream()).await?;
    let enrolled = |entry: &&Entry| matches!(entry.event, Event::Device(DeviceEvent::DeviceEnrolled { .. }));
    Ok(stream.iter().rfind(enrolled).map(|entry| entry.at))
}

// A poll leaves no event, so the `last_seen` table is used too; it has more contacts, but it may be lost. A refused
// message does not count as contact.
async fn last_contact(app: &App, id: DeviceId) -> Result<Option<Timestamp>, ReactionError> {
    let stream = app.platform.log.read(&id.stream()).await?;
    let contact = |entry: &&Entry| entry.actor.kind == ActorKind::Device && !is_refusal(&entry.event);
    let told = stream.iter().rfind(contact).map(|entry| entry.at);
    Ok(told.max(projections::last_seen::last_seen(&app.platform.projections, id).await?))
}

fn is_refusal(event: &Event) -> bool {
    matches!(
        event,
        Event::Device(DeviceEvent::DeviceMessageRefused { .. } | DeviceEvent::IdentityRenewalRefused { .. })
    )
}
