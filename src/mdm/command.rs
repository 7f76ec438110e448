//! `PUT /mdm/command`: a device reports the result of a command and gets the next one, or a body of zero bytes.

use super::answer::Answer;
use super::body::{self, Body, TooLarge};
use super::claim::Claimed;
use super::result::{self, Report, Said};
use super::{bearer, heard, identified, message, revival, unavailable};
use crate::mdm::Mdm;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, web};
use connections::room::Identity;
use decisions::device::{Attestation, Command, Device, Phase, QueuedCommand, Refusal};
use devices::ByDeviceError;
use devices::attestation;
use devices::commands;
use devices::identify::Known;
use devices::inventory;
use events::device::{AnswerFault, BodyHash, CommandId, CommandStatus, InventoryValue, MessageRefusal};
use platform::Loaded;
use platform::PerformError;
use plist::{Dictionary, Value};
use property_list::Reading;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use telemetry::Alarm;

/// Limit for the body, in bytes. Lists of apps and profiles grow large. A larger result is recorded as too large if its
/// sender can be proven (docs/decisions/19-work-time-and-connections-have-bounds-before-identity.md).
const MAX_BODY: usize = 4 * 1024 * 1024;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.route("/command", web::put().to(command));
}

async fn command(request: HttpRequest, payload: Payload, app: Data<Mdm>) -> Answer {
    take(&request, payload, &app).await.unwrap_or_else(|answer| answer)
}

async fn take(request: &HttpRequest, payload: Payload, app: &Mdm) -> Result<Answer, Answer> {
    let source = crate::web::source(request, &app.web.trusted_proxies);
    // The header is checked first: only the holder of a valid certificate of this server may send a body of this size.
    let claimed = super::claimed(app, request, source).await?;
    let known = identified(app, claimed.certificate(), source).await?;
    // If TLS has proven the sender, a large body need not be kept for a signature check.
    if claimed.is_proven() {
        crate::web::has_proven(&app.web, request, Identity::Device(known.device, known.person));
    }
    let body = match claimed.is_proven() {
        true => body::read(payload, MAX_BODY).await,
        false => body::read_large(payload, MAX_BODY, &app.large_bodies).await,
    };
    let body = match body.map_err(|_| Answer::BadRequest)? {
        Body::Whole(body) => body,
        Body::TooLarge(large) => {
            let bytes = large.bytes;
            app.platform.metrics.alarm(Alarm::MdmResultTooLarge);
            let hash = super::signed(app, &known, prove(claimed, large).await, source).await?;
            bearer::check(app, &known, request, source).await?;
            return Conversation { app, known: &known, source }.too_large(bytes, hash).await;
        }
    };
    let (reading, body) = super::signed(app, &known, read(claimed, body).await, source).await?;
    crate::web::has_proven(&app.web, request, Identity::Device(known.device, known.person));
    let said = match said(&known, &reading) {
        Ok(said) => said,
        Err(why) => return Err(super::refuse_message(app, &known, why, source).await),
    };
    let known = revival::by_contact(app, known, (&reading.fields, &body), source).await?;
    bearer::check(app, &known, request, source).await?;
    let answer = Conversation { app, known: &known, source }.take(said, &reading, &body).await?;
    heard::from(app, &known, source).await;
    Ok(answer)
}

// Parsing megabytes of XML runs off the threads that serve all connections.
async fn read(claimed: Claimed, body: Bytes) -> Result<(Reading, Bytes), Answer> {
    let bytes = body.len();
    let read = move || {
        claimed.verify(&body).map_err(super::refuse_signature)?;
        let reading = property_list::read(&body);
        Ok((reading, body))
    };
    Claimed::verifying(bytes, read).await.map_err(unavailable)?
}

// The certificate identifies the sender. So the readable part of an answer settles its command even if the answer does
// not name its device. An answer that names another device is refused.
fn said(known: &Known, reading: &Reading) -> Result<Said, MessageRefusal> {
    let said = Said::of(reading);
    let named = super::is_this_device(known, &reading.fields);
    match (said, named) {
        (said, Ok(())) => Ok(said),
        (said @ Said::Unreadable { .. }, Err(MessageRefusal::NotUnderstood)) => Ok(said),
        (Said::Report(Report::Answer { command, .. }), Err(MessageRefusal::NotUnderstood)) => {
            Ok(Said::Unreadable { command, why: [AnswerFault::Structure].into() })
        }
        (_, Err(why)) => Err(why),
    }
}

