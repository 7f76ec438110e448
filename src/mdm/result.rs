//! What a device answers to a command, taken out of its property list.

use super::message::{self, BadField};
use events::device::{CommandId, CommandStatus, MdmError};
use plist::{Dictionary, Value};
use uuid::Uuid;

/// Longer texts of errors are cut: they are for people to read.
const MAX_TEXT: usize = 500;
/// A chain of errors has two or three items.
const MAX_ERRORS: usize = 16;

#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Nothing to report: what is there to do?
    Idle,
    Answer {
        /// `None` if it is no command id of ours.
        command: Option<CommandId>,
        status: CommandStatus,
        errors: Vec<MdmError>,
    },
}

impl Report {
    /// # Errors
    /// If the status is missing or none that devices have.
    pub fn of(fields: &Dictionary) -> Result<Report, BadField> {
        let status = match message::text(fields, "Status")? {
            "Idle" => return Ok(Report::Idle),
            "Acknowledged" => CommandStatus::Acknowledged,
            "Error" => CommandStatus::Error,
            "CommandFormatError" => CommandStatus::CommandFormatError,
            "NotNow" => CommandStatus::NotNow,
            _ => return Err(BadField("Status")),
        };
        let command = Uuid::parse_str(message::text(fields, "CommandUUID")?).ok().map(CommandId);
        Ok(Report::Answer { command, status, errors: errors(fields) })
    }
}

fn errors(fields: &Dictionary) -> Vec<MdmError> {
    let chain = fields.get("ErrorChain").and_then(Value::as_array);
    chain.into_iter().flatten().filter_map(Value::as_dictionary).take(MAX_ERRORS).map(error).collect()
}

// English where there is it: the other text is in the person's language.
fn error(item: &Dictionary) -> MdmError {
    let text = |key| message::text(item, key).ok().map(|text: &str| text.chars().take(MAX_TEXT).collect::<String>());
    MdmError {
        code: item.get("ErrorCode").and_then(Value::as_signed_integer).unwrap_or_default(),
        domain: text("ErrorDomain").unwrap_or_default(),
        description: text("USEnglishDescription").or_else(|| text("LocalizedDescription")).unwrap_or_default(),
    }
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
            assert_eq!(report, Ok(Report::Answer { command, status: expected, errors: vec![] }));
        }
        assert_eq!(Report::of(&fields("<key>Status</key><string>Idle</string>")), Ok(Report::Idle));
        assert!(Report::of(&fields("<key>Status</key><string>Fine</string>")).is_err());
        assert!(Report::of(&fields("")).is_err());
    }

    #[test]
    fn an_error_chain_is_kept_in_english_and_cut() {
        let chain = format!(
            "<key>Status</key><string>Error</string><key>CommandUUID</key><string>not ours</string>
             <key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>12021</integer>
             <key>ErrorDomain</key><string>MCMDMErrorDomain</string>
             <key>LocalizedDescription</key><string>Ungültig</string>
             <key>USEnglishDescription</key><string>{}</string></dict></array>",
            "x".repeat(10_000)
        );
        let Ok(Report::Answer { command: None, errors, .. }) = Report::of(&fields(&chain)) else { panic!() };
        assert_eq!((errors.len(), errors[0].code, errors[0].domain.as_str()), (1, 12021, "MCMDMErrorDomain"));
        assert_eq!(errors[0].description, "x".repeat(MAX_TEXT));
    }
}
