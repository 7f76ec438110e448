//! The table of MDM commands: what the server knows of each request type, and what the console offers.
//!
//! A further command is a row in [`COMMANDS`], with its request type in `REQUEST_TYPES` if that is new, a builder in
//! `build`, and its fields in the console's template `command_fields`. Apple's rule tables (crate `apple`) say which
//! kinds of enrollment and versions of iOS permit a command and each of its keys. Every command is checked against
//! them.

use super::build::{self, AppName};
use super::input::{BadInput, Input};
use super::upload;
use decisions::device::{Device, Refusal};
use events::device::Priority;
use events::enrollment::EnrollmentKind;
use plist::Dictionary;

/// What the server reads from the result of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultKind {
    /// Only whether the command succeeded.
    Status,
    /// `QueryResponses`: facts about the device.
    DeviceInformation,
    /// `SecurityInfo`: facts about passcode and encryption.
    SecurityInfo,
    /// A list whose key is the request type; the listed fields of each entry are kept.
    List(&'static [&'static str]),
    /// The state of one app.
    InstalledApp,
    /// The states of the managed apps.
    ManagedApps,
}

/// A `RequestType` of Apple's schema (mdm/commands/*.yaml).
#[derive(Debug)]
pub struct RequestType {
    pub name: &'static str,
    pub priority: Priority,
    /// Whether the payload is sealed under the device's key. It is not if it contains only questions and names of apps
    /// and profiles.
    pub sealed: bool,
    pub result: ResultKind,
}

const fn row(name: &'static str, priority: Priority, sealed: bool, result: ResultKind) -> RequestType {
    RequestType { name, priority, sealed, result }
}

/// The request types with a rule of their own. Muster also sends `Settings`, which [`OTHER`] covers.
pub(crate) const REQUEST_TYPES: [RequestType; 13] = [
    row(
        "CertificateList",
        Priority::Background,
        false,
        // Fields: mdm/commands/certificate.list.yaml.
        ResultKind::List(&["CommonName", "IsIdentity"]),
    ),
    row("ClearPasscode", Priority::Urgent, false, ResultKind::Status),
    row("DeviceInformation", Priority::Background, false, ResultKind::DeviceInformation),
    row("DeviceLock", Priority::Urgent, true, ResultKind::Status),
    row("EraseDevice", Priority::Urgent, false, ResultKind::Status),
    row("InstallApplication", Priority::Normal, true, ResultKind::InstalledApp),
    row("InstallProfile", Priority::Normal, true, ResultKind::Status),
    row(
        "InstalledApplicationList",
        Priority::Background,
        false,
        // Fields: mdm/commands/application.installed.list.yaml.
        ResultKind::List(&["Identifier", "Name", "ShortVersion", "Version"]),
    ),
    row("ManagedApplicationList", Priority::Background, false, ResultKind::ManagedApps),
    row(
        "ProfileList",
        Priority::Background,
        false,
        // Fields: mdm/commands/profile.list.yaml.
        ResultKind::List(&["PayloadIdentifier", "PayloadDisplayName", "PayloadOrganization", "PayloadUUID"]),
    ),
    row("RemoveApplication", Priority::Normal, false, ResultKind::Status),
    row("RemoveProfile", Priority::Normal, false, ResultKind::Status),
    row("SecurityInfo", Priority::Background, false, ResultKind::SecurityInfo),
];

/// Any other request type, such as `Settings`: normal priority, sealed, only its status is read.
const OTHER: RequestType = row("", Priority::Normal, true, ResultKind::Status);

/// Returns what the server knows of a request type.
pub fn request_type(name: &str) -> &'static RequestType {
    REQUEST_TYPES.iter().find(|known| known.name == name).unwrap_or(&OTHER)
}

/// The devices for which the console offers a command. Whether a device accepts it is decided by Apple's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// For every enrolled device.
    Everywhere,
    /// For devices of the organization (Device Enrollment).
    Institutional,
    /// For many devices at once. For a single device it is among the actions on its record.
    ForMany,
}

/// The device for which a command is built.
pub struct Subject<'a> {
    pub device: &'a Device,
    /// Identifier of its enrollment profile, if it has one.
    pub enrollment_profile: Option<&'a str>,
    /// Name of the organization, for prompts on the device.
    pub organization: &'a str,
}

