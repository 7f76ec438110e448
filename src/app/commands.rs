//! MDM commands: built, queued for a device, and with them the end of management.

use super::context::Context;
use super::inventory;
use super::{App, PerformError, Performed};
use crate::apple;
use crate::enrollment::device::{Command, Device, Refusal};
use events::StreamName;
use events::device::{CommandId, DeviceId, InventoryValue};
use events::enrollment::{EnrollmentKind, OsVersion, ServedProfile};
use plist::{Dictionary, Value};

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("the command is no dictionary with a RequestType")]
    NoRequestType,
    #[error("the command cannot be written as a property list: {0}")]
    Unwritable(#[from] plist::Error),
    #[error(transparent)]
    Perform(#[from] PerformError<Refusal>),
}

/// `DeviceInformation` with the queries that this kind and version may be asked.
pub fn device_information(kind: EnrollmentKind, version: Option<OsVersion>) -> Dictionary {
    let queries = inventory::queries(kind, version).into_iter().map(Value::from).collect();
    request("DeviceInformation", [("Queries", Value::Array(queries))])
}

pub fn security_info() -> Dictionary {
    request("SecurityInfo", [])
}

/// `RemoveProfile` of the enrollment profile: ends management, and is possible whatever the access rights.
pub fn unenroll(profile: &ServedProfile) -> Dictionary {
    request("RemoveProfile", [("Identifier", Value::from(profile.identifier.clone()))])
}

/// What a newly enrolled device is asked, each with the name of the effect that asks it.
pub fn first_questions(device: &Device) -> Vec<(&'static str, Dictionary)> {
    let Some(kind) = device.kind() else { return Vec::new() };
    vec![
        ("ask-device-information", device_information(kind, os_version(device))),
        ("ask-security-info", security_info()),
    ]
}

fn request<const N: usize>(request_type: &str, fields: [(&str, Value); N]) -> Dictionary {
    let mut command = Dictionary::new();
    command.insert("RequestType".into(), request_type.into());
    for (key, value) in fields {
        command.insert(key.into(), value);
    }
    command
}

impl App {
    /// Queues a command for a device; it is woken and gets it when it asks. The same id again queues nothing again.
    ///
    /// # Errors
    /// The refusal says why the device's mode, version or state does not permit the command.
    pub async fn queue_command(
        &self,
        device: DeviceId,
        id: CommandId,
        command: &Dictionary,
        context: &Context,
    ) -> Result<Performed<Device>, QueueError> {
        let request_type = command.get("RequestType").and_then(Value::as_string).ok_or(QueueError::NoRequestType)?;
        self.permitted(device, request_type, command).await?;
        let mut payload = Vec::new();
        Value::Dictionary(command.clone()).to_writer_xml(&mut payload)?;
        let queue = Command::QueueCommand {
            id,
            request_type: request_type.to_owned(),
            payload: String::from_utf8_lossy(&payload).into_owned(),
            unenrolls: self.unenrolls(device, request_type, command).await?,
        };
        Ok(self.perform::<Device>(&device.stream(), &queue, context).await?)
    }

    // Down to its keys: a device would answer a forbidden one with an error, or leave it out without a word.
    async fn permitted(
        &self,
        device: DeviceId,
        request_type: &str,
        command: &Dictionary,
    ) -> Result<(), PerformError<Refusal>> {
        let state = self.device(device).await?;
        let Some(kind) = state.kind() else { return Ok(()) };
        let violations = apple::check_command(&Value::Dictionary(command.clone()), kind, os_version(&state));
        if violations.is_empty() {
            return Ok(());
        }
        let why = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(PerformError::Refused(Refusal::CommandForbidden { request_type: request_type.to_owned(), why }))
    }

    // Removing any other profile ends nothing.
    async fn unenrolls(
        &self,
        device: DeviceId,
        request_type: &str,
        command: &Dictionary,
    ) -> Result<bool, PerformError<Refusal>> {
        if request_type != "RemoveProfile" {
            return Ok(false);
        }
        let visit = self.visit(device.enrollment()).await?;
        let ours = visit.identity.as_ref().map(|identity| identity.profile.identifier.as_str());
        Ok(ours.is_some() && command.get("Identifier").and_then(Value::as_string) == ours)
    }

    /// Queues the removal of the enrollment profile, which ends management. Twice is once.
    ///
    /// # Errors
    /// As [`App::queue_command`]; a device that is not enrolled is refused.
    pub async fn unenroll(
        &self,
        device: DeviceId,
        id: CommandId,
        context: &Context,
    ) -> Result<Performed<Device>, QueueError> {
        let visit = self.visit(device.enrollment()).await.map_err(PerformError::Read)?;
        let Some(identity) = visit.identity else {
            let phase = self.device(device).await.map_err(PerformError::Read)?.phase;
            return Err(PerformError::Refused(Refusal::NotEnrolled(phase)).into());
        };
        self.queue_command(device, id, &unenroll(&identity.profile), context).await
    }

    /// The stream that says which device of ours a piece of hardware is; its name tells nothing of the UDID.
    pub fn hardware_stream(&self, udid: &str) -> StreamName {
        // Dashes and capitals differ between what a device says at different times and versions.
        let plain: String = udid.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
        StreamName::of("hardware", self.secrets.name("hardware", &[&plain]))
    }
}

/// The version a device has now: as its inventory says, before that as it enrolled.
pub fn os_version(device: &Device) -> Option<OsVersion> {
    let reported = match device.inventory.get("OSVersion") {
        Some(InventoryValue::Plain(value)) => value.as_str().and_then(OsVersion::parse),
        _ => None,
    };
    reported.or(device.os_version)
}
