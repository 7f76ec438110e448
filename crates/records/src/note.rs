//! Notes on the values of a row: what was repaired, assumed or left out.

use crate::field::Field;
use std::fmt;

/// What was done with a value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// `None` if the note is about the whole row.
    pub field: Option<Field>,
    pub kind: NoteKind,
    /// The value in the file: one visible line of at most 80 characters. It may be personal.
    pub found: String,
}

/// What a note says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// Damage by a spreadsheet was repaired.
    Repaired,
    /// Control characters or characters that reorder text were replaced by their escapes.
    Escaped,
    /// A character is not in the encoding of the file, and is shown as U+FFFD.
    Unreadable,
    /// A date has no zone, and the mapping has none: UTC was assumed.
    ZoneAssumed,
    /// The row is not UTF-8: Windows-1252 was assumed.
    EncodingAssumed,
    /// The kind of enrollment is none that the mapping translates.
    Untranslated,
    /// The source id is absent; another identifier is used instead.
    FallbackId,
    /// The value is a list or comes several times: its values were joined with commas.
    Joined,
    /// The date is in the future.
    Future,
    /// An earlier row is the same record with the same content.
    Repeated,
    /// The value was left out.
    LeftOut(LeftOut),
}

/// Why a value was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftOut {
    /// A spreadsheet turned the identifier into a number and lost digits.
    LostDigits,
    /// The check digit of an IMEI is wrong.
    CheckDigit,
    /// The value does not have the form of its field.
    Form,
    /// The value is an EnrollmentID or the UDID of a Mac.
    EnrollmentId,
    AmbiguousDate,
    /// The date contradicts the order that the mapping names.
    DateOrder,
    /// The date is before the first iPhone or after 2199.
    ImplausibleDate,
    /// The zone of the date has a name, which can mean several zones.
    NamedZone,
}

impl Note {
    pub(crate) fn new(field: impl Into<Option<Field>>, kind: NoteKind, found: &str) -> Note {
        let cut: String = found.chars().take(80).collect();
        Note { field: field.into(), kind, found: names::visible::visible_line(&cut).into_owned() }
    }
}

impl NoteKind {
    /// Returns a fixed name for counting.
    pub fn label(self) -> &'static str {
        match self {
            NoteKind::Repaired => "repaired",
            NoteKind::Escaped => "escaped",
            NoteKind::Unreadable => "unreadable",
            NoteKind::ZoneAssumed => "zone-assumed",
            NoteKind::EncodingAssumed => "encoding-assumed",
            NoteKind::Untranslated => "untranslated",
            NoteKind::FallbackId => "fallback-id",
            NoteKind::Joined => "joined",
            NoteKind::Future => "future",
            NoteKind::Repeated => "repeated-row",
            NoteKind::LeftOut(LeftOut::LostDigits) => "left-out-lost-digits",
            NoteKind::LeftOut(LeftOut::CheckDigit) => "left-out-check-digit",
            NoteKind::LeftOut(LeftOut::Form) => "left-out-form",
            NoteKind::LeftOut(LeftOut::EnrollmentId) => "left-out-enrollment-id",
            NoteKind::LeftOut(LeftOut::AmbiguousDate) => "left-out-ambiguous-date",
            NoteKind::LeftOut(LeftOut::DateOrder) => "left-out-date-order",
            NoteKind::LeftOut(LeftOut::ImplausibleDate) => "left-out-implausible-date",
            NoteKind::LeftOut(LeftOut::NamedZone) => "left-out-named-zone",
        }
    }
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoteKind::Repaired => "the damage by a spreadsheet was repaired",
            NoteKind::Escaped => "characters that are invisible or reorder text are shown as escapes",
            NoteKind::Unreadable => "a character could not be read: export the file again as UTF-8",
            NoteKind::ZoneAssumed => "the date has no zone, and UTC was assumed: set zone in the mapping",
            NoteKind::EncodingAssumed => {
                "the row is not UTF-8, and Windows-1252 was assumed: check letters with accents"
            }
            NoteKind::Untranslated => "the value is no kind of enrollment: translate it in values.kind of the mapping",
            NoteKind::FallbackId => "source_id has no value, and another identifier was used",
            NoteKind::Joined => "it is a list, and its values were joined with commas: export one value",
            NoteKind::Future => "the date is in the future: check the zone, and the clock of the product",
            NoteKind::Repeated => "an earlier row is the same record with the same values, and was read once",
            NoteKind::LeftOut(why) => return write!(f, "left out: {why}"),
        })
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeftOut::LostDigits => "a spreadsheet turned it into a number and lost digits; export the file again",
            LeftOut::CheckDigit => "its check digit is wrong",
            LeftOut::Form => "it does not have the form of this field",
            LeftOut::EnrollmentId => "it has the form of an EnrollmentID or of a Mac's UDID",
            LeftOut::AmbiguousDate => "day and month may be exchanged: set date_order in the mapping",
            LeftOut::DateOrder => "it contradicts date_order in the mapping",
            LeftOut::ImplausibleDate => "it is before 2007 or after 2199",
            LeftOut::NamedZone => "its zone is a name that can mean several zones: export UTC or an offset",
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "{field} \"{}\": {}", self.found, self.kind),
            None => self.kind.fmt(f),
        }
    }
}
