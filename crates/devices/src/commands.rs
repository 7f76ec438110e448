//! MDM commands: builds them, checks them against Apple's rules and the device's enrollment profile, queues and cancels
//! them. Also ends management, which is a command too.
//!
//! `table` describes each command, `build` makes its `Command` dictionary, `input` reads its form fields, `request`
//! rehearses and queues the request of a staff member, `upload` opens an uploaded configuration profile, `outcome`
//! reads a result, and `self_service` handles the app that is offered at the end of an enrollment.

pub mod build;
pub mod input;
pub mod outcome;
pub mod request;
pub mod self_service;
pub mod table;
pub(crate) mod upload;

use crate::Devices;
use apple::Target;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use decisions::apple_target;
use decisions::device::{Command, Device, QueuedCommand, Refusal};
use decisions::enrollment::Enrollment;
use events::device::{CommandId, CommandPayload, DeviceId, Priority, plain_identifier};
use events::enrollment::{EnrollmentKind, OsVersion, ServedProfile};
use events::{Personal, StreamName, Timestamp};
use platform::PerformError;
use platform::Performed;
use platform::context::Context;
use plist::{Dictionary, Value};
use uuid::Uuid;

pub use apple::{Violation, Weight};
pub use build::{device_information, first_questions, security_info};

/// First version of iOS in which a device can attest its hardware to the server.
const FIRST_ATTESTATION: OsVersion = OsVersion::new(16, 0);

/// Why a command was not queued.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("the command has no RequestType")]
    NoRequestType,
    #[error("the command cannot be written as a property list: {0}")]
    Unwritable(#[from] plist::Error),
    #[error("{}", unconfirmed(.0))]
    Unconfirmed(Vec<Violation>),
    #[error(transparent)]
    Perform(#[from] PerformError<Refusal>),
}

/// The findings about a profile that the staff member accepted. A higher value includes the lower ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Consent {
    #[default]
    Nothing,
    /// Accepted the warnings: keys that the device ignores.
    Warned,
    /// Also confirmed the payload types that Muster does not know.
    Confirmed,
}

impl Consent {
    /// Returns the consent that these findings need before the profile is queued.
    pub fn needed(concerns: &[Violation]) -> Consent {
        match concerns.iter().map(|concern| concern.weight).max() {
            None => Consent::Nothing,
            Some(Weight::Warning) => Consent::Warned,
            // A forbidden key is refused before consent is checked. No consent overrides it.
            Some(Weight::Doubt | Weight::Forbidden) => Consent::Confirmed,
        }
    }
}

/// Maximum number of findings that a message lists. A file can have thousands.
const LISTED: usize = 50;

/// Returns the first 50 findings, one line each, and a line with the number of the others.
pub fn lines(findings: &[Violation]) -> Vec<String> {
    let more = findings.len().saturating_sub(LISTED);
    let more = (more > 0).then(|| format!("and {more} more"));
    findings.iter().take(LISTED).map(ToString::to_string).chain(more).collect()
}

fn unconfirmed(concerns: &[Violation]) -> String {
    format!("this needs a confirmation: {}", lines(concerns).join("; "))
}

/// Priority and expiry of a command, and the consent to the findings about its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub priority: Priority,
    /// The command is not sent after this time. `None`: it does not expire.
    pub expires: Option<Timestamp>,
    pub consent: Consent,
}

impl Terms {
    /// Returns the default terms of a request type: its priority, no expiry, no consent.
    pub fn usual(request_type: &str) -> Terms {
        let priority = table::request_type(request_type).priority;
        Terms { priority, expires: None, consent: Consent::Nothing }
    }
}

impl Devices {
    /// Queues a command for a device. A push then wakes the device, which fetches the command. Repeating an id queues
    /// nothing.
    ///
    /// # Errors
    /// Returns a refusal if the device's kind of enrollment, version, access rights or state do not permit the command,
    /// `Unconfirmed` if a finding about its profile needs consent, and an error if the command cannot be encoded or a
    /// stream cannot be read or written.
    pub async fn queue_command(
        &self,
        device: DeviceId,
        id: CommandId,
        command: &Dictionary,
        context: &Context,
    ) -> Result<Performed<Device>, QueueError> {
        let terms = Terms::usual(request_type(command).unwrap_or_default());
        self.queue_command_on(device, id, command, terms, context).await
    }

    /// Same as [`Devices::queue_command`], with the terms that the caller gives.
    ///
    /// # Errors
    /// Same as [`Devices::queue_command`].
    pub async fn queue_command_on(
        &self,
        device: DeviceId,
        id: CommandId,
        command: &Dictionary,
        terms: Terms,
        context: &Context,
    ) -> Result<Performed<Device>, QueueError> {
        let state = self.platform.device(device).await.map_err(PerformError::Read)?;
        let enrollment = self.platform.enrollment(device.enrollment()).await.map_err(PerformError::Read)?;
        let queue = consented(device, &state, &enrollment, id, command, terms)?;
        Ok(self.platform.perform::<Device>(&device.stream(), &queue, context).await?)
    }

