//! One management relationship: stream `device-<id>`.

pub mod claim;
mod command;
mod decide;
mod evolve;
mod renewal;
mod seen;
mod self_caused;
#[cfg(test)]
mod tests;

use super::apple_target;
use crate::Aggregate;
use apple::Target;
use events::device::{
    AppStatus, BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceIdentifiers, InventoryValue,
    MessageRefusal, Priority, PushAddress, RejectionReason,
};
use events::enrollment::{EnrollmentKind, IdentityRefusal, IssuedCertificate, OsVersion};
use events::person::PersonId;
use events::record::RecordId;
use events::settings::ClearedView;
use events::{KeyName, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub use claim::{Attestation, Claims, Revivable};
pub use command::Command;
pub use renewal::Renewal;
pub use seen::Seen;
pub use self_caused::Draws;

/// Maximum time between two requests for the same key that counts as a repetition after a lost response, in seconds. A
/// later request is a new renewal.
const RENEWAL_REPEATED_SECONDS: i64 = 30 * 24 * 3600;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Device {
    pub phase: Phase,
    pub person: Option<PersonId>,
    pub identifiers: Option<DeviceIdentifiers>,
    /// Its identifiers before its identity was renewed. The device may return to that identity.
    pub former_identifiers: Vec<DeviceIdentifiers>,
    pub os_version: Option<OsVersion>,
    pub product_name: Option<String>,
    /// The push topic of its enrollment.
    pub topic: Option<String>,
    pub push: Option<PushAddress>,
    /// Push addresses of certificates that are not in use, by fingerprint. If the device returns to such a certificate,
    /// its address is used again.
    pub former_pushes: BTreeMap<String, PushAddress>,
    /// The message that reported [`Device::push`].
    pub push_told_by: Option<BodyHash>,
    /// The address that the last event replaced, if it did.
    pub replaced_push: Option<PushAddress>,
    /// Since when APNs reports the token as unregistered: nothing is pushed until a `TokenUpdate` arrives.
    pub push_dead_since: Option<Timestamp>,
    /// A command was queued, and no push was sent since.
    pub wants_push: bool,
    /// A command was answered with NotNow, and no push was sent since.
    pub wants_push_again: bool,
    /// Fingerprint of the certificate that the device enrolled with.
    pub certificate: Option<String>,
    /// Certificates issued by renewal since then, oldest first.
    pub renewed: Vec<IssuedCertificate>,
    pub renewal: Option<Renewal>,
    /// Fingerprint of the certificate that the device uses since a renewal or a return to an earlier certificate.
    pub in_use: Option<String>,
    /// Fingerprint of the certificate of an `Authenticate` of the enrolled device, until a renewal is completed.
    pub reauthenticated: Option<String>,
    /// Commands in the order they were queued: all that wait, and the settled ones that still matter
    /// ([`QueuedCommand::installs`] and the newest others).
    pub commands: Vec<QueuedCommand>,
    /// Number of settled commands that would have ended management.
    pub removals: u64,
    /// Refused messages and identities since its last enrollment: equal refusals are recorded once.
    pub refused_messages: BTreeSet<MessageRefusal>,
    pub refused_identities: BTreeSet<IdentityRefusal>,
    /// Number of NotNow answers so far.
    pub put_offs: u64,
    /// Value of [`Device::put_offs`] when the last push was sent.
    pub put_offs_at_push: u64,
    /// Managed apps by bundle identifier.
    pub apps: BTreeMap<String, AppStatus>,
    pub inventory: BTreeMap<String, InventoryValue>,
    pub archived: bool,
    /// Parts of earlier records that administrators no longer see, by record.
    pub cleared: BTreeMap<RecordId, BTreeSet<ClearedView>>,
    /// The next contact is recorded, because a later enrollment may be this device.
    pub contact_watched: bool,
    /// The device sent CheckOut since it enrolled.
    pub left: bool,
    /// Fields that were reported with values over the size limit.
    pub left_out: BTreeSet<String>,
    /// Other records of the same hardware.
    pub claims: Claims,
    /// Set if this record was superseded and can be revived.
    pub revivable: Option<Box<Revivable>>,
    pub seen: Seen,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    #[default]
    Unknown,
    /// `Authenticate` was received: the profile is being installed.
    Authenticated,
    Enrolled,
    /// The person removed the profile.
    CheckedOut,
    /// An administrator unenrolled the device.
    Unenrolled,
    /// The same hardware is now managed as another record.
    Superseded,
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

/// A name-based UUID of a property list (version 5, that is, SHA-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(Uuid);

impl Digest {
    fn of(xml: &str) -> Digest {
        Digest(Uuid::new_v5(&Uuid::NAMESPACE_OID, xml.as_bytes()))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueuedCommand {
    pub id: CommandId,
    pub request_type: String,
    /// The `Command` dictionary as an XML property list; empty if [`QueuedCommand::forgotten`] says so.
    pub payload: CommandPayload,
    /// The digest of the property list, if the command is settled and nothing of it is needed any longer.
    pub forgotten: Option<Digest>,
    /// The acknowledgement of this command ends management.
    pub unenrolls: bool,
    pub priority: Priority,
    pub expires: Option<Timestamp>,
    pub status: CommandState,
    /// The device received the command, whatever its status is now.
    pub delivered: bool,
    /// Value of [`Device::put_offs`] at the last NotNow answer to this command; 0 if there was none.
    pub put_off: u64,
    /// The last answer to the command.
    pub answer: Option<CommandStatus>,
    /// The bundle identifier of the app that the command installs, once the device reported it.
    pub app: Option<String>,
    /// Why the device rejected the app that the command installs.
    pub rejection: Option<RejectionReason>,
}

impl QueuedCommand {
    /// Returns whether this is the command with `payload`.
    pub(crate) fn has(&self, payload: &CommandPayload) -> bool {
        match &self.forgotten {
            Some(forgotten) => payload.xml().is_some_and(|xml| Digest::of(xml) == *forgotten),
            None => self.payload.xml() == payload.xml(),
        }
    }

    /// Forgets the property list of a settled command. Kept are those of installations, those whose answer may still
    /// arrive, and sealed ones: a digest would tell something about a secret.
    pub(crate) fn forget(&mut self) {
        let awaits = match self.status {
            CommandState::Queued | CommandState::Delivered | CommandState::Deferred => true,
            CommandState::Cancelled | CommandState::Expired => self.delivered,
            CommandState::Answered | CommandState::Ended => false,
        };
        if let (CommandPayload::Plain(xml), None, false) = (&self.payload, &self.forgotten, awaits || self.installs()) {
            self.forgotten = Some(Digest::of(xml));
            self.payload = CommandPayload::Plain(String::new());
        }
    }

    /// Returns whether the command installs a profile or an app: it says what management installed, also long after its
    /// answer.
    pub fn installs(&self) -> bool {
        matches!(self.request_type.as_str(), "InstallProfile" | "InstallApplication")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandState {
    Queued,
    Delivered,
    /// Answered with NotNow.
    Deferred,
    Answered,
    /// Cancelled by an administrator.
    Cancelled,
    Expired,
    /// Management ended before the answer. The command is not sent in a later management.
    Ended,
}

impl CommandState {
    /// Returns whether an answer of the device is pending.
    pub fn is_waiting(self) -> bool {
        match self {
            CommandState::Queued | CommandState::Delivered | CommandState::Deferred => true,
            CommandState::Answered | CommandState::Cancelled | CommandState::Expired | CommandState::Ended => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another device uses this device's certificate.
    #[error("the message names another device than the one this certificate belongs to")]
    OtherDevice,
    /// The profile was for the other enrollment kind.
    #[error("the device enrolled by {}, but its profile is for {}", arrived.name(), intended.name())]
    WrongMode { intended: EnrollmentKind, arrived: EnrollmentKind },
    #[error("no Authenticate was received before this message")]
    NotAuthenticated,
    /// Management ended; only a new certificate can begin a new one.
    #[error("management of the device ended ({}); only a new enrollment can begin a new one", phase(*.0))]
    Ended(Phase),
    #[error("the device is not enrolled ({})", phase(*.0))]
    NotEnrolled(Phase),
    #[error("{}", forbidden(request_type, why))]
    CommandForbidden { request_type: String, why: String },
    #[error("a command with this id and other content is already queued")]
    DuplicateCommand,
    #[error("there is no such command")]
    UnknownCommand,
    #[error("the device already answered {request_type}")]
    AnsweredCommand { request_type: String },
    #[error("no renewal of this device's identity has this challenge")]
    UnknownChallenge,
    #[error("the challenge expired")]
    ExpiredChallenge,
    /// The challenge already renewed the identity for another key.
    #[error("the challenge was used by another key")]
    ChallengeUsed,
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Unknown => "no device has used this enrollment",
        Phase::Authenticated => "it is being enrolled",
        Phase::Enrolled => "it is enrolled",
        Phase::CheckedOut => "the person removed the profile",
        Phase::Unenrolled => "it was unenrolled",
        Phase::Superseded => "the same hardware enrolled again",
    }
}

// Does not repeat the command's name if the reason begins with it.
fn forbidden(request_type: &str, why: &str) -> String {
    if why.starts_with(request_type) {
        return why.to_owned();
    }
    format!("{request_type} is not possible on this device: {why}")
}

impl Aggregate for Device {
    const FOLD: u32 = 6;

    type Whole = Self;
    type Event = DeviceEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
        decide::decide(self, command)
    }

    fn evolve(self, event: &DeviceEvent) -> Device {
        evolve::evolve(self, event)
    }

    // Erased identifiers match any device; unknown identifiers must not.
    fn damaged_key(&self) -> Option<&KeyName> {
        match self.identifiers.as_ref()? {
            DeviceIdentifiers::UserEnrollment { enrollment_id } => enrollment_id.damaged_key(),
            DeviceIdentifiers::DeviceEnrollment { udid, .. } => udid.damaged_key(),
        }
    }
}

impl Device {
    /// Returns whether a message with these identifiers is from this device. Erased identifiers match any identifiers
    /// of their kind of enrollment.
    pub fn is(&self, identifiers: &DeviceIdentifiers) -> bool {
        self.identifiers.iter().chain(&self.former_identifiers).any(|ours| same_device(ours, identifiers))
    }

    /// Returns the renewal that a request repeats: for the same key and soon after it. `not_after`: the end of the
    /// certificate that would be issued.
    pub fn renewal_of(&self, key_hash: &str, not_after: Timestamp) -> Option<&IssuedCertificate> {
        self.renewed.iter().rev().find(|renewed| {
            renewed.key_hash == key_hash && not_after.seconds_since(renewed.not_after) < RENEWAL_REPEATED_SECONDS
        })
    }

    /// Returns whether a push has to be recorded.
    pub(super) fn wants(&self, again: bool) -> bool {
        self.wants_push || self.wants_push_again || (again && self.waiting().next().is_some())
    }

    /// Returns the current OS version: the newest one that the device reported at enrollment, at a renewal or in an
    /// answer. A managed device cannot be downgraded.
    pub fn version(&self) -> Option<OsVersion> {
        let told = match self.inventory.get("OSVersion") {
            Some(InventoryValue::Plain(value)) => value.as_str().and_then(OsVersion::parse),
            _ => None,
        };
        told.max(self.os_version)
    }

    pub fn kind(&self) -> Option<EnrollmentKind> {
        self.identifiers.as_ref().map(DeviceIdentifiers::kind)
    }

    /// Returns the device as the target of Apple's rules for commands and profiles. `None` before it enrolled.
    pub fn target(&self) -> Option<Target> {
        Some(Target { supervised: self.says_supervised(), ..apple_target(self.kind()?, self.version()) })
    }

    // Apple Configurator supervises a device before it enrolls; an enrollment from a browser never does.
    fn says_supervised(&self) -> bool {
        matches!(self.inventory.get("IsSupervised"), Some(InventoryValue::Plain(value)) if value.as_bool() == Some(true))
    }

    /// Returns the commands without a final answer, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &QueuedCommand> {
        self.commands.iter().filter(|command| command.status.is_waiting())
    }

    /// Returns the waiting commands that were answered with NotNow, in any conversation.
    pub fn put_off(&self) -> Vec<CommandId> {
        let deferred = self.commands.iter().filter(|command| command.status == CommandState::Deferred);
        deferred.map(|command| command.id).collect()
    }

    /// Returns the next command for the device, without those in `not_now`. Commands that were never answered with
    /// NotNow come first, by priority and then by age. The others follow, the longest deferred first, so that no
    /// command prevents others from being tried.
    pub fn next_command(&self, not_now: &[CommandId]) -> Option<&QueuedCommand> {
        let deliverable = self.commands.iter().enumerate().filter(|(nth, command)| {
            command.status.is_waiting()
                && command.payload.xml().is_some()
                && !not_now.contains(&command.id)
                && !self.waits_for_settings(*nth)
        });
        let next = deliverable.min_by_key(|(nth, command)| (command.put_off, command.priority, *nth));
        next.map(|(_, command)| command)
    }

    // The prompt to install an app shows the organization's name from the `Settings` command (application.install.yaml,
    // iOS 26 notes).
    fn waits_for_settings(&self, nth: usize) -> bool {
        let is_settings = |command: &QueuedCommand| command.request_type == "Settings" && command.status.is_waiting();
        self.commands[nth].request_type == "InstallApplication" && self.commands[..nth].iter().any(is_settings)
    }

    /// Returns the command with this id.
    pub fn command(&self, id: CommandId) -> Option<&QueuedCommand> {
        self.commands.iter().find(|command| command.id == id)
    }
}

fn same_device(ours: &DeviceIdentifiers, theirs: &DeviceIdentifiers) -> bool {
    use DeviceIdentifiers::{DeviceEnrollment, UserEnrollment};
    let (ours, theirs) = match (ours, theirs) {
        (UserEnrollment { enrollment_id: ours }, UserEnrollment { enrollment_id }) => (ours, enrollment_id),
        (DeviceEnrollment { udid: ours, .. }, DeviceEnrollment { udid, .. }) => (ours, udid),
        _ => return false,
    };
    ours.get().is_none() || ours.get() == theirs.get()
}
