//! The outcome of a line of the file: a row with notes, or a bad row with reasons.

use crate::field::Field;
use crate::limits::{FIELD_LIMIT, ROW_LIMIT};
use crate::note::{Note, NoteKind};
use crate::record::Record;
use std::fmt;

/// A line of the file that could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Number of the line in the file on which the row begins; the first line is 1.
    pub line: u64,
    pub record: Record,
    /// What was repaired, assumed or left out.
    pub notes: Vec<Note>,
}

impl Row {
    /// Returns whether an earlier row of the file is the same record with the same content.
    pub fn is_repeated(&self) -> bool {
        self.notes.iter().any(|note| note.kind == NoteKind::Repeated)
    }
}

/// A line of the file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Number of the line in the file on which the row begins; the first line is 1.
    pub line: u64,
    /// The original text of the row without its line end, from at most [`ROW_LIMIT`] bytes. Bytes that are no text are
    /// U+FFFD.
    pub text: String,
    /// At least one.
    pub reasons: Vec<Reason>,
}

/// Why a row is bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    RowTooLong,
    FieldTooLong(Field),
    /// A quotation mark opens a field and nothing closes it.
    QuoteNotClosed,
    TooFewFields {
        found: usize,
        expected: usize,
    },
    TooManyFields {
        found: usize,
        expected: usize,
    },
    NotUtf8,
    /// The text is the parser's message.
    NotJson(String),
    NotAnObject,
    NoSourceId,
    /// The id cannot identify the record; the text says why.
    UnusableSourceId(String),
    /// Another row of the file has the same id and other content.
    Duplicate {
        /// The line of the first row with this id.
        first: u64,
    },
}

impl BadRow {
    /// Returns the line and its reasons.
    pub fn why(&self) -> String {
        let reasons = self.reasons.iter().map(Reason::to_string).collect::<Vec<_>>().join("; ");
        format!("line {}: {reasons}", self.line)
    }
}

impl Reason {
    /// Returns a fixed name for counting.
    pub fn label(&self) -> &'static str {
        match self {
            Reason::RowTooLong => "row-too-long",
            Reason::FieldTooLong(_) => "field-too-long",
            Reason::QuoteNotClosed => "quote-not-closed",
            Reason::TooFewFields { .. } => "too-few-fields",
            Reason::TooManyFields { .. } => "too-many-fields",
            Reason::NotUtf8 => "not-utf-8",
            Reason::NotJson(_) => "not-json",
            Reason::NotAnObject => "not-an-object",
            Reason::NoSourceId => "no-source-id",
            Reason::UnusableSourceId(_) => "unusable-source-id",
            Reason::Duplicate { .. } => "duplicate",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (row, field) = (ROW_LIMIT / 1024, FIELD_LIMIT);
        match self {
            Reason::RowTooLong => write!(f, "the row is longer than {row} KiB: check its quotation marks"),
            Reason::FieldTooLong(name) => write!(f, "{name} is longer than {field} bytes: shorten it"),
            Reason::QuoteNotClosed => {
                f.write_str("a field begins with a quotation mark that is not closed: close or remove it")
            }
            Reason::TooFewFields { found, expected } => write!(
                f,
                "the row has {found} of {expected} fields: add the missing delimiters, or quote a line break within a \
                 field"
            ),
            Reason::TooManyFields { found, expected } => write!(
                f,
                "the row has {found} fields, but the header has {expected}: quote the field that contains the delimiter"
            ),
            Reason::NotUtf8 => f.write_str(
                "the row has bytes that are not UTF-8, but earlier rows are UTF-8: save the row in the same encoding",
            ),
            Reason::NotJson(message) => write!(f, "the line is not JSON ({message}): correct it"),
            Reason::NotAnObject => f.write_str("the line is not a JSON object: write one object per line"),
            Reason::NoSourceId => f.write_str(
                "source_id has no value, so that a later import could not find the record: enter it, or set \
                 fallback_id in the mapping",
            ),
            Reason::UnusableSourceId(why) => write!(f, "source_id {why}"),
            Reason::Duplicate { first } => write!(
                f,
                "line {first} has the same source_id with other content, and was read: keep the row that is correct"
            ),
        }
    }
}