// Verifies the signature of an oversized answer before it settles a command. Returns the hash of the signed body, so
// that a replay is recognized; `None` if TLS proved the sender.
async fn prove(claimed: Claimed, large: TooLarge) -> Result<Option<BodyHash>, Answer> {
    if claimed.is_proven() {
        return Ok(None);
    }
    if large.is_for_ever() {
        tracing::error!(bytes = large.bytes, "an answer is too large to verify its signature: cancel the command");
        return Err(Answer::Ok);
    }
    let kept = large.kept.ok_or_else(|| unavailable("too many large answers are being read at once"))?;
    let proven = move || {
        claimed.verify(&kept.bytes).map_err(super::refuse_signature)?;
        let fingerprint = pki::fingerprint(claimed.certificate());
        Ok(Some(message::body_hash(&fingerprint, &kept.bytes)))
    };
    web::block(proven).await.map_err(unavailable)?
}

struct Conversation<'a> {
    app: &'a Mdm,
    known: &'a Known,
    source: Option<IpAddr>,
}

impl Conversation<'_> {
    async fn take(&self, said: Said, reading: &Reading, body: &[u8]) -> Result<Answer, Answer> {
        // Commands are for devices: a user channel gets none and answers none.
        if message::is_of_a_user(&reading.fields) {
            self.app.platform.metrics.check_in("user");
            return Ok(Answer::Empty);
        }
        let report = match said {
            Said::Report(report) => report,
            Said::Unreadable { command, why } => return self.unreadable(command, why, body).await,
        };
        match report {
            Report::Idle => {
                self.app.platform.metrics.check_in("Idle");
                self.note_identity().await?;
                self.app.devices.conversations.begin(self.known.device);
                self.next(self.known.loaded(), &[], true).await
            }
            Report::Answer { command, status } => {
                self.app.platform.metrics.check_in(status_name(status));
                let loaded = match command.filter(|id| self.known.state.command(*id).is_some()) {
                    Some(id) => self.answered(id, status, reading, body).await?,
                    None => self.answered_another(body).await?,
                };
                let not_now = self.not_now(&loaded.0);
                // A device that has left management is refused, unless its answer changed something.
                let asks = self.had_left() && loaded.1 == self.known.revision;
                self.next(loaded, &not_now, asks).await
            }
        }
    }

    fn had_left(&self) -> bool {
        matches!(self.known.state.phase, Phase::CheckedOut | Phase::Superseded)
    }

    // A poll with a different identity means that the device has switched to it. An answer may still use the previous
    // one.
    async fn note_identity(&self) -> Result<(), Answer> {
        if !self.known.state.speaks_otherwise_with(&self.known.fingerprint) {
            return Ok(());
        }
        if let Some(identity) = self.known.identity(&self.app.platform).await.map_err(unavailable)? {
            // The event is not appended if the device has used up its budget (for example, if it alternates between
            // identities). The device still gets its commands.
            self.perform(&Command::NoteIdentity { identity }).await?;
        }
        Ok(())
    }

    // A known command is settled by an unreadable answer, so it is not sent again. An unknown command is sent again
    // only a few times.
    async fn unreadable(
        &self,
        command: Option<CommandId>,
        why: BTreeSet<AnswerFault>,
        body: &[u8],
    ) -> Result<Answer, Answer> {
        self.app.platform.metrics.check_in("unreadable");
        self.app.platform.metrics.alarm(Alarm::MdmAnswerUnreadable);
        tracing::warn!(device.id = %self.known.device, ?why, "cannot parse an answer to a command");
        let loaded = match command.filter(|id| self.known.state.command(*id).is_some()) {
            Some(id) => self.settle(id, why, self.hash(body)).await?,
            None => match self.app.devices.conversations.unreadable(self.known.device) {
                Some(id) => self.settle(id, why, self.hash_for(id, body)).await?,
                None => {
                    let why = MessageRefusal::NotUnderstood;
                    return Err(super::refuse_message(self.app, self.known, why, self.source).await);
                }
            },
        };
        let not_now = self.not_now(&loaded.0);
        self.next(loaded, &not_now, false).await
    }

    async fn settle(
        &self,
        id: CommandId,
        why: BTreeSet<AnswerFault>,
        body: BodyHash,
    ) -> Result<Loaded<Device>, Answer> {
        self.perform(&Command::SettleUnreadable { id, why, body }).await
    }

    fn hash(&self, body: &[u8]) -> BodyHash {
        message::body_hash(&self.known.fingerprint, body)
    }

    // Hash for an answer that names no known command. The command id is part of it, because the same bytes may answer
    // several commands and must settle each of them.
    fn hash_for(&self, id: CommandId, body: &[u8]) -> BodyHash {
        self.hash(&[id.to_string().as_bytes(), body].concat())
    }

    // The reported command belongs to an earlier management or to none. The report is accepted. A device that keeps
    // sending such reports never answers its current command, so that one is settled after a few of them.
    async fn answered_another(&self, body: &[u8]) -> Result<Loaded<Device>, Answer> {
        tracing::warn!(device.id = %self.known.device, "a device reported the result of a command that was never queued");
        match self.app.devices.conversations.unreadable(self.known.device) {
            Some(id) => self.settle(id, [AnswerFault::OtherCommand].into(), self.hash_for(id, body)).await,
            None => Ok(self.known.loaded()),
        }
    }

    async fn answered(
        &self,
        id: CommandId,
        status: CommandStatus,
        reading: &Reading,
        body: &[u8],
    ) -> Result<Loaded<Device>, Answer> {
        let fields = &reading.fields;
        if status == CommandStatus::CommandFormatError {
            self.app.platform.metrics.alarm(Alarm::CommandFormatError);
            tracing::error!(device.id = %self.known.device, command.id = %id, "a device rejected a command as malformed (CommandFormatError)");
        }
        let queued = self.known.state.command(id);
        let inventory = match (status, queued) {
            (CommandStatus::Acknowledged, Some(queued)) => self.inventory(queued, fields),
            _ => BTreeMap::new(),
        };
        let apps = match (status, queued) {
            (CommandStatus::Acknowledged, Some(queued)) => commands::outcome::apps(queued, fields, &self.known.state),
            _ => BTreeMap::new(),
        };
        let rejection = match status {
            CommandStatus::Acknowledged | CommandStatus::Error => {
                queued.and_then(|queued| commands::outcome::rejection(queued, fields))
            }
            CommandStatus::CommandFormatError | CommandStatus::NotNow => None,
        };
        let errors = result::errors(fields, self.known.state.kind(), self.known.person);
        let body = message::body_hash(&self.known.fingerprint, body);
        let attestation = match (status, queued) {
            (CommandStatus::Acknowledged, Some(queued)) => self.attestation(queued, fields).await?,
            _ => None,
        };
        let long = queued.map(|queued| inventory::left_out(queued, fields, &self.known.state)).unwrap_or_default();
        let answer = |inventory, apps| {
            let (errors, body, attestation) = (errors.clone(), body.clone(), attestation.clone());
            let left_out = reading.left_out.clone();
            Command::AnswerCommand { id, status, errors, rejection, body, left_out, inventory, apps, attestation }
        };
        let loaded = match self.perform_within(&answer(inventory, apps)).await? {
            Some(loaded) => loaded,
            None if status == CommandStatus::NotNow => self.known.loaded(),
            // No budget for the inventory: the command is settled without it.
            None => self.perform(&answer(BTreeMap::new(), BTreeMap::new())).await?,
        };
        super::note_left_out(self.app, self.known, long, self.source).await?;
        if status == CommandStatus::NotNow && loaded.0.command(id).is_some() {
            self.app.devices.conversations.put_off(self.known.device, id);
        }
        Ok(loaded)
    }

    // Verifying certificates runs off the threads that serve all connections.
    async fn attestation(&self, queued: &QueuedCommand, fields: &Dictionary) -> Result<Option<Attestation>, Answer> {
        if self.known.state.claims.asked != Some(queued.id) {
            return Ok(None);
        }
        let (roots, queued, fields) = (self.app.devices.attestation_roots.clone(), queued.clone(), fields.clone());
        let (state, person) = (self.known.state.clone(), self.known.person);
        let unix = self.app.platform.world.now().0.div_euclid(1_000_000);
        web::block(move || attestation::proven(&roots, &queued, &fields, &state, (person, unix)))
            .await
            .map_err(unavailable)
    }

    fn not_now(&self, state: &Device) -> Vec<CommandId> {
        self.app.devices.conversations.not_now(self.known.device, state)
    }

    fn inventory(&self, queued: &QueuedCommand, fields: &Dictionary) -> BTreeMap<String, InventoryValue> {
        let enrollment = &self.known.profile.identifier;
        inventory::of(queued, fields, &self.known.state, enrollment, self.known.person)
    }

    async fn next(&self, from: Loaded<Device>, put_off: &[CommandId], asks: bool) -> Result<Answer, Answer> {
        let command = Command::NextCommand { not_now: put_off.to_vec(), now: self.app.platform.world.now() };
        let context = self.known.context(self.source);
        let stream = self.known.device.stream();
        let state = match self.app.platform.perform_from::<Device>(&stream, from, &command, &context).await {
            Ok(performed) => performed.state,
            Err(PerformError::Refused(refusal)) => {
                self.app.devices.conversations.end(self.known.device);
                return self.ended(&refusal, asks).await;
            }
            Err(error) => return Err(unavailable(error)),
        };
        let Some(next) = state.next_command(put_off) else {
            self.app.devices.conversations.end(self.known.device);
            return Ok(Answer::Empty);
        };
        let dictionary =
            commands::complete(next, &state).ok_or_else(|| unavailable("a queued command has no content"))?;
        let command = envelope(next.id, dictionary).map_err(unavailable)?;
        self.app.devices.conversations.hand_out(self.known.device, next.id);
        Ok(Answer::Command(command))
    }

    // `asks`: the device polls, or repeats a report. After the server has ended management, a polling device gets the
    // response that removes the profile. The acknowledgement of the removal does not get it.
    async fn ended(&self, refusal: &Refusal, asks: bool) -> Result<Answer, Answer> {
        match refusal {
            Refusal::Ended(Phase::Unenrolled) if asks => {
                Ok(Answer::Unenroll { os_version: self.known.state.version() })
            }
            Refusal::Ended(_) if asks => {
                Err(super::refuse_message(self.app, self.known, MessageRefusal::Ended, self.source).await)
            }
            _ => Ok(Answer::Empty),
        }
    }

    // An oversized answer is not parsed, so it is attributed to the command that the device was given last.
    async fn too_large(&self, bytes: u64, body: Option<BodyHash>) -> Result<Answer, Answer> {
        let id = self.app.devices.conversations.take_back(self.known.device);
        if let Some(body) = &body
            && super::is_old_repetition(self.app, self.known, body, self.known.state.seen.may_have_forgotten(body))
                .await?
        {
            return Ok(Answer::Ok);
        }
        self.perform(&Command::ResultTooLarge { id, bytes, body }).await?;
        Ok(Answer::Ok)
    }

    async fn perform(&self, command: &Command) -> Result<Loaded<Device>, Answer> {
        Ok(self.perform_within(command).await?.unwrap_or_else(|| self.known.loaded()))
    }

    // `None`: the device has used up its budget.
    async fn perform_within(&self, command: &Command) -> Result<Option<Loaded<Device>>, Answer> {
        let (device, context) = (self.known.device, self.known.context(self.source));
        let loaded = self.known.loaded();
        match self.app.devices.perform_by_device::<Device>(device, &device.stream(), loaded, command, &context).await {
            Ok(performed) => Ok(Some((performed.state, performed.revision))),
            Err(ByDeviceError::Spent) => Ok(None),
            // Late or unknown: accepted without effect.
            Err(ByDeviceError::Perform(PerformError::Refused(refusal))) => {
                tracing::warn!(device.id = %device, %refusal, "ignored the report on a command");
                Ok(Some(self.known.loaded()))
            }
            Err(ByDeviceError::Perform(error)) => Err(unavailable(error)),
        }
    }
}

fn status_name(status: CommandStatus) -> &'static str {
    match status {
        CommandStatus::Acknowledged => "Acknowledged",
        CommandStatus::Error => "Error",
        CommandStatus::CommandFormatError => "CommandFormatError",
        CommandStatus::NotNow => "NotNow",
    }
}

fn envelope(id: CommandId, command: Dictionary) -> Result<Vec<u8>, plist::Error> {
    let mut envelope = Dictionary::new();
    envelope.insert("CommandUUID".into(), Value::from(id.to_string()));
    envelope.insert("Command".into(), Value::Dictionary(command));
    let mut xml = Vec::new();
    Value::Dictionary(envelope).to_writer_xml(&mut xml)?;
    Ok(xml)
}
