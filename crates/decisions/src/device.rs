//! One management relationship: stream `device-<id>`.

pub mod claim;
mod decide;
mod evolve;
mod renewal;
mod self_caused;
#[cfg(test)]
mod tests;

use super::apple_target;
use crate::Aggregate;
use apple::Target;
use events::device::{
    AnswerFault, AppStatus, BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceId,
    DeviceIdentifiers, InventoryValue, MdmError, MessageRefusal, Priority, PushAddress, RejectionReason,
    SupersessionEvidence,
};
use events::enrollment::{EnrollmentKind, IdentityRefusal, IssuedCertificate, OsVersion, SecretHash};
use events::person::PersonId;
use events::{KeyName, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashSet};

pub use claim::{Attestation, Claims, Revivable};
pub use renewal::Renewal;
pub use self_caused::Draws;

/// A request for the same key within this time is a repeated one: the answer got lost. Later it is another renewal.
const RENEWAL_REPEATED_SECONDS: i64 = 30 * 24 * 3600;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Device {
    pub phase: Phase,
    pub person: Option<PersonId>,
    pub identifiers: Option<DeviceIdentifiers>,
    /// How it named itself before its identity was renewed. It may go back to that identity.
    pub former_identifiers: Vec<DeviceIdentifiers>,
    pub os_version: Option<OsVersion>,
    pub product_name: Option<String>,
    /// The push topic that it enrolled with.
    pub topic: Option<String>,
    pub push: Option<PushAddress>,
    /// Where it was woken under certificates that it does not use now, by fingerprint: one that it goes back to has its own.
    pub former_pushes: BTreeMap<String, PushAddress>,
    /// The message that told [`Device::push`].
    pub push_told_by: Option<BodyHash>,
    /// The address that the last event replaced, if it did.
    pub replaced_push: Option<PushAddress>,
    /// The push service said that the token is dead: nothing is pushed until a `TokenUpdate` comes.
    pub push_is_dead: bool,
    /// A command is queued and the device was not woken since.
    pub wants_push: bool,
    /// A command was put off (NotNow) and the device was not woken since.
    pub wants_push_again: bool,
    /// Fingerprint of the certificate that the device enrolled with.
    pub certificate: Option<String>,
    /// Certificates issued by renewal since then, oldest first.
    pub renewed: Vec<IssuedCertificate>,
    pub renewal: Option<Renewal>,
    /// Fingerprint of the certificate that the device speaks with since a renewal, or what it went back to.
    pub in_use: Option<String>,
    /// Fingerprint of the certificate that `Authenticate` came with while it was enrolled, until a renewal is completed.
    pub reauthenticated: Option<String>,
    /// Commands in the order they were queued.
    pub commands: Vec<QueuedCommand>,
    /// Refusals of messages and identities since its last enrollment: equal ones are written down once.
    pub refused_messages: BTreeSet<MessageRefusal>,
    pub refused_identities: BTreeSet<IdentityRefusal>,
    /// How often commands were put off so far.
    pub put_offs: u64,
    /// [`Device::put_offs`] as the device was woken last.
    pub put_offs_at_push: u64,
    /// Managed apps by bundle identifier.
    pub apps: BTreeMap<String, AppStatus>,
    pub inventory: BTreeMap<String, InventoryValue>,
    pub archived: bool,
    /// It said CheckOut since it enrolled.
    pub left: bool,
    /// Fields that were told once at a length that is not kept.
    pub left_out: BTreeSet<String>,
    /// Other records of the same hardware.
    pub claims: Claims,
    /// This record ended for another one, and may come back.
    pub revivable: Option<Box<Revivable>>,
    /// Bodies that changed something already.
    pub seen: HashSet<BodyHash>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Unknown,
    /// `Authenticate` came: the profile is being installed.
    Authenticated,
    Enrolled,
    /// The person removed the profile.
    CheckedOut,
    /// We did.
    Unenrolled,
    /// The same hardware is another device of ours now.
    Superseded,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QueuedCommand {
    pub id: CommandId,
    pub request_type: String,
    /// The `Command` dictionary as an XML property list.
    pub payload: CommandPayload,
    /// Its acknowledgement ends management.
    pub unenrolls: bool,
    pub priority: Priority,
    pub expires: Option<Timestamp>,
    pub status: CommandState,
    /// The device had it, whatever became of it since.
    pub delivered: bool,
    /// Which of all puttings-off was its last; 0: it never was.
    pub put_off: u64,
    /// The last answer to it.
    pub answer: Option<CommandStatus>,
    /// The bundle identifier of the app that it installs, once the device told.
    pub app: Option<String>,
    /// Why the device does not take the app that it installs.
    pub rejection: Option<RejectionReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandState {
    Queued,
    Delivered,
    /// NotNow.
    Deferred,
    Answered,
    /// Somebody called it off.
    Cancelled,
    Expired,
    /// Management ended: it belongs to no management that may come.
    Ended,
}

impl CommandState {
    /// Whether the device still owes an answer.
    pub fn is_waiting(self) -> bool {
        match self {
            CommandState::Queued | CommandState::Delivered | CommandState::Deferred => true,
            CommandState::Answered | CommandState::Cancelled | CommandState::Expired | CommandState::Ended => false,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Command {
    Authenticate {
        person: PersonId,
        /// The kind that the served profile was for.
        intended: EnrollmentKind,
        identifiers: DeviceIdentifiers,
        certificate: String,
        topic: String,
        os_version: Option<OsVersion>,
        build_version: Option<String>,
        product_name: Option<String>,
        body: BodyHash,
    },
    TokenUpdate {
        identifiers: DeviceIdentifiers,
        push: PushAddress,
        /// Fingerprint of the certificate that signed.
        certificate: String,
        body: BodyHash,
    },
    CheckOut {
        body: BodyHash,
    },
    /// Whether the device's mode and version permit the command is looked up in [`apple`] and decided here.
    /// `unenrolls`: its acknowledgement ends management (`RemoveProfile` of the enrollment profile).
    QueueCommand {
        id: CommandId,
        request_type: String,
        payload: CommandPayload,
        unenrolls: bool,
        priority: Priority,
        expires: Option<Timestamp>,
    },
    /// It is not to be sent any more.
    CancelCommand {
        id: CommandId,
    },
    /// The time is `now`: what has expired is not delivered any more.
    ExpireCommands {
        now: Timestamp,
    },
    /// The device asks what to do next. `not_now`: commands it answered with NotNow in this conversation.
    NextCommand {
        not_now: Vec<CommandId>,
        now: Timestamp,
    },
    AnswerCommand {
        id: CommandId,
        status: CommandStatus,
        errors: Vec<MdmError>,
        rejection: Option<RejectionReason>,
        body: BodyHash,
        /// What of the answer could not be read.
        left_out: BTreeSet<AnswerFault>,
        /// What the answer tells about the device, already trimmed to what its mode may tell.
        inventory: BTreeMap<String, InventoryValue>,
        /// How managed apps stand, by bundle identifier, trimmed likewise.
        apps: BTreeMap<String, AppStatus>,
        /// What the answer attests, if it was asked for that.
        attestation: Option<Attestation>,
    },
    /// Of an answer to this command so little can be read that the device would be asked for it for ever.
    SettleUnreadable {
        id: CommandId,
        why: BTreeSet<AnswerFault>,
        body: BodyHash,
    },
    /// `body`: of one that was proven by a signature.
    ResultTooLarge {
        id: Option<CommandId>,
        bytes: u64,
        body: Option<BodyHash>,
    },
    /// APNs took a notification. `again`: because what waits was not answered for long, not because something is new.
    /// `put_offs`: how often the device had put something off when it was sent; `None`: as often as now.
    RecordPush {
        apns_id: Option<String>,
        again: bool,
        put_offs: Option<u64>,
    },
    /// `to`: where the notification was sent. What became of an address that the device has left is no news.
    RecordPushFailure {
        to: PushAddress,
        status: Option<u16>,
        reason: String,
        unregistered_since: Option<Timestamp>,
        again: bool,
    },
    /// By RenewalReq: the device asked by itself, with the identity that it has.
    RenewIdentity {
        identity: IssuedCertificate,
        transaction: String,
    },
    /// Send the enrollment profile anew: `payload` is the command with it, in it `challenge`.
    RequestRenewal {
        id: CommandId,
        payload: CommandPayload,
        challenge: SecretHash,
        challenge_expires: Timestamp,
    },
    /// The table permits no such profile on this device.
    RefuseRenewal,
    /// A certificate was signed for whoever presented `challenge`; it counts if this is appended first.
    IssueRenewal {
        now: Timestamp,
        challenge: SecretHash,
        identity: IssuedCertificate,
        transaction: String,
    },
    /// The device asks for commands with this certificate: another one than it spoke with before, maybe.
    NoteIdentity {
        identity: IssuedCertificate,
    },
    /// The renewal with this command had its time.
    LapseRenewal {
        command: CommandId,
    },
    /// The device is refused a renewed identity.
    RefuseIdentity {
        why: IdentityRefusal,
    },
    /// A message that was signed with an identity of the device is not taken.
    RefuseMessage {
        why: MessageRefusal,
    },
    HearFrom,
    /// These fields of what the device told were too long to be kept.
    NoteLeftOut {
        fields: BTreeSet<String>,
    },
    /// The same hardware is managed as `by`, on this evidence.
    Supersede {
        by: DeviceId,
        evidence: SupersessionEvidence,
        now: Timestamp,
    },
    /// The identity of a record that was superseded spoke.
    Revive {
        body: BodyHash,
        now: Timestamp,
    },
    /// Records under management that named the same hardware before, the newest first: `others` of `count`.
    NoteClaim {
        others: Vec<DeviceId>,
        count: u32,
    },
    /// `other` is another device: somebody decided that.
    DismissClaim {
        other: DeviceId,
    },
    /// `payload`: the command, with the nonce.
    RequestAttestation {
        id: CommandId,
        payload: CommandPayload,
        now: Timestamp,
    },
    Archive,
    Restore,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another device speaks with this one's certificate.
    #[error("the message names another device than the one this certificate belongs to")]
    OtherDevice,
    /// The profile was for the other kind of enrollment.
    #[error("the device enrolled by {}, the profile it was given is for {}", kind(*arrived), kind(*intended))]
    WrongMode { intended: EnrollmentKind, arrived: EnrollmentKind },
    #[error("no Authenticate came before this message")]
    NotAuthenticated,
    /// Management ended; only a new certificate can begin again.
    #[error("this management ended ({}); only a new enrollment can begin again", phase(*.0))]
    Ended(Phase),
    #[error("the device is not enrolled ({})", phase(*.0))]
    NotEnrolled(Phase),
    #[error("{}", forbidden(request_type, why))]
    CommandForbidden { request_type: String, why: String },
    #[error("a command with this id is queued already with another content")]
    DuplicateCommand,
    #[error("there is no such command")]
    UnknownCommand,
    #[error("the device has answered {request_type} already")]
    AnsweredCommand { request_type: String },
    #[error("no renewal of this device's identity has this challenge")]
    UnknownChallenge,
    #[error("the time of this challenge is over")]
    ExpiredChallenge,
    /// The challenge has renewed the identity for another key.
    #[error("the challenge was used by another key")]
    ChallengeUsed,
}

fn kind(kind: EnrollmentKind) -> &'static str {
    match kind {
        EnrollmentKind::UserEnrollment => "User Enrollment",
        EnrollmentKind::DeviceEnrollment => "Device Enrollment",
    }
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

// A reason that names the command already does not get its name once more.
fn forbidden(request_type: &str, why: &str) -> String {
    if why.starts_with(request_type) {
        return why.to_owned();
    }
    format!("{request_type} is not possible on this device: {why}")
}

impl Aggregate for Device {
    type Event = DeviceEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
        decide::decide(self, command)
    }

    fn evolve(self, event: &DeviceEvent) -> Device {
        evolve::evolve(self, event)
    }

    // Erased identifiers match any; those that are unknown must not.
    fn damaged_key(&self) -> Option<&KeyName> {
        match self.identifiers.as_ref()? {
            DeviceIdentifiers::UserEnrollment { enrollment_id } => enrollment_id.damaged_key(),
            DeviceIdentifiers::DeviceEnrollment { udid, .. } => udid.damaged_key(),
        }
    }
}

impl Device {
    /// Whether a message that names its device so comes from this one. Erased identifiers match any of their mode.
    pub fn is(&self, identifiers: &DeviceIdentifiers) -> bool {
        self.identifiers.iter().chain(&self.former_identifiers).any(|ours| same_device(ours, identifiers))
    }

    /// A renewal that a request repeats: the same key, and hardly any time in between. `not_after`: the end of the
    /// certificate that would be issued.
    pub fn renewal_of(&self, key_hash: &str, not_after: Timestamp) -> Option<&IssuedCertificate> {
        self.renewed.iter().rev().find(|renewed| {
            renewed.key_hash == key_hash && not_after.seconds_since(renewed.not_after) < RENEWAL_REPEATED_SECONDS
        })
    }

    /// Whether a push is worth writing down.
    pub(super) fn wants(&self, again: bool) -> bool {
        self.wants_push || self.wants_push_again || (again && self.waiting().next().is_some())
    }

    /// The version it runs now: the newest that it told, as it enrolled, renewed, or was asked. No device goes back to an older one
    /// while it is managed.
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

    /// What the rules on commands and profiles go by. `None` before it enrolled.
    pub fn target(&self) -> Option<Target> {
        Some(Target { supervised: self.says_supervised(), ..apple_target(self.kind()?, self.version()) })
    }

    // Apple Configurator supervises a device before it enrolls; no enrollment from a browser does.
    fn says_supervised(&self) -> bool {
        matches!(self.inventory.get("IsSupervised"), Some(InventoryValue::Plain(value)) if value.as_bool() == Some(true))
    }

    /// The commands that the device has not answered, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &QueuedCommand> {
        self.commands.iter().filter(|command| command.status.is_waiting())
    }

    /// What waits and was put off, in whatever conversation.
    pub fn put_off(&self) -> Vec<CommandId> {
        let deferred = self.commands.iter().filter(|command| command.status == CommandState::Deferred);
        deferred.map(|command| command.id).collect()
    }

    /// The command the device gets when it asks, leaving out what it just put off: first what it never put off, the most
    /// urgent and then the oldest; then what it put off longest ago, so that no command keeps others from being tried.
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

    // The prompt to install an app names the organization that `Settings` told (application.install.yaml, iOS 26 notes).
    fn waits_for_settings(&self, nth: usize) -> bool {
        let is_settings = |command: &QueuedCommand| command.request_type == "Settings" && command.status.is_waiting();
        self.commands[nth].request_type == "InstallApplication" && self.commands[..nth].iter().any(is_settings)
    }

    /// What a message that it sends because of `id` was asked, if it was.
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
