//! Reads a device's answer to a command from its property list.

use super::message::{self, BadField};
use events::device::{AnswerFault, CommandId, CommandStatus, MdmError};
use events::enrollment::EnrollmentKind;
use events::person::PersonId;
use events::personal::Personal;
use plist::{Dictionary, Value};
use property_list::Reading;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Limit for an error text, in characters. Longer texts are truncated, since they are only for people to read.
const MAX_TEXT: usize = 500;
/// Limit for the name of an error domain, in bytes.
const MAX_DOMAIN: usize = 100;
/// Limit for the length of an error chain. Real chains have two or three items.
const MAX_ERRORS: usize = 16;

#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Nothing to report; the device asks for its next command.
    Idle,
    Answer {
        /// `None` if `CommandUUID` is not a UUID.
        command: Option<CommandId>,
        status: CommandStatus,
    },
}

/// The readable content of a message to `/mdm/command`.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Report(Report),
    /// Not enough for a report. `command` is the command that it answers, if that can be read.
    Unreadable {
        command: Option<CommandId>,
        why: BTreeSet<AnswerFault>,
    },
}

impl Said {
    pub fn of(reading: &Reading) -> Said {
        let fault = match (&reading.broken, Report::of(&reading.fields)) {
            (None, Ok(report)) => return Said::Report(report),
            // An Idle message has no other content that could be lost.
            (Some(_), Ok(Report::Idle)) => return Said::Report(Report::Idle),
            (Some(broken), _) => broken.fault(),
            (None, Err(BadField("Status"))) => AnswerFault::Status,
            (None, Err(_)) => AnswerFault::OtherCommand,
        };
        let why = reading.left_out.iter().copied().chain([fault]).collect();
        Said::Unreadable { command: command(&reading.fields).ok().flatten(), why }
    }
}

fn command(fields: &Dictionary) -> Result<Option<CommandId>, BadField> {
    Ok(Uuid::parse_str(message::text(fields, "CommandUUID")?).ok().map(CommandId))
}

impl Report {
    /// Reads a report from the fields of a message.
    ///
    /// # Errors
    /// Returns an error if `Status` is missing or unknown, or if `CommandUUID` is missing from an answer.
    pub fn of(fields: &Dictionary) -> Result<Report, BadField> {
        let status = match message::text(fields, "Status")? {
            "Idle" => return Ok(Report::Idle),
            "Acknowledged" => CommandStatus::Acknowledged,
            "Error" => CommandStatus::Error,
            "CommandFormatError" => CommandStatus::CommandFormatError,
            "NotNow" => CommandStatus::NotNow,
            _ => return Err(BadField("Status")),
        };
        Ok(Report::Answer { command: command(fields)?, status })
    }
}

/// Reads `ErrorChain` (mdm/commands/commonresponse) and seals the texts under the person's key. In User Enrollment the
/// texts are dropped: they may name anything on the device, such as a personal app, and that is private.
pub fn errors(fields: &Dictionary, kind: Option<EnrollmentKind>, person: PersonId) -> Vec<MdmError> {
    let chain = fields.get("ErrorChain").and_then(Value::as_array);
    let items = chain.into_iter().flatten().filter_map(Value::as_dictionary).take(MAX_ERRORS);
    let texts = kind == Some(EnrollmentKind::DeviceEnrollment);
    items.map(|item| error(item, texts.then_some(person))).collect()
}

fn error(item: &Dictionary, person: Option<PersonId>) -> MdmError {
    let text = |key| message::text(item, key).ok().filter(|text: &&str| !text.is_empty());
    // The English text is preferred. `LocalizedDescription` is in the user's language.
    let description = || text("USEnglishDescription").or_else(|| text("LocalizedDescription"));
    let sealed =
        |person: PersonId| Some(Personal::new(person.key(), description()?.chars().take(MAX_TEXT).collect::<String>()));
    MdmError {
        code: item.get("ErrorCode").and_then(Value::as_signed_integer).unwrap_or_default(),
        domain: text("ErrorDomain").filter(|domain| is_domain(domain)).unwrap_or_default().to_owned(),
        description: person.and_then(sealed),
    }
}

