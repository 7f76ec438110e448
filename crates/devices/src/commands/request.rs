//! Rehearses or queues a command that a staff member requests for a device. Each request reads the streams of the
//! device once.

use super::input::{BadInput, Input};
use super::table::{Build, CommandSpec, Subject};
use super::{Consent, QueueError, Terms, removal};
use crate::Devices;
use apple::Violation;
use decisions::Aggregate as _;
use decisions::device::Device;
use decisions::enrollment::Enrollment;
use events::Timestamp;
use events::device::{CommandId, DeviceId};
use events::store::Appended;
use platform::context::Context;
use platform::{Loaded, PerformError};
use plist::Dictionary;
use std::sync::Arc;
use uuid::Uuid;

/// A requested command.
pub struct CommandRequest {
    pub spec: &'static CommandSpec,
    pub input: Input,
    /// Id of the request, which is created with the form. A form that is sent twice is performed once.
    pub id: Uuid,
    /// The command is not sent after this time. `None`: it does not expire.
    pub expires: Option<Timestamp>,
    pub consent: Consent,
    build: Build,
}

/// Result of a request.
#[derive(Debug, Clone, Copy)]
pub struct Queued {
    /// The last command of the request. `None` if the request has no command.
    pub command: Option<CommandId>,
    /// `None` if an earlier copy of the same request queued everything.
    pub appended: Option<Appended>,
}

impl CommandRequest {
    /// Reads the fields of a form.
    ///
    /// # Errors
    /// Returns an error if a required field is missing or a field is invalid.
    pub fn new(
        spec: &'static CommandSpec,
        input: Input,
        id: Uuid,
        expires: Option<Timestamp>,
        consent: Consent,
    ) -> Result<CommandRequest, BadInput> {
        let build = (spec.read)(&input)?;
        Ok(CommandRequest { spec, input, id, expires, consent, build })
    }
}

/// The data that a request is checked against.
struct Target {
    loaded: Loaded<Device>,
    enrollment: Arc<Enrollment>,
    organization: String,
}

impl Target {
    fn build(&self, request: &CommandRequest) -> Result<Vec<Dictionary>, QueueError> {
        let enrollment = self.enrollment.identity.as_ref().map(|identity| identity.profile.identifier.as_str());
        let subject =
            Subject { device: &self.loaded.0, enrollment_profile: enrollment, organization: &self.organization };
        (request.build)(&subject).map_err(|refusal| PerformError::Refused(refusal).into())
    }
}

impl Devices {
    /// Rehearses a request: checks it without queueing anything. Returns the findings that need consent.
    ///
    /// # Errors
    /// Returns the refusal that queueing the request would return, and an error if a stream cannot be read.
    pub async fn would_accept(&self, device: DeviceId, request: &CommandRequest) -> Result<Vec<Violation>, QueueError> {
        let target = self.target(device).await?;
        self.check(device, &target, &target.build(request)?)
    }

    /// Same as [`Devices::would_accept`], for one `Command` dictionary.
    ///
    /// # Errors
    /// Same as [`Devices::would_accept`].
    pub(crate) async fn would_take(
        &self,
        device: DeviceId,
        command: &Dictionary,
    ) -> Result<Vec<Violation>, QueueError> {
        let target = self.target(device).await?;
        self.check(device, &target, std::slice::from_ref(command))
    }

    /// Queues the commands of the request. Repeating a request queues nothing.
    ///
    /// # Errors
    /// Returns a refusal if the device's kind of enrollment, version, access rights or state do not permit it,
    /// `Unconfirmed` if the findings about a profile need consent, and an error if a stream cannot be read or written.
    pub async fn request(
        &self,
        device: DeviceId,
        request: &CommandRequest,
        context: &Context,
    ) -> Result<Queued, QueueError> {
        let target = self.target(device).await?;
        let commands = target.build(request)?;
        // All commands are checked before the first is queued, because a later one may be refused.
        let concerns = self.check(device, &target, &commands)?;
        if Consent::needed(&concerns) > request.consent {
            return Err(QueueError::Unconfirmed(concerns));
        }
        let Target { mut loaded, enrollment, .. } = target;
        let mut queued = Queued { command: None, appended: None };
        for (nth, command) in commands.iter().enumerate() {
            let id = match request.spec.ends_management {
                true => removal(device, &loaded.0),
                false => CommandId(Uuid::new_v5(&request.id, format!("{device}/{nth}").as_bytes())),
            };
            let usual = Terms::usual(super::request_type(command).unwrap_or_default());
            let terms = Terms { expires: request.expires, consent: request.consent, ..usual };
            let (queue, _) = super::prepare(device, &loaded.0, &enrollment, id, command, terms)?;
            let performed = self.platform.perform_from::<Device>(&device.stream(), loaded, &queue, context).await?;
            queued = Queued { command: Some(id), appended: performed.appended.or(queued.appended) };
            loaded = (performed.state, performed.revision);
        }
        Ok(queued)
    }

    async fn target(&self, device: DeviceId) -> Result<Target, QueueError> {
        let read = PerformError::Read;
        let loaded = self.platform.load::<Device>(&device.stream()).await.map_err(read)?;
        let enrollment = self.platform.enrollment(device.enrollment()).await.map_err(PerformError::Read)?;
        let organization = self.settings.current().await.map_err(PerformError::Read)?.organization;
        Ok(Target { loaded, enrollment, organization })
    }

    fn check(&self, device: DeviceId, target: &Target, commands: &[Dictionary]) -> Result<Vec<Violation>, QueueError> {
        let (state, mut concerns) = (&target.loaded.0, vec![]);
        for command in commands {
            let terms = Terms::usual(super::request_type(command).unwrap_or_default());
            let id = CommandId(self.platform.world.random_uuid());
            let (queue, found) = super::prepare(device, state, &target.enrollment, id, command, terms)?;
            state.decide(&queue).map_err(PerformError::Refused)?;
            concerns.extend(found);
        }
        Ok(concerns)
    }
}