    /// Queues commands at once, with their usual terms. Either all of them are queued or none. Repeating an id queues
    /// nothing.
    ///
    /// # Errors
    /// Same as [`Devices::queue_command`], for the first command that cannot be queued.
    pub async fn queue_commands(
        &self,
        device: DeviceId,
        commands: &[(CommandId, Dictionary, Context)],
    ) -> Result<Performed<Device>, QueueError> {
        let state = self.platform.device(device).await.map_err(PerformError::Read)?;
        let enrollment = self.platform.enrollment(device.enrollment()).await.map_err(PerformError::Read)?;
        let mut queue = Vec::with_capacity(commands.len());
        for (id, command, context) in commands {
            let terms = Terms::usual(request_type(command).unwrap_or_default());
            queue.push((consented(device, &state, &enrollment, *id, command, terms)?, context));
        }
        let queue: Vec<_> = queue.iter().map(|(command, context)| (command, *context)).collect();
        Ok(self.platform.perform_together::<Device>(&device.stream(), &queue).await?)
    }

    /// Cancels a command, so that it is not sent to the device. Repeating the call changes nothing.
    ///
    /// # Errors
    /// Returns a refusal if the device has answered the command or there is no command with this id, and an error if
    /// the stream cannot be read or written.
    pub async fn cancel_command(
        &self,
        device: DeviceId,
        id: CommandId,
        context: &Context,
    ) -> Result<Performed<Device>, PerformError<Refusal>> {
        self.platform.perform::<Device>(&device.stream(), &Command::CancelCommand { id }, context).await
    }

    /// Queues the removal of the enrollment profile, which ends management. Repeating an id queues nothing.
    ///
    /// # Errors
    /// Same as [`Devices::queue_command`]. Also returns a refusal if the device is not enrolled.
    pub async fn unenroll(
        &self,
        device: DeviceId,
        id: CommandId,
        context: &Context,
    ) -> Result<Performed<Device>, QueueError> {
        let enrollment = self.platform.enrollment(device.enrollment()).await.map_err(PerformError::Read)?;
        let Some(identity) = &enrollment.identity else {
            let phase = self.platform.device(device).await.map_err(PerformError::Read)?.phase;
            return Err(PerformError::Refused(Refusal::NotEnrolled(phase)).into());
        };
        self.queue_command(device, id, &build::remove_profile(&identity.profile.identifier), context).await
    }

    /// Returns the name of the stream that maps a piece of hardware to its record. The name contains an HMAC of the
    /// UDID, which does not reveal the UDID.
    pub fn hardware_stream(&self, udid: &str) -> StreamName {
        StreamName::of("hardware", self.platform.secrets.name("hardware", &[&plain_identifier(udid)]))
    }
}

fn consented(
    device: DeviceId,
    state: &Device,
    enrollment: &Enrollment,
    id: CommandId,
    command: &Dictionary,
    terms: Terms,
) -> Result<Command, QueueError> {
    let (queue, concerns) = prepare(device, state, enrollment, id, command, terms)?;
    if Consent::needed(&concerns) > terms.consent { Err(QueueError::Unconfirmed(concerns)) } else { Ok(queue) }
}

// Checks every key, because a device answers a forbidden key with an error or ignores it silently.
fn prepare(
    device: DeviceId,
    state: &Device,
    enrollment: &Enrollment,
    id: CommandId,
    command: &Dictionary,
    terms: Terms,
) -> Result<(Command, Vec<Violation>), QueueError> {
    let request_type = request_type(command).ok_or(QueueError::NoRequestType)?.to_owned();
    let profile = enrollment.identity.as_ref().map(|identity| identity.profile.clone());
    let unenrolls = profile.as_ref().is_some_and(|profile| removes(command, profile));
    let mut concerns = vec![];
    if let Some(target) = state.target() {
        let purpose = if unenrolls { Purpose::Unenroll } else { Purpose::Any };
        let wrong;
        (wrong, concerns) = findings(command, target, profile.as_ref(), state, purpose);
        if !wrong.is_empty() {
            let refusal = Refusal::CommandForbidden { request_type, why: wrong.join("; ") };
            return Err(PerformError::Refused(refusal).into());
        }
    }
    let mut command = command.clone();
    // The unlock token is a secret that the device's stream already contains. It is added when the command is sent.
    command.remove("UnlockToken");
    let priority = if unenrolls { Priority::Urgent } else { terms.priority };
    let payload = payload(&command, &request_type, device)?;
    // An erased device is no longer managed and cannot report it.
    let unenrolls = unenrolls || request_type == "EraseDevice";
    let queue = Command::QueueCommand { id, request_type, payload, unenrolls, priority, expires: terms.expires };
    Ok((queue, concerns))
}

/// Returns whether this device can attest its hardware: in Device Enrollment (in User Enrollment the attestation omits
/// the identifiers), from iOS 16 on (mdm/commands/information.device.yaml, `DevicePropertiesAttestation`).
pub(crate) fn attestable(device: &Device) -> bool {
    let is_whole = device.kind() == Some(EnrollmentKind::DeviceEnrollment);
    is_whole && device.version().is_some_and(|version| version >= FIRST_ATTESTATION)
}

