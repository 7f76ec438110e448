//! The command verbs of the console, the description of their effect, and the action that a form requests.

use super::form::Sent;
use crate::admin::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devices::commands::Consent;
use devices::commands::act::{Act, Question, Wanted};
use devices::commands::build::AppName;
use devices::commands::upload::{self, Upload};
use events::Timestamp;
use events::enrollment::EnrollmentKind;
use projections::devices::{Device, State};
use uuid::Uuid;

/// Maximum length of a lock screen message in characters.
const LONGEST_MESSAGE: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Ask,
    Lock,
    ClearPasscode,
    Erase,
    InstallProfile,
    RemoveProfile,
    InstallApp,
    RemoveApp,
    Unenroll,
}

impl Verb {
    pub const ALL: [Verb; 9] = [
        Verb::Ask,
        Verb::Lock,
        Verb::InstallProfile,
        Verb::RemoveProfile,
        Verb::InstallApp,
        Verb::RemoveApp,
        Verb::ClearPasscode,
        Verb::Erase,
        Verb::Unenroll,
    ];

    pub fn parse(name: &str) -> Result<Verb, Problem> {
        Verb::ALL.into_iter().find(|verb| verb.as_str() == name).ok_or(Problem::NotFound)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Ask => "ask",
            Verb::Lock => "lock",
            Verb::ClearPasscode => "clear-passcode",
            Verb::Erase => "erase",
            Verb::InstallProfile => "install-profile",
            Verb::RemoveProfile => "remove-profile",
            Verb::InstallApp => "install-app",
            Verb::RemoveApp => "remove-app",
            Verb::Unenroll => "unenroll",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Verb::Ask => "Request information",
            Verb::Lock => "Lock",
            Verb::ClearPasscode => "Clear the passcode",
            Verb::Erase => "Erase",
            Verb::InstallProfile => "Install a profile",
            Verb::RemoveProfile => "Remove a profile",
            Verb::InstallApp => "Install an app",
            Verb::RemoveApp => "Remove an app",
            Verb::Unenroll => "Unenroll",
        }
    }

    pub fn consequence(self) -> &'static str {
        match self {
            Verb::Ask => {
                "The device answers when it is next online. A personal device reports nothing about its hardware or the \
                 person’s own data. If it reports more, Muster does not keep it."
            }
            Verb::Lock => "Locks the screen at once. Anyone who has the passcode can unlock it. Nothing is lost.",
            Verb::ClearPasscode => {
                "Removes the passcode. Until a new one is set, anyone who holds the device can open it and read everything \
                 on it."
            }
            Verb::Erase => {
                "Deletes everything on the device: settings, apps, pictures and messages. It also ends the management. \
                 You cannot undo this."
            }
            Verb::InstallProfile => {
                "Sends a configuration profile. Muster first checks it against the device’s iOS version and kind of \
                 enrollment, and lists the keys that the device would ignore."
            }
            Verb::RemoveProfile => "Removes a profile that was installed by the management, with the settings in it.",
            Verb::InstallApp => {
                "The device offers the app to the person, or installs it at once if that is allowed. When the management \
                 ends, the app and its data are removed."
            }
            Verb::RemoveApp => "Removes an app that was installed by the management, with all its data on the device.",
            Verb::Unenroll => {
                "Ends the management of the device. The device removes the MDM profile with the apps, accounts and data that \
                 came with it. The person’s own data stays."
            }
        }
    }

    /// Returns the request type of the command, for verbs of which a second waiting command rarely makes sense.
    pub fn request_type(self) -> Option<&'static str> {
        match self {
            Verb::Lock => Some("DeviceLock"),
            Verb::ClearPasscode => Some("ClearPasscode"),
            Verb::Erase => Some("EraseDevice"),
            _ => None,
        }
    }

    /// Returns whether the command is irreversible and must be confirmed.
    pub fn is_destructive(self) -> bool {
        matches!(self, Verb::Erase | Verb::ClearPasscode | Verb::Unenroll)
    }
}

