//! Which column means which field. An administrator writes a mapping in TOML, or a preset has the documented columns of
//! a product.

mod owner;
mod plan;
mod presets;
#[cfg(test)]
mod tests;

pub use owner::{Attribute, NoOwnerRule, OwnerField, OwnerRule};
pub(crate) use plan::{Known, Plan, resolve};
pub use presets::Preset;

use crate::dates::{DateOrder, ExcelDates, Zone};
use crate::field::Field;
use crate::input::Encoding;
use serde::Deserialize;
use std::collections::BTreeMap;

/// How to read a file. The default recognizes the preset from the columns.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Name of the product or of its instance. Records of a later import are found by it and the source id. `None`: the
    /// product's name in the preset.
    pub source: Option<String>,
    /// The preset from which the mapping starts; `columns`, `constants` and `values` override it. Without a preset and
    /// without `columns`, it is recognized.
    pub preset: Option<Preset>,
    /// The columns of each field. In JSON Lines, these are dotted names. An empty list removes the field of a preset.
    pub columns: BTreeMap<Field, Columns>,
    /// Values of fields that are the same in all rows.
    pub constants: BTreeMap<Field, String>,
    /// Translations of values, as of the kinds of enrollment: value in the file, value of the field. An empty value
    /// means absence.
    pub values: BTreeMap<Field, BTreeMap<String, String>>,
    /// Which field equals which attribute of the owner. Without a rule, owners are not resolved. Rules that find
    /// somebody must find the same person; one whose value nobody has does not contradict.
    pub owner: Vec<OwnerRule>,
    /// Identifiers that replace an absent source id, in this order. They must be stable.
    pub fallback_id: Option<Vec<Fallback>>,
    /// The order of day and month in dates such as 03/04/2024. Without it, ambiguous dates are left out.
    pub date_order: Option<DateOrder>,
    /// The zone of dates that name none. Without it, UTC is assumed and reported.
    pub zone: Option<Zone>,
    pub excel_dates: ExcelDates,
    /// Encoding of a file without byte order mark. `None`: found from the bytes.
    pub encoding: Option<Encoding>,
    /// `None`: found from the header.
    pub delimiter: Option<Delimiter>,
}

/// The columns of a field: a name, or several. IMEIs and MEIDs are read from all of them, another field from the first
/// that has a value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Columns {
    One(String),
    Several(Vec<String>),
}

impl Columns {
    fn names(&self) -> &[String] {
        match self {
            Columns::One(name) => std::slice::from_ref(name),
            Columns::Several(names) => names,
        }
    }
}

/// An identifier that can replace the source id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    Udid,
    SerialNumber,
}

impl Fallback {
    pub(crate) fn field(self) -> Field {
        match self {
            Fallback::Udid => Field::Udid,
            Fallback::SerialNumber => Field::SerialNumber,
        }
    }
}

/// What separates the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Delimiter {
    #[serde(rename = ",", alias = "comma")]
    Comma,
    #[serde(rename = ";", alias = "semicolon")]
    Semicolon,
    #[serde(rename = "\t", alias = "tab")]
    Tab,
}

impl Delimiter {
    pub(crate) const ALL: [Delimiter; 3] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab];

    pub(crate) fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
        }
    }
}

/// Why a mapping does not fit a file. Lists of columns name all columns of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error(
        "the columns are those of no known product: write a mapping whose [columns] name at least source_id. The file \
         has the columns {columns}"
    )]
    NoPreset { columns: String },
    #[error(
        "the columns fit several products ({presets}): set preset in the mapping. The file has the columns {columns}"
    )]
    SeveralPresets { presets: String, columns: String },
    #[error("columns.{field} names {column}, which is no column of the file: the file has the columns {columns}")]
    NoColumn { field: Field, column: String, columns: String },
    #[error(
        "columns.{field} names {column}, which {count} columns of the file have: rename all but one of them. The file \
         has the columns {columns}"
    )]
    RepeatedColumn { field: Field, column: String, count: usize, columns: String },
    #[error(
        "no column of the file is the id of the record (source_id), by which a later import finds it: export the id, \
         name its column in columns.source_id, or set fallback_id to [\"udid\"] or [\"serial_number\"] with a column \
         for it. {hint}The file has the columns {columns}"
    )]
    NoSourceId { hint: String, columns: String },
    #[error("source is empty: enter the name of the product or of its instance")]
    NoSource,
    #[error("source has {length} characters: use a name of at most {LONGEST_SOURCE}")]
    LongSource { length: usize },
    #[error("source is {OWN_SOURCE}, which names the enrollments of this server: enter the name of the other product")]
    OwnSource,
    #[error("source {why}")]
    UnusableSource { why: String },
    #[error("{field} is in columns and in constants: remove one of them")]
    ColumnAndConstant { field: Field },
    #[error("constants.{field} would give all devices the same identifier: name its column in columns.{field}")]
    ConstantIdentifier { field: Field },
    #[error(
        "{place} is {value}, which is no kind of enrollment: use personal-device-profile, user-enrollment, \
         device-enrollment or unknown"
    )]
    NotAKind { place: String, value: String },
}

/// Maximum number of characters of the name of a source.
const LONGEST_SOURCE: usize = 100;

/// The source of this server's own enrollments in a lineage.
const OWN_SOURCE: &str = "Muster";

/// Returns the names for a message.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| names::quoted(name)).collect::<Vec<_>>().join(", ")
}