/// Returns the id of the next command that ends management. While such a command waits the id stays the same, so a
/// second click queues nothing. After a command that failed, was cancelled, or ended with its management, the id is a
/// new one, so that another attempt is possible.
pub fn removal(id: DeviceId, device: &Device) -> CommandId {
    let nth = device.removals;
    CommandId(Uuid::new_v5(&id.0, format!("unenroll/{nth}").as_bytes()))
}

/// Returns the command as the device gets it, with the unlock token from its stream. `None` if the command or the token
/// cannot be read, because the device's key is gone.
pub fn complete(command: &QueuedCommand, state: &Device) -> Option<Dictionary> {
    let mut command = asked(command)?;
    if request_type(&command) == Some("ClearPasscode") {
        command.insert("UnlockToken".into(), Value::Data(unlock_token(state)?));
    }
    Some(command)
}

/// Returns the command as it is stored in the log. `None` if its payload cannot be read.
pub fn asked(command: &QueuedCommand) -> Option<Dictionary> {
    Value::from_reader_xml(command.payload.xml()?.as_bytes()).ok()?.into_dictionary()
}

fn unlock_token(state: &Device) -> Option<Vec<u8>> {
    STANDARD.decode(state.push.as_ref()?.unlock_token.as_ref()?.get()?).ok()
}

fn request_type(command: &Dictionary) -> Option<&str> {
    command.get("RequestType").and_then(Value::as_string)
}

// Returns whether the command removes the enrollment profile. Removing another profile does not end management.
fn removes(command: &Dictionary, profile: &ServedProfile) -> bool {
    request_type(command) == Some("RemoveProfile")
        && command.get("Identifier").and_then(Value::as_string) == Some(profile.identifier.as_str())
}

/// Returns the reasons why a device would reject this command, which replaces its enrollment profile. Empty if there
/// are none.
pub(crate) fn wrong_for_renewal(install: &Dictionary, profile: &ServedProfile, state: &Device) -> Vec<String> {
    let target = apple_target(profile.kind, state.version());
    let target = Target { supervised: state.target().is_some_and(|target| target.supervised), ..target };
    findings(install, target, Some(profile), state, Purpose::Renew).0
}

/// The purpose of a command. Only `Unenroll` and `Renew` may affect the enrollment profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Any,
    Unenroll,
    Renew,
}

// Returns the reasons why the device would reject the command, and the findings that need consent before it is queued.
fn findings(
    command: &Dictionary,
    target: Target,
    profile: Option<&ServedProfile>,
    state: &Device,
    purpose: Purpose,
) -> (Vec<String>, Vec<Violation>) {
    let name = request_type(command).unwrap_or_default();
    let mut whole = command.clone();
    if name == "ClearPasscode" && target.kind == apple::EnrollmentKind::DeviceEnrollment {
        match unlock_token(state) {
            Some(token) => whole.insert("UnlockToken".into(), Value::Data(token)),
            None => {
                let why = "the device has sent no UnlockToken, which clearing the passcode requires";
                return (vec![why.into()], vec![]);
            }
        };
    }
    let mut wrong: Vec<String> =
        apple::check_command(&Value::Dictionary(whole), target).iter().map(ToString::to_string).collect();
    let mut concerns = vec![];
    let rights = profile.and_then(|profile| profile.access_rights);
    // The enrollment profile may be removed without any access right (managing-mdm-connections).
    if let (Some(rights), Some(needed), false) = (rights, apple::right_needed(name), purpose == Purpose::Unenroll)
        && u64::from(rights) & needed == 0
    {
        wrong.push(format!("{name} needs the access right {needed}, which the device's profile does not give"));
    }
    if let ("InstallProfile", Some(Value::Data(file))) = (name, command.get("Payload")) {
        let enrollment = profile.map(|profile| profile.identifier.as_str()).unwrap_or_default();
        match upload::open(file) {
            Ok(upload) if purpose == Purpose::Renew => {
                wrong.extend(upload.wrong_as_enrollment(enrollment, target));
            }
            Ok(upload) => {
                let found = upload.findings(enrollment, target);
                let (forbidden, others): (Vec<_>, Vec<_>) =
                    found.into_iter().partition(|found| found.weight == Weight::Forbidden);
                wrong.extend(lines(&forbidden));
                concerns = others;
            }
            Err(why) => wrong.push(why.to_string()),
        }
    }
    (wrong, concerns)
}

pub(crate) fn payload(
    command: &Dictionary,
    request_type: &str,
    device: DeviceId,
) -> Result<CommandPayload, plist::Error> {
    let mut xml = Vec::new();
    Value::Dictionary(command.clone()).to_writer_xml(&mut xml)?;
    let xml = String::from_utf8_lossy(&xml).into_owned();
    // A nonce must be secret until the device answers: anyone who knows it earlier could prepare an answer.
    let is_sealed = table::request_type(request_type).sealed || command.contains_key("DeviceAttestationNonce");
    Ok(match is_sealed {
        false => CommandPayload::Plain(xml),
        true => CommandPayload::Sealed(Personal::new(device.key(), xml)),
    })
}
