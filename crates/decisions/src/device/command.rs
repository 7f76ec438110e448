//! What can be asked of a device's record.

use super::Attestation;
use events::Timestamp;
use events::device::{
    AnswerFault, AppStatus, BodyHash, CommandId, CommandPayload, CommandStatus, DeviceId, DeviceIdentifiers,
    InventoryValue, MdmError, MessageRefusal, Priority, PushAddress, RejectionReason, SupersessionEvidence,
};
use events::enrollment::{EnrollmentKind, IdentityRefusal, IssuedCertificate, OsVersion, SecretHash};
use events::person::PersonId;
use events::record::RecordId;
use events::settings::ClearedView;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
pub enum Command {
    Authenticate {
        person: PersonId,
        /// The enrollment kind of the served profile.
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
        /// Fingerprint of the signing certificate.
        certificate: String,
        body: BodyHash,
    },
    CheckOut {
        body: BodyHash,
    },
    /// Queues a command. Whether the kind of enrollment and the version permit it is looked up in [`apple`] and decided
    /// here.
    /// `unenrolls`: its acknowledgement ends management (`RemoveProfile` of the enrollment profile).
    QueueCommand {
        id: CommandId,
        request_type: String,
        payload: CommandPayload,
        unenrolls: bool,
        priority: Priority,
        expires: Option<Timestamp>,
    },
    /// The command is not to be sent any longer.
    CancelCommand {
        id: CommandId,
    },
    /// Expires the commands whose time is over at `now`.
    ExpireCommands {
        now: Timestamp,
    },
    /// The device asks for the next command. `not_now`: commands that it answered with NotNow in this conversation.
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
        /// Why parts of the answer could not be read.
        left_out: BTreeSet<AnswerFault>,
        /// Values that the answer reports about the device, already limited to what its kind of enrollment permits.
        inventory: BTreeMap<String, InventoryValue>,
        /// Status of managed apps by bundle identifier, limited in the same way.
        apps: BTreeMap<String, AppStatus>,
        /// The attestation in the answer, if the command requested one.
        attestation: Option<Attestation>,
    },
    /// Settles a command whose answer is so unreadable that the command would otherwise be sent forever.
    SettleUnreadable {
        id: CommandId,
        why: BTreeSet<AnswerFault>,
        body: BodyHash,
    },
    /// `body`: the hash of an answer that was authenticated by a signature.
    ResultTooLarge {
        id: Option<CommandId>,
        bytes: u64,
        body: Option<BodyHash>,
    },
    /// APNs accepted a notification. `again`: it was sent because waiting commands were not answered for long, not for
    /// a new command. `put_offs`: the number of NotNow answers when it was sent; `None`: as many as now.
    RecordPush {
        apns_id: Option<String>,
        again: bool,
        put_offs: Option<u64>,
    },
    /// `to`: the address that the notification was sent to. The result for an address that the device no longer uses is
    /// ignored.
    RecordPushFailure {
        to: PushAddress,
        status: Option<u16>,
        reason: String,
        unregistered_since: Option<Timestamp>,
        again: bool,
    },
    /// A renewal by RenewalReq: the device started it on its own, with its current identity.
    RenewIdentity {
        identity: IssuedCertificate,
        transaction: String,
    },
    /// Sends the enrollment profile again: `payload` is the command with the profile, which contains `challenge`.
    RequestRenewal {
        id: CommandId,
        payload: CommandPayload,
        challenge: SecretHash,
        challenge_expires: Timestamp,
    },
    /// Apple's rules do not permit such a profile on this device.
    RefuseRenewal,
    /// A certificate was signed for the sender of `challenge`. It is valid only if this command's event is appended
    /// first.
    IssueRenewal {
        now: Timestamp,
        challenge: SecretHash,
        identity: IssuedCertificate,
        transaction: String,
    },
    /// The device asked for commands with this certificate, which may differ from the one it used before.
    NoteIdentity {
        identity: IssuedCertificate,
    },
    /// The time of the renewal with this command is over.
    LapseRenewal {
        command: CommandId,
    },
    /// The device is refused a renewed identity.
    RefuseIdentity {
        why: IdentityRefusal,
    },
    /// A message that was signed with an identity of the device is refused.
    RefuseMessage {
        why: MessageRefusal,
    },
    HearFrom,
    /// A later enrollment may be this device: the next contact is evidence.
    WatchContact {
        successor: DeviceId,
    },
    /// The values of these fields exceeded the size limit and are not stored.
    NoteLeftOut {
        fields: BTreeSet<String>,
    },
    /// The same hardware is managed as `by`, according to this evidence.
    Supersede {
        by: DeviceId,
        evidence: SupersessionEvidence,
        now: Timestamp,
    },
    /// A message arrived with the identity of a superseded record.
    Revive {
        body: BodyHash,
        now: Timestamp,
    },
    /// Managed records that reported the same hardware earlier, newest first: `others` are listed out of `count`.
    NoteClaim {
        others: Vec<DeviceId>,
        count: u32,
    },
    /// An administrator decided that `other` is a different device.
    DismissClaim {
        other: DeviceId,
    },
    /// `payload`: the command, which contains the nonce.
    RequestAttestation {
        id: CommandId,
        payload: CommandPayload,
        now: Timestamp,
    },
    Archive,
    Restore,
    /// Hides these parts of the confirmed earlier record from administrators.
    ClearEarlierViews {
        record: RecordId,
        views: BTreeSet<ClearedView>,
    },
}