// `MCMDMErrorDomain` or `com.apple.…`: a name, never a sentence.
fn is_domain(text: &str) -> bool {
    text.len() <= MAX_DOMAIN && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plist::Value;

    fn fields(xml: &str) -> Dictionary {
        Value::from_reader_xml(format!("<plist version=\"1.0\"><dict>{xml}</dict></plist>").as_bytes())
            .unwrap()
            .into_dictionary()
            .unwrap()
    }

    #[test]
    fn every_status_that_devices_have_is_understood_and_no_other() {
        let id = "0190aaaa-0000-7000-8000-000000000001";
        for (status, expected) in [
            ("Acknowledged", CommandStatus::Acknowledged),
            ("Error", CommandStatus::Error),
            ("CommandFormatError", CommandStatus::CommandFormatError),
            ("NotNow", CommandStatus::NotNow),
        ] {
            let report = Report::of(&fields(&format!(
                "<key>Status</key><string>{status}</string><key>CommandUUID</key><string>{id}</string>"
            )));
            let command = Some(CommandId(Uuid::parse_str(id).unwrap()));
            assert_eq!(report, Ok(Report::Answer { command, status: expected }));
        }
        assert_eq!(Report::of(&fields("<key>Status</key><string>Idle</string>")), Ok(Report::Idle));
        assert!(Report::of(&fields("<key>Status</key><string>Fine</string>")).is_err());
        assert!(Report::of(&fields("")).is_err());
    }

    #[test]
    fn a_message_says_as_much_as_can_be_read_of_it() {
        let id = "0190aaaa-0000-7000-8000-000000000001";
        let command = Some(CommandId(Uuid::parse_str(id).unwrap()));
        let said = |xml: &str| Said::of(&property_list::read(xml.as_bytes()));
        let named = format!("<plist><dict><key>CommandUUID</key><string>{id}</string>");
        let unreadable = |command, why: &[AnswerFault]| {
            let why = why.iter().copied().collect();
            Said::Unreadable { command, why }
        };
        let (broken, status) = (AnswerFault::NotAPropertyList, AnswerFault::Status);
        assert_eq!(said(&named), unreadable(command, &[broken]));
        assert_eq!(said(&format!("{named}</dict></plist>")), unreadable(command, &[status]));
        let cut = format!("{named}<key>a</key><integer/><key>Status</key><true/></dict></plist>");
        assert_eq!(said(&cut), unreadable(command, &[AnswerFault::Number, status]));
        let nameless = "<plist><dict><key>Status</key><string>Acknowledged</string></dict></plist>";
        assert_eq!(said(nameless), unreadable(None, &[AnswerFault::OtherCommand]));
        assert_eq!(said("hello"), unreadable(None, &[AnswerFault::Structure, broken]));
        let idle = "<plist><dict><key>Status</key><string>Idle</string></dict>";
        assert_eq!(said(idle), Said::Report(Report::Idle), "Idle has no other content");
    }

    const ADA: PersonId = PersonId(Uuid::from_u128(1));

    fn failed(domain: &str, text: &str) -> Dictionary {
        fields(&format!(
            "<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>12021</integer>
             <key>ErrorDomain</key><string>{domain}</string>
             <key>LocalizedDescription</key><string>Ungültig</string>
             <key>USEnglishDescription</key><string>{text}</string></dict></array>"
        ))
    }

    #[test]
    fn an_error_chain_is_kept_in_english_cut_and_sealed() {
        let failed = failed("MCMDMErrorDomain", &"x".repeat(10_000));
        let errors = errors(&failed, Some(EnrollmentKind::DeviceEnrollment), ADA);
        assert_eq!((errors.len(), errors[0].code, errors[0].domain.as_str()), (1, 12021, "MCMDMErrorDomain"));
        assert_eq!(errors[0].description, Some(Personal::new(ADA.key(), "x".repeat(MAX_TEXT))));
    }

    #[test]
    fn of_a_personal_device_no_text_of_an_error_is_kept_nor_one_that_passes_for_a_domain() {
        for kind in [Some(EnrollmentKind::UserEnrollment), None] {
            let told = errors(&failed("MCMDMErrorDomain", "The app Tinder is in the way."), kind, ADA);
            assert_eq!(told, [MdmError { code: 12021, domain: "MCMDMErrorDomain".into(), description: None }]);
        }
        let told = errors(&failed("Tinder is in the way", ""), Some(EnrollmentKind::UserEnrollment), ADA);
        assert_eq!(told, [MdmError { code: 12021, domain: String::new(), description: None }]);
    }
}
