//! Commands and their answers.

use crate::phone::Phone;
use crate::scene::{Cue, Scene};
use events::device::{
    BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, MdmError, Priority, RejectionReason,
};
use events::enrollment::{EnrollmentKind, OsVersion};
use events::envelope::EventId;
use events::{Event, Personal, Timestamp};

/// A command that is queued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) request_type: &'a str,
    /// Keys and values of the dictionary after `RequestType`, as XML.
    pub(crate) fields: &'a str,
    /// The payload may have secrets: it is sealed.
    pub(crate) is_sealed: bool,
    pub(crate) unenrolls: bool,
    pub(crate) priority: Priority,
    pub(crate) expires: Option<Timestamp>,
}

impl<'a> Ask<'a> {
    /// A query that nobody waits for.
    pub(crate) fn query(request_type: &'a str, fields: &'a str) -> Ask<'a> {
        let (is_sealed, unenrolls, priority, expires) = (false, false, Priority::Background, None);
        Ask { request_type, fields, is_sealed, unenrolls, priority, expires }
    }

    /// A command of an administrator.
    pub(crate) fn order(request_type: &'a str, fields: &'a str) -> Ask<'a> {
        Ask { priority: Priority::Normal, ..Ask::query(request_type, fields) }
    }

    /// The event that queues the command.
    pub(crate) fn queued(&self, phone: &Phone, command: CommandId) -> DeviceEvent {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n\
             \t<key>RequestType</key>\n\t<string>{}</string>\n{}</dict>\n</plist>",
            self.request_type, self.fields
        );
        let payload = if self.is_sealed {
            CommandPayload::Sealed(Personal::new(phone.key(), xml))
        } else {
            CommandPayload::Plain(xml)
        };
        DeviceEvent::MdmCommandQueued {
            command,
            request_type: self.request_type.to_owned(),
            payload,
            unenrolls: self.unenrolls,
            priority: self.priority,
            expires: self.expires,
        }
    }
}

/// The queries of `DeviceInformation`, as XML.
pub(crate) fn information_queries(kind: EnrollmentKind, os: OsVersion) -> String {
    let mut names = vec!["DeviceName", "OSVersion", "BuildVersion"];
    if os >= OsVersion::new(16, 1) {
        names.extend(["SupplementalOSVersionExtra", "SupplementalBuildVersion"]);
    }
    names.extend(["ModelName", "Model"]);
    if os >= OsVersion::new(16, 4) {
        names.push("ModelNumber");
    }
    names.extend(["ProductName", "DeviceCapacity", "IsSupervised"]);
    if kind == EnrollmentKind::DeviceEnrollment {
        names.extend(["UDID", "SerialNumber"]);
        if os.major < 26 {
            names.extend(["IMEI", "MEID", "PhoneNumber"]);
        }
        names.extend(["WiFiMAC", "BluetoothMAC", "IsCloudBackupEnabled", "IsActivationLockEnabled"]);
    }
    let lines = names.iter().map(|name| format!("\t\t<string>{name}</string>\n")).collect::<String>();
    format!("\t<key>Queries</key>\n\t<array>\n{lines}\t</array>\n")
}

/// Queues a command by hand. Returns its id and the event.
pub(crate) fn queue(scene: &mut Scene, phone: &Phone, cue: &Cue, ask: Ask) -> (CommandId, EventId) {
    let command = CommandId(scene.dice.uuid());
    let cue = if ask.is_sealed { cue.clone().with(phone.key()) } else { cue.clone() };
    let queued = scene.say(&phone.device.stream(), &cue, ask.queued(phone, command));
    (command, queued)
}

/// Queues a command as an effect.
pub(crate) fn queue_effect(
    scene: &mut Scene,
    phone: &Phone,
    (cause, effect): (EventId, &str),
    ask: Ask,
) -> (CommandId, EventId) {
    let command = CommandId(cause.caused(effect, 0).0);
    let cue = Cue::system(effect, phone.device.0);
    let queued = scene.effect(&phone.device.stream(), (cause, effect), &cue, [ask.queued(phone, command)]);
    (command, queued)
}

/// APNs accepts a push for a queued command.
pub(crate) fn push(scene: &mut Scene, phone: &Phone, queued: EventId) {
    let apns_id = Some(scene.dice.uuid().to_string().to_uppercase());
    let pushed = DeviceEvent::DevicePushed { apns_id, put_off_since: false };
    let cue = Cue::system("push", phone.device.0);
    scene.effect(&phone.device.stream(), (queued, "push"), &cue, [pushed]);
}

/// The device fetches a command.
pub(crate) fn deliver(scene: &mut Scene, phone: &Phone, cue: &Cue, command: CommandId) {
    scene.say(&phone.device.stream(), cue, DeviceEvent::MdmCommandDelivered { command });
}

/// An answer without errors.
pub(crate) fn answered(scene: &mut Scene, command: CommandId, status: CommandStatus) -> DeviceEvent {
    answered_with(scene, command, status, vec![], None)
}

pub(crate) fn answered_with(
    scene: &mut Scene,
    command: CommandId,
    status: CommandStatus,
    errors: Vec<MdmError>,
    rejection: Option<RejectionReason>,
) -> DeviceEvent {
    let body = body(scene);
    DeviceEvent::MdmCommandAnswered { command, status, errors, rejection, body }
}

/// The hash of a message.
pub(crate) fn body(scene: &mut Scene) -> BodyHash {
    BodyHash(scene.dice.hash())
}

/// The device fetches a command and answers it. `then`: what else the answer leads to.
pub(crate) fn serve(
    scene: &mut Scene,
    phone: &Phone,
    cue: &Cue,
    command: CommandId,
    then: impl IntoIterator<Item = DeviceEvent>,
) {
    deliver(scene, phone, cue, command);
    let answer = answered(scene, command, CommandStatus::Acknowledged);
    let events: Vec<Event> = [answer].into_iter().chain(then).map(Event::from).collect();
    scene.append(&phone.device.stream(), cue, events);
}
