//! One management relationship: stream `device-<id>`.

mod decide;
mod evolve;
#[cfg(test)]
mod tests;

use crate::enrollment::Aggregate;
use events::Timestamp;
use events::device::{
    BodyHash, CommandId, CommandStatus, DeviceEvent, DeviceId, DeviceIdentifiers, InventoryValue, MdmError, PushAddress,
};
use events::enrollment::{EnrollmentKind, IssuedCertificate, OsVersion};
use events::person::PersonId;
use std::collections::{BTreeMap, HashSet};

/// A request for the same key within this time is a repeated one: the answer got lost. Later it is another renewal.
const RENEWAL_REPEATED_SECONDS: i64 = 30 * 24 * 3600;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Device {
    pub phase: Phase,
    pub person: Option<PersonId>,
    pub identifiers: Option<DeviceIdentifiers>,
    pub os_version: Option<OsVersion>,
    pub product_name: Option<String>,
    /// The push topic that it enrolled with.
    pub topic: Option<String>,
    pub push: Option<PushAddress>,
    /// The push service said that the token is dead: nothing is pushed until a `TokenUpdate` comes.
    pub push_is_dead: bool,
    /// A command is queued and the device was not woken since.
    pub wants_push: bool,
    /// A command was put off (NotNow) and the device was not woken since.
    pub wants_push_again: bool,
    /// Fingerprint of the certificate that the device authenticated with last.
    pub certificate: Option<String>,
    /// Certificates issued by renewal, oldest first.
    pub renewed: Vec<IssuedCertificate>,
    /// Commands in the order they were queued.
    pub commands: Vec<QueuedCommand>,
    pub inventory: BTreeMap<String, InventoryValue>,
    pub archived: bool,
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
    pub payload: String,
    /// Its acknowledgement ends management.
    pub unenrolls: bool,
    pub status: CommandState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandState {
    Queued,
    Delivered,
    /// NotNow.
    Deferred,
    Answered,
    /// Management ended before it was answered: it is never delivered again.
    Cancelled,
}

impl CommandState {
    /// Whether the device still owes an answer.
    pub fn is_waiting(self) -> bool {
        match self {
            CommandState::Queued | CommandState::Delivered | CommandState::Deferred => true,
            CommandState::Answered | CommandState::Cancelled => false,
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
        body: BodyHash,
    },
    CheckOut {
        body: BodyHash,
    },
    /// Whether the device's mode and version permit the command is looked up in [`crate::apple`] and decided here.
    /// `unenrolls`: its acknowledgement ends management (`RemoveProfile` of the enrollment profile).
    QueueCommand {
        id: CommandId,
        request_type: String,
        payload: String,
        unenrolls: bool,
    },
    /// The device asks what to do next. `not_now`: commands it answered with NotNow in this conversation.
    NextCommand {
        not_now: Vec<CommandId>,
    },
    AnswerCommand {
        id: CommandId,
        status: CommandStatus,
        errors: Vec<MdmError>,
        body: BodyHash,
        /// What the answer tells about the device, already trimmed to what its mode may tell.
        inventory: BTreeMap<String, InventoryValue>,
    },
    ResultTooLarge {
        id: Option<CommandId>,
        bytes: u64,
    },
    /// APNs took a notification. `again`: because what waits was not answered for long, not because something is new.
    RecordPush {
        apns_id: Option<String>,
        again: bool,
    },
    /// `to`: where the notification was sent. What became of an address that the device has left is no news.
    RecordPushFailure {
        to: PushAddress,
        status: Option<u16>,
        reason: String,
        unregistered_since: Option<Timestamp>,
        again: bool,
    },
    RenewIdentity {
        identity: IssuedCertificate,
        transaction: String,
    },
    HearFrom,
    Supersede {
        by: DeviceId,
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
    #[error("the device enrolled as {arrived:?}, the profile it was given is for {intended:?}")]
    WrongMode { intended: EnrollmentKind, arrived: EnrollmentKind },
    #[error("no Authenticate came before this message")]
    NotAuthenticated,
    /// Management ended; only a new certificate can begin again.
    #[error("this management ended ({0:?}); only a new enrollment can begin again")]
    Ended(Phase),
    #[error("the device is not enrolled ({0:?})")]
    NotEnrolled(Phase),
    #[error("{request_type} is not possible on this device: {why}")]
    CommandForbidden { request_type: String, why: String },
    #[error("a command with this id is queued already with another content")]
    DuplicateCommand,
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
}

impl Device {
    /// Whether a message that names its device so comes from this one. Erased identifiers match any of their mode.
    pub fn is(&self, identifiers: &DeviceIdentifiers) -> bool {
        use DeviceIdentifiers::{DeviceEnrollment, UserEnrollment};
        let (ours, theirs) = match (&self.identifiers, identifiers) {
            (Some(UserEnrollment { enrollment_id: ours }), UserEnrollment { enrollment_id }) => (ours, enrollment_id),
            (Some(DeviceEnrollment { udid: ours, .. }), DeviceEnrollment { udid, .. }) => (ours, udid),
            _ => return false,
        };
        ours.get().is_none() || ours.get() == theirs.get()
    }

    /// A renewal that a request for `identity` repeats: the same key, and hardly any time in between.
    pub fn renewal_of(&self, identity: &IssuedCertificate) -> Option<&IssuedCertificate> {
        self.renewed.iter().rev().find(|renewed| {
            let later = identity.not_after.seconds_since(renewed.not_after);
            renewed.key_hash == identity.key_hash && later < RENEWAL_REPEATED_SECONDS
        })
    }

    /// Whether a push is worth writing down.
    pub(super) fn wants(&self, again: bool) -> bool {
        self.wants_push || self.wants_push_again || (again && self.waiting().next().is_some())
    }

    pub fn kind(&self) -> Option<EnrollmentKind> {
        self.identifiers.as_ref().map(DeviceIdentifiers::kind)
    }

    /// The commands that the device has not answered, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &QueuedCommand> {
        self.commands.iter().filter(|command| command.status.is_waiting())
    }

    /// The command the device gets when it asks: the oldest that is not answered, leaving out what it just put off.
    pub fn next_command(&self, not_now: &[CommandId]) -> Option<&QueuedCommand> {
        self.waiting().find(|command| !not_now.contains(&command.id))
    }
}
