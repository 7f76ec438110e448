//! A simulated iPhone or iPad: what its Settings hold, and what it does when it is woken. It knows of the server only what the
//! profile that it installed says.

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

/// How long iOS keeps a profile that was downloaded and not installed.
const PENDING_SECONDS: i64 = 8 * 60;

/// Why something did not work, as the device would put it.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error("there is no downloaded profile to install: iOS keeps one, for eight minutes")]
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
    /// Account-driven enrollment: the server asks its person to sign in again, here.
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
    #[error("the server sent no command that can be read: {0}")]
    Command(String),
    #[error("a test had it break off before this: {0}")]
    BrokenOff(Act),
    #[error(
        "no notification came within {0} seconds: does push.base_url of the server name the push server of the simulator?"
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
    /// How its messages are signed.
    pub style: Style,
    /// The identity it was made with.
    pub built_in: BuiltIn,
    /// How it attests its hardware.
    pub attesting: Attesting,
    /// What it answers to commands, where a test says so.
    pub script: Script,
    /// How it renews its identity, where a test says so.
    pub renewal: RenewalScript,
    pub(crate) keys: KeyPool,
    pub(crate) push_server: PushServer,
    pending: Option<Pending>,
    /// Profiles in Settings, without the MDM profile.
    pub profiles: Vec<Profile>,
    pub(crate) management: Option<Management>,
    /// Apps that came, or are to come, by management.
    pub apps: Apps,
    /// It answers more than its kind of enrollment may tell.
    pub tells_too_much: bool,
    /// The hardware that it says to be in answers, where it lies.
    pub tells_to_be: Option<Hardware>,
    /// The organization that prompts name.
    pub organization: Option<String>,
    /// What the screen showed: prompts and messages, oldest first.
    pub shown: Vec<String>,
    /// Its passcode, if it has one.
    pub passcode: Option<String>,
    /// What opens it without the passcode; the server has it in a Device Enrollment.
    pub(crate) unlock_token: Vec<u8>,
    /// Everything on it was deleted.
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

    /// Safari hands a downloaded profile over. There is room for one: a second replaces the first.
    pub fn download(&mut self, file: Vec<u8>) {
        self.note_profile(&file);
        self.pending = Some(Pending { file, since: self.clock.now() });
    }

    /// Whatever brought it: a file of the type by which iOS knows profiles.
    pub(crate) fn note_profile(&self, body: &[u8]) {
        let content_type = "application/x-apple-aspen-config";
        inspection::show(&Given { to: &self.hardware, user_enrollment: None, content_type, body });
    }

    /// Settings shows what a downloaded profile is.
    ///
    /// # Errors
    /// If there is none (any more), or it is none that this device would install.
    pub fn pending_profile(&mut self) -> Result<Profile, DeviceError> {
        let now = self.clock.now();
        if self.pending.as_ref().is_some_and(|pending| now - pending.since >= PENDING_SECONDS) {
            self.pending = None;
        }
        let pending = self.pending.as_ref().ok_or(DeviceError::NoPendingProfile)?;
        let (dictionary, signed) = profile::open(&pending.file)?;
        Ok(profile::check(dictionary, signed, self.hardware.ios)?)
    }

    /// The profile is installed or was given up.
    pub(crate) fn forget_pending(&mut self) {
        self.pending = None;
    }

    /// Where its keys come from.
    pub fn keys(&self) -> &KeyPool {
        &self.keys
    }

    pub fn is_managed(&self) -> bool {
        self.management.is_some()
    }

    /// How it is managed, if it is.
    pub fn management(&self) -> Option<&Management> {
        self.management.as_ref()
    }

    /// As `management`, to change it: a test gives the device another certificate.
    pub fn management_mut(&mut self) -> Option<&mut Management> {
        self.management.as_mut()
    }
}
