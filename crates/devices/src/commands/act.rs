//! What an administrator may want of a device: each want leads to commands, which are queued or only tried.

use super::build::{self, AppName};
use super::upload::Upload;
use super::{Consent, QueueError, Terms, removal};
use crate::Devices;
use apple::Violation;
use decisions::device::{Device, Refusal};
use events::Timestamp;
use events::device::{CommandId, DeviceId};
use events::enrollment::EnrollmentKind;
use events::store::Appended;
use platform::PerformError;
use platform::context::Context;
use plist::Dictionary;
use uuid::Uuid;

/// Something to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Information,
    Security,
    Profiles,
    Apps,
    ManagedApps,
    Certificates,
}

impl Question {
    pub const ALL: [Question; 6] = [
        Question::Information,
        Question::Security,
        Question::Profiles,
        Question::Apps,
        Question::ManagedApps,
        Question::Certificates,
    ];
}

#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    Ask(Question),
    Lock { message: Option<String>, phone_number: Option<String> },
    ClearPasscode,
    Erase,
    InstallProfile(Box<Upload>),
    RemoveProfile { identifier: String },
    InstallApp { app: AppName, licensed: bool },
    RemoveApp { identifier: String },
    Unenroll,
}

/// One act, asked for once.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub act: Act,
    /// Made with the form: sent twice, it is done once.
    pub request: Uuid,
    pub expires: Option<Timestamp>,
    pub consent: Consent,
}

/// What became of a want.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// The last command that it took.
    pub command: Option<CommandId>,
    /// `None` if the same request had queued it before.
    pub appended: Option<Appended>,
}

impl Act {
    // In order: the prompt for an app names the organization that was told before.
    fn commands(&self, device: &Device, organization: &str) -> Vec<Dictionary> {
        let kind = device.kind().unwrap_or(EnrollmentKind::UserEnrollment);
        match self {
            Act::Ask(Question::Information) => vec![build::device_information(kind, device.version())],
            Act::Ask(Question::Security) => vec![build::security_info()],
            Act::Ask(Question::Profiles) => vec![build::profile_list()],
            Act::Ask(Question::Apps) => vec![build::installed_apps(kind)],
            Act::Ask(Question::ManagedApps) => vec![build::managed_apps(&[])],
            Act::Ask(Question::Certificates) => vec![build::certificate_list()],
            Act::Lock { message, phone_number } => {
                vec![build::lock(message.as_deref(), phone_number.as_deref())]
            }
            Act::ClearPasscode => vec![build::clear_passcode()],
            Act::Erase => vec![build::erase()],
            Act::InstallProfile(upload) => vec![build::install_profile(&upload.file)],
            Act::RemoveProfile { identifier } => vec![build::remove_profile(identifier)],
            Act::InstallApp { app, licensed } => {
                vec![build::organization_info(organization), build::install_app(app, *licensed)]
            }
            Act::RemoveApp { identifier } => vec![build::remove_app(identifier)],
            Act::Unenroll => vec![],
        }
    }
}

impl Devices {
    /// Whether the device would accept the act; nothing is queued. Returns the findings that need consent.
    ///
    /// # Errors
    /// The refusal says why not.
    pub async fn would_accept(&self, device: DeviceId, act: &Act) -> Result<Vec<Violation>, QueueError> {
        let state = self.platform.device(device).await.map_err(PerformError::Read)?;
        let mut concerns = vec![];
        for command in self.commands_of(device, &state, act).await? {
            concerns.extend(self.would_take(device, &command).await?);
        }
        Ok(concerns)
    }

    /// Queues what the act takes. The same request again queues nothing again.
    ///
    /// # Errors
    /// The refusal says why the device's mode, version, rights or state do not permit it.
    pub async fn want(&self, device: DeviceId, wanted: &Wanted, context: &Context) -> Result<Done, QueueError> {
        let state = self.platform.device(device).await.map_err(PerformError::Read)?;
        let mut done = Done { command: None, appended: None };
        let commands = self.commands_of(device, &state, &wanted.act).await?;
        // All or nothing: what comes last is what may be refused.
        for command in &commands {
            self.would_take(device, command).await?;
        }
        for (nth, command) in commands.iter().enumerate() {
            let id = match wanted.act {
                Act::Unenroll => removal(device, &state),
                _ => CommandId(Uuid::new_v5(&wanted.request, format!("{device}/{nth}").as_bytes())),
            };
            let usual = Terms::usual(super::request_type(command).unwrap_or_default());
            let terms = Terms { expires: wanted.expires, consent: wanted.consent, ..usual };
            let performed = self.queue_command_on(device, id, command, terms, context).await?;
            done = Done { command: Some(id), appended: performed.appended.or(done.appended) };
        }
        Ok(done)
    }

    async fn commands_of(&self, device: DeviceId, state: &Device, act: &Act) -> Result<Vec<Dictionary>, QueueError> {
        if *act == Act::Unenroll {
            let visit = self.platform.visit(device.enrollment()).await.map_err(PerformError::Read)?;
            let not_enrolled = PerformError::Refused(Refusal::NotEnrolled(state.phase));
            let identity = visit.identity.ok_or(not_enrolled)?;
            return Ok(vec![build::remove_profile(&identity.profile.identifier)]);
        }
        if let Act::RemoveProfile { identifier } = act {
            self.is_no_enrollment_profile(device, identifier).await?;
        }
        let settings = self.settings.current().await.map_err(PerformError::Read)?;
        Ok(act.commands(state, &settings.organization))
    }

    // It would end management, for which there is an act of its own that says so and asks twice.
    async fn is_no_enrollment_profile(&self, device: DeviceId, identifier: &str) -> Result<(), QueueError> {
        let visit = self.platform.visit(device.enrollment()).await.map_err(PerformError::Read)?;
        if visit.identity.is_none_or(|identity| identity.profile.identifier != identifier) {
            return Ok(());
        }
        let why = format!("{identifier} is the enrollment profile: removing it ends management, which Unenroll does");
        Err(PerformError::Refused(Refusal::CommandForbidden { request_type: "RemoveProfile".into(), why }).into())
    }
}
