//! The lines of a file with bad rows, in which an administrator corrects them and which is imported again. It has the
//! form of the original file; the reasons are in a first column, so that a row with too few fields stays as it is.

use crate::outcome::{BadRow, Reason};
use crate::reader::{Format, Layout};

/// Name of the column with the reasons.
pub const ERROR_COLUMN: &str = "Import error";

impl Layout {
    /// Returns the first line of the file with bad rows, with its line end; empty for JSON Lines. It begins with a byte
    /// order mark, without which Excel does not read UTF-8.
    pub fn bad_file_header(&self) -> String {
        match self.format {
            Format::Csv(delimiter) => {
                format!("\u{feff}{ERROR_COLUMN}{}{}\r\n", char::from(delimiter.byte()), self.header_text)
            }
            Format::JsonLines => String::new(),
        }
    }

    /// Returns the line of a bad row, with its line end.
    pub fn bad_file_line(&self, bad: &BadRow) -> String {
        let reasons = bad.reasons.iter().map(Reason::to_string).collect::<Vec<_>>().join("; ");
        let reasons = format!("line {}: {reasons}", bad.line);
        match self.format {
            Format::Csv(delimiter) => {
                format!("\"{}\"{}{}\r\n", reasons.replace('"', "\"\""), char::from(delimiter.byte()), bad.text)
            }
            // A line that is no object stays as it is.
            Format::JsonLines => match bad.text.trim_start().strip_prefix('{') {
                Some(rest) => {
                    let separator = if rest.trim_start().starts_with('}') { "" } else { "," };
                    format!("{{\"{ERROR_COLUMN}\":{}{separator}{rest}\n", serde_json::Value::from(reasons))
                }
                None => format!("{}\n", bad.text),
            },
        }
    }
}
