//! A simulated iPhone or iPad: the state of its Settings, and what it does when it is woken. It knows about the
//! server only what its installed profile says.

#[cfg(test)]
mod tests;

use crate::account::Challenge;
use crate::acts::Act;
use crate::apps::Apps;
use crate::attestation::Attesting;
use crate::built_in::BuiltIn;
use crate::chance::{self, Clock};
use crate::commands::Script;
use crate::inspection::{self, Given};
use crate::keys::KeyPool;
use crate::management::Management;
use crate::model::Hardware;
use crate::profile::{self, Profile, ProfileError};
use crate::push_server::PushServer;
use crate::renewal::RenewalScript;
use crate::scep::ScepError;
use crate::signature::Style;
use crate::trust::{Trust, TrustError};

/// Seconds for which iOS keeps a profile that was downloaded but not installed.
const PENDING_SECONDS: i64 = 8 * 60;

/// Why an operation failed, from the device's point of view.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error("there is no downloaded profile to install: iOS keeps only one, and only for eight minutes")]
    NoPendingProfile,
    /// MCInstallationErrorDomain 4001.
    #[error("The server certificate for “{url}” is invalid: {why}")]
    UntrustedServer { url: String, why: String },
    #[error(transparent)]
    Scep(#[from] ScepError),
    #[error("the server answered {what} with status {status}: {body}")]
    Refused { what: String, status: u16, body: String },
    /// The server ended management: the profile is deleted.
    #[error("the server answered {what} with status {status}: the device deletes its MDM profile")]
    Unenrolled { what: String, status: u16 },
    /// Account-driven enrollment: the server asks the person to sign in again, at this challenge.
    #[error("the server asks to sign in again")]
    SignInAgain { challenge: Box<Challenge> },
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] TrustError),
    #[error("the device is not managed")]
    NotManaged,
    #[error("the device is managed already; an old MDM profile has to be removed first")]
    ManagedAlready,
    #[error("the server sent an unreadable command: {0}")]
    Command(String),
    #[error("a test script stopped the device before this act: {0}")]
    BrokenOff(Act),
    #[error(
        "no notification came within {0} seconds: check that push.base_url of the server names the push server of the simulator"
    )]
    NotWoken(u64),
    #[error(transparent)]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

struct Pending {
    file: Vec<u8>,
    since: i64,
}

pub struct Device {
    pub hardware: Hardware,
    pub clock: Clock,
    /// Shared with the device's Safari.
    pub trust: Trust,
    /// CMS options for the device's signatures.
    pub style: Style,
    /// The factory identity.
    pub built_in: BuiltIn,
    /// How the device attests its hardware.
    pub attesting: Attesting,
    /// Scripted answers to commands.
    pub script: Script,
    /// Scripted faults of an identity renewal.
    pub renewal: RenewalScript,
    pub(crate) keys: KeyPool,
    pub(crate) push_server: PushServer,
    pending: Option<Pending>,
    /// Profiles in Settings, without the MDM profile.
    pub profiles: Vec<Profile>,
    pub(crate) management: Option<Management>,
    /// Apps that are installed, or offered, by management.
    pub apps: Apps,
    /// The device answers more than its kind of enrollment allows.
    pub tells_too_much: bool,
    /// The hardware that the device reports in answers, if it lies.
    pub tells_to_be: Option<Hardware>,
    /// The organization that prompts name.
    pub organization: Option<String>,
    /// Prompts and messages that the screen showed, oldest first.
    pub shown: Vec<String>,
    /// The passcode, if there is one.
    pub passcode: Option<String>,
    /// Token that unlocks the device without the passcode. The server has it in a Device Enrollment.
    pub(crate) unlock_token: Vec<u8>,
    /// The device was erased.
    pub erased: bool,
    /// `DeviceName`.
    pub name: String,
}

impl Device {
    pub fn new(hardware: Hardware, keys: KeyPool, push_server: PushServer) -> Device {
        let name = hardware.family.name().to_owned();
        Device {
            hardware,
            clock: Clock::default(),
            trust: Trust::default(),
            style: Style::REAL,
            built_in: BuiltIn::default(),
            attesting: Attesting::default(),
            script: Script::default(),
            renewal: RenewalScript::default(),
            keys,
            push_server,
            pending: None,
            profiles: Vec::new(),
            management: None,
            apps: Apps::default(),
            tells_too_much: false,
            tells_to_be: None,
            organization: None,
            shown: Vec::new(),
            passcode: Some("1234".to_owned()),
            unlock_token: chance::bytes::<512>().to_vec(),
            erased: false,
            name,
        }
    }

    /// Receives a downloaded profile from Safari. A second download replaces the first one.
    pub fn download(&mut self, file: Vec<u8>) {
        self.note_profile(&file);
        self.pending = Some(Pending { file, since: self.clock.now() });
    }

    /// Shows a profile to the inspector, regardless of its origin.
    pub(crate) fn note_profile(&self, body: &[u8]) {
        let content_type = "application/x-apple-aspen-config";
        inspection::show(&Given { to: &self.hardware, user_enrollment: None, content_type, body });
    }

    /// Returns the downloaded profile that Settings shows.
    ///
    /// # Errors
    /// Returns an error if there is none (any more), or if this device would not install it.
    pub fn pending_profile(&mut self) -> Result<Profile, DeviceError> {
        let now = self.clock.now();
        if self.pending.as_ref().is_some_and(|pending| now - pending.since >= PENDING_SECONDS) {
            self.pending = None;
        }
        let pending = self.pending.as_ref().ok_or(DeviceError::NoPendingProfile)?;
        let (dictionary, signed) = profile::open(&pending.file)?;
        Ok(profile::check(dictionary, signed, self.hardware.ios)?)
    }

    /// Forgets the downloaded profile after it was installed or given up.
    pub(crate) fn forget_pending(&mut self) {
        self.pending = None;
    }

    /// Source of the device's keys.
    pub fn keys(&self) -> &KeyPool {
        &self.keys
    }

    pub fn is_managed(&self) -> bool {
        self.management.is_some()
    }

    /// The management of the device, if it is managed.
    pub fn management(&self) -> Option<&Management> {
        self.management.as_ref()
    }

    /// Like `management`, but mutable, so that a test can give the device another certificate.
    pub fn management_mut(&mut self) -> Option<&mut Management> {
        self.management.as_mut()
    }
}