/// Builds the `Command` dictionaries for one device, in the order in which they are sent.
pub type Build = Box<dyn Fn(&Subject<'_>) -> Result<Vec<Dictionary>, Refusal> + Send + Sync>;

/// A command as the console offers it.
pub struct CommandSpec {
    /// Name in addresses and forms, such as `lock`.
    pub name: &'static str,
    pub label: &'static str,
    /// What the command does, for the staff member.
    pub consequence: &'static str,
    /// Whether it cannot be undone: the staff member confirms it.
    pub irreversible: bool,
    pub offered: Offered,
    /// Request type of which a second waiting command rarely makes sense: the form says if one is waiting.
    pub once: Option<&'static str>,
    /// Names of the form fields, besides the uploaded file.
    pub fields: &'static [&'static str],
    /// Whether it removes the enrollment profile.
    pub ends_management: bool,
    /// Reads the fields of the form.
    pub read: fn(&Input) -> Result<Build, BadInput>,
}

impl PartialEq for CommandSpec {
    fn eq(&self, other: &CommandSpec) -> bool {
        self.name == other.name
    }
}

/// The commands of the console, in the order in which they are offered.
pub const COMMANDS: [CommandSpec; 9] = [
    CommandSpec {
        name: "ask",
        label: "Request information",
        consequence: "The device answers when it is next online. A personal device reports nothing about its hardware or the \
                      person’s own data. If it reports more, Muster does not keep it.",
        irreversible: false,
        offered: Offered::Everywhere,
        once: None,
        fields: &["question"],
        ends_management: false,
        read: ask,
    },
    CommandSpec {
        name: "lock",
        label: "Lock",
        consequence: "Locks the screen at once. Anyone who has the passcode can unlock it. Nothing is lost.",
        irreversible: false,
        offered: Offered::Everywhere,
        once: Some("DeviceLock"),
        fields: &["message", "phone_number"],
        ends_management: false,
        read: lock,
    },
    CommandSpec {
        name: "install-profile",
        label: "Install a profile",
        consequence: "Sends a configuration profile. Muster first checks it against the device’s iOS version and kind of \
                      enrollment, and lists the keys that the device would ignore.",
        irreversible: false,
        offered: Offered::Everywhere,
        once: None,
        fields: &[],
        ends_management: false,
        read: install_profile,
    },
    CommandSpec {
        name: "remove-profile",
        label: "Remove a profile",
        consequence: "Removes a profile that was installed by the management, with the settings in it.",
        irreversible: false,
        offered: Offered::Everywhere,
        once: None,
        fields: &["identifier"],
        ends_management: false,
        read: remove_profile,
    },
    CommandSpec {
        name: "install-app",
        label: "Install an app",
        consequence: "The device offers the app to the person, or installs it at once if that is allowed. When the management \
                      ends, the app and its data are removed.",
        irreversible: false,
        offered: Offered::Everywhere,
        once: None,
        fields: &["app", "licensed"],
        ends_management: false,
        read: install_app,
    },
    CommandSpec {
        name: "remove-app",
        label: "Remove an app",
        consequence: "Removes an app that was installed by the management, with all its data on the device.",
        irreversible: false,
        offered: Offered::Everywhere,
        once: None,
        fields: &["identifier"],
        ends_management: false,
        read: remove_app,
    },
    CommandSpec {
        name: "clear-passcode",
        label: "Clear the passcode",
        consequence: "Removes the passcode. Until a new one is set, anyone who holds the device can open it and read everything \
                      on it.",
        irreversible: true,
        offered: Offered::Institutional,
        once: Some("ClearPasscode"),
        fields: &[],
        ends_management: false,
        read: |_| Ok(always(build::clear_passcode())),
    },
    CommandSpec {
        name: "erase",
        label: "Erase",
        consequence: "Deletes everything on the device: settings, apps, pictures and messages. It also ends the management. \
                      You cannot undo this.",
        irreversible: true,
        offered: Offered::Institutional,
        once: Some("EraseDevice"),
        fields: &[],
        ends_management: false,
        read: |_| Ok(always(build::erase())),
    },
    UNENROLL,
];

/// Ends management. The record of a device offers it among its actions, with the same label and consequence.
pub const UNENROLL: CommandSpec = CommandSpec {
    name: "unenroll",
    label: "Unenroll",
    consequence: "Ends the management of the device. When it is next online, the device removes the MDM profile with the apps, \
                  accounts and data that came with it. The person’s own data stays, and the record stays.",
    irreversible: true,
    offered: Offered::ForMany,
    once: None,
    fields: &[],
    ends_management: true,
    read: |_| Ok(Box::new(unenroll)),
};

/// Returns the command of this name.
pub fn command(name: &str) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Maximum length of a lock screen message in characters.
const LONGEST_MESSAGE: usize = 500;

fn always(command: Dictionary) -> Build {
    Box::new(move |_| Ok(vec![command.clone()]))
}

/// A choice of the command `ask`.
pub struct Question {
    /// Value of the field `question`.
    pub name: &'static str,
    pub label: &'static str,
    build: fn(&Device) -> Dictionary,
}