/// Returns the commands that make sense for a device. Unenrolling is offered with the record's other actions.
pub fn possible(device: &Device) -> Vec<Verb> {
    if device.state != State::Enrolled {
        return vec![];
    }
    let institutional = device.kind == Some(EnrollmentKind::DeviceEnrollment);
    let makes_sense = |verb: &Verb| match verb {
        Verb::ClearPasscode | Verb::Erase => institutional,
        Verb::Unenroll => false,
        _ => true,
    };
    Verb::ALL.into_iter().filter(makes_sense).collect()
}

pub fn question_name(question: Question) -> &'static str {
    match question {
        Question::Information => "information",
        Question::Security => "security",
        Question::Profiles => "profiles",
        Question::Apps => "apps",
        Question::ManagedApps => "managed-apps",
        Question::Certificates => "certificates",
    }
}

/// Parses the action that a form requests.
///
/// # Errors
/// Returns an error that says what is missing or wrong.
pub fn wanted(verb: Verb, sent: &Sent, now: Timestamp) -> Result<Wanted, Problem> {
    let request = sent.text("request").and_then(|text| Uuid::parse_str(text).ok());
    let request = request.ok_or(Problem::Bad("The form is incomplete."))?;
    let days = sent.text("expires").map_or(Ok(0), str::parse::<i64>).ok().filter(|days| (0..=365).contains(days));
    let days = days.ok_or(Problem::Bad("This expiry is not one of the choices."))?;
    let expires = (days > 0).then(|| now.plus_seconds(days * 24 * 3_600));
    let consent = match sent.text("consent") {
        Some("warned") => Consent::Warned,
        Some("confirmed") => Consent::Confirmed,
        _ => Consent::Nothing,
    };
    Ok(Wanted { act: act(verb, sent)?, request, expires, consent })
}

fn act(verb: Verb, sent: &Sent) -> Result<Act, Problem> {
    let needed = |name: &str, what: &'static str| sent.text(name).map(str::to_owned).ok_or(Problem::Bad(what));
    Ok(match verb {
        Verb::Ask => {
            let name = needed("question", "Choose what to request.")?;
            let found = Question::ALL.into_iter().find(|question| question_name(*question) == name);
            Act::Ask(found.ok_or(Problem::Bad("This request is not one of the choices."))?)
        }
        Verb::Lock => Act::Lock { message: short(sent, "message")?, phone_number: short(sent, "phone_number")? },
        Verb::ClearPasscode => Act::ClearPasscode,
        Verb::Erase => Act::Erase,
        Verb::InstallProfile => Act::InstallProfile(Box::new(profile(sent)?)),
        Verb::RemoveProfile => {
            Act::RemoveProfile { identifier: needed("identifier", "Enter the identifier of the profile.")? }
        }
        Verb::InstallApp => {
            let app = needed("app", "Enter the app’s number in the App Store or its bundle identifier.")?;
            let app = app.parse().map_or_else(|_| AppName::Bundle(app.clone()), AppName::Store);
            Act::InstallApp { app, licensed: sent.text("licensed").is_some() }
        }
        Verb::RemoveApp => Act::RemoveApp { identifier: needed("identifier", "Enter the app’s bundle identifier.")? },
        Verb::Unenroll => Act::Unenroll,
    })
}

fn short(sent: &Sent, name: &str) -> Result<Option<String>, Problem> {
    match sent.text(name) {
        Some(text) if text.chars().count() > LONGEST_MESSAGE => Err(Problem::Bad("The message is too long.")),
        text => Ok(text.map(str::to_owned)),
    }
}

// Returns the uploaded file, or the copy that the rehearsal kept in its page.
fn profile(sent: &Sent) -> Result<Upload, Problem> {
    let kept = || sent.text("profile").and_then(|text| STANDARD.decode(text).ok());
    let file = sent.file().map(<[u8]>::to_vec).or_else(kept).ok_or(Problem::Bad("Choose a configuration profile."))?;
    upload::open(&file).map_err(|why| Problem::Refused(format!("This profile cannot be installed: {why}.")))
}