const fn question(name: &'static str, label: &'static str, build: fn(&Device) -> Dictionary) -> Question {
    Question { name, label, build }
}

/// The choices of the command `ask`, in the order of the form.
pub const QUESTIONS: [Question; 6] = [
    question("information", "Name, model, version, hardware", |device| {
        build::device_information(kind(device), device.version())
    }),
    question("security", "Passcode and encryption", |_| build::security_info()),
    question("profiles", "Profiles", |_| build::profile_list()),
    question("apps", "Apps", |device| build::installed_apps(kind(device))),
    question("managed-apps", "Status of managed apps", |_| build::managed_apps(&[])),
    question("certificates", "Certificates", |_| build::certificate_list()),
];

// Returns the kind of enrollment; User Enrollment, which permits less, if it is unknown.
fn kind(device: &Device) -> EnrollmentKind {
    device.kind().unwrap_or(EnrollmentKind::UserEnrollment)
}

fn ask(input: &Input) -> Result<Build, BadInput> {
    let name = input.needed("question", "Choose what to request.")?;
    let found = QUESTIONS.into_iter().find(|question| question.name == name);
    let build = found.ok_or(BadInput::Wrong("This request is not one of the choices."))?.build;
    Ok(Box::new(move |subject| Ok(vec![build(subject.device)])))
}

fn lock(input: &Input) -> Result<Build, BadInput> {
    let [message, phone_number] = [short(input, "message")?, short(input, "phone_number")?];
    Ok(always(build::lock(message, phone_number)))
}

fn short<'a>(input: &'a Input, name: &str) -> Result<Option<&'a str>, BadInput> {
    match input.text(name) {
        Some(text) if text.chars().count() > LONGEST_MESSAGE => Err(BadInput::Wrong("The message is too long.")),
        text => Ok(text),
    }
}

fn install_profile(input: &Input) -> Result<Build, BadInput> {
    let file = input.file().ok_or(BadInput::Wrong("Choose a configuration profile."))?;
    let upload = upload::open(file)?;
    Ok(always(build::install_profile(&upload.file)))
}

fn remove_profile(input: &Input) -> Result<Build, BadInput> {
    let identifier = input.needed("identifier", "Enter the identifier of the profile.")?.to_owned();
    Ok(Box::new(move |subject| {
        if subject.enrollment_profile == Some(&identifier) {
            // Removing it ends management. The separate command `unenroll` does this, with a confirmation.
            let why =
                format!("{identifier} is the enrollment profile: removing it ends management, which Unenroll does");
            return Err(Refusal::CommandForbidden { request_type: "RemoveProfile".into(), why });
        }
        Ok(vec![build::remove_profile(&identifier)])
    }))
}

fn install_app(input: &Input) -> Result<Build, BadInput> {
    let app = input.needed("app", "Enter the app’s number in the App Store or its bundle identifier.")?;
    let app = app.parse().map_or_else(|_| AppName::Bundle(app.to_owned()), AppName::Store);
    let licensed = input.text("licensed").is_some();
    // The order matters: the prompt for the app shows the organization that was sent before.
    Ok(Box::new(move |subject| {
        Ok(vec![build::organization_info(subject.organization), build::install_app(&app, licensed)])
    }))
}

fn remove_app(input: &Input) -> Result<Build, BadInput> {
    Ok(always(build::remove_app(input.needed("identifier", "Enter the app’s bundle identifier.")?)))
}

fn unenroll(subject: &Subject<'_>) -> Result<Vec<Dictionary>, Refusal> {
    let identifier = subject.enrollment_profile.ok_or(Refusal::NotEnrolled(subject.device.phase))?;
    Ok(vec![build::remove_profile(identifier)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_every_request_type_is_one_of_apples() {
        let names: BTreeSet<_> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        let types: BTreeSet<_> = REQUEST_TYPES.iter().map(|known| known.name).collect();
        assert_eq!(types.len(), REQUEST_TYPES.len());
        for command in &COMMANDS {
            assert!(command.once.is_none_or(|name| types.contains(name)), "{}", command.name);
        }
    }

    #[test]
    fn what_only_asks_is_kept_in_plain_text_and_what_a_person_or_file_says_is_sealed() {
        for (name, sealed) in
            [("SecurityInfo", false), ("DeviceLock", true), ("InstallProfile", true), ("Settings", true)]
        {
            assert_eq!(request_type(name).sealed, sealed, "{name}");
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        let none = Input::default();
        for name in ["ask", "install-profile", "remove-profile", "install-app", "remove-app"] {
            let command = command(name).unwrap();
            assert!((command.read)(&none).is_err(), "{name}");
        }
        assert!((command("lock").unwrap().read)(&none).is_ok(), "words on the lock screen may be left out");
    }
}
